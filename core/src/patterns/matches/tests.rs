use proptest::prelude::*;

use super::*;
use crate::domain::Candle;
use crate::patterns::Builder;
use crate::patterns::build::tests::{candle, tape, walk};

fn past(candles: &[Candle]) -> Past {
    let (mut builder, mut past) = (Builder::default(), Past::default());
    let mut changes = Vec::new();
    for candle in candles {
        builder.take(candle, &mut changes);
        changes.drain(..).for_each(|change| past.take(&change));
    }
    past
}

/// Asks about the hour that ended so many minutes in.
fn ask(past: &Past, candles: &[Candle], minute: usize, across_pairs: bool) -> Option<Answer> {
    let closes: Vec<f64> = candles[minute - MINUTES..minute].iter().map(|candle| candle.close.to_f64()).collect();
    let shape = Shape::of(closes.as_slice().try_into().expect("sixty")).expect("a shape");
    past.ask(&Asked {
        source: candles[0].source,
        pair: candles[0].pair,
        window_end: candles[minute - 1].window_end,
        shape: &shape,
        cursor: candles[minute - 1].tape_time,
        across_pairs,
    })
}

#[test]
fn the_nearest_are_the_nearest_and_each_hour_counts_once() {
    let candles = tape("BTC-USD", 5, 4_000);
    let past = past(&candles);
    let answer = ask(&past, &candles, 3_900, false).expect("matches");
    assert_eq!(answer.matches.len(), MATCHES);
    // The plain way: sort everything, take what does not overlap.
    let shape = |from: usize| {
        let closes: Vec<f64> = candles[from..from + MINUTES].iter().map(|candle| candle.close.to_f64()).collect();
        Shape::of(closes.as_slice().try_into().expect("sixty")).expect("a shape")
    };
    let asked = shape(3_840);
    let mut all: Vec<(f64, usize)> =
        (0..=3_900 - 2 * MINUTES).map(|from| (distance(&asked.vector, &shape(from).vector), from)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut taken: Vec<usize> = Vec::new();
    for (_, from) in all {
        if taken.len() < MATCHES && taken.iter().all(|other| other.abs_diff(from) >= MINUTES) {
            taken.push(from);
        }
    }
    let found: Vec<usize> =
        answer.matches.iter().map(|found| (found.pattern.window_start.nanos() / MINUTE) as usize).collect();
    assert_eq!(found, taken);
    assert_eq!(answer.base.count, (3_900 - 2 * MINUTES + 1) as u64);
    let close = |minute: usize| candles[minute].close.to_f64();
    let first = taken[0] + MINUTES - 1;
    assert_eq!(answer.matches[0].pattern.outcome.after_60, close(first + 60) / close(first) - 1.0);
}

#[test]
fn a_simulated_hour_is_no_evidence_about_a_real_one() {
    let real = tape("ETH-USD", 3, 300);
    let mut simulated = tape("ETH-USD", 4, 300);
    simulated.iter_mut().for_each(|candle| candle.source = Source::Sample);
    let both: Vec<Candle> = real.iter().chain(&simulated).copied().collect();
    let answer = ask(&past(&both), &real, 290, true).expect("matches");
    assert!(answer.matches.iter().all(|found| found.pattern.source == Source::Live));
    assert_eq!(Some(answer), ask(&past(&real), &real, 290, true));
    let answer = ask(&past(&both), &simulated, 290, true).expect("matches");
    assert!(answer.matches.iter().all(|found| found.pattern.source == Source::Sample), "nor a real one about it");
}

#[test]
fn other_pairs_are_asked_when_that_is_wanted_and_their_base_rate_is_not_this_ones() {
    let (btc, eth) = (tape("BTC-USD", 1, 600), tape("ETH-USD", 2, 600));
    let mut both: Vec<Candle> = btc.iter().chain(&eth).copied().collect();
    both.sort_by_key(|candle| candle.tape_time);
    let past = past(&both);
    let (alone, across) = (ask(&past, &btc, 590, false).expect("some"), ask(&past, &btc, 590, true).expect("some"));
    assert!(alone.matches.iter().all(|found| found.pattern.pair == btc[0].pair));
    assert!(across.matches.iter().any(|found| found.pattern.pair == eth[0].pair));
    assert_eq!(alone.base, across.base);
    assert!(across.matches[0].similarity >= alone.matches[0].similarity);
}

#[test]
fn a_correction_is_seen_from_its_moment_on_and_not_before() {
    let mut candles = tape("BTC-USD", 9, 700);
    let plain = ask(&past(&candles), &candles, 500, false);
    let close = candles[300].close.units() * 2;
    candles.push(candle("BTC-USD", 300, close, 1, 650));
    assert_eq!(ask(&past(&candles), &candles, 500, false), plain, "it was not known yet");
    let later = ask(&past(&candles), &candles, 690, false).expect("matches");
    candles.pop();
    let uncorrected = ask(&past(&candles), &candles, 690, false).expect("matches");
    assert_eq!(later.base.count, uncorrected.base.count, "each hour counts once, as it is known now");
    assert_ne!(later.base, uncorrected.base);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Matches, outcomes, interval and base rate at a moment are what they are, whatever comes after.
    #[test]
    fn an_answer_does_not_know_the_future(seed in 1u64..1_000, minute in 260usize..560, across in any::<bool>()) {
        let mut candles = tape("BTC-USD", seed, 600);
        candles.extend(tape("ETH-USD", seed + 1, 600));
        candles.sort_by_key(|candle| candle.tape_time);
        let btc: Vec<Candle> = candles.iter().filter(|c| c.pair.as_str() == "BTC-USD").copied().collect();
        let now = ask(&past(&candles), &btc, minute, across);
        let cut = btc[minute - 1].tape_time;
        let future = walk(seed + 2, 1_200);
        for (candle, close) in candles.iter_mut().zip(future) {
            if candle.tape_time > cut {
                candle.close = crate::domain::Price::from_units(close);
            }
        }
        prop_assert_eq!(ask(&past(&candles), &btc, minute, across), now);
    }
}
