//! The archive in an order, with little of it in memory: files are opened when the order reaches them, and merged.
//!
//! Rows lie in a file in the order of the tape, (tape_time, seq). Inside one source that is the order of the journal too, so that a file gives the
//! journal's order as one run for each source it holds.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};

use arrow::array::AsArray;
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

/// How inputs follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By (tape_time, seq).
    Tape,
    /// By seq.
    Journal,
}

/// Which inputs, and in which order.
#[derive(Clone, Debug)]
pub struct TickQuery {
    pub order: Order,
    /// Both ends included.
    pub from: TapeTime,
    pub to: TapeTime,
    /// Only what came into the journal after this one, and none after `through`.
    pub after: Seq,
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
            order: Order::Tape,
            from: TapeTime::from_nanos(i64::MIN),
            to: TapeTime::from_nanos(i64::MAX),
            after: Seq(0),
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

    /// In the journal's order, of these places.
    pub fn in_journal_order(after: Seq, through: Seq) -> Self {
        Self { order: Order::Journal, after, through: Some(through), ..Self::all() }
    }

    /// The places that are wanted, as the table holds them.
    fn places(&self) -> (i64, i64) {
        let number = |seq: Seq| i64::try_from(seq.0).unwrap_or(i64::MAX);
        (number(self.after).saturating_add(1), self.through.map_or(i64::MAX, number))
    }

    /// What lets a reader skip files and row groups. `None` when everything is wanted.
    fn predicate(&self) -> Option<Predicate> {
        let all = Self::all();
        let by_time = ((self.from, self.to) != (all.from, all.to)).then(|| {
            let (from, to) = self.micros();
            let tape_time = || Reference::new("tape_time");
            let after = tape_time().greater_than_or_equal_to(Datum::timestamptz_micros(from));
            after.and(tape_time().less_than_or_equal_to(Datum::timestamptz_micros(to)))
        });
        let by_place = (self.after != all.after || self.through.is_some()).then(|| {
            let (first, last) = self.places();
            let seq = || Reference::new("seq");
            seq().greater_than_or_equal_to(Datum::long(first)).and(seq().less_than_or_equal_to(Datum::long(last)))
        });
        match (by_time, by_place) {
            (Some(time), Some(place)) => Some(time.and(place)),
            (time, place) => time.or(place),
        }
    }

    fn wants(&self, stamped: &Stamped) -> bool {
        let pair = match &stamped.input {
            Input::Tick(tick) => Some(tick.pair),
            _ => None,
        };
        stamped.tape_time >= self.from
            && stamped.tape_time <= self.to
            && stamped.seq > self.after
            && self.through.is_none_or(|through| stamped.seq <= through)
            && self.sources.as_ref().is_none_or(|sources| sources.contains(&stamped.input.source()))
            && match (&self.pairs, pair) {
                (Some(pairs), Some(pair)) => pairs.contains(&pair),
                _ => true,
            }
    }
}

/// A file that the order has not reached yet, and where it begins: a microsecond of the tape, or a place in the journal.
struct Waiting {
    from: i64,
    file: FileScanTask,
    /// All its rows are of one source, as its bounds tell.
    one_source: bool,
}

/// A file being read.
struct Open {
    name: String,
    batches: ArrowRecordBatchStream,
    /// Rows of another source are passed over.
    source: Option<Source>,
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
        let wanted = |input: &Stamped| self.source.is_none_or(|source| input.input.source() == source);
        self.ready = inputs.into_iter().filter(wanted).collect();
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
    /// The next input of each open file, by what orders it and its seq.
    heads: BinaryHeap<Reverse<(i64, Seq, usize)>>,
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
        if let Some(predicate) = ticks.query.predicate() {
            scan = scan.with_filter(predicate);
        }
        let files: Vec<FileScanTask> = scan.build()?.plan_files().await?.try_collect().await?;
        let (from, to) = ticks.query.micros();
        let (first_place, last_place) = ticks.query.places();
        for file in files.into_iter().filter(|file| names.is_none_or(|names| names.contains(&file.data_file_path))) {
            let bounds = bounds.get(&file.data_file_path).copied().unwrap_or_default();
            let in_time = bounds.micros.0 <= to && bounds.micros.1 >= from;
            if in_time && bounds.places.0 <= last_place && bounds.places.1 >= first_place {
                let from = match ticks.query.order {
                    Order::Tape => bounds.micros.0,
                    Order::Journal => bounds.places.0,
                };
                ticks.waiting.push(Waiting { from, file, one_source: bounds.one_source });
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
            let reached = match (self.heads.peek(), self.query.order) {
                (None, _) => true,
                (Some(Reverse((nanos, ..))), Order::Tape) => next.from <= nanos.div_euclid(1_000),
                (Some(Reverse((_, seq, _))), Order::Journal) => next.from <= i64::try_from(seq.0).unwrap_or(i64::MAX),
            };
            if !reached {
                break;
            }
            let Some(Waiting { file, one_source, .. }) = self.waiting.pop() else { break };
            if one_source || self.query.order == Order::Tape {
                self.open(file, None).await?;
                continue;
            }
            for source in self.sources(&file).await? {
                self.open(file.clone(), Some(source)).await?;
            }
        }
        Ok(())
    }

