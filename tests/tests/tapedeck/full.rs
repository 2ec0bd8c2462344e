//! A disk that is full: it is said, what was acknowledged stays, and with space the same command goes on.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tapedeck_tests::exchange::{Exchange, Options};
use tempfile::TempDir;

use crate::support::{MINUTES, Outcome, Running, binary, command, number, say, seed, skipped};
use crate::tier_steps::ticks;

/// How a disk comes to be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A file system of a few megabytes.
    Small,
    /// No file may grow beyond a size: what an account without any rights can do to itself.
    Limited,
}

struct Disk {
    kind: Kind,
    folder: TempDir,
    full: bool,
}

impl Disk {
    /// `None` where it can not be had.
    fn new(kind: Kind, kilobytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let there = match kind {
            Kind::Small => ran(Command::new("mount")
                .args(["-t", "tmpfs", "-o"])
                .arg(format!("size={kilobytes}k"))
                .arg("tmpfs")
                .arg(folder.path())),
            Kind::Limited => ran(&mut limited(kilobytes, Path::new("true"))),
        };
        there.then_some(Self { kind, folder, full: true })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, subcommand: &str, kilobytes: u64) -> Command {
        let plain = command(subcommand, &self.data());
        if self.kind == Kind::Small || !self.full {
            return plain;
        }
        let mut command = limited(kilobytes, &binary("TAPEDECK_BIN", "tapedeck"));
        command.args(plain.get_args()).env_remove("TAPEDECK_DATA").env_remove("TAPEDECK_FEED");
        command
    }

    fn run(&self, subcommand: &str, kilobytes: u64, arguments: &[&OsStr]) -> Outcome {
        let mut command = self.command(subcommand, kilobytes);
        command.args(arguments);
        Running::start(command).finish(2 * MINUTES)
    }

    /// Space returns.
    fn grow(&mut self) {
        self.full = false;
        if self.kind == Kind::Small {
            let grown = ran(Command::new("mount").args(["-o", "remount,size=1g"]).arg(self.folder.path()));
            assert!(grown, "a file system that was mounted can be made larger");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.kind == Kind::Small {
            ran(Command::new("umount").arg("-l").arg(self.folder.path()));
        }
    }
}

/// A program none of whose files may be larger, and that is told so rather than ended.
fn limited(kilobytes: u64, program: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"")).arg(program);
    command
}

fn ran(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Disks of every kind that can be had here.
fn disks(test: &str, small: u64, limited: u64) -> Vec<(Disk, u64)> {
    let wanted = [(Kind::Small, small), (Kind::Limited, limited)];
    let found: Vec<_> =
        wanted.into_iter().filter_map(|(kind, size)| Disk::new(kind, size).map(|disk| (disk, size))).collect();
    if !found.iter().any(|(disk, _)| disk.kind == Kind::Small) {
        skipped(&format!("{test} (a small file system)"), "no tmpfs can be mounted here: that takes root");
    }
    if found.is_empty() {
        skipped(test, "no file system can be mounted, and no size of files limited");
    }
    found
}

#[track_caller]
fn says_so(outcome: &Outcome, disk: Kind) {
    assert_eq!(outcome.code, Some(2), "{disk:?}: {outcome:#?}");
    let error = outcome.error();
    assert_eq!(error["code"], "disk_full", "{disk:?}: {error}");
    assert!(error["do"].as_str().is_some_and(|what| what.contains("Free some space")), "{disk:?}: {error}");
}

#[test]
fn an_import_onto_a_full_disk_loses_nothing_and_is_completed_by_another() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let (few, many) = (ticks(files.path(), 1, 200), ticks(files.path(), 2, 120_000));
    for (mut disk, size) in disks("an_import_onto_a_full_disk", 6_000, 1_500) {
        let import = |disk: &Disk, file: &Path| {
            disk.run("import", size, &["--pair".as_ref(), "BTC-USD".as_ref(), file.as_os_str()])
        };
        // The journal's file is as large from the beginning as it ever gets, so where files are limited nothing can be recorded at all.
        let small = disk.kind == Kind::Small;
        let first = import(&disk, &few);
        if small {
            assert_eq!(number(&first.expect(0).json(), "accepted"), 200);
        } else {
            says_so(&first, disk.kind);
        }
        let failed = import(&disk, &many);
        says_so(&failed, disk.kind);
        // Nor does trying again on the same disk make it worse.
        let again = import(&disk, &many);
        assert_eq!(again.code, Some(2), "{:?}: {again:#?}", disk.kind);

        disk.grow();
        let verdict = disk.run("verify", size, &[]).expect(0).json();
        assert_eq!(verdict["ok"], true, "{verdict}");
        let kept = number(&verdict, "records");
        assert!(kept >= if small { 201 } else { 0 }, "of the first file something is gone: {verdict}");
        let report = import(&disk, &many).expect(0).json();
        assert_eq!(number(&report, "accepted") + number(&report, "duplicates"), 120_000, "{report}");
        let report = import(&disk, &few).expect(0).json();
        assert_eq!(number(&report, if small { "duplicates" } else { "accepted" }), 200, "{report}");
        let tiers = disk.run("reconcile", size, &[]).expect(0).json();
        assert_eq!(number(&tiers, "ticks"), 120_200, "{tiers}");
        let verdict = disk.run("verify", size, &[]).expect(0).json();
        assert_eq!((verdict["ok"].as_bool(), number(&verdict, "records")), (Some(true), 120_202), "{verdict}");
        say(&format!(
            "{:?} disk: full after {kept} records, which are kept; the same import then completes: 120200 rows, each once",
            disk.kind
        ));
    }
}

