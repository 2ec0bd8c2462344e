//! When a pattern is made, and when it is withdrawn.
//!
//! A candle touches the 120 patterns whose minutes it is one of. Each of them as it was known before the candle is compared with what
//! it is now: if it was whole it is superseded, if it is whole it is added. That is all, for the newest minute as for a late correction.

use std::collections::BTreeMap;
use std::ops::Range;

use super::pattern::{PATTERN_MINUTES, Pattern, PatternId};
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Quality, Seq, Source, TapeTime};

/// Minutes of a lane that are kept: a correction up to two hours late is answered from memory.
const KEPT_MINUTES: i64 = 2 * PATTERN_MINUTES as i64;

/// A lane more than this, and the one that has been still the longest is forgotten, to be read again if it moves.
const MOST_LANES: usize = 64;

/// The past, where it is longer ago than what is kept.
pub trait Candles {
    type Error;

    /// Of one (source, pair): of each minute that starts in `minutes` the highest revision that the inputs up to and including `through`
    /// gave, the oldest first.
    fn known(
        &self,
        source: Source,
        pair: Pair,
        minutes: Range<EventTime>,
        through: Seq,
    ) -> Result<Vec<Candle>, Self::Error>;
}

/// What is to be done to `vectors.patterns`. Doing it twice changes nothing: an id has one row, and is superseded once.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are the large one")]
pub enum Event {
    Add(Pattern),
    /// From `at` on it holds no more.
    Supersede {
        id: PatternId,
        at: TapeTime,
    },
}

/// Makes patterns of candles, a minute apart. What it keeps does not grow with the tape.
#[derive(Debug, Default)]
pub struct Builder {
    lanes: BTreeMap<(Source, Pair), Lane>,
}

type Minutes = BTreeMap<EventTime, Candle>;

#[derive(Debug)]
struct Lane {
    /// Every minute known from `from` on.
    minutes: Minutes,
    from: EventTime,
    newest: Place,
    /// What the newest input gave so far. One input may correct many minutes, and history ends before it.
    of_newest_input: Vec<Candle>,
}

/// The order in which the candles of a lane became known, as the journal keeps them.
type Place = (Seq, EventTime, u32);

fn place(candle: &Candle) -> Place {
    (candle.seq, candle.window_start, candle.revision)
}

impl Builder {
    /// One more candle, new or corrected, in the order of (seq, window_start, revision) within its (source, pair). One that was taken
    /// before changes nothing. A new builder goes on where another ended.
    ///
    /// Errors: those of `history`. Nothing has changed then, and the candle may be given again.
    pub fn take<H: Candles>(&mut self, candle: &Candle, history: &H) -> Result<Vec<Event>, H::Error> {
        let key = (candle.source, candle.pair);
        let known = self.lanes.get(&key);
        if candle.quality == Quality::Forming || known.is_some_and(|lane| place(candle) <= lane.newest) {
            return Ok(Vec::new());
        }
        let oldest = candle.window_start.plus_nanos(-(PATTERN_MINUTES as i64 - 1) * MINUTE);
        let read = match known {
            Some(lane) if lane.from <= oldest => None,
            Some(lane) => {
                let end = candle.window_start.plus_nanos(PATTERN_MINUTES as i64 * MINUTE);
                let mut minutes = read(candle, oldest..end, history)?;
                minutes
                    .extend(lane.of_newest_input.iter().filter(|c| c.seq == candle.seq).map(|c| (c.window_start, *c)));
                Some(minutes)
            }
            None => {
                let minutes = read(candle, oldest..EventTime::from_nanos(i64::MAX), history)?;
                self.make_room();
                self.lanes.insert(key, Lane::new(candle, oldest, minutes));
                None
            }
        };
        let lane = self.lanes.get_mut(&key).expect("found or inserted above");
        let events = match read {
            Some(mut minutes) => put(&mut minutes, candle),
            None => put(&mut lane.minutes, candle),
        };
        lane.note(candle);
        Ok(events)
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.lanes.values().map(|lane| lane.minutes.len()).sum()
    }

    fn make_room(&mut self) {
        if self.lanes.len() >= MOST_LANES
            && let Some(stillest) = self.lanes.iter().min_by_key(|(_, lane)| lane.newest.0).map(|(key, _)| *key)
        {
            self.lanes.remove(&stillest);
        }
    }
}

fn read<H: Candles>(candle: &Candle, minutes: Range<EventTime>, history: &H) -> Result<Minutes, H::Error> {
    let before = Seq(candle.seq.0.saturating_sub(1));
    let candles = history.known(candle.source, candle.pair, minutes, before)?;
    Ok(candles.into_iter().filter(|c| c.quality != Quality::Forming).map(|c| (c.window_start, c)).collect())
}

impl Lane {
    fn new(first: &Candle, from: EventTime, minutes: Minutes) -> Self {
        Self { minutes, from, newest: place(first), of_newest_input: Vec::new() }
    }

    /// Remembers a candle that was put, and lets go of minutes that are too old.
    fn note(&mut self, candle: &Candle) {
        if self.newest.0 != candle.seq {
            self.of_newest_input.clear();
        }
        self.of_newest_input.push(*candle);
        self.newest = place(candle);
        if candle.window_start >= self.from {
            keep_highest(&mut self.minutes, candle);
        }
        let Some((newest, _)) = self.minutes.last_key_value() else { return };
        let from = newest.plus_nanos(-(KEPT_MINUTES - 1) * MINUTE);
        if from > self.from {
            self.from = from;
            self.minutes = self.minutes.split_off(&from);
        }
    }
}

fn keep_highest(minutes: &mut Minutes, candle: &Candle) {
    let kept = minutes.entry(candle.window_start).or_insert(*candle);
    if candle.revision > kept.revision {
        *kept = *candle;
    }
}

/// Puts a candle among its neighbours, and says what that does to the patterns it is part of.
fn put(minutes: &mut Minutes, candle: &Candle) -> Vec<Event> {
    let before = minutes.get(&candle.window_start).copied();
    if before.is_some_and(|before| before.revision >= candle.revision) {
        return Vec::new();
    }
    let starts = touched(minutes, candle.window_start);
    let withdrawn: Vec<Option<PatternId>> = match before {
        Some(_) => starts.iter().map(|start| pattern(minutes, *start).map(|pattern| pattern.id)).collect(),
        None => vec![None; starts.len()],
    };
    minutes.insert(candle.window_start, *candle);
    let mut events = Vec::new();
    for (start, withdrawn) in starts.into_iter().zip(withdrawn) {
        events.extend(withdrawn.map(|id| Event::Supersede { id, at: candle.tape_time }));
        events.extend(pattern(minutes, start).map(Event::Add));
    }
    events
}

/// Starts of the windows that a minute is part of, or of their outcomes, and that may be whole: later ones end after what is known.
fn touched(minutes: &Minutes, minute: EventTime) -> Vec<EventTime> {
    let reach = PATTERN_MINUTES as i64 - 1;
    let newest = minutes.last_key_value().map_or(minute, |(newest, _)| minute.max(*newest));
    let later = (newest.nanos() - minute.nanos()) / MINUTE;
    (-reach..=(later - reach).min(0)).map(|back| minute.plus_nanos(back * MINUTE)).collect()
}

fn pattern(minutes: &Minutes, start: EventTime) -> Option<Pattern> {
    let end = start.plus_nanos(PATTERN_MINUTES as i64 * MINUTE);
    let run: Vec<&Candle> = minutes.range(start..end).map(|(_, candle)| candle).collect();
    Pattern::of(&run).ok()
}
