//! The columns of trades, straight from the files: no row is made, and no text is copied.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Field, Int32Type, Int64Type, Schema, SchemaRef,
    TimestampMicrosecondType,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::{ColdError, MinuteQuery, minute_of};
use crate::domain::TapeTime;
use crate::tiers::cold::rows::unreadable;
use crate::tiers::cold::schema::SCALE;

/// Rows decoded at a time: of nine columns some half a megabyte, which stays in the processor's cache.
const BATCH: usize = 8_192;

/// What every fold needs, and what only one as of a moment does.
const ALWAYS: [&str; 9] = ["seq", "kind", "source", "pair", "trade_id", "price", "size", "event_time", "event_time_ns"];
const KNOWN: [&str; 2] = ["tape_time", "tape_time_ns"];
/// Columns of few different texts: read as numbers into a list of them.
const NAMES: [&str; 3] = ["kind", "source", "pair"];

/// A file whose footer was read, for several threads to read its row groups.
pub(super) struct DataFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl DataFile {
    pub(super) fn open(path: &Path) -> Result<Self, ColdError> {
        let broken = |error: &dyn std::fmt::Display| ColdError::File { file: path.to_owned(), why: error.to_string() };
        let file = File::open(path).map_err(|error| broken(&error))?;
        let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| broken(&error))?;
        let options = ArrowReaderOptions::new().with_schema(with_names_as_numbers(plain.schema()));
        let metadata =
            ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options).map_err(|error| broken(&error))?;
        Ok(Self { path: path.to_owned(), metadata })
    }

    /// Those that may have trades of the query, by the footer's bounds.
    pub(super) fn row_groups(self: Arc<Self>, query: &MinuteQuery) -> Vec<RowGroup> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups.filter_map(|(place, group)| RowGroup::of(&self, place, group, query)).collect()
    }
}

