//! One pair at one moment, with every fact there is, and no two facts that could be taken for each other.

use crate::analyst::{Fact, Facts, Kind};
use crate::domain::money::parse_decimal;
use crate::domain::time::HOUR;
use crate::domain::{EventTime, Pair, Source};

pub(super) const FACTS: [(Kind, &str); 23] = [
    (Kind::LastClose, "65123.45"),
    (Kind::Bid, "65120.1"),
    (Kind::Ask, "65127.9"),
    (Kind::Spread, "1.20"),
    (Kind::Change15, "-0.37"),
    (Kind::Change60, "1.24"),
    (Kind::ChangeDay, "-2.86"),
    (Kind::Trend15, "-0.41"),
    (Kind::High60, "65480"),
    (Kind::Low60, "64210.55"),
    (Kind::High240, "66890.12"),
    (Kind::Low240, "63945.3"),
    (Kind::Volatility60, "0.053"),
    (Kind::Volume15, "1.83"),
    (Kind::Matches, "18"),
    (Kind::Similarity, "0.427"),
    (Kind::OutcomeMean, "0.32"),
    (Kind::OutcomeMedian, "0.21"),
    (Kind::OutcomeLow, "-0.15"),
    (Kind::OutcomeHigh, "0.79"),
    (Kind::Rose, "67.2"),
    (Kind::BaseMean, "0.02"),
    (Kind::BaseRose, "51.6"),
];

pub(super) fn facts() -> Facts {
    of("BTC-USD", &FACTS)
}

pub(super) fn of(pair: &str, facts: &[(Kind, &str)]) -> Facts {
    let as_of = EventTime::parse("2024-03-20T14:12:00Z").expect("a time");
    let from = as_of.plus_nanos(-HOUR);
    let fact = |(kind, text): &(Kind, &str)| Fact {
        kind: *kind,
        value: parse_decimal(text).expect("a number").units,
        from,
        to: as_of,
    };
    let pair: Pair = pair.parse().expect("a pair");
    Facts { source: Source::Live, pair, as_of, list: facts.iter().map(fact).collect(), matched: Vec::new() }
}

/// A reply as a model gives it.
pub(super) fn reply(text: &str) -> Vec<u8> {
    serde_json::json!({ "stance": "neutral", "confidence": 0.5, "sentences": text }).to_string().into_bytes()
}
