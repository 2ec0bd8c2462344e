//! The sample tape: one real day, and five pairs made up beside it.
//!
//! BTC is every aggregate trade of 2024-01-01 as it happened (see `core/sample/README.md`); it has no quotes. The others follow from a
//! fixed seed: each second's return is β × BTC's own return + noise, trades arrive by a rate that rises with the move, sizes have a
//! long tail, and a quote a second carries the spread. Only + − × ÷ and √ of doubles are used, which are exact everywhere, so the tape
//! is the same on every machine. They are *simulated*, and `Source::simulates` says so wherever they are shown.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Decimal128Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::memory::Memory;
use super::playable::{Inputs, Playable, Recorded, TapeLane, TapeRange};
use super::recorded::Volume;
use super::tape::TapeError;
use crate::domain::time::{MINUTE, SECOND};
use crate::domain::{
    Arrival, EventTime, Input, Output, Pair, Price, Quality, Quantity, Quote, ReceivedTime, Seq, Side, Source, Stamped,
    TapeTime, Tick, TickKind, Trade, TradeId,
};
use crate::engine::Market;
use crate::journal::JournalError;

/// Shipped inside the program, so that a first launch needs no file and no network.
static BTC_DAY: &[u8] = include_bytes!("../../sample/BTCUSDT-2024-01-01.parquet");

/// 2024-01-01T00:00:00Z
const DAY_START: i64 = 1_704_067_200 * SECOND;
const DAY_SECONDS: i64 = 86_400;

pub const SAMPLE_NAME: &str = "Sample day, 1 January 2024";

#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("the sample tape inside the program can not be read: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("the sample tape inside the program can not be read: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("the sample tape inside the program has no column `{0}` of the expected type")]
    Column(&'static str),
}

/// What a made-up pair is like. `beta` to BTC; `noise` and `half_spread` as fractions of price; `rate` in trades a second.
struct Character {
    pair: &'static str,
    start: f64,
    tick_size: i64,
    beta: f64,
    noise: f64,
    half_spread: f64,
    rate: f64,
    typical_notional: f64,
}

const SIMULATED: [Character; 5] = [
    Character {
        pair: "ETH-USD",
        start: 2_281.5,
        tick_size: 1_000_000,
        beta: 1.1,
        noise: 0.000_07,
        half_spread: 0.000_03,
        rate: 1.6,
        typical_notional: 420.0,
    },
    Character {
        pair: "SOL-USD",
        start: 101.3,
        tick_size: 1_000_000,
        beta: 1.4,
        noise: 0.000_14,
        half_spread: 0.000_08,
        rate: 1.0,
        typical_notional: 260.0,
    },
    Character {
        pair: "DOGE-USD",
        start: 0.0896,
        tick_size: 1_000,
        beta: 1.2,
        noise: 0.000_12,
        half_spread: 0.000_1,
        rate: 0.7,
        typical_notional: 150.0,
    },
    Character {
        pair: "AVAX-USD",
        start: 38.55,
        tick_size: 1_000_000,
        beta: 1.5,
        noise: 0.000_16,
        half_spread: 0.000_2,
        rate: 0.5,
        typical_notional: 140.0,
    },
    Character {
        pair: "LINK-USD",
        start: 14.95,
        tick_size: 100_000,
        beta: 1.2,
        noise: 0.000_13,
        half_spread: 0.000_15,
        rate: 0.4,
        typical_notional: 120.0,
    },
];

#[derive(Clone, Copy)]
enum Row {
    Trade { price: i64, size: i64, buyer: bool },
    Quote { bid: i64, ask: i64 },
}

struct PairTape {
    pair: Pair,
    times: Vec<i64>,
    rows: Vec<Row>,
    first_trade_id: u64,
}