#[test]
fn a_recording_onto_a_full_disk_stops_and_says_so_and_loses_nothing_it_acknowledged() {
    let exchange = Exchange::open(Options { messages_per_second: 2_000, time_scale: 3, ..Options::new(seed(61)) })
        .expect("loopback");
    let feed = exchange.feed_url();
    for (mut disk, size) in disks("a_recording_onto_a_full_disk", 3_000, 900) {
        std::fs::create_dir(disk.data()).expect("made");
        std::fs::write(disk.data().join("tapedeck.toml"), "archive_every_s = 1\n").expect("written");
        let record = |disk: &Disk, seconds: &str| {
            let mut command = disk.command("record", size);
            command.args(["--feed", &feed, "--acknowledge", "--for", seconds]);
            Running::start(command).finish(3 * MINUTES)
        };
        let stopped = record(&disk, "120s");
        says_so(&stopped, disk.kind);
        let mut acknowledged = BTreeSet::new();
        let mut last_seq = 0;
        let mut hear = |said: &str| {
            for line in said.lines() {
                let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
                let batch = &value["acknowledged"];
                last_seq = batch["seq"].as_u64().unwrap_or(last_seq);
                for trade in batch["trades"].as_array().into_iter().flatten() {
                    let known = (trade[0].as_str().unwrap_or_default().to_owned(), trade[1].as_u64());
                    assert!(acknowledged.insert(known), "{trade} was acknowledged twice");
                }
            }
            (last_seq, acknowledged.len())
        };
        let (seq, before) = hear(&stopped.stdout);
        assert!(before > 0 || disk.kind == Kind::Limited, "{stopped:#?}");

        disk.grow();
        let verdict = disk.run("verify", size, &[]).expect(0).json();
        assert_eq!(verdict["ok"], true, "{verdict}");
        assert!(number(&verdict, "last_seq") >= seq, "acknowledged through {seq}: {verdict}");
        let went_on = record(&disk, "3s").expect(0);
        let (_, after) = hear(&went_on.stdout);
        assert!(after > before, "it did not go on: {went_on:#?}");
        let tiers = disk.run("reconcile", size, &[]).expect(0).json();
        assert!(number(&tiers, "ticks") as usize >= acknowledged.len(), "{tiers}");
        let query = "SELECT pair, trade_id, count(*) AS n FROM cold.ticks WHERE kind = 'trade' GROUP BY pair, trade_id";
        let arguments: [&OsStr; 5] =
            [query.as_ref(), "--format".as_ref(), "json".as_ref(), "--rows".as_ref(), "1000000".as_ref()];
        let rows = disk.run("sql", size, &arguments).expect(0).json();
        let rows = rows.as_array().expect("rows");
        let whole = |value: &Value| value.to_string().trim_matches('"').parse::<u64>().ok();
        assert!(rows.iter().all(|row| whole(&row["n"]) == Some(1)), "a trade is there twice");
        let found: BTreeSet<_> = rows
            .iter()
            .map(|row| (row["pair"].as_str().unwrap_or_default().to_owned(), whole(&row["trade_id"])))
            .collect();
        let lost: Vec<_> = acknowledged.difference(&found).take(5).collect();
        assert!(lost.is_empty(), "acknowledged, and gone: {lost:?}");
        say(&format!(
            "{:?} disk: {before} trades acknowledged before it was full, none lost; {after} in the end",
            disk.kind
        ));
    }
}
