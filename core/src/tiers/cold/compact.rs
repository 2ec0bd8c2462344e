//! Many small files of a day into one, without a row gained or lost.
//!
//! A true rewrite: the new files take the place of the old in one snapshot, which holds the same inputs as the one before. An append would
//! double them. Before it is published the new files are read back, by another way than they were written, and must give the same count
//! and the same sum of row hashes. Older snapshots keep their files until they expire.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use iceberg::spec::{
    DataFile, ManifestContentType, ManifestEntryRef, ManifestListWriter, ManifestWriterBuilder, Operation,
    PartitionSpec, Schema, Snapshot, SnapshotSummaryCollector, Struct, Summary,
};
use iceberg::table::Table;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::catalog::{LocalCatalog, THROUGH};
use super::reader::{TickQuery, Ticks};
use super::storage::{blocking, local};
use super::writer::{FilesWriter, take_back};
use super::{ColdError, rows};
use crate::clock;
use crate::domain::Stamped;
use crate::domain::time::MILLISECOND;
use crate::tiers::failpoint::failpoint;

/// A day with more files than this is worth joining.
const FILES_OF_A_DAY: usize = 8;

/// Files of at least this size are left as they are.
const LARGE: u64 = 128 << 20;

/// What was joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub days: usize,
    pub files_before: usize,
    pub files_after: usize,
    pub rows: u64,
}

/// A count, and a sum that does not depend on order: the same rows give the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest {
    rows: u64,
    sum: u128,
}

impl Digest {
    fn add(&mut self, inputs: &[Stamped]) {
        for input in inputs {
            let bytes = postcard::to_allocvec(input).expect("an input has only sized fields");
            let hash = blake3::hash(&bytes);
            let (half, _) = hash.as_bytes().split_at(16);
            self.rows += 1;
            self.sum = self.sum.wrapping_add(u128::from_le_bytes(half.try_into().expect("sixteen bytes")));
        }
    }
}

/// Joins the small files of every day that has more than a few. `None` when there is nothing to do.
pub(super) async fn run(catalog: &LocalCatalog, table: &Table) -> Result<Option<(Table, Compacted)>, ColdError> {
    let Some(snapshot) = table.metadata().current_snapshot() else { return Ok(None) };
    let mut live: Vec<ManifestEntryRef> = Vec::new();
    for manifest in table.manifest_list_reader(snapshot).load().await?.entries() {
        if manifest.content != ManifestContentType::Data {
            return Err(ColdError::Damaged("another program deleted rows of it; its files are not joined".to_owned()));
        }
        let entries = manifest.load_manifest(table.file_io()).await?;
        live.extend(entries.entries().iter().filter(|entry| entry.is_alive()).cloned());
    }
    let mut days: Vec<(Struct, Vec<ManifestEntryRef>)> = Vec::new();
    for entry in live.iter().filter(|entry| entry.data_file().file_size_in_bytes() < LARGE) {
        let day = entry.data_file().partition();
        match days.iter_mut().find(|(known, _)| known == day) {
            Some((_, files)) => files.push(Arc::clone(entry)),
            None => days.push((day.clone(), vec![Arc::clone(entry)])),
        }
    }
    days.retain(|(_, files)| files.len() > FILES_OF_A_DAY);
    if days.is_empty() {
        return Ok(None);
    }
    let (mut done, mut added, mut removed) = (Compacted::default(), Vec::new(), HashSet::new());
    for (_, files) in &days {
        let names: HashSet<String> = files.iter().map(|entry| entry.file_path().to_owned()).collect();
        let joined = join(table, &names).await;
        let (files, digest) = match joined {
            Ok(joined) => joined,
            Err(error) => {
                take_back(table, &added).await;
                return Err(error);
            }
        };
        done.days += 1;
        done.files_before += names.len();
        done.files_after += files.len();
        done.rows += digest.rows;
        added.extend(files);
        removed.extend(names);
    }
    failpoint("cold.compact.written").map_err(injected)?;
    let snapshot = match replacement(table, snapshot, &live, &removed, &added).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            take_back(table, &added).await;
            return Err(error);
        }
    };
    failpoint("cold.compact.manifests").map_err(injected)?;
    // When this fails it may still have been published; the clean-up of orphans will know.
    let table = catalog.replace(table, snapshot).await?;
    failpoint("cold.compact.published").map_err(injected)?;
    Ok(Some((table, done)))
}

fn injected(error: std::io::Error) -> ColdError {
    iceberg::Error::new(iceberg::ErrorKind::Unexpected, error.to_string()).into()
}

/// The rows of these files in new ones, read back and found the same.
async fn join(table: &Table, names: &HashSet<String>) -> Result<(Vec<DataFile>, Digest), ColdError> {
    let mut rows = Ticks::plan_files(table.clone(), TickQuery::all(), Some(names)).await?;
    let mut writer = FilesWriter::new(table)?;
    let mut read = Digest::default();
    loop {
        let inputs = rows.next().await?;
        if inputs.is_empty() {
            break;
        }
        read.add(&inputs);
        writer.write(&inputs.iter().collect::<Vec<_>>()).await?;
    }
    let files = writer.close().await?;
    let written = read_back(&files).await;
    match written {
        Ok(written) if written == read => Ok((files, read)),
        other => {
            take_back(table, &files).await;
            let written = other?;
            let what =
                format!("{} rows were read and {} are in the new files, or they differ", read.rows, written.rows);
            Err(ColdError::Rewrite(what))
        }
    }
}

