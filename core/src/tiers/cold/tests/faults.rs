//! Deaths at every step, disks that refuse, writers that try again.

use std::collections::HashMap;
use std::process::Command;

use iceberg::spec::{Operation, Snapshot, Summary};
use iceberg::transaction::{ApplyTransactionAction, Transaction};

use super::*;

const DIRECTORY: &str = "TAPEDECK_COLD_DIRECTORY";
const LAST: u64 = 120;

/// Takes what is not there yet, and then does every kind of housekeeping.
async fn go_on(directory: &Path) -> Result<Cold, ColdError> {
    let mut cold = Cold::open(directory).await?;
    while cold.archived_through() < Seq(LAST) {
        let from = cold.archived_through().0 + 1;
        let through = (from + 9).min(LAST);
        cold.append(&trades(from..through + 1), Seq(through)).await?;
    }
    std::fs::write(directory.join("cold/market/ticks/data/left-behind.parquet"), b"PAR1").expect("planted");
    cold.compact().await?;
    cold.expire(&Keep::only(1)).await?;
    cold.remove_orphans_older_than(Duration::ZERO).await?;
    Ok(cold)
}

async fn assert_all_is_there_once(cold: &Cold, directory: &Path, after: &str) {
    assert_eq!(all(cold, TickQuery::all()).await, trades(1..LAST + 1), "{after}");
    let checked = cold.check().await.expect("checked");
    assert_eq!((checked.rows, checked.findings.as_slice()), (LAST, [].as_slice()), "{after}");
    assert_eq!(data_files(directory).len() as u64, checked.files, "{after}: files that nothing names stayed behind");
}

/// Not a test by itself: what the process that is to die does.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_dies() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        go_on(Path::new(&directory)).await.expect("no step fails");
    }
}

/// Whether a process came through, with this step as its last, or failing.
fn comes_through(directory: &Path, step: &str) -> bool {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "tiers::cold::tests::faults::the_process_that_dies"])
        .env(DIRECTORY, directory)
        .env("TAPEDECK_FAIL_AT", step)
        .output()
        .expect("it starts");
    output.status.success()
}

