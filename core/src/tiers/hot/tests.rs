use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use super::batch::{Shown, TICKS};
use super::lane::SEALED;
use super::{Bounds, Hot};
use crate::domain::time::{MILLISECOND, SECOND};
use crate::domain::{
    Amount, Arrival, EventTime, ImportId, Input, Pair, Price, Quantity, Quote, ReceivedTime, Seq, Side, Source,
    Stamped, TapeTime, Tick, TickKind, Trade, TradeId,
};

fn pair(name: &str) -> Pair {
    name.parse().expect("a pair")
}

fn stamp(seq: u64, source: Source, at: i64, pair: Pair, kind: TickKind) -> Stamped {
    let tick = Tick {
        source,
        pair,
        sequence: seq,
        event_time: EventTime::from_nanos(at),
        received_time: ReceivedTime::from_nanos(at),
        kind,
    };
    Stamped { seq: Seq(seq), tape_time: TapeTime::from_nanos(at), input: Input::Tick(tick) }
}

fn trade(seq: u64, source: Source, at: i64) -> Stamped {
    let trade = Trade {
        trade_id: TradeId(seq),
        price: Price::from_units(1),
        size: Quantity::from_units(1),
        taker_side: None,
        arrival: Arrival::News,
    };
    stamp(seq, source, at, pair("BTC-USD"), TickKind::Trade(trade))
}

fn quote(seq: u64, source: Source, at: i64, pair: Pair, bid: i64) -> Stamped {
    let quote = Quote {
        best_bid: Price::from_units(bid),
        best_ask: Price::from_units(bid + 1),
        bid_size: None,
        ask_size: None,
        volume_24h: None,
        open_24h: None,
    };
    stamp(seq, source, at, pair, TickKind::Quote(quote))
}

fn seqs(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

fn boundless() -> Hot {
    Hot::new(Bounds { age: Duration::MAX, bytes: usize::MAX })
}

#[test]
fn every_tick_is_there_in_order_sealed_or_not_and_nothing_else_is() {
    let hot = boundless();
    let count = SEALED as u64 * 2 + 17;
    let mut inputs: Vec<Stamped> = (0..count).map(|n| trade(n, Source::Live, n as i64)).collect();
    let clock = Input::Clock { source: Source::Live, received: ReceivedTime::from_nanos(0) };
    inputs.push(Stamped { seq: Seq(count), tape_time: TapeTime::from_nanos(count as i64), input: clock });
    for group in inputs.chunks(1_000) {
        hot.push(group);
    }
    let batches = hot.ticks();
    assert_eq!(seqs(&batches), (0..count as i64).collect::<Vec<_>>());
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [SEALED, SEALED, 17]);
    let counts = hot.counts();
    assert_eq!((counts.rows, counts.pushed, counts.evicted_by_age, counts.evicted_by_bytes), (count, count, 0, 0));
}

#[test]
fn the_columns_a_question_asks_for_are_those_of_the_table() {
    let hot = Hot::new(Bounds { age: Duration::from_secs(SEALED as u64), bytes: usize::MAX });
    let live = |n: u64| match n % 3 {
        0 => quote(n, Source::Live, n as i64 * SECOND, pair("ETH-USD"), n as i64),
        _ => trade(n, Source::Live, n as i64 * SECOND),
    };
    // Some of the sealed rows are past their age, and some are still open.
    hot.push(&(0..SEALED as u64 + 17).map(live).collect::<Vec<_>>());
    let all = hot.ticks();
    assert_eq!(all.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [SEALED - 16, 17]);
    let each = (0..TICKS.fields().len()).map(|place| vec![place]);
    for places in each.chain([vec![], vec![21, 4, 0, 7]]) {
        let expected: Vec<_> = all.iter().map(|batch| batch.project(&places).expect("columns")).collect();
        assert_eq!(hot.ticks_of(&Shown::of(&places)), expected, "{places:?}");
    }
}