/// Cheap to clone: the rows are shared.
#[derive(Clone)]
pub struct SampleTape {
    pairs: Arc<[PairTape]>,
    ticks: u64,
    /// Cursors of places that were passed, so that reading can begin there: one for every so many inputs, in order.
    passed: Arc<Mutex<Vec<Cursor>>>,
    memory: Arc<OnceLock<Arc<Memory>>>,
}

/// Inputs between two of them.
const PASSED_EVERY: u64 = 8_192;

/// Where somebody stands who reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Rows taken of each pair, and trades among them.
    taken: Vec<(usize, u64)>,
    /// Seconds of clock given.
    clocks: i64,
    ended: bool,
    seq: Seq,
    tape_time: TapeTime,
}

impl Cursor {
    pub fn seq(&self) -> Seq {
        self.seq
    }

    pub fn tape_time(&self) -> TapeTime {
        self.tape_time
    }

    /// Ticks given so far.
    pub fn ticks(&self) -> u64 {
        self.taken.iter().map(|t| t.0 as u64).sum()
    }
}

impl SampleTape {
    /// Reads the shipped day and makes the other pairs. Takes a fraction of a second.
    pub fn load() -> Result<Self, SampleError> {
        let bitcoin = read_day()?;
        let seconds = second_returns(&bitcoin);
        let mut pairs = vec![bitcoin];
        for (index, character) in SIMULATED.iter().enumerate() {
            pairs.push(simulate(character, &seconds, 0x7a9e_deca + index as u64));
        }
        let ticks = pairs.iter().map(|p| p.times.len() as u64).sum();
        Ok(Self { pairs: pairs.into(), ticks, passed: Arc::default(), memory: Arc::default() })
    }

    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Tape time of the next input, `None` at the end.
    pub fn peek(&self, cursor: &Cursor) -> Option<TapeTime> {
        if cursor.ended {
            return None;
        }
        let clock = (cursor.clocks < DAY_SECONDS).then(|| DAY_START + (cursor.clocks + 1) * SECOND);
        let row = self.next_pair(cursor).map(|(_, time)| time);
        // With neither left, the end of the tape comes at once.
        let next = [clock, row].into_iter().flatten().min().map_or(cursor.tape_time, TapeTime::from_nanos);
        Some(next.max(cursor.tape_time))
    }

    fn next_pair(&self, cursor: &Cursor) -> Option<(usize, i64)> {
        let mut best: Option<(usize, i64)> = None;
        for (index, tape) in self.pairs.iter().enumerate() {
            let at = cursor.taken.get(index).map_or(0, |t| t.0);
            if let Some(&time) = tape.times.get(at)
                && best.is_none_or(|(_, earliest)| time < earliest)
            {
                best = Some((index, time));
            }
        }
        best
    }

    /// Takes the next input. A clock comes each second, after the ticks of that second, as in a recording.
    pub fn next(&self, cursor: &mut Cursor) -> Option<Stamped> {
        if cursor.ended {
            return None;
        }
        cursor.taken.resize(self.pairs.len(), (0, 0));
        let clock = DAY_START + (cursor.clocks + 1) * SECOND;
        let input = match self.next_pair(cursor) {
            Some((index, time)) if time < clock => {
                cursor.tape_time = cursor.tape_time.max(TapeTime::from_nanos(time));
                self.take(cursor, index, time)
            }
            _ if cursor.clocks < DAY_SECONDS => {
                cursor.clocks += 1;
                cursor.tape_time = cursor.tape_time.max(TapeTime::from_nanos(clock));
                Input::Clock { source: Source::Sample, received: ReceivedTime::from_nanos(clock) }
            }
            Some((index, time)) => {
                cursor.tape_time = cursor.tape_time.max(TapeTime::from_nanos(time));
                self.take(cursor, index, time)
            }
            None => {
                cursor.ended = true;
                Input::EndOfTape { source: Source::Sample }
            }
        };
        cursor.seq = cursor.seq.next();
        Some(Stamped { seq: cursor.seq, tape_time: cursor.tape_time, input })
    }

