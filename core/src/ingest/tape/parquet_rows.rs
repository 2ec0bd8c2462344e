//! Ticks and candles as Parquet, a batch of rows at a time.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, StringArray, StringViewArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::cell::Cell;
use super::columns::{CandleColumns, Columns, TickColumns, find};
use super::minutes::Minutes;
use super::record::{Shared, candle, tick};
use super::text_rows::hand_on;
use super::{Format, Out, ReadError, ReadOptions, Row, TapeError};
use crate::domain::Source;
use crate::domain::time::{DAY, MILLISECOND, SECOND};

const BATCH: usize = 8_192;

pub(super) fn read<E>(
    path: &Path,
    file: File,
    options: &ReadOptions,
    source: Source,
    out: &mut Out<'_, E>,
) -> Result<Format, ReadError<E>> {
    let cut = |line: u64, kept: u64, why: String| ReadError::from(TapeError::Cut { line, kept, why });
    // A damaged file must not take the app with it, and the decoders were not written for hostile bytes.
    let opened = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string()));
    let builder = opened.map_err(|why| cut(0, 0, why))?;
    let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let columns = find(&names, options.format)?;
    let shared = Shared::new(path, options, source, columns.pair().is_some())?;
    let mut places = columns.places();
    places.sort_unstable();
    let mask = ProjectionMask::roots(builder.parquet_schema(), places.iter().copied());
    let columns = projected(columns, &places);
    let opened =
        guarded(|| builder.with_projection(mask).with_batch_size(BATCH).build().map_err(|error| error.to_string()));
    let mut batches = opened.map_err(|why| cut(0, 0, why))?;

    let (mut line, mut minutes) = (0u64, Minutes::default());
    loop {
        let batch = match guarded(|| batches.next().transpose().map_err(|error| error.to_string())) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(why) => {
                hand_on(minutes.finish()?, out)?;
                return Err(cut(line, out.kept(), why));
            }
        };
        let names = places.iter().map(|place| names[*place].as_str());
        let arrays = batch.columns().iter().zip(names).map(|(array, name)| Column::new(array, name));
        let arrays = arrays.collect::<Result<Vec<_>, TapeError>>()?;
        for row in 0..batch.num_rows() {
            line += 1;
            let cell = |place: usize| arrays[place].cell(row);
            let outcome = match &columns {
                Columns::Ticks(columns) => {
                    tick(columns, &shared, cell).map(|(tick, rounded)| Some(Row::Tick { line, tick, rounded }))
                }
                Columns::Candles(columns) => match candle(columns, &shared, cell) {
                    Ok((candle, rounded)) => {
                        hand_on(minutes.push(line, candle, rounded)?, out)?;
                        Ok(None)
                    }
                    Err(reason) => Err(reason),
                },
            };
            match outcome {
                Ok(Some(row)) => out.put(row)?,
                Ok(None) => {}
                Err(reason) => out.put(Row::Bad { line, raw: format!("row {line}").as_bytes(), reason })?,
            }
        }
    }
    hand_on(minutes.finish()?, out)?;
    Ok(columns.format())
}

fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("its bytes make no sense".into()))
}

/// The same columns by their place among those that are read.
fn projected(columns: Columns, places: &[usize]) -> Columns {
    let at = |place: usize| places.binary_search(&place).expect("every column is among those that are read");
    match columns {
        Columns::Ticks(TickColumns { pair, trade_id, time, price, size, side }) => Columns::Ticks(TickColumns {
            pair: pair.map(at),
            trade_id: at(trade_id),
            time: at(time),
            price: at(price),
            size: at(size),
            side: side.map(at),
        }),
        Columns::Candles(CandleColumns { pair, time, open, high, low, close, volume }) => {
            Columns::Candles(CandleColumns {
                pair: pair.map(at),
                time: at(time),
                open: at(open),
                high: at(high),
                low: at(low),
                close: at(close),
                volume: at(volume),
            })
        }
    }
}

