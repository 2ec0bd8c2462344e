//! Who owns what, and how it came to be so: double entry, a chain of hashes over it, positions and equity.
//!
//! Read `settle` (a fill as the transfers it makes), `book` (posting them, all or none), `chain` (a stored ledger looked at again by other
//! code), `positions` and `lots` (profit and loss), `equity`.
//!
//! Invariants: debits equal credits, per asset, after every posting. One cause moves something once, in whatever order and however often it
//! is asked for. A trader never owes. Deliberately absent: a clock, a session's name (the same deeds have the same hashes in every session),
//! and a way to change or remove an entry.

mod book;
pub mod chain;
mod equity;
mod error;
mod lots;
mod positions;
pub mod settle;

pub use book::{Entry, Head, Ledger, Posted};
pub use equity::{Equity, equity};
pub use error::LedgerError;
pub use lots::{Lot, Lots};
pub use positions::{Marked, Position, Positions};

#[cfg(test)]
mod tests;
