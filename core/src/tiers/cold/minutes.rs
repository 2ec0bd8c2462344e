//! One-minute candles of the archive in batch: what the engine would say of the same trades in the end, without stepping through them. (A
//! trade that came later than the engine keeps its minutes, `RETAINED_MINUTES`, counts here and not there.)
//!
//! Days are folded one after the other, since no minute is in two of them; within a day the row groups of its files are shared out to
//! threads. Memory is bounded by the minutes of the days at hand. `columns` decodes, `fold` adds up.

mod columns;
mod fold;

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iceberg::table::Table;

use self::columns::{DataFile, RowGroup};
use self::fold::Folder;
use super::storage::local;
use super::{ColdError, compact, snapshot};
use crate::domain::time::{DAY, MINUTE};
use crate::domain::{Amount, Candle, EventTime, Pair, Price, Seq, Source, TapeTime};

/// Microseconds, which is what the files count in.
const MINUTE_MICROS: i64 = MINUTE / 1_000;

/// Days are taken together until they have this many rows, so that small ones keep every thread busy too.
const ROWS_AT_ONCE: u64 = 1 << 20;

/// Which trades are folded.
#[derive(Clone, Debug)]
pub struct MinuteQuery {
    /// `[from, to)` on the start of the minute.
    pub from: EventTime,
    pub to: EventTime,
    /// None that came into the journal later.
    pub through: Option<Seq>,
    /// None that was known later.
    pub as_of: Option<TapeTime>,
    /// All of them when absent.
    pub pairs: Option<Vec<Pair>>,
    pub sources: Option<Vec<Source>>,
    /// A state of the table that is kept; the newest when absent.
    pub snapshot: Option<i64>,
    /// As many as the machine has when absent.
    pub threads: Option<NonZeroUsize>,
}

impl MinuteQuery {
    pub fn all() -> Self {
        Self {
            from: EventTime::from_nanos(i64::MIN),
            to: EventTime::from_nanos(i64::MAX),
            through: None,
            as_of: None,
            pairs: None,
            sources: None,
            snapshot: None,
            threads: None,
        }
    }

    /// Days since 1970 that it touches, as the table is partitioned.
    fn days(&self) -> std::ops::RangeInclusive<i64> {
        self.from.nanos().div_euclid(DAY)..=self.to.nanos().saturating_sub(1).div_euclid(DAY)
    }

    /// Whether a minute is one of those asked for.
    fn wants(&self, start: EventTime) -> bool {
        start >= self.from && start < self.to
    }

    fn threads(&self) -> usize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// A minute that had trades: of a candle what follows from them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    pub source: Source,
    pub pair: Pair,
    pub start: EventTime,
    /// Of the first trade by (event_time, trade_id), and the last.
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    pub volume: Amount,
    pub tick_count: u64,
}

impl From<&Candle> for Minute {
    fn from(candle: &Candle) -> Self {
        Self {
            source: candle.source,
            pair: candle.pair,
            start: candle.window_start,
            open: candle.open,
            high: candle.high,
            low: candle.low,
            close: candle.close,
            volume: candle.volume,
            tick_count: candle.tick_count.into(),
        }
    }
}

/// Where the minute of a time begins.
fn minute_of(micros: i64) -> EventTime {
    EventTime::from_nanos(micros.div_euclid(MINUTE_MICROS).saturating_mul(MINUTE))
}

/// The files of one day.
struct Day {
    files: Vec<PathBuf>,
    rows: u64,
}

/// See [`super::Cold::minutes`].
pub struct Minutes {
    query: Arc<MinuteQuery>,
    days: VecDeque<Day>,
}

impl Minutes {
    pub(super) async fn plan(table: &Table, query: MinuteQuery) -> Result<Self, ColdError> {
        let (wanted, mut days) = (query.days(), BTreeMap::new());
        for entry in snapshot::live_files(table, super::state(table.metadata(), query.snapshot)?).await? {
            let (file, day) = (entry.data_file(), compact::day_of(entry.data_file())?);
            if wanted.contains(&i64::from(day)) {
                let day = days.entry(day).or_insert_with(|| Day { files: Vec::new(), rows: 0 });
                day.files.push(local(file.file_path()));
                day.rows += file.record_count();
            }
        }
        Ok(Self { query: Arc::new(query), days: days.into_values().collect() })
    }

    /// What is still to be read.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.days.iter().flat_map(|day| day.files.iter().map(PathBuf::as_path))
    }

    /// The minutes of the next days, whole ones, by (source, pair, start); `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Minute>>, ColdError> {
        let (mut files, mut rows) = (Vec::new(), 0);
        while let Some(day) = self.days.pop_front_if(|day| files.is_empty() || rows + day.rows <= ROWS_AT_ONCE) {
            files.extend(day.files);
            rows += day.rows;
        }
        if files.is_empty() {
            return Ok(None);
        }
        let query = Arc::clone(&self.query);
        let folding = tokio::task::spawn_blocking(move || fold(&query, &files));
        folding.await.expect("folding does not panic").map(Some)
    }

    /// All that are left.
    pub async fn collect(mut self) -> Result<Vec<Minute>, ColdError> {
        let mut found = Vec::new();
        while let Some(minutes) = self.next().await? {
            found.extend(minutes);
        }
        Ok(found)
    }
}

/// All minutes of these files, by as many threads as the query has.
fn fold(query: &MinuteQuery, files: &[PathBuf]) -> Result<Vec<Minute>, ColdError> {
    let threads = query.threads();
    let opened = share_out(threads, files, Vec::new, |opened, path| {
        opened.push(Arc::new(DataFile::open(path)?));
        Ok(())
    })?;
    let mut groups: Vec<RowGroup> = opened.into_iter().flatten().flat_map(|file| file.row_groups(query)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows()));
    // The largest first, and the last ones in parts, so that no thread is left alone with one at the end.
    let last = groups.split_off(groups.len() - groups.len() % threads);
    groups.extend(last.into_iter().flat_map(|group| group.parts(threads)));
    let folders = share_out(threads, &groups, || Folder::new(query), |folder, group| folder.add(group))?;
    Ok(Folder::merge(folders, query))
}

/// Works through `all` with some threads, each with a state of its own. Errors: the first that one of them met.
fn share_out<T: Sync, S: Send>(
    threads: usize,
    all: &[T],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> Result<(), ColdError> + Sync,
) -> Result<Vec<S>, ColdError> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = state();
        while let Some(item) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(&mut state, item)?;
        }
        Ok(state)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(all.len())).map(|_| scope.spawn(run)).collect();
        let here = run();
        let others = others.into_iter().map(|thread| thread.join().expect("folding does not panic"));
        std::iter::once(here).chain(others.collect::<Vec<_>>()).collect()
    })
}
