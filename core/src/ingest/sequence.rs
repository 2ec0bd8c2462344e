//! Which trades of a pair were seen, and what a new id says about the ones between. Pure.

use std::collections::BTreeMap;

use crate::domain::TradeId;

/// Separate runs of ids remembered for a pair (about 40 MiB). A feed has a handful; only a file whose ids do not step by one in
/// any order has more.
pub const RUNS: usize = 1 << 20;

/// Closed ranges of ids, none touching another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenTrades {
    runs: BTreeMap<u64, u64>,
    /// Up to here runs were merged for want of room, so that an unseen id can no longer be told from a seen one.
    blurred: Option<u64>,
}

/// What changed in a durable copy of the ranges: drop `removed` (by their start), then put `put` under its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeChange {
    pub removed: Vec<u64>,
    pub put: (u64, u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Duplicate,
    /// Nothing was seen of the pair.
    First,
    /// Older than the newest, and not seen.
    FillsGap,
    /// One after the newest.
    Next,
    /// Newer, and the ids between (both ends included) were not seen.
    Gap {
        missing: (TradeId, TradeId),
    },
    /// So old, in a file of so many separate ids, that whether it was seen is no longer known.
    Forgotten,
}

/// What to do with a print, given what was seen of its pair.
pub fn admit(seen: &SeenTrades, print: TradeId) -> Admission {
    match seen.last() {
        None => Admission::First,
        Some(last) if print.0 == last.0.wrapping_add(1) && print > last => Admission::Next,
        Some(last) if print > last => Admission::Gap { missing: (TradeId(last.0 + 1), TradeId(print.0 - 1)) },
        Some(_) if seen.contains(print) => match seen.blurred {
            Some(blurred) if print.0 <= blurred => Admission::Forgotten,
            _ => Admission::Duplicate,
        },
        Some(_) => Admission::FillsGap,
    }
}

impl SeenTrades {
    /// From stored ranges, in any order; ranges that touch or overlap are joined.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut seen = Self::default();
        for (first, last) in sorted {
            match seen.runs.last_entry() {
                Some(mut run) if first <= run.get().saturating_add(1) => {
                    let end = (*run.get()).max(last);
                    run.insert(end);
                }
                _ => {
                    seen.runs.insert(first, last);
                }
            }
        }
        seen
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub fn last(&self) -> Option<TradeId> {
        self.runs.last_key_value().map(|(_, last)| TradeId(*last))
    }

