//! Carries what the journal holds into the tiers: ticks and clocks to cold, candles to warm, the patterns they make to vectors. However often it is interrupted, and
//! wherever, each row arrives once: a tier says in its own commits how far it has come, and is given what follows.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::books;
use super::live::Live;
use super::recorder::Recorder;
use super::retention::Leaving;
use super::shapes::Shapes;
use crate::clock;
use crate::domain::{ReceivedTime, Seq, Stamped, TapeTime};
use crate::ingest::coinbase::stream::asked_to_stop;
use crate::journal::{JournalError, JournalReader};
use crate::tiers::cold::{Cold, ColdError, Keep};
use crate::tiers::vectors::VectorsError;
use crate::tiers::warm::{Warm, WarmError};

/// Inputs in one cold commit, at most: a minute of a busy feed, and some hundred megabytes of memory never.
const COLD_BATCH: usize = 262_144;

/// Candles in one warm commit, at most (and the rest of the last input's).
const WARM_BATCH: usize = 65_536;

/// How many carries lie between two rounds of compaction, expiry and clean-up.
const MAINTAIN_EVERY: u32 = 10;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the cold tier: {0}")]
    Cold(#[from] ColdError),
    #[error("the warm tier: {0}")]
    Warm(#[from] WarmError),
    #[error("the table of patterns: {0}")]
    Vectors(#[from] VectorsError),
    #[error("the cold tier holds inputs through {}, and ticks through {} have left the journal for it", held.0, left.0)]
    Lost { held: Seq, left: Seq },
    #[error("the cold tier holds inputs through {}, and the journal ends at {}: its end is damaged", held.0, last.0)]
    Ahead { held: Seq, last: Seq },
    #[error("input {} is not in the cold tier as it is in the journal", seq.0)]
    Differs { seq: Seq },
    #[error("other books are stored under the session's name `{session}`")]
    SessionTaken { session: String },
    #[error("interrupted: {0}")]
    Interrupted(std::io::Error),
}

/// How a tier stands, for the Pipeline tab.
#[derive(Clone, Debug, Default)]
pub struct TierStatus {
    /// The last input it holds.
    pub through: Seq,
    /// The newest tape time among what this process has committed.
    pub watermark: Option<TapeTime>,
    pub last_commit: Option<ReceivedTime>,
    /// Commits and rows of this process.
    pub commits: u64,
    pub rows: u64,
    /// Kept snapshots, and bytes of the current one.
    pub snapshots: u64,
    pub bytes: u64,
    /// The newest snapshot of the cold tier.
    pub newest: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct ArchiveStatus {
    pub cold: TierStatus,
    pub warm: TierStatus,
    pub vectors: TierStatus,
    /// Why the last attempt failed. The next one is a minute later; the journal keeps everything meanwhile.
    pub error: Option<String>,
}

/// What the desk may look at while the archive works.
pub type SharedStatus = Arc<Mutex<ArchiveStatus>>;

pub struct Archive {
    cold: Cold,
    warm: Warm,
    shapes: Shapes,
    status: SharedStatus,
}

/// What one `carry` moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Ticks and clocks.
    pub ticks: u64,
    pub candles: u64,
    /// Added, those of corrected candles included.
    pub patterns: u64,
    /// Fills of the live desk.
    pub trades: u64,
}

impl Archive {
    /// Opens the tiers of a data directory. One writer: hold the journal's lock before.
    pub async fn open(directory: &Path, status: SharedStatus) -> Result<Self, ArchiveError> {
        let (cold, warm) = (Cold::open(directory).await?, Warm::open(directory).await?);
        let archive = Self { cold, warm, shapes: Shapes::open(directory).await?, status };
        archive.look().await?;
        Ok(archive)
    }

    /// The last input whose candles are in every tier that holds what comes of them.
    pub fn candles_through(&self) -> Seq {
        self.warm.candles_through().min(self.shapes.through())
    }

    /// Carries inputs through `through`, which must be durable. `progress` sees how far the cold tier has come.
    pub async fn carry(
        &mut self,
        journal: &JournalReader,
        through: Seq,
        mut progress: impl FnMut(Seq),
    ) -> Result<Carried, ArchiveError> {
        let mut carried = Carried::default();
        let mut at = self.cold.archived_through();
        while at < through {
            let (reader, from) = (journal.clone(), at.next());
            let inputs = blocking(move || read(&reader, from, through)).await?;
            let Some(last) = inputs.last() else { break };
            let rows = self.cold.append(&inputs, last.seq).await?.rows();
            at = last.seq;
            carried.ticks += rows;
            lock(&self.status).cold.note(at, last.tape_time, rows);
            progress(at);
        }
        let mut at = self.warm.candles_through();
        while at < through {
            let (reader, after) = (journal.clone(), at);
            let candles = blocking(move || reader.logged_candles(after, through, WARM_BATCH)).await?;
            let Some(last) = candles.last() else { break };
            self.warm.put_candles(&candles, last.seq).await?;
            at = last.seq;
            carried.candles += candles.len() as u64;
            lock(&self.status).warm.note(at, last.tape_time, candles.len() as u64);
        }
        let before = self.shapes.through();
        carried.patterns = self.shapes.carry(journal, through).await?;
        if let Some(at) = self.shapes.watermark().filter(|_| before < self.shapes.through()) {
            lock(&self.status).vectors.note(self.shapes.through(), at, carried.patterns);
        }
        let (reader, held) = (journal.clone(), books::held(&self.warm)?);
        let new = blocking(move || books::after(&reader, held)).await?;
        carried.trades = books::put(&mut self.warm, &new).await?;
        self.look().await?;
        let mut status = lock(&self.status);
        (status.cold.through, status.warm.through, status.vectors.through) = (through, through, through);
        drop(status);
        Ok(carried)
    }

    /// Joins small files, drops old snapshots, and removes what no snapshot reaches.
    pub async fn maintain(&mut self) -> Result<(), ArchiveError> {
        self.cold.compact().await?;
        self.cold.expire(&Keep::default()).await?;
        self.cold.remove_orphans().await?;
        self.shapes.maintain().await?;
        self.look().await
    }

    /// Figures that are read from the tiers themselves.
    async fn look(&self) -> Result<(), ArchiveError> {
        let (cold, warm) = (self.cold.statistics()?, self.warm.statistics().await?);
        let vectors = self.shapes.statistics().await?;
        let mut status = lock(&self.status);
        status.cold.through = self.cold.archived_through();
        status.warm.through = self.warm.candles_through();
        (status.cold.snapshots, status.cold.bytes) = (cold.snapshots, cold.bytes);
        status.cold.newest = cold.newest;
        (status.warm.snapshots, status.warm.bytes) = (warm.snapshots, warm.bytes);
        status.vectors.through = self.shapes.through();
        (status.vectors.snapshots, status.vectors.bytes) = (vectors.versions, vectors.bytes);
        Ok(())
    }

    /// What is to be carried: all that is durable now. Errors: `Lost` and `Ahead`, before a row is added behind a hole, or passed over because another had
    /// its place.
    fn begin(&self, recorder: &mut Recorder) -> Result<(JournalReader, Seq), ArchiveError> {
        let (held, left) = (self.cold.archived_through(), recorder.journal().retired().through);
        if held < left {
            return Err(ArchiveError::Lost { held, left });
        }
        let last = recorder.journal().last_seq();
        if held > last {
            return Err(ArchiveError::Ahead { held, last });
        }
        recorder.log_candles_after(self.candles_through())?;
        Ok((recorder.journal().reader(), last))
    }

    /// Carries everything the journal holds, and drops what the warm tier has from the journal's log of candles.
    pub async fn carry_all(
        &mut self,
        recorder: &mut Recorder,
        progress: impl FnMut(Seq),
    ) -> Result<Carried, ArchiveError> {
        let (reader, through) = self.begin(recorder)?;
        let carried = self.carry(&reader, through, progress).await?;
        recorder.forget_logged(self.candles_through())?;
        Ok(carried)
    }

    /// Lets ticks and clocks leave the journal that the cold tier has, but for the newest `keep` records; answers how many.
    pub async fn retire(&self, recorder: &mut Recorder, keep: u64) -> Result<u64, ArchiveError> {
        let Some(leaving) = Leaving::of(recorder, self.cold.archived_through(), keep) else { return Ok(0) };
        leaving.leave(&self.cold, |records, retired| recorder.retire(records, retired)).await
    }

    /// As `retire`, while the recorder goes on recording.
    async fn retire_live(&self, live: &Live, keep: u64) -> Result<u64, ArchiveError> {
        let leaving = Leaving::of(&live.recorder(), self.cold.archived_through(), keep);
        let Some(leaving) = leaving else { return Ok(0) };
        leaving.leave(&self.cold, |records, retired| live.recorder().retire(records, retired)).await
    }

    /// As `carry_all`, while the recorder goes on recording.
    async fn carry_live(&mut self, live: &Live) -> Result<(), ArchiveError> {
        let (reader, through) = self.begin(&mut live.recorder())?;
        self.carry(&reader, through, |_| {}).await?;
        Ok(live.recorder().forget_logged(self.candles_through())?)
    }
}

impl TierStatus {
    fn note(&mut self, through: Seq, watermark: TapeTime, rows: u64) {
        self.through = through;
        // The last of a batch may be of a month long past.
        self.watermark = self.watermark.max(Some(watermark));
        self.last_commit = Some(clock::received_now());
        self.commits += 1;
        self.rows += rows;
    }
}

/// How a live recording is carried on.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two commits.
    pub every: Duration,
    /// Records that stay in the journal after they are in the cold tier.
    pub keep: u64,
}

/// Carries a live recording on in a thread of its own, so that turning a minute of ticks into files holds up no frame. It ends soon after
/// `stop`, when everything is carried or could not be.
pub fn start(
    directory: PathBuf,
    live: Arc<Live>,
    status: SharedStatus,
    pace: Pace,
    stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("tapedeck-archive")
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("tapedeck-archive".to_owned())
        .spawn(move || runtime.block_on(follow(&directory, &live, &status, pace, stop)))
}

/// Carries on now and then until `stop`, and once more then. It opens the tiers itself, so that recording does not
/// wait for them. A failure is told in the status and tried again: the journal keeps everything until it is archived.
async fn follow(directory: &Path, live: &Live, status: &SharedStatus, pace: Pace, mut stop: watch::Receiver<bool>) {
    let mut turns = interval(pace.every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut archive = None;
    for round in 1u32.. {
        let ends = tokio::select! {
            biased;
            () = asked_to_stop(&mut stop) => true,
            _ = turns.tick() => false,
        };
        let keep = (!ends && round.is_multiple_of(MAINTAIN_EVERY)).then_some(pace.keep);
        let outcome = carry_once(directory, live, status, &mut archive, keep).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, "the tiers could not be carried on");
        }
        lock(status).error = outcome.err().map(|error| error.to_string());
        if ends {
            return;
        }
    }
}

