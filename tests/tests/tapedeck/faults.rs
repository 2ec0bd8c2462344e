//! A bad day on the wire: nothing is lost in silence, nothing counted twice.

use std::time::Duration;

use tapedeck_tests::exchange::{Exchange, Faults, FrameKind, Options, Truth};

use crate::support::{
    MINUTES, Outcome, Tapedeck, assert_frames_add_up, assert_nothing_lost_or_doubled, counts, listed_missing, number,
    say, seed,
};

/// A client may take its whole patience to notice a silence, and back off after it.
pub(crate) const SETTLES_WITHIN: Duration = Duration::from_secs(150);

pub(crate) struct Day {
    pub(crate) deck: Tapedeck,
    pub(crate) truth: Truth,
    pub(crate) outcome: Outcome,
}

impl Day {
    /// Records under these faults for so long, then lets the market end in good order and the recorder with it.
    pub(crate) fn of(options: Options, with_rest: bool, trading: Duration) -> Self {
        let pairs = options.listings.iter().map(|l| l.pair.clone()).collect::<Vec<_>>().join(",");
        let exchange = Exchange::open(options).expect("the loopback exchange opens");
        let deck = Tapedeck::new();
        let (feed, rest) = (exchange.feed_url(), exchange.rest_url());
        let mut arguments = vec!["--feed", &feed, "--pairs", &pairs];
        if with_rest {
            arguments.extend(["--rest", &rest]);
        }
        let mut recorder = deck.start("record", arguments);
        std::thread::sleep(trading);
        assert!(!recorder.ended(), "the recorder gave up: {:#?}", recorder.finish(MINUTES));
        let settled = exchange.settle(SETTLES_WITHIN);
        // What was sent is read, and what is missing is fetched.
        std::thread::sleep(Duration::from_secs(if with_rest { 8 } else { 2 }));
        let outcome = recorder.terminate(2 * MINUTES).expect(0);
        assert!(settled, "nobody listened in the end: {outcome:#?}");
        Self { deck, truth: exchange.truth(), outcome }
    }

    fn describe(&self) {
        let truth = &self.truth;
        say(&format!(
            "  {} trades; {} frames sent, {} missed, {} dropped; {} connections, {} cuts, {} silences; garbage {:?}; {} REST answers, {} refused",
            truth.trades.values().map(Vec::len).sum::<usize>(),
            truth.frames_sent(),
            truth.missed,
            truth.dropped.len(),
            truth.connections,
            truth.cuts,
            truth.silences,
            truth.garbage,
            truth.rest_answers,
            truth.rest_refusals,
        ));
    }
}

fn bad_day(usual_seed: u64) -> Options {
    let seed = seed(usual_seed);
    Options { faults: Faults::all(seed), messages_per_second: 600, time_scale: 5, ..Options::new(seed) }
}

#[test]
fn no_trade_is_lost_in_silence_on_the_worst_day() {
    let day = Day::of(bad_day(11), false, Duration::from_secs(counts(25, 600)));
    day.describe();
    let last_word = day.outcome.json();
    assert!(!day.truth.dropped.is_empty() && day.truth.cuts > 0, "the day was not bad enough to prove anything");
    assert_frames_add_up(&last_word);
    assert!(number(&last_word, "frames") <= day.truth.frames_sent());
    assert_nothing_lost_or_doubled(&day.deck, &day.truth, &last_word, None);
    // Trades never shown are exactly those listed: a trade that was shown and is listed was lost here, unless the wire lost it.
    let listed: u64 = listed_missing(&last_word).values().map(|ids| ids.len() as u64).sum();
    let never_shown: u64 = day
        .truth
        .trades
        .keys()
        .map(|pair| {
            day.truth.knowable(pair).filter(|p| !day.truth.shown.contains(&(pair.clone(), p.trade_id))).count() as u64
        })
        .sum();
    say(&format!("  {listed} listed as missing, {never_shown} never shown"));
    assert!(listed >= never_shown, "{never_shown} trades were never shown, and {listed} are listed as missing");
    assert!(listed > 0 && number(&last_word, "gaps_found") > 0, "{last_word}");
    let verdict = day.deck.verified();
    assert_eq!(verdict["state_hash"], last_word["state_hash"]);
}

#[test]
fn what_the_feed_lost_is_fetched_on_the_worst_day() {
    let day = Day::of(bad_day(12), true, Duration::from_secs(counts(25, 600)));
    day.describe();
    let last_word = day.outcome.json();
    assert_frames_add_up(&last_word);
    assert_eq!(last_word["gaps"].as_array().map(Vec::len), Some(0), "{last_word}");
    assert!(number(&last_word, "fetched") > 0, "{last_word}");
    assert!(number(&last_word, "gaps_filled") > 0, "{last_word}");
    assert_nothing_lost_or_doubled(&day.deck, &day.truth, &last_word, None);
    let verdict = day.deck.verified();
    assert_eq!(verdict["state_hash"], last_word["state_hash"]);
}

#[test]
fn an_outage_of_the_network_is_shown_as_a_gap_and_not_as_a_quiet_market() {
    use tapedeck_tests::exchange::Cut;
    let seed = seed(13);
    // Five minutes of the market pass in each second: every cut loses minutes of it.
    let faults = Faults { seed, cut: 0.000_3, cuts: vec![Cut::Reset], ..Faults::none() };
    let options = Options { faults, messages_per_second: 200, time_scale: 300, ..Options::new(seed) };
    let day = Day::of(options, false, Duration::from_secs(counts(15, 120)));
    day.describe();
    let last_word = day.outcome.json();
    assert!(day.truth.cuts > 0 && number(&last_word, "reconnects") >= 1, "{last_word}");
    assert_frames_add_up(&last_word);
    assert_nothing_lost_or_doubled(&day.deck, &day.truth, &last_word, None);
    let sent_last_matches = day.truth.sent(FrameKind::LastMatch);
    assert!(number(&last_word, "history") <= sent_last_matches);
    day.deck.verified();
}
