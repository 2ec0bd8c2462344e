//! An answer, and how its values read.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, sort_to_indices, take_record_batch};
use arrow::datatypes::{
    DataType, Decimal128Type, DecimalType, SchemaRef, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::SqlError;
use crate::domain::time::format_rfc3339;

/// Rows as text: money in full, times in RFC 3339, nothing where there is nothing.
pub type Cells = Vec<Vec<Option<String>>>;

/// What a query came to.
#[derive(Clone, Debug)]
pub struct SqlResult {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub rows: usize,
    /// There were more rows than were asked for.
    pub truncated: bool,
    pub took: Duration,
}

impl SqlResult {
    pub fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Of each column, as SQL calls it.
    pub fn kinds(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| kind(field.data_type())).collect()
    }

    /// The same rows by the values of one column; those that have none come last, and equal ones keep their order.
    ///
    /// Errors: `sql_unknown_column` for a place the result does not have, `sql_unsortable` for a column whose values have no order.
    pub fn sorted(&self, column: usize, descending: bool) -> Result<Self, SqlError> {
        let Some(field) = self.schema.fields().get(column) else {
            let message = format!("the result has no column {column}");
            return Err(SqlError::new("sql_unknown_column", message, "Count its columns from 0."));
        };
        let unsortable = |error: ArrowError| {
            let message = format!("`{}` has no order: {error}", field.name());
            SqlError::new("sql_unsortable", message, "Sort by another column, or by an expression in ORDER BY.")
        };
        let all = concat_batches(&self.schema, &self.batches).map_err(unsortable)?;
        let order = order(all.column(column), descending).map_err(unsortable)?;
        let sorted = take_record_batch(&all, &order).map_err(unsortable)?;
        Ok(Self { batches: vec![sorted], ..self.clone() })
    }

    /// `count` rows from the `from`th on, fewer where there are fewer.
    pub fn cells(&self, from: usize, count: usize) -> Cells {
        let (mut skip, mut left) = (from, count);
        let mut cells = Vec::with_capacity(count.min(self.rows));
        for batch in &self.batches {
            if left == 0 {
                break;
            }
            if skip >= batch.num_rows() {
                skip -= batch.num_rows();
                continue;
            }
            let part = batch.slice(skip, left.min(batch.num_rows() - skip));
            skip = 0;
            left -= part.num_rows();
            let texts: Vec<Texts<'_>> = part.columns().iter().map(Texts::of).collect();
            cells.extend((0..part.num_rows()).map(|row| texts.iter().map(|text| text.at(row)).collect()));
        }
        cells
    }

    /// Whether a column holds numbers, which are written flush right.
    pub fn is_number(&self, column: usize) -> bool {
        self.schema.fields().get(column).is_some_and(|field| field.data_type().is_numeric())
    }
}

/// Equal values keep their order, and nothing comes last whichever way it goes.
fn order(values: &ArrayRef, descending: bool) -> Result<UInt32Array, ArrowError> {
    let rows = u32::try_from(values.len()).map_err(|_| ArrowError::InvalidArgumentError("too many rows".to_owned()))?;
    let options = SortOptions { descending, nulls_first: false };
    let keys = [
        SortColumn { values: Arc::clone(values), options: Some(options) },
        SortColumn { values: Arc::new(UInt32Array::from_iter_values(0..rows)), options: None },
    ];
    // Some types have an order by themselves and none beside another column.
    lexsort_to_indices(&keys, None).or_else(|_| sort_to_indices(values, Some(options), None))
}

/// The type as SQL calls it.
pub(super) fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "int".to_owned(),
        DataType::Int64 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            "bigint".to_owned()
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// A column whose values can be read as text.
struct Texts<'a> {
    values: &'a ArrayRef,
    nothing: Option<NullBuffer>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Time(TimeUnit),
    Decimal { precision: u8, scale: i8 },
    Other(ArrayFormatter<'a>),
    Unreadable(String),
}

impl<'a> Texts<'a> {
    fn of(values: &'a ArrayRef) -> Self {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new();
        let kind = match values.data_type() {
            DataType::Timestamp(unit, _) => Kind::Time(*unit),
            DataType::Decimal128(precision, scale) => Kind::Decimal { precision: *precision, scale: *scale },
            _ => match ArrayFormatter::try_new(values, &OPTIONS) {
                Ok(formatter) => Kind::Other(formatter),
                Err(error) => Kind::Unreadable(error.to_string()),
            },
        };
        Self { values, nothing: values.logical_nulls(), kind }
    }

    fn at(&self, row: usize) -> Option<String> {
        if self.nothing.as_ref().is_some_and(|nothing| nothing.is_null(row)) {
            return None;
        }
        Some(match &self.kind {
            Kind::Time(unit) => time(self.values, *unit, row),
            Kind::Decimal { precision, scale } => {
                let units = self.values.as_primitive::<Decimal128Type>().value(row);
                Decimal128Type::format_decimal(units, *precision, *scale)
            }
            Kind::Other(formatter) => formatter.value(row).try_to_string().unwrap_or_else(|error| error.to_string()),
            Kind::Unreadable(why) => why.clone(),
        })
    }
}

/// Every time here is UTC, whether its type says so or not.
fn time(values: &ArrayRef, unit: TimeUnit, row: usize) -> String {
    let (count, nanos_each) = match unit {
        TimeUnit::Second => (values.as_primitive::<TimestampSecondType>().value(row), 1_000_000_000),
        TimeUnit::Millisecond => (values.as_primitive::<TimestampMillisecondType>().value(row), 1_000_000),
        TimeUnit::Microsecond => (values.as_primitive::<TimestampMicrosecondType>().value(row), 1_000),
        TimeUnit::Nanosecond => (values.as_primitive::<TimestampNanosecondType>().value(row), 1),
    };
    let nanos = i128::from(count) * nanos_each;
    match i64::try_from(nanos) {
        Ok(nanos) => format_rfc3339(nanos),
        // Before 1677 or after 2262.
        Err(_) => jiff::Timestamp::from_nanosecond(nanos).map_or_else(|_| nanos.to_string(), |time| time.to_string()),
    }
}