    async fn open(&mut self, file: FileScanTask, source: Option<Source>) -> Result<(), ColdError> {
        let name = file.data_file_path.clone();
        let batches = self.read(file)?;
        self.opened += 1;
        let place = self.open.iter().position(Option::is_none).unwrap_or_else(|| {
            self.open.push(None);
            self.open.len() - 1
        });
        self.open[place] = Some(Open { name, batches, source, ready: VecDeque::new(), last: None });
        self.advance(place).await
    }

    fn read(&self, file: FileScanTask) -> Result<ArrowRecordBatchStream, ColdError> {
        let reader = self.table.reader_builder().with_data_file_concurrency_limit(1).with_batch_size(BATCH).build();
        Ok(reader.read(stream::iter([Ok(file)]).boxed())?.stream())
    }

    /// Whose rows a file holds, from that column alone.
    async fn sources(&self, file: &FileScanTask) -> Result<BTreeSet<Source>, ColdError> {
        let mut file = file.clone();
        file.project_field_ids = vec![id::SOURCE];
        file.predicate = None;
        let mut batches = self.read(file)?;
        let mut found = BTreeSet::new();
        while let Some(batch) = batches.try_next().await? {
            let mut previous = "";
            for text in batch.column(0).as_string::<i32>().iter().flatten().filter(|text| !text.is_empty()) {
                if text != previous {
                    let unreadable = |why| ColdError::Unreadable { column: "source", why: format!("{why}") };
                    found.insert(text.parse().map_err(unreadable)?);
                    previous = text;
                }
            }
        }
        Ok(found)
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
            let first = match self.query.order {
                Order::Tape => head.tape_time.nanos(),
                Order::Journal => 0,
            };
            self.heads.push(Reverse((first, head.seq, place)));
        }
        Ok(())
    }
}

/// What the manifests tell of a file.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// First and last microsecond of the tape.
    micros: (i64, i64),
    /// First and last place in the journal.
    places: (i64, i64),
    one_source: bool,
}

impl Default for Bounds {
    /// Nothing is known of it.
    fn default() -> Self {
        Self { micros: (i64::MIN, i64::MAX), places: (i64::MIN, i64::MAX), one_source: false }
    }
}

async fn bounds(table: &Table, snapshot: &iceberg::spec::SnapshotRef) -> Result<HashMap<String, Bounds>, ColdError> {
    let number = |datum: Option<&Datum>| match datum.map(Datum::literal) {
        Some(PrimitiveLiteral::Long(number)) => Some(*number),
        _ => None,
    };
    let mut found = HashMap::new();
    for manifest in table.manifest_list_reader(snapshot).load().await?.entries() {
        for entry in manifest.load_manifest(table.file_io()).await?.entries() {
            let file = entry.data_file();
            let (lower, upper) = (file.lower_bounds(), file.upper_bounds());
            let both = |id| (number(lower.get(&id)).unwrap_or(i64::MIN), number(upper.get(&id)).unwrap_or(i64::MAX));
            let (first, last) = (lower.get(&id::SOURCE), upper.get(&id::SOURCE));
            let bounds = Bounds {
                micros: both(id::TAPE_TIME),
                places: both(id::SEQ),
                // Long texts may be told shortened, and then differ.
                one_source: first.is_some() && first == last,
            };
            if entry.is_alive() {
                found.insert(file.file_path().to_owned(), bounds);
            }
        }
    }
    Ok(found)
}
