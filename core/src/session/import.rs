//! A file, or the sample, into a lane of its own. Safe to repeat: what was taken is never taken twice.

use std::path::Path;

use serde::Serialize;

use super::quarantine::QuarantineFile;
use super::recorder::Recorder;
use super::sample::{Cursor, SAMPLE_NAME, SampleError, SampleTape};
use crate::domain::{EventTime, Input, Pair, Source};
use crate::ingest::tape::{self, ReadError, ReadOptions, Row, TapeError};
use crate::ingest::{Counts, Message, Quarantined};
use crate::jobs::Job;
use crate::journal::JournalError;

/// Rows made durable together.
const GROUP: usize = 16_384;

/// Problems told one by one; all are kept in the quarantine file.
const TOLD: usize = 20;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{file}: {error}")]
    Tape { file: String, error: TapeError },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Sample(#[from] SampleError),
}

#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    pub file: String,
    pub line: u64,
    pub reason: String,
}

/// Where every row went: read = accepted + quotes + history + control + ignored + duplicates + quarantined.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Totals {
    pub read: u64,
    /// Trades or candles.
    pub accepted: u64,
    pub duplicates: u64,
    /// Of the accepted: their minute had closed.
    pub late: u64,
    pub quarantined: u64,
    /// Runs of trades, or of minutes, that are missing.
    pub gaps: u64,
    pub frames: u64,
    pub trades: u64,
    pub candles: u64,
    pub quotes: u64,
    pub control: u64,
    pub history: u64,
    pub ignored: u64,
    /// Numbers with more than eight decimals, rounded half to even.
    pub rounded: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    pub file: String,
    pub source: String,
    #[serde(flatten)]
    pub totals: Totals,
    /// The file could not be read to its end.
    pub broken: Option<String>,
    /// Pairs whose trade ids do not step by one, so that `gaps` says nothing of them.
    pub gaps_unknown: Vec<String>,
    #[serde(skip)]
    pub problems: Vec<Problem>,
}

impl Imported {
    fn broken(mut self, error: &TapeError) -> Self {
        let line = if let TapeError::Cut { line, .. } = error { *line } else { 0 };
        self.problems.insert(0, Problem { file: self.file.clone(), line, reason: error.to_string() });
        self.broken = Some(error.to_string());
        self
    }
}

/// What one `import` did, over all its files.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub totals: Totals,
    pub files: Vec<Imported>,
    pub problems: Vec<Problem>,
}

impl Report {
    pub fn of(files: &[Imported]) -> Self {
        let mut totals = Totals::default();
        for file in files {
            totals.add(&file.totals);
        }
        let problems = files.iter().flat_map(|f| f.problems.iter().cloned()).take(TOLD).collect();
        Self { totals, files: files.to_vec(), problems }
    }
}

impl Totals {
    fn of(counts: &Counts, late: u64, gaps: u64) -> Self {
        Self {
            read: counts.frames,
            accepted: counts.trades + counts.candles,
            duplicates: counts.duplicates,
            late,
            quarantined: counts.quarantined,
            gaps,
            frames: counts.frames,
            trades: counts.trades,
            candles: counts.candles,
            quotes: counts.quotes,
            control: counts.control,
            history: counts.history,
            ignored: counts.ignored,
            rounded: counts.rounded,
        }
    }

    fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.quarantined += other.quarantined;
        self.gaps += other.gaps;
        self.frames += other.frames;
        self.trades += other.trades;
        self.candles += other.candles;
        self.quotes += other.quotes;
        self.control += other.control;
        self.history += other.history;
        self.ignored += other.ignored;
        self.rounded += other.rounded;
    }
}

/// Imports a file, under a lane named for its content.
///
/// A file that is cut in the middle is no error: what came before is kept, and `broken` says where it ended.
///
/// Errors: the file can not be read at all; the journal failed.
pub fn file(recorder: &mut Recorder, path: &Path, options: &ReadOptions) -> Result<Imported, ImportError> {
    let name = path.display().to_string();
    let unreadable = |error| ImportError::Tape { file: path.display().to_string(), error };
    let source = Source::Import(tape::import_id(path).map_err(unreadable)?);
    let mut import = Import::begin(recorder, source, name.clone())?;
    let read = tape::read(path, options, source, &mut |row| import.row(row));
    let ended = import.end();
    match read {
        Ok(_) => ended,
        // What came before the cut is in the journal, and is told.
        Err(ReadError::Tape(error @ TapeError::Cut { .. })) => ended.map(|imported| imported.broken(&error)),
        Err(ReadError::Tape(error)) => ended.and(Err(unreadable(error))),
        Err(ReadError::Sink(error)) => Err(error),
    }
}

