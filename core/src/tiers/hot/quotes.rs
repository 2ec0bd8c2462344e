//! The last quote of every pair, also as it was at an earlier moment.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int32Type, SchemaRef, TimestampMicrosecondType};

use super::batch::{KIND, PAIR, SOURCE, Shown, TAPE_TIME, TAPE_TIME_NS, TICKS};
use crate::domain::{Input, Stamped, TapeTime};

/// Source, pair, the quote, and when: places in `TICKS`.
const COLUMNS: [usize; 15] = [3, 4, 10, 11, 12, 13, 14, 15, 16, 17, 1, 5, 0, 19, 18];

pub(super) static QUOTES: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new(TICKS.project(&COLUMNS).expect("the places are of columns")));

/// `newest` has one quote for each (source, pair). Where that one is later than the cursor, the last before it is looked for in the
/// rows that are still kept.
pub(super) fn last(newest: &[Stamped], ticks: Vec<RecordBatch>, as_of: Option<TapeTime>) -> RecordBatch {
    let (known, later): (Vec<Stamped>, Vec<Stamped>) =
        newest.iter().copied().partition(|quote| as_of.is_none_or(|as_of| quote.tape_time <= as_of));
    let mut found = vec![Shown::all().ticks(&known)];
    let mut wanted: BTreeSet<(String, String)> = later.iter().filter_map(key).collect();
    for batch in ticks.iter().rev() {
        if wanted.is_empty() {
            break;
        }
        found.extend(earlier(batch, &mut wanted, as_of));
    }
    let found = concat_batches(&TICKS, &found).expect("they all have the schema of ticks");
    found.project(&COLUMNS).expect("the places are of columns")
}

fn key(quote: &Stamped) -> Option<(String, String)> {
    match &quote.input {
        Input::Tick(tick) => Some((tick.source.to_string(), tick.pair.to_string())),
        _ => None,
    }
}

/// The last quote in a batch of each wanted pair, which is then no longer wanted.
fn earlier(batch: &RecordBatch, wanted: &mut BTreeSet<(String, String)>, as_of: Option<TapeTime>) -> Vec<RecordBatch> {
    let last =
        as_of.map_or((i64::MAX, 999), |as_of| (as_of.nanos().div_euclid(1_000), as_of.nanos().rem_euclid(1_000)));
    let micros = batch.column(TAPE_TIME).as_primitive::<TimestampMicrosecondType>();
    let below = batch.column(TAPE_TIME_NS).as_primitive::<Int32Type>();
    let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row);
    (0..batch.num_rows())
        .rev()
        .filter(|row| (micros.value(*row), i64::from(below.value(*row))) <= last)
        .filter(|row| text(KIND, *row) == "quote")
        .filter(|row| wanted.remove(&(text(SOURCE, *row).to_owned(), text(PAIR, *row).to_owned())))
        .map(|row| batch.slice(row, 1))
        .collect()
}
