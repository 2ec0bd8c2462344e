//! Deaths at every step, disks that refuse, files that should not be there.

use std::process::Command;

use super::*;

const DIRECTORY: &str = "TAPEDECK_WARM_DIRECTORY";
const LAST: u64 = 9;

/// Puts every step that is not there, from the last one there on.
async fn go_on(directory: &Path) -> Warm {
    let mut warm = open(directory, 3).await;
    for step in warm.candles_through().0.max(1)..=LAST {
        warm.put_candles(&[candle(step as i64, 0, step), candle(-(step as i64), 0, step)], Seq(step))
            .await
            .expect("put");
    }
    for step in warm.balances_through("live").expect("a name").max(1)..=LAST {
        warm.put_balances("live", &[delta("cash", "USD", step.into())], step).await.expect("put");
    }
    for step in warm.trades_through("live").expect("a name").max(1)..=LAST {
        warm.put_trades("live", &[trade(step, step % 4)], step).await.expect("put");
    }
    for step in warm.transfers_through("live").expect("a name").max(1)..=LAST {
        warm.put_transfers("live", &[transfer(step, 0), transfer(step, 1)], step).await.expect("put");
    }
    warm
}

async fn assert_everything_is_there_once(warm: &Warm, what: &str) {
    let mut candles: Vec<Candle> =
        (1..=LAST).flat_map(|s| [candle(s as i64, 0, s), candle(-(s as i64), 0, s)]).collect();
    candles.sort_by_key(|c| c.window_start);
    assert_eq!(warm.candles(&all()).await.expect("read"), candles, "{what}");
    let balances = warm.balances("live").await.expect("read");
    let total = i128::from(LAST * (LAST + 1) / 2);
    assert_eq!(balances.into_values().collect::<Vec<_>>(), [Amount::from_units(total)], "{what}");
    let trades: Vec<_> = [8u64, 9, 6, 7].into_iter().map(|step| trade(step, step % 4)).collect();
    assert_eq!(warm.trades("live").await.expect("read"), trades, "{what}");
    let transfers: Vec<_> = (1..=LAST).flat_map(|s| [transfer(s, 0), transfer(s, 1)]).collect();
    assert_eq!(warm.transfers("live").await.expect("read"), transfers, "{what}");
    for table in warm.statistics().await.expect("statistics").tables {
        let rows = match table.table {
            "market.ohlcv_1m" | "ledger.transfers" => 2 * LAST,
            "market.replay_ohlcv_1m" => 0,
            _ => continue,
        };
        assert_eq!(table.rows, rows, "{what}: rows of {}", table.table);
    }
}

/// Not a test by itself: what the process that is to die does.
#[tokio::test]
async fn the_process_that_dies() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        go_on(Path::new(&directory)).await;
    }
}

#[tokio::test]
async fn a_death_at_any_step_of_a_commit_or_compaction_loses_and_doubles_nothing() {
    for step in STEPS {
        survives(step, 2).await;
    }
}

#[tokio::test]
async fn an_error_at_any_step_of_a_commit_or_compaction_loses_and_doubles_nothing() {
    for step in STEPS {
        // A compaction that fails is told to nobody who puts rows: they are stored.
        survives(&format!("error:{step}"), if step.starts_with("warm.put") { 4 } else { 0 }).await;
    }
}

/// Four processes, with this step as their last, or failing; at least so many of them do not come through.
async fn survives(step: &str, at_least: u32) {
    let data = data();
    let mut deaths = 0;
    for _ in 0..4 {
        let died = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "tiers::warm::tests::faults::the_process_that_dies"])
            .env(DIRECTORY, data.path())
            .env("TAPEDECK_FAIL_AT", step)
            .output()
            .expect("this program runs");
        deaths += u32::from(!died.status.success());
    }
    assert!(deaths >= at_least, "{step} was passed {deaths} times");
    let warm = go_on(data.path()).await;
    assert_everything_is_there_once(&warm, step).await;
    drop(warm);
    let mut warm = open(data.path(), 3).await;
    warm.compact().await.expect("compacted");
    assert_everything_is_there_once(&warm, step).await;
}

#[tokio::test]
async fn a_commit_that_fails_is_stored_once_when_given_again() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let table = data.path().join("warm/ledger.db/balance");
    warm.put_balances("live", &[delta("cash", "USD", 1)], 1).await.expect("stored");
    for (step, folder) in [(2, "manifest"), (3, "bucket-0"), (4, "snapshot")] {
        // A folder that has become a file refuses every new entry, to root too.
        std::fs::rename(table.join(folder), table.join("away")).expect("renamed");
        std::fs::write(table.join(folder), b"").expect("written");
        let failed = warm.put_balances("live", &[delta("cash", "USD", 1)], step).await;
        assert!(failed.is_err(), "without its {folder} the table took a commit");
        std::fs::remove_file(table.join(folder)).expect("removed");
        std::fs::rename(table.join("away"), table.join(folder)).expect("renamed");
        assert_eq!(warm.put_balances("live", &[delta("cash", "USD", 1)], step).await.expect("stored"), Put::Stored);
    }
    let balances = warm.balances("live").await.expect("read");
    assert_eq!(balances.into_values().collect::<Vec<_>>(), [Amount::from_units(4)]);
}

