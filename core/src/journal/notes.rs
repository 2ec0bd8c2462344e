//! What the analyst said, and what was refused of it. Kept for good: no machine makes a model's answer again.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Journal, JournalError, JournalReader};
use crate::analyst::Note;
use crate::domain::{NoteId, Pair, Source, TapeTime};

/// A note, and when it came.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptNote {
    /// Tape time of its lane when it was asked for: nothing later was known.
    pub at: TapeTime,
    /// Asked for in a replay, by somebody who may have known what came after: it counts for no score.
    pub in_replay: bool,
    pub note: Note,
}

#[derive(Clone)]
pub(super) struct Notes {
    /// By (lane, at, id): whether it came in a replay, the note, a checksum.
    notes: Keyspace,
    /// The key of each, by id.
    keys: Keyspace,
    /// When each of a lane came, in order: a frame asks how many there are.
    times: Arc<RwLock<BTreeMap<Source, Vec<TapeTime>>>>,
}

impl Notes {
    pub(super) fn open(database: &Database) -> Result<Self, JournalError> {
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        let (notes, keys) = (keyspace("notes")?, keyspace("note_keys")?);
        let mut times: BTreeMap<Source, Vec<TapeTime>> = BTreeMap::new();
        for guard in notes.iter() {
            let key = guard.key()?;
            // One that can not be read is told by `verify`, and by whoever asks for it.
            if let Some((source, at)) = placed(&key) {
                times.entry(source).or_default().push(at);
            }
        }
        Ok(Self { notes, keys, times: Arc::new(RwLock::new(times)) })
    }

    fn came(&self, source: Source, at: TapeTime) {
        let mut times = self.times.write().unwrap_or_else(PoisonError::into_inner);
        let times = times.entry(source).or_default();
        times.insert(times.partition_point(|time| *time <= at), at);
    }
}

impl Journal {
    /// Keeps a note, durably. One that is kept already stays as it is, and the answer is false.
    pub fn keep_note(&mut self, kept: &KeptNote) -> Result<bool, JournalError> {
        let id = kept.note.id.to_string();
        if self.notes.keys.get(&id)?.is_some() {
            return Ok(false);
        }
        let mut key = prefix(kept.note.source(), kept.at);
        key.extend_from_slice(id.as_bytes());
        let mut value = vec![u8::from(kept.in_replay)];
        value.extend(kept.note.to_bytes());
        value.extend(checksum(&key, &value));
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.notes.notes, key.clone(), value);
        batch.insert(&self.notes.keys, id, key);
        batch.commit().map_err(|error| self.explained(error))?;
        self.notes.came(kept.note.source(), kept.at);
        Ok(true)
    }

    /// Every one of every lane, for `verify`. A damaged one is an item of its own.
    pub fn stored_notes(&self) -> impl Iterator<Item = Result<KeptNote, JournalError>> + use<> {
        self.notes.notes.iter().map(|guard| {
            let (key, value) = guard.into_inner()?;
            read(&key, &value)
        })
    }
}

impl JournalReader {
    /// Those of a lane that had come by the cursor, the newest first. A damaged one is an item of its own.
    pub fn notes(
        &self,
        source: Source,
        cursor: TapeTime,
    ) -> impl Iterator<Item = Result<KeptNote, JournalError>> + use<> {
        let from = prefix(source, TapeTime::default());
        let to = prefix(source, TapeTime::from_nanos(cursor.nanos().max(0).saturating_add(1)));
        self.notes.notes.range(from..to).rev().map(|guard| {
            let (key, value) = guard.into_inner()?;
            read(&key, &value)
        })
    }

    /// When the next one of a lane on a pair came that says something, or the one before. Notes of the cursor's own moment are passed over.
    pub fn note_beside(
        &self,
        source: Source,
        pair: Pair,
        cursor: TapeTime,
        back: bool,
    ) -> Result<Option<TapeTime>, JournalError> {
        let after = TapeTime::from_nanos(cursor.nanos().max(0).saturating_add(1));
        let here = |guard: Guard| -> Result<Option<TapeTime>, JournalError> {
            let (key, value) = guard.into_inner()?;
            let kept = read(&key, &value)?;
            Ok((kept.note.pair() == pair && kept.note.opinion().is_some()).then_some(kept.at))
        };
        let (before, from) = (prefix(source, cursor), prefix(source, after));
        let found = if back {
            self.notes.notes.range(prefix(source, TapeTime::default())..before).rev().find_map(|g| here(g).transpose())
        } else {
            self.notes.notes.range(from..=end(source)).find_map(|g| here(g).transpose())
        };
        found.transpose()
    }

    /// One of them, whenever it came.
    pub fn note(&self, id: NoteId) -> Result<Option<KeptNote>, JournalError> {
        let Some(key) = self.notes.keys.get(id.to_string())? else { return Ok(None) };
        let Some(value) = self.notes.notes.get(&key)? else { return Ok(None) };
        read(&key, &value).map(Some)
    }

    /// How many of a lane had come by the cursor.
    pub fn count_notes(&self, source: Source, cursor: TapeTime) -> usize {
        let times = self.notes.times.read().unwrap_or_else(PoisonError::into_inner);
        times.get(&source).map_or(0, |times| times.partition_point(|time| *time <= cursor))
    }
}

/// Behind every key of a lane.
fn end(source: Source) -> Vec<u8> {
    format!("{source}\u{1}").into_bytes()
}

fn prefix(source: Source, at: TapeTime) -> Vec<u8> {
    let mut key = format!("{source}\0").into_bytes();
    key.extend_from_slice(&at.nanos().max(0).to_be_bytes());
    key
}

