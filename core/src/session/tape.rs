//! Everything recorded, in the order of the journal: what left the journal comes from the archive, the rest from the journal itself.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::domain::{Digest, Seq, Stamped};
use crate::journal::{Journal, JournalError, JournalReader, Records, Retired};
use crate::tiers::cold::{Cold, ColdError, TickQuery};

/// Groups of some thousand inputs that are read ahead.
const READ_AHEAD: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the archive: {0}")]
    Archive(#[from] ColdError),
    /// Ticks or clocks that left the journal are not in the archive.
    #[error("records {} to {} are neither in the journal nor in the archive", after.0 + 1, found.0 - 1)]
    Missing { after: Seq, found: Seq },
    #[error("what left the journal ({} ticks and clocks) and what the archive holds of it ({}) differ", left.inputs, held.inputs)]
    Differs { left: Digest, held: Digest },
}

/// One pass over what was recorded. After a record that is damaged or missing it goes on with the next.
pub struct Tape {
    kept: Peekable<Records>,
    archived: Option<Peekable<Archived>>,
    /// Of what the archive gave, when the pass began at the start: then it must be what left the journal.
    digest: Option<Digest>,
    retired: Retired,
    previous: Seq,
    held: Option<Stamped>,
}

impl Tape {
    /// From a place on. The archive is opened when the journal alone does not have it.
    pub fn from(journal: &Journal, from: Seq) -> Self {
        Self::of(journal.directory(), journal.records(from), journal.retired(), from)
    }

    /// As `from`, beside the writer.
    pub fn beside(journal: &JournalReader, from: Seq) -> Result<Self, JournalError> {
        let (records, retired) = journal.records_now(from)?;
        Ok(Self::of(journal.directory(), records, retired, from))
    }

    fn of(directory: &Path, records: Records, retired: Retired, from: Seq) -> Self {
        let previous = Seq(from.0.saturating_sub(1));
        let archived = (previous < retired.through)
            .then(|| Archived::read(directory, TickQuery::in_journal_order(previous, retired.through)).peekable());
        let digest = (previous == Seq(0)).then(Digest::default);
        Self { kept: records.peekable(), archived, digest, retired, previous, held: None }
    }

    /// The next of either, by its place. Of an input that is in both, the journal's counts.
    fn nearest(&mut self) -> Option<Result<Stamped, TapeError>> {
        loop {
            // What can not be read has no place, and is told at once.
            let archived = match self.archived.as_mut().and_then(Peekable::peek) {
                None => None,
                Some(Ok(input)) => Some(input.seq),
                Some(Err(_)) => Some(Seq(0)),
            };
            if archived.is_none() && self.archived.take().is_some() {
                let held = self.digest.take().unwrap_or(self.retired.digest);
                if held != self.retired.digest {
                    return Some(Err(TapeError::Differs { left: self.retired.digest, held }));
                }
            }
            let kept = match self.kept.peek() {
                None => None,
                Some(Ok(record)) => Some(record.seq),
                Some(Err(JournalError::Damaged { seq, .. })) => Some(*seq),
                Some(Err(_)) => Some(Seq(0)),
            };
            if archived.is_none_or(|archived| kept.is_some_and(|kept| kept < archived)) {
                return self.kept.next().map(|record| record.map_err(Into::into));
            }
            let input = match self.archived.as_mut().and_then(Iterator::next)? {
                Ok(input) => input,
                Err(error) => {
                    (self.archived, self.digest) = (None, None);
                    return Some(Err(error.into()));
                }
            };
            if let Some(digest) = &mut self.digest {
                digest.add(&input);
            }
            if kept != archived {
                return Some(Ok(input));
            }
        }
    }
}

impl Iterator for Tape {
    type Item = Result<Stamped, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(held) = self.held.take() {
            self.previous = held.seq;
            return Some(Ok(held));
        }
        let next = match self.nearest() {
            Some(Ok(input)) => input,
            Some(Err(error)) => {
                if let TapeError::Journal(JournalError::Damaged { seq, .. }) = &error {
                    self.previous = *seq;
                }
                return Some(Err(error));
            }
            // The records end inside what has left.
            None if self.previous < self.retired.through => {
                let after = std::mem::replace(&mut self.previous, self.retired.through);
                return Some(Err(TapeError::Missing { after, found: self.retired.through.next() }));
            }
            None => return None,
        };
        // Beyond what has left, the journal itself names every hole.
        let expected = self.previous.next();
        if next.seq > expected && self.previous < self.retired.through {
            let (after, found) = (self.previous, next.seq.min(self.retired.through.next()));
            self.held = Some(next);
            return Some(Err(TapeError::Missing { after, found }));
        }
        self.previous = next.seq;
        Some(Ok(next))
    }
}

/// The archive's part, read ahead by a thread of its own, so that whoever takes it need not be one that can wait for files.
struct Archived {
    groups: Receiver<Result<Vec<Stamped>, ColdError>>,
    ready: VecDeque<Stamped>,
}

impl Archived {
    fn read(directory: &Path, query: TickQuery) -> Self {
        let (give, groups) = sync_channel(READ_AHEAD);
        let directory = directory.to_owned();
        std::thread::spawn(move || {
            let read = || -> Result<(), ColdError> {
                let unusable = |source| ColdError::Folder { folder: directory.clone(), source };
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
                runtime.block_on(async {
                    let mut ticks = Cold::read(&directory, query).await?;
                    loop {
                        let inputs = ticks.next().await?;
                        // When nobody listens any more, the pass was left early.
                        if inputs.is_empty() || give.send(Ok(inputs)).is_err() {
                            return Ok(());
                        }
                    }
                })
            };
            if let Err(error) = read() {
                let _ = give.send(Err(error));
            }
        });
        Self { groups, ready: VecDeque::new() }
    }
}

impl Iterator for Archived {
    type Item = Result<Stamped, ColdError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(input) = self.ready.pop_front() {
                return Some(Ok(input));
            }
            match self.groups.recv().ok()? {
                Ok(inputs) => self.ready = inputs.into(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
