//! The journal on fjall: one atomic batch for each group of inputs.

use std::path::{Path, PathBuf};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use serde::{Deserialize, Serialize};

use super::books::Books;
use super::moments::{Laid, Moments};
use super::notes::Notes;
use super::record::{self, RecordError};
use super::{DirectoryLock, JournalError, head};
use crate::domain::{Digest, Input, Pair, Seq, Source, Stamped, TapeTime};
use crate::jobs::{Completion, Job};

/// 2: closed candles are also logged in the order they became known, for the warm tier. 3: ticks and clocks may have left for the archive. 4: a
/// desk's commands are among the records.
const SCHEMA: u32 = 4;
const CHECKPOINTS_KEPT: usize = 3;

/// Bytes. With less than this a group of inputs and what the store writes along with it may not fit.
const LEAST_SPACE: u64 = 4 << 20;

/// A change of the closed ranges of trade ids seen of one (source, pair), made durable with the trades that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeDelta {
    pub source: Source,
    pub pair: Pair,
    /// Starts of ranges that were swallowed.
    pub removed: Vec<u64>,
    /// The range that now stands, first and last included.
    pub put: (u64, u64),
}

/// Serialized state at a place on the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub seq: Seq,
    pub state: Vec<u8>,
}

/// What has left the journal: every tick and clock through a place, and what they add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    pub through: Seq,
    pub digest: Digest,
}

pub struct Journal {
    pub(super) database: Database,
    records: Keyspace,
    ranges: Keyspace,
    checkpoints: Keyspace,
    pub(super) candles: Keyspace,
    pub(super) candle_log: Keyspace,
    pub(super) facts: Keyspace,
    pub(super) books: Books,
    pub(super) moments: Moments,
    pub(super) laid: Laid,
    pub(super) notes: Notes,
    jobs: Keyspace,
    last: Seq,
    /// The last one that is noted outside the store.
    noted: Seq,
    retired: Retired,
    directory: PathBuf,
    _lock: DirectoryLock,
}

