//! One value of a table, whatever wrote it, read as one of our types.

use crate::domain::money::{DECIMALS, NumberError, Parsed, divide_half_even};
use crate::domain::time::epoch_nanos;
use crate::domain::{Pair, Side, TradeId};
use crate::ingest::decimal::read_decimal;
use crate::ingest::stamp::read_time;

#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Absent,
    Text(&'a str),
    Integer(i64),
    Unsigned(u64),
    Decimal {
        value: i128,
        scale: i8,
    },
    /// Read by its shortest text, which is what the writer meant.
    Float(f64),
    /// Nanoseconds since 1970 UTC; `None` beyond 1677 to 2262.
    Time(Option<i64>),
    Flag(bool),
}

/// Why a cell is not what its column promises. The caller names the column.
pub(super) type Wrong = String;

fn show(cell: Cell<'_>) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Text(text) => text.chars().take(40).collect(),
        Cell::Integer(value) => value.to_string(),
        Cell::Unsigned(value) => value.to_string(),
        Cell::Decimal { value, scale } => format!("{value}e-{scale}"),
        Cell::Float(value) => value.to_string(),
        Cell::Time(nanos) => nanos.map_or_else(|| "a time beyond 1677 to 2262".into(), |nanos| nanos.to_string()),
        Cell::Flag(value) => value.to_string(),
    }
}

impl<'a> Cell<'a> {
    pub(super) fn is_absent(self) -> bool {
        matches!(self, Cell::Absent) || matches!(self, Cell::Text(text) if text.trim().is_empty())
    }

    /// `kind` makes a price, size or volume of the number, and refuses what can not be one.
    pub(super) fn number<T>(
        self,
        rounded: &mut bool,
        kind: impl FnOnce(Parsed) -> Result<T, NumberError>,
    ) -> Result<T, Wrong> {
        let parsed = match self {
            Cell::Absent => Err(NumberError::Empty),
            Cell::Text(text) => read_decimal(text.trim()),
            Cell::Integer(value) => Ok(Parsed { units: i128::from(value) * 100_000_000, rounded: false }),
            Cell::Unsigned(value) => Ok(Parsed { units: i128::from(value) * 100_000_000, rounded: false }),
            Cell::Decimal { value, scale } => rescale(value, scale),
            Cell::Float(value) => read_decimal(&value.to_string()),
            Cell::Time(_) | Cell::Flag(_) => Err(NumberError::NotDecimal),
        };
        let value = parsed.and_then(|parsed| {
            *rounded |= parsed.rounded;
            kind(parsed)
        });
        value.map_err(|why| format!("`{}` {why}", show(self)))
    }

    pub(super) fn nanos(self) -> Result<i64, Wrong> {
        let nanos = match self {
            Cell::Text(text) => read_time(text.trim()).ok(),
            Cell::Integer(value) => epoch_nanos(value),
            Cell::Unsigned(value) => i64::try_from(value).ok().and_then(epoch_nanos),
            Cell::Decimal { value, scale: 0 } => i64::try_from(value).ok().and_then(epoch_nanos),
            Cell::Float(value) => read_time(&value.to_string()).ok(),
            Cell::Time(nanos) => nanos,
            Cell::Absent | Cell::Decimal { .. } | Cell::Flag(_) => None,
        };
        nanos.ok_or_else(|| format!("`{}` is not a time", show(self)))
    }

    pub(super) fn trade_id(self) -> Result<TradeId, Wrong> {
        let id = match self {
            Cell::Text(text) => text.trim().parse().ok(),
            Cell::Integer(value) => u64::try_from(value).ok(),
            Cell::Unsigned(value) => Some(value),
            Cell::Decimal { value, scale: 0 } => u64::try_from(value).ok(),
            // Beyond 2^53 a float has lost the id's last digits.
            Cell::Float(value) if value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&value) => {
                Some(value as u64)
            }
            _ => None,
        };
        id.map(TradeId).ok_or_else(|| format!("`{}` is not a trade id", show(self)))
    }

    pub(super) fn side(self) -> Result<Option<Side>, Wrong> {
        match self {
            _ if self.is_absent() => Ok(None),
            Cell::Text(text) if text.trim().eq_ignore_ascii_case("buy") => Ok(Some(Side::Buy)),
            Cell::Text(text) if text.trim().eq_ignore_ascii_case("sell") => Ok(Some(Side::Sell)),
            _ => Err(format!("`{}` is neither buy nor sell", show(self))),
        }
    }

    pub(super) fn pair(self) -> Result<Pair, Wrong> {
        match self {
            Cell::Text(text) => {
                text.trim().parse().map_err(|error: crate::domain::instrument::PairError| error.to_string())
            }
            _ => Err(format!("`{}` is not a pair", show(self))),
        }
    }
}

fn rescale(value: i128, scale: i8) -> Result<Parsed, NumberError> {
    let shift = DECIMALS as i32 - i32::from(scale);
    let factor = 10i128.checked_pow(shift.unsigned_abs()).ok_or(NumberError::Overflow)?;
    if shift >= 0 {
        return Ok(Parsed { units: value.checked_mul(factor).ok_or(NumberError::Overflow)?, rounded: false });
    }
    // Rounding doubles the remainder, which is below the factor.
    if factor > i128::MAX / 2 {
        return Err(NumberError::Overflow);
    }
    Ok(Parsed { units: divide_half_even(value, factor), rounded: value % factor != 0 })
}
