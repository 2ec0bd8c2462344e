//! Facts from candles, each against the same number taken another way.

use crate::analyst::{Brief, Facts, Kind, MINUTES_NEEDED, reply_schema};
use crate::domain::time::MINUTE;
use crate::domain::{Amount, Candle, EventTime, Price, Quality, Quote, Seq, Source, TapeTime};
use crate::patterns::{Answer, Confidence, Estimate, Followed, Outcome, Spread};

const START: i64 = 28_512_000 * MINUTE;

fn price(text: &str) -> Price {
    Price::parse_positive(text).expect("a price")
}

/// A walk that goes up and down, with a volume that doubles at the end.
pub(super) fn candles(count: i64) -> Vec<Candle> {
    (0..count)
        .map(|minute| {
            let close = 6_500_000_000_000 + (minute * 37 % 101 - 50) * 900_000_000 + minute * 50_000_000;
            let start = START + minute * MINUTE;
            let volume = if minute >= count - 15 { 400_000_000 } else { 200_000_000 };
            Candle {
                source: Source::Live,
                pair: "BTC-USD".parse().expect("a pair"),
                window_start: EventTime::from_nanos(start),
                window_end: EventTime::from_nanos(start + MINUTE),
                open: Price::from_units(close),
                high: Price::from_units(close + 700_000_000),
                low: Price::from_units(close - 300_000_000),
                close: Price::from_units(close),
                volume: Amount::from_units(volume),
                tick_count: 1,
                quality: Quality::Complete,
                revision: 0,
                tape_time: TapeTime::from_nanos(start + MINUTE),
                seq: Seq(minute as u64 + 1),
            }
        })
        .collect()
}

pub(super) fn quote() -> Quote {
    Quote {
        best_bid: price("65100.10"),
        best_ask: price("65107.90"),
        bid_size: None,
        ask_size: None,
        volume_24h: None,
        open_24h: Some(price("64000")),
    }
}

pub(super) fn answer() -> Answer {
    let estimate = |mean, low, high| Estimate { mean, confidence: Some(Confidence { low, high }) };
    let spread = |mean: f64| Spread {
        quantiles: [mean - 2.0, mean - 1.0, mean + 0.111, mean + 1.0, mean + 2.0],
        mean: estimate(mean, mean - 0.456, mean + 0.456),
    };
    let followed = |n, mean| Followed {
        n,
        outcomes: Outcome {
            after_15: spread(9.0),
            after_30: spread(9.0),
            after_60: spread(mean),
            max: spread(9.0),
            min: spread(9.0),
        },
        rose: estimate(0.672, 0.5, 0.8),
    };
    Answer { matches: Vec::new(), followed: Some(followed(18, 0.321)), base_rate: Some(followed(9_000, 0.02)) }
}

fn number(facts: &Facts, kind: Kind) -> String {
    facts.get(kind).map_or_else(|| "none".to_owned(), |fact| fact.number())
}

#[test]
fn a_change_is_of_the_minutes_it_says() {
    let candles = candles(240);
    let facts = Facts::of(&candles, Some(&quote()), None).expect("facts");
    let close = |back: usize| candles[candles.len() - 1 - back].close.to_f64();
    for (kind, then) in [(Kind::Change15, close(15)), (Kind::Change60, close(60)), (Kind::ChangeDay, 64_000.0)] {
        assert_eq!(number(&facts, kind), format!("{:.2}", (close(0) / then - 1.0) * 100.0), "{kind:?}");
    }
    assert_eq!(facts.as_of, candles[239].window_end);
    assert_eq!(facts.get(Kind::Change15).map(|fact| fact.from), Some(candles[239 - 15].window_start));
    assert_eq!(number(&facts, Kind::LastClose), candles[239].close.to_string());
}

#[test]
fn the_range_is_of_the_hour_and_of_four() {
    let candles = candles(300);
    let facts = Facts::of(&candles, None, None).expect("facts");
    for (high, low, count) in [(Kind::High60, Kind::Low60, 60), (Kind::High240, Kind::Low240, 240)] {
        let span = &candles[300 - count..];
        let highest = span.iter().map(|candle| candle.high).max().expect("some");
        let lowest = span.iter().map(|candle| candle.low).min().expect("some");
        assert_eq!((number(&facts, high), number(&facts, low)), (highest.to_string(), lowest.to_string()));
    }
    assert_ne!(number(&facts, Kind::Low60), number(&facts, Kind::Low240));
}

