//! The laws of candles: against an oracle, in any order, and at the very edge of the watermark.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Market, WATERMARK_LAG};
use crate::domain::input::MissingTrades;
use crate::domain::time::{MINUTE, SECOND};
use crate::domain::{
    Amount, Arrival, Candle, EventTime, Input, Output, Pair, Price, Quality, Quantity, ReceivedTime, Seq, Source,
    Stamped, TapeTime, Tick, TickKind, Trade, TradeId,
};

/// A tape under the pen: stamps what it is given, steps, and keeps what came out.
struct Tape {
    market: Market,
    seq: u64,
    newest: i64,
    outputs: Vec<Output>,
    source: Source,
}

impl Tape {
    fn new(source: Source) -> Self {
        Self { market: Market::default(), seq: 0, newest: 0, outputs: Vec::new(), source }
    }

    fn give(&mut self, at: i64, input: Input) -> &mut Self {
        self.seq += 1;
        self.newest = self.newest.max(at);
        let stamped = Stamped { seq: Seq(self.seq), tape_time: TapeTime::from_nanos(self.newest), input };
        self.market.step(&stamped, &mut self.outputs);
        self
    }

    fn trade(&mut self, id: u64, at: i64, price: i64, arrival: Arrival) -> &mut Self {
        let tick = Tick {
            source: self.source,
            pair: pair(),
            sequence: id,
            event_time: EventTime::from_nanos(at),
            received_time: ReceivedTime::from_nanos(at),
            kind: TickKind::Trade(Trade {
                trade_id: TradeId(id),
                price: Price::from_units(price),
                size: Quantity::from_units(10),
                taker_side: None,
                arrival,
            }),
        };
        self.give(at, Input::Tick(tick))
    }

    fn clock(&mut self, at: i64) -> &mut Self {
        self.give(at, Input::Clock { source: self.source, received: ReceivedTime::from_nanos(0) })
    }

    fn gap(&mut self, first: u64, last: u64, after: i64, before: i64) -> &mut Self {
        let missing = MissingTrades {
            pair: pair(),
            first: TradeId(first),
            last: TradeId(last),
            after: EventTime::from_nanos(after),
            before: EventTime::from_nanos(before),
        };
        self.give(before, Input::Gap { source: self.source, missing })
    }

    fn end(&mut self) -> &mut Self {
        self.give(self.newest, Input::EndOfTape { source: self.source })
    }

    /// The highest revision of each window.
    fn candles(&self) -> BTreeMap<EventTime, Candle> {
        let mut candles = BTreeMap::new();
        for output in &self.outputs {
            if let Output::Candle(candle) = output {
                let before: Option<Candle> = candles.insert(candle.window_start, *candle);
                assert!(before.is_none_or(|b| b.revision + 1 == candle.revision), "a revision was skipped or repeated");
            }
        }
        candles
    }

    fn qualities(&self) -> Vec<(u32, Quality)> {
        self.outputs
            .iter()
            .filter_map(|o| match o {
                Output::Candle(candle) => Some((candle.revision, candle.quality)),
                _ => None,
            })
            .collect()
    }
}

fn pair() -> Pair {
    "BTC-USD".parse().expect("a pair")
}

fn import() -> Source {
    Source::Import(crate::domain::ImportId(1))
}

#[test]
fn a_trade_at_the_watermark_is_late_and_one_before_it_closes_is_not() {
    // The watermark trails by five seconds: the first minute closes when it reaches the minute's end.
    for (newest, closed) in
        [(MINUTE + WATERMARK_LAG - 1, false), (MINUTE + WATERMARK_LAG, true), (MINUTE + WATERMARK_LAG + 1, true)]
    {
        let mut tape = Tape::new(import());
        tape.trade(1, 1, 100, Arrival::News).trade(3, newest, 100, Arrival::News).trade(
            2,
            MINUTE - 1,
            200,
            Arrival::Belated,
        );
        let late = tape.outputs.iter().filter(|o| matches!(o, Output::Late { window_lost: false, .. })).count();
        assert_eq!(late, usize::from(closed), "newest event at {newest}");
        tape.end();
        let first = tape.candles()[&EventTime::from_nanos(0)];
        assert_eq!((first.tick_count, first.high.units(), first.close.units()), (2, 200, 200), "a late tick was lost");
        assert_eq!((first.revision, first.quality), if closed { (1, Quality::Late) } else { (0, Quality::Complete) });
    }
}

#[test]
fn a_clock_closes_the_minute_of_a_pair_that_went_quiet() {
    let mut tape = Tape::new(import());
    tape.trade(1, SECOND, 100, Arrival::News).clock(MINUTE + WATERMARK_LAG - 1);
    assert!(tape.candles().is_empty());
    tape.clock(MINUTE + WATERMARK_LAG);
    assert_eq!(tape.candles().len(), 1);
    assert!(tape.market.forming(import(), pair()).is_empty());
}

