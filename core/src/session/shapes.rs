//! Carries candles on into the table of patterns: what an hour looked like, as soon as the hour after it is known.

use std::ops::Range;
use std::path::Path;

use super::archive::{ArchiveError, blocking};
use crate::domain::{Candle, EventTime, Pair, Seq, Source, TapeTime};
use crate::journal::{CandleQuery, JournalError, JournalReader};
use crate::patterns::{Builder, Candles, Event};
use crate::tiers::vectors::{Statistics, Vectors};

/// Candles whose patterns go into one commit, at most (and the rest of the last input's).
const BATCH: usize = 16_384;

pub(super) struct Shapes {
    vectors: Vectors,
    /// None until candles come: it reads back what it needs of the past.
    builder: Option<Builder>,
    /// The newest tape time of a candle that this process has looked at.
    watermark: Option<TapeTime>,
}

impl Shapes {
    pub(super) async fn open(directory: &Path) -> Result<Self, ArchiveError> {
        Ok(Self { vectors: Vectors::open(directory).await?, builder: None, watermark: None })
    }

    /// The last input whose candles it has looked at.
    pub(super) fn through(&self) -> Seq {
        self.vectors.through()
    }

    pub(super) fn watermark(&self) -> Option<TapeTime> {
        self.watermark
    }

    /// Makes the patterns of all candles through an input. Answers how many were added. After an error it has to be opened again.
    pub(super) async fn carry(&mut self, journal: &JournalReader, through: Seq) -> Result<u64, ArchiveError> {
        let (mut at, mut added) = (self.vectors.through(), 0);
        while at < through {
            let (reader, after, mut builder) = (journal.clone(), at, self.builder.take().unwrap_or_default());
            let (builder, candles, events) = blocking(move || {
                let candles = reader.logged_candles(after, through, BATCH)?;
                let mut events = Vec::new();
                for candle in &candles {
                    events.extend(builder.take(candle, &Known(&reader))?.into_iter().map(|event| (candle.seq, event)));
                }
                Ok((builder, candles, events))
            })
            .await?;
            self.builder = Some(builder);
            let Some(last) = candles.last() else { break };
            self.vectors.put(&events, last.seq).await?;
            at = last.seq;
            self.watermark = self.watermark.max(candles.iter().map(|candle| candle.tape_time).max());
            added += events.iter().filter(|(_, event)| matches!(event, Event::Add(_))).count() as u64;
        }
        Ok(added)
    }

    pub(super) async fn maintain(&mut self) -> Result<(), ArchiveError> {
        Ok(self.vectors.maintain().await?)
    }

    pub(super) async fn statistics(&self) -> Result<Statistics, ArchiveError> {
        Ok(self.vectors.statistics().await?)
    }
}

/// The candles beside the journal.
struct Known<'a>(&'a JournalReader);

impl Candles for Known<'_> {
    type Error = JournalError;

    fn known(
        &self,
        source: Source,
        pair: Pair,
        minutes: Range<EventTime>,
        through: Seq,
    ) -> Result<Vec<Candle>, JournalError> {
        let as_of = TapeTime::from_nanos(i64::MAX);
        self.0.candles(&CandleQuery { source, pair, from: minutes.start, to: minutes.end, as_of }, through)
    }
}
