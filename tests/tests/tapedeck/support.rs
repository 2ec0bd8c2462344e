//! Running the binaries, and comparing what they say with the truth.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tapedeck_tests::bars::Bar;
use tapedeck_tests::exchange::Truth;
use tapedeck_tests::figures::{nanos, units};
use tempfile::TempDir;

pub(crate) const MINUTES: Duration = Duration::from_secs(60);

/// Past libtest's capture: a figure or a skip that nobody sees is none.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Loudly, and on the list that `TAPEDECK_SKIPS` names.
pub(crate) fn skipped(test: &str, reason: &str) {
    say(&format!("SKIPPED: {test}: {reason}"));
    if let Some(list) = std::env::var_os("TAPEDECK_SKIPS")
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(list)
    {
        let _ = writeln!(file, "{test}: {reason}");
    }
}

/// `usual` by default, `full` under `TAPEDECK_SOAK=1`.
pub(crate) fn counts<T>(usual: T, full: T) -> T {
    if std::env::var("TAPEDECK_SOAK").is_ok_and(|v| v == "1") { full } else { usual }
}

pub(crate) fn seed(usual: u64) -> u64 {
    std::env::var("TAPEDECK_TEST_SEED").ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

/// A binary built beside this test: `<target>/debug/deps/tapedeck-…` → `<target>/debug/<name>`.
pub(crate) fn binary(variable: &str, name: &str) -> PathBuf {
    if let Some(given) = std::env::var_os(variable) {
        return given.into();
    }
    let test = std::env::current_exe().expect("a running test has a path");
    test.ancestors().nth(2).expect("a test lies in <target>/<profile>/deps").join(name)
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file under a folder.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

/// The real BTC day, which ships.
pub(crate) fn btc_day() -> PathBuf {
    repository().join("core/sample/BTCUSDT-2024-01-01.parquet")
}

/// `shared/data/…`, or `None` after saying that it is not here.
pub(crate) fn shared_data(test: &str, path: &str) -> Option<PathBuf> {
    let file = repository().join("../shared/data").join(path);
    if file.exists() {
        return Some(file);
    }
    skipped(test, &format!("{} is not on this machine", file.display()));
    None
}

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The last line of standard output, which is one JSON object (or array).
    pub(crate) fn json(&self) -> Value {
        let last = self.stdout.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default();
        serde_json::from_str(last)
            .or_else(|_| serde_json::from_str(&self.stdout))
            .unwrap_or_else(|e| panic!("not JSON ({e}): {self:#?}"))
    }

    /// `{"error":{code, what, kept, do}}` of standard error.
    pub(crate) fn error(&self) -> Value {
        let found =
            self.stderr.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()).find(|v| v["error"].is_object());
        found.or_else(|| serde_json::from_str(&self.stderr).ok()).map_or(Value::Null, |v| v["error"].clone())
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// All it said, in one text.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The command, on a data directory that goes when this does.
pub(crate) struct Tapedeck {
    pub(crate) data: TempDir,
}

impl Tapedeck {
    pub(crate) fn new() -> Self {
        Self { data: TempDir::with_prefix("tapedeck-test-").expect("a temporary directory can be made") }
    }

    pub(crate) fn command(&self, subcommand: &str) -> Command {
        command(subcommand, self.data.path())
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, subcommand: &str, arguments: impl IntoIterator<Item = S>) -> Outcome {
        let mut command = self.command(subcommand);
        command.args(arguments);
        Running::start(command).finish(10 * MINUTES)
    }

    pub(crate) fn start<S: AsRef<OsStr>>(&self, subcommand: &str, arguments: impl IntoIterator<Item = S>) -> Running {
        let mut command = self.command(subcommand);
        command.args(arguments);
        Running::start(command)
    }

    pub(crate) fn import(&self, arguments: &[&OsStr]) -> Value {
        self.run("import", arguments).expect(0).json()
    }

    /// A directory that `verify` finds sound.
    #[track_caller]
    pub(crate) fn verified(&self) -> Value {
        let verdict = self.run::<&str>("verify", []).expect(0).json();
        assert_eq!(verdict["ok"], true, "{verdict}");
        assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(0), "{verdict}");
        verdict
    }

    /// Bars by the nanosecond their minute starts at, and what each is worth.
    #[track_caller]
    pub(crate) fn candles(&self, pair: &str, source: Option<&str>) -> BTreeMap<i64, (Bar, String)> {
        let mut arguments = vec![pair, "--interval", "1m", "--format", "json"];
        arguments.extend(source.map(|s| ["--source", s]).into_iter().flatten());
        let rows = self.run("candles", arguments).expect(0).json();
        rows.as_array().unwrap_or_else(|| panic!("candles are an array: {rows}")).iter().map(bar).collect()
    }
}

pub(crate) fn command(subcommand: &str, data: &Path) -> Command {
    command_of(&tapedeck(), subcommand, data)
}

/// The command as everyone has it.
pub(crate) fn tapedeck() -> PathBuf {
    binary("TAPEDECK_BIN", "tapedeck")
}

/// As `command`, of a binary that was built in another way.
pub(crate) fn command_of(binary: &Path, subcommand: &str, data: &Path) -> Command {
    assert!(
        binary.exists(),
        "{} is not built: `cargo build -p tapedeck-core`, or name another in TAPEDECK_BIN",
        binary.display()
    );
    let mut command = Command::new(binary);
    command
        .arg(subcommand)
        .arg("--data")
        .arg(data)
        .arg("--json")
        .env_remove("TAPEDECK_DATA")
        .env_remove("TAPEDECK_FEED");
    command
}

fn bar(row: &Value) -> (i64, (Bar, String)) {
    let number = |name: &str| {
        let text = row[name].as_str().unwrap_or_else(|| panic!("{name} is a text: {row}"));
        units(text).unwrap_or_else(|| panic!("{name} is a decimal: {row}"))
    };
    let time = row["time"].as_str().and_then(nanos).unwrap_or_else(|| panic!("time is RFC 3339: {row}"));
    let bar = Bar {
        open: number("open"),
        high: number("high"),
        low: number("low"),
        close: number("close"),
        volume: number("volume"),
        count: row["tick_count"].as_u64().unwrap_or_else(|| panic!("tick_count is a number: {row}")),
    };
    (time, (bar, row["quality"].as_str().unwrap_or_default().to_owned()))
}

/// Names the first minutes that differ, since a thousand equal ones say nothing.
#[track_caller]
pub(crate) fn assert_same_bars(what: &str, found: &BTreeMap<i64, (Bar, String)>, truth: &BTreeMap<i64, Bar>) {
    let mut different = Vec::new();
    for minute in found.keys().chain(truth.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (got, expected) = (found.get(minute), truth.get(minute));
        if got.map(|(bar, _)| bar) != expected {
            different.push(format!("  minute {minute}: found {got:?}\n    truth {expected:?}"));
        }
    }
    assert!(
        different.is_empty(),
        "{what}: {} of {} minutes differ:\n{}",
        different.len(),
        truth.len(),
        different.into_iter().take(5).collect::<Vec<_>>().join("\n")
    );
}

/// A process of ours: killed and waited for when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} can not be started: {e}"));
        let (to, lines) = channel();
        let stdout = child.stdout.take().expect("standard output is piped");
        let stdout = std::thread::spawn(move || {
            let mut all = String::new();
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                all.push_str(&text);
                // A line cut short by a kill was never said.
                if text.ends_with('\n') {
                    let _ = to.send(text);
                }
                line.clear();
            }
            all
        });
        let mut errors = child.stderr.take().expect("standard error is piped");
        let stderr = std::thread::spawn(move || {
            let mut all = Vec::new();
            let _ = errors.read_to_end(&mut all);
            String::from_utf8_lossy(&all).into_owned()
        });
        Running { child, lines, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line said, complete with its end.
    pub(crate) fn line(&self, patience: Duration) -> Option<String> {
        self.lines.recv_timeout(patience).ok()
    }

    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// SIGTERM, and what it says at the end.
    #[track_caller]
    pub(crate) fn terminate(self, patience: Duration) -> Outcome {
        let sent = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        assert!(sent.is_ok_and(|s| s.success()), "SIGTERM could not be sent to {}", self.pid());
        self.finish(patience)
    }

    /// SIGKILL, and the whole lines it had said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its end of the pipe is closed: the reader comes to the end.
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv() {
            lines.push(line);
        }
        lines
    }

    #[track_caller]
    pub(crate) fn finish(mut self, patience: Duration) -> Outcome {
        let status = self.wait(patience);
        if status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let take = |handle: &mut JoinHandle<String>| {
            std::mem::replace(handle, std::thread::spawn(String::new)).join().unwrap_or_default()
        };
        let (stdout, stderr) = (take(&mut self.stdout), take(&mut self.stderr));
        let outcome = Outcome { code: status.and_then(|s| s.code()), stdout, stderr };
        assert!(status.is_some(), "not done within {patience:?}: {outcome:#?}");
        outcome
    }

    fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} is a count: {value}"))
}

