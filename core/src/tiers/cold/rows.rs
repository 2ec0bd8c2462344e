//! Inputs to rows and back, without loss.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};

use super::ColdError;
use super::schema::{PRICE_DIGITS, SCALE, VOLUME_DIGITS};
use crate::domain::{
    Amount, Arrival, EventTime, Input, Pair, Price, Quantity, Quote, ReceivedTime, Seq, Side, Source, Stamped,
    TapeTime, Tick, TickKind, Trade, TradeId,
};

/// The inputs after `held`, through `through`, that are kept here, in the order of the tape: ticks and clocks. The others stay in the journal.
pub(super) fn kept(inputs: &[Stamped], held: Seq, through: Seq) -> Vec<&Stamped> {
    let new = |stamped: &&Stamped| stamped.seq > held && stamped.seq <= through;
    let mut kept: Vec<&Stamped> = inputs.iter().filter(new).filter(|stamped| stamped.input.is_archived()).collect();
    kept.sort_by_key(|stamped| (stamped.tape_time, stamped.seq));
    kept
}

fn tick(stamped: &Stamped) -> Option<&Tick> {
    match &stamped.input {
        Input::Tick(tick) => Some(tick),
        _ => None,
    }
}

fn trade(stamped: &Stamped) -> Option<&Trade> {
    tick(stamped).and_then(Tick::trade)
}

fn quote(stamped: &Stamped) -> Option<&Quote> {
    match tick(stamped)?.kind {
        TickKind::Quote(ref quote) => Some(quote),
        TickKind::Trade(_) => None,
    }
}

fn kind(stamped: &Stamped) -> &'static str {
    match (trade(stamped), quote(stamped)) {
        (Some(_), _) => "trade",
        (_, Some(_)) => "quote",
        _ => "clock",
    }
}

/// A clock happens when the tape says so: its day is that of its tape time.
fn event_nanos(stamped: &Stamped) -> i64 {
    tick(stamped).map_or(stamped.tape_time.nanos(), |tick| tick.event_time.nanos())
}

fn received_nanos(stamped: &Stamped) -> i64 {
    match &stamped.input {
        Input::Tick(tick) => tick.received_time.nanos(),
        Input::Clock { received, .. } => received.nanos(),
        _ => 0,
    }
}

/// Rows of inputs that `kept` gave, under the table's Arrow schema.
pub(super) fn encode(inputs: &[&Stamped], schema: &SchemaRef) -> Result<RecordBatch, ColdError> {
    // Venue numbers use all 64 bits; those above i64 would show as negative and come back as they were.
    let long = |of: &dyn Fn(&Stamped) -> Option<u64>| -> ArrayRef {
        Arc::new(inputs.iter().map(|input| of(input).map(|number| number as i64)).collect::<Int64Array>())
    };
    let time = |of: &dyn Fn(&Stamped) -> i64| -> ArrayRef {
        let micros = inputs.iter().map(|input| of(input).div_euclid(1_000));
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("+00:00"))
    };
    let below = |of: &dyn Fn(&Stamped) -> i64| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(inputs.iter().map(|input| of(input).rem_euclid(1_000) as i32)))
    };
    let text = |of: &dyn Fn(&Stamped) -> Option<&'static str>| -> ArrayRef {
        Arc::new(inputs.iter().map(|input| of(input)).collect::<StringArray>())
    };
    let decimal = |digits: u8, of: &dyn Fn(&Stamped) -> Option<i128>| -> Result<ArrayRef, ColdError> {
        let units = inputs.iter().map(|input| of(input)).collect::<Decimal128Array>();
        Ok(Arc::new(units.with_precision_and_scale(digits, SCALE)?))
    };
    let price = |of: &dyn Fn(&Stamped) -> Option<i64>| decimal(PRICE_DIGITS, &|input| of(input).map(i128::from));
    let largest = 10i128.pow(u32::from(VOLUME_DIGITS)) - 1;
    if let Some(stamped) = inputs.iter().find(|s| {
        quote(s)
            .and_then(|quote| quote.volume_24h)
            .is_some_and(|volume| volume.units().unsigned_abs() > largest as u128)
    }) {
        let why = "has more than thirty digits before the point".to_owned();
        return Err(ColdError::Unstorable { seq: stamped.seq, column: "volume_24h", why });
    }
    let mut sources = Names::default();
    let mut pairs = Names::default();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(inputs.iter().map(|input| input.seq.0 as i64))),
        time(&|input| input.tape_time.nanos()),
        text(&|input| Some(kind(input))),
        sources.column(inputs, |input| Some(input.input.source())),
        pairs.column(inputs, |input| tick(input).map(|tick| tick.pair)),
        long(&|input| tick(input).map(|tick| tick.sequence)),
        long(&|input| trade(input).map(|trade| trade.trade_id.0)),
        price(&|input| trade(input).map(|trade| trade.price.units()))?,
        price(&|input| trade(input).map(|trade| trade.size.units()))?,
        text(&|input| trade(input).and_then(|trade| trade.taker_side).map(side_name)),
        price(&|input| quote(input).map(|quote| quote.best_bid.units()))?,
        price(&|input| quote(input).map(|quote| quote.best_ask.units()))?,
        price(&|input| quote(input).and_then(|quote| quote.bid_size).map(Quantity::units))?,
        price(&|input| quote(input).and_then(|quote| quote.ask_size).map(Quantity::units))?,
        decimal(VOLUME_DIGITS, &|input| quote(input).and_then(|quote| quote.volume_24h).map(Amount::units))?,
        price(&|input| quote(input).and_then(|quote| quote.open_24h).map(Price::units))?,
        time(&event_nanos),
        time(&received_nanos),
        below(&|input| input.tape_time.nanos()),
        below(&event_nanos),
        below(&received_nanos),
        text(&|input| trade(input).map(|trade| arrival_name(trade.arrival))),
    ];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Few names for many rows: each is spelled out once.
