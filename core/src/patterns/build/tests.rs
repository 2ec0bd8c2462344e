use proptest::prelude::*;

use super::*;
use crate::domain::{Amount, Price, Seq};

/// A minute of made-up prices: closed a few seconds after its end, or corrected later.
pub(in crate::patterns) fn candle(pair: &str, minute: i64, close: i64, revision: u32, known: i64) -> Candle {
    let window_start = EventTime::from_nanos(minute * MINUTE);
    let close = Price::from_units(close);
    Candle {
        source: Source::Live,
        pair: pair.parse().expect("a pair"),
        window_start,
        window_end: window_start.plus_nanos(MINUTE),
        open: close,
        high: close,
        low: close,
        close,
        volume: Amount::ZERO,
        tick_count: 1,
        quality: if revision == 0 { Quality::Complete } else { Quality::Late },
        revision,
        tape_time: TapeTime::from_nanos(known * MINUTE),
        seq: Seq(0),
    }
}

/// A walk that is the same for the same seed.
pub(in crate::patterns) fn walk(seed: u64, minutes: i64) -> Vec<i64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut price = 4_000_000_000_000i64;
    (0..minutes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            price += (state >> 33) as i64 % 2_000_000_000 - 1_000_000_000;
            price
        })
        .collect()
}

pub(in crate::patterns) fn tape(pair: &str, seed: u64, minutes: i64) -> Vec<Candle> {
    let closes = walk(seed, minutes).into_iter().enumerate();
    closes.map(|(minute, close)| candle(pair, minute as i64, close, 0, minute as i64 + 1)).collect()
}

fn built(candles: &[Candle]) -> Vec<Change> {
    let (mut builder, mut changes) = (Builder::default(), Vec::new());
    candles.iter().for_each(|candle| builder.take(candle, &mut changes));
    changes
}

#[test]
fn each_minute_begins_a_pattern_once_the_hour_after_it_is_over() {
    let changes = built(&tape("BTC-USD", 1, 300));
    assert_eq!(changes.len(), 300 - SPAN + 1);
    for (place, change) in changes.iter().enumerate() {
        let Change::Add(pattern) = change else { panic!("{change:?}") };
        assert_eq!(pattern.window_start.nanos(), place as i64 * MINUTE);
        assert_eq!(pattern.usable_from.nanos(), (place + SPAN) as i64 * MINUTE, "known when the last candle was");
    }
}

#[test]
fn a_gap_makes_no_pattern_and_a_flat_hour_neither() {
    let whole = tape("BTC-USD", 1, 400);
    for gap in ["missing", "marked"] {
        let mut candles = whole.clone();
        match gap {
            "missing" => drop(candles.remove(200)),
            _ => candles[200].quality = Quality::Gap,
        }
        let changes = built(&candles);
        assert_eq!(changes.len(), 400 - SPAN + 1 - SPAN, "{gap}");
        let touches = |change: &Change| {
            let Change::Add(pattern) = change else { return true };
            let minute = pattern.window_start.nanos() / MINUTE;
            (minute..minute + SPAN as i64).contains(&200)
        };
        assert!(!changes.iter().any(touches), "{gap}");
    }
    let flat: Vec<Candle> =
        (0..400).map(|minute| candle("BTC-USD", minute, 4_000_000_000_000, 0, minute + 1)).collect();
    assert_eq!(built(&flat), []);
}

#[test]
fn a_corrected_candle_makes_every_pattern_it_touches_anew() {
    let mut candles = tape("BTC-USD", 1, 500);
    let before = built(&candles);
    let close = candles[250].close.units() + 7_000_000_000;
    candles.push(candle("BTC-USD", 250, close, 1, 500));
    let after = built(&candles);
    let (superseded, added): (Vec<&Change>, Vec<&Change>) =
        after[before.len()..].iter().partition(|change| matches!(change, Change::Supersede { .. }));
    assert_eq!((superseded.len(), added.len()), (SPAN, SPAN));
    // Corrected back: the same closes again, and other patterns, since they are known from later on.
    let original = candles[250].close.units();
    candles.push(candle("BTC-USD", 250, original, 2, 501));
    let back = built(&candles);
    assert_eq!(back.len(), after.len() + 2 * SPAN);
    let mut ids: Vec<PatternId> = back
        .iter()
        .filter_map(|change| if let Change::Add(pattern) = change { Some(pattern.id) } else { None })
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "no id twice");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Stopped anywhere and begun again with what it had, told things twice: the same patterns.
    #[test]
    fn it_does_not_matter_how_the_candles_come_in(
        seed in 1u64..1_000,
        corrections in proptest::collection::vec((0usize..400, 1i64..1_000_000_000), 0..8),
        repeats in proptest::collection::vec(0usize..400, 0..30),
    ) {
        let mut candles = tape("BTC-USD", seed, 400);
        let mut revisions = [0u32; 400];
        for (place, more) in corrections {
            revisions[place] += 1;
            let close = candles[place].close.units() + more;
            candles.push(candle("BTC-USD", place as i64, close, revisions[place], 400 + candles.len() as i64));
        }
        let once = built(&candles);
        let mut again = candles.clone();
        for place in repeats {
            let repeated = again[place];
            again.insert(again.len().min(place + 50), repeated);
        }
        prop_assert_eq!(built(&again), once);
    }

    /// What comes later changes nothing that was said before.
    #[test]
    fn nothing_before_a_moment_depends_on_what_came_after(seed in 1u64..1_000, cut in 130usize..400) {
        let candles = tape("BTC-USD", seed, 400);
        let mut other = candles[..cut].to_vec();
        other.extend(tape("BTC-USD", seed + 1, 400).into_iter().skip(cut));
        let known = |changes: &[Change]| -> Vec<Change> {
            let until = TapeTime::from_nanos(cut as i64 * MINUTE);
            let at = |change: &Change| match change { Change::Add(p) => p.usable_from, Change::Supersede { at, .. } => *at };
            changes.iter().filter(|change| at(change) <= until).copied().collect()
        };
        prop_assert_eq!(known(&built(&candles)), known(&built(&other)));
    }
}
