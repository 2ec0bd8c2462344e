//! The system this one grew from woke up $600 000 richer. The three bugs that did it are put back, one at a time, each in a command of
//! its own, over real tables: `verify` finds each by name, and finds nothing without them.
//!
//! Those commands are built by `.ci/run`, by `make soak`, and by `make test` under `TAPEDECK_BUG_BUILDS=1`. `TAPEDECK_BUGS` names their folder.

use std::path::{Path, PathBuf};

use tapedeck_tests::figures::units;

use crate::support::{MINUTES, Outcome, Running, Tapedeck, command_of, say, skipped, tapedeck};

/// In USD at 1e-8, as the configuration has it by default.
const OPENING_DEPOSIT: i128 = 100_000 * 100_000_000;
const DEPOSIT: i128 = 250 * 100_000_000;

/// The second begins where the first ended: what a process that resumes does wrong, it does then.
const TWO_EVENINGS: usize = 2;

/// Each commits once to the table of balances, which compacts itself at the 24th. From then on its folder holds what it has replaced.
const EVENINGS_TO_A_COMPACTION: usize = 25;

#[test]
fn a_delta_that_is_applied_again_on_resume_is_found() {
    let Some(tables) = caught("duplicate-delta", "duplicate_delta", TWO_EVENINGS) else { return };
    // What it left in the tables, anyone finds.
    assert!(findings(&tapedeck(), &tables).contains(&"duplicate_delta".to_owned()));
}

#[test]
fn a_finished_job_that_is_run_again_is_found() {
    let Some(tables) = caught("job-rerun", "job_rerun", TWO_EVENINGS) else { return };
    assert!(findings(&tapedeck(), &tables).contains(&"job_rerun".to_owned()));
}

#[test]
fn a_reader_that_adds_up_replaced_files_is_found() {
    let Some(tables) = caught("folder-read", "folder_read", EVENINGS_TO_A_COMPACTION) else { return };
    // It was the reader alone: of the same tables everyone else reads the truth.
    tables.verified();
    assert_eq!(cash(&tapedeck(), &tables), truth(EVENINGS_TO_A_COMPACTION));
}

/// The same evenings by the command as everyone has it, and by the one with the bug. Answers what the second left.
#[track_caller]
fn caught(bug: &str, code: &str, evenings: usize) -> Option<Tapedeck> {
    let Some(with_the_bug) = command_with(bug) else {
        let reason = format!("no command with `bug-{bug}` is built: `make soak`, or TAPEDECK_BUG_BUILDS=1 make test");
        skipped(&format!("three_bugs ({code})"), &reason);
        return None;
    };
    let sound = Tapedeck::new();
    for evening in 0..evenings {
        assert_eq!(spend(&tapedeck(), &sound, evening).code, Some(0), "the tables differ without the bug");
    }
    sound.verified();
    assert_eq!(cash(&tapedeck(), &sound), truth(evenings));

    let richer = Tapedeck::new();
    for evening in 0..evenings {
        // `reconcile` may have found it by now.
        let reconciled = spend(&with_the_bug, &richer, evening);
        assert!(matches!(reconciled.code, Some(0 | 1)), "{reconciled:#?}");
    }
    let made = cash(&with_the_bug, &richer) - truth(evenings);
    assert!(made >= OPENING_DEPOSIT, "the bug `{bug}` does no harm here: {made} units were made");
    let found = findings(&with_the_bug, &richer);
    assert!(found.iter().any(|found| found == code), "{code} is not among what was found: {found:?}");
    say(&format!("  {bug}: {} USD from nowhere, found as {code}", made / 100_000_000));
    Some(richer)
}

/// The codes of what `verify` finds wrong.
#[track_caller]
fn findings(binary: &Path, deck: &Tapedeck) -> Vec<String> {
    let verdict = run(binary, deck, "verify", &[]).expect(1).json();
    let found = verdict["findings"].as_array().unwrap_or_else(|| panic!("findings are a list: {verdict}"));
    found.iter().filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect()
}

/// Cash is put in by one process and carried into the tables by another, which then compares them.
fn spend(binary: &Path, deck: &Tapedeck, evening: usize) -> Outcome {
    run(binary, deck, "deposit", &["250", "--id", &format!("evening-{evening}")]).expect(0);
    run(binary, deck, "reconcile", &[])
}

/// What the trader has after so many evenings.
fn truth(evenings: usize) -> i128 {
    OPENING_DEPOSIT + DEPOSIT * evenings as i128
}

/// What a query of the tables says that the trader has.
#[track_caller]
fn cash(binary: &Path, deck: &Tapedeck) -> i128 {
    let query = "SELECT amount FROM warm.balance \
                 WHERE session_id = 'live' AND account = 'trader' AND asset = 'USD'";
    let rows = run(binary, deck, "sql", &[query]).expect(0).json();
    let amount = rows[0]["amount"].as_str().and_then(units);
    amount.unwrap_or_else(|| panic!("the trader has one balance of USD: {rows}"))
}

fn run(binary: &Path, deck: &Tapedeck, subcommand: &str, arguments: &[&str]) -> Outcome {
    let mut command = command_of(binary, subcommand, deck.data.path());
    command.args(arguments);
    Running::start(command).finish(10 * MINUTES)
}

/// None where it is not built. By default `<target>/bugs/tapedeck-…`, with this test at `<target>/debug/deps/tapedeck-…`.
fn command_with(bug: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TAPEDECK_BUGS").map_or_else(
        || {
            let test = std::env::current_exe().expect("a running test has a path");
            test.ancestors().nth(3).expect("a test lies in <target>/<profile>/deps").join("bugs")
        },
        PathBuf::from,
    );
    Some(folder.join(format!("tapedeck-{bug}"))).filter(|command| command.exists())
}
