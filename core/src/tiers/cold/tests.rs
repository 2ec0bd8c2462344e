mod faults;
mod minutes;
mod relocation;
mod upkeep;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Amount, Arrival, BackfillMonth, Input, Month, Pair, Price, Quantity, Quote, ReceivedTime, Side, Source, TapeTime,
    Tick, TickKind, Trade, TradeId,
};

const DAY: i64 = 86_400_000_000_000;

fn pair(name: &str) -> Pair {
    name.parse().expect("a pair")
}

fn trade(seq: u64, at: i64, source: Source) -> Stamped {
    let kind = TickKind::Trade(Trade {
        trade_id: TradeId(seq),
        price: Price::from_units(4_200_000_000_000 + seq as i64 % 977),
        size: Quantity::from_units(1 + seq as i64 % 13),
        taker_side: [None, Some(Side::Buy), Some(Side::Sell)][seq as usize % 3],
        arrival: Arrival::News,
    });
    let (event_time, received_time) = (EventTime::from_nanos(at), ReceivedTime::from_nanos(at + 1_234));
    let pair = pair(if seq.is_multiple_of(2) { "BTC-USD" } else { "ETH-USD" });
    let tick = Tick { source, pair, sequence: seq, event_time, received_time, kind };
    Stamped { seq: Seq(seq), tape_time: TapeTime::from_nanos(at), input: Input::Tick(tick) }
}

/// Every 50 ms, around a midnight, so that there are two days.
fn trades(seqs: std::ops::Range<u64>) -> Vec<Stamped> {
    seqs.map(|seq| trade(seq, 19_000 * DAY - 10_000_000_000 + seq as i64 * 50_000_007, Source::Live)).collect()
}

async fn all(cold: &Cold, query: TickQuery) -> Vec<Stamped> {
    let mut ticks = cold.ticks(query).await.expect("a plan");
    let mut found = Vec::new();
    loop {
        let next = ticks.next().await.expect("rows");
        if next.is_empty() {
            return found;
        }
        found.extend(next);
    }
}

