//! One writer for a data directory, held by the operating system and so gone with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::JournalError;

/// Held for as long as it lives. The file stays behind and means nothing without the lock on it.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates the directory when it is missing. Errors: `InUse` names the process that holds it.
    pub fn take(directory: &Path) -> Result<Self, JournalError> {
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