#[test]
fn a_tick_is_written_to_the_last_nanosecond_and_the_last_unit() {
    let hot = boundless();
    let sold = Trade {
        trade_id: TradeId(u64::from(u32::MAX) * 2),
        price: Price::from_units(i64::MAX),
        size: Quantity::from_units(i64::MIN),
        taker_side: Some(Side::Sell),
        arrival: Arrival::Belated,
    };
    let quoted = Quote {
        best_bid: Price::from_units(7),
        best_ask: Price::from_units(8),
        bid_size: Some(Quantity::from_units(9)),
        ask_size: None,
        volume_24h: Some(Amount::from_units(10i128.pow(29))),
        open_24h: Some(Price::from_units(-1)),
    };
    hot.push(&[
        stamp(1, Source::Import(ImportId(255)), -1, pair("BTC-USD"), TickKind::Trade(sold)),
        stamp(2, Source::Import(ImportId(255)), 1_999, pair("ETH-USD"), TickKind::Quote(quoted)),
    ]);
    let batch = &hot.ticks()[0];
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name).expect(name).as_string::<i32>();
        (!arrow::array::Array::is_null(column, row)).then(|| column.value(row).to_owned())
    };
    let units = |name: &str, row: usize| {
        let column = batch.column_by_name(name).expect(name).as_primitive::<Decimal128Type>();
        (!arrow::array::Array::is_null(column, row)).then(|| column.value(row))
    };
    let micros = batch.column_by_name("event_time").expect("a time").as_primitive::<TimestampMicrosecondType>();
    let below = batch.column_by_name("event_time_ns").expect("a time").as_primitive::<Int32Type>();
    assert_eq!((micros.values().to_vec(), below.values().to_vec()), (vec![-1, 1], vec![999, 999]));
    for (name, first, second) in [
        ("kind", Some("trade"), Some("quote")),
        ("source", Some("import:00000000000000ff"), Some("import:00000000000000ff")),
        ("pair", Some("BTC-USD"), Some("ETH-USD")),
        ("side", Some("sell"), None),
        ("arrival", Some("belated"), None),
    ] {
        assert_eq!((text(name, 0).as_deref(), text(name, 1).as_deref()), (first, second), "{name}");
    }
    for (name, first, second) in [
        ("price", Some(i128::from(i64::MAX)), None),
        ("size", Some(i128::from(i64::MIN)), None),
        ("best_bid", None, Some(7)),
        ("best_ask", None, Some(8)),
        ("bid_size", None, Some(9)),
        ("ask_size", None, None),
        ("volume_24h", None, Some(10i128.pow(29))),
        ("open_24h", None, Some(-1)),
    ] {
        assert_eq!((units(name, 0), units(name, 1)), (first, second), "{name}");
    }
}

#[test]
fn what_is_past_its_age_is_gone_from_each_lane_by_its_own_newest() {
    let hot = Hot::new(Bounds { age: Duration::from_secs(60), bytes: usize::MAX });
    let old = 1_000 * SECOND;
    // An import of last year is not old: it is as recent as its own lane.
    hot.push(&(0..10_000).map(|n| trade(n, Source::Sample, n as i64 * MILLISECOND)).collect::<Vec<_>>());
    hot.push(
        &(10_000..30_000)
            .map(|n| trade(n, Source::Live, old + (n as i64 - 10_000) * 10 * MILLISECOND))
            .collect::<Vec<_>>(),
    );
    let kept = seqs(&hot.ticks());
    let newest = 29_999;
    let expected: Vec<i64> = (newest - 6_000..=newest).chain(0..10_000).collect();
    assert_eq!(kept, expected);
    let counts = hot.counts();
    assert_eq!(counts.pushed, counts.rows + counts.evicted_by_age);
    assert!(counts.evicted_by_age >= 14_000 - SEALED as u64, "{counts:?}");
}

