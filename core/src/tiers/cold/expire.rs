//! Letting go of old snapshots, and of files that none reaches.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use iceberg::spec::{SnapshotRef, TableMetadata};
use iceberg::table::Table;

use super::catalog::{LocalCatalog, injected};
use super::storage::{blocking, local};
use super::{ColdError, committed};
use crate::clock;
use crate::domain::EventTime;
use crate::domain::time::{DAY, HOUR};
use crate::failpoint::failpoint;

/// Which snapshots stay: the newest, those of a while, fewer and fewer of the time before, and those that are named.
///
/// Every one of them stands in each metadata file, and there is one with every commit: a day of a commit a minute would be a megabyte a minute.
/// The history of the table is cut at the newest that is let go, so `Cold::snapshot_at` answers for as far back as every one is kept; the
/// older ones are asked by their ids.
#[derive(Clone, Debug)]
pub struct Keep {
    /// However old they are.
    pub newest: usize,
    /// Every one that is younger, up to `most` of them.
    pub younger_than: Duration,
    pub most: usize,
    /// The last one of each hour, and of each day, that are younger.
    pub hourly: Duration,
    pub daily: Duration,
    pub named: Vec<i64>,
}

impl Default for Keep {
    /// An hour of them, a day of one an hour, a month of one a day: 90 + 25 + 31 at most, however often there is a commit.
    fn default() -> Self {
        Self {
            newest: 32,
            younger_than: Duration::from_nanos(HOUR as u64),
            most: 90,
            hourly: Duration::from_nanos(DAY as u64),
            daily: Duration::from_nanos(30 * DAY as u64),
            named: Vec::new(),
        }
    }
}

impl Keep {
    /// So many, and no other.
    pub fn only(newest: usize) -> Self {
        let none = Duration::ZERO;
        Self { newest, younger_than: none, most: newest, hourly: none, daily: none, named: Vec::new() }
    }

    /// Which of these stay, told by their ids and times, newest first. Hours and days are those of UTC. Pure, so that a month of commits can
    /// be tried.
    fn stays(&self, newest_first: &[(i64, EventTime)], now: EventTime) -> Vec<bool> {
        let younger = |at: EventTime, than: Duration| {
            u128::try_from(now.nanos().saturating_sub(at.nanos())).map_or(true, |age| age < than.as_nanos())
        };
        // The last of an hour is the one after which a later hour comes.
        let (mut hour, mut day) = (None, None);
        newest_first
            .iter()
            .enumerate()
            .map(|(place, &(id, at))| {
                let hours = Some(at.nanos().div_euclid(HOUR));
                let days = Some(at.nanos().div_euclid(DAY));
                let ends_hour = std::mem::replace(&mut hour, hours) != hours;
                let ends_day = std::mem::replace(&mut day, days) != days;
                place < self.newest.max(1)
                    || (place < self.most && younger(at, self.younger_than))
                    || (ends_hour && younger(at, self.hourly))
                    || (ends_day && younger(at, self.daily))
                    || self.named.contains(&id)
            })
            .collect()
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
    let times: Vec<_> =
        snapshots.iter().map(|snapshot| (snapshot.snapshot_id(), committed(snapshot.timestamp_ms()))).collect();
    let stays = keep.stays(&times, EventTime::from_nanos(clock::received_now().nanos()));
    let current = metadata.current_snapshot_id();
    let (kept, gone): (Vec<_>, Vec<_>) = snapshots
        .into_iter()
        .zip(stays)
        .partition(|(snapshot, stays)| *stays || current == Some(snapshot.snapshot_id()));
    if gone.is_empty() {
        return Ok(None);
    }
    let mut seen = HashMap::new();
    let mut files = HashSet::new();
    for (snapshot, _) in &gone {
        reach(table, snapshot, &mut seen, &mut files).await?;
    }
    let mut needed = HashSet::new();
    for (snapshot, _) in &kept {
        reach(table, snapshot, &mut seen, &mut needed).await?;
    }
    let ids: Vec<i64> = gone.iter().map(|(snapshot, _)| snapshot.snapshot_id()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE;

    /// Commits so far apart, with an expiry after every tenth: the ages of what is kept, newest first, and the most that ever were.
    fn kept_of(commits: i64, apart: i64) -> (Vec<i64>, usize) {
        let start = 20_000 * DAY;
        let (mut states, mut most) = (Vec::<(i64, EventTime)>::new(), 0);
        for commit in 0..commits {
            states.insert(0, (commit, EventTime::from_nanos(start + commit * apart)));
            if commit % 10 == 9 {
                let stays = Keep::default().stays(&states, states[0].1);
                let mut stays = stays.into_iter();
                states.retain(|_| stays.next() == Some(true));
                most = most.max(states.len());
            }
        }
        let now = states[0].1.nanos();
        (states.into_iter().map(|(_, at)| now - at.nanos()).collect(), most)
    }

    #[test]
    fn a_month_of_commits_is_kept_in_some_hundred_states() {
        let (ages, most) = kept_of(40 * 1_440, MINUTE);
        assert!(most <= 150 && ages.len() <= 120, "{} at most, {} at last", most, ages.len());
        let within = |from: i64, to: i64| ages.iter().filter(|age| (from..to).contains(*age)).count() as i64;
        assert_eq!(within(0, HOUR), 60, "each of the last hour");
        assert!((23..=25).contains(&within(HOUR, DAY + HOUR)), "one an hour of the last day: {}", within(HOUR, DAY));
        assert!((28..=30).contains(&within(DAY, 31 * DAY)), "one a day of the last month: {}", within(DAY, 31 * DAY));
        assert_eq!(within(31 * DAY, i64::MAX), 0);
    }

    #[test]
    fn however_often_there_is_a_commit_the_states_are_bounded() {
        let (ages, most) = kept_of(30_000, 1_000_000_000);
        assert!(most <= 150, "{most} states");
        assert!(ages[80] < 2 * MINUTE && ages.iter().any(|age| *age > 7 * HOUR), "{ages:?}");
    }

    #[test]
    fn the_newest_and_the_named_stay_however_old_they_are() {
        let states: Vec<_> = (0..100).rev().map(|id| (id, EventTime::from_nanos(id))).collect();
        let keep = Keep { named: vec![3], ..Keep::default() };
        let stays = keep.stays(&states, EventTime::from_nanos(400 * DAY));
        let kept: Vec<i64> = states.iter().zip(stays).filter(|(_, stays)| *stays).map(|((id, _), _)| *id).collect();
        assert_eq!(kept, (68..100).rev().chain([3]).collect::<Vec<_>>());
    }
}
