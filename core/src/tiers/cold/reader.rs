//! The archive in the order of the tape, with little of it in memory: files are opened when the tape reaches them, and merged.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use futures_util::{StreamExt, TryStreamExt, stream};
use iceberg::expr::{Predicate, Reference};
use iceberg::scan::{ArrowRecordBatchStream, FileScanTask};
use iceberg::spec::{Datum, PrimitiveLiteral};
use iceberg::table::Table;

use super::schema::id;
use super::{ColdError, rows};
use crate::domain::{Input, Pair, Seq, Source, Stamped, TapeTime};

/// Rows of one file in memory.
const BATCH: usize = 8_192;

/// Which inputs.
#[derive(Clone, Debug)]
pub struct TickQuery {
    /// Both ends included.
    pub from: TapeTime,
    pub to: TapeTime,
    /// None that came into the journal later.
    pub through: Option<Seq>,
    /// All of them when absent. Clocks have no pair, and go with their source.
    pub pairs: Option<Vec<Pair>>,
    pub sources: Option<Vec<Source>>,
    /// A state of the table that is kept; the newest when absent.
    pub snapshot: Option<i64>,
}

impl TickQuery {
    pub fn all() -> Self {
        Self {
            from: TapeTime::from_nanos(i64::MIN),
            to: TapeTime::from_nanos(i64::MAX),
            through: None,
            pairs: None,
            sources: None,
            snapshot: None,
        }
    }

    /// The first and the last microsecond, which lets a reader skip row groups.
    fn micros(&self) -> (i64, i64) {
        (self.from.nanos().div_euclid(1_000), self.to.nanos().div_euclid(1_000))
    }

    fn predicate(&self) -> Predicate {
        let (from, to) = self.micros();
        let tape_time = || Reference::new("tape_time");
        let after = tape_time().greater_than_or_equal_to(Datum::timestamptz_micros(from));
        after.and(tape_time().less_than_or_equal_to(Datum::timestamptz_micros(to)))
    }

    fn wants(&self, stamped: &Stamped) -> bool {
        let pair = match &stamped.input {
            Input::Tick(tick) => Some(tick.pair),
            _ => None,
        };
        stamped.tape_time >= self.from
            && stamped.tape_time <= self.to
            && self.through.is_none_or(|through| stamped.seq <= through)
            && self.sources.as_ref().is_none_or(|sources| sources.contains(&stamped.input.source()))
            && match (&self.pairs, pair) {
                (Some(pairs), Some(pair)) => pairs.contains(&pair),
                _ => true,
            }
    }
}

/// A file that the tape has not reached yet, and the microsecond it begins at.
struct Waiting {
    from: i64,
    file: FileScanTask,
}

/// A file being read.
struct Open {
    name: String,
    batches: ArrowRecordBatchStream,
    ready: VecDeque<Stamped>,
    last: Option<(TapeTime, Seq)>,
}

impl Open {
    /// Takes a batch as what comes next. Errors: `Damaged` when it does not go on in the order of the tape, which the merge relies on.
    fn take(&mut self, inputs: Vec<Stamped>) -> Result<(), ColdError> {
        for input in &inputs {
            let place = (input.tape_time, input.seq);
            if self.last.is_some_and(|last| last >= place) {
                return Err(ColdError::Damaged(format!("the rows of {} are not in the order of the tape", self.name)));
            }
            self.last = Some(place);
        }
        self.ready = inputs.into();
        Ok(())
    }
}

/// See [`super::Cold::ticks`].
pub struct Ticks {
    table: Table,
    query: TickQuery,
    /// The latest first, so that the next is at the end.
    waiting: Vec<Waiting>,
    open: Vec<Option<Open>>,
    /// The next input of each open file, by its place.
    heads: BinaryHeap<Reverse<(TapeTime, Seq, usize)>>,
    opened: usize,
}

impl Ticks {
    pub(super) async fn plan(table: Table, query: TickQuery) -> Result<Self, ColdError> {
        Self::plan_files(table, query, None).await
    }

