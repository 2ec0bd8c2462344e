//! The last few quotes of a pair, by venue sequence.

use std::collections::{HashSet, VecDeque};

/// A reconnect repeats a handful; this is some minutes of the busiest pair.
pub(crate) const REMEMBERED: usize = 4_096;

#[derive(Clone, Debug, Default)]
pub(crate) struct RecentSequences {
    ring: VecDeque<u64>,
    members: HashSet<u64>,
}

impl RecentSequences {
    pub(crate) fn contains(&self, sequence: u64) -> bool {
        self.members.contains(&sequence)
    }

    pub(crate) fn insert(&mut self, sequence: u64) {
        if !self.members.insert(sequence) {
            return;
        }
        if self.ring.len() == REMEMBERED
            && let Some(oldest) = self.ring.pop_front()
        {
            self.members.remove(&oldest);
        }
        self.ring.push_back(sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_quotes_takes_no_more_memory_than_a_minute() {
        let mut recent = RecentSequences::default();
        (0..100_000).for_each(|sequence| recent.insert(sequence));
        assert_eq!((recent.ring.len(), recent.members.len()), (REMEMBERED, REMEMBERED));
        assert!(recent.contains(99_999) && recent.contains(100_000 - REMEMBERED as u64) && !recent.contains(0));
    }
}
