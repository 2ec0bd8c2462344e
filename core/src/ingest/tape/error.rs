//! Why a file can not be read.

use std::io;

use super::Format;

#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error("{path} can not be read: {error}")]
    Unreadable { path: String, error: io::Error },
    #[error("the file is empty")]
    Empty,
    #[error("this is {found}, which is not read: {advice}")]
    NotRead { found: &'static str, advice: &'static str },
    #[error(
        "it is not clear what this file holds: {found}. Expected frames (JSON lines or a capture), ticks (columns trade_id, time, \
         price, size, optionally side) or candles (columns time, open, high, low, close, volume, optionally pair)"
    )]
    Unknown { found: String },
    #[error("as {format} it lacks {missing}; it has {found}")]
    Columns { format: Format, missing: String, found: String },
    #[error("the columns {first} and {second} could both be the {role}: rename or remove one")]
    Ambiguous { role: &'static str, first: String, second: String },
    #[error("the column {column} is of type {kind}, which can not be read as the {role}")]
    ColumnType { column: String, kind: String, role: &'static str },
    #[error("neither the file nor its name says which pair this is: give it with --pair, as in --pair BTC-USD")]
    NoPair,
    #[error("these bars are {found} apart; one-minute bars are read, and longer intervals are made from them")]
    NotMinutes { found: String },
    #[error("the file is cut or damaged after line {line} ({why}); the {kept} good rows before it were kept")]
    Cut { line: u64, kept: u64, why: String },
}

/// As `TapeError`, or what the receiver of the rows said.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E> {
    #[error(transparent)]
    Tape(#[from] TapeError),
    #[error("{0}")]
    Sink(E),
}
