//! Bad input: what was wrong is named, what was good is kept, and trying again changes nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tapedeck_tests::exchange::{Exchange, Options};
use tapedeck_tests::figures::{HOUR, venue_time};
use tempfile::TempDir;

use crate::lanes::{JUNE, csv, file, prints};
use crate::support::{MINUTES, Outcome, Running, Tapedeck, btc_day, command, counts, number, say};

const PAIR: &str = "BTC-USD";

/// Six good trades, and something else as line 4 of the file.
fn around(line: &[u8]) -> Vec<u8> {
    let good = csv(&prints(51, PAIR, 100, 1)[..6]);
    let mut bytes = Vec::new();
    for (at, text) in good.lines().enumerate() {
        if at == 3 {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

fn import(deck: &Tapedeck, path: &Path) -> Outcome {
    deck.run::<&OsStr>("import", ["--pair".as_ref(), PAIR.as_ref(), path.as_os_str()])
}

fn name(path: &Path) -> String {
    path.file_name().expect("a test file has a name").to_string_lossy().into_owned()
}

/// What it says of the bad file names it, whether on standard output or on standard error.
#[track_caller]
fn assert_names_the_file(case: &str, outcome: &Outcome, path: &Path) {
    assert!(outcome.said().contains(&name(path)), "{case}: the file is not named: {outcome:#?}");
}

#[test]
fn one_bad_line_does_not_cost_the_good_ones_around_it() {
    let second = venue_time(JUNE + 1_000_000_000);
    let (ahead, far) = (venue_time(JUNE + HOUR + 5_000_000_000), "2199-01-01T00:00:00Z");
    let row = |id: &str, time: &str, price: &str, size: &str| format!("{id},{time},{price},{size},buy").into_bytes();
    let with = |price: &str, size: &str| row("9001", &second, price, size);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a price of NaN", with("NaN", "1")),
        ("an infinite price", with("inf", "1")),
        ("a negative price", with("-42000.5", "1")),
        ("a price of zero", with("0.00", "1")),
        ("a price beyond 92 billion", with("92233720368547758070", "1")),
        ("a price with an exponent beyond all bounds", with("1e400", "1")),
        ("a size of NaN", with("42000", "NaN")),
        ("a negative size", with("42000", "-1")),
        ("a size of zero", with("42000", "0")),
        ("a size that rounds to zero", with("42000", "0.000000001")),
        ("a size beyond 92 billion", with("42000", "1e30")),
        ("a price with a comma for a point", with("\"42000,5\"", "1")),
        ("no price", with("", "1")),
        ("no time", row("9001", "", "42000", "1")),
        ("a time in words", row("9001", "yesterday", "42000", "1")),
        ("a day that is not in the calendar", row("9001", "2024-02-30T00:00:00Z", "42000", "1")),
        ("a time of the next century", row("9001", far, "42000", "1")),
        ("a time an hour ahead of the next line", row("9001", &ahead, "42000", "1")),
        ("no trade id", row("", &second, "42000", "1")),
        ("a trade id in words", row("nine", &second, "42000", "1")),
        ("a negative trade id", row("-9", &second, "42000", "1")),
        ("a side that is neither", format!("9001,{second},42000,1,sideways").into_bytes()),
        ("too few columns", format!("9001,{second}").into_bytes()),
        ("too many columns", format!("9001,{second},42000,1,buy,and,more").into_bytes()),
        ("another header", b"trade_id,time,price,size,taker_side".to_vec()),
        ("bytes that are not UTF-8", [b"9001,".as_slice(), second.as_bytes(), b",42\xff\xfe00,1,buy"].concat()),
        ("a NUL", [b"9001,".as_slice(), second.as_bytes(), b",42\x0000,1,buy"].concat()),
    ];
    let mut wrong = Vec::new();
    for (case, line) in cases {
        let files = tempfile::tempdir().expect("a temporary directory");
        let path = file(&files, "trades.csv", around(&line));
        let deck = Tapedeck::new();
        if let Err(why) = keeps_the_good(&deck, &path) {
            wrong.push(format!("{case}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn keeps_the_good(deck: &Tapedeck, path: &Path) -> Result<(), String> {
    let first = import(deck, path);
    if first.code != Some(1) {
        return Err(format!("exit {:?} where 1 says that something was wrong: {}", first.code, first.said()));
    }
    let said = first.json();
    if (number(&said, "accepted"), number(&said, "quarantined")) != (6, 1) {
        return Err(format!("6 were good and 1 was not: {said}"));
    }
    let problem = &said["problems"][0];
    let names_it = problem["file"].as_str().is_some_and(|f| f.ends_with(&name(path)));
    if !names_it || problem["line"] != 4 || problem["reason"].as_str().is_none_or(str::is_empty) {
        return Err(format!("the file, line 4 and a reason are not all named: {problem}"));
    }
    let before = deck.verified();
    let second = import(deck, path).json();
    if (number(&second, "accepted"), number(&second, "duplicates")) != (0, 6) {
        return Err(format!("the second time: {second}"));
    }
    let after = deck.verified();
    if before["state_hash"] != after["state_hash"] {
        return Err("importing it again changed the state".to_owned());
    }
    Ok(())
}

/// What is known of a file that is broken as a whole.
struct Broken {
    case: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    /// How many trades can be saved from it: at least, at most.
    kept: (u64, u64),
}

#[test]
fn a_broken_file_is_named_and_what_can_be_read_of_it_is_kept() {
    let trades = prints(52, PAIR, 100, 1);
    let all = trades.len() as u64;
    let text = csv(&trades);
    let parquet = fs::read(btc_day()).expect("the sample ships");
    let zipped = stored_gzip(text.as_bytes());
    let mut bad_sum = zipped.clone();
    let at = bad_sum.len() - 6;
    bad_sum[at] ^= 0xff;
    let junk: Vec<u8> = (0..50_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let zst = zstd::encode_all(text.as_bytes(), 3).expect("zstd writes to memory");
    let long_line = [around(b"").as_slice(), b"9001,", &vec![b'7'; 8 << 20]].concat();
    let open_quote = around(format!("\"9001,{},42000,1,buy", venue_time(JUNE)).as_bytes());
    let broken = |case, file, bytes, kept| Broken { case, file, bytes, kept };
    let cases = [
        broken("gzip, cut short", "cut.csv.gz", zipped[..zipped.len() * 3 / 5].to_vec(), (1, all - 1)),
        broken("gzip, with a wrong checksum", "sum.csv.gz", bad_sum, (0, all)),
        broken("zstd, cut short", "cut.csv.zst", zst[..zst.len() * 3 / 5].to_vec(), (0, all - 1)),
        broken("parquet, cut short", "cut.parquet", parquet[..parquet.len() / 2].to_vec(), (0, 0)),
        broken("parquet, its end alone", "end.parquet", parquet[parquet.len() / 2..].to_vec(), (0, 0)),
        broken("a header of other columns", "columns.csv", b"foo,bar\n1,2\n3,4\n".to_vec(), (0, 0)),
        broken(
            "no header",
            "headless.csv",
            text.split_once('\n').expect("a header and lines").1.as_bytes().to_vec(),
            (0, 0),
        ),
        broken("junk, called CSV", "junk.csv", junk.clone(), (0, 0)),
        broken("junk, called Parquet", "junk.parquet", junk.clone(), (0, 0)),
        broken("junk, called gzip", "junk.csv.gz", junk.clone(), (0, 0)),
        broken("junk, called zstd", "junk.csv.zst", junk, (0, 0)),
        broken("nothing at all", "empty.csv", Vec::new(), (0, 0)),
        broken("nothing at all, called Parquet", "empty.parquet", Vec::new(), (0, 0)),
        broken("a line of 8 MB", "long.csv", long_line, (6, 6)),
        broken("a quote that never closes", "quote.csv", open_quote, (2, 6)),
        broken("Parquet, called CSV", "really.csv", parquet[..1 << 20].to_vec(), (0, 0)),
    ];
    let mut wrong = Vec::new();
    for Broken { case, file: called, bytes, kept } in cases {
        let files = tempfile::tempdir().expect("a temporary directory");
        let path = file(&files, called, bytes);
        let deck = Tapedeck::new();
        let first = import(&deck, &path);
        assert_names_the_file(case, &first, &path);
        let accepted = match first.code {
            Some(1) => number(&first.json(), "accepted"),
            Some(2) if first.error()["what"].is_string() && first.error()["do"].is_string() => 0,
            _ => {
                wrong.push(format!("{case}: neither exit 1 nor exit 2 with an error that says what to do: {first:#?}"));
                continue;
            }
        };
        if accepted < kept.0 || accepted > kept.1 {
            wrong.push(format!("{case}: {accepted} kept, where {kept:?} could be: {}", first.said()));
        }
        let before = deck.verified();
        let second = import(&deck, &path);
        if second.code != first.code || (second.code == Some(1) && number(&second.json(), "accepted") != 0) {
            wrong.push(format!("{case}: the second time was not like the first: {second:#?}"));
        }
        if deck.verified()["state_hash"] != before["state_hash"] {
            wrong.push(format!("{case}: importing it again changed the state"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_path_that_is_no_file_is_named_and_the_next_one_is_imported() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let deck = Tapedeck::new();
    for (case, path) in [("a directory", files.path().to_owned()), ("no such file", files.path().join("missing.csv"))] {
        let outcome = import(&deck, &path).expect(2);
        let error = outcome.error();
        assert!(error["what"].as_str().is_some_and(|what| what.contains(&name(&path))), "{case}: {outcome:#?}");
        for part in ["code", "kept", "do"] {
            assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{case}: no `{part}`: {outcome:#?}");
        }
    }
    deck.verified();
}

#[test]
fn candles_that_can_not_be_are_not_drawn() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let text = "pair,time,open,high,low,close,volume\n\
        BTC-USD,2024-06-01T00:00:00Z,100,110,90,105,5\n\
        BTC-USD,2024-06-01T00:01:00Z,100,90,110,105,5\n\
        BTC-USD,2024-06-01T00:02:00Z,NaN,110,90,105,5\n\
        BTC-USD,2024-06-01T00:03:00Z,100,110,90,120,5\n\
        BTC-USD,2024-06-01T00:04:00Z,100,110,90,105,-5\n\
        BTC-USD,2024-06-01T00:05:00Z,105,111,95,99,0.5\n";
    let path = file(&files, "bars.csv", text);
    let deck = Tapedeck::new();
    let said = deck.run::<&OsStr>("import", [path.as_os_str()]).expect(1).json();
    assert_eq!((number(&said, "accepted"), number(&said, "quarantined")), (2, 4), "{said}");
    let lines: Vec<_> = said["problems"].as_array().into_iter().flatten().map(|p| p["line"].clone()).collect();
    assert_eq!(lines, [3, 4, 5, 6].map(Value::from).to_vec(), "{said}");
    assert_eq!(deck.candles(PAIR, None).len(), 2);
    let again = deck.run::<&OsStr>("import", [path.as_os_str()]).json();
    assert_eq!((number(&again, "accepted"), number(&again, "duplicates")), (0, 2), "{again}");
    deck.verified();
}

#[test]
fn two_writers_do_not_share_a_data_directory() {
    let exchange = Exchange::open(Options::new(53)).expect("loopback");
    let deck = Tapedeck::new();
    let feed = exchange.feed_url();
    let recorder = deck.start("record", ["--feed", &feed, "--acknowledge"]);
    assert!(recorder.line(MINUTES).is_some(), "the recorder recorded nothing");
    let files = tempfile::tempdir().expect("a temporary directory");
    let path = file(&files, "trades.csv", csv(&prints(53, PAIR, 100, 1)));
    let holder = recorder.pid().to_string();

    for (subcommand, arguments) in [
        ("import", vec!["--pair".into(), PAIR.into(), path.into_os_string()]),
        ("record", vec!["--feed".into(), feed.clone().into(), "--for".into(), "5s".into()]),
    ] {
        let outcome = deck.run(subcommand, arguments).expect(2);
        let error = outcome.error();
        assert_eq!(error["code"], "data_directory_in_use", "{subcommand}: {outcome:#?}");
        assert!(
            error["what"].as_str().is_some_and(|what| what.contains(&holder)),
            "{subcommand}: the holder, {holder}, is not named: {error}"
        );
    }

    // A lock is held by a process and not by a file: one killed leaves the directory free.
    recorder.kill();
    let freed = deck.start("record", ["--feed", &feed, "--acknowledge"]);
    assert!(
        freed.line(MINUTES).is_some(),
        "a killed process still holds the directory: {:#?}",
        freed.terminate(MINUTES)
    );
    freed.terminate(MINUTES).expect(0);
    deck.verified();
}

#[test]
fn a_flipped_byte_on_the_disk_does_not_go_unnoticed() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let path = file(&files, "trades.csv", csv(&prints(54, PAIR, 100, 2)));
    let deck = Tapedeck::new();
    import(&deck, &path).expect(0);
    let sound = deck.verified();

    let most = counts(4, 24);
    let (mut tried, mut found) = (0, 0);
    let mut wrong = Vec::new();
    for relative in files_of(deck.data.path()) {
        let bytes = fs::read(deck.data.path().join(&relative)).expect("a file of the directory is readable");
        // Files are laid out ahead of their use: only what was written can be damaged.
        let written: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b != 0).map(|(at, _)| at).collect();
        if written.len() < 4_096 {
            continue;
        }
        for part in 1..=most {
            let at = written[written.len() * part / (most + 1)];
            let copy = tempfile::tempdir().expect("a temporary directory");
            copy_all(deck.data.path(), copy.path());
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x5a;
            fs::write(copy.path().join(&relative), damaged).expect("a copy can be written");
            tried += 1;

            let outcome = Running::start(command("verify", copy.path())).finish(5 * MINUTES);
            let place = format!("byte {at} of {}", relative.display());
            match outcome.code {
                Some(0) => {
                    // It lay in something that is only a copy of what the journal says, or that nothing reads.
                    let verdict = outcome.json();
                    let same =
                        ["records", "first_seq", "last_seq", "state_hash"].iter().all(|k| verdict[k] == sound[k]);
                    if !same {
                        wrong.push(format!("{place}: verify says ok of another history: {verdict}"));
                    }
                }
                Some(1) => {
                    let verdict = outcome.json();
                    let findings = verdict["findings"].as_array().cloned().unwrap_or_default();
                    let named = findings
                        .iter()
                        .any(|f| f["code"].is_string() && f["what"].as_str().is_some_and(|w| !w.is_empty()));
                    if verdict["ok"] != false || !named {
                        wrong.push(format!("{place}: found and not named: {verdict}"));
                    }
                    found += 1;
                }
                Some(2) if outcome.error()["what"].is_string() => found += 1,
                _ => wrong.push(format!("{place}: {outcome:#?}")),
            }
        }
    }
    say(&format!("flipped bytes: {tried} tried, {found} named, the rest in what can be made again"));
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(found > 0, "{tried} bytes flipped, and none was found");
}

fn files_of(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the directory is readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(directory).expect("it lies in there").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn copy_all(from: &Path, to: &Path) {
    for relative in files_of(from) {
        let target = to.join(&relative);
        fs::create_dir_all(target.parent().expect("a file lies in a folder")).expect("a folder can be made");
        fs::copy(from.join(&relative), target).expect("a file can be copied");
    }
}

/// A gzip of stored blocks, which a cut leaves readable up to the cut.
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(4_096).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    out.extend_from_slice(&(!sum).to_le_bytes());
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out
}

#[test]
fn a_feed_that_is_not_there_is_said_to_be_not_there() {
    let deck = Tapedeck::new();
    let began = std::time::Instant::now();
    let outcome = deck.run("record", ["--feed", "ws://127.0.0.1:1", "--for", "2s"]);
    assert!(began.elapsed() < Duration::from_secs(30), "{outcome:#?}");
    assert!(matches!(outcome.code, Some(0..=2)), "{outcome:#?}");
    if outcome.code == Some(0) {
        assert_eq!(number(&outcome.json(), "frames"), 0);
    }
    let directory: &TempDir = &deck.data;
    assert!(directory.path().exists());
}
