use std::io::Write;
use std::path::PathBuf;

use super::*;
use crate::domain::TickKind;

const TICKS: &str =
    "time,Price,SIZE,trade_id,side\n2024-01-01T00:00:00Z,42283.58,0.00069,7,sell\n1704067200001,42283.59,0.00144,8,\n";
const CANDLES: &str =
    "pair,timestamp,open,high,low,close,volume\nBTC-USD,1704067200,10,12,9,11,5.5\nBTC-USD,1704067260,11,11,11,11,0\n";
const MATCH: &str = r#"{"type":"match","trade_id":7,"side":"buy","size":"1","price":"2","product_id":"BTC-USD","sequence":9,"time":"2021-04-17T16:43:37.089723Z"}"#;

/// A row in short, so that a test is a list of lines.
fn short(row: Row<'_>) -> String {
    match row {
        Row::Frame { line, bytes, received } => format!("{line} frame {} {}", bytes.len(), received.nanos()),
        Row::Tick { line, tick, rounded } => {
            let TickKind::Trade(trade) = tick.kind else { panic!("a quote in a file of trades") };
            let rounded = if rounded { " rounded" } else { "" };
            let side = trade.taker_side.map_or("?".into(), |side| format!("{side:?}"));
            format!(
                "{line} {} {} {} at {} {side} {}{rounded}",
                tick.pair, trade.trade_id.0, trade.size, trade.price, tick.event_time
            )
        }
        Row::Candle { line, candle: c, .. } => {
            format!("{line} {} {} {} {} {} {} {}", c.pair, c.window_start, c.open, c.high, c.low, c.close, c.volume)
        }
        Row::Bad { line, reason, .. } => format!("{line} bad: {reason}"),
    }
}

fn read_all(path: &Path, options: &ReadOptions) -> (Vec<String>, Result<Summary, String>) {
    let mut rows = Vec::new();
    let mut sink = |row: Row<'_>| -> Result<(), std::convert::Infallible> {
        rows.push(short(row));
        Ok(())
    };
    let summary = read(path, options, Source::Sample, &mut sink).map_err(|error| error.to_string());
    (rows, summary)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }
}

fn read_text(name: &str, content: &[u8]) -> (Vec<String>, Result<Summary, String>) {
    read_all(&Folder::new().file(name, content), &ReadOptions::default())
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).expect("packed");
    encoder.finish().expect("packed")
}

#[test]
fn a_file_of_trades_is_read_whatever_the_order_and_case_of_its_columns() {
    let expected = [
        "2 BTC-USD 7 0.00069 at 42283.58 Sell 2024-01-01T00:00:00Z",
        "3 BTC-USD 8 0.00144 at 42283.59 ? 2024-01-01T00:00:00.001Z",
    ];
    let zst = zstd::encode_all(TICKS.as_bytes(), 3).expect("packed");
    let quoted = TICKS.replace("Price", "\"Price\"").replace("42283.58", "\"42283.58\"").replace('\n', "\r\n");
    for (name, content) in [
        ("BTC-USD.csv", TICKS.as_bytes()),
        ("BTC-USD.csv", quoted.as_bytes()),
        ("BTC-USD.txt", TICKS.replace(',', ";").as_bytes()),
        ("BTC-USD.csv", &gzip(TICKS.as_bytes())),
        ("BTC-USD.csv.gz", &zst),
    ] {
        let (rows, summary) = read_text(name, content);
        assert_eq!(rows, expected, "{name}");
        assert_eq!(summary, Ok(Summary { format: Format::Ticks, rows: 2, bad: 0, not_frames: 0 }));
    }
    let options = ReadOptions { format: None, pair: Some("ETH-EUR".parse().expect("a pair")) };
    let (rows, _) = read_all(&Folder::new().file("BTC-USD.csv", TICKS.as_bytes()), &options);
    assert!(rows[0].starts_with("2 ETH-EUR"), "{rows:?}");
}

