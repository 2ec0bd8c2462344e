//! Opens a file by what its first bytes say, not by its name.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::TapeError;
use super::lines::Lines;

pub(super) enum Content {
    Text(Lines),
    Parquet(File),
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const PARQUET: &[u8] = b"PAR1";
const BUFFER: usize = 1 << 17;

pub(super) fn open(path: &Path) -> Result<Content, TapeError> {
    let unreadable = |error| TapeError::Unreadable { path: path.display().to_string(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    let start = start_of(&mut file).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let reader: Box<dyn Read> = if start.starts_with(PARQUET) {
        return Ok(Content::Parquet(file));
    } else if start.starts_with(GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file)))
    } else if start.starts_with(ZSTD) {
        Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(BUFFER, file)).map_err(unreadable)?)
    } else {
        refuse(&start)?;
        Box::new(file)
    };
    Ok(Content::Text(Lines::new(BufReader::with_capacity(BUFFER, reader))))
}

/// What is certainly no text we read. Also asked of what was packed inside a gzip or zstd file.
pub(super) fn refuse(start: &[u8]) -> Result<(), TapeError> {
    let not_read = |found, advice| Err(TapeError::NotRead { found, advice });
    match start {
        [] => Err(TapeError::Empty),
        _ if start.starts_with(b"PK\x03\x04") => not_read("a zip archive", "unpack it and import what is inside"),
        _ if start.starts_with(PARQUET) => not_read("a packed Parquet file", "unpack it; Parquet is compressed inside"),
        _ if start.starts_with(b"BZh") => not_read("a bzip2 file", "unpack it, or pack it with gzip or zstd"),
        _ if start.starts_with(b"\xfd7zXZ") => not_read("an xz file", "unpack it, or pack it with gzip or zstd"),
        _ if start.starts_with(GZIP) || start.starts_with(ZSTD) => not_read("a file packed twice", "unpack it once"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => not_read("UTF-16 text", "save it as UTF-8"),
        _ => Ok(()),
    }
}

fn start_of(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(8);
    file.take(8).read_to_end(&mut start)?;
    Ok(start)
}