fn with_names_as_numbers(schema: &SchemaRef) -> SchemaRef {
    let names = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = schema.fields().iter().map(|field| match NAMES.contains(&field.name().as_str()) {
        true => Arc::new(Field::clone(field).with_data_type(names())),
        false => Arc::clone(field),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// A row group to be folded.
pub(super) struct RowGroup {
    file: Arc<DataFile>,
    place: usize,
    rows: i64,
    /// Some of its rows may have become known too late.
    cut: bool,
}

impl RowGroup {
    fn of(file: &Arc<DataFile>, place: usize, group: &RowGroupMetaData, query: &MinuteQuery) -> Option<Self> {
        let micros = |as_of: TapeTime| as_of.nanos().div_euclid(1_000);
        let known = bounds(group, "tape_time");
        let elsewhere = bounds(group, "event_time")
            .is_some_and(|(first, last)| minute_of(first) >= query.to || minute_of(last) < query.from);
        let later = bounds(group, "seq")
            .is_some_and(|(first, _)| query.through.is_some_and(|through| first.cast_unsigned() > through.0));
        let unknown = known.is_some_and(|(first, _)| query.as_of.is_some_and(|as_of| first > micros(as_of)));
        let cut = query.as_of.is_some_and(|as_of| known.is_none_or(|(_, last)| last >= micros(as_of)));
        let reached = !(elsewhere || later || unknown);
        reached.then(|| Self { file: Arc::clone(file), place, rows: group.num_rows(), cut })
    }

    pub(super) fn rows(&self) -> i64 {
        self.rows
    }

    /// Gives its rows to `each`, some thousands at a time.
    pub(super) fn read(&self, mut each: impl FnMut(&Columns<'_>) -> Result<(), ColdError>) -> Result<(), ColdError> {
        let broken =
            |error: &dyn std::fmt::Display| ColdError::File { file: self.file.path.clone(), why: error.to_string() };
        // Opened anew: threads that share a file share its position.
        let file = File::open(&self.file.path).map_err(|error| broken(&error))?;
        let metadata = self.file.metadata.clone();
        let wanted = ALWAYS.into_iter().chain(KNOWN.into_iter().filter(|_| self.cut));
        let mask = ProjectionMask::columns(metadata.parquet_schema(), wanted);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .with_row_groups(vec![self.place])
            .with_batch_size(BATCH)
            .build()
            .map_err(|error| broken(&error))?;
        for batch in reader {
            let batch = batch.map_err(|error| broken(&error))?;
            each(&Columns::of(&batch, self.cut)?)?;
        }
        Ok(())
    }
}

/// The least and greatest of a column of integers, where the footer tells them.
fn bounds(group: &RowGroupMetaData, name: &str) -> Option<(i64, i64)> {
    let column = group.columns().iter().find(|column| column.column_path().string() == name)?;
    match column.statistics()? {
        Statistics::Int64(found) => Some((*found.min_opt()?, *found.max_opt()?)),
        _ => None,
    }
}

/// Some rows of one row group, by column.
pub(super) struct Columns<'a> {
    pub(super) rows: usize,
    pub(super) seq: &'a [i64],
    pub(super) kind: Names<'a>,
    pub(super) source: Names<'a>,
    /// Absent in clocks, as `price`, `size` and `trade_id` are in all but trades.
    pub(super) pair: Names<'a>,
    pub(super) trade_id: Numbers<'a, i64>,
    pub(super) price: Numbers<'a, i128>,
    pub(super) size: Numbers<'a, i128>,
    pub(super) event_time: &'a [i64],
    pub(super) event_time_ns: &'a [i32],
    /// Where some rows may have become known too late: microseconds, and what is below them.
    pub(super) known: Option<(&'a [i64], &'a [i32])>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch, cut: bool) -> Result<Self, ColdError> {
        let known = || {
            let micros = required::<TimestampMicrosecondType>(batch, "tape_time")?;
            Ok::<_, ColdError>((micros, required::<Int32Type>(batch, "tape_time_ns")?))
        };
        Ok(Self {
            rows: batch.num_rows(),
            seq: required::<Int64Type>(batch, "seq")?,
            kind: Names::required(batch, "kind")?,
            source: Names::required(batch, "source")?,
            pair: Names::of(batch, "pair")?,
            trade_id: Numbers::of(column(batch, "trade_id", |column| column.as_primitive_opt::<Int64Type>())?),
            price: decimals(batch, "price")?,
            size: decimals(batch, "size")?,
            event_time: required::<TimestampMicrosecondType>(batch, "event_time")?,
            event_time_ns: required::<Int32Type>(batch, "event_time_ns")?,
            known: cut.then(known).transpose()?,
        })
    }
}

fn column<'a, T: 'a>(
    batch: &'a RecordBatch,
    name: &'static str,
    of: impl Fn(&'a ArrayRef) -> Option<&'a T>,
) -> Result<&'a T, ColdError> {
    batch.column_by_name(name).and_then(of).ok_or_else(|| unreadable(name, "another type than this Tapedeck's"))
}

fn required<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<&'a [T::Native], ColdError> {
    let values = column(batch, name, |column| column.as_primitive_opt::<T>())?;
    match values.null_count() {
        0 => Ok(values.values()),
        _ => Err(unreadable(name, "it is missing")),
    }
}

fn decimals<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<Numbers<'a, i128>, ColdError> {
    let values: &Decimal128Array = column(batch, name, |column| column.as_primitive_opt())?;
    match values.scale() {
        SCALE => Ok(Numbers::of(values)),
        _ => Err(unreadable(name, "other decimals than eight")),
    }
}

/// Numbers of which some may be absent.
pub(super) struct Numbers<'a, N> {
    values: &'a [N],
    nulls: Option<&'a NullBuffer>,
}

impl<'a, N: ArrowNativeType> Numbers<'a, N> {
    fn of<T: ArrowPrimitiveType<Native = N>>(array: &'a PrimitiveArray<T>) -> Self {
        Self { values: array.values(), nulls: absent(array) }
    }

    pub(super) fn at(&self, row: usize) -> Option<N> {
        self.nulls.is_none_or(|nulls| nulls.is_valid(row)).then(|| self.values[row])
    }
}

/// Texts, by their places in a list of the different ones. Where one is absent its place says nothing.
pub(super) struct Names<'a> {
    pub(super) list: &'a StringArray,
    pub(super) places: &'a [i32],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Names<'a> {
    fn of(batch: &'a RecordBatch, name: &'static str) -> Result<Self, ColdError> {
        let array = column(batch, name, |column| column.as_dictionary_opt::<Int32Type>())?;
        let list = array.values().as_string_opt();
        let list = list.ok_or_else(|| unreadable(name, "another type than this Tapedeck's"))?;
        Ok(Self { list, places: array.keys().values(), nulls: absent(array) })
    }

    fn required(batch: &'a RecordBatch, name: &'static str) -> Result<Self, ColdError> {
        let names = Self::of(batch, name)?;
        if names.nulls.is_some() { Err(unreadable(name, "it is missing")) } else { Ok(names) }
    }

    pub(super) fn is_absent(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }
}

fn absent(array: &dyn Array) -> Option<&NullBuffer> {
    array.nulls().filter(|nulls| nulls.null_count() > 0)
}
