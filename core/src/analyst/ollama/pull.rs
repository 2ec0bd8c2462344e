//! How a pull goes on, line by line. Pure.

use std::time::Duration;

use serde::Deserialize;

use super::ask::parse;
use super::{CallError, Quote};

/// A pull that tells nothing for so long has come to a halt.
pub const PULL_IDLE: Duration = Duration::from_secs(60);
pub const MOST_LINE_BYTES: usize = 64 << 10;
/// Ollama tells 16 times a second in lines of 150 bytes: this is more than a day of them.
pub const MOST_PULL_BYTES: usize = 256 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    pub status: Quote,
    /// Bytes of the layer that is being fetched; never more than `total`.
    pub completed: Option<u64>,
    pub total: Option<u64>,
}

#[derive(Deserialize)]
struct Told {
    status: Option<String>,
    error: Option<String>,
    completed: Option<u64>,
    total: Option<u64>,
}

/// What a chunk of a pull came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    /// Not one whole line.
    Quiet,
    On,
    /// The server says that it succeeded.
    Done,
}

/// Lines out of chunks that are cut anywhere. It never holds more than one line of the longest.
#[derive(Default)]
pub(super) struct Pulling {
    held: Vec<u8>,
    seen: usize,
}

impl Pulling {
    /// Tells each line that ends in `chunk`, up to the last of a pull. Errors: `TooLong` for a line or for all of them, and what
    /// a line says or is.
    pub(super) fn feed(&mut self, chunk: &[u8], progress: &mut impl FnMut(Pulled)) -> Result<Going, CallError> {
        self.seen = self.seen.saturating_add(chunk.len());
        if self.seen > MOST_PULL_BYTES {
            return Err(CallError::TooLong { bound: MOST_PULL_BYTES });
        }
        let mut going = Going::Quiet;
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            if self.held.len() + piece.len() > MOST_LINE_BYTES {
                return Err(CallError::TooLong { bound: MOST_LINE_BYTES });
            }
            self.held.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                match self.end(progress)? {
                    Going::Quiet => {}
                    Going::On => going = Going::On,
                    Going::Done => return Ok(Going::Done),
                }
            }
        }
        Ok(going)
    }

    /// Tells what is held as a line, unless it is blank.
    pub(super) fn end(&mut self, progress: &mut impl FnMut(Pulled)) -> Result<Going, CallError> {
        let line = self.held.trim_ascii();
        if line.is_empty() {
            self.held.clear();
            return Ok(Going::Quiet);
        }
        let Told { status, error, completed, total } = parse(line)?;
        self.held.clear();
        if let Some(error) = error {
            return Err(CallError::Failed { said: Quote::of(&error) });
        }
        let status = status.ok_or_else(|| CallError::Unexpected { why: Quote::of("neither a status nor an error") })?;
        let completed = completed.map(|bytes| bytes.min(total.unwrap_or(bytes)));
        progress(Pulled { status: Quote::of(&status), completed, total });
        Ok(if status == "success" { Going::Done } else { Going::On })
    }
}
