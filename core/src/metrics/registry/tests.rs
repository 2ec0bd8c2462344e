use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::{Amount, Price, Rate, Reason, ReceivedTime, RiskState, Seq, TapeTime, Verdict};
use crate::metrics::{ACKNOWLEDGED, ANSWERED, COMMITTED, Distribution, SEARCHED, names};

fn pair() -> Pair {
    "BTC-USD".parse().expect("a pair")
}

/// Everything is known.
fn full() -> Registry {
    let samples = |bounds| Some(Distribution::new(bounds));
    let (one, some) = (Amount::from_units(100_000_000), Some(Amount::from_units(100_000_000)));
    let tier = Tier {
        through: Some(Seq(9)),
        lag_s: Some(1.5),
        rows: Some(1),
        bytes: Some(1),
        snapshots: Some(1),
        written_rows: 1,
        written_bytes: Some(1),
        commits: Some(1),
        committed: samples(COMMITTED),
        failed: false,
    };
    let authored = Authored { notes: Notes { said: 3, refused: 2, failed: 1 }, latency: samples(ANSWERED) };
    Registry {
        build: Some(Build { version: "0.1.0".to_owned(), engine_version: 2 }),
        process: Process {
            started: Some(ReceivedTime::from_nanos(1_000_000_000)),
            cpu_s: Some(0.5),
            memory_bytes: Some(1),
            disk_free_bytes: Some(1),
            disk_size_bytes: Some(1),
        },
        feed: Some(Feed { connected: true, age_s: Some(0.2), ..Feed::default() }),
        market: BTreeMap::from([(
            pair(),
            MarketOfPair {
                ticks: 5,
                price: Some(Price::from_units(7_000_000_000_050)),
                best_bid: Some(Price::from_units(7_000_000_000_000)),
                best_ask: Some(Price::from_units(7_000_000_000_101)),
                volume_24h: some,
                age_s: Some(0.1),
            },
        )]),
        spine: Some(Spine::default()),
        journal: Some(Journal { acknowledged: samples(ACKNOWLEDGED), bytes: Some(1), ..Journal::default() }),
        engine: Some(Engine { tape_time: Some(TapeTime::from_nanos(1)), ..Engine::default() }),
        tiers: Tiers {
            hot: Some(tier.clone()),
            warm: Some(tier.clone()),
            cold: Some(tier.clone()),
            vectors: Some(tier),
        },
        patterns: Some(Patterns {
            searched: samples(SEARCHED),
            pairs: BTreeMap::from([(
                pair(),
                PatternsOfPair { matches: 1, similarity: Some(Rate::from_units(31_200_000)), buffer: 60 },
            )]),
            ..Patterns::default()
        }),
        analyst: Some(Analyst { rules: authored.clone(), model: authored, model_name: Some("llama3.2".to_owned()) }),
        consensus: Some(Consensus::default()),
        risk: Some(Risk { drawdown: Some(Rate::ZERO), state: RiskState::Reducing, ..Risk::default() }),
        ledger: Some(Ledger {
            equity: some,
            cash: some,
            fees: some,
            realised: some,
            positions: BTreeMap::from([(pair(), Position { quantity: one, value: some, unrealised: some })]),
            trades: BTreeMap::from([(pair(), Trades { bought: 2, sold: 1 })]),
            ..Ledger::default()
        }),
        reconcile: Some(Reconcile {
            drift: BTreeMap::from([("USD".parse().expect("an asset"), Amount::ZERO)]),
            findings: 0,
            run: Some(ReceivedTime::from_nanos(1)),
        }),
        replay: Some(Replay { progress: Some(0.5), range: Some(2), position: Some(1), ..Replay::default() }),
    }
}

