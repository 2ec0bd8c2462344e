//! The account in texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use specta::Type;

use super::decisions::{self, ConsensusView};
use crate::api::ApiError;
use crate::domain::{
    Account, DeskOutput, Fill, Order, OrderReport, Pair, Reason, Side, TapeTime, Terms, TimeInForce, Trail, Transfer,
    money,
};
use crate::engine::{Desk, Market};
use crate::journal::{Deed, Journal, StoredFill, StoredOrder};

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Refusal {
    /// Stable, for scripts.
    pub code: String,
    pub sentence: String,
}

impl Refusal {
    pub fn of(reason: Reason) -> Self {
        Self { code: reason.code().to_owned(), sentence: reason.sentence().to_owned() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct BalanceRow {
    pub asset: String,
    pub total: String,
    /// For open orders.
    pub reserved: String,
    pub available: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct PositionRow {
    pub pair: String,
    pub quantity: String,
    /// Cost of what is held for one unit, fees left out.
    pub average_price: Option<String>,
    /// What an exit would get for one unit.
    pub mark: Option<String>,
    pub value: Option<String>,
    /// By average cost.
    pub unrealised: Option<String>,
    pub realised: String,
    /// By first in, first out.
    pub realised_fifo: String,
    pub fees: String,
    pub slippage: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct OrderRow {
    pub id: String,
    pub pair: String,
    pub side: String,
    pub r#type: String,
    pub qty: String,
    pub filled: String,
    pub limit: Option<String>,
    /// Where a stop stands now.
    pub stop: Option<String>,
    pub trail: Option<String>,
    pub tif: String,
    pub until: Option<String>,
    pub reduce_only: bool,
    pub post_only: bool,
    pub take_profit: Option<String>,
    pub stop_loss: Option<String>,
    pub state: String,
    pub reason: Option<Refusal>,
    pub placed_at: Option<String>,
    pub changed_at: Option<String>,
}

/// The columns of `ledger.trades`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct TradeRow {
    pub trade_id: String,
    pub order_id: String,
    pub pair: String,
    pub side: String,
    /// What the order asked for.
    pub price: Option<String>,
    pub fill_price: String,
    pub quantity: String,
    pub fee: String,
    pub slippage: String,
    /// Notional and fee of a buy; notional less fee of a sale.
    pub total_cost: String,
    pub maker: bool,
    /// The far side was assumed from the last print. Not known of trades that are read from the table.
    pub assumed: Option<bool>,
    pub source: String,
    pub event_time: String,
    pub event_time_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct TransferRow {
    pub number: String,
    pub step: String,
    pub tape_time: String,
    pub transfer_id: String,
    pub debit: String,
    pub credit: String,
    pub asset: String,
    pub amount: String,
    pub cause: String,
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct AccountView {
    /// An account is opened by the first command.
    pub open: bool,
    pub equity: String,
    pub cash: String,
    pub available: String,
    pub positions: String,
    /// The risk day's highest equity, and the loss since.
    pub day_high: String,
    pub drawdown_pct: String,
    pub risk_state: String,
    pub risk_reason: Option<Refusal>,
    /// The chain of transfers: how many, and the hash of the last.
    pub transfers: String,
    pub ledger_hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct CanTrade {
    pub pair: String,
    /// Why no entry is taken now; none when one would be. Exits always are.
    pub blocked: Option<Refusal>,
}

/// What an order would come to if it filled now, at the far side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Estimate {
    pub price: String,
    pub notional: String,
    pub fee: String,
    /// The setting's share of it, where the order would take.
    pub slippage: String,
    /// Cash it takes, or brings.
    pub total: String,
    /// Why it would be refused.
    pub refused: Option<Refusal>,
}

/// The account as it stands, for a frame of the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct TradingFrame {
    pub account: AccountView,
    pub positions: Vec<PositionRow>,
    /// Open ones.
    pub orders: Vec<OrderRow>,
    /// Of the pair that is looked at.
    pub can_trade: CanTrade,
    /// Transfers so far: when it grows there are new ones, and perhaps fills, to ask for.
    pub transfers: String,
    pub consensus: ConsensusView,
}

pub(super) fn frame(desk: &Desk, market: &Market, pair: Pair) -> TradingFrame {
    TradingFrame {
        account: account(desk),
        positions: positions(desk),
        orders: desk.book().open_orders().map(|report| row(&report, None, None)).collect(),
        can_trade: can_trade(desk, market, pair),
        transfers: desk.ledger().head().count.to_string(),
        consensus: decisions::consensus(desk, pair),
    }
}

pub(super) fn balances(desk: &Desk) -> Vec<BalanceRow> {
    let held = desk.ledger().balances().filter(|(account, ..)| *account == Account::Trader);
    held.map(|(_, asset, total)| {
        let reserved = desk.book().reserved(asset);
        let available = total.units() - reserved.units();
        BalanceRow {
            asset: asset.to_string(),
            total: total.to_string(),
            reserved: reserved.to_string(),
            available: money::format_decimal(available),
        }
    })
    .collect()
}

pub(super) fn positions(desk: &Desk) -> Vec<PositionRow> {
    let held = desk.positions().iter();
    held.map(|(pair, position)| {
        let mark = desk.mark_of(pair);
        let marked = mark.and_then(|mark| position.mark(mark).ok());
        PositionRow {
            pair: pair.to_string(),
            quantity: position.quantity.to_string(),
            average_price: position.average_price().map(|price| price.to_string()),
            mark: mark.map(|mark| mark.to_string()),
            value: marked.map(|marked| marked.value.to_string()),
            unrealised: marked.map(|marked| marked.unrealised_average.to_string()),
            realised: position.realised_average.to_string(),
            realised_fifo: position.realised_fifo.to_string(),
            fees: position.fees.to_string(),
            slippage: position.slippage.to_string(),
        }
    })
    .collect()
}

/// What an order would come to.
pub(super) fn estimate(desk: &Desk, market: &Market, order: Order) -> Result<Estimate, ApiError> {
    // An account is opened by its first command; until then it only looks poor.
    let unopened = desk.ledger().head().count == 0;
    let refused = desk.refuses(&order, market);
    let refused = refused.filter(|reason| !(unopened && *reason == Reason::InsufficientCash));
    let taker = desk.far_side(order.pair, order.side);
    let price = order.terms.limit().or(order.terms.stop()).or(taker);
    let takes = order.terms.limit().is_none()
        || taker.zip(order.terms.limit()).is_some_and(|(far, limit)| match order.side {
            Side::Buy => far <= limit,
            Side::Sell => far >= limit,
        });
    let Some(price) = price else {
        let refused = refused.or(Some(Reason::NoPrice)).map(Refusal::of);
        let nothing = || "0".to_owned();
        return Ok(Estimate {
            price: nothing(),
            notional: nothing(),
            fee: nothing(),
            slippage: nothing(),
            total: nothing(),
            refused,
        });
    };
    let price = if takes { taker.unwrap_or(price) } else { price };
    let settings = desk.settings();
    let too_large = |_| ApiError::refused("order_invalid", "the order is too large to count", "Make it smaller.");
    let share = |rate| money::share_of(price, order.quantity, rate).map_err(too_large);
    let notional = money::notional(price, order.quantity).map_err(too_large)?;
    let fee = share(if takes { settings.taker_fee } else { settings.maker_fee })?;
    let slippage = if takes { share(settings.slippage)? } else { crate::domain::Amount::ZERO };
    let extra = fee.units() + slippage.units();
    let total = match order.side {
        Side::Buy => notional.units() + extra,
        Side::Sell => notional.units() - extra,
    };
    Ok(Estimate {
        price: price.to_string(),
        notional: notional.to_string(),
        fee: fee.to_string(),
        slippage: slippage.to_string(),
        total: money::format_decimal(total),
        refused: refused.map(Refusal::of),
    })
}

pub(super) fn can_trade(desk: &Desk, market: &Market, pair: Pair) -> CanTrade {
    let blocked = desk.blocked(pair, market).map(Refusal::of);
    CanTrade { pair: pair.to_string(), blocked }
}

pub(super) fn account(desk: &Desk) -> AccountView {
    let (equity, gate, head) = (desk.equity(), desk.gate(), desk.ledger().head());
    let drawdown = gate.drawdown(equity.total);
    AccountView {
        open: head.count > 0,
        equity: equity.total.to_string(),
        cash: equity.cash.to_string(),
        available: desk.available_cash().to_string(),
        positions: equity.positions.to_string(),
        day_high: gate.peak().to_string(),
        drawdown_pct: format!("{:.2}", drawdown.to_f64() * 100.0),
        risk_state: gate.state().as_str().to_owned(),
        risk_reason: gate.tripped().map(Refusal::of),
        transfers: head.count.to_string(),
        ledger_hash: head.hash.to_string(),
    }
}

pub(super) fn orders(journal: &Journal, all: bool) -> Result<Vec<OrderRow>, ApiError> {
    let mut found = journal.orders().collect::<Result<Vec<StoredOrder>, _>>()?;
    found.retain(|order| all || !order.report.state.is_over());
    found.sort_by_key(|order| (order.placed, order.report.order.id));
    Ok(found.iter().map(|order| row(&order.report, Some(order.placed_at), Some(order.changed_at))).collect())
}

/// The order a deed changed.
pub(super) fn changed(deed: &Deed) -> Option<OrderRow> {
    match &deed.output {
        DeskOutput::Order(report) => Some(row(report, None, Some(deed.tape_time))),
        _ => None,
    }
}

fn row(report: &OrderReport, placed_at: Option<TapeTime>, changed_at: Option<TapeTime>) -> OrderRow {
    let Order { id, pair, side, quantity, terms, time_in_force, reduce_only, post_only, take_profit, stop_loss } =
        report.order;
    OrderRow {
        id: id.to_string(),
        pair: pair.to_string(),
        side: side_name(side).to_owned(),
        r#type: terms.as_str().to_owned(),
        qty: quantity.to_string(),
        filled: report.filled.to_string(),
        limit: terms.limit().map(|price| price.to_string()),
        stop: report.stop.or(terms.stop()).map(|price| price.to_string()),
        trail: match terms {
            Terms::TrailingStop { trail: Trail::Offset(offset) } => Some(offset.to_string()),
            Terms::TrailingStop { trail: Trail::Share(share) } => {
                Some(format!("{}%", money::format_decimal(i128::from(share.units()) * 100)))
            }
            _ => None,
        },
        tif: time_in_force.as_str().to_owned(),
        until: match time_in_force {
            TimeInForce::GoodTill(until) => Some(until.to_string()),
            _ => None,
        },
        reduce_only,
        post_only,
        take_profit: take_profit.map(|price| price.to_string()),
        stop_loss: stop_loss.map(|price| price.to_string()),
        state: report.state.as_str().to_owned(),
        reason: report.reason.map(Refusal::of),
        placed_at: placed_at.map(|at| at.to_string()),
        changed_at: changed_at.map(|at| at.to_string()),
    }
}

pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub(super) fn trades(journal: &Journal, limit: usize) -> Result<Vec<TradeRow>, ApiError> {
    let newest = journal.fills(crate::domain::Seq(0)).rev().take(limit);
    let mut found = newest.collect::<Result<Vec<StoredFill>, _>>()?;
    found.reverse();
    Ok(found.iter().map(|stored| trade_row(&stored.fill)).collect())
}

/// The fills among what a desk did.
pub fn trade_rows(deeds: &[Deed]) -> Vec<TradeRow> {
    let fills = deeds.iter().filter_map(|deed| match &deed.output {
        DeskOutput::Fill(fill) => Some(trade_row(fill)),
        _ => None,
    });
    fills.collect()
}

pub fn trade_row(fill: &Fill) -> TradeRow {
    TradeRow {
        trade_id: fill.id.to_string(),
        order_id: fill.order.to_string(),
        pair: fill.pair.to_string(),
        side: side_name(fill.side).to_owned(),
        price: fill.asked.map(|price| price.to_string()),
        fill_price: fill.price.to_string(),
        quantity: fill.quantity.to_string(),
        fee: fill.fee.to_string(),
        slippage: fill.slippage.to_string(),
        total_cost: fill.total_cost().to_string(),
        maker: fill.maker,
        assumed: Some(fill.assumed),
        source: fill.source.to_string(),
        event_time: fill.event_time.to_string(),
        event_time_ms: fill.event_time.to_ms(),
    }
}

pub(super) fn transfers(journal: &Journal, limit: usize) -> Result<Vec<TransferRow>, ApiError> {
    let newest = journal.transfers(0).rev().take(limit);
    let mut found = newest.collect::<Result<Vec<Transfer>, _>>()?;
    found.reverse();
    Ok(found.iter().map(transfer).collect())
}

/// The transfers among what a desk did.
pub(super) fn transfer_rows(deeds: &[Deed]) -> Vec<TransferRow> {
    let transfers = deeds.iter().filter_map(|deed| match &deed.output {
        DeskOutput::Transfer(moved) => Some(transfer(moved)),
        _ => None,
    });
    transfers.collect()
}

/// Every order as it stood last, among what a desk did, in the order they were placed.
pub(super) fn order_rows(deeds: &[Deed], all: bool) -> Vec<OrderRow> {
    let mut found: Vec<(OrderReport, TapeTime, TapeTime)> = Vec::new();
    let mut places = BTreeMap::new();
    for deed in deeds {
        let DeskOutput::Order(report) = &deed.output else { continue };
        let place = *places.entry(report.order.id).or_insert_with(|| {
            found.push((*report, deed.tape_time, deed.tape_time));
            found.len() - 1
        });
        (found[place].0, found[place].2) = (*report, deed.tape_time);
    }
    found.retain(|(report, ..)| all || !report.state.is_over());
    found.iter().map(|(report, placed, changed)| row(report, Some(*placed), Some(*changed))).collect()
}

fn transfer(transfer: &Transfer) -> TransferRow {
    TransferRow {
        number: transfer.number.to_string(),
        step: transfer.step.0.to_string(),
        tape_time: transfer.tape_time.to_string(),
        transfer_id: transfer.id.to_string(),
        debit: transfer.debit.to_string(),
        credit: transfer.credit.to_string(),
        asset: transfer.asset.to_string(),
        amount: transfer.amount.to_string(),
        cause: transfer.cause.to_string(),
        hash: transfer.hash.to_string(),
    }
}
