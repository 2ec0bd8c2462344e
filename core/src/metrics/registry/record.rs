//! What is kept: journal, engine, tiers.

use super::each;
use crate::domain::{Seq, TapeTime};
use crate::metrics::exposition::Exposition;
use crate::metrics::{Distribution, names};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    /// Synced since the program started.
    pub records: u64,
    /// In seconds, by the buckets of [`ACKNOWLEDGED`](crate::metrics::ACKNOWLEDGED).
    pub acknowledged: Option<Distribution>,
    pub bytes: Option<u64>,
    pub last_seq: Seq,
    pub failed: bool,
}

impl Journal {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::JOURNAL_RECORDS, Some(self.records));
        out.histogram(&names::JOURNAL_ACK, &[], self.acknowledged.as_ref());
        out.one(&names::JOURNAL_SIZE, self.bytes);
        out.one(&names::JOURNAL_SEQ, Some(self.last_seq.0));
        out.one(&names::JOURNAL_FAILED, Some(self.failed));
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Engine {
    /// Since the program started.
    pub ticks: u64,
    pub candles: u64,
    pub revisions: u64,
    pub seq: Seq,
    /// Of the live lane.
    pub tape_time: Option<TapeTime>,
}

impl Engine {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::ENGINE_TICKS, Some(self.ticks));
        out.one(&names::ENGINE_CANDLES, Some(self.candles));
        out.one(&names::ENGINE_REVISIONS, Some(self.revisions));
        out.one(&names::ENGINE_SEQ, Some(self.seq.0));
        out.one(&names::ENGINE_TAPE_TIME, self.tape_time);
    }
}

/// None of a tier that is not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tiers {
    pub hot: Option<Tier>,
    pub warm: Option<Tier>,
    pub cold: Option<Tier>,
    pub vectors: Option<Tier>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tier {
    pub through: Option<Seq>,
    /// Seconds since it held all that the journal has; 0 while it does.
    pub lag_s: Option<f64>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    pub snapshots: Option<u64>,
    /// Since the program started.
    pub written_rows: u64,
    pub written_bytes: Option<u64>,
    /// Absent of a tier without commits.
    pub commits: Option<u64>,
    /// In seconds, by the buckets of [`COMMITTED`](crate::metrics::COMMITTED).
    pub committed: Option<Distribution>,
    pub failed: bool,
}

impl Tiers {
    pub(super) fn write(&self, out: &mut Exposition) {
        let all = [("hot", &self.hot), ("warm", &self.warm), ("cold", &self.cold), ("vectors", &self.vectors)];
        let tiers = || all.into_iter().filter_map(|(name, tier)| Some((name, tier.as_ref()?)));
        each(out, &names::TIER_THROUGH, tiers(), |tier| tier.through.map(|seq| seq.0));
        each(out, &names::TIER_LAG, tiers(), |tier| tier.lag_s);
        each(out, &names::TIER_ROWS, tiers(), |tier| tier.rows);
        each(out, &names::TIER_SIZE, tiers(), |tier| tier.bytes);
        each(out, &names::TIER_SNAPSHOTS, tiers(), |tier| tier.snapshots);
        each(out, &names::TIER_ROWS_WRITTEN, tiers(), |tier| Some(tier.written_rows));
        each(out, &names::TIER_BYTES_WRITTEN, tiers(), |tier| tier.written_bytes);
        each(out, &names::TIER_COMMITS, tiers(), |tier| tier.commits);
        for (name, tier) in tiers() {
            out.histogram(&names::TIER_COMMIT, &[name], tier.committed.as_ref());
        }
        each(out, &names::TIER_FAILED, tiers(), |tier| Some(tier.failed));
    }
}
