//! Keeping a table quick: merging its small files and manifests, in place.
//!
//! The library can neither compact nor merge manifests, and a read opens one manifest and one data file for each commit there ever was.
//! So every few commits the table is compacted: the rows of its small files are read, written again as one file for each partition, and
//! a snapshot of kind COMPACT is published whose only manifest lists every live file. It stands at the identifier, and in the name, of the
//! commit before it, as Java's compactions do. Readers, ours and others', find the table under its name at every moment, and one that
//! is reading an older snapshot goes on reading it: its files are deleted only after the compaction after this one (`sweep`).
//!
//! The snapshot also notes the newest identifier of every session (`IDENTIFIER`), so that the snapshots those were committed with can
//! be deleted and a commit made long ago still be known.
//!
//! Publishing is one rename. Before it, a crash leaves files that nobody names and the next compaction deletes; after it, the work is done.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::TryStreamExt;
use paimon::spec::{
    BinaryRow, CommitKind, CoreOptions, DataField, DataType, Datum, FileKind, Manifest, ManifestEntry,
    ManifestFileMeta, ManifestList, Snapshot,
};
use paimon::{CommitMessage, DataSplit};

use super::durable::sync_up_to;
use super::table::WarmTable;
use super::{WarmError, sweep};
use crate::clock;

/// Snapshot properties that begin so name a session and hold its newest identifier.
const IDENTIFIER: &str = "tapedeck.identifier.";

/// From this size on a file of rows that are only ever added is left as it is: rewriting it would cost more than opening it.
pub(super) const WHOLE_FILE: i64 = 16 << 20;

/// The newest identifier of each name, and how many commits there are since the last compaction.
pub(super) async fn progress(table: &WarmTable) -> Result<(BTreeMap<String, u64>, usize), WarmError> {
    let reading = table.failed("reading its snapshots");
    let manager = table.snapshots();
    let mut last = BTreeMap::new();
    let mut commits = 0;
    for id in manager.list_all_ids().await.map_err(&reading)?.into_iter().rev() {
        let snapshot = manager.get_snapshot(id).await.map_err(&reading)?;
        let unsigned = |identifier: i64| {
            let what = || format!("snapshot {id} has the commit identifier {identifier}");
            u64::try_from(identifier).map_err(|_| WarmError::Damaged { table: table.name.as_str(), what: what() })
        };
        last.entry(snapshot.commit_user().to_owned()).or_insert(unsigned(snapshot.commit_identifier())?);
        if let Some(properties) = compaction(&snapshot) {
            for (user, identifier) in properties {
                let identifier = identifier.parse().map_err(|_| WarmError::Damaged {
                    table: table.name.as_str(),
                    what: format!("snapshot {id} has `{identifier}` for the identifier of {user}"),
                })?;
                last.entry(user.to_owned()).or_insert(identifier);
            }
            break;
        }
        commits += 1;
    }
    Ok((last, commits))
}

/// Who had committed what, when this snapshot is one of our compactions.
pub(super) fn compaction(snapshot: &Snapshot) -> Option<impl Iterator<Item = (&str, &String)>> {
    let properties = snapshot.properties().filter(|_| *snapshot.commit_kind() == CommitKind::COMPACT)?;
    let mut noted =
        properties.iter().filter_map(|(key, value)| Some((key.strip_prefix(IDENTIFIER)?, value))).peekable();
    noted.peek()?;
    Some(noted)
}

pub(super) async fn run(table: &WarmTable) -> Result<(), WarmError> {
    if let Some(latest) = table.latest().await? {
        let (last, commits) = progress(table).await?;
        if commits > 0 {
            publish(table, &latest, last).await?;
        }
        sweep::run(table).await?;
    }
    Ok(())
}