#[test]
fn what_does_not_fit_goes_oldest_first_whichever_lane_it_is_of() {
    // Room for three sealed batches beside one of each lane and the open rows of both.
    let (batch, lane) = {
        let hot = boundless();
        hot.push(&(0..SEALED as u64).map(|n| trade(n, Source::Live, n as i64)).collect::<Vec<_>>());
        (hot.ticks()[0].get_array_memory_size(), hot.counts().bytes as usize)
    };
    let bytes = 3 * batch + 2 * lane;
    let hot = Hot::new(Bounds { age: Duration::MAX, bytes });
    for n in 0..SEALED as u64 * 20 {
        let source = if (n / 100).is_multiple_of(2) { Source::Live } else { Source::Sample };
        hot.push(&[trade(n, source, n as i64)]);
        if n.is_multiple_of(997) {
            assert!(hot.counts().bytes as usize <= bytes, "{:?}", hot.counts());
        }
    }
    let counts = hot.counts();
    assert_eq!(counts.pushed, counts.rows + counts.evicted_by_bytes);
    assert!(counts.rows >= SEALED as u64 * 3, "{counts:?}");
    let mut kept = seqs(&hot.ticks());
    kept.sort_unstable();
    assert_eq!(kept.last(), Some(&(SEALED as i64 * 20 - 1)));
    // No lane kept rows from before what the other had to give up, but for the batch they are in.
    assert!(kept[0] > SEALED as i64 * 11, "the oldest kept is {}", kept[0]);

    let tight = Hot::new(Bounds { age: Duration::MAX, bytes: 0 });
    tight.push(&[trade(1, Source::Live, 1)]);
    assert_eq!((tight.counts().rows, tight.counts().evicted_by_bytes), (0, 1));
}

#[test]
fn the_last_quote_stays_when_its_tick_is_gone_and_is_the_last_known_then() {
    let hot = boundless();
    let (btc, eth) = (pair("BTC-USD"), pair("ETH-USD"));
    hot.push(&[
        quote(1, Source::Live, 10, btc, 100),
        quote(2, Source::Live, 20, eth, 200),
        trade(3, Source::Live, 25),
        quote(4, Source::Live, 30, btc, 101),
        quote(5, Source::Sample, 5, btc, 900),
        quote(6, Source::Live, 30, btc, 102),
    ]);
    let bids = |as_of: Option<i64>| {
        let quotes = hot.quotes(as_of.map(TapeTime::from_nanos));
        let text = |name: &str| quotes.column_by_name(name).expect(name).as_string::<i32>().clone();
        let bids = quotes.column_by_name("best_bid").expect("a bid").as_primitive::<Decimal128Type>();
        let (sources, pairs) = (text("source"), text("pair"));
        let mut rows: Vec<_> = (0..quotes.num_rows())
            .map(|row| format!("{} {} {}", sources.value(row), pairs.value(row), bids.value(row)))
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(bids(None), ["live BTC-USD 102", "live ETH-USD 200", "sample BTC-USD 900"]);
    assert_eq!(bids(Some(30)), bids(None));
    assert_eq!(bids(Some(29)), ["live BTC-USD 100", "live ETH-USD 200", "sample BTC-USD 900"]);
    assert_eq!(bids(Some(19)), ["live BTC-USD 100", "sample BTC-USD 900"]);
    assert!(bids(Some(4)).is_empty());

    let small = Hot::new(Bounds { age: Duration::MAX, bytes: 0 });
    small.push(&[quote(1, Source::Live, 10, btc, 100)]);
    assert_eq!((small.counts().rows, small.quotes(None).num_rows()), (0, 1));
}

#[test]
fn a_reader_sees_whole_groups_while_they_are_written() {
    const GROUP: u64 = 64;
    let hot = Arc::new(boundless());
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (hot, done) = (Arc::clone(&hot), Arc::clone(&done));
            std::thread::spawn(move || {
                let (mut reads, mut before) = (0, 0);
                while !done.load(Ordering::Acquire) || reads == 0 {
                    let seqs = seqs(&hot.ticks());
                    assert!(
                        seqs.iter().enumerate().all(|(place, seq)| place as i64 == *seq),
                        "a row is missing or twice"
                    );
                    assert_eq!(seqs.len() as u64 % GROUP, 0, "half a group is seen");
                    assert!(seqs.len() >= before, "rows have gone");
                    (before, reads) = (seqs.len(), reads + 1);
                }
                reads
            })
        })
        .collect();
    for first in (0..300 * GROUP).step_by(GROUP as usize) {
        hot.push(&(first..first + GROUP).map(|n| trade(n, Source::Live, n as i64)).collect::<Vec<_>>());
    }
    done.store(true, Ordering::Release);
    let reads: usize = readers.into_iter().map(|reader| reader.join().expect("a reader")).sum();
    assert!(reads >= 2);
    assert_eq!(hot.counts().rows, 300 * GROUP);
}
