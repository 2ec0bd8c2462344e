//! Closed candles, every revision, as the engine gave them: a projection of the records, thrown away and rebuilt at will.
//!
//! They lie here by (source, pair, window, revision) to be read, and once more in the order they became known, until the warm tier
//! has them.

use fjall::{Keyspace, PersistMode};

use super::{Journal, JournalError, JournalReader, Projected};
use crate::domain::{Candle, EventTime, Pair, Seq, Source, TapeTime};

/// Which candles, of which pair, known when.
#[derive(Clone, Copy, Debug)]
pub struct CandleQuery {
    pub source: Source,
    pub pair: Pair,
    /// `[from, to)` on the start of the window.
    pub from: EventTime,
    pub to: EventTime,
    /// The cursor: nothing that became known later is returned.
    pub as_of: TapeTime,
}

impl Journal {
    /// Stores what follows from the records, and how far that has come, in one batch. Storing twice changes nothing.
    pub fn project(&mut self, projected: &Projected, through: Seq) -> Result<(), JournalError> {
        let mut batch = self.database.batch();
        for candle in &projected.candles {
            let bytes = postcard::to_allocvec(candle).expect("a candle has only sized fields");
            batch.insert(&self.candle_log, log_key(candle), bytes.clone());
            batch.insert(&self.candles, candle_key(candle), bytes);
        }
        self.books.store(&mut batch, &self.facts, &projected.deeds)?;
        batch.insert(&self.facts, "projected_through", through.0.to_be_bytes());
        batch.commit().map_err(|error| self.explained(error))
    }

    /// The last input whose candles are stored.
    pub fn projected_through(&self) -> Result<Seq, JournalError> {
        let bytes = self.facts.get("projected_through")?;
        Ok(bytes.and_then(|b| b.as_ref().try_into().ok()).map(|b| Seq(u64::from_be_bytes(b))).unwrap_or_default())
    }

    /// Candles, and what the desk did.
    pub fn forget_projections(&mut self) -> Result<(), JournalError> {
        self.candles.clear()?;
        self.books.forget(&self.facts)?;
        self.candle_log.clear()?;
        self.facts.remove("candles_carried_through")?;
        self.facts.remove("projected_through")?;
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// The last input whose candles were handed on and dropped from the log.
    fn carried_through(&self) -> Result<Seq, JournalError> {
        let bytes = self.facts.get("candles_carried_through")?;
        Ok(bytes.and_then(|b| b.as_ref().try_into().ok()).map(|b| Seq(u64::from_be_bytes(b))).unwrap_or_default())
    }

    /// Drops candles from the log that the warm tier has, through this input.
    pub fn forget_logged(&mut self, through: Seq) -> Result<(), JournalError> {
        let mut batch = self.database.batch();
        for guard in self.candle_log.range(..through.next().0.to_be_bytes().to_vec()) {
            batch.remove(&self.candle_log, guard.key()?);
        }
        batch.insert(&self.facts, "candles_carried_through", through.0.to_be_bytes());
        batch.commit().map_err(|error| self.explained(error))?;
        self.note_end()
    }

    /// Makes sure that the log holds every candle after `held`, which is what the warm tier says it has: it may have been thrown away.
    pub fn log_candles_after(&mut self, held: Seq) -> Result<(), JournalError> {
        let carried = self.carried_through()?;
        if held >= carried {
            return Ok(());
        }
        let mut batch = self.database.batch();
        for candle in self.stored_candles() {
            let candle = candle?;
            if candle.seq > held && candle.seq <= carried {
                let bytes = postcard::to_allocvec(&candle).expect("a candle has only sized fields");
                batch.insert(&self.candle_log, log_key(&candle), bytes);
            }
        }
        batch.insert(&self.facts, "candles_carried_through", held.0.to_be_bytes());
        batch.commit().map_err(|error| self.explained(error))
    }

    /// The highest revision of each window known at the cursor, oldest first.
    pub fn candles(&self, query: &CandleQuery) -> Result<Vec<Candle>, JournalError> {
        known(&self.candles, query, Seq(u64::MAX))
    }

    /// Every stored candle, every revision, in key order, for `verify`.
    pub fn stored_candles(&self) -> impl Iterator<Item = Result<Candle, JournalError>> {
        self.candles.iter().map(|guard| {
            let (key, value) = guard.into_inner()?;
            read(&key, &value)
        })
    }

    /// Sources that hold candles of a pair.
    pub fn candle_sources(&self) -> Result<Vec<(Source, Pair)>, JournalError> {
        self.reader().candle_sources()
    }
}

impl JournalReader {
    /// As [`Journal::candles`], and of the records through this one alone: between two of the same moment it tells them apart.
    pub fn candles(&self, query: &CandleQuery, through: Seq) -> Result<Vec<Candle>, JournalError> {
        known(&self.candles, query, through)
    }

