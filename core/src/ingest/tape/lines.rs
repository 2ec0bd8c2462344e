//! Lines of a text, numbered, with a bound on their length.

use std::io::{self, BufRead, Read};

use crate::ingest::coinbase::wire::LONGEST_FRAME;

/// A capture puts a time before the frame.
const LONGEST_LINE: usize = LONGEST_FRAME + 64;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct Lines {
    reader: Box<dyn BufRead>,
    /// Of the line in `line`; 0 before the first.
    number: u64,
    line: Vec<u8>,
    /// The line in `line` is to be given again.
    again: bool,
    cut_short: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    /// Without its line end; the first 1 MiB when `too_long`.
    pub(super) bytes: &'a [u8],
    pub(super) too_long: bool,
}

impl Lines {
    pub(super) fn new(reader: impl BufRead + 'static) -> Self {
        Self { reader: Box::new(reader), number: 0, line: Vec::new(), again: false, cut_short: false }
    }

    /// The last line that was read whole.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line is the last one again.
    pub(super) fn step_back(&mut self) {
        self.again = self.number > 0;
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        if !std::mem::take(&mut self.again) {
            self.line.clear();
            let most = LONGEST_LINE as u64 + 2;
            let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.cut_short = read as u64 == most && self.line.last() != Some(&b'\n');
            if self.cut_short {
                self.line.truncate(LONGEST_LINE);
                self.reader.skip_until(b'\n')?;
            }
            if self.line.ends_with(b"\n") {
                self.line.pop();
            }
            if self.line.ends_with(b"\r") {
                self.line.pop();
            }
            if self.number == 0 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            self.number += 1;
        }
        Ok(Some(Line { number: self.number, bytes: &self.line, too_long: self.cut_short }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let mut text = vec![b'a'; 3 << 20];
        text.extend_from_slice(b"\r\nb\n\nc");
        let mut lines = Lines::new(io::Cursor::new(text));
        let first = lines.next().expect("readable").expect("a line");
        assert_eq!((first.number, first.bytes.len(), first.too_long), (1, LONGEST_LINE, true));
        lines.step_back();
        assert!(lines.next().expect("readable").expect("a line").too_long);
        for (number, bytes) in [(2, &b"b"[..]), (3, b""), (4, b"c")] {
            assert_eq!(lines.next().expect("readable"), Some(Line { number, bytes, too_long: false }));
        }
        assert_eq!(lines.next().expect("readable"), None);
    }

    #[test]
    fn a_file_saved_by_a_spreadsheet_still_has_its_first_column() {
        let mut lines = Lines::new(io::Cursor::new(b"\xef\xbb\xbftime,price\n".to_vec()));
        assert_eq!(lines.next().expect("readable").map(|line| line.bytes), Some(&b"time,price"[..]));
    }
}