#[test]
fn volatility_trend_and_volume_are_what_their_names_say() {
    let candles = candles(240);
    let facts = Facts::of(&candles, None, None).expect("facts");
    let changes: Vec<f64> =
        (180..240).map(|at| (candles[at].close.to_f64() / candles[at - 1].close.to_f64() - 1.0) * 100.0).collect();
    // By the other formula for a variance: the mean of squares less the square of the mean.
    let (n, sum) = (60.0, changes.iter().sum::<f64>());
    let squares = changes.iter().map(|change| change * change).sum::<f64>();
    let deviation = ((squares - sum * sum / n) / (n - 1.0)).sqrt();
    assert_eq!(number(&facts, Kind::Volatility60), format!("{deviation:.3}"));
    // The slope by the sums of the normal equations, minutes counted from 1.
    let closes: Vec<f64> = candles[225..].iter().map(|candle| candle.close.to_f64()).collect();
    let (mut x, mut y, mut xy, mut xx) = (0.0, 0.0, 0.0, 0.0);
    for (place, close) in closes.iter().enumerate() {
        let at = place as f64 + 1.0;
        (x, y, xy, xx) = (x + at, y + close, xy + at * close, xx + at * at);
    }
    let slope = (15.0 * xy - x * y) / (15.0 * xx - x * x);
    assert_eq!(number(&facts, Kind::Trend15), format!("{:.2}", slope * 15.0 / closes[14] * 100.0));
    assert_eq!(number(&facts, Kind::Volume15), "2.00");
}

#[test]
fn the_spread_is_over_the_middle() {
    let facts = Facts::of(&candles(1), Some(&quote()), None).expect("facts");
    assert_eq!(number(&facts, Kind::Spread), format!("{:.2}", 7.8 / 65_104.0 * 10_000.0));
    assert_eq!((number(&facts, Kind::Bid), number(&facts, Kind::Ask)), ("65100.1".to_owned(), "65107.9".to_owned()));
    let crossed = Quote { best_bid: price("65110"), open_24h: None, ..quote() };
    let facts = Facts::of(&candles(1), Some(&crossed), None).expect("facts");
    assert_eq!(facts.list.len(), 1, "nothing is taken from a quote nobody can trade at: {:?}", facts.list);
}

#[test]
fn what_is_not_known_is_left_out_and_not_zero() {
    let kinds = |candles: &[Candle]| -> Vec<Kind> {
        Facts::of(candles, None, None)
            .map(|facts| facts.list.iter().map(|fact| fact.kind).collect())
            .unwrap_or_default()
    };
    let all = candles(240);
    assert!(Facts::of(&[], None, None).is_none());
    assert_eq!(kinds(&all[..1]), [Kind::LastClose]);
    assert_eq!(kinds(&all[..15]), [Kind::LastClose, Kind::Trend15]);
    assert_eq!(kinds(&all[..16]), [Kind::LastClose, Kind::Change15, Kind::Trend15]);
    assert!(kinds(&all[..60]).contains(&Kind::High60) && !kinds(&all[..60]).contains(&Kind::Change60));
    assert!(kinds(&all[..61]).contains(&Kind::Change60) && kinds(&all[..61]).contains(&Kind::Volatility60));
    assert!(!kinds(&all[..239]).contains(&Kind::High240) && !kinds(&all[..239]).contains(&Kind::Volume15));
    assert_eq!(kinds(&all).len(), 10);
    assert_eq!(MINUTES_NEEDED, 240);
}

#[test]
fn no_number_is_taken_across_a_minute_that_is_not_whole() {
    let all = candles(240);
    let count = |change: &dyn Fn(&mut Vec<Candle>)| {
        let mut candles = all.clone();
        change(&mut candles);
        Facts::of(&candles, None, None).map_or(0, |facts| facts.list.len())
    };
    assert_eq!(count(&|_| {}), 10);
    assert_eq!(count(&|candles| _ = candles.remove(220)), 3, "a minute is missing");
    assert_eq!(count(&|candles| candles[220].quality = Quality::Gap), 3, "trades are missing");
    assert_eq!(count(&|candles| candles[220].pair = "ETH-USD".parse().expect("a pair")), 3, "of another pair");
    assert_eq!(count(&|candles| candles[220].source = Source::Sample), 3, "of another lane");
    assert_eq!(count(&|candles| candles[220].quality = Quality::Backfilled), 10);
    assert_eq!(count(&|candles| candles[239].quality = Quality::Gap), 0);
    let mut forming = all.clone();
    forming[239].quality = Quality::Forming;
    assert_eq!(Facts::of(&forming, None, None), Facts::of(&all[..239], None, None), "what forms is not known yet");
}

