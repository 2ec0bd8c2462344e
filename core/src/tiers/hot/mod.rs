//! The last minutes of every lane in memory, in Arrow batches, queryable while they are written.
//!
//! Rows are taken as they come, at the cost of a copy, and sealed into a batch every few thousand; a reader shares the sealed batches and
//! copies the open rows. Nothing here is kept: what falls out of the bounds is in the journal and in the cold tier.

mod batch;
mod lane;
mod quotes;
mod table;
#[cfg(test)]
mod tests;

pub use table::HotTable;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;

use crate::domain::{Input, Pair, Source, Stamped, TapeTime, TickKind};
use batch::Shown;
use lane::Lane;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Of tape time, behind the newest row of the same lane.
    pub age: Duration,
    /// Of all lanes together.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { age: Duration::from_secs(15 * 60), bytes: 64 << 20 }
    }
}

/// What there is, and what there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HotCounts {
    pub rows: u64,
    pub bytes: u64,
    /// Trades and quotes ever pushed: `rows` and the two below.
    pub pushed: u64,
    pub evicted_by_age: u64,
    pub evicted_by_bytes: u64,
}

/// The tier. Shared between the one that writes and those that read.
#[derive(Debug, Default)]
pub struct Hot {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lanes: BTreeMap<Source, Lane>,
    /// Also of pairs that have been silent for longer than ticks are kept.
    last_quotes: BTreeMap<(Source, Pair), Stamped>,
    counts: HotCounts,
}

impl Hot {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default() }
    }

    /// Takes a durable group, in the order of the journal. Only trades and quotes are kept.
    pub fn push(&self, inputs: &[Stamped]) {
        let mut state = self.state();
        for stamped in inputs {
            let Input::Tick(tick) = &stamped.input else { continue };
            if matches!(tick.kind, TickKind::Quote(_)) {
                state.last_quotes.insert((tick.source, tick.pair), *stamped);
            }
            state.counts.pushed += 1;
            state.lanes.entry(tick.source).or_default().push(*stamped);
        }
        state.evict(self.bounds);
    }

    pub fn counts(&self) -> HotCounts {
        let state = self.state();
        let rows = state.lanes.values().map(|lane| lane.rows() as u64).sum();
        HotCounts { rows, bytes: state.bytes() as u64, ..state.counts }
    }

    /// All rows within the bounds, each lane's in order.
    pub fn ticks(&self) -> Vec<RecordBatch> {
        self.ticks_of(&Shown::all())
    }

    /// No more of them than these columns: most questions are about few, and what is still open is made into columns for each.
    fn ticks_of(&self, shown: &Shown) -> Vec<RecordBatch> {
        let lanes: Vec<_> = self.state().lanes.values().map(|lane| lane.read(self.bounds.age)).collect();
        // Open rows become a batch here, where nobody waits for them.
        lanes.into_iter().flat_map(|read| read.batches(shown)).collect()
    }

    /// The last quote of every (source, pair) known at the cursor.
    pub fn quotes(&self, as_of: Option<TapeTime>) -> RecordBatch {
        let (quotes, lanes) = {
            let state = self.state();
            let quotes: Vec<Stamped> = state.last_quotes.values().copied().collect();
            let lanes: Vec<_> = match as_of {
                None => Vec::new(),
                Some(_) => state.lanes.values().map(|lane| lane.read(self.bounds.age)).collect(),
            };
            (quotes, lanes)
        };
        let all = Shown::all();
        quotes::last(&quotes, lanes.into_iter().flat_map(|read| read.batches(&all)).collect(), as_of)
    }

    /// A writer that panicked has at worst left a group half pushed, which is a tier behind, and no reason to stop reading.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bytes(&self) -> usize {
        self.lanes.values().map(Lane::bytes).sum()
    }

    fn evict(&mut self, bounds: Bounds) {
        for lane in self.lanes.values_mut() {
            self.counts.evicted_by_age += lane.evict_older(bounds.age);
        }
        let mut bytes = self.bytes();
        while bytes > bounds.bytes {
            // The rows that came first, of whichever lane.
            let Some(lane) = self.lanes.values_mut().min_by_key(|lane| lane.oldest()) else { break };
            let evicted = lane.evict_oldest();
            if evicted == 0 {
                break;
            }
            self.counts.evicted_by_bytes += evicted;
            bytes = self.bytes();
        }
        self.lanes.retain(|_, lane| lane.rows() > 0);
    }
}