#[tokio::test]
async fn files_that_do_not_belong_change_no_answer() {
    let data = data();
    drop(go_on(data.path()).await);
    let mut planted = Vec::new();
    for file in files(&data.path().join("warm")) {
        if file.extension().is_some_and(|extension| extension == "parquet") {
            let folder = file.parent().expect("a folder");
            let whole = std::fs::read(&file).expect("read");
            let orphan = || folder.join(format!("data-{}-0.parquet", uuid::Uuid::new_v4()));
            for (path, bytes) in [
                (orphan(), whole.as_slice()),
                (orphan(), &whole[..whole.len() / 2]),
                (folder.join("foreign.parquet"), whole.as_slice()),
                (folder.join("half.parquet"), &whole[..7]),
                (folder.join("empty.parquet"), &[]),
            ] {
                std::fs::write(&path, bytes).expect("planted");
                planted.push(path);
            }
        }
    }
    assert!(planted.len() > 20);
    let mut warm = open(data.path(), 3).await;
    assert_everything_is_there_once(&warm, "planted").await;
    assert_eq!(warm.put_candles(&[candle(0, 0, 1)], Seq(LAST)).await.expect("found"), Put::Exists);
    warm.compact().await.expect("compacted");
    assert_everything_is_there_once(&warm, "planted, then compacted").await;
    for path in planted {
        let foreign = !path.file_name().expect("a name").to_string_lossy().starts_with("data-");
        assert_eq!(path.exists(), foreign, "{}", path.display());
    }
}

#[tokio::test]
async fn a_table_without_one_of_its_files_is_refused_by_name() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    warm.put_trades("live", &[trade(1, 1)], 1).await.expect("stored");
    drop(warm);
    let folder = data.path().join("warm/ledger.db/trades/session_id=live/bucket-0");
    std::fs::remove_file(&files(&folder)[0]).expect("removed");
    let refused = Warm::open(data.path()).await.err().expect("refused").to_string();
    assert!(refused.contains("ledger.trades") && refused.contains("bucket-0/data-"), "{refused}");
}

#[tokio::test]
async fn a_snapshot_lost_to_a_power_cut_is_put_again() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    for step in 1..=3 {
        warm.put_balances("live", &[delta("cash", "USD", 1)], step).await.expect("stored");
    }
    drop(warm);
    // The note of the newest snapshot's number was kept, the snapshot was not.
    std::fs::remove_file(data.path().join("warm/ledger.db/balance/snapshot/snapshot-3")).expect("removed");
    let mut warm = open(data.path(), 64).await;
    assert_eq!(warm.balances_through("live").expect("a name"), 2);
    warm.put_balances("live", &[delta("cash", "USD", 1)], 3).await.expect("stored");
    let balances = warm.balances("live").await.expect("read");
    assert_eq!(balances.into_values().collect::<Vec<_>>(), [Amount::from_units(3)]);
}

#[tokio::test]
async fn a_table_that_died_while_it_was_created_is_created() {
    let data = data();
    let schema = data.path().join("warm/ledger.db/trades/schema");
    std::fs::create_dir_all(&schema).expect("created");
    std::fs::write(schema.join("schema-0"), b"{\"version\":").expect("written");
    let mut warm = open(data.path(), 64).await;
    warm.put_trades("live", &[trade(1, 1)], 1).await.expect("stored");
    assert_eq!(warm.trades("live").await.expect("read"), [trade(1, 1)]);
}

#[tokio::test]
async fn a_table_with_other_columns_is_refused() {
    let data = data();
    drop(open(data.path(), 64).await);
    let schema = data.path().join("warm/ledger.db/trades/schema/schema-0");
    let text = std::fs::read_to_string(&schema).expect("read").replace("signal_sentiment", "sentiment");
    std::fs::write(&schema, text).expect("written");
    let refused = Warm::open(data.path()).await.err();
    assert!(matches!(refused, Some(WarmError::OtherColumns { table: "ledger.trades" })), "{refused:?}");
}

#[tokio::test]
async fn a_second_writer_is_noticed_and_its_rows_stay() {
    let data = data();
    let mut first = open(data.path(), 64).await;
    first.put_balances("live", &[delta("cash", "USD", 1)], 1).await.expect("stored");
    let mut second = open(data.path(), 64).await;
    second.put_balances("live", &[delta("cash", "USD", 10)], 2).await.expect("stored");
    let before = files(&data.path().join("warm/ledger.db/balance/bucket-0"));
    let refused = first.put_balances("live", &[delta("cash", "USD", 1)], 2).await;
    assert!(matches!(refused, Err(WarmError::AnotherWriter { table: "ledger.balance" })), "{refused:?}");
    assert_eq!(files(&data.path().join("warm/ledger.db/balance/bucket-0")), before, "its file was left behind");
    let balances = first.balances("live").await.expect("read");
    assert_eq!(balances.into_values().collect::<Vec<_>>(), [Amount::from_units(11)]);
}
