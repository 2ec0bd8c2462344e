//! Old ticks leave the journal for the archive, and nobody can tell by the answers.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Tapedeck, counts, number, say};

/// Some hours of two pairs, every second trade late, in a lane of its own: the later the number, the earlier the day.
fn ticks(deck: &Tapedeck, number: u64, trades: u64) -> PathBuf {
    let file = deck.data.path().join(format!("ticks-{number}.csv"));
    let mut text = String::from("pair,trade_id,time,price,size,taker_side\n");
    for trade in 0..trades {
        let second = 1_704_067_200 - number * 86_400 + trade * 3 - (trade % 2) * 20;
        let pair = if trade % 3 == 0 { "ETH-USD" } else { "BTC-USD" };
        let id = number * 1_000_000 + trade;
        text += &format!("{pair},{id},{second},{}.25,0.{},buy\n", 40_000 + trade * 7 % 900, 1 + trade % 9);
    }
    std::fs::write(&file, text).expect("written");
    file
}

fn keeping(records: u64) -> Tapedeck {
    let deck = Tapedeck::new();
    std::fs::write(deck.data.path().join("tapedeck.toml"), format!("keep_records = {records}\n")).expect("written");
    deck
}

fn import(deck: &Tapedeck, file: &std::path::Path, fail_at: Option<&str>) -> Option<i32> {
    let mut command = deck.command("import");
    command.arg(file);
    if let Some(step) = fail_at {
        command.env("TAPEDECK_FAIL_AT", step);
    }
    command.output().expect("the command starts").status.code()
}

fn verified(deck: &Tapedeck) -> Value {
    deck.run::<&str>("verify", []).expect(0).json()
}

fn replayed(deck: &Tapedeck) -> (Value, Value, Value) {
    let played = deck.run::<&str>("replay", []).expect(0).json();
    (played["state_hash"].clone(), played["ticks"].clone(), played["candles"].clone())
}

#[test]
fn what_has_left_the_journal_changes_no_answer() {
    let (lean, whole) = (keeping(500), keeping(1_000_000));
    for deck in [&lean, &whole] {
        for number in 0..4 {
            assert_eq!(import(deck, &ticks(deck, number, 3_000), None), Some(0));
        }
    }
    let (left, kept) = (verified(&lean), verified(&whole));
    assert_eq!(number(&kept, "archived"), 0);
    let moved = number(&left, "archived");
    assert!(moved > 10_000, "next to nothing has left: {left}");
    for figure in ["records", "last_seq", "state_hash", "candles"] {
        assert_eq!(left[figure], kept[figure], "{figure}");
    }
    assert_eq!(replayed(&lean), replayed(&whole));
    for deck in [&lean, &whole] {
        let found = deck.run::<&str>("reconcile", []).expect(0).json();
        assert_eq!(number(&found, "ticks"), 12_000, "{found}");
    }

    // Made again from the archive, and nothing is taken a second time.
    let rebuilt = lean.run::<&str>("rebuild", []).expect(0).json();
    assert_eq!(rebuilt["state_hash"], kept["state_hash"]);
    assert_eq!(number(&rebuilt, "records"), number(&kept, "records"));
    let again = lean.import(&[ticks(&lean, 2, 3_000).as_os_str()]);
    assert_eq!((number(&again, "accepted"), number(&again, "duplicates")), (0, 3_000));
    assert_eq!(verified(&lean)["state_hash"], kept["state_hash"]);
    say(&format!("{moved} ticks of 12 000 have left the journal; state, replay, candles and sums are the same"));
}

#[test]
fn killed_while_ticks_leave_the_journal_none_is_lost() {
    let (lean, whole) = (keeping(500), keeping(1_000_000));
    let mut kills = 0;
    for number in 0..counts(4, 24) {
        let step = if number % 2 == 0 { "retention.read_back" } else { "retention.left" };
        let file = ticks(&lean, number, 2_000);
        assert_eq!(import(&lean, &file, Some(step)), None, "{step} was not reached");
        kills += 1;
        assert_eq!(import(&lean, &file, None), Some(0));
        assert_eq!(import(&whole, &ticks(&whole, number, 2_000), None), Some(0));
        let (left, kept) = (verified(&lean), verified(&whole));
        assert_eq!(left["state_hash"], kept["state_hash"], "after {step}");
        assert_eq!(left["records"], kept["records"], "after {step}");
    }
    lean.run::<&str>("reconcile", []).expect(0);
    say(&format!("{kills} kills while ticks left the journal: none lost"));
}

#[test]
fn an_archive_that_lost_what_left_the_journal_is_not_written_to() {
    let deck = keeping(500);
    for number in 0..2 {
        assert_eq!(import(&deck, &ticks(&deck, number, 3_000), None), Some(0));
    }
    let before = verified(&deck);
    let (cold, aside) = (deck.data.path().join("cold"), deck.data.path().join("aside"));
    std::fs::rename(&cold, &aside).expect("put aside");

    let refused = deck.run("import", [ticks(&deck, 2, 3_000).as_os_str()]).expect(2);
    assert_eq!(refused.error()["code"], "archive_damaged", "{refused:#?}");
    let found = deck.run::<&str>("verify", []).expect(1).json();
    assert!(found["findings"].to_string().contains("record_missing"), "{found}");
    // Nothing is thrown away that could not be made again.
    deck.run::<&str>("rebuild", []).expect(2);

    std::fs::remove_dir_all(&cold).expect("the empty one goes");
    std::fs::rename(&aside, &cold).expect("put back");
    let after = verified(&deck);
    assert!(number(&after, "records") > number(&before, "records"), "what was read meanwhile is in the journal");
    deck.run::<&str>("reconcile", []).expect(0);
}
