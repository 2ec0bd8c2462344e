//! What the analyst said, and what was refused of it. Kept for good: no machine makes a model's answer again.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Journal, JournalError, JournalReader};
use crate::analyst::Note;
use crate::domain::{NoteId, Source, TapeTime};

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
    /// By (lane, at, id).
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

fn prefix(source: Source, at: TapeTime) -> Vec<u8> {
    let mut key = format!("{source}\0").into_bytes();
    key.extend_from_slice(&at.nanos().max(0).to_be_bytes());
    key
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
    let (in_replay, bytes) = match value.split_first() {
        Some((0, bytes)) => (false, bytes),
        Some((1, bytes)) => (true, bytes),
        _ => return Err(damaged()),
    };
    let note = Note::from_bytes(bytes).map_err(|_| damaged())?;
    if note.source() != source || prefix(source, at).len() + note.id.to_string().len() != key.len() {
        return Err(damaged());
    }
    Ok(KeptNote { at, in_replay, note })
}
