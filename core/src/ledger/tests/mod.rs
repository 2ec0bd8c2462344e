//! What a trader would lose if the books were wrong.

mod positions;
mod posting;
mod random;
mod restart;
mod tampering;

use super::{Entry, Ledger, LedgerError, Posted};
use crate::domain::money::{ONE, notional, share_of};
use crate::domain::{
    Account, Amount, Asset, Cause, EventTime, Fill, FillId, OrderId, Pair, Price, Quantity, Rate, Side, Source, Step,
    TapeTime, TradeId,
};

fn usd(dollars: i128) -> Amount {
    Amount::from_units(dollars * i128::from(ONE))
}

fn pair(name: &str) -> Pair {
    name.parse().expect("a pair")
}

fn asset(name: &str) -> Asset {
    name.parse().expect("an asset")
}

fn name(text: &str) -> OrderId {
    text.parse().expect("a name")
}

/// Posts at step 1.
fn post(ledger: &mut Ledger, entries: &[Entry]) -> Result<Posted, LedgerError> {
    ledger.post(Step(1), TapeTime::from_nanos(1), entries)
}

/// In units of 1e-8, with a fee of 0.10 %.
fn fill(pair: Pair, side: Side, print: u64, price: i64, quantity: i64) -> Fill {
    let (price, quantity, print) = (Price::from_units(price), Quantity::from_units(quantity), TradeId(print));
    let order = name("an-order");
    Fill {
        id: FillId::of(order, Source::Live, pair, print, 0),
        order,
        pair,
        side,
        asked: None,
        price,
        quantity,
        notional: notional(price, quantity).expect("a notional"),
        fee: share_of(price, quantity, Rate::from_units(100_000)).expect("a fee"),
        slippage: Amount::ZERO,
        maker: false,
        assumed: false,
        source: Source::Live,
        print,
        event_time: EventTime::from_nanos(i64::try_from(print.0).expect("a small number")),
    }
}

fn entry(debit: Account, credit: Account, amount: i128, cause: Cause) -> Entry {
    Entry { debit, credit, asset: Asset::usd(), amount: Amount::from_units(amount), cause }
}

/// A fixed name for the nth deposit.
fn deposit(n: usize) -> Cause {
    Cause::Deposit(name(&format!("deposit-{n}")))
}

/// Times to repeat: all of it when somebody waits for that.
fn rounds(usually: u64, soak: u64) -> u64 {
    if std::env::var("TAPEDECK_SOAK").is_ok_and(|v| v == "1") { soak } else { usually }
}
