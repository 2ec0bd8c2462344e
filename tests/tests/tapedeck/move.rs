//! A data directory goes to another place, or was found in one: the same answers, from every engine and of every kept state.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tapedeck_core::session::moving::MOVE_STEPS;
use tapedeck_core::tiers::cold;
use tempfile::TempDir;

use crate::lake::{read_by_others, readers};
use crate::support::{MINUTES, Outcome, Running, command, counts, number, say, walk};
use crate::tier_steps::ticks;

fn run<S: AsRef<OsStr>>(data: &Path, subcommand: &str, arguments: impl IntoIterator<Item = S>) -> Outcome {
    let mut command = command(subcommand, data);
    command.args(arguments);
    Running::start(command).finish(MINUTES)
}

fn import(data: &Path, file: &Path) -> Outcome {
    run::<&OsStr>(data, "import", ["--pair".as_ref(), "BTC-USD".as_ref(), file.as_os_str()])
}

fn sql(data: &Path, query: &str, more: &[&str]) -> Value {
    let arguments = [query, "--format", "json"].into_iter().chain(more.iter().copied());
    run(data, "sql", arguments).expect(0).json()
}

/// Folders on two disks where there are two, and one data directory with three states.
struct Places {
    files: TempDir,
    here: TempDir,
    there: TempDir,
    imported: u64,
    answers: Vec<Value>,
}

/// Rows of a file, each a commit of its own; a day that is over is joined after each.
const ROWS: u64 = 200;

impl Places {
    fn new() -> Self {
        let temporary = || tempfile::tempdir().expect("a temporary directory");
        let there = if other_disk().is_some() { TempDir::new_in("/dev/shm") } else { TempDir::new() };
        let (files, here, there) = (temporary(), temporary(), there.expect("a temporary directory"));
        let mut places = Self { files, here, there, imported: 0, answers: Vec::new() };
        for _ in 0..3 {
            places.import(&places.old());
        }
        places.answers = answers(&places.old());
        places
    }

    fn old(&self) -> PathBuf {
        self.here.path().join("old")
    }

    fn import(&mut self, data: &Path) {
        self.imported += 1;
        let report = import(data, &ticks(self.files.path(), self.imported, ROWS)).expect(0).json();
        assert_eq!(number(&report, "accepted"), ROWS);
    }

    /// The rows of each state, oldest first.
    fn states(&self) -> Vec<Value> {
        let states = self.answers.last().and_then(Value::as_array).expect("they come last");
        states.iter().map(|state| state["rows"].clone()).collect()
    }

    /// The directory is at this place and at no other, and is what it was.
    #[track_caller]
    fn assert_whole(&self, at: &Path, not_at: &Path) {
        assert!(!not_at.join("journal").exists(), "{} is still there", not_at.display());
        assert_eq!(answers(at), self.answers, "{} gives other answers", at.display());
        let tiers = run::<&str>(at, "reconcile", []).expect(0).json();
        assert_eq!(number(&tiers, "ticks"), self.imported * ROWS);
        let verdict = run::<&str>(at, "verify", []).expect(0).json();
        assert_eq!(verdict["ok"], true, "{verdict}");
    }
}

/// Where another file system is than that of temporary files.
fn other_disk() -> Option<&'static Path> {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| std::fs::metadata(path).ok().map(|found| found.dev());
    let memory = Path::new("/dev/shm");
    let other = device(memory).is_some() && device(memory) != device(&std::env::temp_dir());
    other.then_some(memory)
}

/// What is asked of a directory: its present, each earlier state, the candles.
fn answers(data: &Path) -> Vec<Value> {
    let cold =
        "SELECT count(*) AS n, sum(price * size) AS turnover, min(seq) AS first, max(seq) AS last FROM cold.ticks";
    let mut found =
        vec![sql(data, cold, &[]), sql(data, "SELECT count(*) AS n, sum(volume) AS volume FROM warm.candles", &[])];
    let states = run::<&str>(data, "snapshots", []).expect(0).json();
    for state in states.as_array().expect("states") {
        let answer = sql(data, cold, &["--snapshot", &state["id"].to_string()]);
        assert_eq!(answer[0]["n"].to_string().trim_matches('"'), state["rows"].to_string(), "{state}");
        found.push(answer);
    }
    found.push(states);
    found
}

#[track_caller]
fn refused(outcome: &Outcome, code: &str) {
    assert_eq!(outcome.code, Some(2), "{outcome:#?}");
    assert_eq!(outcome.error()["code"], code, "{outcome:#?}");
}