    pub fn contains(&self, print: TradeId) -> bool {
        self.runs.range(..=print.0).next_back().is_some_and(|(_, last)| *last >= print.0)
    }

    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.runs.iter().map(|(first, last)| (*first, *last))
    }

    /// Ids between the runs, oldest first, both ends included.
    pub fn holes(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ranges().zip(self.ranges().skip(1)).map(|((_, last), (first, _))| (last + 1, first - 1))
    }

    /// Joins the neighbours it touches. `None` when it was there.
    pub fn insert(&mut self, print: TradeId) -> Option<RangeChange> {
        let id = print.0;
        let before = self.runs.range(..=id).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= id) {
            return None;
        }
        let first = match before {
            Some((first, last)) if last + 1 == id => first,
            _ => id,
        };
        let after = id.checked_add(1).and_then(|next| self.runs.remove(&next).map(|last| (next, last)));
        let last = after.map_or(id, |(_, last)| last);
        self.runs.insert(first, last);
        Some(RangeChange { removed: after.map(|(next, _)| next).into_iter().collect(), put: (first, last) })
    }

    /// Joins the two oldest runs when there are more than `most`. Stored, the ids between then count as seen, so that importing the
    /// same file again adds nothing; here they are [`Admission::Forgotten`].
    pub fn shed(&mut self, most: usize) -> Option<RangeChange> {
        if self.runs.len() <= most.max(1) {
            return None;
        }
        let (first, _) = self.runs.pop_first()?;
        let (second, last) = self.runs.pop_first()?;
        self.runs.insert(first, last);
        self.blurred = Some(last);
        Some(RangeChange { removed: vec![second], put: (first, last) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use proptest::prelude::*;

    fn seen(ranges: &[(u64, u64)]) -> SeenTrades {
        SeenTrades::from_ranges(ranges.iter().copied())
    }

    #[test]
    fn a_trade_is_counted_once_and_a_lost_one_is_noticed() {
        let gap = |first, last| Admission::Gap { missing: (TradeId(first), TradeId(last)) };
        for (ranges, id, expected) in [
            (&[][..], 7, Admission::First),
            (&[(5, 7)], 8, Admission::Next),
            (&[(5, 7)], 7, Admission::Duplicate),
            (&[(5, 7)], 5, Admission::Duplicate),
            (&[(5, 7)], 4, Admission::FillsGap),
            (&[(5, 7), (10, 12)], 8, Admission::FillsGap),
            (&[(5, 7)], 9, gap(8, 8)),
            (&[(5, 7)], u64::MAX, gap(8, u64::MAX - 1)),
            (&[(5, u64::MAX)], u64::MAX, Admission::Duplicate),
            (&[(5, u64::MAX)], 0, Admission::FillsGap),
            (&[(0, 0)], 0, Admission::Duplicate),
        ] {
            assert_eq!(admit(&seen(ranges), TradeId(id)), expected, "{id} after {ranges:?}");
        }
    }

    #[test]
    fn neighbours_are_joined_and_the_durable_copy_is_told() {
        let change = |removed: &[u64], put| Some(RangeChange { removed: removed.to_vec(), put });
        for (ranges, id, expected) in [
            (&[][..], 7, change(&[], (7, 7))),
            (&[(5, 7)], 8, change(&[], (5, 8))),
            (&[(5, 7)], 4, change(&[5], (4, 7))),
            (&[(5, 7), (9, 9)], 8, change(&[9], (5, 9))),
            (&[(5, 7)], 6, None),
            (&[(5, 7)], 10, change(&[], (10, 10))),
            (&[(u64::MAX - 1, u64::MAX - 1)], u64::MAX, change(&[], (u64::MAX - 1, u64::MAX))),
            (&[(1, 1)], 0, change(&[1], (0, 1))),
        ] {
            assert_eq!(seen(ranges).insert(TradeId(id)), expected, "{id} into {ranges:?}");
        }
        assert_eq!(seen(&[(9, 12), (1, 4), (5, 6), (11, 20), (3, 2)]).ranges().collect::<Vec<_>>(), [(1, 6), (9, 20)]);
        assert_eq!(seen(&[(1, 6), (9, 20)]).holes().collect::<Vec<_>>(), [(7, 8)]);
    }

    #[test]
    fn a_file_of_scattered_ids_fills_no_memory_and_doubles_no_trade() {
        let mut trades = SeenTrades::default();
        for id in (0..1_000).map(|n| n * 10) {
            trades.insert(TradeId(id));
            trades.shed(100);
        }
        assert_eq!(trades.ranges().count(), 100);
        assert_eq!(admit(&trades, TradeId(15)), Admission::Forgotten);
        assert_eq!(admit(&trades, TradeId(9_500)), Admission::Duplicate);
        assert_eq!(admit(&trades, TradeId(9_505)), Admission::FillsGap);
        let again = SeenTrades::from_ranges(trades.ranges());
        assert!((0..1_000).all(|n| admit(&again, TradeId(n * 10)) == Admission::Duplicate));
    }

    proptest! {
        #[test]
        fn the_ranges_hold_exactly_the_ids_that_came(ids in proptest::collection::vec(0u64..60, 0..200)) {
            let (mut trades, mut oracle) = (SeenTrades::default(), BTreeSet::new());
            let mut durable = BTreeMap::new();
            for id in ids {
                let (admission, last) = (admit(&trades, TradeId(id)), oracle.last().copied());
                let expected = match last {
                    _ if oracle.contains(&id) => Admission::Duplicate,
                    None => Admission::First,
                    Some(last) if id < last => Admission::FillsGap,
                    Some(last) if id == last + 1 => Admission::Next,
                    Some(last) => Admission::Gap { missing: (TradeId(last + 1), TradeId(id - 1)) },
                };
                prop_assert_eq!(admission, expected);
                let change = trades.insert(TradeId(id));
                prop_assert_eq!(change.is_some(), oracle.insert(id));
                if let Some(change) = change {
                    for start in &change.removed {
                        prop_assert!(durable.remove(start).is_some());
                    }
                    durable.insert(change.put.0, change.put.1);
                }
                prop_assert_eq!(trades.ranges().collect::<BTreeMap<_, _>>(), durable.clone());
            }
            prop_assert!((0..60).all(|id| trades.contains(TradeId(id)) == oracle.contains(&id)));
            prop_assert!(trades.ranges().zip(trades.ranges().skip(1)).all(|(a, b)| a.1 + 1 < b.0), "two runs touch");
            prop_assert_eq!(SeenTrades::from_ranges(trades.ranges()), trades);
        }
    }
}
