//! A pattern as a row, and a row as a pattern.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

use super::VectorsError;
use crate::domain::{EventTime, Seq, TapeTime};
use crate::patterns::{Candidate, Outcome, Past, Pattern, PatternId, SHAPE_WIDTH, Shape};

/// What a withdrawal sets.
pub(super) const SUPERSEDED: [&str; 3] = ["superseded_at", "superseded_at_ns", "superseded_seq"];

/// Columns of what is remembered without its shape.
pub(super) const PAST: [&str; 11] = [
    "id",
    "source",
    "pair",
    "window_start",
    "outcome_15_pct",
    "outcome_30_pct",
    "outcome_60_pct",
    "outcome_max_pct",
    "outcome_min_pct",
    "usable_from_ns",
    "superseded_at_ns",
];

/// Times in microseconds are for people; those in nanoseconds are what is compared.
static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let vector = DataType::FixedSizeList(item, SHAPE_WIDTH as i32);
    let given = |name: &str, kind: DataType| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        given("id", DataType::Utf8),
        given("source", DataType::Utf8),
        given("pair", DataType::Utf8),
        given("window_start", time()),
        given("window_end", time()),
        given("vector", vector),
        given("mean_price", DataType::Float64),
        given("volatility", DataType::Float64),
        given("outcome_15_pct", DataType::Float64),
        given("outcome_30_pct", DataType::Float64),
        given("outcome_60_pct", DataType::Float64),
        given("outcome_max_pct", DataType::Float64),
        given("outcome_min_pct", DataType::Float64),
        given("usable_from", time()),
        Field::new("superseded_at", time(), true),
        given("usable_from_ns", DataType::Int64),
        Field::new("superseded_at_ns", DataType::Int64, true),
        given("seq", DataType::Int64),
        Field::new("superseded_seq", DataType::Int64, true),
    ]))
});

pub(in crate::tiers) fn schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    past: Past,
    shape: Shape,
    window_end: EventTime,
    mean_price: f64,
    volatility: f64,
    seq: Seq,
    superseded_seq: Option<Seq>,
}

impl Row {
    pub(super) fn of(pattern: &Pattern, seq: Seq) -> Self {
        Self {
            past: pattern.past(None),
            shape: *pattern.shape(),
            window_end: pattern.window.end(),
            mean_price: pattern.window.mean_price,
            volatility: pattern.window.volatility,
            seq,
            superseded_seq: None,
        }
    }

    pub(super) fn id(&self) -> PatternId {
        self.past.id
    }

    /// The first withdrawal counts.
    pub(super) fn supersede(&mut self, at: TapeTime, seq: Seq) {
        if self.past.superseded_at.is_none() {
            (self.past.superseded_at, self.superseded_seq) = (Some(at), Some(seq));
        }
    }
}

pub(super) fn encode(rows: &[Row]) -> Result<RecordBatch, VectorsError> {
    let texts =
        |of: &dyn Fn(&Row) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let numbers = |of: fn(&Row) -> f64| -> ArrayRef { Arc::new(Float64Array::from_iter_values(rows.iter().map(of))) };
    let whole = |of: fn(&Row) -> Option<i64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Int64Array>()) };
    let times = |of: fn(&Row) -> Option<i64>| -> ArrayRef {
        let micros = rows.iter().map(|row| of(row).map(|nanos| nanos.div_euclid(1_000)));
        Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let shapes = rows.iter().map(|row| Some(row.shape.as_stored().iter().copied().map(Some)));
    let vectors = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(shapes, SHAPE_WIDTH as i32);
    let seq = |seq: Seq| i64::try_from(seq.0).unwrap_or(i64::MAX);
    let superseded = rows.iter().map(|row| row.superseded_seq.map(seq)).collect::<Int64Array>();
    let columns: Vec<ArrayRef> = vec![
        texts(&|row| row.past.id.to_string()),
        texts(&|row| row.past.source.to_string()),
        texts(&|row| row.past.pair.to_string()),
        times(|row| Some(row.past.window_start.nanos())),
        times(|row| Some(row.window_end.nanos())),
        Arc::new(vectors),
        numbers(|row| row.mean_price),
        numbers(|row| row.volatility),
        numbers(|row| row.past.outcome.after_15),
        numbers(|row| row.past.outcome.after_30),
        numbers(|row| row.past.outcome.after_60),
        numbers(|row| row.past.outcome.max),
        numbers(|row| row.past.outcome.min),
        times(|row| Some(row.past.usable_from.nanos())),
        times(|row| row.past.superseded_at.map(TapeTime::nanos)),
        whole(|row| Some(row.past.usable_from.nanos())),
        whole(|row| row.past.superseded_at.map(TapeTime::nanos)),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| seq(row.seq)))),
        Arc::new(superseded),
    ];
    RecordBatch::try_new(schema(), columns).map_err(|error| VectorsError::Damaged { what: error.to_string() })
}

