//! A data directory goes to another place, and its tables say so.
//!
//! On one disk it is renamed, and then the cold tier's files are written to say where they are (`Cold::relocate`): the journal and the warm
//! tier name nothing from the root. To another disk it is copied, read back and compared, and the copy made to say where it is, before
//! the original is given up:
//!
//! ```text
//!               what is killed here is                                    and opens
//!  copied       in both; `arriving-from` marks the copy as not whole      at the old place
//!  compared     as before
//!  given up     `leaving-for` marks the original: the copy is it now      at neither, until the same command is run again
//!  arrived      the copy, without its mark                                at the new place
//!  deleted      the original is gone
//! ```
//!
//! A renamed directory whose tables do not say so yet opens at neither place either, as one that was moved by hand. The same command, at any
//! of these moments, does what is left to do.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::failpoint::failpoint;
use crate::journal::{ARRIVING, DirectoryLock, JournalError, LEAVING, other_place};
use crate::tiers::cold::{Cold, ColdError, Relocated};

/// The steps of a move at which a crash matters, in the order they are taken. Those of `RELOCATION_STEPS` lie between `move.compared` and
/// `move.given-up`, and after `move.renamed`.
pub const MOVE_STEPS: [&str; 8] = [
    "move.rename",
    "move.renamed",
    "move.marked",
    "move.copied",
    "move.compared",
    "move.given-up",
    "move.arrived",
    "move.deleted",
];

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the cold tier: {0}")]
    Cold(#[from] ColdError),
    #[error("there is no data directory in {}", directory.display())]
    NothingThere { directory: PathBuf },
    #[error("{} is not empty", directory.display())]
    Occupied { directory: PathBuf },
    #[error("{} lies in {}", inner.display(), outer.display())]
    Within { inner: PathBuf, outer: PathBuf },
    #[error("{doing} {}: {source}", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{} reads other than what it was copied from", path.display())]
    Differs { path: PathBuf },
    #[error("another program is reading {}", directory.display())]
    Read { directory: PathBuf },
}

/// How the directory came to be where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Renamed,
    Copied {
        files: u64,
        bytes: u64,
    },
    /// It was there already, from an earlier run or moved by hand.
    Found,
}

