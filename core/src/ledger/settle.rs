//! What moves, for each thing that can happen. Whether it may move is for `Ledger::post` to say.

use super::{Entry, LedgerError};
use crate::domain::{Account, Amount, Asset, Cause, Fill, Leg, OrderId, Pair, Quantity, Side, Transfer};

/// The legs of a fill, to be posted as one group. A leg of zero moves nothing and is left out: a fee that is not taken, or the cash for so
/// little that it rounds to nothing.
///
/// Errors: `NotTraded`, `Impossible`.
pub fn entries(fill: &Fill) -> Result<Vec<Entry>, LedgerError> {
    let base = base_of(fill.pair)?;
    if fill.quantity <= Quantity::ZERO || fill.notional < Amount::ZERO || fill.fee < Amount::ZERO {
        return Err(LedgerError::Impossible { pair: fill.pair });
    }
    let (asset_from, asset_to) = match fill.side {
        Side::Buy => (Account::Venue, Account::Trader),
        Side::Sell => (Account::Trader, Account::Venue),
    };
    let leg =
        |leg, debit, credit, asset, amount| Entry { debit, credit, asset, amount, cause: Cause::Fill(fill.id, leg) };
    let mut entries = vec![
        leg(Leg::Asset, asset_from, asset_to, base, Amount::ZERO.plus(fill.quantity)?),
        leg(Leg::Cash, asset_to, asset_from, Asset::usd(), fill.notional),
        leg(Leg::Fee, Account::Trader, Account::Fees, Asset::usd(), fill.fee),
    ];
    entries.retain(|entry| entry.amount > Amount::ZERO);
    Ok(entries)
}

/// What a pair trades against USD, which accounts are kept in.
///
/// Errors: `NotTraded`.
pub(super) fn base_of(pair: Pair) -> Result<Asset, LedgerError> {
    match pair.assets() {
        Some((base, quote)) if quote == Asset::usd() && base != quote => Ok(base),
        _ => Err(LedgerError::NotTraded { pair }),
    }
}

/// Its cause has no name but this one: whatever asks for a second, of any amount, finds the first.
pub fn opening_deposit(amount: Amount) -> Vec<Entry> {
    cash(Account::World, Account::Trader, amount, Cause::OpeningDeposit)
}

pub fn deposit(id: OrderId, amount: Amount) -> Vec<Entry> {
    cash(Account::World, Account::Trader, amount, Cause::Deposit(id))
}

pub fn withdrawal(id: OrderId, amount: Amount) -> Vec<Entry> {
    cash(Account::Trader, Account::World, amount, Cause::Withdrawal(id))
}

fn cash(debit: Account, credit: Account, amount: Amount, cause: Cause) -> Vec<Entry> {
    vec![Entry { debit, credit, asset: Asset::usd(), amount, cause }]
}

/// Moves back what a transfer moved. The legs of a fill are corrected together: post the corrections of all of them as one group.
pub fn correction(of: &Transfer) -> Vec<Entry> {
    let Transfer { debit, credit, asset, amount, id, .. } = *of;
    vec![Entry { debit: credit, credit: debit, asset, amount, cause: Cause::Correction(id) }]
}