    fn take(&self, cursor: &mut Cursor, index: usize, time: i64) -> Input {
        let tape = &self.pairs[index];
        let (at, trades) = cursor.taken[index];
        let row = tape.rows[at];
        let kind = match row {
            Row::Trade { price, size, buyer } => TickKind::Trade(Trade {
                trade_id: TradeId(tape.first_trade_id + trades),
                price: Price::from_units(price),
                size: Quantity::from_units(size),
                taker_side: Some(if buyer { Side::Buy } else { Side::Sell }),
                arrival: Arrival::News,
            }),
            Row::Quote { bid, ask } => TickKind::Quote(Quote {
                best_bid: Price::from_units(bid),
                best_ask: Price::from_units(ask),
                bid_size: None,
                ask_size: None,
                volume_24h: None,
                open_24h: None,
            }),
        };
        cursor.taken[index] = (at + 1, trades + u64::from(matches!(row, Row::Trade { .. })));
        Input::Tick(Tick {
            source: Source::Sample,
            pair: tape.pair,
            sequence: at as u64 + 1,
            event_time: EventTime::from_nanos(time),
            received_time: ReceivedTime::from_nanos(time),
            kind,
        })
    }
}

impl Playable for SampleTape {
    fn name(&self) -> String {
        SAMPLE_NAME.to_owned()
    }

    fn range(&self) -> TapeRange {
        TapeRange::whole(TapeLane::SampleDay)
    }

    fn source(&self) -> Source {
        Source::Sample
    }

    fn pairs(&self) -> Vec<Pair> {
        self.pairs.iter().map(|p| p.pair).collect()
    }

    fn from(&self) -> TapeTime {
        TapeTime::from_nanos(DAY_START)
    }

    fn to(&self) -> TapeTime {
        TapeTime::from_nanos(DAY_START + DAY_SECONDS * SECOND)
    }

    fn through(&self) -> Seq {
        // Every row, a clock for each second, and the end.
        Seq(self.ticks + DAY_SECONDS as u64 + 1)
    }

    fn trades(&self) -> u64 {
        let trades = |tape: &PairTape| tape.rows.iter().filter(|row| matches!(row, Row::Trade { .. })).count();
        self.pairs.iter().map(|tape| trades(tape) as u64).sum()
    }

    fn read(&self, after: Seq) -> Result<Inputs, TapeError> {
        let mut cursor = {
            let passed = lock(&self.passed);
            let until = passed.partition_point(|cursor| cursor.seq <= after);
            until.checked_sub(1).map(|last| passed[last].clone()).unwrap_or_default()
        };
        while cursor.seq < after && self.pass(&mut cursor).is_some() {}
        let tape = self.clone();
        Ok(Box::new(std::iter::from_fn(move || tape.pass(&mut cursor).map(Ok))))
    }

    fn volumes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Volume>, JournalError> {
        let mut volumes: Vec<Volume> = Vec::new();
        let Some(tape) = self.pairs.iter().find(|p| p.pair == pair) else { return Ok(volumes) };
        let first = tape.times.partition_point(|&time| time < from.nanos());
        let last = tape.times.partition_point(|&time| time < to.nanos());
        for (time, row) in tape.times[first..last].iter().zip(&tape.rows[first..last]) {
            let Row::Trade { size, .. } = row else { continue };
            let start = EventTime::from_nanos(*time).minute();
            let volume = Quantity::from_units(*size).to_f64();
            match volumes.last_mut() {
                Some(last) if last.start == start => last.volume += volume,
                _ => volumes.push(Volume { start, volume, quality: Quality::Complete }),
            }
        }
        Ok(volumes)
    }

