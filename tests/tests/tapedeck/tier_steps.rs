//! Every step of every commit to a tier is one at which the power can go, or the disk fail; so is any moment between. Afterwards each row is
//! there once.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use tapedeck_core::tiers::{cold, warm};

use crate::support::{Running, Tapedeck, counts, number, say, seed};

/// Rows of trades, four a second, different ones for each number.
pub(crate) fn ticks(folder: &Path, number: u64, rows: u64) -> PathBuf {
    let file = folder.join(format!("ticks-{number}.csv"));
    let mut text = String::from("trade_id,time,price,size,taker_side\n");
    for trade in 0..rows {
        let second = 1_704_067_200 + number * 120 + trade / 4;
        text += &format!("{},{second},{}.25,0.5,buy\n", number * 1_000 + trade, 40_000 + trade % 1_000);
    }
    std::fs::write(&file, text).expect("written");
    file
}

fn named(steps: &[&'static str], prefixes: &[&str]) -> Vec<&'static str> {
    let found: Vec<_> = steps.iter().copied().filter(|step| prefixes.iter().any(|p| step.starts_with(p))).collect();
    assert!(found.len() >= prefixes.len(), "{prefixes:?} name nothing");
    found
}

struct Steps {
    deck: Tapedeck,
    files: u64,
    kills: u64,
}

impl Steps {
    /// Imports the next file. `None` when the program was killed on the way.
    fn import(&mut self, fail_at: Option<&str>) -> (PathBuf, Option<i32>) {
        self.files += 1;
        let file = ticks(self.deck.data.path(), self.files, 200);
        let code = self.again(&file, fail_at);
        (file, code)
    }

    fn again(&self, file: &Path, fail_at: Option<&str>) -> Option<i32> {
        let mut command = self.deck.command("import");
        command.args(["--pair", "BTC-USD"]).arg(file);
        if let Some(step) = fail_at {
            command.env("TAPEDECK_FAIL_AT", step);
        }
        command.output().expect("the command starts").status.code()
    }

    /// Imports one file after another until one dies at a step that not every import comes by.
    fn die_at(&mut self, step: &str, within: u64) {
        let killed = (0..within).any(|_| self.import(Some(step)).1.is_none());
        assert!(killed, "{step} was not reached in {within} imports");
        self.kills += 1;
        self.all_there_once(step);
    }

    fn all_there_once(&self, after: &str) {
        let found = self.deck.run::<&str>("reconcile", []);
        assert_eq!(found.code, Some(0), "after {after}: {found:#?}");
        let found = found.json();
        assert_eq!(number(&found, "ticks"), self.files * 200, "after {after}: {found}");
    }

    /// Of a directory that got the same files, and was never interrupted.
    fn unbroken(&self) -> Value {
        let deck = Tapedeck::new();
        for file in 1..=self.files {
            let file = ticks(deck.data.path(), file, 200);
            deck.import(&["--pair".as_ref(), "BTC-USD".as_ref(), file.as_os_str()]);
        }
        deck.verified()["state_hash"].clone()
    }
}

#[test]
fn whatever_step_of_a_commit_is_the_last_each_row_is_there_once() {
    let mut steps = Steps { deck: Tapedeck::new(), files: 0, kills: 0 };
    let append = named(&cold::STEPS, &["cold.file.", "cold.append.", "cold.commit."]);
    let put = named(&warm::STEPS, &["warm.put."]);
    let mut failures = 0;
    for _ in 0..counts(1, 8) {
        for step in append.iter().chain(&put) {
            let (file, code) = steps.import(Some(step));
            assert_eq!(code, None, "{step} was not reached");
            steps.kills += 1;
            assert_eq!(steps.again(&file, None), Some(0), "{step} could not be recovered from");
        }
        steps.all_there_once("being killed at each step");
        for step in append.iter().chain(&put) {
            let (file, code) = steps.import(Some(&format!("error:{step}")));
            // What had happened by then is done, and said to be: only the last steps leave nothing to report.
            let after_the_fact = *step == "cold.commit.done";
            assert_eq!(code, Some(if after_the_fact { 0 } else { 2 }), "an error at {step}");
            failures += 1;
            assert_eq!(steps.again(&file, None), Some(0), "{step} could not be recovered from");
        }
        steps.all_there_once("an error at each step");
        for step in named(&cold::STEPS, &["cold.compact."]) {
            steps.die_at(step, 12);
        }
    }
    if counts(false, true) {
        // Candles are compacted after 64 commits, and states let go when there are more than ninety.
        for step in named(&warm::STEPS, &["warm.compact.", "warm.sweep."]) {
            steps.die_at(step, 140);
        }
        for step in named(&cold::STEPS, &["cold.expire."]) {
            steps.die_at(step, 140);
        }
    }
    for step in named(&cold::STEPS, &["cold.orphans."]) {
        let orphan = steps.deck.data.path().join("cold/market/ticks/data/left-behind.parquet");
        std::fs::write(&orphan, b"PAR1").expect("planted");
        let file = std::fs::File::options().write(true).open(&orphan).expect("there");
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3 * 86_400)).expect("aged");
        steps.die_at(step, 1);
        assert!(!orphan.exists(), "it was not taken for an orphan");
    }
    // Each file brought in full, and its lane closed, as if nothing had happened.
    for file in 1..=steps.files {
        let file = ticks(steps.deck.data.path(), file, 200);
        assert_eq!(steps.again(&file, None), Some(0));
    }
    assert_eq!(steps.deck.verified()["state_hash"], steps.unbroken(), "the state is not that of an unbroken run");
    say(&format!(
        "{} kills and {failures} errors at named steps of commits: {} rows, each there once",
        steps.kills,
        steps.files * 200
    ));
}

/// Rows of a file that is several groups in the journal, the last of them full: what closes it is a commit of its own.
const ROWS: u64 = 3 * 16_384;

#[test]
fn an_import_killed_at_any_moment_and_repeated_is_the_import() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let file = ticks(files.path(), 1, ROWS);
    let arguments: [&OsStr; 3] = ["--pair".as_ref(), "BTC-USD".as_ref(), file.as_os_str()];
    let unbroken = Tapedeck::new();
    let began = Instant::now();
    assert_eq!(number(&unbroken.import(&arguments), "accepted"), ROWS);
    let takes = began.elapsed().as_micros() as u64;
    let state = unbroken.verified()["state_hash"].clone();

    let mut dice = ChaCha8Rng::seed_from_u64(seed(43));
    let (mut kills, mut completed) = (0, 0);
    while kills < counts(9, 120) {
        let deck = Tapedeck::new();
        let mut durable = 0;
        for _ in 0..3 {
            let mut importing = Running::start({
                let mut command = deck.command("import");
                command.args(arguments);
                command
            });
            std::thread::sleep(Duration::from_micros(dice.next_u64() % (takes + takes / 8)));
            if importing.ended() {
                completed += 1;
            } else {
                importing.kill();
                kills += 1;
            }
            let last = number(&deck.verified(), "last_seq");
            assert!(last >= durable, "of {durable} durable records {last} are left");
            durable = last;
        }
        let rest = deck.import(&arguments);
        assert_eq!(number(&rest, "accepted") + number(&rest, "duplicates"), ROWS, "{rest}");
        assert_eq!(deck.verified()["state_hash"], state, "the state is not that of an unbroken run");
        let tiers = deck.run::<&str>("reconcile", []).expect(0).json();
        assert_eq!(number(&tiers, "ticks"), ROWS, "{tiers}");
    }
    say(&format!("an import killed at {kills} moments ({completed} came through first): {ROWS} rows, each there once"));
}
