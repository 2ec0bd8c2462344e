//! Trading by consensus over a made-up tape.

use super::*;
use crate::domain::{Demand, Lean, Matches, NoteId, Opinion, Recall, Stance, Thresholds, Verdict, Why};

fn rate(text: &str) -> crate::domain::Rate {
    crate::domain::Rate::parse(text).expect("a rate")
}

impl Floor {
    fn trading() -> Self {
        let mut floor = Self::new();
        floor.act(Action::Consensus(true));
        floor.print(1_000);
        floor
    }

    fn recall(&self, change: impl FnOnce(&mut Matches)) -> Recall {
        let mut found = Matches {
            count: 20,
            similarity: rate("0.25"),
            outcome: rate("0.002"),
            best: rate("0.005"),
            low: rate("0.0001"),
            high: rate("0.004"),
            base: rate("0.0001"),
        };
        change(&mut found);
        Recall { source: Source::Live, pair: pair(), window_end: EventTime::from_nanos(self.at), found: Some(found) }
    }

    fn promising(&mut self) -> Vec<DeskOutput> {
        let recall = self.recall(|_| {});
        self.act(Action::Recall(recall))
    }

    fn hears(&mut self, stance: Stance) -> Vec<DeskOutput> {
        let as_of = EventTime::from_nanos(self.at);
        let opinion = Opinion { pair: pair(), as_of, stance, confidence: rate("0.6"), note: NoteId::of("a note") };
        self.act(Action::Opinion(opinion))
    }

    fn held(&self) -> Quantity {
        self.desk.position(pair()).map_or(Quantity::ZERO, |position| position.quantity)
    }
}

fn verdict(deeds: &[DeskOutput]) -> Verdict {
    let decisions: Vec<Verdict> = deeds
        .iter()
        .filter_map(|deed| if let DeskOutput::Decision(decision) = deed { Some(decision.verdict) } else { None })
        .collect();
    assert_eq!(decisions.len(), 1, "{deeds:?}");
    decisions[0]
}

#[test]
fn it_enters_once_holds_and_leaves_when_the_analyst_turns() {
    let mut floor = Floor::trading();
    assert!(matches!(verdict(&floor.promising()), Verdict::Stay), "nobody has spoken");
    floor.print(1_000);
    assert_eq!(floor.hears(Stance::Bullish), [], "an opinion alone does nothing");
    let Verdict::Entered(id) = verdict(&floor.promising()) else { panic!("it did not enter") };
    floor.print(1_000);
    // 5 % of 100 000 at 1 000 and the slippage of 5 bp, since there is no quote.
    let fill =
        floor.deeds.iter().rev().find_map(|deed| if let DeskOutput::Fill(fill) = deed { Some(*fill) } else { None });
    let fill = fill.expect("filled");
    assert_eq!((fill.order, fill.side), (id, Side::Buy));
    let worth = fill.notional.to_f64();
    assert!((4_990.0..=5_000.0).contains(&worth), "{worth}");
    floor.print(1_010);
    assert_eq!(verdict(&floor.promising()), Verdict::Holding);
    floor.print(1_020);
    floor.hears(Stance::Bearish);
    assert!(matches!(verdict(&floor.promising()), Verdict::Left(_)));
    floor.print(1_020);
    assert_eq!(floor.held(), Quantity::ZERO);
    assert_eq!(floor.desk.ledger().balance(Account::Trader, pair().assets().expect("a pair").0), Amount::ZERO);
    floor.print(1_020);
    assert_eq!(verdict(&floor.promising()), Verdict::NothingToLeave);
}

