//! A new state of the table: its manifests, their list, and what it says of itself. It counts for nothing until the catalog has it.
//!
//! The library's transaction appends too, and stamps its snapshots with the wall clock: when that is set back by more than a minute every
//! commit is refused until it has caught up. Here a snapshot is never earlier than the one before.

use std::collections::{HashMap, HashSet};

use iceberg::spec::{
    DataFile, ManifestContentType, ManifestEntryRef, ManifestFile, ManifestListWriter, ManifestWriter,
    ManifestWriterBuilder, Operation, Snapshot, SnapshotRef, SnapshotSummaryCollector, Summary,
};
use iceberg::table::Table;

use super::ColdError;
use super::catalog::{THROUGH, through};
use crate::clock;
use crate::domain::Seq;
use crate::domain::time::MILLISECOND;

/// Every file of a state, as its manifests tell of it. Errors: `Damaged` when another program has deleted rows, which only
/// programs that know of such deletions may read.
pub(super) async fn live_files(table: &Table, state: Option<&SnapshotRef>) -> Result<Vec<ManifestEntryRef>, ColdError> {
    let mut live = Vec::new();
    for manifest in manifests(table, state).await? {
        if manifest.content != ManifestContentType::Data {
            return Err(ColdError::Damaged("another program deleted rows of it".to_owned()));
        }
        let entries = manifest.load_manifest(table.file_io()).await?;
        live.extend(entries.entries().iter().filter(|entry| entry.is_alive()).cloned());
    }
    Ok(live)
}

async fn manifests(table: &Table, state: Option<&SnapshotRef>) -> Result<Vec<ManifestFile>, ColdError> {
    match state {
        Some(snapshot) => {
            Ok(table.manifest_list_reader(snapshot).load().await?.consume_entries().into_iter().collect())
        }
        None => Ok(Vec::new()),
    }
}

/// The table with these files besides, which bring it to hold all inputs through `through`.
pub(super) async fn with_added(table: &Table, added: &[DataFile], through: Seq) -> Result<Snapshot, ColdError> {
    let mut draft = Draft::new(table);
    // A manifest that only tells of files that are gone has nothing to say any more.
    let before = manifests(table, table.metadata().current_snapshot()).await?;
    draft.manifests.extend(before.into_iter().filter(|m| m.has_added_files() || m.has_existing_files()));
    draft.add(added).await?;
    draft.finish(Operation::Append, through).await
}

/// The table with `added` in place of those of its `live` files that are `removed`. All manifests are written anew, so that they do not
/// pile up either.
pub(super) async fn with_replaced(
    table: &Table,
    live: &[ManifestEntryRef],
    removed: &HashSet<String>,
    added: &[DataFile],
) -> Result<Snapshot, ColdError> {
    let unnumbered = || ColdError::Damaged("a manifest does not say when its files were added".to_owned());
    let mut draft = Draft::new(table);
    let (mut gone, mut stays) = (draft.manifest()?, draft.manifest()?);
    let mut kept = 0;
    for entry in live {
        let file = entry.data_file().clone();
        let number = entry.sequence_number().ok_or_else(unnumbered)?;
        if removed.contains(entry.file_path()) {
            draft.summary.remove_file(&file, draft.schema(), draft.partitions());
            gone.add_delete_file(file, number, entry.file_sequence_number)?;
        } else {
            let since = entry.snapshot_id().ok_or_else(unnumbered)?;
            stays.add_existing_file(file, since, number, entry.file_sequence_number)?;
            kept += 1;
        }
    }
    draft.manifests.push(gone.write_manifest_file().await?);
    if kept > 0 {
        draft.manifests.push(stays.write_manifest_file().await?);
    }
    draft.add(added).await?;
    draft.finish(Operation::Replace, through(table.metadata())?).await
}

struct Draft<'a> {
    table: &'a Table,
    id: i64,
    unique: uuid::Uuid,
    written: u32,
    manifests: Vec<ManifestFile>,
    summary: SnapshotSummaryCollector,
}

impl<'a> Draft<'a> {
    fn new(table: &'a Table) -> Self {
        let id = (uuid::Uuid::new_v4().as_u128() as i64) & i64::MAX;
        let summary = SnapshotSummaryCollector::default();
        Self { table, id, unique: uuid::Uuid::new_v4(), written: 0, manifests: Vec::new(), summary }
    }

    fn schema(&self) -> iceberg::spec::SchemaRef {
        self.table.metadata().current_schema().clone()
    }

    fn partitions(&self) -> iceberg::spec::PartitionSpecRef {
        self.table.metadata().default_partition_spec().clone()
    }

    fn path(&self, name: &str) -> String {
        format!("{}/metadata/{name}", self.table.metadata().location())
    }

    fn manifest(&mut self) -> Result<ManifestWriter, ColdError> {
        let output = self.table.file_io().new_output(self.path(&format!("{}-m{}.avro", self.unique, self.written)))?;
        self.written += 1;
        let partitions = self.partitions().as_ref().clone();
        Ok(ManifestWriterBuilder::new(output, Some(self.id), self.schema(), partitions).build_v2_data())
    }

    async fn add(&mut self, files: &[DataFile]) -> Result<(), ColdError> {
        let mut new = self.manifest()?;
        for file in files {
            self.summary.add_file(file, self.schema(), self.partitions());
            // Its number is that of this snapshot, by inheritance.
            new.add_file(file.clone(), -1)?;
        }
        self.manifests.push(new.write_manifest_file().await?);
        Ok(())
    }

    async fn finish(self, operation: Operation, through: Seq) -> Result<Snapshot, ColdError> {
        let metadata = self.table.metadata();
        let before = metadata.current_snapshot();
        let parent = before.map(|snapshot| snapshot.snapshot_id());
        let number = metadata.next_sequence_number();
        let list = self.path(&format!("snap-{}-0-{}.avro", self.id, self.unique));
        let output = self.table.file_io().new_output(&list)?.writer().await?;
        let mut writer = ManifestListWriter::v2(output, self.id, parent, number);
        writer.add_manifests(self.manifests.into_iter())?;
        writer.close().await?;

        let none = HashMap::new();
        let before = before.map_or(&none, |snapshot| &snapshot.summary().additional_properties);
        let mut properties = totals(self.summary.build(), before);
        properties.insert(THROUGH.to_owned(), through.0.to_string());
        Ok(Snapshot::builder()
            .with_snapshot_id(self.id)
            .with_parent_snapshot_id(parent)
            .with_sequence_number(number)
            .with_timestamp_ms((clock::received_now().nanos() / MILLISECOND).max(metadata.last_updated_ms()))
            .with_manifest_list(list)
            .with_summary(Summary { operation, additional_properties: properties })
            .with_schema_id(metadata.current_schema_id())
            .build())
    }
}

/// What changed, and what there is after it.
fn totals(mut changed: HashMap<String, String>, before: &HashMap<String, String>) -> HashMap<String, String> {
    let number =
        |map: &HashMap<String, String>, name: &str| map.get(name).and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
    for (total, added, removed) in [
        ("total-data-files", "added-data-files", "deleted-data-files"),
        ("total-records", "added-records", "deleted-records"),
        ("total-files-size", "added-files-size", "removed-files-size"),
        ("total-delete-files", "added-delete-files", "removed-delete-files"),
        ("total-position-deletes", "added-position-deletes", "removed-position-deletes"),
        ("total-equality-deletes", "added-equality-deletes", "removed-equality-deletes"),
    ] {
        let now = number(before, total) + number(&changed, added) - number(&changed, removed);
        changed.insert(total.to_owned(), now.to_string());
    }
    changed
}
