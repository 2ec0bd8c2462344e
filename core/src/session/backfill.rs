//! Months of one-minute candles from the venue's REST, each month of a pair into a lane of its own.
//!
//! Months are asked for oldest first, and so are the pages of a month, each made durable before the next is asked for. How far a month
//! has come is therefore its tape time, and going on after an interruption needs to remember nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::live::Live;
use super::quarantine::QuarantineFile;
use crate::clock;
use crate::domain::time::{DAY, MINUTE};
use crate::domain::{BackfillMonth, EventTime, Input, Month, Pair, Source};
use crate::engine::{Market, WATERMARK_LAG};
use crate::ingest::coinbase::rest::{self, CandlePage, RestError};
use crate::journal::JournalError;

/// Minutes of one question, and of one group in the journal.
const PAGE: i64 = rest::CANDLES * MINUTE;

/// A question without an answer is asked this often, a second later, then two, four, eight.
const ATTEMPTS: u32 = 5;

/// How often a wait looks whether it is over.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct BackfillRequest {
    /// Where the venue's REST is.
    pub rest: String,
    pub pair: Pair,
    /// Whole calendar months (UTC) before the current one.
    pub months: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Before anything was taken.
    #[error("{0}")]
    Venue(RestError),
    #[error("it was interrupted before the venue had answered")]
    Interrupted,
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What one back-fill did, and how far its months are.
#[derive(Clone, Debug, Serialize)]
pub struct Backfilled {
    pub pair: Pair,
    pub months: u32,
    /// Questions that were answered.
    pub requests: u64,
    /// Candles.
    pub accepted: u64,
    /// Candles that an earlier run had taken.
    pub duplicates: u64,
    pub quarantined: u64,
    /// Of the accepted: a number had more than eight decimals, and was rounded half to even.
    pub rounded: u64,
    /// Minutes in which the venue knows of no trade.
    pub empty_minutes: u64,
    /// Every minute of `[from, to)` was asked for, now or by an earlier run.
    pub from: EventTime,
    pub to: EventTime,
    /// `to` is the end of the last closed minute.
    pub complete: bool,
    /// Why it is not complete.
    pub stopped: Option<String>,
    /// Where `to` leads: the end of the last minute that was closed when it began.
    #[serde(skip)]
    pub until: EventTime,
    /// Months that are over and were taken to their end, now or by an earlier run.
    #[serde(skip)]
    pub finished: u32,
}

impl Backfilled {
    /// How much of the time asked for is behind it, 0 to 1.
    pub fn share(&self) -> f64 {
        let (done, all) = (self.to.nanos() - self.from.nanos(), self.until.nanos() - self.from.nanos());
        if all <= 0 { 1.0 } else { done as f64 / all as f64 }
    }
}

/// Asks for what is missing, until it is complete, `cancelled` turns true or the venue can not be asked any more. What was taken
/// by then stays, and the same request goes on from there. `progress` sees the report after each page that is durable.
///
/// The journal is held for one page at a time, so that a live recording goes on beside it.
///
/// Errors: `Venue` or `Interrupted` when nothing could be asked at all; `Journal`.
pub fn run(
    live: &Live,
    request: &BackfillRequest,
    cancelled: &AtomicBool,
    mut progress: impl FnMut(&Backfilled),
) -> Result<Backfilled, BackfillError> {
    let mut venue = Venue { base: &request.rest, pair: request.pair, cancelled, answered: 0 };
    let now = match venue.ask(|base, _| rest::venue_time(base)) {
        Ok(now) => now,
        Err(Stop::Failed(error)) => return Err(BackfillError::Venue(error)),
        Err(Stop::Cancelled) => return Err(BackfillError::Interrupted),
    };
    // The venue adds up a minute for a moment after its end, as the engine does.
    let until = now.plus_nanos(-WATERMARK_LAG).minute();
    let first = Month::of(until).back(request.months);
    let report = Backfilled {
        pair: request.pair,
        months: request.months,
        requests: 0,
        accepted: 0,
        duplicates: 0,
        quarantined: 0,
        rounded: 0,
        empty_minutes: 0,
        from: first.start(),
        to: first.start(),
        complete: false,
        stopped: None,
        until,
        finished: 0,
    };
    let quarantine = QuarantineFile::new(live.recorder().journal().directory().join("quarantine.jsonl"));
    let mut run = Run { live, venue, quarantine, report };
    let outcome = first.through(Month::of(until)).try_for_each(|month| run.month(month, &mut progress));
    let answered = run.venue.answered;
    let mut report = run.report;
    report.requests = answered;
    match outcome {
        Ok(()) => report.complete = true,
        Err(Halt::Journal(error)) => return Err(error.into()),
        // The venue told the time and nothing else.
        Err(Halt::Stop(Stop::Failed(error))) if answered == 1 => return Err(BackfillError::Venue(error)),
        Err(Halt::Stop(Stop::Failed(error))) => report.stopped = Some(error.to_string()),
        Err(Halt::Stop(Stop::Cancelled)) => report.stopped = Some("it was interrupted".to_owned()),
    }
    Ok(report)
}