#[test]
fn a_minute_is_decided_once_whoever_asks_again() {
    let mut floor = Floor::trading();
    floor.hears(Stance::Bullish);
    let recall = floor.recall(|_| {});
    assert!(matches!(verdict(&floor.act(Action::Recall(recall))), Verdict::Entered(_)));
    assert_eq!(floor.act(Action::Recall(recall)), []);
    let before = Recall { window_end: recall.window_end.plus_nanos(-MINUTE), ..recall };
    assert_eq!(floor.act(Action::Recall(before)), [], "an answer that comes after a newer one is old");
    floor.print(1_000);
    floor.print(1_000);
    let fills = floor.deeds.iter().filter(|deed| matches!(deed, DeskOutput::Fill(_))).count();
    assert_eq!(fills, 1);
}

#[test]
fn whatever_blocks_an_entry_is_named_and_an_exit_goes_through() {
    type Prepare = fn(&mut Floor);
    let cases: [(Reason, Prepare); 6] = [
        (Reason::StalePrice, |floor| floor.at += 31 * SECOND),
        (Reason::Halted, |floor| drop(floor.act(Action::Risk(RiskState::Halted)))),
        (Reason::Reducing, |floor| drop(floor.act(Action::Risk(RiskState::Reducing)))),
        (Reason::BooksDiffer, |floor| drop(floor.act(Action::BooksDiffer))),
        (Reason::MaxPosition, |floor| {
            let settings = Settings { latency_ms: 0, max_position: rate("0.049"), ..Settings::default() };
            floor.act(Action::Settings(settings));
        }),
        (Reason::QuantityTooSmall, |floor| {
            let rules = PairRules { min_quantity: Quantity::from_units(6 * ONE), ..PairRules::default() };
            floor.act(Action::Rules { pair: pair(), rules });
        }),
    ];
    for (reason, prepare) in cases {
        let mut floor = Floor::trading();
        floor.hears(Stance::Bullish);
        prepare(&mut floor);
        let recall = Recall { window_end: EventTime::from_nanos(floor.at), ..floor.recall(|_| {}) };
        let deeds = floor.act(Action::Recall(recall));
        assert_eq!(verdict(&deeds), Verdict::EntryBlocked(reason));
        assert_eq!(deeds.len(), 1, "nothing but the decision: {deeds:?}");

        // The same, with a position: it is left, whatever blocks entries. Of a halted desk only the trader's hand sells.
        let mut floor = Floor::trading();
        floor.hears(Stance::Bullish);
        floor.promising();
        floor.print(1_000);
        assert!(floor.held() > Quantity::ZERO);
        floor.hears(Stance::Bearish);
        prepare(&mut floor);
        let recall = Recall { window_end: EventTime::from_nanos(floor.at + 1), ..floor.recall(|_| {}) };
        let left = verdict(&floor.act(Action::Recall(recall)));
        match reason {
            Reason::Halted => assert_eq!(left, Verdict::ExitBlocked(Reason::Halted)),
            _ => assert!(matches!(left, Verdict::Left(_)), "{reason:?}: {left:?}"),
        }
    }
}

#[test]
fn turned_off_it_enters_no_more_and_its_exits_go_on() {
    let mut floor = Floor::trading();
    floor.act(Action::Settings(Settings { latency_ms: 5_000, ..Settings::default() }));
    floor.hears(Stance::Bullish);
    assert!(matches!(verdict(&floor.promising()), Verdict::Entered(_)));
    let mut goes_on = floor.clone();
    goes_on.print(1_000);
    assert_eq!(verdict(&goes_on.promising()), Verdict::Holding, "its entry is still under way");
    floor.act(Action::Consensus(false));
    floor.print(1_000);
    assert_eq!(floor.promising(), [], "nothing is decided");
    for _ in 0..20 {
        floor.print(1_000);
    }
    assert_eq!(floor.held(), Quantity::ZERO, "the entry that was under way was cancelled");
    floor.act(Action::Consensus(true));
    floor.act(Action::Settings(Settings { latency_ms: 0, ..Settings::default() }));
    floor.hears(Stance::Bullish);
    floor.promising();
    floor.print(1_000);
    assert!(floor.held() > Quantity::ZERO);
    floor.act(Action::Settings(Settings { latency_ms: 5_000, ..Settings::default() }));
    floor.hears(Stance::Bearish);
    assert!(matches!(verdict(&floor.promising()), Verdict::Left(_)));
    floor.act(Action::Consensus(false));
    for _ in 0..20 {
        floor.print(1_000);
    }
    assert_eq!(floor.held(), Quantity::ZERO, "the exit that was under way was not stopped");
}

