//! `tapedeck reconcile`: the journal against the cold and the warm tier, by another way than the one that wrote them.
//!
//! The journal's side is added up from its records; of what has left it for the archive, from the archive's own reader, checked against the digest
//! that stayed. The tiers' side is asked by SQL, as any other reader would. Nothing is repaired: `tapedeck rebuild` does that, when it is
//! asked to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::verify::Finding;
use crate::domain::{Amount, Candle, EventTime, Input, Pair, Price, Seq, Source, TapeTime, TickKind};
use crate::journal::{CandleQuery, Journal, JournalError};
use crate::session::tape::{Tape, TapeError};
use crate::tiers::sql::{Sql, SqlError, SqlRequest, SqlResult};

/// Findings listed; more are counted.
const LISTED: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Tape(#[from] TapeError),
    #[error("{}", .0.message)]
    Sql(SqlError),
}

impl From<SqlError> for ReconcileError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Reconciled {
    pub ok: bool,
    /// Trades and quotes compared, and closed windows.
    pub ticks: u64,
    pub candles: u64,
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub unlisted: u64,
}

/// What a lane's trades, or quotes, of a pair add up to. For quotes the prices are the bids and the sizes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    rows: u64,
    /// Of all places in the journal: one row in place of another is seen.
    seqs: i128,
    /// Units at 1e-8.
    prices: i128,
    sizes: i128,
}

