//! Trades known to be missing from one (source, pair).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::RETAINED_GAPS;
use crate::domain::input::MissingTrades;
use crate::domain::{EventTime, TradeId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenGap {
    missing: MissingTrades,
    /// Closed id ranges still missing, in order.
    remaining: Vec<(u64, u64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gaps {
    open: VecDeque<OpenGap>,
    /// Found, ever.
    pub(super) found: u64,
    /// Filled to the last trade.
    pub(super) filled: u64,
    /// Dropped from memory unfilled, because there were too many.
    pub(super) forgotten: u64,
}

impl Gaps {
    pub(super) fn open(&mut self, missing: MissingTrades) {
        self.found += 1;
        self.open.push_back(OpenGap { missing, remaining: vec![(missing.first.0, missing.last.0)] });
        if self.open.len() > RETAINED_GAPS {
            self.open.pop_front();
            self.forgotten += 1;
        }
    }

    /// Takes a trade that was missing. Answers the gap it completed, if it did.
    pub(super) fn fill(&mut self, id: TradeId) -> Option<MissingTrades> {
        // The newest gap is the likeliest, and a gap is rare: a walk from the back is short.
        let index = self.open.iter().rposition(|gap| gap.remaining.iter().any(|r| (r.0..=r.1).contains(&id.0)))?;
        let gap = &mut self.open[index];
        let at = gap.remaining.iter().position(|r| (r.0..=r.1).contains(&id.0))?;
        let (first, last) = gap.remaining.remove(at);
        if id.0 < last {
            gap.remaining.insert(at, (id.0 + 1, last));
        }
        if first < id.0 {
            gap.remaining.insert(at, (first, id.0 - 1));
        }
        if !gap.remaining.is_empty() {
            return None;
        }
        self.filled += 1;
        self.open.remove(index).map(|gap| gap.missing)
    }

    /// Whether a window `[start, end)` may lack a trade.
    pub(super) fn touch(&self, start: EventTime, end: EventTime) -> bool {
        self.open.iter().rev().any(|gap| gap.missing.after < end && gap.missing.before >= start)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Each run of ids still missing, with the gap's neighbours.
    pub(super) fn remaining(&self) -> impl Iterator<Item = MissingTrades> + '_ {
        self.open.iter().flat_map(|gap| {
            gap.remaining.iter().map(|&(first, last)| MissingTrades {
                first: TradeId(first),
                last: TradeId(last),
                ..gap.missing
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_closes_with_its_last_missing_trade_and_not_before() {
        let missing = MissingTrades {
            pair: "BTC-USD".parse().expect("a pair"),
            first: TradeId(5),
            last: TradeId(8),
            after: EventTime::from_nanos(10),
            before: EventTime::from_nanos(20),
        };
        let mut gaps = Gaps::default();
        gaps.open(missing);
        for id in [6, 8, 5] {
            assert_eq!(gaps.fill(TradeId(id)), None);
        }
        assert_eq!(gaps.fill(TradeId(6)), None, "a trade fills once");
        assert!(gaps.touch(EventTime::from_nanos(0), EventTime::from_nanos(11)));
        assert!(!gaps.touch(EventTime::from_nanos(21), EventTime::from_nanos(30)));
        assert_eq!(gaps.remaining().map(|m| (m.first.0, m.last.0)).collect::<Vec<_>>(), [(7, 7)]);
        assert_eq!(gaps.fill(TradeId(7)), Some(missing));
        assert!(gaps.is_empty());
    }
}