async fn publish(table: &WarmTable, latest: &Snapshot, last: BTreeMap<String, u64>) -> Result<(), WarmError> {
    let planning = table.failed("planning a compaction");
    let plan = table.table.new_read_builder().new_scan().plan().await.map_err(&planning)?;
    let (mut rewritten, mut messages) = (HashSet::new(), Vec::new());
    let mut write = table.new_write()?;
    for split in worth_rewriting(table, plan.splits()).map_err(&planning)? {
        rewritten.extend(split.data_files().iter().map(|file| file.file_name.clone()));
        messages.extend(rewrite(table, &mut write, split).await?);
    }
    table.step("warm.compact.rewritten")?;
    let live: HashSet<&str> = plan
        .splits()
        .iter()
        .flat_map(|split| split.data_files())
        .map(|file| file.file_name.as_str())
        .filter(|name| !rewritten.contains(*name))
        .collect();
    let mut entries = entries(table, latest).await?;
    entries.retain(|entry| live.contains(entry.file().file_name.as_str()));
    let kept: HashSet<String> = entries.iter().map(|entry| entry.file().file_name.clone()).collect();
    if kept.len() != live.len() || entries.len() != live.len() {
        let what = format!("its manifests name {} of {} live files", entries.len(), live.len());
        return Err(WarmError::Damaged { table: table.name.as_str(), what });
    }
    let buckets = CoreOptions::new(table.table.schema().options()).bucket();
    entries.extend(messages.into_iter().flat_map(|message| {
        let CommitMessage { partition, bucket, new_files, .. } = message;
        new_files
            .into_iter()
            .map(move |file| ManifestEntry::new(FileKind::Add, partition.clone(), bucket, buckets, file, 2))
    }));
    let (base, delta) = write_manifest(table, latest, &entries).await?;
    table.step("warm.compact.manifest")?;
    sync_up_to(table.folder(), [table.folder().join("manifest")]).await?;

    let rows: i64 = entries.iter().map(|entry| entry.file().row_count).sum();
    let properties: HashMap<String, String> =
        last.into_iter().map(|(user, identifier)| (format!("{IDENTIFIER}{user}"), identifier.to_string())).collect();
    let snapshot = Snapshot::builder()
        .version(3)
        .uuid(Some(uuid::Uuid::new_v4().to_string()))
        .id(latest.id() + 1)
        .schema_id(latest.schema_id())
        .base_manifest_list(base)
        .delta_manifest_list(delta)
        .commit_user(latest.commit_user().to_owned())
        .commit_identifier(latest.commit_identifier())
        .commit_kind(CommitKind::COMPACT)
        // Time travel searches by time, so it may not go back when the wall clock does.
        .time_millis(latest.time_millis().max(now_millis()))
        .total_record_count(Some(rows))
        .delta_record_count(Some(rows - latest.total_record_count().unwrap_or_default()))
        .properties(Some(properties))
        .build();
    if !table.snapshots().commit_snapshot(&snapshot).await.map_err(table.failed("publishing a compaction"))? {
        return Err(WarmError::AnotherWriter { table: table.name.as_str() });
    }
    table.step("warm.compact.published")?;
    sync_up_to(table.folder(), [table.folder().join("snapshot")]).await
}

fn now_millis() -> u64 {
    u64::try_from(clock::received_now().nanos() / crate::domain::time::MILLISECOND).unwrap_or_default()
}

/// One split for each partition that has several files to make into one. Where rows merge by key all of them must be taken, or a row that
/// was replaced could come back.
fn worth_rewriting(table: &WarmTable, splits: &[DataSplit]) -> Result<Vec<DataSplit>, paimon::Error> {
    let mut partitions: BTreeMap<(Vec<u8>, i32), Vec<&DataSplit>> = BTreeMap::new();
    for split in splits {
        partitions.entry((split.partition().to_serialized_bytes(), split.bucket())).or_default().push(split);
    }
    let mut found = Vec::new();
    for splits in partitions.into_values() {
        let files: Vec<_> = splits
            .iter()
            .flat_map(|split| split.data_files())
            .filter(|file| table.name.merges() || file.file_size < table.whole_file)
            .cloned()
            .collect();
        if files.len() > 1 {
            let split = splits[0];
            found.push(
                DataSplit::builder()
                    .with_snapshot(split.snapshot_id())
                    .with_partition(split.partition().clone())
                    .with_bucket(split.bucket())
                    .with_bucket_path(split.bucket_path().to_owned())
                    .with_total_buckets(split.total_buckets())
                    .with_data_files(files)
                    .with_raw_convertible(!table.name.merges())
                    .build()?,
            );
        }
    }
    Ok(found)
}