    /// Every candle of the records through this one, with its corrections, in the order they became known.
    pub fn candles_as_known(&self, through: Seq) -> Result<Vec<Candle>, JournalError> {
        let mut found = Vec::new();
        for guard in self.candles.iter() {
            let (key, value) = guard.into_inner()?;
            found.push(read(&key, &value)?);
        }
        found.retain(|candle: &Candle| candle.seq <= through);
        found.sort_by_key(|candle| (candle.tape_time, candle.seq, candle.source, candle.pair, candle.window_start));
        Ok(found)
    }

    /// Start of the oldest window of a pair in a lane.
    pub fn first_candle(&self, source: Source, pair: Pair) -> Result<Option<EventTime>, JournalError> {
        let Some(guard) = self.candles.prefix(pair_prefix(source, pair)).next() else { return Ok(None) };
        let (key, value) = guard.into_inner()?;
        Ok(Some(read(&key, &value)?.window_start))
    }

    /// Start of the newest one.
    pub fn newest_candle(&self, source: Source, pair: Pair) -> Result<Option<EventTime>, JournalError> {
        let Some(guard) = self.candles.prefix(pair_prefix(source, pair)).next_back() else { return Ok(None) };
        let (key, value) = guard.into_inner()?;
        Ok(Some(read(&key, &value)?.window_start))
    }

    /// Sources that hold candles of a pair.
    pub fn candle_sources(&self) -> Result<Vec<(Source, Pair)>, JournalError> {
        let mut found = Vec::new();
        let mut from: Vec<u8> = Vec::new();
        // One seek for each (source, pair): its last possible key is where the next begins.
        while let Some(guard) = self.candles.range(from.clone()..).next() {
            let (key, value) = guard.into_inner()?;
            let candle = read(&key, &value)?;
            found.push((candle.source, candle.pair));
            from = pair_prefix(candle.source, candle.pair);
            from.extend_from_slice(&[0xff; 13]);
        }
        Ok(found)
    }

    /// Candles of inputs in `(after, through]`, in the order they became known: at least `most` when there are as many, and
    /// always all of the last input's.
    pub fn logged_candles(&self, after: Seq, through: Seq, most: usize) -> Result<Vec<Candle>, JournalError> {
        let mut found: Vec<Candle> = Vec::new();
        for guard in
            self.candle_log.range(after.next().0.to_be_bytes().to_vec()..through.next().0.to_be_bytes().to_vec())
        {
            let (key, value) = guard.into_inner()?;
            let candle = read(&key, &value)?;
            if found.len() >= most && found.last().is_some_and(|last| last.seq != candle.seq) {
                break;
            }
            found.push(candle);
        }
        Ok(found)
    }
}

fn known(candles: &Keyspace, query: &CandleQuery, through: Seq) -> Result<Vec<Candle>, JournalError> {
    let prefix = pair_prefix(query.source, query.pair);
    let bound = |at: EventTime| [prefix.as_slice(), &ordered(at.nanos())].concat();
    let mut found: Vec<Candle> = Vec::new();
    for guard in candles.range(bound(query.from)..bound(query.to)) {
        let (key, value) = guard.into_inner()?;
        let candle = read(&key, &value)?;
        if candle.tape_time > query.as_of || candle.seq > through {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.window_start == candle.window_start => *last = candle,
            _ => found.push(candle),
        }
    }
    Ok(found)
}

/// By the input that closed or corrected it; one input may close windows of many pairs.
fn log_key(candle: &Candle) -> Vec<u8> {
    [candle.seq.0.to_be_bytes().as_slice(), &candle_key(candle)].concat()
}

fn read(key: &[u8], value: &[u8]) -> Result<Candle, JournalError> {
    postcard::from_bytes(value)
        .map_err(|_| JournalError::DamagedEntry { keyspace: "candles", key: String::from_utf8_lossy(key).into_owned() })
}

fn pair_prefix(source: Source, pair: Pair) -> Vec<u8> {
    format!("{source}\0{pair}\0").into_bytes()
}

fn candle_key(candle: &Candle) -> Vec<u8> {
    let mut key = pair_prefix(candle.source, candle.pair);
    key.extend_from_slice(&ordered(candle.window_start.nanos()));
    key.extend_from_slice(&candle.revision.to_be_bytes());
    key
}

/// Bytes that sort as the signed number does.
fn ordered(nanos: i64) -> [u8; 8] {
    (nanos as u64 ^ (1 << 63)).to_be_bytes()
}
