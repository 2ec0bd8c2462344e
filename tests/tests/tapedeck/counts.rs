//! The desk's counters tell the truth, to the last frame.

use std::time::Duration;

use tapedeck_tests::exchange::{Exchange, Faults, FrameKind, Garbage, Options, captured_frames};

use crate::faults::Day;
use crate::support::{
    Tapedeck, assert_frames_add_up, assert_nothing_lost_or_doubled, counts, number, seed, shared_data,
};

#[test]
fn a_quiet_day_is_counted_frame_by_frame() {
    let seed = seed(21);
    let day = Day::of(
        Options { messages_per_second: 1_000, time_scale: 10, ..Options::new(seed) },
        false,
        Duration::from_secs(counts(10, 120)),
    );
    let last_word = day.outcome.json();
    assert_frames_add_up(&last_word);
    let sent = |kind| day.truth.sent(kind);
    for (name, expected) in [
        ("frames", day.truth.frames_sent()),
        ("trades", sent(FrameKind::Match)),
        ("quotes", sent(FrameKind::Ticker)),
        ("history", sent(FrameKind::LastMatch)),
        ("control", sent(FrameKind::Heartbeat) + sent(FrameKind::Subscriptions)),
        ("ignored", 0),
        ("duplicates", 0),
        ("quarantined", 0),
        ("reconnects", 0),
        ("late", 0),
        ("gaps_found", 0),
    ] {
        assert_eq!(number(&last_word, name), expected, "{name}: {last_word}");
    }
    assert_nothing_lost_or_doubled(&day.deck, &day.truth, &last_word, Some("live"));
    let verdict = day.deck.verified();
    assert_eq!(verdict["state_hash"], last_word["state_hash"]);
    assert_eq!(verdict["last_seq"], last_word["last_seq"]);
}

#[test]
fn a_bad_day_is_counted_frame_by_frame() {
    let seed = seed(22);
    let faults = Faults::that_keep_the_connection(seed);
    let options = Options { faults, messages_per_second: 1_000, time_scale: 10, ..Options::new(seed) };
    let day = Day::of(options, false, Duration::from_secs(counts(12, 120)));
    let last_word = day.outcome.json();
    assert_frames_add_up(&last_word);
    assert_eq!(number(&last_word, "reconnects"), 0, "no fault of this day ends a connection: {last_word}");
    let truth = &day.truth;
    let unknown = truth.garbage.get(&Garbage::UnknownKind).copied().unwrap_or(0);
    for (name, expected) in [
        ("frames", truth.frames_sent()),
        ("trades", truth.matched.len() as u64),
        ("history", truth.sent(FrameKind::LastMatch)),
        ("ignored", unknown),
        ("quarantined", truth.sent(FrameKind::Garbage) - unknown),
    ] {
        assert_eq!(number(&last_word, name), expected, "{name}: garbage {:?}: {last_word}", truth.garbage);
    }
    assert_nothing_lost_or_doubled(&day.deck, truth, &last_word, Some("live"));
}

#[test]
fn real_frames_off_the_wire_count_as_they_do_from_a_file() {
    let test = "real_frames_off_the_wire_count_as_they_do_from_a_file";
    let Some(capture) = shared_data(test, "coinbase/exchange-2021-04-17.ws.zst") else { return };
    let frames = captured_frames(&capture).expect("a capture is zstd and text");
    let all = frames.len() as u64;
    let exchange = Exchange::open(Options { tape: Some(frames), messages_per_second: 4_000, ..Options::new(0) })
        .expect("loopback");
    let deck = Tapedeck::new();
    let feed = exchange.feed_url();
    let pairs = "SKL-USD,SKL-BTC,BAND-GBP,NMR-EUR,BAND-BTC,YFI-BTC,DASH-BTC,NU-GBP,CRV-EUR,SKL-GBP";
    let recorder = deck.start("record", ["--feed", &feed, "--pairs", pairs]);
    assert!(exchange.played_out(Duration::from_secs(30)), "the tape was not played: {:?}", exchange.truth().sent);
    std::thread::sleep(Duration::from_millis(500));
    let last_word = recorder.terminate(Duration::from_secs(30)).expect(0).json();
    assert_frames_add_up(&last_word);
    for (name, expected) in [
        ("frames", all),
        ("trades", 97),
        ("quotes", 107),
        ("history", 10),
        ("control", 3),
        ("ignored", 9_729),
        ("quarantined", 0),
    ] {
        assert_eq!(number(&last_word, name), expected, "{name}: {last_word}");
    }
    deck.verified();
}
