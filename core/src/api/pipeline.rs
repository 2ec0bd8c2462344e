//! How each stage stands, from the feed to the tiers, for the Pipeline tab.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::clock;
use crate::domain::{Seq, Source};
use crate::session::archive::{self, Pace, SharedStatus, TierStatus};
use crate::session::live::{Feed, Live};
use crate::tiers::hot::Hot;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Pipeline {
    /// Now, by this machine's clock: ages of commits are counted from it.
    pub at_ms: f64,
    /// In the order data flows.
    pub stages: Vec<Stage>,
    pub counts: PipelineCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    Feed,
    Journal,
    Engine,
    Hot,
    Warm,
    Cold,
    Vectors,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    Ok,
    /// Nothing has come yet.
    Waiting,
    /// It works, and is further behind than it should be.
    Behind,
    Failed,
    Off,
}

/// A figure that a stage does not have is absent, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Stage {
    pub name: StageName,
    pub state: StageState,
    /// What it does now, or why it does not.
    pub text: String,
    pub per_s: Option<f64>,
    /// Behind the stage before it.
    pub lag_s: Option<f64>,
    /// Tape time of the newest it holds.
    pub watermark_ms: Option<f64>,
    /// By this machine's clock.
    pub last_commit_ms: Option<f64>,
    pub commits: Option<f64>,
    pub snapshots: Option<f64>,
    pub rows: Option<f64>,
    pub bytes: Option<f64>,
}

/// frames = trades + quotes + control + history + ignored + duplicates + quarantined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct PipelineCounts {
    pub frames: f64,
    pub trades: f64,
    pub quotes: f64,
    pub control: f64,
    pub history: f64,
    pub ignored: f64,
    pub duplicates: f64,
    pub quarantined: f64,
    /// Of the trades: their minute had closed.
    pub late: f64,
    pub accepted: f64,
}

/// Times the pace of the archive that a tier may lie behind: one turn, the next, and some time to write, are still in order.
const TURNS_BEHIND: f64 = 2.5;

impl Stage {
    fn new(name: StageName, state: StageState, text: impl Into<String>) -> Self {
        Self {
            name,
            state,
            text: text.into(),
            per_s: None,
            lag_s: None,
            watermark_ms: None,
            last_commit_ms: None,
            commits: None,
            snapshots: None,
            rows: None,
            bytes: None,
        }
    }
}

/// Every stage `off`, when nothing is recorded.
pub(super) fn off(why: &str) -> Pipeline {
    use StageName::{Cold, Engine, Feed, Hot, Journal, Vectors, Warm};
    let names = [Feed, Journal, Engine, Hot, Warm, Cold, Vectors];
    let stages = names.map(|name| Stage::new(name, StageState::Off, why)).to_vec();
    Pipeline { at_ms: clock::received_now().to_ms(), stages, counts: PipelineCounts::default() }
}

pub(super) fn pipeline(live: &Live, hot: &Hot, archived: &SharedStatus, pace: Pace) -> Pipeline {
    let now = clock::received_now();
    let (last, left, watermark, journal_bytes) = {
        let recorder = live.recorder();
        let journal = recorder.journal();
        let left = journal.retired().digest.inputs;
        (journal.last_seq(), left, recorder.market().tape_time(Source::Live), journal.disk_bytes().ok())
    };
    let status = live.status();
    let c = status.counts;
    let (feed, text) = match &status.feed {
        Feed::Off => (StageState::Off, "off".to_owned()),
        Feed::Connecting => (StageState::Waiting, "connecting".to_owned()),
        Feed::Connected => (StageState::Ok, "connected".to_owned()),
        Feed::Down { reason } => (StageState::Failed, reason.clone()),
    };
    let mut stages = vec![Stage {
        per_s: Some(status.messages_per_s),
        rows: Some(c.frames as f64),
        ..Stage::new(StageName::Feed, feed, text)
    }];
    let journal = match &status.journal_error {
        Some(error) => Stage::new(StageName::Journal, StageState::Failed, error.clone()),
        None if left == 0 => Stage::new(StageName::Journal, StageState::Ok, "every input is synced before it counts"),
        None => Stage::new(StageName::Journal, StageState::Ok, format!("{left} ticks have moved to the cold tier")),
    };
    stages.push(Stage {
        rows: Some(last.0 as f64),
        bytes: journal_bytes.map(|bytes| bytes as f64),
        lag_s: status.acknowledged.recent_median_ms().map(|ms| ms / 1e3),
        watermark_ms: watermark.map(|at| at.to_ms()),
        ..journal
    });
    let engine = if watermark.is_some() {
        Stage::new(StageName::Engine, StageState::Ok, "steps on what is synced")
    } else {
        Stage::new(StageName::Engine, StageState::Waiting, "no trade yet")
    };
    stages.push(Stage { watermark_ms: watermark.map(|at| at.to_ms()), ..engine });
    drop(status);
    let held = hot.counts();
    stages.push(Stage {
        rows: Some(held.rows as f64),
        bytes: Some(held.bytes as f64),
        ..Stage::new(
            StageName::Hot,
            if held.rows == 0 { StageState::Waiting } else { StageState::Ok },
            format!("the last minutes in memory; {} rows have left it", held.evicted_by_age + held.evicted_by_bytes),
        )
    });
    let archived = archive::lock(archived).clone();
    let tiers =
        [(StageName::Warm, &archived.warm), (StageName::Cold, &archived.cold), (StageName::Vectors, &archived.vectors)];
    for (name, tier) in tiers {
        stages.push(tier_stage(name, tier, archived.error.as_deref(), last, now.to_ms(), pace));
    }
    let late = live.status().late;
    let counts = PipelineCounts {
        frames: c.frames as f64,
        trades: c.trades as f64,
        quotes: c.quotes as f64,
        control: c.control as f64,
        history: c.history as f64,
        ignored: c.ignored as f64,
        duplicates: c.duplicates as f64,
        quarantined: c.quarantined as f64,
        late: late as f64,
        accepted: (c.trades + c.candles) as f64,
    };
    Pipeline { at_ms: now.to_ms(), stages, counts }
}

fn tier_stage(name: StageName, tier: &TierStatus, error: Option<&str>, last: Seq, now_ms: f64, pace: Pace) -> Stage {
    let last_commit_ms = tier.last_commit.map(|at| at.to_ms());
    let age_s = last_commit_ms.map(|at| (now_ms - at).max(0.0) / 1e3);
    let behind = last.0.saturating_sub(tier.through.0);
    let (state, text) = match (error, behind, age_s) {
        (Some(error), ..) => (StageState::Failed, error.to_owned()),
        (None, 0, _) => (StageState::Ok, "holds everything".to_owned()),
        (None, _, None) => (StageState::Waiting, format!("its first commit comes within {} s", pace.every.as_secs())),
        (None, _, Some(age)) if age > TURNS_BEHIND * pace.every.as_secs_f64() => {
            (StageState::Behind, format!("{behind} inputs to come"))
        }
        (None, ..) => (StageState::Ok, format!("{behind} inputs to come")),
    };
    Stage {
        lag_s: if behind == 0 { Some(0.0) } else { age_s },
        watermark_ms: tier.watermark.map(|at| at.to_ms()),
        last_commit_ms,
        commits: Some(tier.commits as f64),
        snapshots: Some(tier.snapshots as f64),
        rows: Some(tier.rows as f64),
        bytes: Some(tier.bytes as f64),
        ..Stage::new(name, state, text)
    }
}
