use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::input::MissingTrades;
use crate::domain::time::SECOND;
use crate::domain::{ImportId, Quote, ReceivedTime, Trade};

fn btc() -> Pair {
    "BTC-USD".parse().expect("a pair")
}

fn eth() -> Pair {
    "ETH-USD".parse().expect("a pair")
}

/// Seconds of a day in 2026.
fn at(seconds: i64) -> EventTime {
    EventTime::from_nanos(1_780_000_000 * SECOND).plus_nanos(seconds * SECOND)
}

fn tick(pair: Pair, sequence: u64, seconds: i64, kind: TickKind) -> Tick {
    Tick {
        source: Source::Live,
        pair,
        sequence,
        event_time: at(seconds),
        received_time: ReceivedTime::from_nanos(1),
        kind,
    }
}

fn print(pair: Pair, id: u64, seconds: i64) -> Tick {
    let (price, size) = (Price::from_units(5), Quantity::from_units(5));
    let trade = Trade { trade_id: TradeId(id), price, size, taker_side: None, arrival: Arrival::News };
    tick(pair, id * 10, seconds, TickKind::Trade(trade))
}

fn trade(id: u64, seconds: i64) -> Message {
    Message::Trade { tick: print(btc(), id, seconds), rounded: false }
}

fn history(id: u64, seconds: i64) -> Message {
    Message::History { tick: print(btc(), id, seconds), rounded: false }
}

fn quote_at(sequence: u64, seconds: i64, bid: i64, ask: i64) -> Message {
    let (best_bid, best_ask) = (Price::from_units(bid), Price::from_units(ask));
    let quote = Quote { best_bid, best_ask, bid_size: None, ask_size: None, volume_24h: None, open_24h: None };
    Message::Quote { tick: tick(btc(), sequence, seconds, TickKind::Quote(quote)), last_trade: None, rounded: false }
}

fn quote(sequence: u64, seconds: i64) -> Message {
    quote_at(sequence, seconds, 1, 2)
}

fn heartbeat(last: u64, seconds: i64) -> Message {
    Message::Heartbeat { pair: btc(), last_trade_id: TradeId(last), time: at(seconds) }
}

/// What follows, in short: `news 7`, `gap 5-6`, `quote 9`.
fn play(lane: &mut Lane, messages: impl IntoIterator<Item = Message>) -> Vec<String> {
    let mut into = Vec::new();
    for message in messages {
        lane.admit(message, &mut into);
        assert_eq!(lane.counts().accounted(), lane.counts().frames);
    }
    short(&into)
}