#[test]
fn one_bad_row_costs_that_row_and_says_its_line() {
    let ticks = "trade_id,time,price,size\n1,1704067200,1,1\n2,1704067200,NaN,1\n3,1704067200,1\n4,yesterday,1,1\n\
        5,1704067200,1,-1\n6,1704067200,1\0,1\ntrade_id,time,price,size\n-7,1704067200,1,1\n\"8,1704067200,1,1\n9,1704067200,1.000000001,1\n";
    let (rows, summary) = read_text("BTC-USD.csv", ticks.as_bytes());
    assert_eq!(
        rows,
        [
            "2 BTC-USD 1 1 at 1 ? 2024-01-01T00:00:00Z",
            "3 bad: price `NaN` is not a decimal number",
            "4 bad: it has 3 fields and the header 4",
            "5 bad: time `yesterday` is not a time",
            "6 bad: size `-1` is negative",
            "7 bad: it holds a NUL byte",
            "8 bad: the header again",
            "9 bad: trade_id `-7` is not a trade id",
            "10 bad: a quote is not closed",
            "11 BTC-USD 9 1 at 1 ? 2024-01-01T00:00:00Z rounded",
        ]
    );
    assert_eq!(summary.map(|summary| (summary.rows, summary.bad)), Ok((10, 8)));
}

#[test]
fn no_bar_is_kept_that_no_market_could_have_made() {
    let header = "pair,time,open,high,low,close,volume\n";
    for (bar, reason) in [
        ("BTC-USD,1704067200,10,9,8,10,1", "high 9 is below"),
        ("BTC-USD,1704067200,10,12,11,12,1", "low 11 is above"),
        ("BTC-USD,1704067200,10,12,0,12,1", "low `0` is zero"),
        ("BTC-USD,1704067200,10,12,9,11,-1", "volume `-1` is negative"),
        ("BTC-USD,1704067201,10,12,9,11,1", "time 2024-01-01T00:00:01Z is not the start of a minute"),
        ("btc/usd,1704067200,10,12,9,11,1", "pair `btc/usd` is not a pair"),
    ] {
        let (rows, _) = read_text("bars.csv", format!("{header}{bar}\n").as_bytes());
        assert!(rows.len() == 1 && rows[0].starts_with(&format!("2 bad: {reason}")), "{bar}: {rows:?}");
    }
    let (rows, summary) = read_text("bars.csv", CANDLES.as_bytes());
    assert_eq!(rows[0], "2 BTC-USD 2024-01-01T00:00:00Z 10 12 9 11 5.5");
    assert_eq!(summary.map(|summary| (summary.format, summary.rows)), Ok((Format::Candles, 2)));
}

#[test]
fn bars_of_a_day_are_not_taken_for_minutes() {
    let mut daily = String::from("pair,date,open,high,low,close,volume\n");
    for day in 1..=28 {
        daily.push_str(&format!("BTC-USD,2024-01-{day:02},10,12,9,11,5\n"));
    }
    let (rows, summary) = read_text("bars.csv", daily.as_bytes());
    assert!(
        rows.is_empty() && summary.as_ref().is_err_and(|error| error.contains("1 d apart")),
        "{rows:?} {summary:?}"
    );
}

#[test]
fn a_file_that_is_not_understood_says_what_it_is_and_what_to_do() {
    for (name, content, says) in [
        ("BTC-USD.csv", &b""[..], "empty"),
        ("BTC-USD.csv", b"\n\n\n", "empty"),
        ("BTC-USD.zip", b"PK\x03\x04....", "a zip archive"),
        ("BTC-USD.csv", b"a,b,c\n1,2,3\n", "its columns are a, b, c"),
        ("BTC-USD.csv", b"1499040000000,0.01634790,0.80000000\n", "holds numbers where the names"),
        ("BTC-USD.csv", b"time,price,size\n", "lacks trade_id; it has time, price, size"),
        ("BTC-USD.csv", b"time,price,size,trade_id,Price\n", "columns price (2) and price (5) could both be the price"),
        ("ticks.csv", b"time,price,size,trade_id\n1704067200,1,1,1\n", "--pair"),
        ("BTC-USD.csv", b"\xff\xfet\0i\0m\0e\0", "UTF-16"),
        ("BTC-USD.bin", b"\x00\x01\x02\xff\xfe", "not UTF-8"),
        ("BTC-USD.parquet", b"PAR1 and then nothing", "cut or damaged"),
        (
            "BTC-USD.csv",
            b"1723161253937085768 {\"stream\":\"btcusdt@depth\"}\n",
            "it is not clear what this file holds",
        ),
    ] {
        let (rows, summary) = read_text(name, content);
        assert!(
            rows.is_empty() && summary.as_ref().is_err_and(|error| error.contains(says)),
            "{name}: {rows:?} {summary:?}"
        );
    }
    let (_, summary) = read_all(Path::new("/nowhere/at/all.csv"), &ReadOptions::default());
    assert!(summary.is_err_and(|error| error.contains("/nowhere/at/all.csv")));
}

