//! Ticks and candles as CSV. A row is a line: none of our columns can hold a line break, and a stray quote must not swallow a file.

use std::path::Path;

use super::cell::Cell;
use super::columns::{Columns, find};
use super::lines::{Line, Lines};
use super::minutes::{Minutes, Waiting};
use super::record::{Shared, candle, tick};
use super::{Format, Out, ReadError, ReadOptions, Row, TapeError};
use crate::domain::Source;

pub(super) fn read<E>(
    path: &Path,
    mut lines: Lines,
    options: &ReadOptions,
    source: Source,
    out: &mut Out<'_, E>,
) -> Result<Format, ReadError<E>> {
    let (columns, header, separator) = read_header(&mut lines, options)?;
    let width = split(&header, separator).map_or(0, |fields| fields.len());
    let shared = Shared::new(path, options, source, columns.pair().is_some())?;
    let mut minutes = Minutes::default();
    loop {
        let last = lines.number();
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                hand_on(minutes.finish()?, out)?;
                return Err(TapeError::Cut { line: last, kept: out.kept(), why: error.to_string() }.into());
            }
        };
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        match row(&line, &header, separator, width) {
            Err(reason) => out.put(Row::Bad { line: line.number, raw: line.bytes, reason })?,
            Ok(fields) => {
                let cell = |place: usize| Cell::Text(fields[place]);
                match &columns {
                    Columns::Ticks(columns) => match tick(columns, &shared, cell) {
                        Ok((tick, rounded)) => out.put(Row::Tick { line: line.number, tick, rounded })?,
                        Err(reason) => out.put(Row::Bad { line: line.number, raw: line.bytes, reason })?,
                    },
                    Columns::Candles(columns) => match candle(columns, &shared, cell) {
                        Ok((candle, rounded)) => hand_on(minutes.push(line.number, candle, rounded)?, out)?,
                        Err(reason) => out.put(Row::Bad { line: line.number, raw: line.bytes, reason })?,
                    },
                }
            }
        }
    }
    hand_on(minutes.finish()?, out)?;
    Ok(columns.format())
}

pub(super) fn hand_on<E>(bars: Waiting, out: &mut Out<'_, E>) -> Result<(), ReadError<E>> {
    bars.into_iter().try_for_each(|(line, candle, rounded)| out.put(Row::Candle { line, candle, rounded }))
}

fn read_header(lines: &mut Lines, options: &ReadOptions) -> Result<(Columns, String, char), TapeError> {
    loop {
        let last = lines.number();
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Err(TapeError::Empty),
            Err(error) => return Err(TapeError::Cut { line: last, kept: 0, why: error.to_string() }),
        };
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let excerpt = || String::from_utf8_lossy(&line.bytes[..line.bytes.len().min(120)]).into_owned();
        let unknown = |what: &str| TapeError::Unknown { found: format!("{what}: `{}`", excerpt()) };
        let text = std::str::from_utf8(line.bytes).map_err(|_| unknown("it is not UTF-8 text"))?;
        if line.too_long || text.contains('\0') {
            return Err(unknown("it is no table"));
        }
        let separator =
            [',', ';', '\t'].into_iter().max_by_key(|separator| text.matches(*separator).count()).unwrap_or(',');
        let names = split(text, separator).map_err(|why| unknown(&why))?;
        if names.iter().any(|name| name.trim().parse::<f64>().is_ok()) {
            return Err(unknown("its first line holds numbers where the names of the columns should be"));
        }
        return Ok((find(&names, options.format)?, text.to_owned(), separator));
    }
}

/// The fields of a line, or why it has none.
fn row<'a>(line: &Line<'a>, header: &str, separator: char, width: usize) -> Result<Vec<&'a str>, String> {
    if line.too_long {
        return Err("the line is longer than 1 MiB".into());
    }
    if line.bytes.contains(&0) {
        return Err("it holds a NUL byte".into());
    }
    let text = std::str::from_utf8(line.bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    if text == header {
        return Err("the header again".into());
    }
    let fields = split(text, separator)?;
    if fields.len() != width {
        return Err(format!("it has {} fields and the header {width}", fields.len()));
    }
    Ok(fields)
}

/// Fields, without the quotes around them. No field of ours needs a quote inside.
fn split(text: &str, separator: char) -> Result<Vec<&str>, String> {
    if !text.contains('"') {
        return Ok(text.split(separator).collect());
    }
    let (mut fields, mut rest) = (Vec::new(), text);
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => rest.split_at(rest.find(separator).unwrap_or(rest.len())),
        };
        fields.push(field);
        match after.strip_prefix(separator) {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err("something follows a closing quote".into()),
        }
    }
}
