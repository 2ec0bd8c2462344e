//! A window, what came after it, and a name for both.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::outcome::{OUTCOME_MINUTES, Outcome};
use super::window::{Refusal, Shape, WINDOW_MINUTES, Window};
use crate::domain::{Candle, EventTime, Pair, Source, TapeTime};

/// Minutes a pattern is made of: its window's, and its outcome's.
pub(super) const PATTERN_MINUTES: usize = WINDOW_MINUTES + OUTCOME_MINUTES;

/// Half of a BLAKE3 of (source, pair, window start, and of each of the 120 minutes its revision and what was used of it).
///
/// So a rebuild gives the same id, and a revision of any of the minutes another one, even when it changed the volume alone: which of the
/// two is meant is never in doubt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternId([u8; 16]);

impl PatternId {
    fn of<C: Borrow<Candle>>(minutes: &[C]) -> Self {
        let first = minutes[0].borrow();
        let mut text = format!("pattern\0{}\0{}\0", first.source, first.pair).into_bytes();
        text.extend_from_slice(&first.window_start.nanos().to_le_bytes());
        for minute in minutes {
            let minute = minute.borrow();
            text.extend_from_slice(&minute.revision.to_le_bytes());
            for price in [minute.close, minute.high, minute.low] {
                text.extend_from_slice(&price.units().to_le_bytes());
            }
        }
        Self(*blake3::hash(&text).as_bytes().first_chunk().expect("a hash has thirty-two bytes"))
    }
}

impl fmt::Display for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pattern's id: expected 32 hexadecimal digits")]
pub struct PatternIdError(String);

impl FromStr for PatternId {
    type Err = PatternIdError;

    fn from_str(text: &str) -> Result<Self, PatternIdError> {
        let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = if digits { u128::from_str_radix(text, 16).ok() } else { None };
        number.map(|n| Self(n.to_be_bytes())).ok_or_else(|| PatternIdError(text.chars().take(80).collect()))
    }
}

impl Serialize for PatternId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for PatternId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(Self)
        }
    }
}

/// A row of `vectors.patterns`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pattern {
    pub id: PatternId,
    pub window: Window,
    pub outcome: Outcome,
    /// When the last of its 120 minutes was known, in the revision that was used. Before that nobody could have used it.
    pub usable_from: TapeTime,
}

impl Pattern {
    /// Of 120 consecutive closed minutes, the oldest first.
    pub fn of<C: Borrow<Candle>>(minutes: &[C]) -> Result<Self, Refusal> {
        let (window, after) = minutes
            .split_at_checked(WINDOW_MINUTES)
            .ok_or(Refusal::Length { found: minutes.len(), expected: PATTERN_MINUTES })?;
        let last = window[WINDOW_MINUTES - 1].borrow();
        if let Some(next) = after.first().map(Borrow::borrow) {
            if (next.source, next.pair) != (last.source, last.pair) {
                return Err(Refusal::Mixed);
            }
            if next.window_start != last.window_end {
                return Err(Refusal::Missing(last.window_end));
            }
        }
        let outcome = Outcome::of(last.close, after)?;
        let window = Window::of(window)?;
        let usable_from = minutes.iter().map(|minute| minute.borrow().tape_time).max().expect("120 minutes");
        Ok(Self { id: PatternId::of(minutes), window, outcome, usable_from })
    }

    /// As it is remembered, `superseded_at` being when a revision took its place.
    pub fn past(&self, superseded_at: Option<TapeTime>) -> Past {
        Past {
            id: self.id,
            source: self.window.source,
            pair: self.window.pair,
            window_start: self.window.start,
            outcome: self.outcome,
            usable_from: self.usable_from,
            superseded_at,
        }
    }

    pub fn shape(&self) -> &Shape {
        &self.window.shape
    }
}

/// What is known of a pattern without its shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Past {
    pub id: PatternId,
    pub source: Source,
    pub pair: Pair,
    pub window_start: EventTime,
    pub outcome: Outcome,
    pub usable_from: TapeTime,
    /// From then on another one holds in its place, or none.
    pub superseded_at: Option<TapeTime>,
}

impl Past {
    /// Whether it was whole at the cursor, and still held.
    pub fn is_usable(&self, cursor: TapeTime) -> bool {
        self.usable_from <= cursor && self.superseded_at.is_none_or(|at| at > cursor)
    }

    /// Usable, and real unless `asked_by` is the sample: what its generator made is no precedent for a market.
    pub fn counts(&self, asked_by: Source, cursor: TapeTime) -> bool {
        self.is_usable(cursor) && (asked_by == Source::Sample || !self.source.simulates(self.pair))
    }
}
