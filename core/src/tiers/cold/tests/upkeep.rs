//! Housekeeping, which no answer may show.

use super::*;

/// A day that grows by a commit a minute: how many files it has at most, and how many times each byte is written again.
fn a_day_of(minutes: usize, bytes: u64) -> (usize, f64) {
    let (mut files, mut most, mut rewritten) = (Vec::new(), 0, 0);
    for minute in 0..minutes {
        files.push(bytes);
        if minute % 10 == 9 {
            let mut joined = compact::worth_joining(&files, false);
            joined.sort_unstable();
            let together: u64 = joined.iter().map(|&at| files[at]).sum();
            for at in joined.into_iter().rev() {
                files.remove(at);
            }
            if together > 0 {
                files.push(together);
                rewritten += together;
            }
        }
        most = most.max(files.len());
    }
    (most, rewritten as f64 / (bytes * minutes as u64) as f64)
}

#[test]
fn a_day_that_grows_has_few_files_and_is_not_written_over_and_over() {
    for bytes in [2_000, 30_000, 400_000] {
        let (most, times) = a_day_of(1_440, bytes);
        assert!(most <= 18 && times <= 6.0, "{most} files, each byte written {times:.1} times again");
    }
}

#[test]
fn a_day_that_is_over_becomes_one_file_and_large_ones_are_left_alone() {
    let large = 200 << 20;
    assert_eq!(compact::worth_joining(&[5, 3, large, 4], true), [1, 3, 0]);
    for done in [&[][..], &[7], &[large, 7], &[large, large]] {
        assert!(compact::worth_joining(done, true).is_empty(), "{done:?}");
    }
    assert!(compact::worth_joining(&[1; 8], false).is_empty());
    assert_eq!(compact::worth_joining(&[1; 9], false).len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_that_would_lose_a_row_is_not_published() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..101), Seq(100)).await.expect("stored");
    let files = data_files(directory.path());
    let names = files.iter().map(|file| format!("file://{}", file.display())).collect();
    // As if the manifests knew of one row more than could be read.
    let error = compact::join(&cold.table, &names, 101).await.expect_err("a row was lost");
    assert!(matches!(error, ColdError::Rewrite(_)), "{error}");
    assert_eq!(data_files(directory.path()).len(), files.len(), "the new files stayed behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_time_is_found_and_one_that_was_let_go_is_said_to_be() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let empty = cold.snapshot_at(EventTime::from_nanos(0)).await.expect_err("there is none");
    assert!(empty.to_string().ends_with("none is yet"), "{empty}");
    for part in 1..=4u64 {
        cold.append(&trades(part * 10 - 9..part * 10 + 1), Seq(part * 10)).await.expect("stored");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let states = cold.snapshots().await.expect("told");
    for state in &states {
        assert_eq!(&cold.snapshot_at(state.committed).await.expect("kept"), state);
        let after = EventTime::from_nanos(state.committed.nanos() + 1);
        assert_eq!(&cold.snapshot_at(after).await.expect("kept"), state);
    }
    // One state before those that are let go stays, as the last of its day would: for how long it was the current one is not known any more.
    cold.expire(&Keep { named: vec![states[0].id], ..Keep::only(2) }).await.expect("expired");
    for gone in [&states[0], &states[1]] {
        let error = cold.snapshot_at(gone.committed).await.expect_err("it was let go");
        assert!(matches!(error, ColdError::NoSnapshotAt { since: Some(since), .. } if since == states[2].committed));
    }
    let by_id = TickQuery { snapshot: Some(states[0].id), ..TickQuery::all() };
    assert_eq!(all(&cold, by_id).await, trades(1..11));
    assert_eq!(cold.snapshot_at(states[2].committed).await.expect("kept"), states[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_does_not_pile_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    for seq in 1..=40u64 {
        cold.append(&trades(seq..seq + 1), Seq(seq)).await.expect("stored");
    }
    let folder = std::fs::read_dir(directory.path().join("cold/market/ticks/metadata")).expect("a folder");
    let names = folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let metadata = names.filter(|name| name.ends_with(".metadata.json")).count();
    assert_eq!(metadata, 17, "the current one and sixteen before it");
    // A manifest for each commit, until files are joined.
    cold.compact().await.expect("joined");
    let current = cold.table.metadata().current_snapshot().expect("a state").clone();
    let list = cold.table.manifest_list_reader(&current).load().await.expect("a list");
    assert!(list.entries().len() <= 3, "{} manifests", list.entries().len());
}

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    /// What was given before, once more.
    Again(u64),
    Compact,
    Expire(usize),
    RemoveOrphans,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40u64).prop_map(Step::Append),
        1 => (1..60u64).prop_map(Step::Again),
        2 => Just(Step::Compact),
        1 => (1..6usize).prop_map(Step::Expire),
        1 => Just(Step::RemoveOrphans),
        1 => Just(Step::Reopen),
    ]
}

fn turnover(inputs: &[Stamped]) -> i128 {
    let trades = inputs.iter().filter_map(|stamped| match &stamped.input {
        Input::Tick(tick) => tick.trade(),
        _ => None,
    });
    trades.map(|trade| i128::from(trade.price.units()) * i128::from(trade.size.units())).sum()
}

/// Writes, keeps house and is opened again in any order. After each step all states that are kept answer as they did when they were made.
async fn answers_never_change(steps: Vec<Step>) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    let mut last = 0;
    for step in steps {
        match &step {
            Step::Append(more) => {
                let through = last + more;
                let stored = cold.append(&trades(last + 1..through + 1), Seq(through)).await.expect("stored");
                assert_eq!(stored, Appended::Stored(*more));
                last = through;
            }
            Step::Again(back) => {
                let from = last.saturating_sub(*back) + 1;
                assert_eq!(cold.append(&trades(from..last + 1), Seq(last)).await.expect("known"), Appended::Exists);
            }
            Step::Compact => drop(cold.compact().await.expect("joined")),
            Step::Expire(newest) => {
                let keep = Keep::only(*newest);
                cold.expire(&keep).await.expect("expired");
            }
            Step::RemoveOrphans => drop(cold.remove_orphans_older_than(Duration::ZERO).await.expect("cleaned")),
            Step::Reopen => {
                drop(cold);
                cold = Cold::open(directory.path()).await.expect("again");
            }
        }
        assert_eq!(cold.archived_through(), Seq(last));
        for state in cold.snapshots().await.expect("told") {
            let expected = trades(1..state.through.0 + 1);
            let found = all(&cold, TickQuery { snapshot: Some(state.id), ..TickQuery::all() }).await;
            assert_eq!(turnover(&found), turnover(&expected), "after {step:?}");
            assert!(found == expected && state.rows == found.len() as u64, "after {step:?}: {state:?}");
        }
        assert_eq!(cold.check().await.expect("checked").findings, []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_kept_state_ever_answers_differently(steps in proptest::collection::vec(step(), 1..24)) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(answers_never_change(steps));
    }
}
