//! Questions in SQL, of each tier, and a page of the chart by two ways.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::commits::{candle, pairs};
use super::{ApiError, Figure, Waits, archive, failed, figure, tape, temporary};
use crate::domain::time::{DAY, MINUTE, format_rfc3339};
use crate::domain::{Candle, EventTime, Input, ReceivedTime, Seq, Source, Stamped, TapeTime};
use crate::journal::{CandleQuery, Journal, Projected};
use crate::tiers::hot::Hot;
use crate::tiers::sql::{Sql, SqlRequest, Tiers};
use crate::tiers::warm::Warm;

const REPETITIONS: usize = 100;
/// Of the chart: what is fetched at a time when it is moved.
const PAGE: i64 = 1_500;
const DAYS: u64 = 30;

pub(super) fn queries(runtime: &Runtime, day: &[Stamped]) -> Result<Vec<Figure>, ApiError> {
    let directory = temporary()?;
    drop(archive(runtime, directory.path(), day)?);
    let candles: Vec<Candle> =
        (0..DAYS * 1_440).flat_map(|minute| pairs().map(|pair| candle(pair, minute, minute + 1))).collect();
    warm(runtime, directory.path(), &candles)?;
    let hot = Arc::new(Hot::default());
    hot.push(&busy(day));
    let tiers = Tiers { hot: Arc::clone(&hot), ..Tiers::of(directory.path()) };
    let sql = Sql::new(tiers).map_err(|e| failed(&e))?;

    let newest = busy(day).last().map_or(0, |input| input.tape_time.nanos());
    let (since, rows) = (format_rfc3339(newest - MINUTE), hot.counts().rows);
    let first = candles.first().map_or(0, |candle| candle.window_start.nanos());
    let (from, to) = (format_rfc3339(first + 14 * DAY), format_rfc3339(first + 15 * DAY));
    let columns = "window_start, open, high, low, close, volume";
    let hour = "kind = 'trade' AND pair = 'BTC-USD' AND event_time >= '2024-01-01T12:00:00Z' AND event_time < '2024-01-01T13:00:00Z'";
    let mut figures = Vec::new();
    for (what, text, at_most) in [
        (
            format!("SQL, hot: the last minute of {rows} rows by pair"),
            format!("SELECT pair, count(*), min(price), max(price), sum(size) FROM hot.ticks WHERE tape_time > '{since}' GROUP BY pair"),
            Some(5.0),
        ),
        (
            "SQL, hot: the last hundred trades of a pair".to_owned(),
            "SELECT tape_time, price, size, side FROM hot.ticks WHERE pair = 'BTC-USD' AND kind = 'trade' ORDER BY seq DESC LIMIT 100".to_owned(),
            Some(5.0),
        ),
        (
            format!("SQL, warm: a day of candles of a pair, of {DAYS} days of 6 pairs"),
            format!("SELECT {columns} FROM warm.candles WHERE source = 'live' AND pair = 'BTC-USD' AND window_start >= '{from}' AND window_start < '{to}' ORDER BY window_start"),
            None,
        ),
        (
            "SQL, cold: an hour of a pair, of the BTC day".to_owned(),
            format!("SELECT event_time, price, size FROM cold.ticks WHERE {hour}"),
            None,
        ),
        (
            "SQL, cold: the same hour added up".to_owned(),
            format!("SELECT count(*), min(price), max(price), sum(size) FROM cold.ticks WHERE {hour}"),
            None,
        ),
    ] {
        figures.extend(ask(runtime, &sql, &what, &text, at_most)?);
    }
    figures.extend(page(runtime, &sql, directory.path(), &candles)?);
    Ok(figures)
}

