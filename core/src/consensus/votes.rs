//! What each of the three says, and what all of them together ask for. Pure.

use std::cmp::Ordering;

use crate::domain::time::SECOND;
use crate::domain::{
    Demand, EventTime, Lean, Opinion, Rate, Recall, Settings, Stance, TapeTime, Thresholds, Vote, Votes, Why,
};

/// The past hours that looked like this one.
pub fn patterns(recall: &Recall, now: TapeTime, thresholds: &Thresholds, settings: &Settings) -> Vote {
    let neither = |why| Vote { lean: Lean::Neither, why };
    let Some(found) = recall.found else { return neither(Why::NoMatches) };
    if is_stale(recall.window_end, now, thresholds.max_recall_age_s) {
        return neither(Why::Stale);
    }
    if found.similarity < thresholds.exit_similarity {
        return Vote { lean: Lean::Leave, why: Why::NoLongerAlike };
    }
    if found.similarity < thresholds.enter_similarity {
        return neither(Why::NotAlike);
    }
    if found.count < thresholds.min_matches {
        return neither(Why::TooFewMatches);
    }
    if found.outcome <= Rate::ZERO {
        return neither(Why::OutcomeNotPositive);
    }
    if !pays(found.best, thresholds, settings) {
        return neither(Why::BelowCosts);
    }
    if thresholds.interval_above_zero && found.low <= Rate::ZERO {
        return neither(Why::IntervalHoldsZero);
    }
    Vote { lean: Lean::Enter, why: Why::PromisingPast }
}

/// Whether the best moment, on the mean, is worth so many times what going in and out costs: a taker's fee and the slippage, twice.
fn pays(best: Rate, thresholds: &Thresholds, settings: &Settings) -> bool {
    let one = i128::from(crate::domain::money::ONE);
    let round_trip = 2 * (i128::from(settings.taker_fee.units()) + i128::from(settings.slippage.units()));
    i128::from(best.units()) * one >= round_trip * i128::from(thresholds.best_over_costs.units())
}

pub fn analyst(opinion: Option<&Opinion>, now: TapeTime, thresholds: &Thresholds) -> Vote {
    let Some(opinion) = opinion else { return Vote { lean: Lean::Neither, why: Why::NoOpinion } };
    if is_stale(opinion.as_of, now, thresholds.max_opinion_age_s) {
        return Vote { lean: Lean::Neither, why: Why::Stale };
    }
    let (lean, why) = match opinion.stance {
        Stance::Bullish => (Lean::Enter, Why::Bullish),
        Stance::Bearish => (Lean::Leave, Why::Bearish),
        Stance::Neutral => (Lean::Neither, Why::Neutral),
    };
    Vote { lean, why }
}

/// The order of two exponential averages of closes, which come oldest first. Says nothing before the slow one has twice its minutes.
pub fn trend(closes: &[f64], thresholds: &Thresholds) -> Vote {
    let slow = usize::from(thresholds.trend_slow.max(1));
    if closes.len() < 2 * slow {
        return Vote { lean: Lean::Neither, why: Why::TooShort };
    }
    // A fixed number of minutes, so that it is the same whenever the tape began to be read.
    let closes = &closes[closes.len() - 2 * slow..];
    let average = |minutes: u16| {
        let weight = 2.0 / (f64::from(minutes.max(1)) + 1.0);
        closes.iter().skip(1).fold(closes[0], |average, close| average + weight * (close - average))
    };
    match average(thresholds.trend_fast).total_cmp(&average(thresholds.trend_slow)) {
        Ordering::Greater => Vote { lean: Lean::Enter, why: Why::Rising },
        Ordering::Less => Vote { lean: Lean::Leave, why: Why::Falling },
        Ordering::Equal => Vote { lean: Lean::Neither, why: Why::Level },
    }
}

/// Whether what was known then is too old now.
pub fn is_stale(known: EventTime, now: TapeTime, limit_s: u32) -> bool {
    now.nanos().saturating_sub(known.nanos()) > i64::from(limit_s) * SECOND
}