#[test]
fn a_capture_gives_what_was_received_and_not_what_was_sent() {
    let capture = format!(
        "wss://ws-feed.pro.coinbase.com <-> 1618677816.8434298\n\nwss://ws-feed.pro.coinbase.com <- 1618677817.020616: {{\"type\":\"subscribe\"}}\n\
         1618677817.061845: {MATCH}\n{MATCH}\nscribble\n"
    );
    let (rows, summary) = read_text("feed.ws", capture.as_bytes());
    let length = MATCH.len();
    let expected =
        [format!("4 frame {length} 1618677817061845000"), format!("5 frame {length} 0"), "6 frame 8 0".into()];
    assert_eq!(rows, expected);
    assert_eq!(summary, Ok(Summary { format: Format::Coinbase, rows: 3, bad: 0, not_frames: 3 }));
}

#[test]
fn a_file_cut_in_the_middle_keeps_what_came_before_and_says_so() {
    let mut ticks = String::from("trade_id,time,price,size\n");
    for id in 0..20_000u64 {
        ticks.push_str(&format!("{id},{},{}.{id},1\n", 1_704_067_200 + id, id % 977 + 1));
    }
    for packed in [gzip(ticks.as_bytes()), zstd::encode_all(ticks.as_bytes(), 1).expect("packed")] {
        let (rows, summary) = read_text("BTC-USD.csv", &packed[..packed.len() * 2 / 3]);
        let error = summary.expect_err("it was cut");
        assert!(rows.len() > 1_000 && rows.len() < 20_000, "{} rows", rows.len());
        assert!(error.contains(&format!("the {} good rows", rows.len())), "{error}");
        assert!(error.contains(&format!("after line {}", rows.len() + 1)), "{error}");
    }
}

#[test]
fn one_endless_line_is_one_bad_row() {
    let mut content = format!("{MATCH}\n").into_bytes();
    content.extend(std::iter::repeat_n(b'x', 5 << 20));
    content.extend_from_slice(format!("\n{MATCH}\n").as_bytes());
    let (rows, summary) = read_text("feed.jsonl", &content);
    assert_eq!(rows[1], "2 bad: the line is longer than 1 MiB");
    assert_eq!(summary.map(|summary| (summary.rows, summary.bad)), Ok((3, 1)));
}

#[test]
fn a_row_that_is_put_aside_keeps_its_place() {
    let folder = Folder::new();
    let path = folder.file("feed.jsonl", format!("{MATCH}\n{{\"type\":\"match\"}}\nnoise\n").as_bytes());
    let (mut lane, mut into, mut aside) = (Lane::new(Source::Sample), Vec::new(), Vec::new());
    let mut sink = |row: Row<'_>| -> Result<(), std::convert::Infallible> {
        aside.extend(admit_row(&mut lane, row, "feed.jsonl", &mut into));
        Ok(())
    };
    read(&path, &ReadOptions::default(), Source::Sample, &mut sink).expect("readable");
    lane.finish(&mut into);
    assert_eq!((into.len(), lane.counts().frames, lane.counts().quarantined), (1, 3, 2));
    let places: Vec<_> = aside.iter().map(|q| (q.place.as_ref().map(|place| place.line), q.raw.as_str())).collect();
    assert_eq!(places, [(Some(2), "{\"type\":\"match\"}"), (Some(3), "noise")]);
}

#[test]
fn the_receiver_of_the_rows_can_stop_the_reading() {
    let path = Folder::new();
    let path = path.file("BTC-USD.csv", TICKS.as_bytes());
    let mut sink = |_: Row<'_>| Err("the disk is full");
    let stopped = read(&path, &ReadOptions::default(), Source::Sample, &mut sink);
    assert!(matches!(stopped, Err(ReadError::Sink("the disk is full"))));
}

#[test]
fn the_same_content_is_the_same_lane_whatever_its_name() {
    let folder = Folder::new();
    let ids = [("a", "x"), ("b", "x"), ("c", "y")]
        .map(|(name, text)| import_id(&folder.file(name, text.as_bytes())).expect("read"));
    assert!(ids[0] == ids[1] && ids[0] != ids[2]);
    let hash = blake3::hash(b"x");
    assert_eq!(format!("{:016x}", ids[0].0), hash.to_hex()[..16]);
}