#[test]
fn a_directory_that_is_moved_answers_as_before_and_is_written_to() {
    let mut places = Places::new();
    let states = places.states();
    assert!(states.len() >= 3, "{states:?}");
    let (old, new) = (places.old(), places.here.path().join("not/yet/there"));
    let report = run(&old, "move", [&new]).expect(0).json();
    assert_eq!(report["way"], "renamed", "{report}");
    assert_eq!(number(&report, "snapshots") as usize, states.len(), "{report}");
    assert_eq!(report["findings"], serde_json::json!([]));
    places.assert_whole(&new, &old);
    assert!(!old.exists());

    // Once more changes nothing, and is no error: a script that was interrupted may repeat it.
    let again = run(&old, "move", [&new]).expect(0).json();
    assert_eq!((again["way"].as_str(), number(&again, "snapshots")), (Some("found"), 0), "{again}");

    // An empty directory will do, on another disk where there is one.
    let far = places.there.path().to_owned();
    let report = run(&new, "move", [&far]).expect(0).json();
    if other_disk().is_some() {
        assert_eq!(report["way"], "copied", "{report}");
        assert!(number(&report, "files") > 10 && number(&report, "bytes") > 10_000, "{report}");
    }
    places.assert_whole(&far, &new);

    if let Some(python) = readers("a_directory_that_is_moved (other engines)") {
        let read = read_by_others(&python, &far, &[]);
        for engine in ["pyiceberg", "duckdb"] {
            assert_eq!(number(&read[engine], "trades"), places.imported * ROWS, "{engine}: {read}");
        }
        assert_eq!(read["pyiceberg"]["rows_of_states"].as_array(), Some(&states), "{read}");
        assert_eq!(read["pypaimon"]["candles"].as_array().map(Vec::len), Some(3), "{read}");
    }

    let findings = run::<&str>(&far, "doctor", []);
    let cold = check(&findings.json(), "cold");
    assert_eq!(cold["ok"], true, "{cold}");
    for _ in 0..2 {
        places.import(&far);
    }
    places.answers = answers(&far);
    places.assert_whole(&far, &new);
}

fn check(doctor: &Value, name: &str) -> Value {
    let checks = doctor["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {doctor}")).clone()
}

#[test]
fn a_directory_that_was_moved_by_hand_says_so_and_is_mended() {
    let mut places = Places::new();
    let (old, new) = (places.old(), places.here.path().join("new"));
    std::fs::rename(&old, &new).expect("moved");
    let mends = format!("tapedeck --data {0} move {0}", new.display());

    let next = ticks(places.files.path(), places.imported + 1, ROWS);
    let outcome = import(&new, &next);
    refused(&outcome, "data_directory_moved");
    assert!(outcome.error()["what"].as_str().is_some_and(|what| what.contains(&mends)), "{outcome:#?}");
    let outcome = run(&new, "sql", ["SELECT count(*) FROM cold.ticks"]);
    assert!(outcome.code == Some(2) && outcome.said().contains(&mends), "{outcome:#?}");
    let doctor = run::<&str>(&new, "doctor", []);
    assert_eq!(doctor.code, Some(1), "{doctor:#?}");
    let found = check(&doctor.json(), "cold");
    assert_eq!(found["ok"], false, "{found}");
    assert!(found["what"].as_str().is_some_and(|what| what.contains(&mends)), "{found}");
    assert!(!old.exists(), "something was made at the old place");

    let report = run(&new, "move", [&new]).expect(0).json();
    assert_eq!((report["way"].as_str(), number(&report, "snapshots") as usize), (Some("found"), places.states().len()));
    let cold = check(&run::<&str>(&new, "doctor", []).json(), "cold");
    assert_eq!(cold["ok"], true, "{cold}");
    // What was imported meanwhile is in the journal, and now arrives.
    places.imported += 1;
    let report = import(&new, &next).expect(0).json();
    assert_eq!(number(&report, "duplicates"), ROWS, "{report}");
    places.answers = answers(&new);
    places.assert_whole(&new, &old);

    // A copy by hand becomes a directory of its own, and the original stays what it is.
    let copy = places.here.path().join("copy");
    let copied = std::process::Command::new("cp").arg("-a").arg(&new).arg(&copy).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp -a");
    refused(&import(&copy, &next), "data_directory_moved");
    run(&copy, "move", [&copy]).expect(0);
    places.assert_whole(&new, &old);
    places.assert_whole(&copy, &old);
    places.import(&copy);
    places.imported -= 1;
    places.assert_whole(&new, &old);

    // A file that was lost on the way is told.
    for file in walk(&copy.join("cold/market/ticks/data")) {
        std::fs::remove_file(file).expect("removed");
    }
    let doctor = run::<&str>(&copy, "doctor", []).expect(1);
    let found = check(&doctor.json(), "cold");
    assert!(found["what"].as_str().is_some_and(|what| what.contains("is missing")), "{found}");
}

