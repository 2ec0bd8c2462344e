//! The rows of a session's ledger, and how they are stored.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};

use super::WarmError;
use super::columns::{Decoder, Encoder, split_nanos};
use super::schema::{LARGEST, TableName};
use crate::domain::{Amount, EventTime, Pair, Price, Quantity, Side, Source, TapeTime};

/// What a step changed in an account. The table holds their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceDelta {
    pub account: String,
    pub asset: String,
    pub amount: Amount,
}

/// One leg of a settlement, kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub step: u64,
    pub tape_time: TapeTime,
    pub transfer_id: String,
    pub debit: String,
    pub credit: String,
    pub asset: String,
    pub amount: Amount,
    pub cause: String,
    /// Of this transfer and the hash of the one before.
    pub hash: String,
}

/// A fill. Stored again under the same `trade_id`, the later row replaces the earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeRow {
    pub trade_id: String,
    pub order_id: String,
    pub pair: Pair,
    pub side: Side,
    /// What the order asked for; a market order asks for none.
    pub price: Option<Price>,
    pub fill_price: Price,
    pub quantity: Quantity,
    pub fee: Amount,
    pub slippage: Amount,
    pub total_cost: Amount,
    pub maker: bool,
    /// Of the decision that led to it, where there was one. Not money, so a float.
    pub signal_similarity: Option<f64>,
    pub signal_sentiment: Option<String>,
    pub source: Source,
    pub event_time: EventTime,
}

/// The balance of an (account, asset).
pub type Balances = BTreeMap<(String, String), Amount>;

/// The new balances of what the deltas touch, and the sum of the deltas for each.
///
/// The library sums DECIMALs, and a sum that does not fit becomes NULL without a word, in a commit, in a merge or in a read. So nothing
/// passes here whose balance, at any point on the way, or whose sum would not fit.
pub(super) fn add(
    session: &str,
    balances: &Balances,
    deltas: &[BalanceDelta],
) -> Result<(Balances, Balances), WarmError> {
    let fits = |units: &i128| units.unsigned_abs() <= LARGEST.unsigned_abs();
    let (mut after, mut sums) = (Balances::new(), Balances::new());
    for delta in deltas {
        let key = (delta.account.clone(), delta.asset.clone());
        let sum = sums.entry(key.clone()).or_default();
        let before = balances.get(&key).copied().unwrap_or_default();
        let balance = after.entry(key).or_insert(before);
        let overflow = || WarmError::Overflow {
            session: session.to_owned(),
            account: delta.account.clone(),
            asset: delta.asset.clone(),
            balance: *balance,
            change: delta.amount,
        };
        let plus = |to: &Amount| to.units().checked_add(delta.amount.units()).filter(fits).map(Amount::from_units);
        let (new_balance, new_sum) = (plus(balance).ok_or_else(overflow)?, plus(sum).ok_or_else(overflow)?);
        (*balance, *sum) = (new_balance, new_sum);
    }
    Ok((after, sums))
}

pub(super) fn encode_balances(session: &str, sums: &Balances) -> Result<RecordBatch, WarmError> {
    Ok(Encoder::new(TableName::Balance)
        .text("session_id", sums.iter().map(|_| session))
        .text("account", sums.keys().map(|(account, _)| account))
        .text("asset", sums.keys().map(|(_, asset)| asset))
        .decimal("amount", sums.values().map(|amount| amount.units()))?
        .finish())
}

/// By session.
pub(super) fn decode_balances(batches: &[RecordBatch]) -> Result<BTreeMap<String, Balances>, WarmError> {
    let mut sessions: BTreeMap<String, Balances> = BTreeMap::new();
    for batch in batches {
        let columns = Decoder::new(TableName::Balance, batch);
        let (session, account) = (columns.text("session_id")?, columns.text("account")?);
        let (asset, amount) = (columns.text("asset")?, columns.decimal("amount")?);
        for row in 0..session.len() {
            let balances = sessions.entry(session.value(row).to_owned()).or_default();
            let key = (account.value(row).to_owned(), asset.value(row).to_owned());
            if balances.insert(key, Amount::from_units(amount.value(row))).is_some() {
                let (account, asset) = (account.value(row), asset.value(row));
                return Err(columns.damaged(format!("`{account}` has two balances of {asset}")));
            }
        }
    }
    Ok(sessions)
}

pub(super) fn encode_transfers(session: &str, transfers: &[TransferRow]) -> Result<RecordBatch, WarmError> {
    let unstorable =
        |step| WarmError::Unstorable { table: TableName::Transfers.as_str(), what: format!("step {step}") };
    let steps: Result<Vec<i64>, _> =
        transfers.iter().map(|t| i64::try_from(t.step).map_err(|_| unstorable(t.step))).collect();
    let rows = || transfers.iter();
    Ok(Encoder::new(TableName::Transfers)
        .text("session_id", rows().map(|_| session))
        .bigint("step", steps?)
        .time("tape_time", rows().map(|t| split_nanos(t.tape_time.nanos()).0))
        .text("transfer_id", rows().map(|t| &t.transfer_id))
        .text("debit", rows().map(|t| &t.debit))
        .text("credit", rows().map(|t| &t.credit))
        .text("asset", rows().map(|t| &t.asset))
        .decimal("amount", rows().map(|t| t.amount.units()))?
        .text("cause", rows().map(|t| &t.cause))
        .text("hash", rows().map(|t| &t.hash))
        .int("tape_time_ns", rows().map(|t| split_nanos(t.tape_time.nanos()).1))
        .finish())
}