    fn memory(&self) -> Result<Arc<Memory>, TapeError> {
        if let Some(memory) = self.memory.get() {
            return Ok(Arc::clone(memory));
        }
        let (mut market, mut outputs, mut candles) = (Market::default(), Vec::new(), Vec::new());
        for input in self.read(Seq::default())? {
            market.step(&input?, &mut outputs);
            candles.extend(outputs.drain(..).filter_map(|output| match output {
                Output::Candle(candle) => Some(candle),
                _ => None,
            }));
        }
        let memory = Arc::new(Memory::of(candles));
        Ok(Arc::clone(self.memory.get_or_init(|| memory)))
    }

    fn recorded(&self) -> Option<&dyn Recorded> {
        None
    }
}

impl SampleTape {
    /// As `next`, and remembers the way for whoever comes later.
    fn pass(&self, cursor: &mut Cursor) -> Option<Stamped> {
        let input = self.next(cursor)?;
        if cursor.seq.0.is_multiple_of(PASSED_EVERY) {
            let mut passed = lock(&self.passed);
            if passed.last().is_none_or(|last| last.seq < cursor.seq) {
                passed.push(cursor.clone());
            }
        }
        Some(input)
    }
}

fn lock(passed: &Mutex<Vec<Cursor>>) -> MutexGuard<'_, Vec<Cursor>> {
    passed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_day() -> Result<PairTape, SampleError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(shipped())?.with_batch_size(65_536).build()?;
    let (mut times, mut rows, mut first_trade_id) = (Vec::new(), Vec::new(), None);
    for batch in reader {
        let batch = batch?;
        let column = |name: &'static str| batch.column_by_name(name).ok_or(SampleError::Column(name));
        let ids = column("trade_id")?.as_primitive_opt::<Int64Type>().ok_or(SampleError::Column("trade_id"))?;
        let prices = column("price")?.as_primitive_opt::<Decimal128Type>().ok_or(SampleError::Column("price"))?;
        let sizes = column("size")?.as_primitive_opt::<Decimal128Type>().ok_or(SampleError::Column("size"))?;
        let instants = column("time")?;
        let instants = nanoseconds(instants.as_ref()).ok_or(SampleError::Column("time"))?;
        let sides = column("taker_side")?;
        let sides = arrow::compute::cast(sides, &arrow::datatypes::DataType::Utf8)?;
        let sides = sides.as_string_opt::<i32>().ok_or(SampleError::Column("taker_side"))?;
        for (row, &instant) in instants.iter().enumerate() {
            first_trade_id.get_or_insert(ids.value(row) as u64);
            times.push(instant);
            rows.push(Row::Trade {
                price: prices.value(row) as i64,
                size: sizes.value(row) as i64,
                buyer: sides.value(row).eq_ignore_ascii_case("buy"),
            });
        }
    }
    let pair = "BTC-USD".parse().expect("a pair");
    Ok(PairTape { pair, times, rows, first_trade_id: first_trade_id.unwrap_or_default() })
}

fn shipped() -> bytes::Bytes {
    bytes::Bytes::from_static(BTC_DAY)
}

fn nanoseconds(column: &dyn Array) -> Option<Vec<i64>> {
    if let Some(times) = column.as_primitive_opt::<TimestampNanosecondType>() {
        return Some(times.values().to_vec());
    }
    if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        return Some(times.values().iter().map(|t| t * 1_000).collect());
    }
    let times = column.as_primitive_opt::<TimestampMillisecondType>()?;
    Some(times.values().iter().map(|t| t * 1_000_000).collect())
}

/// BTC's fractional change in each second of the day.
fn second_returns(tape: &PairTape) -> Vec<f64> {
    let mut closes = vec![0.0f64; DAY_SECONDS as usize];
    for (time, row) in tape.times.iter().zip(&tape.rows) {
        let second = (time - DAY_START).div_euclid(SECOND);
        if let (Row::Trade { price, .. }, Ok(second)) = (row, usize::try_from(second))
            && let Some(close) = closes.get_mut(second)
        {
            *close = Price::from_units(*price).to_f64();
        }
    }
    let mut last = closes.iter().copied().find(|&c| c > 0.0).unwrap_or(1.0);
    closes
        .iter()
        .map(|&close| {
            let now = if close > 0.0 { close } else { last };
            let change = now / last - 1.0;
            last = now;
            change
        })
        .collect()
}