type Lane = (Source, Pair, &'static str);

/// Compares what all three hold. Call it when the tiers have been carried through the journal's last input.
pub async fn reconcile(journal: &Journal, sql: &Sql) -> Result<Reconciled, ReconcileError> {
    let mut report = Reconciled::default();
    ticks(journal, sql, &mut report).await?;
    let mut lanes = journal.candle_sources()?;
    for lane in stored_lanes(sql).await? {
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    for (source, pair) in lanes {
        candles(journal, sql, source, pair, &mut report).await?;
    }
    report.ok = report.findings.is_empty();
    Ok(report)
}

async fn ticks(journal: &Journal, sql: &Sql, report: &mut Reconciled) -> Result<(), ReconcileError> {
    let mut expected: BTreeMap<Lane, Totals> = BTreeMap::new();
    for record in Tape::from(journal, Seq(1)) {
        let record = record?;
        let Input::Tick(tick) = record.input else { continue };
        let (kind, price, size) = match tick.kind {
            TickKind::Trade(trade) => ("trade", trade.price, trade.size.units()),
            TickKind::Quote(quote) => ("quote", quote.best_bid, 0),
        };
        let totals = expected.entry((tick.source, tick.pair, kind)).or_default();
        totals.rows += 1;
        totals.seqs += i128::from(record.seq.0);
        totals.prices += i128::from(price.units());
        totals.sizes += i128::from(size);
    }
    report.ticks = expected.values().map(|totals| totals.rows).sum();
    let question = "SELECT source, pair, kind, count(*), sum(CAST(seq AS DECIMAL(38, 0))), \
                    sum(CAST(coalesce(price, best_bid) AS DECIMAL(38, 8))), \
                    sum(CAST(coalesce(size, 0) AS DECIMAL(38, 8))) \
                    FROM cold.ticks GROUP BY source, pair, kind";
    for row in rows(&ask(sql, question).await?) {
        let Some((lane, found)) = totals(&row) else {
            report.find("cold_unreadable", format!("the cold tier has rows of {row:?}"), None);
            continue;
        };
        let wanted = expected.remove(&lane).unwrap_or_default();
        if found != wanted {
            let (source, pair, kind) = lane;
            let what = format!(
                "{kind}s of {pair} from {source}: the journal has {} with prices of {} and sizes of {}; the cold tier {}, {} and {}",
                wanted.rows,
                Amount::from_units(wanted.prices),
                Amount::from_units(wanted.sizes),
                found.rows,
                Amount::from_units(found.prices),
                Amount::from_units(found.sizes),
            );
            report.find("cold_differs", what, None);
        }
    }
    for ((source, pair, kind), wanted) in expected {
        let what = format!("{kind}s of {pair} from {source}: the journal has {}, the cold tier none", wanted.rows);
        report.find("cold_missing", what, None);
    }
    Ok(())
}

fn totals(row: &[String]) -> Option<(Lane, Totals)> {
    let [source, pair, kind, rows, seqs, prices, sizes] = row else { return None };
    let kind = match kind.as_str() {
        "trade" => "trade",
        "quote" => "quote",
        _ => return None,
    };
    let units = |text: &str| Amount::parse(text).ok().map(Amount::units);
    let totals =
        Totals { rows: rows.parse().ok()?, seqs: seqs.parse().ok()?, prices: units(prices)?, sizes: units(sizes)? };
    Some(((source.parse().ok()?, pair.parse().ok()?, kind), totals))
}

async fn stored_lanes(sql: &Sql) -> Result<Vec<(Source, Pair)>, ReconcileError> {
    let found = ask(sql, "SELECT DISTINCT source, pair FROM warm.candles").await?;
    let lane = |row: Vec<String>| Some((row.first()?.parse().ok()?, row.get(1)?.parse().ok()?));
    Ok(rows(&found).into_iter().filter_map(lane).collect())
}

async fn candles(
    journal: &Journal,
    sql: &Sql,
    source: Source,
    pair: Pair,
    report: &mut Reconciled,
) -> Result<(), ReconcileError> {
    let query = CandleQuery {
        source,
        pair,
        from: EventTime::from_nanos(i64::MIN),
        to: EventTime::from_nanos(i64::MAX),
        as_of: TapeTime::from_nanos(i64::MAX),
    };
    let mut expected: BTreeMap<EventTime, Candle> =
        journal.candles(&query)?.into_iter().map(|candle| (candle.window_start, candle)).collect();
    report.candles += expected.len() as u64;
    // Neither a source nor a pair can hold a quote mark.
    let question = format!(
        "SELECT window_start, open, high, low, close, volume, tick_count, quality, revision, seq FROM warm.candles \
         WHERE source = '{source}' AND pair = '{pair}'"
    );
    for row in rows(&ask(sql, &question).await?) {
        let name = format!("{source} {pair} {}", row.first().map_or("", String::as_str));
        let Some(start) = row.first().and_then(|text| EventTime::parse(text).ok()) else {
            report.find("candle_unreadable", format!("the warm candle {name} has no time"), None);
            continue;
        };
        match expected.remove(&start) {
            None => report.find("candle_unfounded", format!("the warm candle {name} follows from no record"), None),
            Some(candle) if is(&row, &candle) => {}
            Some(candle) => {
                let what = format!(
                    "the warm candle {name} is {}; the journal gives {} {} {} {} {} {} {} {} {}",
                    row[1..].join(" "),
                    candle.open,
                    candle.high,
                    candle.low,
                    candle.close,
                    candle.volume,
                    candle.tick_count,
                    candle.quality.as_str(),
                    candle.revision,
                    candle.seq.0
                );
                report.find("candle_differs", what, Some(candle.seq.0));
            }
        }
    }
    for (start, candle) in expected {
        let what = format!("the candle {source} {pair} {start} is not in the warm tier");
        report.find("candle_missing", what, Some(candle.seq.0));
    }
    Ok(())
}

fn is(row: &[String], candle: &Candle) -> bool {
    let [_, open, high, low, close, volume, tick_count, quality, revision, seq] = row else { return false };
    let price = |text: &String| Price::parse(text).ok();
    [open, high, low, close].map(price) == [candle.open, candle.high, candle.low, candle.close].map(Some)
        && Amount::parse(volume).ok() == Some(candle.volume)
        && tick_count.parse() == Ok(candle.tick_count)
        && quality == candle.quality.as_str()
        && revision.parse() == Ok(candle.revision)
        && seq.parse() == Ok(candle.seq.0)
}

/// With no limit on rows: a part of an answer would be found to differ.
pub(super) async fn ask(sql: &Sql, question: &str) -> Result<SqlResult, ReconcileError> {
    let mut request = SqlRequest::new(question);
    request.row_limit = 1 << 40;
    request.timeout = std::time::Duration::from_secs(600);
    Ok(sql.query(&request).await?)
}

pub(super) fn rows(result: &SqlResult) -> Vec<Vec<String>> {
    let text = |cell: Option<String>| cell.unwrap_or_default();
    result.cells(0, result.rows).into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

impl Reconciled {
    pub fn find(&mut self, code: &'static str, what: String, seq: Option<u64>) {
        self.ok = false;
        if self.findings.len() < LISTED {
            self.findings.push(Finding { code, what, seq });
        } else {
            self.unlisted += 1;
        }
    }
}