#[test]
fn what_followed_is_told_as_it_was_found() {
    let mut answer = answer();
    answer.matches.push(crate::patterns::Match {
        id: "0123456789abcdef0123456789abcdef".parse().expect("an id"),
        source: Source::Live,
        pair: "BTC-USD".parse().expect("a pair"),
        window_start: EventTime::from_nanos(0),
        window_end: EventTime::from_nanos(60 * MINUTE),
        distance: 1.0,
        similarity: 0.4271,
        outcome: Outcome { after_15: 0.0, after_30: 0.0, after_60: 0.0, max: 0.0, min: 0.0 },
    });
    let facts = Facts::of(&candles(1), None, Some(&answer)).expect("facts");
    let told = [
        (Kind::Matches, "18"),
        (Kind::Similarity, "0.427"),
        (Kind::OutcomeMean, "0.32"),
        (Kind::OutcomeMedian, "0.43"),
        (Kind::OutcomeLow, "-0.14"),
        (Kind::OutcomeHigh, "0.78"),
        (Kind::Rose, "67.2"),
        (Kind::BaseMean, "0.02"),
        (Kind::BaseRose, "67.2"),
    ];
    for (kind, expected) in told {
        assert_eq!(number(&facts, kind), expected, "{kind:?}");
    }
    let sql = |kind| facts.get(kind).and_then(|fact| facts.sql(fact));
    assert_eq!(
        sql(Kind::Matches).as_deref(),
        Some(
            "SELECT source, pair, window_start, outcome_60_pct FROM vectors.patterns WHERE id IN \
             ('0123456789abcdef0123456789abcdef') ORDER BY window_start"
        )
    );
    assert_eq!(
        sql(Kind::LastClose).as_deref(),
        Some(
            "SELECT window_start, open, high, low, close, volume FROM warm.candles WHERE source = 'live' AND pair = \
             'BTC-USD' AND window_start >= '2024-03-18T00:00:00Z' AND window_start < '2024-03-18T00:01:00Z' ORDER BY \
             window_start"
        )
    );
    assert!(sql(Kind::BaseMean).is_some_and(|sql| sql.contains("avg(outcome_60_pct)")));
}

#[test]
fn a_number_that_is_none_is_no_fact() {
    let mut answer = answer();
    if let Some(base) = &mut answer.base_rate {
        base.outcomes.after_60.mean.mean = f64::NAN;
        base.rose.mean = f64::INFINITY;
    }
    let facts = Facts::of(&candles(1), None, Some(&answer)).expect("facts");
    assert_eq!(
        (number(&facts, Kind::BaseMean), number(&facts, Kind::BaseRose)),
        ("none".to_owned(), "none".to_owned())
    );
}

#[test]
fn the_prompt_is_what_it_was() {
    let brief = Brief::of(&super::setting::facts());
    assert_eq!(
        brief.user,
        "Pair: BTC-USD
As of: 2024-03-20T14:12:00Z
Facts:
1. last close: 65123.45 USD
2. best bid: 65120.1 USD
3. best ask: 65127.9 USD
4. spread: 1.20 basis points
5. change over 15 minutes: -0.37 %
6. change over 60 minutes: +1.24 %
7. change over 24 hours: -2.86 %
8. trend over 15 minutes: -0.41 % (falling)
9. high of the last 60 minutes: 65480 USD
10. low of the last 60 minutes: 64210.55 USD
11. high of the last 4 hours: 66890.12 USD
12. low of the last 4 hours: 63945.3 USD
13. volatility per minute over 60 minutes: 0.053 %
14. volume of the last 15 minutes against the usual: 1.83 times
15. past hours like this one: 18
16. similarity of the nearest past hour: 0.427
17. mean outcome of those hours, 60 minutes later: +0.32 %
18. median outcome of those hours, 60 minutes later: +0.21 %
19. low end of the interval of the mean outcome: -0.15 %
20. high end of the interval of the mean outcome: +0.79 %
21. share of those hours after which the price rose: 67.2 %
22. base rate: mean outcome of every past hour: +0.02 %
23. base rate: share of every past hour after which the price rose: 51.6 %
"
    );
    // Another prompt is another version.
    let version = (crate::analyst::PROMPT_VERSION, blake3::hash(brief.system.as_bytes()).to_string());
    assert_eq!(version, (1, "7ddbde8b9e7637542c05f96a5c6ae00836c0f06f34e1160fe27492f55b9b6dd2".to_owned()));
}

#[test]
fn the_schema_asks_for_what_is_read() {
    let schema = reply_schema();
    assert_eq!(schema["required"], serde_json::json!(["stance", "confidence", "sentences"]));
    assert_eq!(schema["properties"]["stance"]["enum"], serde_json::json!(["bullish", "bearish", "neutral"]));
    assert_eq!(schema["properties"]["sentences"]["maxLength"], 600);
    assert_eq!(schema["additionalProperties"], false);
}