struct Names<T> {
    spelled: Vec<(T, String)>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { spelled: Vec::new() }
    }
}

impl<T: Copy + PartialEq + ToString> Names<T> {
    fn column(&mut self, inputs: &[&Stamped], of: impl Fn(&Stamped) -> Option<T>) -> ArrayRef {
        let places: Vec<Option<usize>> = inputs.iter().map(|input| of(input).map(|name| self.place(name))).collect();
        let texts = places.iter().map(|place| place.map(|place| self.spelled[place].1.as_str()));
        Arc::new(texts.collect::<StringArray>())
    }

    fn place(&mut self, name: T) -> usize {
        self.spelled.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.spelled.push((name, name.to_string()));
            self.spelled.len() - 1
        })
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn arrival_name(arrival: Arrival) -> &'static str {
    match arrival {
        Arrival::News => "news",
        Arrival::History => "history",
        Arrival::Belated => "belated",
        Arrival::Fetched => "fetched",
    }
}

/// The inputs of rows that `encode` made. Errors: `Unreadable`, naming the column.
pub(super) fn decode(batch: &RecordBatch) -> Result<Vec<Stamped>, ColdError> {
    let rows = Rows::of(batch)?;
    (0..batch.num_rows()).map(|row| rows.input(row)).collect()
}

