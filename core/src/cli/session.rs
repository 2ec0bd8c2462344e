//! What another session than the live one did, from the warm tier.

use std::path::Path;

use serde_json::json;

use super::trading::table;
use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::trading::TradeRow;
use crate::domain::{Account, Side};
use crate::journal::DirectoryLock;
use crate::session::archive::ArchiveError;
use crate::tiers::warm::Warm;

pub(super) fn trade_lines(trades: &[TradeRow]) -> Vec<String> {
    let names = ["time", "pair", "side", "quantity", "price", "fee", "total", "order"];
    let rows = trades
        .iter()
        .map(|t| vec![&t.event_time, &t.pair, &t.side, &t.quantity, &t.fill_price, &t.fee, &t.total_cost, &t.order_id]);
    table(&names, rows)
}

fn warm<T>(
    data: &Path,
    read: impl AsyncFnOnce(&Warm) -> Result<T, crate::tiers::warm::WarmError>,
) -> Result<T, ApiError> {
    let _lock = DirectoryLock::take(data)?;
    let found = tiers::runtime()?.block_on(async { read(&Warm::open(data).await?).await });
    found.map_err(|error| ArchiveError::from(error).into())
}

pub(super) fn balances(data: &Path, session: &str, json: bool) -> Result<Outcome, ApiError> {
    let balances = warm(data, async |warm| warm.balances(session).await)?;
    let trader = Account::Trader.as_str();
    let held: Vec<(String, String)> = balances
        .into_iter()
        .filter(|((account, _), _)| account == trader)
        .map(|((_, asset), amount)| (asset, amount.to_string()))
        .collect();
    let rows: Vec<_> = held.iter().map(|(asset, total)| json!({ "asset": asset, "total": total })).collect();
    let lines = table(&["asset", "total"], held.iter().map(|(asset, total)| vec![asset, total]));
    print::report(json, &json!({ "balances": rows }), lines);
    Ok(Outcome::Done)
}

pub(super) fn trades(data: &Path, session: &str, json: bool) -> Result<Outcome, ApiError> {
    let trades = warm(data, async |warm| warm.trades(session).await)?;
    let rows: Vec<TradeRow> = trades
        .into_iter()
        .map(|trade| TradeRow {
            trade_id: trade.trade_id,
            order_id: trade.order_id,
            pair: trade.pair.to_string(),
            side: if trade.side == Side::Buy { "buy" } else { "sell" }.to_owned(),
            price: trade.price.map(|price| price.to_string()),
            fill_price: trade.fill_price.to_string(),
            quantity: trade.quantity.to_string(),
            fee: trade.fee.to_string(),
            slippage: trade.slippage.to_string(),
            total_cost: trade.total_cost.to_string(),
            maker: trade.maker,
            assumed: None,
            source: trade.source.to_string(),
            event_time: trade.event_time.to_string(),
            event_time_ms: trade.event_time.to_ms(),
        })
        .collect();
    print::report(json, &json!({ "trades": rows }), trade_lines(&rows));
    Ok(Outcome::Done)
}