/// With `keep`, what is due now and then is done too.
async fn carry_once(
    directory: &Path,
    live: &Live,
    status: &SharedStatus,
    archive: &mut Option<Archive>,
    keep: Option<u64>,
) -> Result<(), ArchiveError> {
    let open = match archive.take() {
        Some(open) => open,
        None => Archive::open(directory, Arc::clone(status)).await?,
    };
    // After an error the tiers are opened anew: what they hold is read from them and not remembered.
    let open = archive.insert(open);
    let outcome = async {
        open.carry_live(live).await?;
        if let Some(keep) = keep {
            open.maintain().await?;
            open.retire_live(live, keep).await?;
        }
        Ok(())
    };
    let outcome = outcome.await;
    if outcome.is_err() {
        *archive = None;
    }
    outcome
}

pub fn lock(status: &SharedStatus) -> MutexGuard<'_, ArchiveStatus> {
    // Figures to look at: half an update of them hurts nobody.
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next inputs to archive, some hundred thousand at a time.
fn read(journal: &JournalReader, from: Seq, through: Seq) -> Result<Vec<Stamped>, JournalError> {
    let within = |record: &Result<Stamped, JournalError>| record.as_ref().map_or(true, |input| input.seq <= through);
    journal.records(from).take_while(within).take(COLD_BATCH).collect()
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(work).await.expect("reading the journal does not panic")
}