#[test]
fn it_leaves_what_the_traders_own_exits_sell_to_them() {
    let mut floor = Floor::trading();
    floor.hears(Stance::Bullish);
    floor.promising();
    floor.print(1_000);
    let held = floor.held();
    let stop = Order {
        id: "mine".parse().expect("a name"),
        pair: pair(),
        side: Side::Sell,
        quantity: held,
        terms: Terms::Stop { stop: Price::from_units(50 * ONE) },
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: true,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    };
    floor.act(Action::Place(stop));
    floor.hears(Stance::Bearish);
    floor.print(1_000);
    assert_eq!(verdict(&floor.promising()), Verdict::NothingToLeave);
}

#[test]
fn an_opinion_that_comes_after_a_newer_one_is_not_heard() {
    let mut floor = Floor::trading();
    let early = EventTime::from_nanos(floor.at - 1);
    floor.hears(Stance::Bearish);
    let (confidence, note) = (rate("0.9"), NoteId::of("a slow one"));
    let late = Opinion { pair: pair(), as_of: early, stance: Stance::Bullish, confidence, note };
    floor.act(Action::Opinion(late));
    assert_eq!(floor.desk.opinion(pair()).map(|heard| heard.stance), Some(Stance::Bearish));
}

#[test]
fn a_trend_alone_does_not_enter_on_advice_that_has_grown_old() {
    let mut floor = Floor::trading();
    let trend = Thresholds {
        trend: Demand::For,
        patterns: Demand::Ignored,
        analyst: Demand::Ignored,
        trend_fast: 2,
        trend_slow: 3,
        ..Thresholds::default()
    };
    floor.act(Action::Thresholds(trend));
    for minute in 0..10 {
        floor.at += 59 * SECOND;
        floor.print(1_000 + minute);
    }
    let fresh = floor.recall(|_| {});
    let old = Recall { window_end: fresh.window_end.plus_nanos(-121 * SECOND), ..fresh };
    assert_eq!(verdict(&floor.act(Action::Recall(old))), Verdict::EntryBlocked(Reason::StaleSignal));
    assert!(matches!(verdict(&floor.act(Action::Recall(fresh))), Verdict::Entered(_)));
}

#[test]
fn a_decision_keeps_what_it_saw() {
    let mut floor = Floor::trading();
    for _ in 0..60 {
        floor.at += 59 * SECOND;
        floor.print(1_000);
    }
    let thresholds = Thresholds { trend: Demand::For, analyst: Demand::Ignored, ..Thresholds::default() };
    floor.act(Action::Thresholds(thresholds));
    let recall = floor.recall(|found| found.similarity = rate("0.15"));
    let deeds = floor.act(Action::Recall(recall));
    let Some(DeskOutput::Decision(decision)) = deeds.first() else { panic!("{deeds:?}") };
    assert_eq!((decision.recall, decision.minute, decision.at.nanos()), (recall, recall.window_end, floor.at));
    assert_eq!(decision.votes.patterns.why, Why::NotAlike);
    assert_eq!((decision.votes.trend.lean, decision.votes.trend.why), (Lean::Neither, Why::Level));
    assert_eq!(decision.votes.analyst.why, Why::NoOpinion);
    assert_eq!(decision.equity, floor.desk.equity().total);
    assert_eq!(floor.desk.decisions().next(), Some(decision));
    let again: Desk = postcard::from_bytes(&floor.desk.to_bytes()).expect("a desk");
    assert_eq!(again, floor.desk, "a checkpoint keeps it");
}
