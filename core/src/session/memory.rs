//! Every pattern of a tape, in memory, and exact search in it.
//!
//! A replay asks here, and gets the same answer in any process: the table of vectors may be thrown away, and its index is no exact search.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::ops::Range;

use super::alike::Alike;
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Seq, Source};
use crate::engine::RETAINED_MINUTES;
use crate::patterns::{
    Answer, Builder, Candidate, Candles, Event, OUTCOME_MINUTES, PatternId, Question, WINDOW_MINUTES, answer,
    base_rate, distance,
};

/// Near ones that are looked at first. Neighbours of a good match are good, so there are many for each that counts.
const NEAR: usize = 1_024;

#[derive(Debug, Default)]
pub struct Memory {
    builder: Builder,
    candles: KnownCandles,
    remembered: Vec<Candidate>,
    /// Where those of each pair are.
    by_pair: BTreeMap<Pair, Vec<usize>>,
    places: HashMap<PatternId, usize>,
}

/// What the past says.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// Without what followed any hour, which is much to count.
    pub answer: Answer,
    /// Mean percent after an hour, of all hours of the pair that were known.
    pub base: f64,
}

impl Memory {
    /// Of candles in the order they became known.
    pub(super) fn of(candles: impl IntoIterator<Item = Candle>) -> Self {
        let mut memory = Self::default();
        candles.into_iter().for_each(|candle| memory.take(&candle));
        memory
    }

    /// One more candle, new or corrected. Those of a lane come in the order of the tape.
    pub(super) fn take(&mut self, candle: &Candle) {
        let events = match self.builder.take(candle, &self.candles) {
            Ok(events) => events,
            Err(never) => match never {},
        };
        self.candles.put(candle);
        for event in events {
            match event {
                Event::Add(pattern) => {
                    let place = self.remembered.len();
                    self.remembered.push(Candidate { past: pattern.past(None), shape: *pattern.shape() });
                    self.by_pair.entry(pattern.window.pair).or_default().push(place);
                    self.places.insert(pattern.id, place);
                }
                Event::Supersede { id, at } => {
                    if let Some(&place) = self.places.get(&id) {
                        self.remembered[place].past.superseded_at = Some(at);
                    }
                }
            }
        }
    }

    /// Looks at every hour of the question's pair. None where none is known.
    pub(super) fn ask(&self, question: &Question) -> Option<Recalled> {
        let Question { window, cursor, most } = question;
        let (mut sum, mut near) = (0.0, Vec::new());
        for &place in self.by_pair.get(&window.pair)? {
            let Candidate { past, shape } = &self.remembered[place];
            if past.counts(window.source, *cursor) {
                sum += past.outcome.after_60;
                near.push((distance(&window.shape, shape), place));
            }
        }
        let base = sum / near.len().max(1) as f64;
        let mut looked_at = NEAR.min(near.len());
        loop {
            if looked_at < near.len() {
                near.select_nth_unstable_by(looked_at, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            }
            let candidates = near[..looked_at].iter().map(|(_, place)| self.remembered[*place]);
            let answer = answer(question, candidates, None);
            if answer.matches.len() < *most && looked_at < near.len() {
                looked_at = (looked_at * 8).min(near.len());
                continue;
            }
            return (!answer.matches.is_empty()).then_some(Recalled { answer, base });
        }
    }
}

impl Memory {
    /// As [`Memory::ask`], with every match and what followed any hour of the pair; of other pairs too when `across`.
    pub(super) fn alike(&self, question: &Question, across: bool) -> Alike {
        let of_pair = |pair| self.by_pair.get(&pair).into_iter().flatten().map(|place| self.remembered[*place]);
        let pair = question.window.pair;
        let base = base_rate(question.window.source, pair, question.cursor, of_pair(pair).map(|known| known.past));
        let pairs: Vec<Pair> = if across { self.by_pair.keys().copied().collect() } else { vec![pair] };
        let counts = |known: &Candidate| known.past.counts(question.window.source, question.cursor);
        let candidates: Vec<Candidate> = pairs.into_iter().flat_map(of_pair).filter(counts).collect();
        let known = candidates.len() as u64;
        Alike { answer: answer(question, candidates, base), exact: true, known }
    }
}

/// The newest minutes of each lane, as far back as a candle is ever corrected, and as its patterns reach.
#[derive(Debug, Default)]
struct KnownCandles {
    lanes: BTreeMap<(Source, Pair), BTreeMap<EventTime, Candle>>,
}

/// Of a lane.
const KEPT_MINUTES: i64 = (RETAINED_MINUTES + 2 * (WINDOW_MINUTES + OUTCOME_MINUTES)) as i64;

impl KnownCandles {
    fn put(&mut self, candle: &Candle) {
        let lane = self.lanes.entry((candle.source, candle.pair)).or_default();
        let kept = lane.entry(candle.window_start).or_insert(*candle);
        if candle.revision > kept.revision {
            *kept = *candle;
        }
        let newest = lane.last_key_value().map_or(candle.window_start, |(newest, _)| *newest);
        let oldest = newest.plus_nanos(-KEPT_MINUTES * MINUTE);
        while lane.first_key_value().is_some_and(|(first, _)| *first < oldest) {
            lane.pop_first();
        }
    }
}

impl Candles for KnownCandles {
    type Error = Infallible;

    fn known(
        &self,
        source: Source,
        pair: Pair,
        minutes: Range<EventTime>,
        through: Seq,
    ) -> Result<Vec<Candle>, Infallible> {
        let Some(lane) = self.lanes.get(&(source, pair)) else { return Ok(Vec::new()) };
        // A minute is corrected once by an input, and what this one did to others the builder knows.
        let known = lane.range(minutes).map(|(_, candle)| *candle).filter(|candle| candle.seq <= through);
        Ok(known.collect())
    }
}
