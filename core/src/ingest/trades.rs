//! The trades of one pair in one lane: which were seen, which are known to be missing. Pure.

use std::collections::BTreeMap;

use super::sequence::{Admission, RUNS, RangeChange, SeenTrades, admit};
use crate::domain::input::MissingTrades;
use crate::domain::{EventTime, Pair, TradeId};

/// A file with more gaps than this, and a gap before every other trade, numbers its trades in some other way.
const GAPS_BEFORE_DOUBT: u64 = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Newer than everything seen.
    News,
    Belated,
    Duplicate,
    Forgotten,
}

#[derive(Clone, Debug)]
pub(crate) struct PairTrades {
    seen: SeenTrades,
    /// Event time of the trade with the highest id; after a restart, of the newest event known.
    last_time: Option<EventTime>,
    /// Every id up to here was seen or has been told as missing.
    told: Option<u64>,
    /// What a heartbeat says of the newest trade, when that was not seen. Believed when the next one comes and it is still missing:
    /// a heartbeat may overtake its trade on the wire.
    tail: Option<(u64, EventTime)>,
    /// Ranges to store: by start, the end, or `None` for one that is gone.
    changed: BTreeMap<u64, Option<u64>>,
    trades: u64,
    gaps: u64,
    may_be_scattered: bool,
}

impl PairTrades {
    pub(crate) fn new(seen: SeenTrades, last_time: Option<EventTime>, may_be_scattered: bool) -> Self {
        let told = seen.last().map(|last| last.0);
        Self { seen, last_time, told, tail: None, changed: BTreeMap::new(), trades: 0, gaps: 0, may_be_scattered }
    }

    pub(crate) fn contains(&self, id: TradeId) -> bool {
        self.seen.contains(id)
    }

    /// Ids do not step by one here, so that a step says nothing.
    pub(crate) fn scattered(&self) -> bool {
        self.may_be_scattered && self.gaps > GAPS_BEFORE_DOUBT && self.gaps * 2 > self.trades
    }

    pub(crate) fn know_last_time(&mut self, at: EventTime) {
        self.last_time = Some(at);
    }

    pub(crate) fn know_told(&mut self, last: TradeId) {
        self.told = self.told.max(Some(last.0));
    }

    /// Takes a trade, and says which ids before it were found missing just now.
    pub(crate) fn take(&mut self, pair: Pair, id: TradeId, at: EventTime) -> (Taken, Option<MissingTrades>) {
        let (taken, missing) = match admit(&self.seen, id) {
            Admission::Duplicate => return (Taken::Duplicate, None),
            Admission::Forgotten => return (Taken::Forgotten, None),
            Admission::FillsGap => (Taken::Belated, None),
            Admission::First | Admission::Next => (Taken::News, None),
            Admission::Gap { missing: (_, last) } => (Taken::News, self.tell(pair, last.0, at)),
        };
        let changes = [self.seen.insert(id), self.seen.shed(RUNS)];
        for change in changes.into_iter().flatten() {
            self.changed.extend(change.removed.into_iter().map(|start| (start, None)));
            self.changed.insert(change.put.0, Some(change.put.1));
        }
        self.trades += 1;
        if taken == Taken::News {
            self.told = self.told.max(Some(id.0));
            self.last_time = Some(at);
        }
        (taken, missing)
    }

    /// A heartbeat's word on the newest trade. Before the first trade of a pair it says nothing of what was missed.
    pub(crate) fn hear(&mut self, pair: Pair, last: TradeId, at: EventTime) -> Option<MissingTrades> {
        let told = self.told?;
        let missing = match self.tail.take() {
            Some((tail, heard)) if tail > told => self.tell(pair, tail, heard),
            _ => None,
        };
        if self.told.is_some_and(|told| last.0 > told) {
            self.tail = Some((last.0, at));
        }
        missing
    }

    /// Everything up to `last` that was neither seen nor told yet, told.
    fn tell(&mut self, pair: Pair, last: u64, before: EventTime) -> Option<MissingTrades> {
        let told = self.told?;
        if last <= told {
            return None;
        }
        self.told = Some(last);
        self.gaps += 1;
        if self.scattered() {
            return None;
        }
        let after = self.last_time.map_or(before, |after| after.min(before));
        Some(MissingTrades { pair, first: TradeId(told + 1), last: TradeId(last), after, before })
    }

    /// Runs of ids that are missing now, oldest first. None where ids do not step by one.
    pub(crate) fn open_gaps(&self) -> Vec<(TradeId, TradeId)> {
        if self.scattered() {
            return Vec::new();
        }
        let tail = self
            .seen
            .last()
            .zip(self.told)
            .filter(|(last, told)| last.0 < *told)
            .map(|(last, told)| (last.0 + 1, told));
        self.seen.holes().chain(tail).map(|(first, last)| (TradeId(first), TradeId(last))).collect()
    }

    pub(crate) fn drain_changes(&mut self, pair: Pair, into: &mut Vec<(Pair, RangeChange)>) {
        let changed = std::mem::take(&mut self.changed);
        let mut removed: Vec<u64> = changed.iter().filter(|(_, end)| end.is_none()).map(|(start, _)| *start).collect();
        for (start, end) in changed {
            // A run only goes into another, so there is always one to put when something was removed.
            if let Some(end) = end {
                into.push((pair, RangeChange { removed: std::mem::take(&mut removed), put: (start, end) }));
            }
        }
    }
}
