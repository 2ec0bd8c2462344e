//! Closed candles, every revision, as the engine gave them: a projection of the records, thrown away and rebuilt at will.

use fjall::PersistMode;

use super::{Journal, JournalError};
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
    /// Stores candles and how far the projection has come, in one batch. Storing twice changes nothing.
    pub fn project(&mut self, candles: &[Candle], through: Seq) -> Result<(), JournalError> {
        let mut batch = self.database.batch();
        for candle in candles {
            let bytes = postcard::to_allocvec(candle).expect("a candle has only sized fields");
            batch.insert(&self.candles, candle_key(candle), bytes);
        }
        batch.insert(&self.facts, "projected_through", through.0.to_be_bytes());
        Ok(batch.commit()?)
    }

    /// The last input whose candles are stored.
    pub fn projected_through(&self) -> Result<Seq, JournalError> {
        let bytes = self.facts.get("projected_through")?;
        Ok(bytes.and_then(|b| b.as_ref().try_into().ok()).map(|b| Seq(u64::from_be_bytes(b))).unwrap_or_default())
    }

    pub fn forget_candles(&mut self) -> Result<(), JournalError> {
        self.candles.clear()?;
        self.facts.remove("projected_through")?;
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// The highest revision of each window known at the cursor, oldest first.
    pub fn candles(&self, query: &CandleQuery) -> Result<Vec<Candle>, JournalError> {
        let prefix = pair_prefix(query.source, query.pair);
        let bound = |at: EventTime| [prefix.as_slice(), &ordered(at.nanos())].concat();
        let mut found: Vec<Candle> = Vec::new();
        for guard in self.candles.range(bound(query.from)..bound(query.to)) {
            let (key, value) = guard.into_inner()?;
            let candle = read(&key, &value)?;
            if candle.tape_time > query.as_of {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.window_start == candle.window_start => *last = candle,
                _ => found.push(candle),
            }
        }
        Ok(found)
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