#[test]
fn a_gap_marks_its_minutes_until_every_missing_trade_was_fetched() {
    let mut tape = Tape::new(import());
    tape.trade(1, SECOND, 100, Arrival::News);
    tape.gap(2, 3, SECOND, MINUTE + SECOND).trade(4, MINUTE + SECOND, 100, Arrival::News).end();
    assert_eq!(tape.qualities(), [(0, Quality::Gap), (0, Quality::Gap)]);
    tape.trade(2, 2 * SECOND, 300, Arrival::Fetched);
    assert_eq!(tape.qualities().last(), Some(&(1, Quality::Gap)), "half filled is not filled");
    tape.trade(3, 3 * SECOND, 300, Arrival::Fetched);
    let candles: Vec<_> = tape.candles().into_values().map(|c| (c.quality, c.tick_count)).collect();
    assert_eq!(candles, [(Quality::Backfilled, 3), (Quality::Late, 1)]);
    assert!(tape.outputs.iter().any(|o| matches!(o, Output::GapClosed { .. })));
    assert_eq!(tape.market.pair(import(), pair()).map(|m| m.missing().count()), Some(0));
}

#[test]
fn the_minute_in_which_a_live_recording_began_is_not_called_complete() {
    let mut tape = Tape::new(Source::Live);
    tape.trade(7, SECOND, 100, Arrival::News).trade(8, MINUTE + SECOND, 100, Arrival::News).end();
    assert_eq!(tape.qualities(), [(0, Quality::Gap), (0, Quality::Complete)]);
}

#[test]
fn what_the_generator_made_says_so_for_ever() {
    let mut tape = Tape::new(Source::Sample);
    tape.trade(1, SECOND, 100, Arrival::News).end();
    assert_eq!(tape.qualities(), [(0, Quality::Complete)], "BTC of the sample is real");
    assert!(Source::Sample.simulates("ETH-USD".parse().expect("a pair")));
    assert!(!Source::Live.simulates("ETH-USD".parse().expect("a pair")));
}

#[test]
fn lanes_do_not_mix() {
    let mut tape = Tape::new(import());
    tape.trade(1, SECOND, 100, Arrival::News);
    tape.source = Source::Live;
    tape.trade(1, 10 * MINUTE, 900, Arrival::News);
    assert_eq!(tape.market.forming(import(), pair()).len(), 1, "another lane's time closed this lane's minute");
    assert_eq!(tape.market.tape_time(import()), Some(TapeTime::from_nanos(SECOND)));
}

#[test]
fn folds_are_aligned_and_say_the_worst_of_their_minutes() {
    let mut tape = Tape::new(import());
    for minute in 3..9 {
        tape.trade(minute as u64, minute * MINUTE, 100 + minute, Arrival::News);
    }
    tape.end();
    let mut minutes: Vec<Candle> = tape.candles().into_values().collect();
    minutes[1].quality = Quality::Gap;
    let folded = super::fold::fold(minutes, crate::domain::Interval::M5);
    let seen: Vec<_> =
        folded.iter().map(|c| (c.window_start.nanos() / MINUTE, c.open.units(), c.close.units(), c.quality)).collect();
    assert_eq!(seen, [(0, 103, 104, Quality::Gap), (5, 105, 108, Quality::Complete)]);
    assert_eq!(folded[1].volume, Amount::from_units(40));
}

#[test]
fn a_checkpoint_brings_back_the_same_market() {
    let mut tape = Tape::new(import());
    for id in 1..500 {
        tape.trade(id, id as i64 * 7 * SECOND, 100 + (id as i64 * 31) % 50, Arrival::News);
    }
    let back = Market::from_bytes(&tape.market.to_bytes()).expect("its own bytes");
    assert_eq!(back.hash(), tape.market.hash());
    assert_eq!(back, tape.market);
}

/// What the candles must be, by definition and nothing else.
fn oracle(trades: &[(u64, i64, i64)]) -> BTreeMap<EventTime, (i64, i64, i64, i64, i128, u32)> {
    let mut sorted = trades.to_vec();
    sorted.sort_by_key(|&(id, at, _)| (at, id));
    let mut candles: BTreeMap<EventTime, (i64, i64, i64, i64, i128, u32)> = BTreeMap::new();
    for (_, at, price) in sorted {
        let bar = candles.entry(EventTime::from_nanos(at).minute()).or_insert((price, price, price, price, 0, 0));
        *bar = (bar.0, bar.1.max(price), bar.2.min(price), price, bar.4 + 10, bar.5 + 1);
    }
    candles
}

proptest! {
    #[test]
    fn candles_do_not_depend_on_the_order_of_arrival(
        trades in prop::collection::btree_map(1u64..10_000, (0i64..40 * MINUTE, 1i64..1_000), 1..200),
        order in any::<u64>(),
    ) {
        let trades: Vec<(u64, i64, i64)> = trades.into_iter().map(|(id, (at, price))| (id, at, price)).collect();
        let mut shuffled = trades.clone();
        shuffled.sort_by_key(|(id, ..)| (id ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut tape = Tape::new(import());
        for (id, at, price) in shuffled {
            tape.trade(id, at, price, Arrival::News);
        }
        tape.end();
        let found: BTreeMap<_, _> = tape
            .candles()
            .into_iter()
            .map(|(start, c)| (start, (c.open.units(), c.high.units(), c.low.units(), c.close.units(), c.volume.units(), c.tick_count)))
            .collect();
        prop_assert_eq!(found, oracle(&trades));
    }
}
