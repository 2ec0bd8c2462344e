//! Tapes to test with, and a table that keeps what a builder says.

mod build;
mod honesty;
mod look_ahead;
mod matches;
mod window;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::domain::money::ONE;
use crate::domain::time::{MINUTE, SECOND};
use crate::domain::{Amount, Candle, EventTime, Pair, Price, Quality, Seq, Source, TapeTime};

pub(crate) fn pair(name: &str) -> Pair {
    name.parse().expect("a pair")
}

pub(crate) fn at(minute: i64) -> EventTime {
    EventTime::from_nanos(minute * MINUTE)
}

/// When the candle of a minute is known, if it is not late: five seconds after its end.
pub(crate) fn closed(minute: i64) -> TapeTime {
    TapeTime::from_nanos((minute + 1) * MINUTE + 5 * SECOND)
}

/// Of BTC-USD, live. `close` in units of 1e-8.
pub(crate) fn candle(minute: i64, close: i64) -> Candle {
    Candle {
        source: Source::Live,
        pair: pair("BTC-USD"),
        window_start: at(minute),
        window_end: at(minute + 1),
        open: Price::from_units(close),
        high: Price::from_units(close),
        low: Price::from_units(close),
        close: Price::from_units(close),
        volume: Amount::from_units(1),
        tick_count: 1,
        quality: Quality::Complete,
        revision: 0,
        tape_time: closed(minute),
        seq: Seq(minute.unsigned_abs() + 1),
    }
}

/// Dice that fall the same way every time.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        (self.0.next_u64() % bound.unsigned_abs()) as i64
    }

    fn one_in(&mut self, chances: i64) -> bool {
        self.below(chances) == 0
    }

    /// Half a percent up or down at most.
    fn moved(&mut self, price: i64) -> i64 {
        price + price / 100_000 * (self.below(1_001) - 500)
    }
}

/// A tape of one pair as a bad day would leave it: minutes without a trade, gaps, and corrections that come late, some of them hours,
/// some of many minutes at once. In the order of the journal.
pub(crate) fn troubled(name: &str, minutes: i64, dice: &mut Dice) -> Vec<Candle> {
    let mut tape: Vec<Candle> = Vec::new();
    let mut newest: BTreeMap<i64, Candle> = BTreeMap::new();
    let (mut price, mut seq) = (40_000 * ONE, 0);
    for minute in 0..minutes {
        price = dice.moved(price);
        seq += 1;
        if !dice.one_in(250) {
            let quality = if dice.one_in(250) { Quality::Gap } else { Quality::Complete };
            newest.insert(minute, Candle { pair: pair(name), seq: Seq(seq), quality, ..candle(minute, price) });
            tape.push(newest[&minute]);
        }
        if dice.one_in(15) {
            seq += 1;
            let back = if dice.one_in(2) { 10 } else { 400 };
            let first = (minute - dice.below(back)).max(0);
            for late in first..(first + 1 + dice.below(4)).min(minute) {
                let before = newest.get(&late).copied();
                let close = if dice.one_in(3) { before.map_or(price, |b| b.close.units()) } else { dice.moved(price) };
                let corrected = Candle {
                    pair: pair(name),
                    quality: Quality::Late,
                    revision: before.map_or(0, |before| before.revision + 1),
                    tape_time: closed(minute),
                    seq: Seq(seq),
                    ..candle(late, close)
                };
                newest.insert(late, corrected);
                tape.push(corrected);
            }
        }
    }
    tape
}

/// The journal, as far as a builder needs it.
pub(crate) struct Journal<'a>(pub(crate) &'a [Candle]);

impl Candles for Journal<'_> {
    type Error = Infallible;

    fn known(
        &self,
        source: Source,
        pair: Pair,
        minutes: Range<EventTime>,
        through: Seq,
    ) -> Result<Vec<Candle>, Infallible> {
        let asked =
            |c: &&Candle| (c.source, c.pair) == (source, pair) && minutes.contains(&c.window_start) && c.seq <= through;
        Ok(highest(self.0.iter().filter(asked)).into_values().collect())
    }
}

/// The highest revision of each minute.
fn highest<'a>(candles: impl IntoIterator<Item = &'a Candle>) -> BTreeMap<EventTime, Candle> {
    let mut minutes: BTreeMap<EventTime, Candle> = BTreeMap::new();
    for candle in candles {
        let kept = minutes.entry(candle.window_start).or_insert(*candle);
        if candle.revision >= kept.revision {
            *kept = *candle;
        }
    }
    minutes
}

pub(crate) fn feed(builder: &mut Builder, candles: &[Candle], journal: &[Candle]) -> Vec<Event> {
    candles.iter().flat_map(|candle| builder.take(candle, &Journal(journal)).expect("never fails")).collect()
}

/// `vectors.patterns`, as the events leave it.
#[derive(Default)]
struct Table(BTreeMap<PatternId, (Pattern, Option<TapeTime>)>);

impl Table {
    fn of(events: &[Event]) -> Self {
        let mut table = Self::default();
        for event in events {
            match event {
                Event::Add(pattern) => {
                    let twice = table.0.insert(pattern.id, (*pattern, None));
                    assert_eq!(twice, None, "an id was given to two patterns");
                }
                Event::Supersede { id, at } => {
                    let (_, superseded_at) = table.0.get_mut(id).expect("what is superseded was added");
                    assert_eq!(superseded_at.replace(*at), None, "superseded twice");
                }
            }
        }
        table
    }

    fn built(tape: &[Candle]) -> Self {
        Self::of(&feed(&mut Builder::default(), tape, tape))
    }

    fn past(&self) -> impl Iterator<Item = Past> {
        self.0.values().map(|(pattern, superseded_at)| pattern.past(*superseded_at))
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.0.values().map(|(pattern, superseded_at)| Candidate {
            past: pattern.past(*superseded_at),
            shape: pattern.window.shape,
        })
    }
}
