//! The columns of trades, straight from the files: no row is made, and no text is copied.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Field, Int32Type, Int64Type, Schema, SchemaRef,
    TimestampMicrosecondType,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use parquet::schema::types::{SchemaDescriptor, Type};

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
/// Columns of prices and sizes: read as the bytes that the file has of them.
const UNITS: [&str; 2] = ["price", "size"];

/// Twenty digits, as Parquet stores them: from the highest byte to the lowest.
type Stored = [u8; 9];

/// A file whose footer was read, for several threads to read its row groups.
pub(super) struct DataFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl DataFile {
    pub(super) fn open(path: &Path) -> Result<Self, ColdError> {
        let broken = |error: &dyn std::fmt::Display| ColdError::File { file: path.to_owned(), why: error.to_string() };
        let file = File::open(path).map_err(|error| broken(&error))?;
        let footer = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|error| broken(&error))?;
        let footer = Arc::new(with_units_as_stored(&footer)?);
        let read = |options| ArrowReaderMetadata::try_new(Arc::clone(&footer), options).map_err(|error| broken(&error));
        let names = with_names_as_numbers(read(ArrowReaderOptions::new())?.schema());
        let metadata = read(ArrowReaderOptions::new().with_schema(names))?;
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

/// The footer of a file whose prices and sizes do not say that they are decimals. The reader would make sixteen bytes of each, one
/// by one, which takes longer than all else but the decompression; and a price fits into eight.
fn with_units_as_stored(footer: &ParquetMetaData) -> Result<ParquetMetaData, ColdError> {
    let file = footer.file_metadata();
    let columns =
        file.schema().get_fields().iter().map(|column| match UNITS.into_iter().find(|name| *name == column.name()) {
            Some(name) => stored(name, column).map(Arc::new),
            None => Ok(Arc::clone(column)),
        });
    let schema = Type::group_type_builder(file.schema().name()).with_fields(columns.collect::<Result<_, _>>()?).build();
    let schema = schema.expect("the same names as before");
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(Arc::new(schema))),
        file.column_orders().cloned(),
    );
    Ok(ParquetMetaData::new(file, footer.row_groups().to_vec()))
}

/// A column of decimals as one of bytes.
fn stored(name: &'static str, column: &Type) -> Result<Type, ColdError> {
    match column {
        Type::PrimitiveType {
            basic_info,
            physical_type: PhysicalType::FIXED_LEN_BYTE_ARRAY,
            type_length,
            scale,
            ..
        } if basic_info.converted_type() == ConvertedType::DECIMAL && *type_length as usize == size_of::<Stored>() => {
            if *scale != i32::from(SCALE) {
                return Err(unreadable(name, "other decimals than eight"));
            }
            let bytes = Type::primitive_type_builder(name, PhysicalType::FIXED_LEN_BYTE_ARRAY)
                .with_length(*type_length)
                .with_repetition(basic_info.repetition());
            Ok(bytes.build().expect("bytes of a length"))
        }
        _ => Err(unreadable(name, "another type than this Tapedeck's")),
    }
}

/// A row group to be folded, or a part of one.
#[derive(Clone)]
pub(super) struct RowGroup {
    file: Arc<DataFile>,
    place: usize,
    rows: Range<usize>,
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
        let rows = 0..group.num_rows() as usize;
        reached.then(|| Self { file: Arc::clone(file), place, rows, cut })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// As many parts as this of about the same length. Each is decompressed by whole pages, of which two parts can share one.
    pub(super) fn parts(self, count: usize) -> impl Iterator<Item = Self> {
        let (rows, each) = (self.rows.clone(), self.rows.len().div_ceil(count).max(1));
        rows.clone().step_by(each).map(move |first| {
            let rows = first..rows.end.min(first + each);
            Self { rows, ..self.clone() }
        })
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
        let whole = metadata.metadata().row_group(self.place).num_rows() as usize;
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .with_row_groups(vec![self.place])
            .with_batch_size(BATCH);
        if self.rows.len() < whole {
            let part = RowSelection::from_consecutive_ranges(std::iter::once(self.rows.clone()), whole);
            reader = reader.with_row_selection(part);
        }
        for batch in reader.build().map_err(|error| broken(&error))? {
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
    pub(super) price: Units<'a>,
    pub(super) size: Units<'a>,
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
            price: Units::of(batch, "price")?,
            size: Units::of(batch, "size")?,
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

/// Prices or sizes, of which some may be absent.
pub(super) struct Units<'a> {
    name: &'static str,
    stored: &'a [Stored],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Units<'a> {
    fn of(batch: &'a RecordBatch, name: &'static str) -> Result<Self, ColdError> {
        let array = column(batch, name, |column| column.as_fixed_size_binary_opt())?;
        let (stored, _) = array.value_data().as_chunks();
        Ok(Self { name, stored, nulls: absent(array) })
    }

    /// Errors: where there is none, and where it is more than a price can be.
    pub(super) fn at(&self, row: usize) -> Result<i64, ColdError> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Err(unreadable(self.name, "it is missing"));
        }
        narrow(self.stored[row]).ok_or_else(|| unreadable(self.name, "more than a price can be"))
    }
}

fn narrow(stored: Stored) -> Option<i64> {
    let [highest, low @ ..] = stored;
    let units = i64::from_be_bytes(low);
    // Nothing but the sign is left for the highest byte.
    let sign = if units < 0 { 0xff } else { 0 };
    (highest == sign).then_some(units)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_that_does_not_fit_is_refused_and_not_cut_short() {
        let stored = |units: i128| -> Stored { units.to_be_bytes()[7..].try_into().expect("nine bytes") };
        let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
        for units in [least, -257, -1, 0, 255, greatest] {
            assert_eq!(narrow(stored(units)).map(i128::from), Some(units));
        }
        for units in [least - 1, greatest + 1, -1 << 71, (1 << 71) - 1] {
            assert_eq!(narrow(stored(units)), None, "{units}");
        }
    }
}