impl Journal {
    /// Opens or creates the journal of a data directory, for writing.
    ///
    /// Errors: `InUse` when another process has it; `NewerSchema`; `Cut` when records that were durable are gone from its end; `Store` when the
    /// store can not be recovered.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        let lock = DirectoryLock::take(directory)?;
        let store = directory.join("journal");
        let unreadable = |source| JournalError::Directory { directory: directory.to_owned(), source };
        let noted = head::read(directory).map_err(unreadable)?;
        if noted.is_none() {
            forget_half_made(&store).map_err(unreadable)?;
        }
        let noted = noted.unwrap_or_default();
        let database = Database::builder(store).open()?;
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        let (records, ranges) = (keyspace("records")?, keyspace("seen_ranges")?);
        let (checkpoints, candles, facts) = (keyspace("checkpoints")?, keyspace("candles")?, keyspace("facts")?);
        let candle_log = keyspace("candle_log")?;
        let books = Books::open(&database)?;
        let jobs = keyspace("jobs")?;
        let moments = Moments::open(&database)?;
        let laid = moments.laid()?;
        let notes = Notes::open(&database)?;
        let found = match facts.get("schema")? {
            None => SCHEMA,
            Some(bytes) => bytes
                .as_ref()
                .try_into()
                .map(u32::from_be_bytes)
                .map_err(|_| JournalError::DamagedEntry { keyspace: "facts", key: "schema".to_owned() })?,
        };
        if found > SCHEMA {
            return Err(JournalError::NewerSchema { directory: directory.to_owned(), found, known: SCHEMA });
        }
        let retired = read_retired(&facts)?;
        let last = match records.last_key_value() {
            Some(guard) => {
                let key = guard.key()?;
                Seq(u64::from_be_bytes(
                    key.as_ref()
                        .try_into()
                        .map_err(|_| JournalError::Damaged { seq: Seq(0), why: RecordError::Key })?,
                ))
            }
            None => Seq::default(),
        }
        .max(retired.through);
        if last < noted {
            return Err(JournalError::Cut { last, noted });
        }
        let mut journal = Self {
            database,
            records,
            ranges,
            checkpoints,
            candles,
            candle_log,
            facts,
            books,
            moments,
            laid,
            notes,
            jobs,
            last,
            noted,
            retired,
            directory: directory.to_owned(),
            _lock: lock,
        };
        if found < 2 {
            // Made again from the records, in today's shape, by whoever opens the journal to write.
            journal.forget_projections()?;
            journal.forget_checkpoints()?;
        }
        journal.facts.insert("schema", SCHEMA.to_be_bytes())?;
        Ok(journal)
    }

    /// Reads beside the writer, without holding it up.
    pub fn reader(&self) -> JournalReader {
        JournalReader {
            records: self.records.clone(),
            candle_log: self.candle_log.clone(),
            candles: self.candles.clone(),
            books: self.books.clone(),
            moments: self.moments.clone(),
            notes: self.notes.clone(),
            facts: self.facts.clone(),
            retired: self.retired.through,
            directory: self.directory.clone(),
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Of the last durable record; 0 when there is none.
    pub fn last_seq(&self) -> Seq {
        self.last
    }

    pub fn disk_bytes(&self) -> Result<u64, JournalError> {
        Ok(self.database.disk_space()?)
    }

    /// Writes a group of inputs, the id ranges they changed and the one-shot jobs they complete, and returns after the sync: what it returns is durable.
    ///
    /// After an error nothing of the group is acknowledged, and the journal must be dropped and opened again: a sync that failed
    /// once can not be trusted by asking twice.
    pub fn append(
        &mut self,
        inputs: &[(TapeTime, Input)],
        ranges: &[RangeDelta],
        completed: &[Job],
    ) -> Result<Vec<Stamped>, JournalError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        let mut stamped = Vec::with_capacity(inputs.len());
        let mut seq = self.last;
        for &(tape_time, input) in inputs {
            seq = seq.next();
            batch.insert(&self.records, seq.0.to_be_bytes(), record::encode(seq, tape_time, &input));
            stamped.push(Stamped { seq, tape_time, input });
        }
        for delta in ranges {
            for &start in &delta.removed {
                batch.remove(&self.ranges, range_key(delta.source, delta.pair, start));
            }
            batch.insert(&self.ranges, range_key(delta.source, delta.pair, delta.put.0), delta.put.1.to_be_bytes());
        }
        for job in completed {
            let completion = Completion { through: seq };
            let bytes = postcard::to_allocvec(&completion).expect("a number");
            batch.insert(&self.jobs, job.to_string(), bytes);
        }
        batch.commit().map_err(|error| self.explained(error))?;
        self.last = seq;
        Ok(stamped)
    }

    /// When a one-shot job was done; none when it was not.
    pub fn completion(&self, job: Job) -> Result<Option<Completion>, JournalError> {
        let Some(bytes) = self.jobs.get(job.to_string())? else { return Ok(None) };
        let damaged = |_| JournalError::DamagedEntry { keyspace: "jobs", key: job.to_string() };
        postcard::from_bytes(&bytes).map(Some).map_err(damaged)
    }

    /// After a failure that another thread met the store says only that there was one. Where no space is left that is why.
    pub(super) fn explained(&self, error: fjall::Error) -> JournalError {
        let full = matches!(error, fjall::Error::Poisoned)
            && fs4::available_space(&self.directory).is_ok_and(|free| free < LEAST_SPACE);
        if full { JournalError::Full { directory: self.directory.clone() } } else { error.into() }
    }

    /// Records from `from` on, in order. A hole or a damaged record is an item of its own; the rest can still be read. That ticks and clocks have
    /// left is no hole.
    pub fn records(&self, from: Seq) -> Records {
        Records::from(&self.records, self.retired.through, from)
    }

    pub fn retired(&self) -> Retired {
        self.retired
    }

    /// Lets ticks and clocks go: `records`, which are all there are after the last that went and through `retired.through`. The caller has made sure that
    /// the archive holds them, and that a checkpoint of `retired.through` or later lies here.
    pub fn retire(&mut self, records: &[Seq], retired: Retired) -> Result<(), JournalError> {
        // Everything written before is synced with it, and so the checkpoint.
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for seq in records {
            batch.remove(&self.records, seq.0.to_be_bytes());
        }
        let bytes = postcard::to_allocvec(&retired).expect("numbers of known size");
        batch.insert(&self.facts, "retired", bytes);
        batch.commit().map_err(|error| self.explained(error))?;
        self.retired = retired;
        Ok(())
    }

    /// Records before the end, newest first, for what a restart must remember of the last minutes.
    pub fn newest_records(&self) -> impl Iterator<Item = Result<Stamped, JournalError>> {
        self.records.iter().rev().map(|guard| {
            let (key, value) = guard.into_inner()?;
            record::decode(&key, &value).map_err(|why| JournalError::Damaged { seq: seq_of(&key), why })
        })
    }

    /// Closed ranges of trade ids seen, in order, of every pair of a lane.
    pub fn seen_ranges(&self, source: Source) -> Result<Vec<(Pair, u64, u64)>, JournalError> {
        let prefix = format!("{source}\0");
        self.ranges
            .prefix(&prefix)
            .map(|guard| {
                let (key, value) = guard.into_inner()?;
                let damaged = || JournalError::DamagedEntry {
                    keyspace: "seen_ranges",
                    key: String::from_utf8_lossy(&key).into_owned(),
                };
                let rest = &key[prefix.len()..];
                let (pair, start) = rest.split_at_checked(rest.len().saturating_sub(9)).ok_or_else(damaged)?;
                let pair = std::str::from_utf8(pair).ok().and_then(|p| p.parse().ok()).ok_or_else(damaged)?;
                let start =
                    start.get(1..).and_then(|s| s.try_into().ok()).map(u64::from_be_bytes).ok_or_else(damaged)?;
                let last = value.as_ref().try_into().map(u64::from_be_bytes).map_err(|_| damaged())?;
                Ok((pair, start, last))
            })
            .collect()
    }

    /// Keeps a checkpoint and drops all but the newest few. Not synced by itself: losing one costs time, never truth.
    pub fn put_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), JournalError> {
        let mut value = crc32fast::hash(&checkpoint.state).to_le_bytes().to_vec();
        value.extend_from_slice(&checkpoint.state);
        let mut batch = self.database.batch();
        batch.insert(&self.checkpoints, checkpoint.seq.0.to_be_bytes(), value);
        for guard in self.checkpoints.iter().rev().skip(CHECKPOINTS_KEPT - 1) {
            batch.remove(&self.checkpoints, guard.key()?);
        }
        batch.commit().map_err(|error| self.explained(error))?;
        self.note_end()
    }

    /// Notes outside the store how far it reaches, so that it is seen when it does no more. Call it now and then: it costs two syncs.
    pub fn note_end(&mut self) -> Result<(), JournalError> {
        if self.last > self.noted {
            let failed = |source| JournalError::Directory { directory: self.directory.clone(), source };
            head::write(&self.directory, self.last).map_err(failed)?;
            self.noted = self.last;
        }
        Ok(())
    }

    /// Newest first. A damaged one is passed over: the journal can do without.
    pub fn checkpoints(&self) -> impl Iterator<Item = Checkpoint> {
        self.checkpoints.iter().rev().filter_map(|guard| {
            let (key, value) = guard.into_inner().ok()?;
            let (crc, state) = value.split_at_checked(4)?;
            let crc = u32::from_le_bytes(crc.try_into().ok()?);
            (crc32fast::hash(state) == crc).then(|| Checkpoint { seq: seq_of(&key), state: state.to_vec() })
        })
    }

    pub fn forget_checkpoints(&mut self) -> Result<(), JournalError> {
        Ok(self.checkpoints.clear()?)
    }
}