/// Reads the split and writes its rows again. Not one may be gained or lost.
async fn rewrite(
    table: &WarmTable,
    write: &mut paimon::TableWrite,
    split: DataSplit,
) -> Result<Vec<CommitMessage>, WarmError> {
    let rewriting = table.failed("rewriting rows");
    let builder = table.table.new_read_builder();
    let mut batches =
        builder.new_read().and_then(|read| read.to_arrow(std::slice::from_ref(&split))).map_err(&rewriting)?;
    let mut read = 0;
    while let Some(batch) = batches.try_next().await.map_err(&rewriting)? {
        read += batch.num_rows() as i64;
        write.write_arrow_batch(&batch).await.map_err(&rewriting)?;
    }
    let messages = write.prepare_commit().await.map_err(&rewriting)?;
    let written: i64 = messages.iter().flat_map(|message| &message.new_files).map(|file| file.row_count).sum();
    let expected = if table.name.merges() { read } else { split.row_count() };
    if (read, written) != (expected, expected) {
        let what = format!("of {expected} rows {read} were read and {written} written again");
        return Err(WarmError::Damaged { table: table.name.as_str(), what });
    }
    sync_up_to(table.folder(), [split.bucket_path().into()]).await?;
    Ok(messages)
}

/// What the manifests of a snapshot say, in the order they were written.
async fn entries(table: &WarmTable, snapshot: &Snapshot) -> Result<Vec<ManifestEntry>, WarmError> {
    let reading = table.failed("reading its manifests");
    let (manager, io) = (table.snapshots(), table.table.file_io());
    let mut found = Vec::new();
    for list in [snapshot.base_manifest_list(), snapshot.delta_manifest_list()] {
        for manifest in ManifestList::read(io, &manager.manifest_path(list)).await.map_err(&reading)? {
            let path = manager.manifest_path(manifest.file_name());
            found.extend(Manifest::read(io, &path).await.map_err(&reading)?);
        }
    }
    Ok(found)
}

/// One manifest of all entries, a list of it, and an empty list: what was compacted is no change.
async fn write_manifest(
    table: &WarmTable,
    latest: &Snapshot,
    entries: &[ManifestEntry],
) -> Result<(String, String), WarmError> {
    let writing = table.failed("writing a manifest");
    let (manager, io) = (table.snapshots(), table.table.file_io());
    let unique = uuid::Uuid::new_v4();
    let (manifest, base, delta) =
        (format!("manifest-{unique}-0"), format!("manifest-list-{unique}-0"), format!("manifest-list-{unique}-1"));
    let path = manager.manifest_path(&manifest);
    Manifest::write(io, &path, entries).await.map_err(&writing)?;
    let size = io.get_status(&path).await.map_err(&writing)?.size;
    let statistics = partition_statistics(&table.table.schema().partition_fields(), entries).map_err(&writing)?;
    let listed = ManifestFileMeta::new(
        manifest,
        size as i64,
        entries.len() as i64,
        0,
        // The library does not export the type; it does say how one is written down.
        serde_json::from_value(statistics).expect("the statistics have the fields of the library's type"),
        latest.schema_id(),
    );
    ManifestList::write(io, &manager.manifest_path(&base), &[listed]).await.map_err(&writing)?;
    ManifestList::write(io, &manager.manifest_path(&delta), &[]).await.map_err(&writing)?;
    Ok((base, delta))
}

/// The least and greatest of each partition column, by which a reader leaves a manifest unread.
fn partition_statistics(fields: &[DataField], entries: &[ManifestEntry]) -> Result<serde_json::Value, paimon::Error> {
    let rows: Vec<BinaryRow> =
        entries.iter().map(|entry| BinaryRow::from_serialized_bytes(entry.partition())).collect::<Result<_, _>>()?;
    let (mut least, mut greatest) = (Vec::new(), Vec::new());
    for (at, field) in fields.iter().enumerate() {
        let values: Vec<Option<Datum>> =
            rows.iter().map(|row| row.get_datum(at, field.data_type())).collect::<Result<_, _>>()?;
        let values = || values.iter().flatten().cloned();
        least.push((values().reduce(|a, b| if b < a { b } else { a }), field.data_type()));
        greatest.push((values().reduce(|a, b| if b > a { b } else { a }), field.data_type()));
    }
    let serialized = |bounds: &[(Option<Datum>, &DataType)]| {
        let bounds: Vec<_> = bounds.iter().map(|(bound, of)| (bound.as_ref(), *of)).collect();
        BinaryRow::from_datums(&bounds).to_serialized_bytes()
    };
    Ok(serde_json::json!({
        "_MIN_VALUES": serialized(&least),
        "_MAX_VALUES": serialized(&greatest),
        "_NULL_COUNTS": vec![0; fields.len()],
    }))
}