pub(super) fn decode(batch: &RecordBatch) -> Result<Vec<Row>, VectorsError> {
    let (pasts, shapes) = (pasts(batch)?, shapes(batch)?);
    let numbers = |name| column(batch, name).map(|array| array.as_primitive::<Float64Type>());
    let (mean_price, volatility) = (numbers("mean_price")?, numbers("volatility")?);
    let window_end = column(batch, "window_end")?.as_primitive::<TimestampMicrosecondType>();
    let seq = column(batch, "seq")?.as_primitive::<Int64Type>();
    let superseded = column(batch, "superseded_seq")?.as_primitive::<Int64Type>();
    let place = |number: i64| Seq(u64::try_from(number).unwrap_or_default());
    let row = |(at, (past, shape))| Row {
        past,
        shape,
        window_end: EventTime::from_nanos(window_end.value(at) * 1_000),
        mean_price: mean_price.value(at),
        volatility: volatility.value(at),
        seq: place(seq.value(at)),
        superseded_seq: superseded.is_valid(at).then(|| place(superseded.value(at))),
    };
    Ok(pasts.into_iter().zip(shapes).enumerate().map(row).collect())
}

/// Of rows read with their vectors.
pub(super) fn candidates(batch: &RecordBatch) -> Result<Vec<Candidate>, VectorsError> {
    Ok(pasts(batch)?.into_iter().zip(shapes(batch)?).map(|(past, shape)| Candidate { past, shape }).collect())
}

/// Of rows that have the columns of [`PAST`].
pub(super) fn pasts(batch: &RecordBatch) -> Result<Vec<Past>, VectorsError> {
    let text = |name| column(batch, name).map(|array| array.as_string::<i32>());
    let number = |name| column(batch, name).map(|array| array.as_primitive::<Float64Type>());
    let whole = |name| column(batch, name).map(|array| array.as_primitive::<Int64Type>());
    let (id, source, pair) = (text("id")?, text("source")?, text("pair")?);
    let start = column(batch, "window_start")?.as_primitive::<TimestampMicrosecondType>();
    let (after_15, after_30, after_60) =
        (number("outcome_15_pct")?, number("outcome_30_pct")?, number("outcome_60_pct")?);
    let (max, min) = (number("outcome_max_pct")?, number("outcome_min_pct")?);
    let (usable, superseded) = (whole("usable_from_ns")?, whole("superseded_at_ns")?);
    let past = |at: usize| {
        Ok(Past {
            id: parsed(id.value(at))?,
            source: parsed(source.value(at))?,
            pair: parsed(pair.value(at))?,
            window_start: EventTime::from_nanos(start.value(at) * 1_000),
            outcome: Outcome {
                after_15: after_15.value(at),
                after_30: after_30.value(at),
                after_60: after_60.value(at),
                max: max.value(at),
                min: min.value(at),
            },
            usable_from: TapeTime::from_nanos(usable.value(at)),
            superseded_at: superseded.is_valid(at).then(|| TapeTime::from_nanos(superseded.value(at))),
        })
    };
    (0..batch.num_rows()).map(past).collect()
}

fn shapes(batch: &RecordBatch) -> Result<Vec<Shape>, VectorsError> {
    let vectors = column(batch, "vector")?.as_fixed_size_list();
    let shape = |at: usize| {
        let vector = vectors.value(at);
        let stored = Shape::from_stored(vector.as_primitive::<Float32Type>().values());
        stored.ok_or_else(|| VectorsError::Damaged { what: "a vector has another width".to_owned() })
    };
    (0..batch.num_rows()).map(shape).collect()
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, VectorsError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| VectorsError::Damaged { what: error.to_string() })
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, VectorsError> {
    batch.column_by_name(name).ok_or_else(|| VectorsError::Damaged { what: format!("it has no column `{name}`") })
}
