//! Letting go of old snapshots, and of files that none reaches.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use iceberg::spec::{SnapshotRef, TableMetadata};
use iceberg::table::Table;

use super::ColdError;
use super::catalog::{LocalCatalog, injected};
use super::storage::{blocking, local};
use crate::clock;
use crate::domain::time::MILLISECOND;
use crate::failpoint::failpoint;

/// Which snapshots stay: the newest ones, those younger than an age, and those that are named.
#[derive(Clone, Debug)]
pub struct Keep {
    pub newest: usize,
    pub younger_than: Duration,
    pub named: Vec<i64>,
}

impl Default for Keep {
    /// A day of them, and never fewer than 32: a snapshot a minute is 1 440.
    fn default() -> Self {
        Self { newest: 32, younger_than: Duration::from_secs(86_400), named: Vec::new() }
    }
}

/// What was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub snapshots: usize,
    pub files: usize,
    pub bytes: u64,
}

pub(super) async fn run(
    catalog: &LocalCatalog,
    table: &Table,
    keep: &Keep,
) -> Result<Option<(Table, Removed)>, ColdError> {
    let metadata = table.metadata();
    let mut snapshots: Vec<&SnapshotRef> = metadata.snapshots().collect();
    snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.sequence_number()));
    let age = i64::try_from(keep.younger_than.as_millis()).unwrap_or(i64::MAX);
    let oldest = (clock::received_now().nanos() / MILLISECOND).saturating_sub(age);
    let stays = |place: usize, snapshot: &SnapshotRef| {
        place < keep.newest.max(1)
            || snapshot.timestamp_ms() >= oldest
            || keep.named.contains(&snapshot.snapshot_id())
            || metadata.current_snapshot_id() == Some(snapshot.snapshot_id())
    };
    let (kept, gone): (Vec<_>, Vec<_>) =
        snapshots.into_iter().enumerate().partition(|(place, snapshot)| stays(*place, snapshot));
    if gone.is_empty() {
        return Ok(None);
    }
    let mut seen = HashMap::new();
    let mut files = HashSet::new();
    for (_, snapshot) in &gone {
        reach(table, snapshot, &mut seen, &mut files).await?;
    }
    let mut needed = HashSet::new();
    for (_, snapshot) in &kept {
        reach(table, snapshot, &mut seen, &mut needed).await?;
    }
    let ids: Vec<i64> = gone.iter().map(|(_, snapshot)| snapshot.snapshot_id()).collect();
    let after = catalog.forget(table, &ids).await.map_err(iceberg::Error::from)?;
    failpoint("cold.expire.published").map_err(injected)?;
    // From here on nobody names them; what a crash leaves behind is an orphan.
    let mut removed = Removed { snapshots: ids.len(), ..Removed::default() };
    for file in files.difference(&needed) {
        let bytes = after.file_io().new_input(file)?.metadata().await.map_or(0, |found| found.size);
        after.file_io().delete(file).await?;
        failpoint("cold.expire.deleted").map_err(injected)?;
        removed.files += 1;
        removed.bytes += bytes;
    }
    Ok(Some((after, removed)))
}

/// Everything a snapshot names: its list of manifests, those, and their files. A manifest is read once, whoever names it.
async fn reach(
    table: &Table,
    snapshot: &SnapshotRef,
    seen: &mut HashMap<String, Vec<String>>,
    into: &mut HashSet<String>,
) -> Result<(), ColdError> {
    into.insert(snapshot.manifest_list().to_owned());
    for manifest in table.manifest_list_reader(snapshot).load().await?.entries() {
        into.insert(manifest.manifest_path.clone());
        if !seen.contains_key(&manifest.manifest_path) {
            let entries = manifest.load_manifest(table.file_io()).await?;
            let alive = entries.entries().iter().filter(|entry| entry.is_alive());
            seen.insert(manifest.manifest_path.clone(), alive.map(|entry| entry.file_path().to_owned()).collect());
        }
        into.extend(seen[&manifest.manifest_path].iter().cloned());
    }
    Ok(())
}

/// Deletes files of the table's folder that nothing names and that are older than `grace`: younger ones may be about to be named.
pub(super) async fn remove_orphans(table: &Table, grace: Duration) -> Result<Removed, ColdError> {
    let metadata: &TableMetadata = table.metadata();
    let mut named = HashSet::new();
    let mut seen = HashMap::new();
    for snapshot in metadata.snapshots() {
        reach(table, snapshot, &mut seen, &mut named).await?;
    }
    named.insert(table.metadata_location_result()?.to_owned());
    named.extend(metadata.metadata_log().iter().map(|entry| entry.metadata_file.clone()));
    let named: HashSet<PathBuf> = named.iter().map(|location| local(location)).collect();
    let root = local(metadata.location());
    let mut removed = Removed::default();
    let now = u64::try_from(clock::received_now().nanos()).unwrap_or_default();
    let young = SystemTime::UNIX_EPOCH + Duration::from_nanos(now).saturating_sub(grace);
    let old = blocking(move || {
        let failed = |error: std::io::Error| {
            iceberg::Error::new(iceberg::ErrorKind::Unexpected, format!("{}: {error}", root.display()))
        };
        let mut old = Vec::new();
        for folder in ["data", "metadata"] {
            walk(&root.join(folder), &mut |path, found| {
                if !named.contains(path) && found.modified().is_ok_and(|at| at <= young) {
                    old.push((path.to_owned(), found.len()));
                }
            })
            .map_err(failed)?;
        }
        for (path, _) in &old {
            std::fs::remove_file(path).and_then(|()| failpoint("cold.orphans.deleted")).map_err(failed)?;
        }
        Ok(old)
    })
    .await?;
    removed.files = old.len();
    removed.bytes = old.iter().map(|(_, bytes)| bytes).sum();
    Ok(removed)
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path, &std::fs::Metadata)) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            walk(&entry.path(), each)?;
        } else {
            each(&entry.path(), &found);
        }
    }
    Ok(())
}