/// Of the place too: a note that lies where another should is damaged.
fn checksum(key: &[u8], value: &[u8]) -> [u8; 8] {
    let hash = blake3::Hasher::new().update(key).update(value).finalize();
    *hash.as_bytes().first_chunk().expect("a hash is longer")
}

fn placed(key: &[u8]) -> Option<(Source, TapeTime)> {
    let end = key.iter().position(|byte| *byte == 0)?;
    let source = str::from_utf8(&key[..end]).ok()?.parse().ok()?;
    let nanos = key[end + 1..].first_chunk::<8>()?;
    Some((source, TapeTime::from_nanos(i64::from_be_bytes(*nanos))))
}

fn read(key: &[u8], value: &[u8]) -> Result<KeptNote, JournalError> {
    let damaged = || JournalError::DamagedEntry { keyspace: "notes", key: String::from_utf8_lossy(key).into_owned() };
    let (source, at) = placed(key).ok_or_else(damaged)?;
    let (value, sum) = value.split_last_chunk::<8>().ok_or_else(damaged)?;
    if checksum(key, value) != *sum {
        return Err(damaged());
    }
    let (in_replay, bytes) = match value.split_first() {
        Some((0, bytes)) => (false, bytes),
        Some((1, bytes)) => (true, bytes),
        _ => return Err(damaged()),
    };
    let note = Note::from_bytes(bytes).map_err(|_| damaged())?;
    if note.source() != source {
        return Err(damaged());
    }
    Ok(KeptNote { at, in_replay, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyst::{Author, Facts, Outcome, rules};
    use crate::domain::time::MINUTE;
    use crate::domain::{Amount, Candle, EventTime, Price, Quality, Seq};

    fn kept(pair: &str, minute: i64) -> KeptNote {
        let (price, end) = (Price::from_units(100 + minute), EventTime::from_nanos((minute + 1) * MINUTE));
        let candle = Candle {
            source: Source::Live,
            pair: pair.parse().expect("a pair"),
            window_start: EventTime::from_nanos(minute * MINUTE),
            window_end: end,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Amount::from_units(1),
            tick_count: 1,
            quality: Quality::Complete,
            revision: 0,
            tape_time: TapeTime::from_nanos(end.nanos()),
            seq: Seq(1),
        };
        let facts = Facts::of(&[candle], None, None).expect("one minute");
        let outcome = Outcome::Said(rules::say(&facts));
        KeptNote { at: candle.tape_time, in_replay: false, note: Note::new(Author::Rules, facts, outcome, 0) }
    }

    fn ids(journal: &Journal, cursor: i64) -> Vec<NoteId> {
        let reader = journal.reader();
        let found = reader.notes(Source::Live, TapeTime::from_nanos(cursor)).collect::<Result<Vec<_>, _>>();
        let found = found.expect("readable");
        assert_eq!(found.len(), reader.count_notes(Source::Live, TapeTime::from_nanos(cursor)));
        found.into_iter().map(|kept| kept.note.id).collect()
    }

    #[test]
    fn a_note_is_kept_once_and_known_from_when_it_came() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(directory.path()).expect("new");
        let notes = [kept("BTC-USD", 1), kept("ETH-USD", 1), kept("BTC-USD", 7)];
        for note in &notes {
            assert!(journal.keep_note(note).expect("durable"));
        }
        // Asked for again later, with the same answer: it is known since it was first given.
        let again = KeptNote { at: TapeTime::from_nanos(90 * MINUTE), ..notes[0].clone() };
        assert!(!journal.keep_note(&again).expect("durable"));
        drop(journal);
        let journal = Journal::open(directory.path()).expect("again");
        assert_eq!(ids(&journal, 2 * MINUTE - 1), []);
        assert_eq!(ids(&journal, 2 * MINUTE).len(), 2);
        assert_eq!(ids(&journal, i64::MAX).len(), 3);
        assert_eq!(ids(&journal, i64::MAX)[0], notes[2].note.id, "the newest first");
        let found = journal.reader().note(notes[1].note.id).expect("readable");
        assert_eq!(found.as_ref(), Some(&notes[1]));
        let beside = |at: i64, back| {
            let pair = "BTC-USD".parse().expect("a pair");
            let found = journal.reader().note_beside(Source::Live, pair, TapeTime::from_nanos(at * MINUTE), back);
            found.expect("readable").map(|at| at.nanos() / MINUTE)
        };
        assert_eq!([beside(0, false), beside(2, false), beside(8, false)], [Some(2), Some(8), None]);
        assert_eq!([beside(2, true), beside(8, true), beside(60, true)], [None, Some(2), Some(8)]);
        assert_eq!(journal.reader().count_notes(Source::Sample, TapeTime::from_nanos(i64::MAX)), 0, "of its own lane");
    }

    #[test]
    fn a_flipped_byte_of_a_note_is_noticed_and_the_others_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(directory.path()).expect("new");
        let (one, other) = (kept("BTC-USD", 1), kept("BTC-USD", 7));
        journal.keep_note(&one).expect("durable");
        journal.keep_note(&other).expect("durable");
        let guard = journal.notes.notes.first_key_value().expect("kept");
        let (key, value) = guard.into_inner().expect("readable");
        for place in 0..value.len() {
            let mut flipped = value.to_vec();
            flipped[place] ^= 0x10;
            journal.notes.notes.insert(key.clone(), flipped).expect("written");
            let read: Vec<_> = journal.stored_notes().collect();
            assert_eq!(read.len(), 2);
            assert!(matches!(read[0], Err(JournalError::DamagedEntry { keyspace: "notes", .. })), "byte {place}");
            assert_eq!(read[1].as_ref().expect("readable"), &other);
        }
    }
}
