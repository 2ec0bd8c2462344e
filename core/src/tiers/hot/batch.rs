//! Ticks as Arrow, under the names and in the types of `cold.ticks`.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, Decimal128Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::domain::{Amount, Arrival, Input, Price, Quantity, Quote, Side, Stamped, Tick, TickKind, Trade};

/// As Iceberg calls it.
const UTC: &str = "+00:00";
const PRECISION: u8 = 20;
const SCALE: i8 = 8;
/// 24 h volumes need it.
const WIDE: u8 = 38;

pub(super) const TAPE_TIME: usize = 1;
pub(super) const KIND: usize = 2;
pub(super) const SOURCE: usize = 3;
pub(super) const PAIR: usize = 4;
pub(super) const TAPE_TIME_NS: usize = 18;

/// The columns of `cold.ticks`.
pub(super) static TICKS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let decimal = || DataType::Decimal128(PRECISION, SCALE);
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
    let required = |name, kind| Field::new(name, kind, false);
    let optional = |name, kind| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        required("seq", DataType::Int64),
        required("tape_time", time()),
        required("kind", DataType::Utf8),
        required("source", DataType::Utf8),
        required("pair", DataType::Utf8),
        required("sequence", DataType::Int64),
        optional("trade_id", DataType::Int64),
        optional("price", decimal()),
        optional("size", decimal()),
        optional("side", DataType::Utf8),
        optional("best_bid", decimal()),
        optional("best_ask", decimal()),
        optional("bid_size", decimal()),
        optional("ask_size", decimal()),
        optional("volume_24h", DataType::Decimal128(WIDE, SCALE)),
        optional("open_24h", decimal()),
        required("event_time", time()),
        required("received_time", time()),
        required("tape_time_ns", DataType::Int32),
        required("event_time_ns", DataType::Int32),
        required("received_time_ns", DataType::Int32),
        optional("arrival", DataType::Utf8),
    ]))
});

/// Makes one column of rows.
type Column = fn(&[Row<'_>]) -> ArrayRef;

/// How each column of `TICKS` is made, in their order.
const COLUMNS: [Column; 22] = [
    |rows| integers(rows, |row| Some(row.stamped.seq.0 as i64)),
    |rows| micros(rows, |row| row.stamped.tape_time.nanos()),
    |rows| texts(rows, |row| Some(if row.trade().is_some() { "trade" } else { "quote" })),
    |rows| Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.tick.source.to_string()))),
    |rows| texts(rows, |row| Some(row.tick.pair.as_str())),
    |rows| integers(rows, |row| Some(row.tick.sequence as i64)),
    |rows| integers(rows, |row| row.trade().map(|trade| trade.trade_id.0 as i64)),
    |rows| decimals(rows, PRECISION, |row| row.trade().map(|trade| price(trade.price))),
    |rows| decimals(rows, PRECISION, |row| row.trade().map(|trade| size(trade.size))),
    |rows| texts(rows, |row| row.trade().and_then(|trade| trade.taker_side).map(side)),
    |rows| decimals(rows, PRECISION, |row| row.quote().map(|quote| price(quote.best_bid))),
    |rows| decimals(rows, PRECISION, |row| row.quote().map(|quote| price(quote.best_ask))),
    |rows| decimals(rows, PRECISION, |row| row.quote().and_then(|quote| quote.bid_size).map(size)),
    |rows| decimals(rows, PRECISION, |row| row.quote().and_then(|quote| quote.ask_size).map(size)),
    |rows| decimals(rows, WIDE, |row| row.quote().and_then(|quote| quote.volume_24h).map(Amount::units)),
    |rows| decimals(rows, PRECISION, |row| row.quote().and_then(|quote| quote.open_24h).map(price)),
    |rows| micros(rows, |row| row.tick.event_time.nanos()),
    |rows| micros(rows, |row| row.tick.received_time.nanos()),
    |rows| below(rows, |row| row.stamped.tape_time.nanos()),
    |rows| below(rows, |row| row.tick.event_time.nanos()),
    |rows| below(rows, |row| row.tick.received_time.nanos()),
    |rows| texts(rows, |row| row.trade().map(|trade| arrival(trade.arrival))),
];

/// Some columns of `TICKS`, by their places in it.
pub(super) struct Shown {
    places: Vec<usize>,
    schema: SchemaRef,
}

impl Shown {
    pub(super) fn all() -> Self {
        Self { places: (0..COLUMNS.len()).collect(), schema: Arc::clone(&TICKS) }
    }

    pub(super) fn of(places: &[usize]) -> Self {
        let schema = TICKS.project(places).expect("the places are of columns");
        Self { places: places.to_vec(), schema: Arc::new(schema) }
    }

    /// Trades and quotes as rows; other inputs are passed over.
    pub(super) fn ticks(&self, stamped: &[Stamped]) -> RecordBatch {
        let rows: Vec<Row<'_>> = stamped.iter().filter_map(Row::of).collect();
        self.batch(rows.len(), self.places.iter().map(|place| COLUMNS[*place](&rows)).collect())
    }

    /// The same rows of a batch that has all columns.
    pub(super) fn part(&self, all: &RecordBatch) -> RecordBatch {
        self.batch(all.num_rows(), self.places.iter().map(|place| Arc::clone(all.column(*place))).collect())
    }

    fn batch(&self, rows: usize, columns: Vec<ArrayRef>) -> RecordBatch {
        // To be counted, rows need no columns.
        let rows = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)
            .expect("the columns are made in the order and types of the schema")
    }
}

struct Row<'a> {
    stamped: &'a Stamped,
    tick: &'a Tick,
}

impl<'a> Row<'a> {
    fn of(stamped: &'a Stamped) -> Option<Self> {
        match &stamped.input {
            Input::Tick(tick) => Some(Self { stamped, tick }),
            _ => None,
        }
    }

    fn trade(&self) -> Option<&Trade> {
        self.tick.trade()
    }

    fn quote(&self) -> Option<&Quote> {
        match &self.tick.kind {
            TickKind::Quote(quote) => Some(quote),
            TickKind::Trade(_) => None,
        }
    }
}

fn integers(rows: &[Row<'_>], value: impl Fn(&Row<'_>) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<Int64Array>())
}

fn decimals(rows: &[Row<'_>], precision: u8, value: impl Fn(&Row<'_>) -> Option<i128>) -> ArrayRef {
    let values: Decimal128Array = rows.iter().map(value).collect();
    Arc::new(values.with_precision_and_scale(precision, SCALE).expect("8 decimals fit into 20 and into 38 digits"))
}

fn texts<'a>(rows: &'a [Row<'a>], value: impl Fn(&'a Row<'a>) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringArray>())
}

fn micros(rows: &[Row<'_>], nanos: impl Fn(&Row<'_>) -> i64) -> ArrayRef {
    let values = rows.iter().map(|row| nanos(row).div_euclid(1_000));
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone(UTC))
}

/// What microseconds leave out.
fn below(rows: &[Row<'_>], nanos: impl Fn(&Row<'_>) -> i64) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| nanos(row).rem_euclid(1_000) as i32)))
}

fn price(price: Price) -> i128 {
    price.units().into()
}

fn size(size: Quantity) -> i128 {
    size.units().into()
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn arrival(arrival: Arrival) -> &'static str {
    match arrival {
        Arrival::News => "news",
        Arrival::History => "history",
        Arrival::Belated => "belated",
        Arrival::Fetched => "fetched",
    }
}