/// Names after `# TYPE`, in their order.
fn families(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

fn value<'a>(text: &'a str, series: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[test]
fn every_metric_that_is_named_is_written_once_and_in_the_order_of_the_list() {
    let text = full().encode();
    let named: Vec<&str> = names::ALL.iter().map(|family| family.name).collect();
    let written = families(&text);
    let unique: BTreeSet<&str> = written.iter().copied().collect();
    assert_eq!(unique.len(), written.len(), "a family is written in two places: {written:?}");
    assert_eq!(unique, named.iter().copied().collect());
    assert_eq!(written, named);
}

#[test]
fn a_part_that_does_not_run_says_nothing() {
    assert_eq!(Registry::default().encode(), "");
    let feed_alone = Registry { feed: Some(Feed::default()), ..Registry::default() };
    assert!(families(&feed_alone.encode()).iter().all(|name| name.starts_with("tapedeck_feed_")));
    assert!(!feed_alone.encode().contains("age_seconds"), "an age that is not known is not zero");
}

#[test]
fn a_rate_has_a_zero_to_rise_from() {
    let text = full().encode();
    for series in [
        r#"tapedeck_feed_messages_total{kind="quarantined"}"#,
        r#"tapedeck_risk_blocked_total{rule="stale_signal"}"#,
        r#"tapedeck_consensus_decisions_total{verdict="exit_blocked"}"#,
        r#"tapedeck_spine_published_total{topic="orders"}"#,
    ] {
        assert_eq!(value(&text, series), "0");
    }
}

#[test]
fn each_figure_stands_under_its_own_label() {
    let mut registry = full();
    let messages = Messages {
        trades: 1,
        quotes: 2,
        candles: 3,
        control: 4,
        history: 5,
        ignored: 6,
        duplicates: 7,
        quarantined: 8,
    };
    registry.feed = Some(Feed { messages, frames: 36, ..Feed::default() });
    let topic = |at: u64| Topic { published: at, consumed: 10 + at, duplicates: 20 + at };
    let topics = Topics { prices: topic(1), quotes: topic(2), orders: topic(3), replay: topic(4) };
    registry.spine = Some(Spine { topics, connected: true, waiting: 9 });
    let text = registry.encode();
    for (kind, count) in [
        ("trade", 1),
        ("quote", 2),
        ("candle", 3),
        ("control", 4),
        ("history", 5),
        ("ignored", 6),
        ("duplicate", 7),
        ("quarantined", 8),
    ] {
        assert_eq!(value(&text, &format!("tapedeck_feed_messages_total{{kind=\"{kind}\"}}")), count.to_string());
    }
    for (topic, at) in [("prices", 1), ("quotes", 2), ("orders", 3), ("replay", 4)] {
        for (what, count) in [("published", at), ("consumed", 10 + at), ("duplicates", 20 + at)] {
            let series = format!("tapedeck_spine_{what}_total{{topic=\"{topic}\"}}");
            assert_eq!(value(&text, &series), count.to_string());
        }
    }
    for (author, outcome, count) in [("rules", "said", "3"), ("model", "refused", "2"), ("model", "failed", "1")] {
        let series = format!("tapedeck_analyst_notes_total{{author=\"{author}\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&text, &series), count);
    }
    for (side, count) in [("buy", "2"), ("sell", "1")] {
        let series = format!("tapedeck_ledger_trades_total{{pair=\"BTC-USD\",side=\"{side}\"}}");
        assert_eq!(value(&text, &series), count);
    }
    for (state, holds) in [("active", "0"), ("reducing", "1"), ("halted", "0")] {
        assert_eq!(value(&text, &format!("tapedeck_risk_state{{state=\"{state}\"}}")), holds);
    }
    assert_eq!(value(&text, r#"tapedeck_market_spread{pair="BTC-USD"}"#), "0.00000101");
    assert_eq!(value(&text, r#"tapedeck_patterns_top_similarity_ratio{pair="BTC-USD"}"#), "0.312");
    assert_eq!(value(&text, "process_start_time_seconds"), "1");
    assert_eq!(value(&text, r#"tapedeck_build_info{version="0.1.0",engine_version="2"}"#), "1");
}

#[test]
fn a_crossed_book_is_seen() {
    let crossed = MarketOfPair {
        best_bid: Some(Price::from_units(300_000_000)),
        best_ask: Some(Price::from_units(200_000_000)),
        ..MarketOfPair::default()
    };
    let registry = Registry { market: BTreeMap::from([(pair(), crossed)]), ..Registry::default() };
    assert_eq!(value(&registry.encode(), r#"tapedeck_market_spread{pair="BTC-USD"}"#), "-1");
}

#[test]
fn a_verdict_and_a_rule_are_counted_under_their_own_names() {
    let order = "auto-1".parse().expect("a name");
    let verdicts = [
        ("stay", Verdict::Stay),
        ("holding", Verdict::Holding),
        ("nothing_to_leave", Verdict::NothingToLeave),
        ("entered", Verdict::Entered(order)),
        ("left", Verdict::Left(order)),
        ("entry_blocked", Verdict::EntryBlocked(Reason::StalePrice)),
        ("exit_blocked", Verdict::ExitBlocked(Reason::Halted)),
    ];
    let (mut decisions, mut blocked) = (Decisions::default(), Blocked::default());
    for (times, (_, verdict)) in (1..).zip(&verdicts) {
        for _ in 0..times {
            decisions.count(*verdict);
        }
    }
    blocked.count(Reason::StalePrice);
    blocked.count(Reason::InsufficientCash);
    let registry = Registry {
        consensus: Some(Consensus { on: true, decisions }),
        risk: Some(Risk { blocked, ..Risk::default() }),
        ..Registry::default()
    };
    let text = registry.encode();
    for (times, (name, _)) in (1..).zip(&verdicts) {
        let series = format!("tapedeck_consensus_decisions_total{{verdict=\"{name}\"}}");
        assert_eq!(value(&text, &series), i32::to_string(&times));
    }
    for (rule, count) in [("stale_price", "1"), ("insufficient_cash", "1"), ("dead_feed", "0")] {
        assert_eq!(value(&text, &format!("tapedeck_risk_blocked_total{{rule=\"{rule}\"}}")), count);
    }
}
