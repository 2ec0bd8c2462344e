//! The last record known to be durable, noted outside the store.
//!
//! The store takes a damaged record for a write that was cut short by a crash, and drops it with all that follows. Without this note a journal that lost
//! its end that way would look whole. It is written after the sync it tells of, so that it never says too much.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::domain::Seq;

fn file(directory: &Path) -> PathBuf {
    directory.join("journal.head")
}

/// `None` when there is none yet, or when it is itself damaged: it is evidence, and no part of the record.
pub(super) fn read(directory: &Path) -> io::Result<Option<Seq>> {
    let text = match std::fs::read_to_string(file(directory)) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => return Ok(None),
        Err(error) => return Err(error),
    };
    let noted = text.trim_end().split_once(' ').filter(|(seq, crc)| *crc == checksum(seq));
    Ok(noted.and_then(|(seq, _)| seq.parse().ok()).map(Seq))
}

/// Durable when it returns; a crash leaves the old note or the new one.
pub(super) fn write(directory: &Path, seq: Seq) -> io::Result<()> {
    let (path, new) = (file(directory), directory.join("journal.head.new"));
    let text = seq.0.to_string();
    let mut file = File::create(&new)?;
    writeln!(file, "{text} {}", checksum(&text))?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(directory)?.sync_all()
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_a_damaged_one_is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(read(directory.path()).expect("readable"), None);
        for seq in [Seq(7), Seq(u64::MAX)] {
            write(directory.path(), seq).expect("written");
            assert_eq!(read(directory.path()).expect("readable"), Some(seq));
        }
        let whole = std::fs::read(file(directory.path())).expect("readable");
        for at in 0..whole.len() - 1 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(file(directory.path()), damaged).expect("written");
            assert_eq!(read(directory.path()).expect("readable"), None, "byte {at}");
        }
    }
}