#[test]
fn a_move_that_can_not_be_is_refused_and_changes_nothing() {
    let places = Places::new();
    let (old, occupied) = (places.old(), places.here.path().join("occupied"));
    std::fs::create_dir(&occupied).expect("made");
    std::fs::write(occupied.join("letter.txt"), b"dear").expect("written");
    refused(&run(&old, "move", [&occupied]), "directory_occupied");
    refused(&run(&old, "move", [old.join("inside")]), "directory_within");
    refused(&run(&old, "move", [places.here.path()]), "directory_occupied");
    let nowhere = places.here.path().join("nowhere");
    refused(&run(&nowhere, "move", [places.here.path().join("new")]), "no_data_directory");
    // Somebody else's directory is not taken for what a move left behind.
    refused(&run(&nowhere, "move", [&old]), "no_data_directory");
    assert!(!nowhere.exists());

    // Whoever opens it to write puts its own name there.
    let holder = || std::fs::read_to_string(old.join("writer.lock")).unwrap_or_default();
    let before = holder();
    let exclusive = Running::start({
        let mut command = command("record", &old);
        command.args(["--feed", "ws://127.0.0.1:9", "--acknowledge"]);
        command
    });
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while (holder() == before || holder().is_empty()) && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let new = places.here.path().join("new");
    refused(&run(&old, "move", [&new]), "data_directory_in_use");
    exclusive.kill();
    assert!(!new.exists());
    places.assert_whole(&old, &new);
}

#[test]
fn a_move_that_is_killed_leaves_one_whole_directory_or_is_finished_by_the_same_command() {
    let places = Places::new();
    let (mut at, mut next) = (places.old(), places.here.path().join("next"));
    let relocation: Vec<&str> = cold::STEPS
        .into_iter()
        .filter(|step| {
            step.starts_with("cold.file.") || step.starts_with("cold.commit.") && *step != "cold.commit.metadata"
        })
        .chain(cold::RELOCATION_STEPS)
        .collect();
    let renaming = MOVE_STEPS.into_iter().filter(|step| step.starts_with("move.rename"));
    let copying = MOVE_STEPS.into_iter().filter(|step| !step.starts_with("move.rename"));
    let renaming: Vec<_> = renaming.chain(relocation.iter().copied()).map(|step| (step, false)).collect();
    let copying: Vec<_> = copying.chain(relocation.iter().copied()).map(|step| (step, true)).collect();

    let (mut kills, mut opened) = (0, [0; 3]);
    for (step, copies) in renaming.into_iter().chain(copying) {
        for kind in counts(&["", "error:"][..1], &["", "error:"][..]) {
            let fail_at = format!("{}{kind}{step}", if copies { "error:move.rename," } else { "" });
            if fail_at == "error:move.rename" {
                continue;
            }
            let mut command = command("move", &at);
            let code = command.arg(&next).env("TAPEDECK_FAIL_AT", &fail_at).output().expect("it starts").status.code();
            match *kind {
                "" => assert_eq!(code, None, "{fail_at} was not reached"),
                _ => assert_eq!(code, Some(if step == "cold.commit.done" { 0 } else { 2 }), "{fail_at}"),
            }
            kills += u64::from(kind.is_empty());
            // One of them opens, or none; never both.
            let opens = |place: &Path| {
                place.join("journal").exists()
                    && run(place, "sql", ["SELECT count(*) AS n FROM cold.ticks", "--format", "json"]).code == Some(0)
            };
            match (opens(&at), opens(&next)) {
                (true, true) => panic!("after {fail_at} there are two"),
                (true, false) => opened[0] += 1,
                (false, true) => opened[1] += 1,
                (false, false) => opened[2] += 1,
            }
            if opens(&at) {
                assert_eq!(answers(&at), places.answers, "after {fail_at}");
            }
            let finished = run(&at, "move", [&next]);
            assert_eq!(finished.code, Some(0), "after {fail_at}: {finished:#?}");
            assert!(!at.exists(), "after {fail_at} something stays at the old place");
            places.assert_whole(&next, &at);
            std::mem::swap(&mut at, &mut next);
        }
    }
    say(&format!(
        "a move killed {kills} times: {} times the old place opened, {} times the new, {} times neither until the command was repeated",
        opened[0], opened[1], opened[2]
    ));
}
