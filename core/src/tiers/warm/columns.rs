//! Rows to Arrow columns and back. A column is asked for by name, and what should be there and is not is damage, never a default.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::WarmError;
use super::schema::{LARGEST, PRECISION, SCALE, TableName};

/// Nanoseconds to whole microseconds and the rest, 0 to 999.
pub(super) fn split_nanos(nanos: i64) -> (i64, i32) {
    (nanos.div_euclid(1_000), nanos.rem_euclid(1_000) as i32)
}

/// Columns in the order of the table, becoming a batch.
pub(super) struct Encoder {
    table: TableName,
    columns: Vec<(&'static str, ArrayRef)>,
}

impl Encoder {
    pub(super) fn new(table: TableName) -> Self {
        Self { table, columns: Vec::new() }
    }

    fn push(mut self, name: &'static str, column: impl Array + 'static) -> Self {
        self.columns.push((name, Arc::new(column)));
        self
    }

    pub(super) fn text<T: AsRef<str>>(self, name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        self.push(name, StringArray::from_iter_values(values))
    }

    pub(super) fn optional_text<'a>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Self {
        self.push(name, StringArray::from_iter(values))
    }

    pub(super) fn bigint(self, name: &'static str, values: impl IntoIterator<Item = i64>) -> Self {
        self.push(name, Int64Array::from_iter_values(values))
    }

    pub(super) fn int(self, name: &'static str, values: impl IntoIterator<Item = i32>) -> Self {
        self.push(name, Int32Array::from_iter_values(values))
    }

    pub(super) fn date(self, name: &'static str, values: impl IntoIterator<Item = i32>) -> Self {
        self.push(name, Date32Array::from_iter_values(values))
    }

    pub(super) fn boolean(self, name: &'static str, values: impl IntoIterator<Item = bool>) -> Self {
        self.push(name, BooleanArray::from_iter(values.into_iter().map(Some)))
    }

    pub(super) fn optional_double(self, name: &'static str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        self.push(name, Float64Array::from_iter(values))
    }

    /// Microseconds since 1970 UTC.
    pub(super) fn time(self, name: &'static str, micros: impl IntoIterator<Item = i64>) -> Self {
        self.push(name, TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
    }

    /// Errors: `Unstorable` at 10^30 units or more, where the library would store NULL.
    pub(super) fn decimal(self, name: &'static str, units: impl IntoIterator<Item = i128>) -> Result<Self, WarmError> {
        self.optional_decimal(name, units.into_iter().map(Some))
    }

    pub(super) fn optional_decimal(
        self,
        name: &'static str,
        units: impl IntoIterator<Item = Option<i128>>,
    ) -> Result<Self, WarmError> {
        let units: Vec<Option<i128>> = units.into_iter().collect();
        if let Some(units) = units.iter().flatten().find(|units| units.unsigned_abs() > LARGEST.unsigned_abs()) {
            let what = format!("{} in `{name}`", crate::domain::Amount::from_units(*units));
            return Err(WarmError::Unstorable { table: self.table.as_str(), what });
        }
        let column = Decimal128Array::from(units)
            .with_precision_and_scale(PRECISION, SCALE)
            .expect("every amount was compared with the largest");
        Ok(self.push(name, column))
    }

    pub(super) fn finish(self) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(self.columns.into_iter().map(|(name, column)| (name, column, true)))
            .expect("every column has a value for each row")
    }
}

/// The columns of one batch, by name.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    table: TableName,
    batch: &'a RecordBatch,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(table: TableName, batch: &'a RecordBatch) -> Self {
        Self { table, batch }
    }

    pub(super) fn damaged(self, what: impl Into<String>) -> WarmError {
        WarmError::Damaged { table: self.table.as_str(), what: what.into() }
    }

    fn column<T>(
        self,
        name: &str,
        nullable: bool,
        cast: impl Fn(&'a ArrayRef) -> Option<&'a T>,
    ) -> Result<&'a T, WarmError> {
        let column = self.batch.column_by_name(name).ok_or_else(|| self.damaged(format!("no column `{name}`")))?;
        if !nullable && column.null_count() > 0 {
            return Err(self.damaged(format!("a NULL in column `{name}`")));
        }
        cast(column).ok_or_else(|| self.damaged(format!("column `{name}` is a {}", column.data_type())))
    }

    pub(super) fn text(self, name: &str) -> Result<&'a StringArray, WarmError> {
        self.column(name, false, |column| column.as_string_opt())
    }

    pub(super) fn optional_text(self, name: &str) -> Result<&'a StringArray, WarmError> {
        self.column(name, true, |column| column.as_string_opt())
    }

    pub(super) fn bigint(self, name: &str) -> Result<&'a Int64Array, WarmError> {
        self.column(name, false, |column| column.as_primitive_opt::<Int64Type>())
    }

    pub(super) fn int(self, name: &str) -> Result<&'a Int32Array, WarmError> {
        self.column(name, false, |column| column.as_primitive_opt::<Int32Type>())
    }

    pub(super) fn date(self, name: &str) -> Result<&'a Date32Array, WarmError> {
        self.column(name, false, |column| column.as_primitive_opt::<Date32Type>())
    }

    pub(super) fn boolean(self, name: &str) -> Result<&'a BooleanArray, WarmError> {
        self.column(name, false, |column| column.as_boolean_opt())
    }

    pub(super) fn optional_double(self, name: &str) -> Result<&'a Float64Array, WarmError> {
        self.column(name, true, |column| column.as_primitive_opt::<Float64Type>())
    }

    pub(super) fn time(self, name: &str) -> Result<&'a TimestampMicrosecondArray, WarmError> {
        self.column(name, false, |column| column.as_primitive_opt::<TimestampMicrosecondType>())
    }

    pub(super) fn decimal(self, name: &str) -> Result<&'a Decimal128Array, WarmError> {
        self.column(name, false, |column| column.as_primitive_opt::<Decimal128Type>())
    }

    pub(super) fn optional_decimal(self, name: &str) -> Result<&'a Decimal128Array, WarmError> {
        self.column(name, true, |column| column.as_primitive_opt::<Decimal128Type>())
    }

    /// Microseconds and the rest back to nanoseconds.
    pub(super) fn nanos(self, micros: i64, rest: i32) -> Result<i64, WarmError> {
        micros
            .checked_mul(1_000)
            .and_then(|nanos| nanos.checked_add(i64::from(rest)))
            .ok_or_else(|| self.damaged(format!("the time {micros} µs is out of range")))
    }

    /// What a column's text means.
    pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(self, text: &str) -> Result<T, WarmError> {
        text.parse().map_err(|error: T::Err| self.damaged(error.to_string()))
    }

    /// A number that was unsigned when it was stored, or that was narrower.
    pub(super) fn narrow<T: TryFrom<V>, V: Copy + std::fmt::Display>(
        self,
        name: &str,
        value: V,
    ) -> Result<T, WarmError> {
        T::try_from(value).map_err(|_| self.damaged(format!("{value} in column `{name}`")))
    }
}
