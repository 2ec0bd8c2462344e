//! `tapedeck verify`: checksums, order, what left for the archive, and every candle computed again from the records alone.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ledger::Expected;
use crate::domain::{Action, Candle, Command, EventTime, Input, NoteId, Output, Pair, Seq, Source};
use crate::engine::Market;
use crate::journal::{Journal, JournalError};
use crate::session::tape::{Tape, TapeError};

/// Findings listed; more are counted.
const LISTED: usize = 100;

#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Stable, for scripts.
    pub code: &'static str,
    pub what: String,
    pub seq: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Verified {
    pub ok: bool,
    pub records: u64,
    /// Of them, those that have left the journal and were read from the archive.
    pub archived: u64,
    pub first_seq: Option<u64>,
    pub last_seq: u64,
    /// Of an engine stepped over every readable record from nothing.
    pub state_hash: String,
    pub candles: u64,
    /// Of the live desk's ledger, computed in the same way.
    pub transfers: u64,
    pub ledger_hash: String,
    /// The analyst's, each of them read against its facts again.
    pub notes: u64,
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub unlisted: u64,
}

type CandleKey = (Source, Pair, EventTime, u32);

/// Reads everything once. Shares nothing with the writer but the record format and the engine.
pub fn verify(journal: &Journal) -> Result<Verified, JournalError> {
    Ok(verify_all(journal)?.0)
}

/// As `verify`, and what the ledger should be, to be compared with the tables.
pub fn verify_all(journal: &Journal) -> Result<(Verified, Expected), JournalError> {
    let mut report = Verified { archived: journal.retired().digest.inputs, ..Verified::default() };
    let mut books = Expected::default();
    let mut market = Market::default();
    let mut outputs = Vec::new();
    let mut expected: BTreeMap<CandleKey, Candle> = BTreeMap::new();
    let mut lane_times = BTreeMap::new();
    let mut opinions = BTreeMap::new();
    for record in Tape::from(journal, Seq(1)) {
        let record = match record {
            Ok(record) => record,
            Err(TapeError::Journal(JournalError::Store(error))) => {
                report.find("journal_unreadable", format!("the journal can not be read further: {error}"), None);
                break;
            }
            Err(error) => {
                let (code, seq) = match &error {
                    TapeError::Journal(JournalError::Damaged { seq, .. }) => ("record_damaged", Some(seq.0)),
                    TapeError::Journal(JournalError::Hole { after, .. }) | TapeError::Missing { after, .. } => {
                        ("record_missing", Some(after.0 + 1))
                    }
                    TapeError::Journal(_) => ("record_unreadable", None),
                    TapeError::Archive(_) => ("archive_unreadable", None),
                    TapeError::Differs { .. } => ("archive_differs", None),
                };
                report.find(code, error.to_string(), seq);
                continue;
            }
        };
        report.records += 1;
        report.first_seq.get_or_insert(record.seq.0);
        report.last_seq = record.seq.0;
        let newest = lane_times.entry(record.input.source()).or_insert(record.tape_time);
        if record.tape_time < *newest {
            let what = format!("record {} goes back in tape time within its lane", record.seq.0);
            report.find("tape_order", what, Some(record.seq.0));
        }
        *newest = record.tape_time;
        if let Input::Command(Command { action: Action::Opinion(opinion), .. }) = record.input {
            opinions.insert(opinion.note, record.seq);
        }
        market.step(&record, &mut outputs);
        books.step(&record, &market);
        for output in outputs.drain(..) {
            if let Output::Candle(candle) = output {
                expected.insert((candle.source, candle.pair, candle.window_start, candle.revision), candle);
            }
        }
    }
    report.state_hash = market.hash();
    report.candles = expected.len() as u64;
    (report.transfers, report.ledger_hash) = (books.transfers(), books.hash());
    let projected = journal.projected_through()?;
    compare(&mut report, journal, expected, projected);
    check_notes(&mut report, journal, opinions);
    for (code, what) in books.compare_stored(journal, projected)? {
        report.find(code, what, None);
    }
    report.ok = report.findings.is_empty();
    Ok((report, books))
}

