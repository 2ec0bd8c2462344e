//! What the trader owns in all, always at marks and never at what was paid: an open loss is a loss.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, Positions};
use crate::domain::{Account, Amount, Asset, Pair, Price, Quantity};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equity {
    pub cash: Amount,
    /// What each position that is held is worth.
    pub exposure: BTreeMap<Pair, Amount>,
    /// The sum of those.
    pub positions: Amount,
    pub total: Amount,
}

/// Cash and positions at what `mark` says one unit is worth.
///
/// Errors: `Unmarked` for a position without a mark, which is worth neither nothing nor what it cost; `Overflow`.
pub fn equity(
    ledger: &Ledger,
    positions: &Positions,
    mark: impl Fn(Pair) -> Option<Price>,
) -> Result<Equity, LedgerError> {
    let cash = ledger.balance(Account::Trader, Asset::usd());
    let mut equity = Equity { cash, total: cash, ..Equity::default() };
    for (pair, position) in positions.iter().filter(|(_, position)| position.quantity > Quantity::ZERO) {
        let value = position.mark(mark(pair).ok_or(LedgerError::Unmarked { pair })?)?.value;
        equity.exposure.insert(pair, value);
        equity.positions = equity.positions.checked_add(value)?;
        equity.total = equity.total.checked_add(value)?;
    }
    Ok(equity)
}
