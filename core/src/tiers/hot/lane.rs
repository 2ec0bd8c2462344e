//! The recent rows of one lane: sealed batches, oldest first, and the open rows behind them.

use std::collections::VecDeque;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};

use super::batch::{self, Shown};
use crate::domain::{Seq, Stamped, TapeTime};

/// Rows of a sealed batch: enough to be quick to scan, few enough to be quick to seal.
pub(super) const SEALED: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Lane {
    sealed: VecDeque<Sealed>,
    open: Vec<Stamped>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Sealed {
    batch: RecordBatch,
    first: Seq,
    /// Tape time only rises within a lane, so the last row is the newest.
    newest: TapeTime,
    bytes: usize,
}

impl Lane {
    pub(super) fn push(&mut self, stamped: Stamped) {
        self.open.push(stamped);
        if self.open.len() == SEALED {
            self.seal();
        }
    }

    fn seal(&mut self) {
        let (Some(first), Some(last)) = (self.open.first(), self.open.last()) else { return };
        let (first, newest) = (first.seq, last.tape_time);
        let batch = Shown::all().ticks(&self.open);
        let bytes = batch.get_array_memory_size();
        self.bytes += bytes;
        self.sealed.push_back(Sealed { batch, first, newest, bytes });
        self.open.clear();
    }

    pub(super) fn rows(&self) -> usize {
        self.sealed.iter().map(|sealed| sealed.batch.num_rows()).sum::<usize>() + self.open.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.open.capacity() * size_of::<Stamped>()
    }

    fn newest(&self) -> Option<TapeTime> {
        self.open.last().map(|stamped| stamped.tape_time).or_else(|| self.sealed.back().map(|sealed| sealed.newest))
    }

    /// The earliest moment that is still kept.
    fn horizon(&self, age: Duration) -> TapeTime {
        let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        TapeTime::from_nanos(self.newest().map_or(i64::MIN, |newest| newest.nanos().saturating_sub(age)))
    }

    /// Where the rows that came first begin; nothing is older than an empty lane is not.
    pub(super) fn oldest(&self) -> Seq {
        let open = || self.open.first().map(|stamped| stamped.seq);
        self.sealed.front().map(|sealed| sealed.first).or_else(open).unwrap_or(Seq(u64::MAX))
    }

    /// Drops batches whose every row is older than `age`, and says how many rows that were.
    pub(super) fn evict_older(&mut self, age: Duration) -> u64 {
        let horizon = self.horizon(age);
        let mut evicted = 0;
        while self.sealed.front().is_some_and(|sealed| sealed.newest < horizon) {
            evicted += self.evict_sealed();
        }
        evicted
    }

    /// Drops the oldest batch, or what is open when there is none.
    pub(super) fn evict_oldest(&mut self) -> u64 {
        if self.sealed.is_empty() {
            self.seal();
        }
        self.evict_sealed()
    }

    fn evict_sealed(&mut self) -> u64 {
        let Some(sealed) = self.sealed.pop_front() else { return 0 };
        self.bytes -= sealed.bytes;
        sealed.batch.num_rows() as u64
    }

    /// What a reader needs, taken quickly: the lane is locked meanwhile.
    pub(super) fn read(&self, age: Duration) -> Read {
        Read {
            sealed: self.sealed.iter().map(|sealed| sealed.batch.clone()).collect(),
            open: self.open.clone(),
            horizon: self.horizon(age),
        }
    }
}

/// A lane as it was at one moment.
#[derive(Debug)]
pub(super) struct Read {
    sealed: Vec<RecordBatch>,
    open: Vec<Stamped>,
    horizon: TapeTime,
}

impl Read {
    /// Without the rows that are past their age and wait for the rest of their batch.
    pub(super) fn batches(self, shown: &Shown) -> Vec<RecordBatch> {
        let horizon = (self.horizon.nanos().div_euclid(1_000), self.horizon.nanos().rem_euclid(1_000));
        let sealed = self.sealed.iter().map(|batch| {
            let times = batch.column(batch::TAPE_TIME).as_primitive::<TimestampMicrosecondType>();
            let below = batch.column(batch::TAPE_TIME_NS).as_primitive::<Int32Type>();
            let times = times.values().iter().zip(below.values());
            let past = times.take_while(|(micros, below)| (**micros, i64::from(**below)) < horizon).count();
            let batch = shown.part(batch);
            // Seldom, since even a slice that leaves nothing out makes every column anew.
            if past > 0 { batch.slice(past, batch.num_rows() - past) } else { batch }
        });
        let past = self.open.iter().take_while(|stamped| stamped.tape_time < self.horizon).count();
        let batches = sealed.chain([shown.ticks(&self.open[past..])]);
        batches.filter(|batch| batch.num_rows() > 0).collect()
    }
}
