//! The book of balances. The one way into it is `Ledger::post`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{LedgerError, chain};
use crate::domain::{Account, Amount, Asset, Cause, ChainHash, Step, TapeTime, Transfer, TransferId};

/// A transfer that is not yet posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who gives.
    pub debit: Account,
    /// Who receives.
    pub credit: Account,
    pub asset: Asset,
    pub amount: Amount,
    pub cause: Cause,
}

/// Where the chain ends. Stored apart from the entries, so that a tail that was cut off is missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub count: u64,
    /// Of the last entry.
    pub hash: ChainHash,
}

/// What became of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// In the order of the group.
    Stored(Vec<Transfer>),
    /// All of it had been posted before, and nothing was changed. A cause is all there is to the identity of a transfer: one with the same cause
    /// and another amount is the same transfer, and what was posted the first time stays. The state keeps ids alone; the amount that was
    /// posted is in the stored transfer with this id.
    Exists,
}

/// What every account has received less what it gave, and what has been posted. Part of a desk's state, and so of its checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Of what ever moved; an account that has spent everything stays, with zero.
    balances: BTreeMap<(Account, Asset), Amount>,
    posted: BTreeSet<TransferId>,
    head: Head,
}

impl Ledger {
    /// Posts a linked group: all of it or none. It is judged by its outcome, so that a fee may be paid from the proceeds that come with it.
    ///
    /// Errors: see `LedgerError`; nothing was changed.
    pub fn post(&mut self, step: Step, tape_time: TapeTime, entries: &[Entry]) -> Result<Posted, LedgerError> {
        let ids = ids_of(entries)?;
        let there = ids.iter().filter(|id| self.posted.contains(id)).count();
        if there == ids.len() {
            return Ok(Posted::Exists);
        }
        if there > 0 {
            return Err(LedgerError::PartlyThere { there, of: ids.len() });
        }
        let after = self.after(entries)?;
        let mut head = self.head;
        let mut transfers = Vec::with_capacity(entries.len());
        for (entry, id) in entries.iter().zip(&ids) {
            let Entry { debit, credit, asset, amount, cause } = *entry;
            let number = head.count.checked_add(1).ok_or(LedgerError::Overflow)?;
            let hash = ChainHash::default();
            let mut transfer = Transfer { number, step, tape_time, id: *id, debit, credit, asset, amount, cause, hash };
            transfer.hash = chain::seal(head.hash, &transfer);
            head = Head { count: number, hash: transfer.hash };
            transfers.push(transfer);
        }

        // Nothing below this line can fail, and nothing above it has changed anything.
        self.balances.extend(after);
        self.posted.extend(ids);
        self.head = head;
        assert_eq!(u64::try_from(self.posted.len()), Ok(self.head.count), "every entry has an id of its own");
        for entry in entries {
            assert_eq!(self.sum(entry.asset), 0, "debits equal credits in {}", entry.asset);
        }
        Ok(Posted::Stored(transfers))
    }

    /// The balances that the group touches, as they are after it.
    fn after(&self, entries: &[Entry]) -> Result<BTreeMap<(Account, Asset), Amount>, LedgerError> {
        let mut after = BTreeMap::new();
        for entry in entries {
            let gives = (entry.debit, entry.asset);
            let given = after.get(&gives).copied().unwrap_or(self.balance(gives.0, gives.1));
            after.insert(gives, given.checked_sub(entry.amount)?);
            let receives = (entry.credit, entry.asset);
            let received = after.get(&receives).copied().unwrap_or(self.balance(receives.0, receives.1));
            after.insert(receives, received.checked_add(entry.amount)?);
        }
        for (&(account, asset), &outcome) in &after {
            let balance = self.balance(account, asset);
            if outcome < Amount::ZERO && !account.may_be_negative() {
                let amount = balance.checked_sub(outcome)?;
                return Err(LedgerError::WouldBeNegative { account, asset, balance, amount });
            }
        }
        Ok(after)
    }

    /// Over all accounts. Wrapping: parts of the sum may be larger than the type, and zero is zero all the same.
    fn sum(&self, asset: Asset) -> i128 {
        Account::ALL.into_iter().fold(0, |sum, account| sum.wrapping_add(self.balance(account, asset).units()))
    }

    /// Received less given. Zero for an account that never had any.
    pub fn balance(&self, account: Account, asset: Asset) -> Amount {
        self.balances.get(&(account, asset)).copied().unwrap_or_default()
    }

    /// By account, then by asset.
    pub fn balances(&self) -> impl Iterator<Item = (Account, Asset, Amount)> + '_ {
        self.balances.iter().map(|(&(account, asset), &amount)| (account, asset, amount))
    }

    pub fn head(&self) -> Head {
        self.head
    }

    /// Whether it was posted.
    pub fn has(&self, id: TransferId) -> bool {
        self.posted.contains(&id)
    }
}

/// Of a group that could be posted somewhere.
fn ids_of(entries: &[Entry]) -> Result<Vec<TransferId>, LedgerError> {
    if entries.is_empty() {
        return Err(LedgerError::Empty);
    }
    let mut ids = Vec::with_capacity(entries.len());
    for &Entry { debit, credit, amount, cause, .. } in entries {
        if amount <= Amount::ZERO {
            return Err(LedgerError::AmountNotPositive { cause, amount });
        }
        if debit == credit {
            return Err(LedgerError::SameAccount { cause, account: debit });
        }
        let id = TransferId::of(cause);
        if ids.contains(&id) {
            return Err(LedgerError::CauseTwice { cause });
        }
        ids.push(id);
    }
    Ok(ids)
}