/// A quarter of an hour as busy as the hot tier holds: some three hundred ticks a second.
fn busy(day: &[Stamped]) -> Vec<Stamped> {
    const TICKS: usize = 270_000;
    const APART: i64 = 3_333_333;
    let at = |place: usize| day[0].tape_time.nanos() + place as i64 * APART;
    let mut inputs = tape(day, 0, TICKS);
    for (place, input) in inputs.iter_mut().enumerate() {
        input.tape_time = TapeTime::from_nanos(at(place));
        if let Input::Tick(tick) = &mut input.input {
            (tick.event_time, tick.received_time) =
                (EventTime::from_nanos(at(place)), ReceivedTime::from_nanos(at(place)));
        }
    }
    inputs
}

/// Puts a day at a time, as an import does, and compacts.
fn warm(runtime: &Runtime, directory: &Path, candles: &[Candle]) -> Result<(), ApiError> {
    runtime.block_on(async {
        let mut warm = Warm::open(directory).await.map_err(|e| failed(&e))?;
        for day in candles.chunks(1_440 * pairs().len()) {
            let through = day.last().map_or(Seq::default(), |candle| candle.seq);
            warm.put_candles(day, through).await.map_err(|e| failed(&e))?;
        }
        warm.compact().await.map_err(|e| failed(&e))
    })
}

/// Asked for the first time in this process, and then again and again. Its files are in the system's memory either way: they were written
/// just before, and a program without special rights can not send them out of it.
fn ask(runtime: &Runtime, sql: &Sql, what: &str, text: &str, at_most: Option<f64>) -> Result<Vec<Figure>, ApiError> {
    let (mut first, mut again) = (Waits::default(), Waits::default());
    let request = SqlRequest::new(text);
    let query = || {
        let result = runtime.block_on(sql.query(&request)).map_err(|e| failed(&e))?;
        if result.rows == 0 { Err(failed(&format!("no rows: {text}"))) } else { Ok(result.rows) }
    };
    let rows = first.time(query)?;
    for _ in 0..REPETITIONS {
        again.time(query)?;
    }
    let mut figures = again.figures(&format!("{what} ({rows} rows)"), at_most);
    figures.push(figure(format!("{what}, asked first"), first.ms(1.0), "ms"));
    Ok(figures)
}

/// The same candles from Paimon by SQL, and from the journal's own projection.
fn page(runtime: &Runtime, sql: &Sql, directory: &Path, candles: &[Candle]) -> Result<Vec<Figure>, ApiError> {
    let mut journal = Journal::open(directory)?;
    for part in candles.chunks(8_640) {
        let projected = Projected { candles: part.to_vec(), ..Projected::default() };
        journal.project(&projected, part.last().map_or(Seq::default(), |candle| candle.seq))?;
    }
    let end = candles.last().map_or(0, |candle| candle.window_end.nanos()) - 10 * DAY;
    let (from, to) = (end - PAGE * MINUTE, end);
    let text = format!(
        "SELECT window_start, open, high, low, close, volume, quality FROM warm.candles WHERE source = 'live' AND \
         pair = 'BTC-USD' AND window_start >= '{}' AND window_start < '{}' ORDER BY window_start",
        format_rfc3339(from),
        format_rfc3339(to),
    );
    let query = CandleQuery {
        source: Source::Live,
        pair: pairs()[0],
        from: EventTime::from_nanos(from),
        to: EventTime::from_nanos(to),
        as_of: TapeTime::from_nanos(i64::MAX),
    };
    let (mut by_sql, mut by_journal) = (Waits::default(), Waits::default());
    for _ in 0..REPETITIONS {
        let asked = by_sql.time(|| runtime.block_on(sql.query(&SqlRequest::new(&text))).map_err(|e| failed(&e)))?;
        let read = by_journal.time(|| Ok(journal.candles(&query)?))?;
        if asked.rows != read.len() || read.len() != PAGE as usize {
            return Err(failed(&format!("{} candles by SQL, {} from the journal", asked.rows, read.len())));
        }
    }
    let mut figures = by_sql.figures("a page of the chart (1 500 candles) by SQL", None);
    figures.extend(by_journal.figures("the same page from the journal's projection", None));
    Ok(figures)
}