async fn survives(step: &str, archived: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    if archived > 0 {
        let mut cold = Cold::open(directory.path()).await.expect("new");
        cold.append(&trades(1..archived + 1), Seq(archived)).await.expect("stored");
    }
    // After the last step of a commit there is nothing left to fail: it is found to have succeeded.
    let through = comes_through(directory.path(), step);
    assert_eq!(through, step == "error:cold.commit.done", "{step}, with {archived} inputs before");
    let cold = go_on(directory.path()).await.expect("it recovers");
    assert_all_is_there_once(&cold, directory.path(), step).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_step_was_the_last_every_row_is_there_once() {
    for step in STEPS {
        survives(step, 30).await;
        survives(&format!("error:{step}"), 30).await;
    }
    // The first files of all are those of the empty table.
    for step in STEPS.iter().filter(|step| step.starts_with("cold.file")) {
        survives(step, 0).await;
    }
}

/// Files of these inputs that no snapshot names.
async fn files_of(cold: &Cold, inputs: &[Stamped]) -> Vec<iceberg::spec::DataFile> {
    let mut writer = writer::FilesWriter::new(&cold.table).expect("a writer");
    writer.write(&inputs.iter().collect::<Vec<_>>()).await.expect("written");
    writer.close().await.expect("files")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_tries_again_after_it_succeeded_is_refused_for_good() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..101), Seq(100)).await.expect("stored");
    // As the library does after an error it takes for a passing one: the same rows again, on top of what is there.
    let transaction = Transaction::new(&cold.table);
    let again = transaction
        .fast_append()
        .set_snapshot_properties(HashMap::from([(catalog::THROUGH.to_owned(), "100".to_owned())]))
        .add_data_files(files_of(&cold, &trades(1..101)).await)
        .apply(transaction)
        .expect("a transaction");
    let error = again.commit(&cold.catalog).await.expect_err("it was doubled");
    assert!(error.to_string().contains("holds inputs through 100") && !error.retryable(), "{error}");
    assert_eq!(all(&cold, TickQuery::all()).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_the_slower_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let stale = Cold::open(directory.path()).await.expect("a second one");
    cold.append(&trades(1..101), Seq(100)).await.expect("stored");
    let files = files_of(&stale, &trades(1..151)).await;
    let snapshot = snapshot::with_added(&stale.table, &files, Seq(150)).await.expect("a snapshot");
    let error = stale.catalog.commit(&stale.table, snapshot).await.expect_err("it overwrote the other");
    assert!(matches!(&error, CommitError::Refused(why) if !why.retryable()), "{error:?}");
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..101));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_is_set_back_stops_no_commit() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..51), Seq(50)).await.expect("stored");
    // As if the clock had been a day ahead for one commit.
    let files = files_of(&cold, &trades(51..101)).await;
    let drafted = snapshot::with_added(&cold.table, &files, Seq(100)).await.expect("a snapshot");
    let ahead = drafted.timestamp_ms() + 86_400_000;
    let summary = Summary {
        operation: Operation::Append,
        additional_properties: drafted.summary().additional_properties.clone(),
    };
    let snapshot = Snapshot::builder()
        .with_snapshot_id(drafted.snapshot_id())
        .with_parent_snapshot_id(drafted.parent_snapshot_id())
        .with_sequence_number(drafted.sequence_number())
        .with_timestamp_ms(ahead)
        .with_manifest_list(drafted.manifest_list())
        .with_summary(summary)
        .with_schema_id(cold.table.metadata().current_schema_id())
        .build();
    cold.catalog.commit(&cold.table, snapshot).await.expect("stored");
    assert_eq!(cold.append(&trades(101..151), Seq(150)).await.expect("stored"), Appended::Stored(50));
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..151));
    let newest = cold.statistics().expect("told").committed.expect("there is one");
    assert_eq!(newest.nanos(), ahead * 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_order_is_refused_and_not_replayed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let mut inputs = trades(1..11);
    inputs.reverse();
    let files = files_of(&cold, &inputs).await;
    let snapshot = snapshot::with_added(&cold.table, &files, Seq(10)).await.expect("a snapshot");
    cold.catalog.commit(&cold.table, snapshot).await.expect("published");
    let mut ticks = cold.ticks(TickQuery::all()).await.expect("a plan");
    let error = ticks.next().await.expect_err("it was replayed");
    assert!(error.to_string().contains("not in the order of the tape"), "{error}");
    // Nor is it joined with others.
    cold.append(&trades(11..21), Seq(20)).await.expect("stored");
    assert!(cold.compact().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lost_a_file_says_which() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..301), Seq(300)).await.expect("stored");
    let whole = cold.check().await.expect("checked");
    assert_eq!((whole.rows, whole.findings.len()), (300, 0));
    let files = data_files(directory.path());
    assert_eq!(files.len(), 2, "a file for each day");
    std::fs::remove_file(&files[0]).expect("removed");
    std::fs::write(&files[1], b"PAR1").expect("cut");
    let findings = cold.check().await.expect("checked").findings;
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.iter().any(|found| matches!(found, Finding::Missing { .. })), "{told:?}");
    assert!(findings.iter().any(|found| matches!(found, Finding::Resized { found: 4, .. })), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_was_moved_or_copied_by_hand_is_not_written_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    let mut cold = Cold::open(&old).await.expect("new");
    cold.append(&trades(1..11), Seq(10)).await.expect("stored");
    drop(cold);
    std::fs::rename(&old, &new).expect("moved");
    for error in [Cold::open(&new).await.err(), Cold::table_of(&new).await.err()] {
        assert!(matches!(&error, Some(ColdError::Moved { recorded, .. }) if recorded.starts_with(&old)), "{error:?}");
    }
    // Where both are there, as after a copy, it is the other's still.
    Cold::open(&old).await.expect("one of its own");
    assert!(matches!(Cold::open(&new).await.err(), Some(ColdError::Moved { .. })));
    // By another name for the same place it is where it was.
    #[cfg(unix)]
    {
        let alias = directory.path().join("alias");
        std::os::unix::fs::symlink(&old, &alias).expect("linked");
        Cold::open(&alias).await.expect("the same directory");
    }
}
