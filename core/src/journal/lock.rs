//! One writer for a data directory, held by the operating system and so gone with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::JournalError;

/// Held for as long as it lives. The file stays behind and means nothing without the lock on it.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// A file that stands in a directory whose move to another disk is not finished, and names the other directory. Under this name in the one
/// that is copied to, until the copy is whole and durable.
pub(crate) const ARRIVING: &str = "arriving-from";

/// And under this one in the one that was copied, until it is deleted.
pub(crate) const LEAVING: &str = "leaving-for";

impl DirectoryLock {
    /// Creates the directory when it is missing. Errors: `InUse` names the process that holds it; `BetweenPlaces`.
    pub fn take(directory: &Path) -> Result<Self, JournalError> {
        Self::refuse_between_places(directory)?;
        Self::take_between_places(directory)
    }

    /// Errors: `BetweenPlaces`, for a directory that is not all there, or not any more.
    pub fn refuse_between_places(directory: &Path) -> Result<(), JournalError> {
        let failed = |source| JournalError::Directory { directory: directory.to_owned(), source };
        let other = |marker| other_place(directory, marker).map_err(failed);
        let (from, to) = match (other(ARRIVING)?, other(LEAVING)?) {
            (Some(from), _) => (from, directory.to_owned()),
            (None, Some(to)) => (directory.to_owned(), to),
            (None, None) => return Ok(()),
        };
        Err(JournalError::BetweenPlaces { directory: directory.to_owned(), from, to })
    }

    /// As `take`, for whoever finishes the move.
    pub(crate) fn take_between_places(directory: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Directory { directory: directory.to_owned(), source };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(directory.join("writer.lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
                return Err(JournalError::InUse { directory: directory.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let name = std::env::current_exe()
            .ok()
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .unwrap_or_else(|| "tapedeck".to_owned());
        file.set_len(0).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        write!(file, "{name} (process {})", std::process::id()).map_err(failed)?;
        file.flush().map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// What the marker of a move names, when it is there.
pub(crate) fn other_place(directory: &Path, marker: &str) -> std::io::Result<Option<PathBuf>> {
    match std::fs::read_to_string(directory.join(marker)) {
        Ok(text) => Ok(Some(PathBuf::from(text))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
