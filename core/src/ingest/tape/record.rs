//! The cells of one row → a tick or a candle, or the reason why not.

use std::path::Path;

use super::cell::{Cell, Wrong};
use super::columns::{CandleColumns, TickColumns};
use super::{ReadOptions, TapeError};
use crate::domain::input::ImportedCandle;
use crate::domain::money::{NumberError, Parsed};
use crate::domain::time::MINUTE;
use crate::domain::{Amount, Arrival, EventTime, Pair, Price, Quantity, ReceivedTime, Source, Tick, TickKind, Trade};

/// What every row of a file shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared {
    pub(super) source: Source,
    /// Of rows that name none.
    pub(super) pair: Option<Pair>,
}

impl Shared {
    /// Errors: `NoPair` when no column, no option and no file name says which pair.
    pub(super) fn new(
        path: &Path,
        options: &ReadOptions,
        source: Source,
        named_by_rows: bool,
    ) -> Result<Self, TapeError> {
        let pair = options.pair.or_else(|| pair_of_name(path));
        if pair.is_none() && !named_by_rows {
            return Err(TapeError::NoPair);
        }
        Ok(Self { source, pair: if named_by_rows { options.pair } else { pair } })
    }

    fn pair(&self, cell: Option<Cell<'_>>) -> Result<Pair, Wrong> {
        match (cell, self.pair) {
            (Some(cell), Some(pair)) if cell.is_absent() => Ok(pair),
            (Some(cell), _) => cell.pair().map_err(|wrong| format!("pair {wrong}")),
            (None, pair) => pair.ok_or_else(|| "it names no pair".into()),
        }
    }
}

/// `BTCUSDT-2024-01-01.parquet` is BTCUSDT, `BTC-USD_2024.csv` is BTC-USD. A name in small letters is a word, not a pair.
fn pair_of_name(path: &Path) -> Option<Pair> {
    let name = path.file_name()?.to_str()?;
    let bytes = name.as_bytes();
    let end = (0..bytes.len()).find(|&at| match bytes[at] {
        b'-' => bytes.get(at + 1).is_some_and(u8::is_ascii_digit),
        letter => !letter.is_ascii_uppercase() && !letter.is_ascii_digit(),
    })?;
    let token = &name[..end];
    (token.len() >= 5 && token.bytes().any(|b| b.is_ascii_uppercase())).then(|| token.parse().ok()).flatten()
}

fn price(parsed: Parsed) -> Result<Price, NumberError> {
    Price::from_parsed(parsed)?.positive()
}

fn size(parsed: Parsed) -> Result<Quantity, NumberError> {
    Quantity::from_parsed(parsed)?.positive()
}

fn volume(parsed: Parsed) -> Result<Amount, NumberError> {
    match Amount::from_parsed(parsed)? {
        amount if amount < Amount::ZERO => Err(NumberError::Negative),
        amount => Ok(amount),
    }
}

fn named<T>(name: &str, value: Result<T, Wrong>) -> Result<T, Wrong> {
    value.map_err(|wrong| format!("{name} {wrong}"))
}

/// A trade, and whether a number was rounded. Its file does not say when it was received: its own time stands in, so that importing
/// it twice gives the same.
pub(super) fn tick<'a>(
    columns: &TickColumns,
    shared: &Shared,
    cell: impl Fn(usize) -> Cell<'a>,
) -> Result<(Tick, bool), Wrong> {
    let mut rounded = false;
    let nanos = named("time", cell(columns.time).nanos())?;
    let trade = Trade {
        trade_id: named("trade_id", cell(columns.trade_id).trade_id())?,
        price: named("price", cell(columns.price).number(&mut rounded, price))?,
        size: named("size", cell(columns.size).number(&mut rounded, size))?,
        taker_side: match columns.side {
            Some(place) => named("side", cell(place).side())?,
            None => None,
        },
        arrival: Arrival::News,
    };
    let tick = Tick {
        source: shared.source,
        pair: shared.pair(columns.pair.map(&cell))?,
        sequence: 0,
        event_time: EventTime::from_nanos(nanos),
        received_time: ReceivedTime::from_nanos(nanos),
        kind: TickKind::Trade(trade),
    };
    Ok((tick, rounded))
}

pub(super) fn candle<'a>(
    columns: &CandleColumns,
    shared: &Shared,
    cell: impl Fn(usize) -> Cell<'a>,
) -> Result<(ImportedCandle, bool), Wrong> {
    let mut rounded = false;
    let nanos = named("time", cell(columns.time).nanos())?;
    if nanos.rem_euclid(MINUTE) != 0 {
        return Err(format!("time {} is not the start of a minute", EventTime::from_nanos(nanos)));
    }
    if !(0..=i64::MAX - MINUTE).contains(&nanos) {
        return Err(format!("time {} is before 1970 or after 2261", EventTime::from_nanos(nanos)));
    }
    let candle = ImportedCandle {
        pair: shared.pair(columns.pair.map(&cell))?,
        window_start: EventTime::from_nanos(nanos),
        open: named("open", cell(columns.open).number(&mut rounded, price))?,
        high: named("high", cell(columns.high).number(&mut rounded, price))?,
        low: named("low", cell(columns.low).number(&mut rounded, price))?,
        close: named("close", cell(columns.close).number(&mut rounded, price))?,
        volume: named("volume", cell(columns.volume).number(&mut rounded, volume))?,
    };
    check_candle(&candle)?;
    Ok((candle, rounded))
}

/// A bar that no sequence of trades could have made is refused.
pub fn check_candle(candle: &ImportedCandle) -> Result<(), String> {
    let ImportedCandle { open, high, low, close, .. } = *candle;
    if high < open.max(close).max(low) {
        return Err(format!("high {high} is below another of its prices (open {open}, low {low}, close {close})"));
    }
    if low > open.min(close) {
        return Err(format!("low {low} is above another of its prices (open {open}, high {high}, close {close})"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_a_pair_only_when_it_says_so() {
        for (name, pair) in [
            ("BTCUSDT-2024-01-01.parquet", Some("BTCUSDT")),
            ("BTC-USD.csv", Some("BTC-USD")),
            ("BTC-USD_2024.csv.gz", Some("BTC-USD")),
            ("BTC-USD-2024-01-01.csv", Some("BTC-USD")),
            ("ticks.csv", None),
            ("1m-2021-04.parquet", None),
            ("2024.csv", None),
            ("README", None),
        ] {
            let found = pair_of_name(Path::new(name)).map(|pair| pair.to_string());
            assert_eq!(found.as_deref(), pair, "{name}");
        }
    }
}