struct Import<'a> {
    recorder: &'a mut Recorder,
    source: Source,
    name: String,
    quarantine: QuarantineFile,
    before: Counts,
    late_before: u64,
    inputs: Vec<(EventTime, Input)>,
    problems: Vec<Problem>,
}

impl<'a> Import<'a> {
    fn begin(recorder: &'a mut Recorder, source: Source, name: String) -> Result<Self, JournalError> {
        let before = recorder.lane(source)?.counts();
        let late_before = late(recorder, source);
        let quarantine = QuarantineFile::new(recorder.journal().directory().join("quarantine.jsonl"));
        Ok(Self { recorder, source, name, quarantine, before, late_before, inputs: Vec::new(), problems: Vec::new() })
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), ImportError> {
        let lane = self.recorder.lane(self.source)?;
        for item in tape::admit_row(lane, row, &self.name, &mut self.inputs) {
            self.tell(&item);
            self.quarantine.keep_all([item]);
        }
        if self.inputs.len() >= GROUP {
            self.recorder.commit(&mut self.inputs)?;
        }
        Ok(())
    }

    fn tell(&mut self, item: &Quarantined) {
        if self.problems.len() < TOLD {
            let line = item.place.as_ref().map_or(0, |place| place.line);
            self.problems.push(Problem { file: self.name.clone(), line, reason: item.reason.clone() });
        }
    }

    /// Closes the lane's windows, unless the file brought nothing.
    fn end(mut self) -> Result<Imported, ImportError> {
        let lane = self.recorder.lane(self.source)?;
        lane.finish(&mut self.inputs);
        let aside = tape::put_aside(lane, &self.name);
        let (counts, newest) = (lane.counts(), lane.newest());
        let gaps = lane.open_gaps().len() as u64;
        let gaps_unknown = lane.scattered_pairs().iter().map(Pair::to_string).collect();
        aside.iter().for_each(|item| self.tell(item));
        self.quarantine.keep_all(aside);
        let counts = since(&counts, &self.before);
        let brought = counts.trades + counts.quotes + counts.candles + counts.history > 0;
        // Killed after the last row and before this, the file brings nothing when it is imported again, and its last windows are open still.
        let market = self.recorder.market();
        let unclosed =
            market.pairs().any(|(lane, pair, _)| lane == self.source && !market.forming(lane, pair).is_empty());
        if let Some(newest) = newest
            && (brought || unclosed)
        {
            self.inputs.push((newest, Input::EndOfTape { source: self.source }));
        }
        self.recorder.complete(&mut self.inputs, Job::Import(self.source))?;
        let late = late(self.recorder, self.source) - self.late_before;
        let totals = Totals::of(&counts, late, gaps);
        let source = self.source.to_string();
        Ok(Imported { file: self.name, source, totals, broken: None, gaps_unknown, problems: self.problems })
    }
}

/// Imports the shipped sample under the source `sample`.
pub fn sample(recorder: &mut Recorder) -> Result<Imported, ImportError> {
    let tape = SampleTape::load()?;
    let mut import = Import::begin(recorder, Source::Sample, SAMPLE_NAME.to_owned())?;
    let mut cursor = Cursor::default();
    while let Some(stamped) = tape.next(&mut cursor) {
        let Input::Tick(tick) = stamped.input else { continue };
        let lane = import.recorder.lane(Source::Sample)?;
        let message = match tick.trade() {
            Some(_) => Message::Trade { tick, rounded: false },
            None => Message::Quote { tick, last_trade: None, rounded: false },
        };
        lane.admit(message, &mut import.inputs);
        if import.inputs.len() >= GROUP {
            import.recorder.commit(&mut import.inputs)?;
        }
    }
    import.end()
}

fn late(recorder: &Recorder, source: Source) -> u64 {
    recorder.market().pairs().filter(|(lane, ..)| *lane == source).map(|(.., market)| market.late()).sum()
}

fn since(now: &Counts, before: &Counts) -> Counts {
    Counts {
        frames: now.frames - before.frames,
        trades: now.trades - before.trades,
        quotes: now.quotes - before.quotes,
        candles: now.candles - before.candles,
        control: now.control - before.control,
        history: now.history - before.history,
        ignored: now.ignored - before.ignored,
        duplicates: now.duplicates - before.duplicates,
        quarantined: now.quarantined - before.quarantined,
        rounded: now.rounded - before.rounded,
        ..Counts::default()
    }
}