mod columnar {
    use std::sync::Arc;

    use arrow::array::*;
    use arrow::datatypes::{DataType, Field, Schema};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), arrays).expect("a batch");
        let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.into_inner().expect("closed")
    }

    fn ids() -> (&'static str, ArrayRef) {
        ("trade_id", Arc::new(Int64Array::from(vec![Some(7), Some(8), None])))
    }

    #[test]
    fn numbers_of_every_type_are_read_exactly() {
        let when = 1_704_067_200i64;
        let times: Vec<ArrayRef> = vec![
            Arc::new(TimestampSecondArray::from(vec![when; 3])),
            Arc::new(TimestampMillisecondArray::from(vec![when * 1_000; 3]).with_timezone("UTC")),
            Arc::new(TimestampMicrosecondArray::from(vec![when * 1_000_000; 3])),
            Arc::new(TimestampNanosecondArray::from(vec![when * 1_000_000_000; 3])),
            Arc::new(Int64Array::from(vec![when * 1_000; 3])),
            Arc::new(StringArray::from(vec!["2024-01-01T00:00:00Z"; 3])),
            Arc::new(Date32Array::from(vec![19_723; 3])),
        ];
        let decimal = |value: i128, scale| {
            Arc::new(Decimal128Array::from(vec![value; 3]).with_precision_and_scale(38, scale).expect("a decimal"))
                as ArrayRef
        };
        let prices: Vec<ArrayRef> = vec![
            decimal(4_228_358_000_000, 8),
            decimal(4_228_358, 2),
            decimal(4_228_358_000_000_000, 11),
            Arc::new(Float64Array::from(vec![42_283.58; 3])),
            Arc::new(StringArray::from(vec!["42283.58"; 3])),
            Arc::new(LargeStringArray::from(vec!["42283.580"; 3])),
        ];
        let folder = Folder::new();
        let (price, time) = (&prices[0], &times[0]);
        let cases = times.iter().map(|time| (time, price)).chain(prices.iter().map(|price| (time, price)));
        for (time, price) in cases {
            let sizes: ArrayRef = Arc::new(Float32Array::from(vec![0.1; 3]));
            let sides: ArrayRef = Arc::new(StringArray::from(vec![Some("sell"), None, None]));
            let bytes = parquet(vec![
                ("Taker_Side", sides),
                ("PRICE", price.clone()),
                ("qty", sizes),
                ids(),
                ("time", time.clone()),
                ("unread", Arc::new(BooleanArray::from(vec![true; 3]))),
            ]);
            let (rows, summary) = read_all(&folder.file("BTC-USD.parquet", &bytes), &ReadOptions::default());
            let expected = [
                "1 BTC-USD 7 0.1 at 42283.58 Sell 2024-01-01T00:00:00Z",
                "2 BTC-USD 8 0.1 at 42283.58 ? 2024-01-01T00:00:00Z",
                "3 bad: trade_id `` is not a trade id",
            ];
            assert_eq!(rows, expected, "{} {}", time.data_type(), price.data_type());
            assert_eq!(summary.map(|summary| summary.bad), Ok(1));
        }
    }

    #[test]
    fn what_is_no_price_is_refused_and_a_damaged_file_takes_nothing_with_it() {
        let time: ArrayRef = Arc::new(Int64Array::from(vec![1_704_067_200; 3]));
        let price: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, -1.0]));
        let size: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 3]));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let bytes = parquet(vec![("id", ids), ("time", time), ("price", price), ("size", size)]);
        let folder = Folder::new();
        let (rows, _) = read_all(&folder.file("BTC-USD.parquet", &bytes), &ReadOptions::default());
        assert_eq!(
            rows,
            [
                "1 bad: price `NaN` is not a decimal number",
                "2 bad: price `inf` is not a decimal number",
                "3 bad: price `-1` is negative"
            ]
        );
        for cut in (0..bytes.len()).step_by(13) {
            assert!(
                read_all(&folder.file("BTC-USD.parquet", &bytes[..cut]), &ReadOptions::default()).1.is_err(),
                "cut after {cut}"
            );
        }
        for flipped in (4..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[flipped] ^= 0x55;
            let _ = read_all(&folder.file("BTC-USD.parquet", &damaged), &ReadOptions::default());
        }
        let strange: ArrayRef = Arc::new(BinaryArray::from(vec![&b"x"[..]; 3]));
        assert_eq!(strange.data_type(), &DataType::Binary);
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let bytes = parquet(vec![("id", ids.clone()), ("time", ids.clone()), ("price", strange), ("size", ids)]);
        let (_, summary) = read_all(&folder.file("BTC-USD.parquet", &bytes), &ReadOptions::default());
        assert!(summary.as_ref().is_err_and(|error| error.contains("price is of type Binary")), "{summary:?}");
    }
}