/// Deletes a store that died while it was made, before it could take a record: the library would neither open it nor make it again. What
/// it writes last is its version.
fn forget_half_made(store: &Path) -> std::io::Result<()> {
    let made = std::fs::metadata(store.join("version")).is_ok_and(|version| version.len() > 0);
    let is_empty = |folder: &Path| std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if made || !store.is_dir() || store.join("1.jnl").exists() || !is_empty(&store.join("keyspaces")) {
        return Ok(());
    }
    std::fs::remove_dir_all(store)
}

fn seq_of(key: &[u8]) -> Seq {
    Seq(key.try_into().map(u64::from_be_bytes).unwrap_or_default())
}

fn range_key(source: Source, pair: Pair, start: u64) -> Vec<u8> {
    let mut key = format!("{source}\0{pair}\0").into_bytes();
    key.extend_from_slice(&start.to_be_bytes());
    key
}

/// Another handle on the same store, for what carries the journal on. What it sees past the last acknowledged `Seq` means nothing yet.
#[derive(Clone)]
pub struct JournalReader {
    records: Keyspace,
    pub(super) candle_log: Keyspace,
    pub(super) candles: Keyspace,
    pub(super) books: Books,
    pub(super) moments: Moments,
    pub(super) notes: Notes,
    facts: Keyspace,
    /// When this handle was made.
    retired: Seq,
    directory: PathBuf,
}

