//! From candles, as they become known, to patterns.
//!
//! A pattern is made when the hour after its window has closed too. A candle that is corrected makes every pattern it is part of anew: the one
//! before is superseded from that moment on, and the one after is usable from then.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::outcome::Outcome;
use super::shape::{MINUTES, Shape};
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Quality, Source, TapeTime};

/// Minutes of a window and of the hour after it.
const SPAN: usize = 2 * MINUTES;

/// Minutes kept of each pair: two days, in which a candle may be corrected, and what its patterns reach back.
const KEPT: usize = 2_880 + SPAN;

/// Half of a BLAKE3 of where the window lies, of all closes that it was made from and of when it could be known, so that the same is the same
/// wherever it is built, and one that was corrected and corrected back is another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternId(pub [u8; 16]);

impl PatternId {
    fn of(source: Source, pair: Pair, start: EventTime, known: TapeTime, content: &blake3::Hash) -> Self {
        let text = format!("pattern\0{source}\0{pair}\0{}\0{}\0{content}", start.nanos(), known.nanos());
        Self(*blake3::hash(text.as_bytes()).as_bytes().first_chunk().expect("a hash has thirty-two bytes"))
    }
}

impl fmt::Display for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pattern {
    pub id: PatternId,
    pub source: Source,
    pub pair: Pair,
    pub window_start: EventTime,
    pub shape: Shape,
    pub outcome: Outcome,
    /// When the last of the candles it was made from became known.
    pub usable_from: TapeTime,
    /// When one of them was corrected.
    pub superseded_at: Option<TapeTime>,
}

impl Pattern {
    pub fn window_end(&self) -> EventTime {
        self.window_start.plus_nanos(MINUTES as i64 * MINUTE)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Add(Pattern),
    Supersede { id: PatternId, at: TapeTime },
}

/// Candles by pair, and the pattern that begins at each of them.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pairs: BTreeMap<(Source, Pair), Minutes>,
}

#[derive(Clone, Debug, Default)]
struct Minutes {
    /// Of the first, in minutes since 1970.
    first: i64,
    /// One a minute, those that are not there too.
    kept: VecDeque<Kept>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    candle: Option<Known>,
    /// The one that begins here, and the hash of its closes.
    pattern: Option<(PatternId, blake3::Hash)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    close: f64,
    /// Some of its trades are missing.
    gap: bool,
    revision: u32,
}

impl Builder {
    /// Takes a closed or corrected candle. Candles of a pair come as they became known; one that is known already, or older than what is
    /// kept, changes nothing.
    pub fn take(&mut self, candle: &Candle, changes: &mut Vec<Change>) {
        let minute = candle.window_start.nanos().div_euclid(MINUTE);
        let minutes = self.pairs.entry((candle.source, candle.pair)).or_default();
        let known =
            Known { close: candle.close.to_f64(), gap: candle.quality == Quality::Gap, revision: candle.revision };
        if !minutes.put(minute, known) {
            return;
        }
        for first in minute - SPAN as i64 + 1..=minute {
            minutes.build(candle.source, candle.pair, first, candle.tape_time, changes);
        }
    }
}

impl Minutes {
    /// Answers whether it is news.
    fn put(&mut self, minute: i64, known: Known) -> bool {
        let end = self.first + self.kept.len() as i64;
        if self.kept.is_empty() || minute - end >= KEPT as i64 {
            // What came before a pause that long makes no pattern with what comes after.
            self.first = minute;
            self.kept.clear();
        }
        if minute < self.first {
            return false;
        }
        let place = (minute - self.first) as usize;
        if place >= self.kept.len() {
            self.kept.resize(place + 1, Kept::default());
        }
        let kept = &mut self.kept[place];
        if kept.candle.is_some_and(|before| before.revision >= known.revision) {
            return false;
        }
        kept.candle = Some(known);
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        self.first += surplus as i64;
        true
    }

    /// Makes the pattern anew that begins at a minute, as things are known at a moment.
    fn build(&mut self, source: Source, pair: Pair, first: i64, at: TapeTime, changes: &mut Vec<Change>) {
        let Ok(place) = usize::try_from(first - self.first) else { return };
        // Nearly always the hour after is not over: that is seen at its end.
        if self.kept.get(place + SPAN - 1).is_none_or(|last| last.candle.is_none()) {
            return;
        }
        let start = EventTime::from_nanos(first * MINUTE);
        let built = self.pattern(source, pair, start, place, at);
        let kept = &mut self.kept[place];
        if built.map(|(_, content)| content) == kept.pattern.map(|(_, content)| content) {
            return;
        }
        changes.extend(kept.pattern.map(|(id, _)| Change::Supersede { id, at }));
        changes.extend(built.map(|(pattern, _)| Change::Add(pattern)));
        kept.pattern = built.map(|(pattern, content)| (pattern.id, content));
    }

    /// With the hash of its closes. None across a gap, and of a flat window.
    fn pattern(
        &self,
        source: Source,
        pair: Pair,
        start: EventTime,
        place: usize,
        at: TapeTime,
    ) -> Option<(Pattern, blake3::Hash)> {
        let mut closes = [0.0; SPAN];
        let mut hasher = blake3::Hasher::new();
        for (close, kept) in closes.iter_mut().zip(self.kept.range(place..place + SPAN)) {
            *close = kept.candle.filter(|known| !known.gap)?.close;
            hasher.update(&close.to_le_bytes());
        }
        let content = hasher.finalize();
        let (window, after) = closes.split_at(MINUTES);
        let window: &[f64; MINUTES] = window.try_into().expect("half of the span");
        let after: &[f64; MINUTES] = after.try_into().expect("half of the span");
        let shape = Shape::of(window)?;
        let outcome = Outcome::of(window[MINUTES - 1], after);
        let id = PatternId::of(source, pair, start, at, &content);
        let pattern =
            Pattern { id, source, pair, window_start: start, shape, outcome, usable_from: at, superseded_at: None };
        Some((pattern, content))
    }
}

#[cfg(test)]
pub(super) mod tests;
