//! A picture of all figures at one moment.

mod account;
mod advice;
mod machine;
mod market;
mod record;

pub use account::{Ledger, Position, Reconcile, Risk, Trades};
pub use advice::{Analyst, Authored, Blocked, Consensus, Decisions, Notes, Patterns, PatternsOfPair};
pub use machine::{Build, Process, Replay};
pub use market::{Feed, MarketOfPair, Messages, Spine, Topic, Topics};
pub use record::{Engine, Journal, Tier, Tiers};

use std::collections::BTreeMap;

use super::exposition::{Exposition, Value};
use super::names::Family;
use crate::domain::Pair;

/// What a scrape is answered with. A part that does not run is absent, and so are its figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    pub build: Option<Build>,
    pub process: Process,
    pub feed: Option<Feed>,
    /// Of the live lane.
    pub market: BTreeMap<Pair, MarketOfPair>,
    pub spine: Option<Spine>,
    pub journal: Option<Journal>,
    pub engine: Option<Engine>,
    pub tiers: Tiers,
    pub patterns: Option<Patterns>,
    pub analyst: Option<Analyst>,
    pub consensus: Option<Consensus>,
    pub risk: Option<Risk>,
    /// Of the live account.
    pub ledger: Option<Ledger>,
    pub reconcile: Option<Reconcile>,
    /// Of what is on the deck.
    pub replay: Option<Replay>,
}

impl Registry {
    /// As Prometheus reads it; goes with [`CONTENT_TYPE`](super::exposition::CONTENT_TYPE).
    pub fn encode(&self) -> String {
        let mut out = Exposition::new();
        machine::build(self.build.as_ref(), &mut out);
        self.process.write(&mut out);
        if let Some(feed) = &self.feed {
            feed.write(&mut out);
        }
        market::pairs(&self.market, &mut out);
        if let Some(spine) = &self.spine {
            spine.write(&mut out);
        }
        if let Some(journal) = &self.journal {
            journal.write(&mut out);
        }
        if let Some(engine) = &self.engine {
            engine.write(&mut out);
        }
        self.tiers.write(&mut out);
        if let Some(patterns) = &self.patterns {
            patterns.write(&mut out);
        }
        if let Some(analyst) = &self.analyst {
            analyst.write(&mut out);
        }
        if let Some(consensus) = &self.consensus {
            consensus.write(&mut out);
        }
        if let Some(risk) = &self.risk {
            risk.write(&mut out);
        }
        if let Some(ledger) = &self.ledger {
            ledger.write(&mut out);
        }
        if let Some(reconcile) = &self.reconcile {
            reconcile.write(&mut out);
        }
        if let Some(replay) = &self.replay {
            replay.write(&mut out);
        }
        out.finish()
    }
}

/// A sample for each pair, or other key, that has a value.
fn each<K: AsRef<str>, T, V: Into<Value>>(
    out: &mut Exposition,
    family: &Family,
    rows: impl IntoIterator<Item = (K, T)>,
    value: impl Fn(T) -> Option<V>,
) {
    for (key, row) in rows {
        out.sample(family, &[key.as_ref()], value(row));
    }
}

#[cfg(test)]
mod tests;
