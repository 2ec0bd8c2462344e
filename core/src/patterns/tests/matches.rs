//! Which of the near windows count.

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 60;

/// A live hour of BTC-USD that begins at a minute, unlike any other.
fn asked(minute: i64) -> Question {
    let mut dice = Dice::new(29);
    let candles: Vec<Candle> =
        (minute..minute + HOUR).map(|minute| candle(minute, 100 * ONE + dice.below(ONE))).collect();
    Question { window: Window::of(&candles).expect("not flat"), cursor: closed(minute + HOUR - 1), most: 20 }
}

/// A pattern that begins at a minute; the larger `unlike`, the farther from the question.
fn candidate(question: &Question, minute: i64, unlike: i64) -> Candidate {
    let stored: Vec<f32> = (0..)
        .zip(question.window.shape.as_stored())
        .map(|(k, z)| if k == 0 { z + unlike as f32 } else { *z })
        .collect();
    let past = Past {
        id: format!("{:032x}", minute + 1).parse().expect("an id"),
        source: Source::Live,
        pair: question.window.pair,
        window_start: at(minute),
        outcome: Outcome { after_15: 0.0, after_30: 0.0, after_60: unlike as f64, max: 1.0, min: -1.0 },
        usable_from: closed(minute + 2 * HOUR - 1),
        superseded_at: None,
    };
    Candidate { past, shape: Shape::from_stored(&stored).expect("the width") }
}

fn base_of(question: &Question, past: impl IntoIterator<Item = Past>) -> Option<Followed> {
    base_rate(question.window.source, question.window.pair, question.cursor, past)
}

fn starts(found: &[Match]) -> Vec<i64> {
    found.iter().map(|found| found.window_start.nanos() / MINUTE).collect()
}

#[test]
fn one_hour_told_sixty_times_is_one_match() {
    let question = asked(10_000);
    let near = |(minute, unlike)| candidate(&question, minute, unlike);
    let found = select(&question, [(100, 3), (159, 2), (160, 4), (218, 5), (219, 6), (41, 7)].map(near));
    assert_eq!(starts(&found), [159, 219, 41]);
    assert_eq!(found[0].window_end, at(219));
    // Chosen from the best on, so that a good one in the middle leaves both its sides no place.
    let found = select(&question, [(100, 3), (159, 4), (160, 2), (219, 5), (220, 6)].map(near));
    assert_eq!(starts(&found), [160, 100, 220]);
    assert!(found.windows(2).all(|two| two[0].similarity > two[1].similarity));

    // The same hour of another lane is the same hour; of another pair it is not.
    let mut other = candidate(&question, 170, 9);
    other.past.source = Source::Sample;
    assert_eq!(starts(&select(&question, [candidate(&question, 160, 2), other])), [160]);
    other.past.pair = pair("ETH-USD");
    other.past.source = Source::Live;
    assert_eq!(starts(&select(&question, [candidate(&question, 160, 2), other])), [160, 170]);
}

#[test]
fn only_what_could_be_known_then_counts() {
    let question = asked(10_000);
    let cursor = question.cursor;
    let later = TapeTime::from_nanos(cursor.nanos() + 1);
    for (usable_from, superseded_at, counts) in [
        (cursor, None, true),
        (later, None, false),
        (cursor, Some(later), true),
        (cursor, Some(cursor), false),
        (closed(500), Some(closed(600)), false),
    ] {
        let mut near = candidate(&question, 100, 0);
        (near.past.usable_from, near.past.superseded_at) = (usable_from, superseded_at);
        let answer = answer(&question, [near], base_of(&question, [near.past]));
        assert_eq!(answer.matches.len(), usize::from(counts), "{usable_from} {superseded_at:?}");
        assert_eq!((answer.followed.is_some(), answer.base_rate.is_some()), (counts, counts));
    }
}

/// An imported minute may be known at once, and so the hour that is asked about may be remembered already.
#[test]
fn an_hour_is_not_found_to_resemble_itself() {
    let question = asked(10_000);
    let around = [9_940, 9_941, 10_000, 10_059, 10_060].map(|minute| {
        let mut near = candidate(&question, minute, 1);
        near.past.usable_from = question.cursor;
        near
    });
    let mut found = starts(&select(&question, around));
    found.sort_unstable();
    assert_eq!(found, [9_940, 10_060]);
}

