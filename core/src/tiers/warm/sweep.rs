//! Deleting what no kept snapshot can reach.
//!
//! Kept are the snapshots since the compaction before the last, so that a reader has at least one whole round to finish in, and those
//! that another engine has tagged. Of everything else the library's own files go: expired ones, those of a commit that died before it was
//! published, and those of a compaction that did. Files with other names are somebody's, change no answer, and stay.
//!
//! It runs while no commit is on its way, since the one writer is the one that sweeps. Done twice, or half, it does no harm.

use std::collections::HashSet;
use std::path::Path;

use paimon::spec::{CommitKind, Manifest, ManifestList, Snapshot};

use super::WarmError;
use super::compact::compaction;
use super::durable::sync_up_to;
use super::table::WarmTable;
use crate::failpoint::failpoint;

pub(super) async fn run(table: &WarmTable) -> Result<(), WarmError> {
    let sweeping = table.failed("deleting old snapshots");
    let manager = table.snapshots();
    // Newest first.
    let mut kept = Vec::new();
    let mut compactions = 0;
    let ids = manager.list_all_ids().await.map_err(&sweeping)?;
    for id in ids.iter().rev() {
        let snapshot = manager.get_snapshot(*id).await.map_err(&sweeping)?;
        compactions += usize::from(compaction(&snapshot).is_some());
        kept.push(snapshot);
        if compactions == 2 {
            break;
        }
    }
    let Some(oldest) = kept.last().map(Snapshot::id) else { return Ok(()) };
    manager.write_earliest_hint(oldest).await.map_err(&sweeping)?;
    for id in ids.into_iter().take_while(|id| *id < oldest) {
        manager.delete_snapshot(id).await.map_err(&sweeping)?;
    }
    table.step("warm.sweep.expired")?;
    sync_up_to(table.folder(), [table.folder().join("snapshot")]).await?;

    kept.extend(table.table.tag_manager().list_all().await.map_err(&sweeping)?.into_iter().map(|(_, tagged)| tagged));
    let reachable = reachable(table, &kept).await?;
    let folder = table.folder().to_owned();
    tokio::task::spawn_blocking(move || delete_unreachable(&folder, &reachable))
        .await
        .expect("deleting files does not panic")
}

/// Names of the files that the snapshots lead to. They hold a UUID, so they are unique across folders.
async fn reachable(table: &WarmTable, snapshots: &[Snapshot]) -> Result<HashSet<String>, WarmError> {
    let reading = table.failed("reading its manifests");
    let (manager, io) = (table.snapshots(), table.table.file_io());
    let (mut names, mut manifests) = (HashSet::new(), HashSet::new());
    let mut newer: Option<&Snapshot> = None;
    for snapshot in snapshots {
        let lists = [snapshot.base_manifest_list(), snapshot.delta_manifest_list()];
        names.extend(lists.map(str::to_owned));
        // A commit lists every manifest of the snapshot before it, so of a run of commits the newest knows them all.
        let is_known =
            newer.is_some_and(|newer| newer.id() == snapshot.id() + 1 && *newer.commit_kind() == CommitKind::APPEND);
        for list in lists.into_iter().filter(|_| !is_known) {
            let listed = ManifestList::read(io, &manager.manifest_path(list)).await.map_err(&reading)?;
            manifests.extend(listed.into_iter().map(|manifest| manifest.file_name().to_owned()));
        }
        newer = Some(snapshot);
    }
    for manifest in manifests {
        for entry in Manifest::read(io, &manager.manifest_path(&manifest)).await.map_err(&reading)? {
            names.extend(entry.file().extra_files.iter().cloned());
            names.insert(entry.file().file_name.clone());
        }
        names.insert(manifest);
    }
    Ok(names)
}

fn delete_unreachable(folder: &Path, reachable: &HashSet<String>) -> Result<(), WarmError> {
    let failed = |source| WarmError::Directory { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            delete_unreachable(&entry.path(), reachable)?;
        } else if let Some(name) = entry.file_name().to_str()
            && belongs_to_the_library(folder, name)
            && !reachable.contains(name)
        {
            std::fs::remove_file(entry.path()).and_then(|()| failpoint("warm.sweep.deleted")).map_err(failed)?;
        }
    }
    Ok(())
}

/// By the names it gives: `manifest-…` and `data-…-0.parquet` with a UUID, and what a death left of a snapshot before its rename.
fn belongs_to_the_library(folder: &Path, name: &str) -> bool {
    let in_folder = |prefix| folder.file_name().and_then(|f| f.to_str()).is_some_and(|f| f.starts_with(prefix));
    let has_uuid = |rest: &str| rest.get(..36).is_some_and(|uuid| uuid::Uuid::try_parse(uuid).is_ok());
    if in_folder("manifest") {
        name.strip_prefix("manifest-list-").or_else(|| name.strip_prefix("manifest-")).is_some_and(has_uuid)
    } else if in_folder("bucket-") {
        name.strip_prefix("data-").is_some_and(has_uuid)
    } else {
        in_folder("snapshot") && name.starts_with("snapshot-") && name.contains(".tmp-")
    }
}