/// What files hold, by the plain Parquet reader.
async fn read_back(files: &[DataFile]) -> Result<Digest, ColdError> {
    let mut digest = Digest::default();
    for file in files {
        let path = local(file.file_path());
        let found = blocking(move || {
            let broken = |error: &dyn std::fmt::Display| {
                iceberg::Error::new(iceberg::ErrorKind::DataInvalid, format!("{}: {error}", path.display()))
            };
            let file = std::fs::File::open(&path).map_err(|error| broken(&error))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| broken(&error))?;
            let mut digest = Digest::default();
            let mut last = None;
            for batch in reader.build().map_err(|error| broken(&error))? {
                let inputs = rows::decode(&batch.map_err(|error| broken(&error))?).map_err(|error| broken(&error))?;
                for input in &inputs {
                    let place = (input.tape_time, input.seq);
                    if last.is_some_and(|last| last >= place) {
                        return Err(broken(&"its rows are not in the order of the tape"));
                    }
                    last = Some(place);
                }
                digest.add(&inputs);
            }
            Ok(digest)
        })
        .await?;
        digest.rows += found.rows;
        digest.sum = digest.sum.wrapping_add(found.sum);
    }
    Ok(digest)
}

/// The snapshot in which `added` stand for `removed`. Its manifests are written anew, so that they do not pile up either.
async fn replacement(
    table: &Table,
    before: &Snapshot,
    live: &[ManifestEntryRef],
    removed: &HashSet<String>,
    added: &[DataFile],
) -> Result<Snapshot, ColdError> {
    let metadata = table.metadata();
    let (schema, partitions) = (metadata.current_schema().clone(), metadata.default_partition_spec().clone());
    let id = (uuid::Uuid::new_v4().as_u128() as i64) & i64::MAX;
    let unique = uuid::Uuid::new_v4();
    let folder = format!("{}/metadata", metadata.location());
    let mut summary = SnapshotSummaryCollector::default();
    let manifest =
        |number: u8| manifest_writer(table, &format!("{folder}/{unique}-m{number}.avro"), id, &schema, &partitions);

    let unnumbered = || ColdError::Damaged("a manifest does not say when its files were added".to_owned());
    let (mut gone, mut stays, mut new) = (manifest(0)?, manifest(1)?, manifest(2)?);
    let mut kept = 0;
    for entry in live {
        let file = entry.data_file().clone();
        let number = entry.sequence_number().ok_or_else(unnumbered)?;
        if removed.contains(entry.file_path()) {
            summary.remove_file(&file, schema.clone(), partitions.clone());
            gone.add_delete_file(file, number, entry.file_sequence_number)?;
        } else {
            let since = entry.snapshot_id().ok_or_else(unnumbered)?;
            stays.add_existing_file(file, since, number, entry.file_sequence_number)?;
            kept += 1;
        }
    }
    for file in added {
        summary.add_file(file, schema.clone(), partitions.clone());
        // The number of this snapshot, by inheritance.
        new.add_file(file.clone(), -1)?;
    }
    let mut manifests = vec![gone.write_manifest_file().await?, new.write_manifest_file().await?];
    if kept > 0 {
        manifests.push(stays.write_manifest_file().await?);
    }
    let number = metadata.next_sequence_number();
    let list = format!("{folder}/snap-{id}-0-{unique}.avro");
    let output = table.file_io().new_output(&list)?.writer().await?;
    let mut writer = ManifestListWriter::v2(output, id, Some(before.snapshot_id()), number);
    writer.add_manifests(manifests.into_iter())?;
    writer.close().await?;

    let properties = totals(summary.build(), &before.summary().additional_properties);
    Ok(Snapshot::builder()
        .with_snapshot_id(id)
        .with_parent_snapshot_id(Some(before.snapshot_id()))
        .with_sequence_number(number)
        // Time travel searches by time, so it may not go back when the wall clock does.
        .with_timestamp_ms((clock::received_now().nanos() / MILLISECOND).max(metadata.last_updated_ms()))
        .with_manifest_list(list)
        .with_summary(Summary { operation: Operation::Replace, additional_properties: properties })
        .with_schema_id(metadata.current_schema_id())
        .build())
}

fn manifest_writer(
    table: &Table,
    path: &str,
    snapshot: i64,
    schema: &Arc<Schema>,
    partitions: &Arc<PartitionSpec>,
) -> Result<iceberg::spec::ManifestWriter, ColdError> {
    let output = table.file_io().new_output(path)?;
    Ok(ManifestWriterBuilder::new(output, Some(snapshot), schema.clone(), partitions.as_ref().clone()).build_v2_data())
}

/// What changed, and what there is after it; which inputs are held goes on unchanged.
fn totals(mut changed: HashMap<String, String>, before: &HashMap<String, String>) -> HashMap<String, String> {
    let number =
        |map: &HashMap<String, String>, name: &str| map.get(name).and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
    let counted: BTreeMap<_, _> = [
        ("total-data-files", "added-data-files", "deleted-data-files"),
        ("total-records", "added-records", "deleted-records"),
        ("total-files-size", "added-files-size", "removed-files-size"),
    ]
    .into_iter()
    .map(|(total, added, removed)| (total, number(before, total) + number(&changed, added) - number(&changed, removed)))
    .collect();
    changed.extend(counted.into_iter().map(|(name, total)| (name.to_owned(), total.to_string())));
    if let Some(through) = before.get(THROUGH) {
        changed.insert(THROUGH.to_owned(), through.clone());
    }
    changed
}