#[test]
fn what_a_generator_made_is_no_precedent_for_the_market() {
    let mut question = asked(10_000);
    let mut simulated = candidate(&question, 100, 0);
    (simulated.past.source, simulated.past.pair) = (Source::Sample, pair("ETH-USD"));
    assert_eq!(select(&question, [simulated]), []);
    question.window.pair = pair("ETH-USD");
    assert_eq!(base_of(&question, [simulated.past]), None);
    question.window.source = Source::Sample;
    assert_eq!(select(&question, [simulated]).len(), 1);
    assert!(base_of(&question, [simulated.past]).is_some());
}

proptest! {
    /// So that a search may stop early.
    #[test]
    fn the_nearest_few_hundred_give_the_answer_of_all_when_they_give_enough(seed: u64, asked_for in 1usize..200) {
        let mut dice = Dice::new(seed);
        let question = Question { most: 5, ..asked(10_000) };
        let mut all: Vec<Candidate> = (0..400).map(|_| candidate(&question, dice.below(2_000), dice.below(500))).collect();
        all.sort_by(|a, b| distance(&question.window.shape, &a.shape).total_cmp(&distance(&question.window.shape, &b.shape)));
        let whole = select(&question, all.iter().copied());
        // Equals at the cut are in or out by chance, in any index: not what is asked here.
        let cut = distance(&question.window.shape, &all[asked_for].shape);
        let some = all.iter().copied().filter(|c| distance(&question.window.shape, &c.shape) < cut);
        let found = select(&question, some);
        prop_assert!(found.len() <= whole.len());
        prop_assert_eq!(&found[..], &whole[..found.len()]);
        let mut shuffled = all.clone();
        shuffled.sort_by_key(|c| c.past.window_start.nanos() % 7);
        prop_assert_eq!(select(&question, shuffled), whole);
    }
}

#[test]
fn the_answer_says_how_many_how_they_spread_and_what_is_usual() {
    let question = Question { most: 6, ..asked(10_000) };
    let near: Vec<Candidate> = (0..8).map(|k| candidate(&question, k * 100, k)).collect();
    // Twice the same hours, in another lane and known later, with another outcome: the first to be known counts.
    let mut past: Vec<Past> = near.iter().map(|c| c.past).collect();
    for again in past.clone() {
        let outcome = Outcome { after_60: -50.0, ..again.outcome };
        past.push(Past { source: Source::Sample, outcome, usable_from: question.cursor, ..again });
    }
    past.reverse();
    let other = Past { pair: pair("ETH-USD"), ..past[0] };
    past.push(other);
    let answer = answer(&question, near, base_of(&question, past));

    let followed = answer.followed.expect("matches");
    let (n, after_60) = (followed.n, followed.outcomes.after_60);
    assert_eq!((n, answer.matches.len(), answer.similarity()), (6, 6, Some(1.0)));
    // Outcomes 0 to 5, and the alike count for more.
    assert_eq!(after_60.quantiles, [0.25, 1.25, 2.5, 3.75, 4.75]);
    let (weights, sum) = answer.matches.iter().fold((0.0, 0.0), |(weights, sum), found| {
        (weights + found.similarity, sum + found.similarity * found.outcome.after_60)
    });
    assert!((after_60.mean.mean - sum / weights).abs() < 1e-12 && after_60.mean.mean < 2.5);
    assert!(after_60.mean.confidence.is_some_and(|interval| interval.contains(after_60.mean.mean)));
    assert!((followed.rose.mean - (weights - 1.0) / weights).abs() < 1e-12);
    assert_eq!((followed.outcomes.max.mean.mean, followed.outcomes.min.mean.mean), (1.0, -1.0));

    let base = answer.base_rate.expect("windows of the pair");
    assert_eq!((base.n, base.outcomes.after_60.mean.mean, base.rose.mean), (8, 3.5, 7.0 / 8.0));
}