/// Tests on real data, which is not part of the project.
mod real {
    use super::*;
    use crate::domain::Input;
    use crate::ingest::Counts;

    fn data(name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(name);
        if path.exists() {
            return Some(path);
        }
        eprintln!("SKIPPED: {name} is not here");
        None
    }

    fn import(path: &Path) -> (Counts, Summary, usize, Vec<Quarantined>) {
        let started = crate::clock::monotonic();
        let source = Source::Import(import_id(path).expect("readable"));
        let (mut lane, mut inputs, mut aside) = (Lane::new(source), 0, Vec::new());
        let mut into = Vec::new();
        let mut sink = |row: Row<'_>| -> Result<(), std::convert::Infallible> {
            aside.extend(admit_row(&mut lane, row, "real", &mut into));
            inputs += into.drain(..).filter(|(_, input)| !matches!(input, Input::Gap { .. })).count();
            Ok(())
        };
        let summary = read(path, &ReadOptions::default(), source, &mut sink).expect("readable");
        lane.finish(&mut into);
        inputs += into.len();
        let counts = lane.counts();
        assert_eq!(counts.frames, counts.accounted());
        aside.extend(lane.drain_quarantined());
        eprintln!(
            "{}: {counts:?} gaps {} inputs {inputs} {:?}",
            path.display(),
            lane.open_gaps().len(),
            started.elapsed()
        );
        (counts, summary, lane.open_gaps().len(), aside)
    }

    #[test]
    fn the_capture_of_2021_gives_every_trade_and_quote_it_holds() {
        let Some(path) = data("coinbase/exchange-2021-04-17.ws.zst") else { return };
        let (counts, summary, gaps, aside) = import(&path);
        assert_eq!((counts.trades, counts.quotes, counts.history, gaps), (97, 107, 10, 0), "{aside:?}");
        assert_eq!((counts.ignored, counts.control, counts.duplicates, counts.quarantined), (9_729, 3, 0, 0));
        assert_eq!(summary.rows + summary.not_frames, 9_952);
    }

    #[test]
    fn single_real_frames_are_all_understood() {
        let Some(path) = data("coinbase/frames.jsonl") else { return };
        let mut refused = Vec::new();
        let mut sink = |row: Row<'_>| -> Result<(), std::convert::Infallible> {
            if let Row::Frame { bytes, received, .. } = row
                && let Err(refusal) = wire::decode(bytes, Source::Sample, received)
            {
                refused.push(refusal);
            }
            Ok(())
        };
        let summary = read(&path, &ReadOptions::default(), Source::Sample, &mut sink).expect("readable");
        assert_eq!((summary.rows, refused), (21, vec![]));
    }

    #[test]
    fn a_whole_day_of_trades_is_read_without_a_gap() {
        let Some(path) = data("ticks/BTCUSDT-2024-01-01.parquet") else { return };
        let (counts, _, gaps, _) = import(&path);
        assert_eq!((counts.trades, counts.frames, gaps), (863_403, 863_403, 0));
    }

    #[test]
    fn months_of_candles_are_read() {
        for (name, rows) in [
            ("candles/1m-2021-04-six-pairs-binance.parquet", 367_651),
            ("candles/1m-2019-h1-six-pairs-bitfinex.parquet", 1_265_055),
            ("candles/1m-2025-05-six-pairs-futures.parquet", 276_188),
        ] {
            let Some(path) = data(name) else { return };
            let (counts, summary, _, aside) = import(&path);
            assert_eq!(summary.rows, rows);
            eprintln!("{name}: {} put aside, such as {:?}", aside.len(), aside.first());
            assert_eq!(counts.candles + counts.quarantined + counts.duplicates, rows);
        }
    }
}