/// Why no more is asked.
enum Stop {
    Cancelled,
    Failed(RestError),
}

enum Halt {
    Stop(Stop),
    Journal(JournalError),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// Asks patiently, and stops when it is told to.
struct Venue<'a> {
    base: &'a str,
    pair: Pair,
    cancelled: &'a AtomicBool,
    answered: u64,
}

impl Venue<'_> {
    fn ask<T>(&mut self, question: impl Fn(&str, Pair) -> Result<T, RestError>) -> Result<T, Stop> {
        let mut wait = Duration::from_secs(1);
        for attempt in 1.. {
            if self.cancelled.load(Ordering::Relaxed) {
                break;
            }
            match question(self.base, self.pair) {
                Ok(answer) => {
                    self.answered += 1;
                    return Ok(answer);
                }
                Err(error) if attempt == ATTEMPTS || !error.may_pass() => return Err(Stop::Failed(error)),
                Err(error) => tracing::info!(%error, wait = wait.as_secs(), "the venue is asked again"),
            }
            let due = clock::monotonic() + wait;
            while clock::monotonic() < due && !self.cancelled.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
            }
            wait *= 2;
        }
        Err(Stop::Cancelled)
    }
}

struct Run<'a> {
    live: &'a Live,
    venue: Venue<'a>,
    quarantine: QuarantineFile,
    report: Backfilled,
}

impl Run<'_> {
    /// One month, from where it was left to its end or to now.
    fn month(&mut self, month: Month, progress: &mut impl FnMut(&Backfilled)) -> Result<(), Halt> {
        let source = Source::Backfill(BackfillMonth { pair: self.report.pair, month });
        let end = month.end().min(self.report.until);
        let Some(mut at) = resume_at(self.live.recorder().market(), source, month) else {
            self.report.to = end;
            self.report.finished += 1;
            return Ok(());
        };
        self.report.to = at;
        // Days in which something was traded; asked for once a page was empty, so that what is older than the pair costs one question.
        let mut days: Option<Vec<EventTime>> = None;
        while at < end {
            let to = at.plus_nanos(PAGE).min(end);
            let page = self.venue.ask(|base, pair| rest::candles(base, pair, at, to))?;
            let empty = page.candles.is_empty() && page.refused.is_empty();
            self.take(source, month, to, page, (to.nanos() - at.nanos()) / MINUTE)?;
            at = to;
            if empty && at < end {
                let days = match &mut days {
                    Some(days) => days,
                    None => {
                        let asked = self.venue.ask(|base, pair| rest::trading_days(base, pair, month.start(), end))?;
                        days.insert(asked)
                    }
                };
                let next = next_trading(days, at, end);
                if next > at {
                    self.take(source, month, next, CandlePage::default(), (next.nanos() - at.nanos()) / MINUTE)?;
                    at = next;
                }
            }
            progress(&self.report);
        }
        Ok(())
    }

    /// Makes a page durable, and with the last of a month that is over the end of its tape.
    fn take(
        &mut self,
        source: Source,
        month: Month,
        to: EventTime,
        page: CandlePage,
        minutes: i64,
    ) -> Result<(), JournalError> {
        let given = page.candles.len() + page.refused.len();
        let mut inputs = Vec::with_capacity(page.candles.len() + 1);
        let mut recorder = self.live.recorder();
        let lane = recorder.lane(source)?;
        let before = lane.counts();
        for (candle, rounded) in page.candles {
            lane.admit_asked(candle, rounded, &mut inputs);
        }
        let refused: Vec<_> = page.refused.iter().map(|(raw, why)| lane.refuse(raw.as_bytes(), why, None)).collect();
        let put_aside = lane.drain_quarantined();
        let counts = lane.counts();
        let over = to == month.end();
        if over {
            inputs.push((to, Input::EndOfTape { source }));
        }
        recorder.commit(&mut inputs)?;
        if over {
            recorder.forget_lane(source);
            self.report.finished += 1;
        }
        drop(recorder);
        self.quarantine.keep_all(refused.into_iter().chain(put_aside));
        let report = &mut self.report;
        report.accepted += counts.candles - before.candles;
        report.duplicates += counts.duplicates - before.duplicates;
        report.quarantined += counts.quarantined - before.quarantined;
        report.rounded += counts.rounded - before.rounded;
        report.empty_minutes += u64::try_from(minutes).unwrap_or_default().saturating_sub(given as u64);
        report.requests = self.venue.answered;
        report.to = to;
        Ok(())
    }
}