/// Candles of records after `projected` are stored by whoever opens the journal to write next: after a kill they are on their way.
fn compare(report: &mut Verified, journal: &Journal, mut expected: BTreeMap<CandleKey, Candle>, projected: Seq) {
    for stored in journal.stored_candles() {
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                report.find("candle_damaged", error.to_string(), None);
                continue;
            }
        };
        let name = format!("{} {} {} revision {}", stored.source, stored.pair, stored.window_start, stored.revision);
        match expected.remove(&(stored.source, stored.pair, stored.window_start, stored.revision)) {
            Some(candle) if candle == stored => {}
            Some(_) => report.find(
                "candle_differs",
                format!("the stored candle {name} is not what the journal gives"),
                Some(stored.seq.0),
            ),
            None => report.find(
                "candle_unfounded",
                format!("the stored candle {name} follows from no record"),
                Some(stored.seq.0),
            ),
        }
    }
    let missing = expected.into_iter().filter(|(_, candle)| candle.seq <= projected);
    for ((source, pair, start, revision), _) in missing {
        report.find(
            "candle_missing",
            format!("the candle {source} {pair} {start} revision {revision} is not stored"),
            None,
        );
    }
}

/// A note holds what its facts say, and there is one for each opinion that the desk was told.
fn check_notes(report: &mut Verified, journal: &Journal, mut opinions: BTreeMap<NoteId, Seq>) {
    for stored in journal.stored_notes() {
        match stored {
            Ok(kept) => {
                report.notes += 1;
                opinions.remove(&kept.note.id);
            }
            Err(error) => report.find("note_damaged", error.to_string(), None),
        }
    }
    for (note, seq) in opinions {
        let what = format!("the desk was told an opinion of the note {note}, which is not kept");
        report.find("opinion_unfounded", what, Some(seq.0));
    }
}

impl Verified {
    /// Adds what other checks found.
    pub fn find(&mut self, code: &'static str, what: String, seq: Option<u64>) {
        self.ok = false;
        if self.findings.len() < LISTED {
            self.findings.push(Finding { code, what, seq });
        } else {
            self.unlisted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Arrival, Input, Price, Quantity, ReceivedTime, Side, TapeTime, Tick, TickKind, Trade, TradeId,
    };

    fn trade(id: u64, at: i64) -> (TapeTime, Input) {
        let kind = TickKind::Trade(Trade {
            trade_id: TradeId(id),
            price: Price::from_units(4_200_000_000_000),
            size: Quantity::from_units(100_000_000),
            taker_side: Some(Side::Buy),
            arrival: Arrival::News,
        });
        let tick = Tick {
            source: Source::Live,
            pair: "BTC-USD".parse().expect("a pair"),
            sequence: id,
            event_time: EventTime::from_nanos(at),
            received_time: ReceivedTime::from_nanos(at),
            kind,
        };
        (TapeTime::from_nanos(at), Input::Tick(tick))
    }

    #[test]
    fn candles_a_kill_left_to_be_stored_are_not_missing_and_those_that_were_stored_are() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut journal = Journal::open(directory.path()).expect("opened");
        let start = 19_000 * crate::domain::time::DAY;
        let trades: Vec<_> = (0..20).map(|id| trade(id + 1, start + id as i64 * 30_000_000_000)).collect();
        // As if the process had died between the records and their candles.
        journal.append(&trades, &[], &[]).expect("durable");
        let verified = verify(&journal).expect("read");
        assert!(verified.ok && verified.candles > 5, "{verified:?}");
        // And as if candles had been stored, and were gone.
        journal.project(&crate::journal::Projected::default(), journal.last_seq()).expect("stored");
        let verified = verify(&journal).expect("read");
        assert_eq!((verified.ok, verified.findings.len() as u64), (false, verified.candles), "{verified:?}");
        assert!(verified.findings.iter().all(|finding| finding.code == "candle_missing"));
    }
}