/// In no order of steps: a file knows only its own.
pub(super) fn decode_transfers(session: &str, batches: &[RecordBatch]) -> Result<Vec<TransferRow>, WarmError> {
    let mut found = Vec::new();
    for batch in batches {
        let columns = Decoder::new(TableName::Transfers, batch);
        let (sessions, step) = (columns.text("session_id")?, columns.bigint("step")?);
        let (tape_time, tape_time_ns) = (columns.time("tape_time")?, columns.int("tape_time_ns")?);
        let (transfer_id, hash) = (columns.text("transfer_id")?, columns.text("hash")?);
        let (debit, credit) = (columns.text("debit")?, columns.text("credit")?);
        let (asset, amount) = (columns.text("asset")?, columns.decimal("amount")?);
        let cause = columns.text("cause")?;
        for row in (0..sessions.len()).filter(|row| sessions.value(*row) == session) {
            found.push(TransferRow {
                step: columns.narrow("step", step.value(row))?,
                tape_time: TapeTime::from_nanos(columns.nanos(tape_time.value(row), tape_time_ns.value(row))?),
                transfer_id: transfer_id.value(row).to_owned(),
                debit: debit.value(row).to_owned(),
                credit: credit.value(row).to_owned(),
                asset: asset.value(row).to_owned(),
                amount: Amount::from_units(amount.value(row)),
                cause: cause.value(row).to_owned(),
                hash: hash.value(row).to_owned(),
            });
        }
    }
    Ok(found)
}

pub(super) fn encode_trades(session: &str, trades: &[TradeRow]) -> Result<RecordBatch, WarmError> {
    let rows = || trades.iter();
    Ok(Encoder::new(TableName::Trades)
        .text("session_id", rows().map(|_| session))
        .text("trade_id", rows().map(|t| &t.trade_id))
        .text("order_id", rows().map(|t| &t.order_id))
        .text("pair", rows().map(|t| t.pair.to_string()))
        .text("side", rows().map(|t| side_name(t.side)))
        .optional_decimal("price", rows().map(|t| t.price.map(|price| price.units().into())))?
        .decimal("fill_price", rows().map(|t| t.fill_price.units().into()))?
        .decimal("quantity", rows().map(|t| t.quantity.units().into()))?
        .decimal("fee", rows().map(|t| t.fee.units()))?
        .decimal("slippage", rows().map(|t| t.slippage.units()))?
        .decimal("total_cost", rows().map(|t| t.total_cost.units()))?
        .boolean("maker", rows().map(|t| t.maker))
        .optional_double("signal_similarity", rows().map(|t| t.signal_similarity))
        .optional_text("signal_sentiment", rows().map(|t| t.signal_sentiment.as_deref()))
        .text("source", rows().map(|t| t.source.to_string()))
        .time("event_time", rows().map(|t| split_nanos(t.event_time.nanos()).0))
        .int("event_time_ns", rows().map(|t| split_nanos(t.event_time.nanos()).1))
        .finish())
}

pub(super) fn decode_trades(session: &str, batches: &[RecordBatch]) -> Result<Vec<TradeRow>, WarmError> {
    let mut found = Vec::new();
    for batch in batches {
        let columns = Decoder::new(TableName::Trades, batch);
        let (sessions, trade_id) = (columns.text("session_id")?, columns.text("trade_id")?);
        let (order_id, pair) = (columns.text("order_id")?, columns.text("pair")?);
        let (side, price) = (columns.text("side")?, columns.optional_decimal("price")?);
        let (fill_price, quantity) = (columns.decimal("fill_price")?, columns.decimal("quantity")?);
        let (fee, slippage) = (columns.decimal("fee")?, columns.decimal("slippage")?);
        let (total_cost, maker) = (columns.decimal("total_cost")?, columns.boolean("maker")?);
        let similarity = columns.optional_double("signal_similarity")?;
        let sentiment = columns.optional_text("signal_sentiment")?;
        let (source, event_time) = (columns.text("source")?, columns.time("event_time")?);
        let event_time_ns = columns.int("event_time_ns")?;
        for row in (0..sessions.len()).filter(|row| sessions.value(*row) == session) {
            let asked = price.is_valid(row).then(|| columns.narrow("price", price.value(row))).transpose()?;
            found.push(TradeRow {
                trade_id: trade_id.value(row).to_owned(),
                order_id: order_id.value(row).to_owned(),
                pair: columns.parse(pair.value(row))?,
                side: read_side(columns, side.value(row))?,
                price: asked.map(Price::from_units),
                fill_price: Price::from_units(columns.narrow("fill_price", fill_price.value(row))?),
                quantity: Quantity::from_units(columns.narrow("quantity", quantity.value(row))?),
                fee: Amount::from_units(fee.value(row)),
                slippage: Amount::from_units(slippage.value(row)),
                total_cost: Amount::from_units(total_cost.value(row)),
                maker: maker.value(row),
                signal_similarity: similarity.is_valid(row).then(|| similarity.value(row)),
                signal_sentiment: sentiment.is_valid(row).then(|| sentiment.value(row).to_owned()),
                source: columns.parse(source.value(row))?,
                event_time: EventTime::from_nanos(columns.nanos(event_time.value(row), event_time_ns.value(row))?),
            });
        }
    }
    Ok(found)
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn read_side(columns: Decoder<'_>, text: &str) -> Result<Side, WarmError> {
    [Side::Buy, Side::Sell]
        .into_iter()
        .find(|side| side_name(*side) == text)
        .ok_or_else(|| columns.damaged(format!("`{text}` in column `side`")))
}