/// Where asking goes on: the page that holds the newest minute, which is asked for again, since it may not have been whole. `None` when
/// the month is over and was taken to its end.
fn resume_at(market: &Market, source: Source, month: Month) -> Option<EventTime> {
    let Some(newest) = market.tape_time(source) else { return Some(month.start()) };
    let behind = newest.nanos() - month.start().nanos();
    if newest.nanos() >= month.end().nanos() {
        return None;
    }
    // Tape time is the end of the newest candle.
    let pages = (behind - MINUTE).max(0) / PAGE;
    Some(month.start().plus_nanos(pages * PAGE))
}

/// The first moment from `at` on that lies in a day of trading, or `end`.
fn next_trading(days: &[EventTime], at: EventTime, end: EventTime) -> EventTime {
    let day = days.iter().find(|day| day.plus_nanos(DAY) > at);
    day.map_or(end, |day| at.max(*day).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::input::ImportedCandle;
    use crate::domain::{Amount, Price, Seq, Stamped, TapeTime};

    fn at(text: &str) -> EventTime {
        EventTime::parse(text).expect("a time")
    }

    #[test]
    fn days_without_trading_are_passed_over_and_no_other() {
        let days = [at("2026-02-10"), at("2026-02-11"), at("2026-02-20")];
        let end = at("2026-03-01");
        for (from, expected) in [
            ("2026-02-01T05:00:00Z", "2026-02-10"),
            ("2026-02-10T05:00:00Z", "2026-02-10T05:00:00Z"),
            ("2026-02-11T23:59:00Z", "2026-02-11T23:59:00Z"),
            ("2026-02-12", "2026-02-20"),
            ("2026-02-21", "2026-03-01"),
        ] {
            assert_eq!(next_trading(&days, at(from), end), at(expected), "{from}");
        }
        assert_eq!(next_trading(&[], at("2026-02-01"), end), end);
    }

    #[test]
    fn an_interrupted_month_goes_on_and_one_that_is_over_is_not_asked_for_again() {
        let month = Month::of(at("2026-02-01"));
        let pair = "BTC-USD".parse().expect("a pair");
        let source = Source::Backfill(BackfillMonth { pair, month });
        let price = Price::from_units(1);
        let mut market = Market::default();
        let mut outputs = Vec::new();
        assert_eq!(resume_at(&market, source, month), Some(month.start()));
        let mut seq = 0;
        let mut step = |market: &mut Market, time: EventTime, input: Input| {
            seq += 1;
            let stamped = Stamped { seq: Seq(seq), tape_time: TapeTime::from_nanos(time.nanos()), input };
            market.step(&stamped, &mut outputs);
        };
        let candle = |start: EventTime| ImportedCandle {
            pair,
            window_start: start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Amount::ZERO,
        };
        for (newest, page) in [
            ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("2026-02-01T04:59:00Z", "2026-02-01T00:00:00Z"),
            ("2026-02-01T05:00:00Z", "2026-02-01T05:00:00Z"),
            ("2026-02-28T23:58:00Z", "2026-02-28T22:00:00Z"),
        ] {
            let start = at(newest);
            step(&mut market, start.plus_nanos(MINUTE), Input::Candle { source, candle: candle(start) });
            assert_eq!(resume_at(&market, source, month), Some(at(page)), "{newest}");
        }
        assert!(market.pair(source, pair).is_some());
        step(&mut market, month.end(), Input::EndOfTape { source });
        assert_eq!(resume_at(&market, source, month), None);
        assert!(market.pair(source, pair).is_none(), "a month that is over still fills the engine's state");
        assert_eq!(market.backfilled(pair).collect::<Vec<_>>(), [month]);
        let qualities: Vec<_> = outputs
            .iter()
            .map(|output| match output {
                crate::domain::Output::Candle(candle) => candle.quality,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(qualities, [crate::domain::Quality::Backfilled; 4]);
    }
}
