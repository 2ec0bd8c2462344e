//! What advises: patterns, analyst, and what consensus makes of them.

use std::collections::BTreeMap;

use super::each;
use crate::domain::{Pair, Rate, Reason, Verdict};
use crate::metrics::exposition::Exposition;
use crate::metrics::{Distribution, names};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns {
    pub known: u64,
    /// Since the program started.
    pub added: u64,
    pub withdrawn: u64,
    /// In seconds, by the buckets of [`SEARCHED`](crate::metrics::SEARCHED).
    pub searched: Option<Distribution>,
    pub pairs: BTreeMap<Pair, PatternsOfPair>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatternsOfPair {
    /// Minutes whose nearest hour reached the similarity an entry asks for, since the program started.
    pub matches: u64,
    /// Of the nearest hour, the last time one was found.
    pub similarity: Option<Rate>,
    /// Closed minutes in a row, 60 at most.
    pub buffer: u64,
}

impl Patterns {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::PATTERNS_KNOWN, Some(self.known));
        out.one(&names::PATTERNS_ADDED, Some(self.added));
        out.one(&names::PATTERNS_WITHDRAWN, Some(self.withdrawn));
        out.histogram(&names::PATTERNS_SEARCH, &[], self.searched.as_ref());
        let rows = || self.pairs.iter().map(|(pair, row)| (pair.as_str(), row));
        each(out, &names::PATTERNS_MATCHES, rows(), |row| Some(row.matches));
        each(out, &names::PATTERNS_SIMILARITY, rows(), |row| row.similarity);
        each(out, &names::PATTERNS_BUFFER, rows(), |row| Some(row.buffer));
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analyst {
    pub rules: Authored,
    pub model: Authored,
    /// The name of the model that is asked, as its server has it.
    pub model_name: Option<String>,
}

/// The notes of one kind of author.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authored {
    pub notes: Notes,
    /// In seconds, by the buckets of [`ANSWERED`](crate::metrics::ANSWERED).
    pub latency: Option<Distribution>,
}

/// Since the program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    pub said: u64,
    /// An answer came, and did not pass the check.
    pub refused: u64,
    /// No answer came.
    pub failed: u64,
}

impl Analyst {
    pub(super) fn write(&self, out: &mut Exposition) {
        let authors = [("rules", &self.rules), ("model", &self.model)];
        for (author, Authored { notes, .. }) in authors {
            for (outcome, count) in [("said", notes.said), ("refused", notes.refused), ("failed", notes.failed)] {
                out.sample(&names::ANALYST_NOTES, &[author, outcome], Some(count));
            }
        }
        for (author, authored) in authors {
            out.histogram(&names::ANALYST_LATENCY, &[author], authored.latency.as_ref());
        }
        each(out, &names::ANALYST_MODEL, self.model_name.as_ref().map(|name| (name, ())), |()| Some(1u64));
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consensus {
    pub on: bool,
    pub decisions: Decisions,
}

/// Since the program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    pub stay: u64,
    pub holding: u64,
    pub nothing_to_leave: u64,
    pub entered: u64,
    pub left: u64,
    pub entry_blocked: u64,
    pub exit_blocked: u64,
}

impl Decisions {
    pub fn count(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Stay => &mut self.stay,
            Verdict::Holding => &mut self.holding,
            Verdict::NothingToLeave => &mut self.nothing_to_leave,
            Verdict::Entered(_) => &mut self.entered,
            Verdict::Left(_) => &mut self.left,
            Verdict::EntryBlocked(_) => &mut self.entry_blocked,
            Verdict::ExitBlocked(_) => &mut self.exit_blocked,
        } += 1;
    }

    fn by_verdict(self) -> [(&'static str, u64); 7] {
        [
            ("stay", self.stay),
            ("holding", self.holding),
            ("nothing_to_leave", self.nothing_to_leave),
            ("entered", self.entered),
            ("left", self.left),
            ("entry_blocked", self.entry_blocked),
            ("exit_blocked", self.exit_blocked),
        ]
    }
}

impl Consensus {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::CONSENSUS_ON, Some(self.on));
        each(out, &names::CONSENSUS_DECISIONS, self.decisions.by_verdict(), Some);
    }
}

/// Entries refused, by the rule. Those of the risk gate are there from the beginning: a rate needs a zero to rise from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked(BTreeMap<&'static str, u64>);

impl Default for Blocked {
    fn default() -> Self {
        use Reason::{
            BooksDiffer, DeadFeed, Drawdown, Halted, MaxPosition, MissingTrades, NoPrice, OrderRate, Reducing,
            StalePrice, StaleSignal, TooManyOrders,
        };
        let gate = [
            Reducing,
            Halted,
            NoPrice,
            StalePrice,
            DeadFeed,
            MissingTrades,
            Drawdown,
            MaxPosition,
            OrderRate,
            TooManyOrders,
            BooksDiffer,
            StaleSignal,
        ];
        Self(gate.into_iter().map(|rule| (rule.code(), 0)).collect())
    }
}

impl Blocked {
    pub fn count(&mut self, rule: Reason) {
        *self.0.entry(rule.code()).or_default() += 1;
    }

    pub(super) fn by_rule(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(rule, count)| (*rule, *count))
    }
}
