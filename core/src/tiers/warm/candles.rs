//! Candles as rows, and which of them a query means.

use arrow::array::RecordBatch;
use paimon::Table;
use paimon::spec::{Datum, Predicate, PredicateBuilder};

use super::WarmError;
use super::columns::{Decoder, Encoder, split_nanos};
use super::schema::TableName;
use crate::domain::time::DAY;
use crate::domain::{Amount, Candle, EventTime, Price, Quality, Seq, TapeTime};
use crate::journal::CandleQuery;

/// Errors: `Unstorable` for a window that does not begin and end on a microsecond, a volume beyond DECIMAL(38,8), or a `Seq` beyond BIGINT.
pub(super) fn encode(session: Option<&str>, candles: &[Candle]) -> Result<RecordBatch, WarmError> {
    let table = if session.is_some() { TableName::ReplayCandles } else { TableName::Candles };
    let unstorable = |what: String| WarmError::Unstorable { table: table.as_str(), what };
    let mut seqs = Vec::with_capacity(candles.len());
    for candle in candles {
        if candle.window_start.nanos() % 1_000 != 0 || candle.window_end.nanos() % 1_000 != 0 {
            return Err(unstorable(format!("the window from {} to {}", candle.window_start, candle.window_end)));
        }
        seqs.push(i64::try_from(candle.seq.0).map_err(|_| unstorable(format!("seq {}", candle.seq.0)))?);
    }
    let rows = || candles.iter();
    let mut columns = Encoder::new(table);
    if let Some(session) = session {
        columns = columns.text("session_id", rows().map(|_| session));
    }
    Ok(columns
        .text("source", rows().map(|c| c.source.to_string()))
        .text("pair", rows().map(|c| c.pair.to_string()))
        .time("window_start", rows().map(|c| c.window_start.nanos() / 1_000))
        .time("window_end", rows().map(|c| c.window_end.nanos() / 1_000))
        .decimal("open", rows().map(|c| c.open.units().into()))?
        .decimal("high", rows().map(|c| c.high.units().into()))?
        .decimal("low", rows().map(|c| c.low.units().into()))?
        .decimal("close", rows().map(|c| c.close.units().into()))?
        .decimal("volume", rows().map(|c| c.volume.units()))?
        .bigint("tick_count", rows().map(|c| c.tick_count.into()))
        .text("quality", rows().map(|c| c.quality.as_str()))
        .bigint("revision", rows().map(|c| c.revision.into()))
        .time("tape_time", rows().map(|c| split_nanos(c.tape_time.nanos()).0))
        .bigint("seq", seqs)
        .int("tape_time_ns", rows().map(|c| split_nanos(c.tape_time.nanos()).1))
        .date("day", rows().map(|c| day(c.window_start)))
        .finish())
}

/// Days since 1970 UTC; any `i64` of nanoseconds is within 107 000 of it.
fn day(at: EventTime) -> i32 {
    at.nanos().div_euclid(DAY) as i32
}

/// What the library can leave unread: other days' folders, and files whose statistics exclude the pair. Rows are judged by `select`.
pub(super) fn predicate(table: &Table, session: Option<&str>, query: &CandleQuery) -> Result<Predicate, paimon::Error> {
    let columns = PredicateBuilder::new(table.schema().fields());
    let mut all = vec![
        columns.greater_or_equal("day", Datum::Date(day(query.from)))?,
        columns.less_or_equal("day", Datum::Date(day(query.to)))?,
        columns.equal("source", Datum::String(query.source.to_string()))?,
        columns.equal("pair", Datum::String(query.pair.to_string()))?,
    ];
    if let Some(session) = session {
        all.push(columns.equal("session_id", Datum::String(session.to_owned()))?);
    }
    Ok(Predicate::and(all))
}

/// The highest revision of each window known at the cursor, oldest first.
pub(super) fn select(
    table: TableName,
    session: Option<&str>,
    query: &CandleQuery,
    batches: &[RecordBatch],
) -> Result<Vec<Candle>, WarmError> {
    let mut found = Vec::new();
    for batch in batches {
        decode(Decoder::new(table, batch), session, query, &mut found)?;
    }
    // Of equal revisions, which no engine makes, the later input's is the last.
    found.sort_unstable_by_key(|c| (c.window_start, c.revision, c.seq));
    found.reverse();
    found.dedup_by_key(|c| c.window_start);
    found.reverse();
    Ok(found)
}

fn decode(
    columns: Decoder<'_>,
    session: Option<&str>,
    query: &CandleQuery,
    found: &mut Vec<Candle>,
) -> Result<(), WarmError> {
    let (source, pair) = (columns.text("source")?, columns.text("pair")?);
    let (start, end) = (columns.time("window_start")?, columns.time("window_end")?);
    let (open, high) = (columns.decimal("open")?, columns.decimal("high")?);
    let (low, close) = (columns.decimal("low")?, columns.decimal("close")?);
    let (volume, ticks) = (columns.decimal("volume")?, columns.bigint("tick_count")?);
    let (quality, revision) = (columns.text("quality")?, columns.bigint("revision")?);
    let (tape_time, tape_time_ns) = (columns.time("tape_time")?, columns.int("tape_time_ns")?);
    let (seq, day) = (columns.bigint("seq")?, columns.date("day")?);
    let sessions = session.map(|wanted| Ok((wanted, columns.text("session_id")?))).transpose()?;
    let (wanted_source, wanted_pair) = (query.source.to_string(), query.pair.to_string());
    for row in 0..start.len() {
        if sessions.is_some_and(|(wanted, names)| names.value(row) != wanted)
            || source.value(row) != wanted_source
            || pair.value(row) != wanted_pair
        {
            continue;
        }
        let window_start = EventTime::from_nanos(columns.nanos(start.value(row), 0)?);
        let known = TapeTime::from_nanos(columns.nanos(tape_time.value(row), tape_time_ns.value(row))?);
        if window_start < query.from || window_start >= query.to || known > query.as_of {
            continue;
        }
        if day.value(row) != self::day(window_start) {
            return Err(columns.damaged(format!("the candle of {window_start} is filed under another day")));
        }
        let price = |units: i128| Ok(Price::from_units(columns.narrow("open, high, low or close", units)?));
        found.push(Candle {
            source: query.source,
            pair: query.pair,
            window_start,
            window_end: EventTime::from_nanos(columns.nanos(end.value(row), 0)?),
            open: price(open.value(row))?,
            high: price(high.value(row))?,
            low: price(low.value(row))?,
            close: price(close.value(row))?,
            volume: Amount::from_units(volume.value(row)),
            tick_count: columns.narrow("tick_count", ticks.value(row))?,
            quality: read_quality(columns, quality.value(row))?,
            revision: columns.narrow("revision", revision.value(row))?,
            tape_time: known,
            seq: Seq(columns.narrow("seq", seq.value(row))?),
        });
    }
    Ok(())
}

fn read_quality(columns: Decoder<'_>, text: &str) -> Result<Quality, WarmError> {
    [Quality::Complete, Quality::Gap, Quality::Backfilled, Quality::Synthetic, Quality::Late, Quality::Forming]
        .into_iter()
        .find(|quality| quality.as_str() == text)
        .ok_or_else(|| columns.damaged(format!("`{text}` in column `quality`")))
}
