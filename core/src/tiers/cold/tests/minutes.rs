//! What is folded in batch, against what the engine made of the same tape.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::*;
use crate::domain::time::MINUTE;
use crate::domain::{Candle, Output};
use crate::engine::Market;

const MIDNIGHT: i64 = 19_000 * DAY;

/// Of each window what the engine said last.
fn by_the_engine(inputs: &[Stamped]) -> Vec<Minute> {
    let (mut market, mut outputs) = (Market::default(), Vec::new());
    inputs.iter().for_each(|input| market.step(input, &mut outputs));
    let mut lanes: Vec<Source> = inputs.iter().map(|input| input.input.source()).collect();
    lanes.sort_unstable();
    lanes.dedup();
    for source in lanes {
        let (seq, tape_time) = (market.seq().next(), market.tape_time(source).expect("it has inputs"));
        market.step(&Stamped { seq, tape_time, input: Input::EndOfTape { source } }, &mut outputs);
    }
    let mut last: BTreeMap<_, Candle> = BTreeMap::new();
    for output in outputs {
        if let Output::Candle(candle) = output {
            last.insert((candle.source, candle.pair, candle.window_start), candle);
        }
    }
    last.values().map(Minute::from).collect()
}

async fn in_batch(cold: &Cold, query: MinuteQuery) -> Vec<Minute> {
    let mut minutes = cold.minutes(query).await.expect("a plan").collect().await.expect("minutes");
    // They come by days.
    minutes.sort_by_key(|minute| (minute.source, minute.pair, minute.start));
    minutes
}

/// What is drawn of an input: early or late, of few times and ids, so that many are equal.
#[derive(Clone, Debug)]
struct Drawn {
    live: bool,
    bitcoin: bool,
    /// 0 is a clock, 1 a quote, the others are trades.
    kind: u8,
    at: i64,
    id: u64,
    price: i64,
    size: i64,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let numbers = (0..8u8, -400..400i64, 0..6u64, 1..1_000i64, 0..1_000i64);
    (any::<bool>(), any::<bool>(), numbers).prop_map(|(live, bitcoin, (kind, at, id, price, size))| Drawn {
        live,
        bitcoin,
        kind,
        at,
        id,
        price,
        size,
    })
}