/// Invariant 11, to the last frame.
#[track_caller]
pub(crate) fn assert_frames_add_up(counts: &Value) {
    let kinds = ["trades", "quotes", "control", "history", "ignored", "duplicates", "quarantined"];
    let sum: u64 = kinds.iter().map(|kind| number(counts, kind)).sum();
    assert_eq!(number(counts, "frames"), sum, "frames are not the sum of their kinds: {counts}");
}

/// Ids a record's final word lists as missing, by pair.
pub(crate) fn listed_missing(last_word: &Value) -> BTreeMap<String, std::collections::BTreeSet<u64>> {
    let mut missing: BTreeMap<String, std::collections::BTreeSet<u64>> = BTreeMap::new();
    for gap in last_word["gaps"].as_array().into_iter().flatten() {
        let pair = gap["pair"].as_str().unwrap_or_default().to_owned();
        let (first, last) = (number(gap, "first"), number(gap, "last"));
        assert!(first <= last, "a gap that ends before it begins: {gap}");
        assert_eq!(number(gap, "missing"), last - first + 1, "{gap}");
        let ids = missing.entry(pair).or_default();
        for id in first..=last {
            assert!(ids.insert(id), "listed as missing twice: {gap}");
        }
    }
    missing
}

/// Every trade that could be known is in the candles once, or is listed as missing; nothing else is in either.
#[track_caller]
pub(crate) fn assert_nothing_lost_or_doubled(deck: &Tapedeck, truth: &Truth, last_word: &Value, source: Option<&str>) {
    let missing = listed_missing(last_word);
    let none = std::collections::BTreeSet::new();
    for pair in truth.trades.keys() {
        let gone = missing.get(pair).unwrap_or(&none);
        let known: std::collections::BTreeSet<u64> = truth.knowable(pair).map(|p| p.trade_id).collect();
        assert!(
            gone.is_subset(&known),
            "{pair}: listed as missing, but never traded: {:?}",
            gone.difference(&known).take(5).collect::<Vec<_>>()
        );
        let kept = tapedeck_tests::bars::minutes(truth.knowable(pair).filter(|p| !gone.contains(&p.trade_id)));
        let found = deck.candles(pair, source);
        assert_same_bars(&format!("{pair} ({} listed as missing)", gone.len()), &found, &kept);
        for print in truth.knowable(pair).filter(|p| gone.contains(&p.trade_id)) {
            let minute = print.time.div_euclid(tapedeck_tests::figures::MINUTE) * tapedeck_tests::figures::MINUTE;
            if let Some((_, quality)) = found.get(&minute) {
                assert!(
                    quality != "complete",
                    "{pair}: the minute {minute} lacks trade {} and calls itself complete",
                    print.trade_id
                );
            }
        }
    }
}
