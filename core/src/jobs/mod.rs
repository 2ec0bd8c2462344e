//! What runs, and whether it may run again. Pure; the journal keeps the completion records.
//!
//! A *one-shot* job does something once in the life of a data directory. When it is done, a record of that is made durable in the same write as
//! what it did, so that no crash can leave one without the other. What a job is called follows from what it does and not from who asks for it: asked for
//! by another process, after a restart or from an older checkpoint, it is the same job.
//!
//! A *streaming* job carries one thing on into another for as long as it is run, and starts where its own sink says it ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{Seq, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// The cash an account begins with.
    OpeningDeposit,
    /// A file, by its content. Its rows are judged one by one, so that it may run again: it finds them there.
    Import(Source),
    /// Ticks and clocks to the cold tier.
    ArchiveTicks,
    /// Candles to the warm tier.
    ArchiveCandles,
    /// Transfers, balances and trades to the warm tier.
    ArchiveBooks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    OneShot,
    Streaming,
}

impl Job {
    pub fn kind(self) -> Kind {
        match self {
            Self::OpeningDeposit | Self::Import(_) => Kind::OneShot,
            Self::ArchiveTicks | Self::ArchiveCandles | Self::ArchiveBooks => Kind::Streaming,
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpeningDeposit => f.write_str("opening deposit"),
            Self::Import(source) => write!(f, "import {source}"),
            Self::ArchiveTicks => f.write_str("archive ticks"),
            Self::ArchiveCandles => f.write_str("archive candles"),
            Self::ArchiveBooks => f.write_str("archive books"),
        }
    }
}

/// A one-shot job is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The last input that was durable when it was, its own included.
    pub through: Seq,
}

/// Whether a job has anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Run,
    /// It was done before.
    Done(Completion),
}

/// Pure, so that a table of cases is the whole test.
pub fn start(job: Job, completion: Option<Completion>) -> Start {
    match (job, completion) {
        // Without this line, the night it cost $600 000, recovery ran a job again that was done. See `Desk` for what that paid.
        #[cfg(not(feature = "bug-job-rerun"))]
        (Job::OpeningDeposit, Some(completion)) => Start::Done(completion),
        (_, _) => Start::Run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposit_that_was_made_is_not_made_again_and_a_file_may_be() {
        let done = Completion { through: Seq(7) };
        assert_eq!(start(Job::OpeningDeposit, None), Start::Run);
        assert_eq!(start(Job::OpeningDeposit, Some(done)), Start::Done(done));
        assert_eq!(start(Job::Import(Source::Sample), Some(done)), Start::Run);
        assert_eq!(start(Job::ArchiveTicks, None), Start::Run);
    }
}