fn tape(drawn: &[Drawn]) -> Vec<Stamped> {
    let mut newest = BTreeMap::new();
    let stamp = |(seq, drawn): (u64, &Drawn)| {
        let &Drawn { live, bitcoin, kind, at, id, price, size } = drawn;
        let source = if live { Source::Live } else { Source::Import(crate::domain::ImportId(7)) };
        // Half a second apart, with nanoseconds that only some share.
        let at = MIDNIGHT + at * 500_000_000 + at % 3;
        let (event_time, received_time) = (EventTime::from_nanos(at), ReceivedTime::from_nanos(at));
        let kind = match kind {
            0 => None,
            1 => Some(TickKind::Quote(Quote {
                best_bid: Price::from_units(price),
                best_ask: Price::from_units(price + 1),
                bid_size: None,
                ask_size: None,
                volume_24h: None,
                open_24h: None,
            })),
            _ => Some(TickKind::Trade(Trade {
                trade_id: TradeId(id.wrapping_sub(2)),
                price: Price::from_units(price),
                size: Quantity::from_units(size),
                taker_side: None,
                arrival: Arrival::News,
            })),
        };
        let pair = pair(if bitcoin { "BTC-USD" } else { "ETH-USD" });
        let input = match kind {
            Some(kind) => Input::Tick(Tick { source, pair, sequence: 0, event_time, received_time, kind }),
            None => Input::Clock { source, received: received_time },
        };
        let tape_time = newest.entry(source).or_insert(at);
        *tape_time = at.max(*tape_time);
        Stamped { seq: Seq(seq), tape_time: TapeTime::from_nanos(*tape_time), input }
    };
    (1..).zip(drawn).map(stamp).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("TAPEDECK_SOAK").is_some() { 400 } else { 24 }))]

    #[test]
    fn folded_in_batch_or_stepped_through_the_minutes_are_the_same(
        drawn in proptest::collection::vec(drawn(), 1..200),
        cuts in 1..6usize,
        limit in 0..200usize,
        joined in any::<bool>(),
    ) {
        let inputs = tape(&drawn);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        runtime.block_on(async {
            let directory = tempfile::tempdir().expect("a directory");
            let mut cold = Cold::open(directory.path()).await.expect("new");
            for part in inputs.chunks(inputs.len().div_ceil(cuts)) {
                let through = part.last().expect("not empty").seq;
                cold.append(part, through).await.expect("stored");
            }
            if joined {
                cold.compact().await.expect("joined");
            }
            let all = MinuteQuery { threads: NonZeroUsize::new(2), ..MinuteQuery::all() };
            assert_eq!(in_batch(&cold, all.clone()).await, by_the_engine(&inputs));

            // As it was when some of them had come, and as of a moment.
            let limit = &inputs[limit.min(inputs.len() - 1)];
            let earlier: Vec<Stamped> = inputs.iter().copied().filter(|input| input.seq <= limit.seq).collect();
            let query = MinuteQuery { through: Some(limit.seq), ..all.clone() };
            assert_eq!(in_batch(&cold, query).await, by_the_engine(&earlier));
            let known: Vec<Stamped> = inputs.iter().copied().filter(|input| input.tape_time <= limit.tape_time).collect();
            let query = MinuteQuery { as_of: Some(limit.tape_time), ..all.clone() };
            assert_eq!(in_batch(&cold, query).await, by_the_engine(&known));

            // And some of them alone.
            let (from, to) = (EventTime::from_nanos(MIDNIGHT - MINUTE), EventTime::from_nanos(MIDNIGHT + MINUTE));
            let query = MinuteQuery {
                from,
                to,
                pairs: Some(vec![pair("BTC-USD")]),
                sources: Some(vec![Source::Live]),
                ..all
            };
            let mut some = by_the_engine(&inputs);
            some.retain(|minute| {
                let asked = minute.source == Source::Live && minute.pair == pair("BTC-USD");
                asked && minute.start >= from && minute.start < to
            });
            assert_eq!(in_batch(&cold, query).await, some);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_several_row_groups_is_folded_whole_by_any_number_of_threads() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let inputs: Vec<Stamped> =
        (1..=300_000u64).map(|seq| trade(seq, MIDNIGHT + seq as i64 * 100_000_007, Source::Live)).collect();
    for part in inputs.chunks(150_000) {
        cold.append(part, part.last().expect("not empty").seq).await.expect("stored");
    }
    let expected = by_the_engine(&inputs);
    for threads in [1, 2, 5] {
        let query = MinuteQuery { threads: NonZeroUsize::new(threads), ..MinuteQuery::all() };
        assert_eq!(in_batch(&cold, query).await, expected, "{threads} threads");
    }
    let nothing = MinuteQuery { through: Some(Seq(0)), ..MinuteQuery::all() };
    assert_eq!(in_batch(&cold, nothing).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_and_a_size_of_either_sign_are_read_to_the_last_unit() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let written = [i64::MIN, i64::MIN + 1, -256, -255, -1, 0, 1, 127, 128, 255, 256, i64::MAX - 1, i64::MAX];
    // Each in a minute of its own, and a quote between, which has neither.
    let inputs: Vec<Stamped> = (0..)
        .zip(written)
        .flat_map(|(minute, units)| {
            let of = |place: u64, kind| {
                let mut input = trade(minute * 2 + place, MIDNIGHT + minute as i64 * MINUTE, Source::Live);
                if let Input::Tick(tick) = &mut input.input {
                    tick.kind = kind;
                }
                input
            };
            let traded = Trade {
                trade_id: TradeId(minute),
                price: Price::from_units(units),
                size: Quantity::from_units(units),
                taker_side: None,
                arrival: Arrival::News,
            };
            let quoted = Quote {
                best_bid: Price::from_units(1),
                best_ask: Price::from_units(2),
                bid_size: None,
                ask_size: None,
                volume_24h: None,
                open_24h: None,
            };
            [of(1, TickKind::Trade(traded)), of(2, TickKind::Quote(quoted))]
        })
        .collect();
    cold.append(&inputs, inputs.last().expect("not empty").seq).await.expect("stored");
    let minutes = in_batch(&cold, MinuteQuery::all()).await;
    let read: Vec<_> = minutes.iter().map(|minute| (minute.open.units(), minute.volume.units())).collect();
    assert_eq!(read, written.map(|units| (units, i128::from(units))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_or_cut_short_is_named_and_nothing_is_made_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..501), Seq(500)).await.expect("stored");
    let file = data_files(directory.path()).pop().expect("one");
    let whole = std::fs::read(&file).expect("readable");
    for left in [Some(&whole[..whole.len() / 2]), None] {
        match left {
            Some(half) => std::fs::write(&file, half).expect("cut"),
            None => std::fs::remove_file(&file).expect("removed"),
        }
        let minutes = cold.minutes(MinuteQuery::all()).await.expect("a plan").collect().await;
        let error = minutes.expect_err("a file is missing or half");
        assert!(matches!(&error, ColdError::File { file: named, .. } if *named == file), "{error}");
    }
}