impl JournalReader {
    /// As [`Journal::records`].
    pub fn records(&self, from: Seq) -> Records {
        Records::from(&self.records, self.retired, from)
    }

    /// The records that are here now, and what has left by then: inputs go on leaving while this handle lives.
    pub fn records_now(&self, from: Seq) -> Result<(Records, Retired), JournalError> {
        // In this order: what leaves in between is then seen in both places, and in none it never is.
        let records = Records::from(&self.records, Seq::default(), from);
        let retired = read_retired(&self.facts)?;
        Ok((Records { retired: retired.through, ..records }, retired))
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn read_retired(facts: &Keyspace) -> Result<Retired, JournalError> {
    let Some(bytes) = facts.get("retired")? else { return Ok(Retired::default()) };
    let damaged = |_| JournalError::DamagedEntry { keyspace: "facts", key: "retired".to_owned() };
    postcard::from_bytes(&bytes).map_err(damaged)
}

/// See [`Journal::records`].
pub struct Records {
    inner: fjall::Iter,
    /// Through here only what never leaves is left.
    retired: Seq,
    previous: Seq,
    /// A record that came after a hole, given after the hole was named.
    held: Option<Result<Stamped, JournalError>>,
}

impl Records {
    fn from(records: &Keyspace, retired: Seq, from: Seq) -> Self {
        let inner = records.range(from.0.to_be_bytes()..);
        Self { inner, retired, previous: Seq(from.0.saturating_sub(1)), held: None }
    }
}

impl Iterator for Records {
    type Item = Result<Stamped, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        let (key, value) = match self.inner.next()?.into_inner() {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error.into())),
        };
        let seq = seq_of(&key);
        let item = record::decode(&key, &value).map_err(|why| JournalError::Damaged { seq, why });
        let after = std::mem::replace(&mut self.previous, seq).max(self.retired);
        if seq > self.retired && seq != after.next() {
            self.held = Some(item);
            return Some(Err(JournalError::Hole { after, found: seq }));
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_died_while_it_was_made_is_made() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = directory.path().join("journal");
        for version in [None, Some(b"")] {
            std::fs::create_dir_all(store.join("keyspaces")).expect("made");
            std::fs::write(store.join("0.jnl"), b"").expect("written");
            if let Some(version) = version {
                std::fs::write(store.join("version"), version).expect("written");
            }
            let journal = Journal::open(directory.path()).expect("opened");
            assert_eq!(journal.last_seq(), Seq(0));
            drop(journal);
            std::fs::remove_dir_all(&store).expect("removed");
        }
    }

    #[test]
    fn a_store_that_holds_anything_is_not_deleted() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        drop(Journal::open(directory.path()).expect("opened"));
        let store = directory.path().join("journal");
        std::fs::remove_file(store.join("version")).expect("removed");
        assert!(Journal::open(directory.path()).is_err(), "what it is can not be known");
        assert!(store.join("keyspaces/0").is_dir(), "it was deleted");
    }
}