/// A column of a batch, its type found once and not for every cell.
enum Column<'a> {
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    TextView(&'a StringViewArray),
    Long(&'a Int64Array),
    Integer(&'a Int32Array),
    UnsignedLong(&'a UInt64Array),
    Unsigned(&'a UInt32Array),
    Decimal(&'a Decimal128Array, i8),
    Float(&'a Float64Array),
    ShortFloat(&'a Float32Array),
    Flag(&'a BooleanArray),
    /// Nanoseconds in one unit.
    Time(Box<Int64Array>, i64),
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef, name: &str) -> Result<Self, TapeError> {
        let any = array.as_any();
        let wrong = || TapeError::ColumnType {
            column: name.to_owned(),
            kind: array.data_type().to_string(),
            role: "values of a row",
        };
        let as_long = || -> Result<Box<Int64Array>, TapeError> {
            let long = arrow::compute::cast(array, &DataType::Int64).map_err(|_| wrong())?;
            long.as_any().downcast_ref::<Int64Array>().map(|long| Box::new(long.clone())).ok_or_else(wrong)
        };
        let column = match array.data_type() {
            DataType::Utf8 => any.downcast_ref().map(Self::Text),
            DataType::LargeUtf8 => any.downcast_ref().map(Self::LargeText),
            DataType::Utf8View => any.downcast_ref().map(Self::TextView),
            DataType::Int64 => any.downcast_ref().map(Self::Long),
            DataType::Int32 => any.downcast_ref().map(Self::Integer),
            DataType::UInt64 => any.downcast_ref().map(Self::UnsignedLong),
            DataType::UInt32 => any.downcast_ref().map(Self::Unsigned),
            DataType::Decimal128(_, scale) => any.downcast_ref().map(|array| Self::Decimal(array, *scale)),
            DataType::Float64 => any.downcast_ref().map(Self::Float),
            DataType::Float32 => any.downcast_ref().map(Self::ShortFloat),
            DataType::Boolean => any.downcast_ref().map(Self::Flag),
            DataType::Timestamp(unit, _) => Some(Self::Time(
                as_long()?,
                match unit {
                    TimeUnit::Second => SECOND,
                    TimeUnit::Millisecond => MILLISECOND,
                    TimeUnit::Microsecond => 1_000,
                    TimeUnit::Nanosecond => 1,
                },
            )),
            DataType::Date64 => Some(Self::Time(as_long()?, MILLISECOND)),
            DataType::Date32 => {
                let days = arrow::compute::cast(array, &DataType::Int32).map_err(|_| wrong())?;
                let days = arrow::compute::cast(&days, &DataType::Int64).map_err(|_| wrong())?;
                days.as_any().downcast_ref::<Int64Array>().map(|days| Self::Time(Box::new(days.clone()), DAY))
            }
            _ => None,
        };
        column.ok_or_else(wrong)
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        fn of<'c, A: Array, T>(
            array: &'c A,
            row: usize,
            value: impl FnOnce(&'c A) -> T,
            cell: impl FnOnce(T) -> Cell<'c>,
        ) -> Cell<'c> {
            if array.is_null(row) { Cell::Absent } else { cell(value(array)) }
        }
        match self {
            Self::Text(array) => of(*array, row, |a| a.value(row), Cell::Text),
            Self::LargeText(array) => of(*array, row, |a| a.value(row), Cell::Text),
            Self::TextView(array) => of(*array, row, |a| a.value(row), Cell::Text),
            Self::Long(array) => of(*array, row, |a| a.value(row), Cell::Integer),
            Self::Integer(array) => of(*array, row, |a| a.value(row), |value| Cell::Integer(value.into())),
            Self::UnsignedLong(array) => of(*array, row, |a| a.value(row), Cell::Unsigned),
            Self::Unsigned(array) => of(*array, row, |a| a.value(row), |value| Cell::Unsigned(value.into())),
            Self::Decimal(array, scale) => {
                of(*array, row, |a| a.value(row), |value| Cell::Decimal { value, scale: *scale })
            }
            Self::Float(array) => of(*array, row, |a| a.value(row), Cell::Float),
            // Its shortest text, not the long one of the double next to it.
            Self::ShortFloat(array) => {
                of(*array, row, |a| a.value(row), |value| Cell::Float(value.to_string().parse().unwrap_or(f64::NAN)))
            }
            Self::Flag(array) => of(*array, row, |a| a.value(row), Cell::Flag),
            Self::Time(array, unit) => {
                of(array.as_ref(), row, |a| a.value(row), |value| Cell::Time(value.checked_mul(*unit)))
            }
        }
    }
}
