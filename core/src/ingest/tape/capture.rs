//! Frames in a text: JSON lines, or a capture with the time before each frame.
//!
//! ```text
//! {"type":…}                                    a frame; when it was received is not known
//! 1618677817.061845: {"type":…}                 received
//! wss://… <- 1618677817.020616: {"type":…}      sent by us: not a frame
//! wss://… <-> 1618677816.8434298                the connection: not a frame
//! ```

use super::content::refuse;
use super::lines::{Line, Lines};
use super::{Format, Out, ReadError, Row, TapeError};
use crate::domain::ReceivedTime;
use crate::ingest::coinbase::wire::RECEIVED_UNKNOWN;

/// Lines looked at before a file of blank lines is given up.
const BLANK_LINES: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    Frames,
    Table,
}

#[derive(Debug, PartialEq, Eq)]
enum Entry<'a> {
    Frame(&'a [u8], ReceivedTime),
    NotAFrame,
    /// Neither; taken as a frame all the same, so that it is refused with its line.
    Other,
}

/// Looks at the first line that is not blank, and leaves it to be read.
pub(super) fn sniff(lines: &mut Lines, asked: Option<Format>) -> Result<Sniffed, TapeError> {
    loop {
        let number = lines.number();
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Err(TapeError::Empty),
            Err(error) => return Err(TapeError::Cut { line: number, kept: 0, why: error.to_string() }),
        };
        if line.number == 1 && !line.bytes.is_empty() {
            refuse(line.bytes)?;
        }
        if line.bytes.trim_ascii().is_empty() && line.number < BLANK_LINES {
            continue;
        }
        let sniffed = match (asked, entry(line.bytes)) {
            (Some(Format::Coinbase), _) | (None, Entry::Frame(..) | Entry::NotAFrame) => Sniffed::Frames,
            _ => Sniffed::Table,
        };
        lines.step_back();
        return Ok(sniffed);
    }
}

/// Hands on every frame; answers how many lines were none.
pub(super) fn read<E>(mut lines: Lines, out: &mut Out<'_, E>) -> Result<u64, ReadError<E>> {
    let mut not_frames = 0;
    loop {
        let last = lines.number();
        match lines.next() {
            Ok(None) => return Ok(not_frames),
            Err(error) => {
                return Err(TapeError::Cut { line: last, kept: out.kept(), why: error.to_string() }.into());
            }
            Ok(Some(Line { number: line, bytes, too_long: true })) => {
                out.put(Row::Bad { line, raw: bytes, reason: "the line is longer than 1 MiB".into() })?;
            }
            Ok(Some(Line { number: line, bytes, .. })) => match entry(bytes) {
                Entry::NotAFrame => not_frames += 1,
                Entry::Frame(bytes, received) => out.put(Row::Frame { line, bytes, received })?,
                Entry::Other => out.put(Row::Frame { line, bytes, received: RECEIVED_UNKNOWN })?,
            },
        }
    }
}

fn entry(line: &[u8]) -> Entry<'_> {
    let line = line.trim_ascii();
    match line {
        [] => return Entry::NotAFrame,
        [b'{', ..] => return Entry::Frame(line, RECEIVED_UNKNOWN),
        _ => {}
    }
    let Some((before, after)) = split_once(line, b": ") else {
        return if is_connection(line) { Entry::NotAFrame } else { Entry::Other };
    };
    match (after.trim_ascii_start(), received(before)) {
        (frame @ [b'{', ..], Some(received)) => Entry::Frame(frame, received),
        _ if is_connection(line) => Entry::NotAFrame,
        _ => Entry::Other,
    }
}

/// `URL <- time: …`, `URL <-> time`
fn is_connection(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace);
    let (url, arrow, time) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
    let time = time.map(|time| time.strip_suffix(b":").unwrap_or(time));
    (arrow == b"<-" || arrow == b"<->") && split_once(url, b"://").is_some() && time.and_then(received).is_some()
}

fn split_once<'a, const N: usize>(bytes: &'a [u8], separator: &[u8; N]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(N).position(|window| window == separator)?;
    Some((&bytes[..at], &bytes[at + N..]))
}

fn received(text: &[u8]) -> Option<ReceivedTime> {
    let text = std::str::from_utf8(text).ok()?;
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    ReceivedTime::parse(text).ok()
}