fn data_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![directory.join("cold/market/ticks/data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

fn stamped() -> impl Strategy<Value = Stamped> {
    let price = || prop_oneof![any::<i64>(), 1..i64::from(i32::MAX)].prop_map(Price::from_units);
    let size = || prop_oneof![any::<i64>(), 0..1_000i64].prop_map(Quantity::from_units);
    let widest = 10i128.pow(38) - 1;
    let side = prop_oneof![Just(None), Just(Some(Side::Buy)), Just(Some(Side::Sell))];
    let arrival =
        prop_oneof![Just(Arrival::News), Just(Arrival::History), Just(Arrival::Belated), Just(Arrival::Fetched)];
    let trade = (any::<u64>(), price(), size(), side, arrival).prop_map(|(id, price, size, taker_side, arrival)| {
        Some(TickKind::Trade(Trade { trade_id: TradeId(id), price, size, taker_side, arrival }))
    });
    let volume = proptest::option::of((-widest..=widest).prop_map(Amount::from_units));
    let quote = (price(), price(), proptest::option::of(size()), proptest::option::of(size()), volume);
    let quote = (quote, proptest::option::of(price())).prop_map(
        |((best_bid, best_ask, bid_size, ask_size, volume_24h), open_24h)| {
            Some(TickKind::Quote(Quote { best_bid, best_ask, bid_size, ask_size, volume_24h, open_24h }))
        },
    );
    let kind = prop_oneof![trade, quote, Just(None)];
    let source = prop_oneof![
        Just(Source::Live),
        Just(Source::Backfill(BackfillMonth { pair: pair("BTC-USD"), month: Month::FIRST })),
        Just(Source::Sample),
        any::<u64>().prop_map(|id| Source::Import(crate::domain::ImportId(id)))
    ];
    (any::<u64>(), any::<i64>(), any::<i64>(), any::<i64>(), any::<u64>(), source, kind).prop_map(
        |(seq, tape, event, received, sequence, source, kind)| {
            let received_time = ReceivedTime::from_nanos(received);
            let event_time = EventTime::from_nanos(event);
            let input = match kind {
                None => Input::Clock { source, received: received_time },
                Some(kind) => {
                    let pair = pair(if sequence.is_multiple_of(2) { "SHIB-USD" } else { "1INCH-USD" });
                    Input::Tick(Tick { source, pair, sequence, event_time, received_time, kind })
                }
            };
            Stamped { seq: Seq(seq), tape_time: TapeTime::from_nanos(tape), input }
        },
    )
}

proptest! {
    #[test]
    fn no_bit_of_an_input_is_lost_in_a_row(inputs in proptest::collection::vec(stamped(), 1..40)) {
        let schema = iceberg::arrow::schema_to_arrow_schema(&schema::schema().expect("columns")).expect("as Arrow");
        let rows: Vec<&Stamped> = inputs.iter().collect();
        let batch = rows::encode(&rows, &std::sync::Arc::new(schema)).expect("rows");
        prop_assert_eq!(rows::decode(&batch).expect("inputs"), inputs);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_twice_is_there_once_also_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let inputs = trades(1..1_001);
    assert_eq!(cold.append(&inputs, Seq(1_000)).await.expect("stored"), Appended::Stored(1_000));
    assert_eq!(cold.append(&inputs, Seq(1_000)).await.expect("known"), Appended::Exists);
    drop(cold);
    let mut cold = Cold::open(directory.path()).await.expect("again");
    assert_eq!(cold.archived_through(), Seq(1_000));
    assert_eq!(cold.append(&inputs[..500], Seq(500)).await.expect("known"), Appended::Exists);
    // Cut into other pieces than before: what is there already is passed over, and what is beyond is not taken early.
    let more = trades(901..1_201);
    assert_eq!(cold.append(&more, Seq(1_100)).await.expect("stored"), Appended::Stored(100));
    assert_eq!(cold.append(&more, Seq(1_200)).await.expect("stored"), Appended::Stored(100));
    let inputs = trades(1..1_201);
    assert_eq!(all(&cold, TickQuery::all()).await, inputs);
    assert_eq!(cold.statistics().expect("told").rows, 1_200);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_snapshot_names_are_in_no_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..501), Seq(500)).await.expect("stored");
    for file in data_files(directory.path()) {
        let whole = std::fs::read(&file).expect("readable");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        std::fs::write(file.with_file_name(format!("stale-{name}")), &whole).expect("planted");
        std::fs::write(file.with_file_name(format!("half-{name}")), &whole[..whole.len() / 2]).expect("planted");
        std::fs::write(file.with_file_name(format!("foreign-{name}")), b"PAR1").expect("planted");
    }
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..501));
    let planted = data_files(directory.path()).len();
    assert_eq!(cold.remove_orphans().await.expect("cleaned").files, 0, "young files were taken for orphans");
    let removed = cold.remove_orphans_older_than(Duration::ZERO).await.expect("cleaned");
    assert!(removed.files >= planted * 3 / 4, "{removed:?} of {planted}");
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..501));
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_files_changes_no_answer_and_expiry_none_that_is_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    for part in 0..20u64 {
        let through = (part + 1) * 50;
        cold.append(&trades(part * 50 + 1..through + 1), Seq(through)).await.expect("stored");
    }
    let states = cold.snapshots().await.expect("told");
    let (early, files) = (states[9].clone(), cold.statistics().expect("told").files);
    let compacted = cold.compact().await.expect("joined");
    assert!(compacted.files_before > 8 && compacted.files_after < compacted.files_before, "{compacted:?}");
    assert!(cold.statistics().expect("told").files < files);
    assert_eq!(cold.archived_through(), Seq(1_000));
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..1_001));
    assert_eq!(cold.compact().await.expect("nothing to do"), Compacted::default());

    // Earlier states still answer as they did.
    let at = TickQuery { snapshot: Some(early.id), ..TickQuery::all() };
    assert_eq!(all(&cold, at.clone()).await, trades(1..501));

    // And the next rows go on top.
    cold.append(&trades(1_001..1_101), Seq(1_100)).await.expect("stored");
    let keep = Keep { named: vec![early.id], ..Keep::only(2) };
    let removed = cold.expire(&keep).await.expect("expired");
    assert!(removed.snapshots >= 18 && removed.files > 0, "{removed:?}");
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..1_101));
    assert_eq!(all(&cold, at).await, trades(1..501));
    let gone = TickQuery { snapshot: Some(states[3].id), ..TickQuery::all() };
    let error = cold.ticks(gone).await.err().expect("it is gone");
    assert!(matches!(&error, ColdError::NoSnapshot { kept, .. } if kept.contains(&early.id)), "{error}");
    drop(cold);
    let cold = Cold::open(directory.path()).await.expect("again");
    assert_eq!(all(&cold, TickQuery::all()).await.len(), 1_100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_comes_back_in_the_order_of_the_tape_and_opens_only_what_it_needs() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    // Two lanes whose times overlap and whose places in the journal interleave, in files that overlap too.
    let import = Source::Import(crate::domain::ImportId(7));
    let mut inputs: Vec<Stamped> = (1..=600u64)
        .map(|seq| {
            let lane = if seq % 3 == 0 { import } else { Source::Live };
            let back = if lane == import { 4_000_000_000 } else { 0 };
            trade(seq, 19_000 * DAY + seq as i64 * 20_000_003 - back, lane)
        })
        .collect();
    for part in inputs.chunks(100) {
        let through = part.last().expect("a hundred").seq;
        cold.append(part, through).await.expect("stored");
    }
    inputs.sort_by_key(|input| (input.tape_time, input.seq));
    assert_eq!(all(&cold, TickQuery::all()).await, inputs);

    let query = TickQuery {
        from: inputs[100].tape_time,
        to: inputs[140].tape_time,
        through: Some(Seq(450)),
        pairs: Some(vec![pair("BTC-USD")]),
        sources: Some(vec![Source::Live]),
        ..TickQuery::all()
    };
    let wanted: Vec<_> = inputs[100..=140]
        .iter()
        .filter(|input| input.seq <= Seq(450) && input.input.source() == Source::Live && input.seq.0.is_multiple_of(2))
        .copied()
        .collect();
    let mut ticks = cold.ticks(query).await.expect("a plan");
    assert_eq!(ticks.next().await.expect("rows"), wanted);
    assert!(ticks.next().await.expect("the end").is_empty());
    assert!(ticks.opened() <= 3, "{} of 6 files were opened", ticks.opened());
}
