//! Ordered and durable: the one record of inputs everything else is computed from.
//!
//! A record is acknowledged only after it has been synced. Beside the records, in the same atomic batches, lie the ranges of trade
//! ids seen (so that a restart knows a duplicate), the closed candles (a projection) and checkpoints (thrown away at will).
//!
//! Ticks and clocks leave it once the cold tier has them; `session::retention` decides when, and `session::tape` reads both as one.

mod books;
mod candles;
mod head;
mod lock;
mod log;
mod moments;
mod notes;
pub mod record;

pub use books::{Deed, StoredDecision, StoredFill, StoredOrder};
pub use candles::CandleQuery;
pub use lock::DirectoryLock;
pub(crate) use lock::{ARRIVING, LEAVING, other_place};
pub use log::{Checkpoint, Journal, JournalReader, RangeDelta, Records, Retired};
pub use moments::Moment;
pub use notes::KeptNote;

use std::path::PathBuf;

use crate::domain::{Candle, Seq};

/// What the engine made of records, to be stored beside them.
#[derive(Clone, Debug, Default)]
pub struct Projected {
    /// Closed ones and corrections.
    pub candles: Vec<Candle>,
    pub deeds: Vec<Deed>,
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{} is in use by {holder}", directory.display())]
    InUse { directory: PathBuf, holder: String },
    #[error("{} can not be used as a data directory: {source}", directory.display())]
    Directory { directory: PathBuf, source: std::io::Error },
    #[error("{} is between two places: its move from {} to {} is not finished", directory.display(), from.display(), to.display())]
    BetweenPlaces { directory: PathBuf, from: PathBuf, to: PathBuf },
    #[error("{} was written by a newer Tapedeck (schema {found}, this one knows {known})", directory.display())]
    NewerSchema { directory: PathBuf, found: u32, known: u32 },
    #[error("the journal ends at record {}, and record {} had been written: its end is damaged", last.0, noted.0)]
    Cut { last: Seq, noted: Seq },
    #[error("no space is left for {}", directory.display())]
    Full { directory: PathBuf },
    #[error("the journal's store failed: {0}")]
    Store(fjall::Error),
    #[error("record {} is damaged: {why}", seq.0)]
    Damaged { seq: Seq, why: record::RecordError },
    #[error("record {} is missing: the one after {} is {}", after.0 + 1, after.0, found.0)]
    Hole { after: Seq, found: Seq },
    #[error("the entry {key} of `{keyspace}` is damaged")]
    DamagedEntry { keyspace: &'static str, key: String },
}

impl From<fjall::Error> for JournalError {
    fn from(error: fjall::Error) -> Self {
        Self::Store(error)
    }
}
