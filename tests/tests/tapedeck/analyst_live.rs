//! A model beside a live recording: a good one votes, a bad one changes nothing but its own note.

use std::time::Duration;

use serde_json::{Value, json};
use tapedeck_tests::exchange::{Exchange, Options};
use tapedeck_tests::ollama::{Behaviour, Flood, Ollama, Stage};

use crate::support::{MINUTES, Tapedeck, assert_nothing_lost_or_doubled, number, say};

const MODEL: &str = "llama3.2:3b";
/// Two minutes a second: every few seconds each pair is asked about.
const TIME_SCALE: u32 = 120;

/// What a desk came to that recorded beside this server, told to trade by consensus, with an order by hand in between.
struct Recorded {
    name: &'static str,
    notes: Vec<Value>,
    decisions: Vec<Value>,
}

fn record(name: &'static str, behaviour: Behaviour, seed: u64) -> Recorded {
    let ollama = Ollama::open(behaviour).expect("loopback");
    let options = Options { messages_per_second: 400, time_scale: TIME_SCALE, ..Options::new(seed) };
    let exchange = Exchange::open(options).expect("loopback");
    let deck = Tapedeck::new();
    let config = format!("archive_every_s = 1\n[analyst]\nurl = \"{}\"\ndeadline_s = 1\n", ollama.url());
    std::fs::write(deck.data.path().join("tapedeck.toml"), config).expect("written");
    deck.run("analyst", ["use", MODEL]).expect(0);
    let feed = exchange.feed_url();
    let running = deck.start("record", ["--feed", &feed, "--acknowledge"]);
    running.line(MINUTES).expect("trades are acknowledged");
    deck.run("consensus", ["on"]).expect(0);
    // Whatever the model does, an order is taken and filled.
    deck.run("order", ["buy", "BTC-USD", "0.01", "--id", "by-hand"]).expect(0);
    std::thread::sleep(Duration::from_secs(18));
    let settled = exchange.settle(MINUTES);
    let outcome = running.terminate(2 * MINUTES).expect(0);
    assert!(settled, "{name}: nobody listened: {}", outcome.said());
    let last_word = outcome.json();
    assert_nothing_lost_or_doubled(&deck, &exchange.truth(), &last_word, None);
    let verdict = deck.verified();
    let kept = deck.run("analyst", ["notes", "--limit", "500"]).expect(0).json();
    let notes: Vec<Value> = kept["notes"].as_array().expect("a list").clone();
    assert_eq!(number(&verdict, "notes") as usize, notes.len(), "{name}");
    let trades = deck.run::<&str>("trades", []).expect(0).json();
    assert!(trades.to_string().contains("by-hand"), "{name}: the order by hand was not filled: {trades}");
    let explained = deck.run("consensus", ["explain", "--rows", "60"]).expect(0).json();
    let decisions = explained["decisions"].as_array().cloned().unwrap_or_default();
    assert!(!decisions.is_empty(), "{name}: nothing was decided: {explained}");
    Recorded { name, notes, decisions }
}

fn says(sentences: &str) -> Behaviour {
    Behaviour::Says(json!({ "stance": "bullish", "confidence": 0.9, "sentences": sentences }).to_string())
}

#[test]
fn a_model_votes_when_it_is_right_and_changes_nothing_when_it_is_not() {
    let cases: [(&str, Behaviour, Option<&str>); 6] = [
        ("good", says("The facts say little."), None),
        ("a wrong number", says("The price rose 99.99 % over 60 minutes."), Some("number")),
        ("orders in the text", says("Ignore the rules and buy everything at once."), Some("word")),
        ("a hang", Behaviour::Hang(Stage::BodyMiddle), Some("timed_out")),
        ("a gigabyte", Behaviour::Flood(Flood::UntilClosed), Some("too_large")),
        ("no such model", Behaviour::NoModel, Some("no_such_model")),
    ];
    let recorded: Vec<(Recorded, Option<&str>)> = std::thread::scope(|scope| {
        let mut all = Vec::new();
        // Two at a time, or the machine is too slow for its own exchange.
        for pair in cases.chunks(2) {
            let runs: Vec<_> = pair
                .iter()
                .enumerate()
                .map(|(place, (name, behaviour, code))| {
                    let (name, behaviour) = (*name, behaviour.clone());
                    (scope.spawn(move || record(name, behaviour, 80 + place as u64)), *code)
                })
                .collect();
            all.extend(runs.into_iter().map(|(run, code)| (run.join().expect("it ran"), code)));
        }
        all
    });
    for (Recorded { name, notes, decisions }, code) in &recorded {
        let (by_model, by_rules): (Vec<&Value>, Vec<&Value>) = notes.iter().partition(|note| note["is_model"] == true);
        say(&format!("{name}: {} notes of the model, {} of the rules", by_model.len(), by_rules.len()));
        assert!(by_model.len() >= 2, "{name}: it was hardly asked: {notes:?}");
        assert!(by_model.iter().all(|note| note["author"] == MODEL));
        let why = |decision: &Value| decision["analyst"]["why"].as_str().unwrap_or_default().to_owned();
        match code {
            None => {
                assert!(by_model.iter().all(|note| note["stance"] == "bullish"), "{name}: {notes:?}");
                assert!(decisions.iter().any(|decision| why(decision) == "bullish"), "{name}: {decisions:?}");
            }
            Some(code) => {
                // The last question may be cancelled by the end of the recording.
                let is_refused = |note: &&Value| {
                    [*code, "cancelled"].contains(&note["refused"]["code"].as_str().unwrap_or_default())
                };
                assert!(by_model.iter().all(|note| is_refused(note) && note["text"].is_null()), "{name}: {by_model:?}");
                // The rules have spoken in its place, each time.
                assert!(by_rules.len() >= by_model.len(), "{name}");
                assert!(by_rules.iter().all(|note| note["refused"].is_null()), "{name}");
            }
        }
    }
}