#[derive(Clone, Debug)]
pub struct Moved {
    pub way: Way,
    /// Zero of each where the tables say already where they are.
    pub relocated: Relocated,
    /// Files of the cold tier that are missing or not whole, before the move as after it.
    pub findings: Vec<String>,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stands {
    /// No directory, or an empty one.
    Nothing,
    /// A directory with other things.
    Other,
    Data,
    Arriving {
        from: PathBuf,
    },
    Leaving {
        to: PathBuf,
    },
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// All of it. What is at the new place is of an attempt that was killed, if anything.
    Move,
    /// The copy is whole: give the original up.
    GiveUp,
    /// It is there. Have it say so.
    Relocate,
}

/// Pure, so a table of cases is the whole test.
fn rest(from: &Path, source: &Stands, to: &Path, target: &Stands) -> Result<Rest, MoveError> {
    let nothing = || MoveError::NothingThere { directory: from.to_owned() };
    let between = |directory: &Path, from: &Path, to: &Path| {
        let (directory, from, to) = (directory.to_owned(), from.to_owned(), to.to_owned());
        Err(JournalError::BetweenPlaces { directory, from, to }.into())
    };
    match (source, target) {
        (Stands::Leaving { to: wanted }, _) if wanted != to => between(from, from, wanted),
        (Stands::Leaving { .. }, Stands::Data | Stands::Arriving { .. }) => Ok(Rest::GiveUp),
        (Stands::Arriving { from: origin }, _) => between(from, origin, from),
        (_, Stands::Arriving { from: origin }) if origin != from => between(to, origin, to),
        (_, Stands::Leaving { to: wanted }) => between(to, to, wanted),
        (Stands::Data, Stands::Data) if from == to => Ok(Rest::Relocate),
        (Stands::Data, Stands::Nothing | Stands::Arriving { .. }) => Ok(Rest::Move),
        (Stands::Data, Stands::Data | Stands::Other) => Err(MoveError::Occupied { directory: to.to_owned() }),
        (Stands::Nothing | Stands::Other, Stands::Data) if from != to => Ok(Rest::Relocate),
        (Stands::Leaving { .. } | Stands::Nothing | Stands::Other, _) => Err(nothing()),
    }
}

/// Moves the data directory `from` to `to`, which must not be there or be empty; or goes on with that where it was killed. Both are the same
/// for a directory that was moved by hand: its tables are made to say where they are.
///
/// Errors: after any, the directory is whole in one of the places, and the same call goes on.
pub async fn move_directory(from: &Path, to: &Path) -> Result<Moved, MoveError> {
    let (from, to) = (place(from)?, place(to)?);
    let (source, target) = (stands(&from)?, stands(&to)?);
    let rest = rest(&from, &source, &to, &target)?;
    let (way, lock) = match rest {
        Rest::Move => {
            for (inner, outer) in [(&to, &from), (&from, &to)] {
                if inner.starts_with(outer) {
                    return Err(MoveError::Within { inner: inner.clone(), outer: outer.clone() });
                }
            }
            let lock = DirectoryLock::take(&from)?;
            if Cold::place(&from).await?.is_some() && !Cold::settle(&from).await? {
                return Err(MoveError::Read { directory: from });
            }
            if let Stands::Arriving { .. } = target {
                clear(&to)?;
            }
            match rename(&from, &to)? {
                true => (Way::Renamed, lock),
                false => return copy(&from, &to, lock).await,
            }
        }
        Rest::GiveUp => {
            let lock = DirectoryLock::take_between_places(&from)?;
            give_up(&from, &to, lock)?;
            return Ok(Moved { way: Way::Found, relocated: Relocated::default(), findings: findings(&to).await? });
        }
        Rest::Relocate => {
            let lock = DirectoryLock::take(&to)?;
            if from != to && !came_from(&to, &from).await? {
                return Err(match source {
                    Stands::Other => MoveError::Occupied { directory: to },
                    _ => MoveError::NothingThere { directory: from },
                });
            }
            (Way::Found, lock)
        }
    };
    let relocated = relocate(&to).await?;
    let findings = findings(&to).await?;
    drop(lock);
    Ok(Moved { way, relocated, findings })
}

/// Whether a directory without its origin is one that came from there, and may lack the last steps.
async fn came_from(to: &Path, from: &Path) -> Result<bool, MoveError> {
    let Some(there) = Cold::place(to).await? else { return Ok(false) };
    let before = if there.is_right() { Cold::earlier_place(to).await? } else { Some(there.recorded) };
    before.map_or(Ok(false), |before| Ok(place(&before)?.starts_with(from)))
}

async fn relocate(directory: &Path) -> Result<Relocated, MoveError> {
    match Cold::place(directory).await? {
        Some(place) if !place.is_right() => Ok(Cold::relocate(directory).await?),
        _ => Ok(Relocated::default()),
    }
}

async fn findings(directory: &Path) -> Result<Vec<String>, MoveError> {
    let checked = Cold::check_of(directory).await?.unwrap_or_default();
    Ok(checked.findings.iter().map(ToString::to_string).collect())
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MoveError {
    let path = path.to_owned();
    move |source| MoveError::File { doing, path, source }
}

/// From the root, and where it really is: a link to a directory is not the directory.
fn place(given: &Path) -> Result<PathBuf, MoveError> {
    let absolute = std::path::absolute(given).map_err(failed("looking for", given))?;
    let mut rest = Vec::new();
    let mut above = absolute.as_path();
    loop {
        if let Ok(real) = fs::canonicalize(above) {
            return Ok(rest.into_iter().rev().fold(real, |path, name| path.join(name)));
        }
        match (above.parent(), above.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                above = parent;
            }
            _ => return Ok(absolute),
        }
    }
}

fn stands(directory: &Path) -> Result<Stands, MoveError> {
    let looking = |error| failed("looking at", directory)(error);
    if let Some(from) = other_place(directory, ARRIVING).map_err(looking)? {
        return Ok(Stands::Arriving { from });
    }
    if let Some(to) = other_place(directory, LEAVING).map_err(looking)? {
        return Ok(Stands::Leaving { to });
    }
    if directory.join("journal").is_dir() {
        return Ok(Stands::Data);
    }
    match fs::read_dir(directory) {
        Ok(mut found) => {
            let empty = found.all(|entry| entry.is_ok_and(|entry| entry.file_name() == *unfinished(ARRIVING)));
            Ok(if empty { Stands::Nothing } else { Stands::Other })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stands::Nothing),
        Err(error) => Err(looking(error)),
    }
}

/// `false` when it can not be renamed, most often since it is another disk. Whatever else is in the way, a copy runs into as well.
fn rename(from: &Path, to: &Path) -> Result<bool, MoveError> {
    let above = to.parent().unwrap_or(to);
    fs::create_dir_all(above).map_err(failed("making", above))?;
    // Only an empty one is removed. Where a disk is mounted it stays, and renaming onto it fails.
    let _ = fs::remove_dir(to);
    if let Err(error) = failpoint("move.rename").and_then(|()| fs::rename(from, to)) {
        tracing::info!(%error, "it is copied, since it can not be renamed");
        return Ok(false);
    }
    for parent in [Some(above), from.parent()].into_iter().flatten() {
        sync_folder(parent)?;
    }
    failpoint("move.renamed").map_err(failed("renaming", from))?;
    Ok(true)
}

async fn copy(from: &Path, to: &Path, lock: DirectoryLock) -> Result<Moved, MoveError> {
    let (files, bytes, relocated) = match arrive(from, to).await {
        Ok(arrived) => arrived,
        Err(error) => {
            // The original is untouched. What can not be cleared away is, at the next attempt.
            if let Err(error) = clear(to).and_then(|()| fs::remove_dir(to).map_err(failed("removing", to))) {
                tracing::warn!(%error, "half a copy stays behind");
            }
            return Err(error);
        }
    };
    let findings = findings(to).await?;
    give_up(from, to, lock)?;
    Ok(Moved { way: Way::Copied { files, bytes }, relocated, findings })
}

/// The copy, whole and durable and in its place, and marked as a copy.
async fn arrive(from: &Path, to: &Path) -> Result<(u64, u64, Relocated), MoveError> {
    fs::create_dir_all(to).map_err(failed("making", to))?;
    mark(to, ARRIVING, from)?;
    failpoint("move.marked").map_err(failed("marking", to))?;
    let mut copied = Vec::new();
    copy_folder(from, to, &mut copied)?;
    failpoint("move.copied").map_err(failed("copying", from))?;
    let mut bytes = 0;
    for (original, copy) in &copied {
        let (read, length) = hash(original)?;
        if (read, length) != hash(copy)? {
            return Err(MoveError::Differs { path: copy.clone() });
        }
        bytes += length;
    }
    failpoint("move.compared").map_err(failed("comparing", to))?;
    Ok((copied.len() as u64, bytes, relocate(to).await?))
}

/// From here on the copy is the directory: it loses its mark, and the original goes.
fn give_up(from: &Path, to: &Path, lock: DirectoryLock) -> Result<(), MoveError> {
    if other_place(from, LEAVING).map_err(failed("looking at", from))?.is_none() {
        mark(from, LEAVING, to)?;
    }
    failpoint("move.given-up").map_err(failed("marking", from))?;
    remove(&to.join(ARRIVING))?;
    sync_folder(to)?;
    failpoint("move.arrived").map_err(failed("marking", to))?;
    for entry in entries(from)? {
        if !stays_behind(&entry) {
            remove(&entry)?;
        }
    }
    failpoint("move.deleted").map_err(failed("deleting", from))?;
    drop(lock);
    // The mark goes last: without it, what is left could be taken for a data directory.
    remove(&from.join("writer.lock"))?;
    remove(&from.join(unfinished(LEAVING)))?;
    remove(&from.join(LEAVING))?;
    // Where a disk is mounted an empty folder stays, and is nobody's.
    let _ = fs::remove_dir(from);
    from.parent().map_or(Ok(()), sync_folder)
}

/// Names that mean something in one place only.
fn stays_behind(path: &Path) -> bool {
    // Of SQLite's files the database is all there is, once it is settled. The others come and go with whoever reads.
    let names = ["writer.lock", ARRIVING, LEAVING, &unfinished(LEAVING), "catalog.db-wal", "catalog.db-shm"];
    path.file_name().is_some_and(|found| names.into_iter().any(|name| found == name))
}

/// Of a mark that has no name yet.
fn unfinished(mark: &str) -> String {
    format!(".{mark}.unfinished")
}

fn mark(directory: &Path, name: &str, other: &Path) -> Result<(), MoveError> {
    let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "the name of the other place is not UTF-8");
    let other = other.to_str().ok_or_else(unnamed).map_err(failed("marking", directory))?;
    let (path, unfinished) = (directory.join(name), directory.join(unfinished(name)));
    File::create(&unfinished)
        .and_then(|mut file| file.write_all(other.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, &path))
        .map_err(failed("writing", &path))?;
    sync_folder(directory)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, MoveError> {
    let paths = fs::read_dir(folder).and_then(|found| found.map(|entry| entry.map(|entry| entry.path())).collect());
    paths.map_err(failed("reading", folder))
}

fn copy_folder(from: &Path, to: &Path, copied: &mut Vec<(PathBuf, PathBuf)>) -> Result<(), MoveError> {
    for path in entries(from)? {
        let name = path.file_name().unwrap_or_default();
        let target = to.join(name);
        if stays_behind(&path) {
            continue;
        }
        if path.is_dir() {
            fs::create_dir_all(&target).map_err(failed("making", &target))?;
            copy_folder(&path, &target, copied)?;
        } else {
            copy_file(&path, &target).map_err(failed("copying", &path))?;
            copied.push((path, target));
        }
    }
    sync_folder(to)
}

/// With its permissions and its age, by which orphans are told from files that are about to be named.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let file = File::options().write(true).open(to)?;
    file.set_modified(fs::metadata(from)?.modified()?)?;
    file.sync_all()
}

