//! Files → rows, streamed: good rows are handed on as they are read, bad ones with their line and the reason.
//!
//! ```text
//! path ─▶ content (gzip, zstd, by magic) ─┬─▶ lines ─┬─▶ frames    JSON lines, captures
//!                                         │          └─▶ text      ticks and candles as CSV
//!                                         └─▶ parquet              ticks and candles
//! ```
//! What a file is follows from its content. Memory is bounded by the longest line (1 MiB) or 8 192 rows, whatever the file.

mod capture;
mod cell;
mod columns;
mod content;
mod error;
mod lines;
mod minutes;
mod parquet_rows;
mod record;
mod text_rows;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

pub use error::{ReadError, TapeError};
pub use record::check_candle;

use super::coinbase::wire;
use super::lane::Lane;
use super::message::Message;
use super::quarantine::{Place, Quarantined};
use crate::domain::input::ImportedCandle;
use crate::domain::{EventTime, ImportId, Input, Pair, ReceivedTime, Source, Tick};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Frames of the Coinbase Exchange feed: JSON lines, or a capture.
    Coinbase,
    /// Trades: CSV or Parquet.
    Ticks,
    /// One-minute bars: CSV or Parquet.
    Candles,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coinbase => "coinbase",
            Self::Ticks => "ticks",
            Self::Candles => "candles",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format: expected coinbase, ticks or candles")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        [Self::Coinbase, Self::Ticks, Self::Candles]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| FormatError(text.chars().take(40).collect()))
    }
}

#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Told by content when absent.
    pub format: Option<Format>,
    /// Of a file whose rows name none. It does not rename the pairs of a file that does.
    pub pair: Option<Pair>,
}

/// One thing a file says. `line` counts from 1; in Parquet it is the row.
#[derive(Debug)]
pub enum Row<'a> {
    Frame { line: u64, bytes: &'a [u8], received: ReceivedTime },
    Tick { line: u64, tick: Tick, rounded: bool },
    Candle { line: u64, candle: ImportedCandle, rounded: bool },
    Bad { line: u64, raw: &'a [u8], reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub format: Format,
    /// Rows handed on, good and bad.
    pub rows: u64,
    pub bad: u64,
    /// Lines of a capture that are no frames: sent ones, connections, blank lines. Not rows.
    pub not_frames: u64,
}

/// Reads a file from its beginning to its end, or to where it is damaged.
///
/// Errors: `ReadError::Tape` when it can not be read (further); rows before that were handed on. `ReadError::Sink` as soon as `sink`
/// fails.
pub fn read<E>(
    path: &Path,
    options: &ReadOptions,
    source: Source,
    sink: &mut dyn FnMut(Row<'_>) -> Result<(), E>,
) -> Result<Summary, ReadError<E>> {
    let mut out = Out { sink, rows: 0, bad: 0 };
    let (format, not_frames) = match content::open(path)? {
        content::Content::Parquet(file) => (parquet_rows::read(path, file, options, source, &mut out)?, 0),
        content::Content::Text(mut lines) => match capture::sniff(&mut lines, options.format)? {
            capture::Sniffed::Frames => (Format::Coinbase, capture::read(lines, &mut out)?),
            capture::Sniffed::Table => (text_rows::read(path, lines, options, source, &mut out)?, 0),
        },
    };
    Ok(Summary { format, rows: out.rows, bad: out.bad, not_frames })
}

/// The same content is the same lane, whatever its name: the first eight bytes of its BLAKE3 hash.
pub fn import_id(path: &Path) -> Result<ImportId, TapeError> {
    let unreadable = |error: std::io::Error| TapeError::Unreadable { path: path.display().to_string(), error };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).map_err(unreadable)?).map_err(unreadable)?;
    let hash = hasher.finalize();
    let first: [u8; 8] = hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes");
    Ok(ImportId(u64::from_be_bytes(first)))
}

/// Gives a row of `file` to its lane. What is put aside comes back, with its place.
pub fn admit_row(lane: &mut Lane, row: Row<'_>, file: &str, into: &mut Vec<(EventTime, Input)>) -> Vec<Quarantined> {
    let place = |line| Some(Place { file: file.to_owned(), line });
    let (line, message) = match row {
        Row::Tick { line, tick, rounded } => (line, Message::Trade { tick, rounded }),
        Row::Candle { line, candle, rounded } => (line, Message::Candle { candle, rounded }),
        Row::Bad { line, raw, reason } => return vec![lane.refuse(raw, reason, place(line))],
        Row::Frame { line, bytes, received } => match wire::decode(bytes, lane.source(), received) {
            Ok(message) => (line, message),
            Err(refusal) => return vec![lane.refuse(bytes, refusal, place(line))],
        },
    };
    lane.at_line(line);
    lane.admit(message, into);
    put_aside(lane, file)
}

/// What the lane has put aside, named for the file. The line may be one before: it was held until now.
pub fn put_aside(lane: &mut Lane, file: &str) -> Vec<Quarantined> {
    let mut aside = lane.drain_quarantined();
    for place in aside.iter_mut().filter_map(|quarantined| quarantined.place.as_mut()) {
        file.clone_into(&mut place.file);
    }
    aside
}

/// Where rows go, and how many went.
struct Out<'a, E> {
    sink: &'a mut dyn FnMut(Row<'_>) -> Result<(), E>,
    rows: u64,
    bad: u64,
}

impl<E> Out<'_, E> {
    fn put(&mut self, row: Row<'_>) -> Result<(), ReadError<E>> {
        self.rows += 1;
        self.bad += u64::from(matches!(row, Row::Bad { .. }));
        (self.sink)(row).map_err(ReadError::Sink)
    }

    /// Rows kept so far, for the message of a file that is cut.
    fn kept(&self) -> u64 {
        self.rows - self.bad
    }
}

#[cfg(test)]
mod tests;