/// Draws built from exact operations only.
struct Draws(ChaCha8Rng);

impl Draws {
    /// In `[0, 1)`, 53 bits.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Close to a standard normal: twelve uniforms less six (Irwin and Hall).
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// Above 0 with a median near 1 and a long tail: doubles with probability ⅓, again and again.
    fn long_tail(&mut self) -> f64 {
        let mut size = 0.05 + 0.9 * self.uniform();
        while size < 500.0 && self.uniform() < 0.36 {
            size *= 2.0;
        }
        size
    }
}

fn simulate(character: &Character, bitcoin: &[f64], seed: u64) -> PairTape {
    let mut draws = Draws(ChaCha8Rng::seed_from_u64(seed));
    let on_grid = |price: f64| {
        let units = (price * crate::domain::money::ONE as f64) as i64;
        (units / character.tick_size).max(1) * character.tick_size
    };
    let (mut times, mut rows, mut price) = (Vec::new(), Vec::new(), character.start);
    let mut activity = 1.0;
    for (second, change) in bitcoin.iter().enumerate() {
        let own = character.noise * draws.normal();
        let change = character.beta * change + own;
        price *= 1.0 + change;
        // Busy after a move, calm after a while.
        activity = 0.97 * activity + 0.03 * (0.6 + (change * change).sqrt() / character.noise);
        let start = DAY_START + second as i64 * SECOND;
        let half = character.half_spread * (0.7 + 0.6 * draws.uniform()) * price;
        let bid = on_grid(price - half);
        let ask = on_grid(price + half).max(bid + character.tick_size);
        times.push(start + (draws.uniform() * 4e6) as i64);
        rows.push(Row::Quote { bid, ask });
        let expected = character.rate * activity;
        let mut count = expected as usize;
        count += usize::from(draws.uniform() < expected - count as f64);
        let mut offsets: Vec<i64> = (0..count).map(|_| 5_000_000 + (draws.uniform() * 990e6) as i64).collect();
        offsets.sort_unstable();
        for offset in offsets {
            let buyer = draws.uniform() < 0.5 + 0.2 * (change / character.noise).clamp(-1.0, 1.0);
            let notional = character.typical_notional * draws.long_tail();
            let size = ((notional / price * 1e6) as i64).max(1) * 100;
            times.push(start + offset / 1_000 * 1_000);
            rows.push(Row::Trade { price: if buyer { ask } else { bid }, size, buyer });
        }
    }
    debug_assert!(times.is_sorted(), "quotes come in the first four milliseconds, trades from the fifth on");
    let pair = character.pair.parse().expect("a pair");
    PairTape { pair, times, rows, first_trade_id: 1 }
}

/// Minutes of the sample that are played before the desk first draws, so that there is a chart to look at.
pub fn first_look() -> TapeTime {
    TapeTime::from_nanos(DAY_START + 60 * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_same_tape_every_time_and_in_order() {
        let (one, two) = (SampleTape::load().expect("shipped"), SampleTape::load().expect("shipped"));
        assert_eq!(one.pairs[0].times.len(), 863_403);
        let (mut a, mut b) = (Cursor::default(), Cursor::default());
        let mut last = TapeTime::from_nanos(0);
        loop {
            let input = one.next(&mut a);
            assert_eq!(input, two.next(&mut b));
            let Some(input) = input else { break };
            assert!(input.tape_time >= last, "the tape goes back at {}", input.seq.0);
            last = input.tape_time;
        }
        assert_eq!(a.ticks(), one.ticks());
        assert_eq!(one.peek(&a), None);
    }
}