fn hash(path: &Path) -> Result<(blake3::Hash, u64), MoveError> {
    let reading = |error| failed("reading", path)(error);
    let mut file = File::open(path).map_err(reading)?;
    let (mut hasher, mut buffer, mut length) = (blake3::Hasher::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer).map_err(reading)? {
            0 => return Ok((hasher.finalize(), length)),
            read => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}

/// Everything of a copy that was not finished, and its mark last.
fn clear(directory: &Path) -> Result<(), MoveError> {
    for entry in entries(directory)? {
        if entry.file_name().is_none_or(|name| name != ARRIVING) {
            remove(&entry)?;
        }
    }
    remove(&directory.join(ARRIVING))
}

/// A file, a link or a folder with all that is in it. It may be gone already.
fn remove(path: &Path) -> Result<(), MoveError> {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let removed = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("deleting", path)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), MoveError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("syncing", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_move_follows_from_what_stands_at_both_places() {
        let (from, to, third) = (Path::new("/from"), Path::new("/to"), Path::new("/third"));
        let arriving = |from: &Path| Stands::Arriving { from: from.to_owned() };
        let leaving = |to: &Path| Stands::Leaving { to: to.to_owned() };
        for (source, target, expected) in [
            (Stands::Data, Stands::Nothing, Some(Rest::Move)),
            (Stands::Data, arriving(from), Some(Rest::Move)),
            (Stands::Data, arriving(third), None),
            (Stands::Data, leaving(third), None),
            (Stands::Data, Stands::Data, None),
            (Stands::Data, Stands::Other, None),
            (leaving(to), arriving(from), Some(Rest::GiveUp)),
            (leaving(to), Stands::Data, Some(Rest::GiveUp)),
            (leaving(to), Stands::Nothing, None),
            (leaving(third), Stands::Nothing, None),
            (arriving(third), Stands::Nothing, None),
            (Stands::Nothing, Stands::Data, Some(Rest::Relocate)),
            (Stands::Other, Stands::Data, Some(Rest::Relocate)),
            (Stands::Nothing, Stands::Nothing, None),
            (Stands::Nothing, arriving(from), None),
            (Stands::Other, Stands::Nothing, None),
        ] {
            let found = rest(from, &source, to, &target);
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{source:?}, {target:?}: {found:?}");
        }
        assert_eq!(rest(to, &Stands::Data, to, &Stands::Data).ok(), Some(Rest::Relocate));
        assert!(rest(to, &Stands::Nothing, to, &Stands::Nothing).is_err());
    }
}