    /// Of some files alone.
    pub(super) async fn plan_files(
        table: Table,
        query: TickQuery,
        names: Option<&HashSet<String>>,
    ) -> Result<Self, ColdError> {
        let mut ticks =
            Self { table, query, waiting: Vec::new(), open: Vec::new(), heads: BinaryHeap::new(), opened: 0 };
        let Some(snapshot) = super::state(ticks.table.metadata(), ticks.query.snapshot)? else { return Ok(ticks) };
        let bounds = bounds(&ticks.table, snapshot).await?;
        let mut scan = ticks.table.scan().snapshot_id(snapshot.snapshot_id());
        let all = TickQuery::all();
        if (ticks.query.from, ticks.query.to) != (all.from, all.to) {
            scan = scan.with_filter(ticks.query.predicate());
        }
        let files: Vec<FileScanTask> = scan.build()?.plan_files().await?.try_collect().await?;
        let (from, to) = ticks.query.micros();
        for file in files.into_iter().filter(|file| names.is_none_or(|names| names.contains(&file.data_file_path))) {
            let (first, last) = bounds.get(&file.data_file_path).copied().unwrap_or((i64::MIN, i64::MAX));
            if first <= to && last >= from {
                ticks.waiting.push(Waiting { from: first, file });
            }
        }
        ticks.waiting.sort_by_key(|waiting| Reverse(waiting.from));
        Ok(ticks)
    }

    /// Files opened so far.
    pub fn opened(&self) -> usize {
        self.opened
    }

    /// The next inputs, some thousands; empty at the end.
    pub async fn next(&mut self) -> Result<Vec<Stamped>, ColdError> {
        let mut found = Vec::with_capacity(BATCH);
        while found.len() < BATCH {
            self.open_reached().await?;
            let Some(Reverse((_, _, place))) = self.heads.pop() else { break };
            let next = self.open[place].as_mut().and_then(|open| open.ready.pop_front());
            found.extend(next.filter(|stamped| self.query.wants(stamped)));
            self.advance(place).await?;
        }
        Ok(found)
    }

    /// Opens every file that begins at or before the next input.
    async fn open_reached(&mut self) -> Result<(), ColdError> {
        while let Some(next) = self.waiting.last() {
            let reached = match self.heads.peek() {
                None => true,
                Some(Reverse((head, ..))) => next.from <= head.nanos().div_euclid(1_000),
            };
            if !reached {
                break;
            }
            let Some(Waiting { file, .. }) = self.waiting.pop() else { break };
            let name = file.data_file_path.clone();
            let reader = self.table.reader_builder().with_data_file_concurrency_limit(1).with_batch_size(BATCH).build();
            let batches = reader.read(stream::iter([Ok(file)]).boxed())?.stream();
            self.opened += 1;
            let place = self.open.iter().position(Option::is_none).unwrap_or_else(|| {
                self.open.push(None);
                self.open.len() - 1
            });
            self.open[place] = Some(Open { name, batches, ready: VecDeque::new(), last: None });
            self.advance(place).await?;
        }
        Ok(())
    }

    /// Puts the file's next input among the heads, or closes it at its end.
    async fn advance(&mut self, place: usize) -> Result<(), ColdError> {
        let Some(open) = self.open[place].as_mut() else { return Ok(()) };
        while open.ready.is_empty() {
            match open.batches.try_next().await? {
                Some(batch) => open.take(rows::decode(&batch)?)?,
                None => {
                    self.open[place] = None;
                    return Ok(());
                }
            }
        }
        if let Some(head) = open.ready.front() {
            self.heads.push(Reverse((head.tape_time, head.seq, place)));
        }
        Ok(())
    }
}

/// First and last microsecond of the tape in each file, from the manifests.
async fn bounds(
    table: &Table,
    snapshot: &iceberg::spec::SnapshotRef,
) -> Result<HashMap<String, (i64, i64)>, ColdError> {
    let micros = |datum: Option<&Datum>| match datum.map(Datum::literal) {
        Some(PrimitiveLiteral::Long(micros)) => Some(*micros),
        _ => None,
    };
    let mut found = HashMap::new();
    for manifest in table.manifest_list_reader(snapshot).load().await?.entries() {
        for entry in manifest.load_manifest(table.file_io()).await?.entries() {
            let file = entry.data_file();
            let first = micros(file.lower_bounds().get(&id::TAPE_TIME)).unwrap_or(i64::MIN);
            let last = micros(file.upper_bounds().get(&id::TAPE_TIME)).unwrap_or(i64::MAX);
            if entry.is_alive() {
                found.insert(file.file_path().to_owned(), (first, last));
            }
        }
    }
    Ok(found)
}