struct Rows<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, ColdError> {
        let expected = |at: usize| match at {
            0 | 5 | 6 => Some(DataType::Int64),
            2 | 3 | 4 | 9 | 21 => Some(DataType::Utf8),
            7 | 8 | 10..=13 | 15 => Some(DataType::Decimal128(PRICE_DIGITS, SCALE)),
            14 => Some(DataType::Decimal128(VOLUME_DIGITS, SCALE)),
            18..=20 => Some(DataType::Int32),
            _ => None,
        };
        let fits = batch.num_columns() == 22
            && (0..22).all(|at| match expected(at) {
                Some(kind) => *batch.column(at).data_type() == kind,
                None => batch.column(at).as_primitive_opt::<TimestampMicrosecondType>().is_some(),
            });
        if fits { Ok(Self { batch }) } else { Err(unreadable("row", "other columns than this Tapedeck's")) }
    }

    fn column(&self, at: usize, row: usize) -> Option<&'a ArrayRef> {
        Some(self.batch.column(at)).filter(|column| column.is_valid(row))
    }

    fn text(&self, at: usize, row: usize) -> Option<&'a str> {
        self.column(at, row).map(|column| column.as_string::<i32>().value(row))
    }

    fn long(&self, at: usize, row: usize) -> Option<u64> {
        self.column(at, row).map(|column| column.as_primitive::<Int64Type>().value(row) as u64)
    }

    fn units(&self, at: usize, row: usize) -> Option<i128> {
        self.column(at, row).map(|column| column.as_primitive::<Decimal128Type>().value(row))
    }

    fn price(&self, at: usize, row: usize, name: &'static str) -> Result<Option<i64>, ColdError> {
        let narrow = |units: i128| i64::try_from(units).map_err(|_| unreadable(name, "more than a price can be"));
        self.units(at, row).map(narrow).transpose()
    }

    fn nanos(&self, micros: usize, below: usize, row: usize) -> Result<i64, ColdError> {
        let micros = self.batch.column(micros).as_primitive::<TimestampMicrosecondType>().value(row);
        let below = i64::from(self.batch.column(below).as_primitive::<Int32Type>().value(row));
        micros
            .checked_mul(1_000)
            .and_then(|nanos| nanos.checked_add(below))
            // The first microsecond of all begins before the first nanosecond there is.
            .or_else(|| i64::try_from(i128::from(micros) * 1_000 + i128::from(below)).ok())
            .ok_or_else(|| unreadable("time", "outside of 1677 to 2262"))
    }

    fn input(&self, row: usize) -> Result<Stamped, ColdError> {
        let missing = |column: &'static str| move || unreadable(column, "it is missing");
        let seq = Seq(self.long(0, row).ok_or_else(missing("seq"))?);
        let tape_time = TapeTime::from_nanos(self.nanos(1, 18, row)?);
        let source = parsed::<Source>("source", self.text(3, row))?;
        let received = ReceivedTime::from_nanos(self.nanos(17, 20, row)?);
        let input = match self.text(2, row) {
            Some("clock") => Input::Clock { source, received },
            Some("trade") => {
                let trade = Trade {
                    trade_id: TradeId(self.long(6, row).ok_or_else(missing("trade_id"))?),
                    price: Price::from_units(self.price(7, row, "price")?.ok_or_else(missing("price"))?),
                    size: Quantity::from_units(self.price(8, row, "size")?.ok_or_else(missing("size"))?),
                    taker_side: match self.text(9, row) {
                        None => None,
                        Some("buy") => Some(Side::Buy),
                        Some("sell") => Some(Side::Sell),
                        Some(other) => return Err(unreadable("side", other)),
                    },
                    arrival: match self.text(21, row) {
                        Some("news") => Arrival::News,
                        Some("history") => Arrival::History,
                        Some("belated") => Arrival::Belated,
                        Some("fetched") => Arrival::Fetched,
                        other => return Err(unreadable("arrival", other.unwrap_or("it is missing"))),
                    },
                };
                Input::Tick(self.tick(row, source, received, TickKind::Trade(trade))?)
            }
            Some("quote") => {
                let quote = Quote {
                    best_bid: Price::from_units(self.price(10, row, "best_bid")?.ok_or_else(missing("best_bid"))?),
                    best_ask: Price::from_units(self.price(11, row, "best_ask")?.ok_or_else(missing("best_ask"))?),
                    bid_size: self.price(12, row, "bid_size")?.map(Quantity::from_units),
                    ask_size: self.price(13, row, "ask_size")?.map(Quantity::from_units),
                    volume_24h: self.units(14, row).map(Amount::from_units),
                    open_24h: self.price(15, row, "open_24h")?.map(Price::from_units),
                };
                Input::Tick(self.tick(row, source, received, TickKind::Quote(quote))?)
            }
            other => return Err(unreadable("kind", other.unwrap_or("it is missing"))),
        };
        Ok(Stamped { seq, tape_time, input })
    }

    fn tick(&self, row: usize, source: Source, received: ReceivedTime, kind: TickKind) -> Result<Tick, ColdError> {
        Ok(Tick {
            source,
            pair: parsed::<Pair>("pair", self.text(4, row))?,
            sequence: self.long(5, row).ok_or_else(|| unreadable("sequence", "it is missing"))?,
            event_time: EventTime::from_nanos(self.nanos(16, 19, row)?),
            received_time: received,
            kind,
        })
    }
}

pub(super) fn parsed<T: std::str::FromStr<Err: ToString>>(
    column: &'static str,
    text: Option<&str>,
) -> Result<T, ColdError> {
    let text = text.ok_or_else(|| unreadable(column, "it is missing"))?;
    text.parse().map_err(|error: T::Err| unreadable(column, &error.to_string()))
}

pub(super) fn unreadable(column: &'static str, why: &str) -> ColdError {
    ColdError::Unreadable { column, why: why.to_owned() }
}
