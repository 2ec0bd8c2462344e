//! A stored ledger, looked at again. It shares with `Ledger::post` the definition of the hash and nothing else: what one gets wrong, the other
//! finds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Head;
use crate::domain::{Account, Amount, Asset, Cause, ChainHash, Step, TapeTime, Transfer, TransferId};

/// The hash of an entry after that of the one before: over all of its fields but the hash itself. A session's name is not among them.
pub(super) fn seal(previous: ChainHash, transfer: &Transfer) -> ChainHash {
    #[derive(Serialize)]
    struct Sealed {
        number: u64,
        step: Step,
        tape_time: TapeTime,
        id: TransferId,
        debit: Account,
        credit: Account,
        asset: Asset,
        amount: Amount,
        cause: Cause,
    }
    // Taken apart by name, so that a field that is added to a transfer does not stay out of the hash unnoticed.
    let Transfer { number, step, tape_time, id, debit, credit, asset, amount, cause, hash: _ } = *transfer;
    let sealed = Sealed { number, step, tape_time, id, debit, credit, asset, amount, cause };
    let bytes =
        postcard::to_allocvec(&sealed).expect("an entry has only sized fields, and memory is all postcard needs");
    previous.after(&bytes)
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The hash is not that of its fields after the entry before.
    Altered,
    /// It is not there. Later ones may be.
    Missing,
    /// Another stands in its place, and it is elsewhere or not at all what comes next.
    OutOfOrder,
    /// Its cause had moved something before.
    Duplicate,
    /// The id is not the hash of the cause.
    Unfounded,
    /// The amount is not above zero, an account gives to itself, or a balance grows beyond what books can hold.
    Impossible,
    /// After its step an account owes that may not, and this is the entry that took it below zero.
    Negative,
    /// The head, which is stored apart, counts fewer.
    BeyondHead,
    /// The head, which is stored apart, has another hash: it was altered, or all entries from some one on were made again.
    HeadDiffers,
}

impl Fault {
    /// Stable, for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Self::Altered => "transfer_altered",
            Self::Missing => "transfer_missing",
            Self::OutOfOrder => "transfer_out_of_order",
            Self::Duplicate => "duplicate_delta",
            Self::Unfounded => "transfer_unfounded",
            Self::Impossible => "transfer_impossible",
            Self::Negative => "balance_negative",
            Self::BeyondHead => "transfer_beyond_head",
            Self::HeadDiffers => "ledger_head_differs",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Altered => "is not what was posted: its hash does not follow from its fields and the entry before",
            Self::Missing => "is missing",
            Self::OutOfOrder => "is not in its place: another entry stands there",
            Self::Duplicate => "moves again what an earlier entry moved: its cause is the same",
            Self::Unfounded => "has an id that is not the hash of its cause",
            Self::Impossible => "moves what can not be moved: by its amount, its accounts or what they hold after it",
            Self::Negative => "leaves an account below zero that may not owe",
            Self::BeyondHead => "is more than was posted: the head of the chain counts fewer entries",
            Self::HeadDiffers => "is the last, and the head of the chain has another hash than it",
        }
    }
}

/// The first bad entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry} of the ledger {}", .fault.sentence())]
pub struct BadEntry {
    /// Its place in the chain. The first is 1; 0 is the head of a chain without entries.
    pub entry: u64,
    pub fault: Fault,
}

impl BadEntry {
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// What a good chain comes to: received less given, of every account and asset that moved.
pub type Balances = BTreeMap<(Account, Asset), Amount>;

/// Goes through a chain as it is stored, first entry first, and computes everything in it again. `head` is what was stored apart from it.
/// Where a store has no order of its own, sort by number first.
///
/// Balances are judged after each step, and not after each group: the groups of a step can not be told apart in what is stored.
///
/// Errors: the first entry that is not what a ledger would have posted there.
pub fn verify(transfers: impl IntoIterator<Item = Transfer>, head: Head) -> Result<Balances, BadEntry> {
    let mut transfers = transfers.into_iter();
    let mut walk = Walk::default();
    while let Some(transfer) = transfers.next() {
        let entry = walk.count + 1;
        let bad = |fault| BadEntry { entry, fault };
        if walk.ids.contains(&transfer.id) {
            return Err(bad(Fault::Duplicate));
        }
        if entry > head.count {
            return Err(bad(Fault::BeyondHead));
        }
        if transfer.number != entry {
            // Somewhere further on, or nowhere: that is told by the rest.
            let elsewhere = transfer.number < entry || transfers.any(|later| later.number == entry);
            return Err(bad(if elsewhere { Fault::OutOfOrder } else { Fault::Missing }));
        }
        if transfer.hash != seal(walk.hash, &transfer) {
            return Err(bad(Fault::Altered));
        }
        if transfer.id != TransferId::of(transfer.cause) {
            return Err(bad(Fault::Unfounded));
        }
        if walk.step != transfer.step {
            walk.settled()?;
        }
        walk.take(&transfer).ok_or(bad(Fault::Impossible))?;
    }
    // Before the balances: what is missing may be the leg that makes good for the others of its step.
    if walk.count < head.count {
        return Err(BadEntry { entry: walk.count + 1, fault: Fault::Missing });
    }
    walk.settled()?;
    if walk.hash != head.hash {
        return Err(BadEntry { entry: walk.count, fault: Fault::HeadDiffers });
    }
    Ok(walk.balances)
}

#[derive(Default)]
struct Walk {
    count: u64,
    hash: ChainHash,
    step: Step,
    ids: BTreeSet<TransferId>,
    balances: Balances,
    /// Who is below zero within the step, and since which entry.
    owing: BTreeMap<(Account, Asset), u64>,
}

impl Walk {
    /// None when it is impossible.
    fn take(&mut self, transfer: &Transfer) -> Option<()> {
        let Transfer { number, step, id, debit, credit, asset, amount, hash, .. } = *transfer;
        if amount <= Amount::ZERO || debit == credit {
            return None;
        }
        let gives = self.balances.entry((debit, asset)).or_default();
        *gives = gives.checked_sub(amount).ok()?;
        if *gives < Amount::ZERO && !debit.may_be_negative() {
            self.owing.entry((debit, asset)).or_insert(number);
        }
        let receives = self.balances.entry((credit, asset)).or_default();
        *receives = receives.checked_add(amount).ok()?;
        if *receives >= Amount::ZERO {
            self.owing.remove(&(credit, asset));
        }
        self.ids.insert(id);
        (self.count, self.hash, self.step) = (number, hash, step);
        Some(())
    }

    /// At the end of a step: whoever owes now does owe.
    fn settled(&self) -> Result<(), BadEntry> {
        match self.owing.values().min() {
            None => Ok(()),
            Some(&entry) => Err(BadEntry { entry, fault: Fault::Negative }),
        }
    }
}
