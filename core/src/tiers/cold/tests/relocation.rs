//! A table that was moved: the same states, by the names they have now.

use std::collections::BTreeMap;

use super::*;

/// Each state, and what it answers.
async fn states_of(cold: &Cold) -> Vec<(TableState, Vec<Stamped>)> {
    let mut found = Vec::new();
    for state in cold.snapshots().await.expect("told") {
        let rows = all(cold, TickQuery { snapshot: Some(state.id), ..TickQuery::all() }).await;
        found.push((state, rows));
    }
    found
}

/// The heads of the Avro files of a table, as other engines read them: the schema and what stands beside it. By what they are of, since
/// names change.
fn heads(directory: &Path) -> Vec<BTreeMap<String, String>> {
    let folder = directory.join("cold/market/ticks/metadata");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "avro") {
            let bytes = std::fs::read(entry.path()).expect("readable");
            let reader = apache_avro::Reader::new(bytes.as_slice()).expect("Avro");
            let schema = serde_json::to_value(reader.writer_schema()).expect("a schema").to_string();
            let head = reader.user_metadata().iter();
            let mut head: BTreeMap<_, _> =
                head.map(|(key, value)| (key.clone(), String::from_utf8_lossy(value).into_owned())).collect();
            head.insert("avro.schema".to_owned(), schema);
            found.push(head);
        }
    }
    found.sort();
    found
}

/// Files of the table that tell of this folder.
fn that_name(directory: &Path, folder: &Path) -> Vec<PathBuf> {
    let name = folder.to_str().expect("UTF-8").as_bytes().to_owned();
    let metadata = std::fs::read_dir(directory.join("cold/market/ticks/metadata")).expect("a folder");
    let files = metadata.flatten().map(|entry| entry.path());
    let names = |path: &PathBuf| {
        let bytes = std::fs::read(path).expect("readable");
        bytes.windows(name.len()).any(|window| window == name)
    };
    files.filter(names).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_moved_answers_as_before_in_every_kept_state() {
    let directory = tempfile::tempdir().expect("a directory");
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    let mut cold = Cold::open(&old).await.expect("new");
    for part in 1..=12u64 {
        cold.append(&trades(part * 10 - 9..part * 10 + 1), Seq(part * 10)).await.expect("stored");
        if part % 5 == 0 {
            cold.compact().await.expect("joined");
        }
    }
    let (before, known) = (states_of(&cold).await, heads(&old));
    drop(cold);
    std::fs::rename(&old, &new).expect("moved");
    let place = Cold::place(&new).await.expect("told").expect("there is a table");
    assert!(!place.is_right() && place.recorded.starts_with(&old) && place.found.starts_with(&new), "{place:?}");

    let relocated = Cold::relocate(&new).await.expect("relocated");
    assert_eq!(relocated.snapshots, before.len());
    assert!(Cold::place(&new).await.expect("told").expect("there is a table").is_right());
    assert_eq!(Cold::relocate(&new).await.expect("nothing to do"), Relocated::default());
    assert_eq!(heads(&new), known, "other engines would read other columns");
    assert_eq!(that_name(&new, &old), Vec::<PathBuf>::new());
    let mut cold = Cold::open(&new).await.expect("in its place");
    assert_eq!(states_of(&cold).await, before);
    assert_eq!(cold.check().await.expect("checked").findings, []);
    let files = cold.remove_orphans_older_than(Duration::ZERO).await.expect("cleaned").files;
    assert_eq!(files, 0, "files of before stay behind");

    // And it is a table as any other.
    cold.append(&trades(121..131), Seq(130)).await.expect("stored");
    cold.compact().await.expect("joined");
    cold.expire(&Keep::only(1)).await.expect("expired");
    cold.remove_orphans_older_than(Duration::ZERO).await.expect("cleaned");
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..131));
    assert_eq!(cold.check().await.expect("checked").findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_row_can_be_moved_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    assert!(Cold::place(&old).await.expect("told").is_none());
    drop(Cold::open(&old).await.expect("new"));
    std::fs::rename(&old, &new).expect("moved");
    assert_eq!(Cold::relocate(&new).await.expect("relocated"), Relocated::default());
    let mut cold = Cold::open(&new).await.expect("in its place");
    cold.append(&trades(1..11), Seq(10)).await.expect("stored");
    assert_eq!(all(&cold, TickQuery::all()).await, trades(1..11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_was_closed_has_let_go_of_its_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cold = Cold::open(directory.path()).await.expect("new");
    cold.append(&trades(1..11), Seq(10)).await.expect("stored");
    drop(cold);
    let held = |name: &str| directory.path().join("cold").join(name).exists();
    for round in 0..300 {
        assert!(Cold::place(directory.path()).await.expect("found").is_some());
        // The writer above is dropped, not closed, and may go a moment later.
        assert!(round < 20 || !held("catalog.db-shm"), "round {round}");
    }
}
