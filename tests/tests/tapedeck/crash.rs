//! kill -9: what was acknowledged is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use tapedeck_tests::exchange::{Exchange, Listing, Options};

use crate::faults::SETTLES_WITHIN;
use crate::support::{
    MINUTES, Tapedeck, assert_frames_add_up, assert_nothing_lost_or_doubled, counts, listed_missing, number, say, seed,
};

#[derive(Default)]
struct Acknowledged {
    trades: BTreeSet<(String, u64)>,
    last_seq: u64,
}

impl Acknowledged {
    /// True if the line was an acknowledgement.
    fn hear(&mut self, line: &str) -> bool {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("a whole line is not JSON ({e}): {line}"));
        let batch = &value["acknowledged"];
        if !batch.is_object() {
            return false;
        }
        let seq = number(batch, "seq");
        assert!(seq > self.last_seq, "sequence {seq} was given out again after {}", self.last_seq);
        self.last_seq = seq;
        for trade in batch["trades"].as_array().into_iter().flatten() {
            let pair = trade[0].as_str().unwrap_or_default().to_owned();
            let id = trade[1].as_u64().unwrap_or_else(|| panic!("a trade id is a number: {batch}"));
            assert!(
                self.trades.insert((pair, id)),
                "{trade} was acknowledged twice: it is recorded twice, or was lost"
            );
        }
        true
    }

    fn pairs(&self) -> usize {
        self.trades.iter().map(|(pair, _)| pair).collect::<BTreeSet<_>>().len()
    }
}

#[test]
fn an_acknowledged_trade_survives_kill_9() {
    let seed = seed(41);
    let kills = counts(10, 100);
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let pairs = Listing::six().into_iter().map(|l| l.pair).collect::<Vec<_>>().join(",");
    let exchange =
        Exchange::open(Options { messages_per_second: 2_000, time_scale: 3, ..Options::new(seed) }).expect("loopback");
    let deck = Tapedeck::new();
    // So often that many a kill falls into a commit of a tier.
    std::fs::write(deck.data.path().join("tapedeck.toml"), "archive_every_s = 1\n").expect("written");
    let feed = exchange.feed_url();
    // Without REST: a lost trade would be fetched again, and nobody would know.
    let start = || deck.start("record", ["--feed", &feed, "--pairs", &pairs, "--acknowledge"]);

    let mut acknowledged = Acknowledged::default();
    let mut recoveries = Vec::new();
    for round in 0..kills {
        let began = Instant::now();
        let recorder = start();
        // The first round waits for every pair, so that what was first shown is what was first kept.
        loop {
            let line =
                recorder.line(MINUTES).unwrap_or_else(|| panic!("round {round}: nothing was acknowledged in a minute"));
            let heard = acknowledged.hear(&line);
            if heard && (round > 0 || acknowledged.pairs() == 6) {
                break;
            }
        }
        if round > 0 {
            recoveries.push(began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(u64::from(dice.next_u32() % 1_200)));
        for line in recorder.kill() {
            acknowledged.hear(&line);
        }
        if round % counts(3, 10) == 0 {
            let verdict = deck.verified();
            assert!(
                number(&verdict, "last_seq") >= acknowledged.last_seq,
                "round {round}: acknowledged up to {}: {verdict}",
                acknowledged.last_seq
            );
        }
    }

    let recorder = start();
    std::thread::sleep(Duration::from_secs(2));
    let settled = exchange.settle(SETTLES_WITHIN);
    std::thread::sleep(Duration::from_secs(1));
    let outcome = recorder.terminate(MINUTES).expect(0);
    for line in outcome.stdout.lines() {
        acknowledged.hear(line);
    }
    let last_word = outcome.json();
    assert!(settled, "nobody listened in the end: {last_word}");
    assert_frames_add_up(&last_word);

    let verdict = deck.verified();
    assert_eq!(
        verdict["state_hash"], last_word["state_hash"],
        "recovered {kills} times, the state is not that of one unbroken run"
    );
    let truth = exchange.truth();
    let missing = listed_missing(&last_word);
    let lost: Vec<_> =
        acknowledged.trades.iter().filter(|(pair, id)| missing.get(pair).is_some_and(|ids| ids.contains(id))).collect();
    assert!(lost.is_empty(), "{} acknowledged trades are gone: {:?}", lost.len(), &lost[..lost.len().min(5)]);
    let mut by_pair: BTreeMap<&str, u64> = BTreeMap::new();
    for (pair, id) in &acknowledged.trades {
        let known = truth.trades.get(pair).is_some_and(|all| all.iter().any(|p| p.trade_id == *id));
        assert!(known, "{pair} {id} was acknowledged, and never traded");
        *by_pair.entry(pair).or_default() += 1;
    }
    assert_nothing_lost_or_doubled(&deck, &truth, &last_word, None);
    let tiers = deck.run::<&str>("reconcile", []).expect(0).json();
    assert!(number(&tiers, "ticks") as usize >= acknowledged.trades.len(), "{tiers}");

    recoveries.sort();
    let worst = recoveries.last().copied().unwrap_or_default();
    say(&format!(
        "kill -9 {kills} times: {} trades acknowledged, none lost; start to first acknowledgement: median {} ms, worst {} ms",
        acknowledged.trades.len(),
        recoveries.get(recoveries.len() / 2).map_or(0, Duration::as_millis),
        worst.as_millis()
    ));
    assert!(worst < Duration::from_secs(10), "recovery took {worst:?}");
}

#[test]
fn a_replay_of_what_was_recorded_is_what_was_recorded() {
    let seed = seed(42);
    let exchange =
        Exchange::open(Options { messages_per_second: 1_000, time_scale: 10, ..Options::new(seed) }).expect("loopback");
    let deck = Tapedeck::new();
    let feed = exchange.feed_url();
    let recorder = deck.start("record", ["--feed", &feed]);
    std::thread::sleep(Duration::from_secs(5));
    let settled = exchange.settle(MINUTES);
    std::thread::sleep(Duration::from_secs(1));
    let last_word = recorder.terminate(MINUTES).expect(0).json();
    assert!(settled, "nobody listened: {last_word}");
    let verdict = deck.verified();
    let replay =
        || deck.run("replay", ["--from", "2026-03-20", "--to", "2026-03-22", "--source", "live"]).expect(0).json();
    let (once, again) = (replay(), replay());
    assert_eq!(once["state_hash"], last_word["state_hash"], "{once}");
    assert_eq!(once["state_hash"], verdict["state_hash"]);
    assert_eq!(once["state_hash"], again["state_hash"]);
    assert_eq!(number(&once, "fills"), 0);
    assert_eq!(once["ledger_hash"], Value::Null);
    assert!(number(&once, "ticks") > 0, "{once}");
    assert!(once["wall_s"].is_number() && once["ticks_per_s"].is_number(), "{once}");
}