/// Enter when every vote that has to be for it is; leave when any that is asked for something says so.
pub fn together(votes: &Votes, thresholds: &Thresholds) -> Lean {
    let demands = [
        (votes.patterns.lean, thresholds.patterns),
        (votes.analyst.lean, thresholds.analyst),
        (votes.trend.lean, thresholds.trend),
    ];
    if demands.iter().any(|(lean, demand)| *demand != Demand::Ignored && *lean == Lean::Leave) {
        return Lean::Leave;
    }
    let mut decisive = demands.iter().filter(|(_, demand)| *demand == Demand::For).peekable();
    // Where none has to be for it, none is.
    let all_for = decisive.peek().is_some() && decisive.all(|(lean, _)| *lean == Lean::Enter);
    if all_for { Lean::Enter } else { Lean::Neither }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Matches, NoteId, Source};

    const NOW: i64 = 1_700_000_000 * SECOND;

    fn rate(text: &str) -> Rate {
        Rate::parse(text).expect("a rate")
    }

    fn recall(change: impl FnOnce(&mut Matches)) -> Recall {
        let mut found = Matches {
            count: 20,
            similarity: rate("0.25"),
            outcome: rate("0.002"),
            best: rate("0.0045"),
            low: rate("0.0001"),
            high: rate("0.004"),
            base: rate("0.0001"),
        };
        change(&mut found);
        let pair = "BTC-USD".parse().expect("a pair");
        Recall { source: Source::Live, pair, window_end: EventTime::from_nanos(NOW - 5 * SECOND), found: Some(found) }
    }

    fn opinion(stance: Stance, age_s: i64) -> Opinion {
        Opinion {
            pair: "BTC-USD".parse().expect("a pair"),
            as_of: EventTime::from_nanos(NOW - age_s * SECOND),
            stance,
            confidence: rate("0.7"),
            note: NoteId::of("a"),
        }
    }

    fn says(recall: &Recall, now: i64, thresholds: &Thresholds) -> Why {
        patterns(recall, TapeTime::from_nanos(now), thresholds, &Settings::default()).why
    }

    #[test]
    fn the_past_votes_by_the_rules_it_is_said_to_vote_by() {
        let usual = Thresholds::default();
        // Costs are 2 × (0.10 % + 0.05 %) = 0.30 %, and 1.5 times that is 0.45 %.
        let cases: [(Why, Recall); 8] = [
            (Why::PromisingPast, recall(|_| {})),
            (Why::BelowCosts, recall(|found| found.best = rate("0.00449999"))),
            (Why::OutcomeNotPositive, recall(|found| found.outcome = Rate::ZERO)),
            (Why::TooFewMatches, recall(|found| found.count = 4)),
            (Why::NotAlike, recall(|found| found.similarity = rate("0.19999999"))),
            (Why::NotAlike, recall(|found| found.similarity = rate("0.10"))),
            (Why::NoLongerAlike, recall(|found| found.similarity = rate("0.09999999"))),
            (Why::NoMatches, Recall { found: None, ..recall(|_| {}) }),
        ];
        for (why, recall) in cases {
            assert_eq!(says(&recall, NOW, &usual), why, "{recall:?}");
        }
        assert_eq!(says(&recall(|_| {}), NOW + 115 * SECOND, &usual), Why::PromisingPast);
        assert_eq!(says(&recall(|_| {}), NOW + 115 * SECOND + 1, &usual), Why::Stale);
        let strict = Thresholds { interval_above_zero: true, ..usual };
        assert_eq!(says(&recall(|_| {}), NOW, &strict), Why::PromisingPast);
        assert_eq!(says(&recall(|found| found.low = Rate::ZERO), NOW, &strict), Why::IntervalHoldsZero);
    }

    #[test]
    fn an_old_opinion_is_none_and_an_answer_does_not_make_it_young() {
        let usual = Thresholds::default();
        let says = |opinion: Option<&Opinion>| analyst(opinion, TapeTime::from_nanos(NOW), &usual);
        assert_eq!(says(None).why, Why::NoOpinion);
        assert_eq!(says(Some(&opinion(Stance::Bullish, 600))).lean, Lean::Enter);
        assert_eq!(says(Some(&opinion(Stance::Bullish, 601))).why, Why::Stale);
        assert_eq!(says(Some(&opinion(Stance::Bearish, 601))).lean, Lean::Neither, "nor a reason to leave");
        assert_eq!(says(Some(&opinion(Stance::Bearish, 0))).lean, Lean::Leave);
    }

    #[test]
    fn the_trend_is_the_same_wherever_reading_began() {
        let usual = Thresholds::default();
        let rising: Vec<f64> = (0..200).map(|minute| 100.0 + f64::from(minute)).collect();
        assert_eq!(trend(&rising, &usual).why, Why::Rising);
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert_eq!(trend(&falling, &usual).why, Why::Falling);
        assert_eq!(trend(&rising[..51], &usual).why, Why::TooShort);
        let mut turned = vec![1e6; 500];
        turned.extend(&rising[..52]);
        assert_eq!(trend(&turned, &usual), trend(&rising[..52], &usual));
    }

    #[test]
    fn an_entry_takes_every_vote_that_is_demanded_and_leaving_takes_one() {
        let vote = |lean| Vote { lean, why: Why::Neutral };
        let votes =
            |patterns, analyst, trend| Votes { patterns: vote(patterns), analyst: vote(analyst), trend: vote(trend) };
        let demand = |patterns, analyst, trend| Thresholds { patterns, analyst, trend, ..Thresholds::default() };
        use Demand::{For, Ignored, NotAgainst};
        use Lean::{Enter, Leave, Neither};
        let cases = [
            (Enter, votes(Enter, Enter, Leave), demand(For, For, Ignored)),
            (Leave, votes(Enter, Enter, Leave), demand(For, For, NotAgainst)),
            (Leave, votes(Enter, Enter, Leave), demand(For, For, For)),
            (Enter, votes(Enter, Enter, Neither), demand(For, For, NotAgainst)),
            (Neither, votes(Enter, Enter, Neither), demand(For, For, For)),
            (Neither, votes(Enter, Neither, Enter), demand(For, For, Ignored)),
            (Enter, votes(Enter, Neither, Enter), demand(For, NotAgainst, Ignored)),
            (Leave, votes(Enter, Leave, Enter), demand(For, NotAgainst, Ignored)),
            (Enter, votes(Enter, Leave, Enter), demand(For, Ignored, Ignored)),
            (Enter, votes(Leave, Leave, Enter), demand(Ignored, Ignored, For)),
            (Leave, votes(Leave, Enter, Enter), demand(For, For, For)),
            (Neither, votes(Enter, Enter, Enter), demand(Ignored, Ignored, Ignored)),
            (Neither, votes(Enter, Enter, Enter), demand(NotAgainst, Ignored, Ignored)),
        ];
        for (together_ask, votes, thresholds) in cases {
            assert_eq!(together(&votes, &thresholds), together_ask, "{votes:?} {thresholds:?}");
        }
    }
}