fn short(inputs: &[(EventTime, Input)]) -> Vec<String> {
    assert!(inputs.is_sorted_by_key(|(tape, _)| *tape), "tape time went back");
    inputs
        .iter()
        .map(|(tape, input)| match input {
            Input::Tick(tick) => {
                assert!(tick.event_time <= *tape, "seen before its tape time");
                match &tick.kind {
                    TickKind::Trade(trade) => format!("{:?} {}", trade.arrival, trade.trade_id.0).to_lowercase(),
                    TickKind::Quote(_) => format!("quote {}", tick.sequence),
                }
            }
            Input::Gap { missing, .. } => format!("gap {}-{}", missing.first.0, missing.last.0),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_trade_is_news_once_and_late_or_old_ones_never_pass_for_news() {
    for (case, messages, expected) in [
        ("in order", vec![trade(1, 0), trade(2, 1)], vec!["news 1", "news 2"]),
        ("twice", vec![trade(1, 0), trade(1, 0), trade(2, 1), trade(1, 0)], vec!["news 1", "news 2"]),
        ("late", vec![trade(1, 0), trade(3, 1), trade(2, 0)], vec!["news 1", "gap 2-2", "news 3", "belated 2"]),
        ("before the first", vec![trade(5, 0), trade(6, 0), trade(4, -1)], vec!["news 5", "news 6", "belated 4"]),
        ("last_match first", vec![history(5, 0), trade(6, 1)], vec!["history 5", "news 6"]),
        ("last_match seen", vec![trade(5, 0), trade(6, 0), history(6, 0)], vec!["news 5", "news 6"]),
        (
            "last_match shows what the outage cost",
            vec![trade(5, 0), trade(6, 1), history(9, 5), trade(10, 6)],
            vec!["news 5", "news 6", "gap 7-8", "history 9", "news 10"],
        ),
    ] {
        let mut lane = Lane::new(Source::Live);
        let mut heard = play(&mut lane, messages);
        let mut into = Vec::new();
        lane.finish(&mut into);
        heard.extend(short(&into));
        assert_eq!(heard, expected, "{case}");
    }
}

#[test]
fn a_gap_names_the_windows_that_may_lack_a_trade() {
    let mut lane = Lane::new(Source::Live);
    let mut into = Vec::new();
    for message in [trade(1, 0), quote(5, 3), trade(4, 7)] {
        lane.admit(message, &mut into);
    }
    let missing = MissingTrades { pair: btc(), first: TradeId(2), last: TradeId(3), after: at(0), before: at(7) };
    assert_eq!(into[2], (at(7), Input::Gap { source: Source::Live, missing }));
    assert_eq!(lane.open_gaps(), [(btc(), TradeId(2), TradeId(3))]);
    lane.admit(trade(3, 6), &mut into);
    assert_eq!(lane.open_gaps(), [(btc(), TradeId(2), TradeId(2))]);
}

#[test]
fn a_lost_last_trade_is_noticed_by_the_second_heartbeat_and_told_once() {
    let mut lane = Lane::new(Source::Live);
    assert!(play(&mut lane, [heartbeat(90, 0), heartbeat(90, 1)]).is_empty(), "nothing was seen of the pair yet");
    assert_eq!(play(&mut lane, [trade(10, 1)]), ["news 10"]);
    assert_eq!(
        play(&mut lane, [heartbeat(11, 2), trade(11, 2), heartbeat(11, 3)]),
        ["news 11"],
        "it only overtook its trade"
    );
    assert_eq!(play(&mut lane, [heartbeat(13, 4)]).len(), 0);
    assert_eq!(play(&mut lane, [heartbeat(14, 5)]), ["gap 12-13"]);
    assert_eq!(lane.open_gaps(), [(btc(), TradeId(12), TradeId(13))]);
    assert_eq!(play(&mut lane, [trade(16, 6)]), ["gap 14-15", "news 16"], "12 and 13 were told already");
    assert_eq!(play(&mut lane, [trade(13, 4)]), ["belated 13"]);
    assert_eq!(lane.open_gaps(), [(btc(), TradeId(12), TradeId(12)), (btc(), TradeId(14), TradeId(15))]);
}

#[test]
fn fetched_trades_fill_the_gap_and_are_not_counted_as_frames() {
    let mut lane = Lane::new(Source::Live);
    play(&mut lane, [trade(1, 0), trade(5, 4)]);
    let mut into = Vec::new();
    for id in [2, 3, 3, 5] {
        lane.admit_fetched(print(btc(), id, 2), &mut into);
    }
    lane.admit_fetched(print(btc(), 4, 9_999), &mut into);
    assert_eq!(short(&into), ["fetched 2", "fetched 3"]);
    assert_eq!(lane.open_gaps(), [(btc(), TradeId(4), TradeId(4))]);
    let counts = lane.counts();
    assert_eq!((counts.frames, counts.fetched, counts.fetched_duplicates, counts.fetched_quarantined), (2, 2, 2, 1));
}

#[test]
fn a_quote_is_kept_once_and_a_crossed_one_not_at_all() {
    let mut lane = Lane::new(Source::Live);
    let messages = [quote(7, 0), quote(9, 1), quote(8, 1), quote(9, 1), quote_at(10, 2, 3, 2), quote_at(11, 2, 2, 2)];
    assert_eq!(play(&mut lane, messages), ["quote 7", "quote 9", "quote 8", "quote 11"]);
    assert_eq!((lane.counts().quotes, lane.counts().duplicates, lane.counts().quarantined), (4, 1, 1));
    let aside = lane.drain_quarantined();
    assert!(aside[0].reason.contains("above the best ask") && aside[0].raw.contains("BTC-USD"), "{aside:?}");
}

#[test]
fn one_frame_of_next_year_costs_that_frame_and_nothing_else() {
    let year = 31_536_000;
    for (case, messages, expected, quarantined) in [
        (
            "in the middle",
            vec![trade(1, 0), trade(2, 1), trade(3, year), trade(4, 2)],
            vec!["news 1", "news 2", "gap 3-3", "news 4"],
            1,
        ),
        ("the very first", vec![trade(1, year), trade(2, 0), trade(3, 1)], vec!["news 2", "news 3"], 1),
        (
            "after the very first",
            vec![trade(1, 0), trade(2, year), trade(3, 1)],
            vec!["news 1", "gap 2-2", "news 3"],
            1,
        ),
        (
            "twice the same",
            vec![trade(1, 0), trade(2, 1), trade(3, year), trade(3, year), trade(4, 2)],
            vec!["news 1", "news 2", "gap 3-3", "news 4"],
            1,
        ),
        (
            "an hour's outage",
            vec![trade(1, 0), trade(2, 1), trade(3, 3_600), trade(4, 3_601)],
            vec!["news 1", "news 2", "news 3", "news 4"],
            0,
        ),
        (
            "an idle pair's old quote after an outage",
            vec![trade(1, 0), trade(2, 1), trade(3, 3_600), quote(5, -300), trade(4, 3_601)],
            vec!["news 1", "news 2", "quote 5", "news 3", "news 4"],
            0,
        ),
        ("at the end, a year", vec![trade(1, 0), trade(2, 1), trade(3, year)], vec!["news 1", "news 2"], 1),
        ("at the end, an hour", vec![trade(1, 0), trade(2, 1), trade(3, 3_600)], vec!["news 1", "news 2", "news 3"], 0),
        ("alone", vec![trade(1, 0)], vec!["news 1"], 0),
    ] {
        let mut lane = Lane::new(Source::Import(ImportId(1)));
        let mut into = Vec::new();
        for message in messages {
            lane.admit(message, &mut into);
            assert_eq!(lane.counts().accounted(), lane.counts().frames, "{case}");
        }
        lane.finish(&mut into);
        assert_eq!(short(&into), expected, "{case}");
        assert_eq!((lane.counts().quarantined, lane.counts().held), (quarantined, 0), "{case}");
        assert_eq!(lane.counts().accounted(), lane.counts().frames, "{case}");
        assert_eq!(lane.drain_quarantined().len() as u64, quarantined, "{case}");
    }
}

/// A file ends with all it has; a line that is lost can be asked again, and the venue's own newest is all that vouches for it.
#[test]
fn a_time_an_hour_ahead_just_before_the_line_is_cut_is_not_believed() {
    let mut lane = Lane::new(Source::Live);
    let mut into = Vec::new();
    for message in [trade(1, 0), trade(2, 1), trade(3, 3_600)] {
        lane.admit(message, &mut into);
    }
    lane.finish(&mut into);
    assert_eq!((lane.counts().trades, lane.counts().quarantined), (2, 1));
}

#[test]
fn a_restart_pays_no_trade_twice_and_forgets_no_gap() {
    let mut lane = Lane::new(Source::Live);
    play(&mut lane, [trade(1, 0), trade(2, 1), quote(7, 1), trade(5, 2)]);
    let changes = lane.drain_range_changes();
    assert!(lane.drain_range_changes().is_empty());
    let stored: Vec<_> = changes.iter().map(|(pair, change)| (*pair, change.put.0, change.put.1)).collect();
    assert_eq!(stored, [(btc(), 1, 2), (btc(), 5, 5)]);

    let mut again = Lane::resume(Source::Live, stored, lane.newest(), vec![(btc(), 7)]);
    again.know_last_trade(btc(), at(2));
    again.know_told(btc(), TradeId(8));
    assert!(play(&mut again, [trade(1, 0), trade(5, 2), quote(7, 1), history(5, 2)]).is_empty());
    assert_eq!(again.counts().duplicates, 4);
    assert_eq!(play(&mut again, [trade(3, 1), trade(10, 9)]), ["belated 3", "gap 9-9", "news 10"]);
    let change = RangeChange { removed: vec![], put: (1, 3) };
    assert_eq!(again.drain_range_changes(), [(btc(), change), (btc(), RangeChange { removed: vec![], put: (10, 10) })]);
}

#[test]
fn pairs_do_not_share_trade_ids() {
    let mut lane = Lane::new(Source::Live);
    let other = Message::Trade { tick: print(eth(), 1, 1), rounded: true };
    assert_eq!(play(&mut lane, [trade(1, 0), other]), ["news 1", "news 1"]);
    assert_eq!((lane.counts().trades, lane.counts().rounded), (2, 1));
}

#[test]
fn a_file_whose_ids_do_not_step_by_one_is_not_drowned_in_gaps() {
    let import = Source::Import(ImportId(1));
    let mut lane = Lane::new(import);
    let mut into = Vec::new();
    for n in 0..20_000u64 {
        lane.admit(trade(n * 7, n as i64), &mut into);
    }
    let gaps = into.iter().filter(|(_, input)| matches!(input, Input::Gap { .. })).count();
    assert_eq!((lane.counts().trades, gaps), (20_000, 1_024));
    assert_eq!((lane.scattered_pairs(), lane.open_gaps()), (vec![btc()], vec![]));
    assert!(Lane::new(Source::Live).scattered_pairs().is_empty());
}

#[test]
fn a_bar_is_imported_once_and_a_missing_minute_is_no_gap() {
    let bar = |minute: i64| {
        let price = Price::from_units(5);
        let window_start = EventTime::from_nanos(minute * MINUTE);
        let volume = crate::domain::Amount::ZERO;
        let candle =
            ImportedCandle { pair: btc(), window_start, open: price, high: price, low: price, close: price, volume };
        Message::Candle { candle, rounded: false }
    };
    let mut lane = Lane::new(Source::Import(ImportId(1)));
    let mut into = Vec::new();
    for minute in [100, 101, 105, 101, 106, 100_000_000, 107] {
        lane.admit(bar(minute), &mut into);
    }
    lane.finish(&mut into);
    assert!(into.iter().all(|(_, input)| matches!(input, Input::Candle { .. })));
    let counts = lane.counts();
    assert_eq!((into.len(), counts.candles, counts.duplicates, counts.quarantined), (5, 5, 1, 1));
    assert!(lane.open_gaps().is_empty());
}

fn any_message() -> impl Strategy<Value = Message> {
    let (id, seconds) = (0u64..40, prop_oneof![20 => -20i64..20, 1 => Just(100_000i64)]);
    (0u8..6, id, seconds).prop_map(|(kind, id, seconds)| match kind {
        0 | 1 => trade(id, seconds),
        2 => history(id, seconds),
        3 => quote(id, seconds),
        4 => heartbeat(id, seconds),
        _ => Message::Ignored { kind: "l2update".into() },
    })
}

proptest! {
    #[test]
    fn nothing_is_dropped_in_silence(messages in proptest::collection::vec(any_message(), 0..300)) {
        let mut lane = Lane::new(Source::Live);
        let mut into = Vec::new();
        for message in &messages {
            lane.admit(message.clone(), &mut into);
            prop_assert_eq!(lane.counts().accounted(), lane.counts().frames);
        }
        lane.finish(&mut into);
        let counts = lane.counts();
        prop_assert_eq!((counts.frames, counts.accounted(), counts.held), (messages.len() as u64, messages.len() as u64, 0));
        prop_assert!(into.is_sorted_by_key(|(tape, _)| *tape));
        let ticks = into.iter().filter(|(_, input)| matches!(input, Input::Tick(_))).count() as u64;
        prop_assert_eq!(ticks, counts.trades + counts.history + counts.quotes);
    }

    /// Whatever the network does, every id that came is taken once, and every id that did not is either told missing or outside.
    #[test]
    fn any_order_any_repeats_any_loss_end_with_the_same_trades(
        order in Just((0u64..60).collect::<Vec<_>>()).prop_shuffle(),
        repeats in proptest::collection::vec(0usize..60, 0..40),
        lost in proptest::collection::btree_set(0u64..60, 0..30),
    ) {
        let mut ids: Vec<u64> = order.iter().copied().chain(repeats.iter().map(|n| order[*n])).filter(|id| !lost.contains(id)).collect();
        let turn = repeats.len().min(ids.len());
        ids.rotate_left(turn);
        let mut lane = Lane::new(Source::Live);
        let mut into = Vec::new();
        for id in &ids {
            lane.admit(trade(*id, (*id / 10) as i64), &mut into);
        }
        lane.finish(&mut into);

        let came: BTreeSet<u64> = ids.iter().copied().collect();
        let mut taken: Vec<u64> = into.iter().filter_map(|(_, input)| match input {
            Input::Tick(tick) => tick.trade().map(|trade| trade.trade_id.0),
            _ => None,
        }).collect();
        prop_assert_eq!(lane.counts().duplicates as usize, ids.len() - came.len());
        taken.sort_unstable();
        prop_assert_eq!(taken, came.iter().copied().collect::<Vec<_>>());

        let open: BTreeSet<u64> = lane.open_gaps().iter().flat_map(|(_, first, last)| first.0..=last.0).collect();
        let between = came.first().copied().unwrap_or(0)..came.last().map_or(0, |last| last + 1);
        prop_assert_eq!(open, between.filter(|id| !came.contains(id)).collect::<BTreeSet<_>>());

        let mut told = BTreeSet::new();
        for (_, input) in &into {
            if let Input::Gap { missing, .. } = input {
                for id in missing.first.0..=missing.last.0 {
                    prop_assert!(told.insert(id), "{} was told twice", id);
                }
                prop_assert!(missing.after <= missing.before);
            }
        }
    }
}
