//! Loading earlier history beside a live recording: one at a time, on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use specta::Type;

use super::ApiError;
use crate::clock;
use crate::session::backfill::{self, BackfillError, BackfillRequest, Backfilled};
use crate::session::live::Live;

/// How long the end of the desk waits for a page that is under way. What is not durable by then is asked for again the next time.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// What the page may ask for.
const MOST_MONTHS: u32 = 120;

/// How the last back-fill stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Backfill {
    /// One more for each that is started.
    pub run: u32,
    pub pair: String,
    pub months: u32,
    pub state: BackfillState,
    /// 0 to 1.
    pub share: f64,
    /// Where it has come, oldest first; absent until the venue has answered.
    pub at_ms: Option<f64>,
    /// Candles taken by this run.
    pub accepted: u32,
    /// Candles that can not be, and are kept apart.
    pub quarantined: u32,
    /// Of the state `failed`.
    pub failure: Option<ApiError>,
}

/// `cancelling` ends after the question under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum BackfillState {
    Running,
    Cancelling,
    Cancelled,
    Failed,
    Done,
}

#[derive(Default)]
pub(super) struct BackfillDesk {
    state: Arc<Mutex<State>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    newest: Option<Backfill>,
    cancelled: Arc<AtomicBool>,
    revision: u64,
}

impl BackfillDesk {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn newest(&self) -> Option<Backfill> {
        self.state().newest.clone()
    }

    /// Grows when a month more, or all that was asked for, is there to be drawn.
    pub(super) fn revision(&self) -> u64 {
        self.state().revision
    }

    /// Errors: `backfill_running`, `months_out_of_range`, `no_threads`.
    pub(super) fn start(&self, live: Arc<Live>, request: BackfillRequest) -> Result<(), ApiError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Err(ApiError::refused(
                "backfill_running",
                "Earlier history is being loaded already.",
                "Wait for it, or cancel it first.",
            ));
        }
        if !(1..=MOST_MONTHS).contains(&request.months) {
            return Err(ApiError::refused(
                "months_out_of_range",
                format!("{} months can not be loaded at once.", request.months),
                "Choose 1 to 120 months.",
            ));
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        let before = {
            let mut state = self.state();
            state.cancelled = Arc::clone(&cancelled);
            let run = state.newest.as_ref().map_or(0, |newest| newest.run) + 1;
            state.newest.replace(Backfill {
                run,
                pair: request.pair.to_string(),
                months: request.months,
                state: BackfillState::Running,
                share: 0.0,
                at_ms: None,
                accepted: 0,
                quarantined: 0,
                failure: None,
            })
        };
        let shared = Arc::clone(&self.state);
        let spawned = std::thread::Builder::new()
            .name("tapedeck-backfill".to_owned())
            .spawn(move || load(&live, &request, &cancelled, &shared));
        match spawned {
            Ok(handle) => *thread = Some(handle),
            Err(error) => {
                self.state().newest = before;
                return Err(ApiError::refused("no_threads", error, "Close other programs and try again."));
            }
        }
        Ok(())
    }

    /// Ends after the question under way; without one there is nothing to end.
    pub(super) fn cancel(&self) {
        let mut state = self.state();
        state.cancelled.store(true, Ordering::Relaxed);
        if let Some(newest) = state.newest.as_mut().filter(|newest| newest.state == BackfillState::Running) {
            newest.state = BackfillState::Cancelling;
        }
    }

    /// Cancels, and waits for it a little.
    pub(super) fn close(&self) {
        self.cancel();
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let deadline = clock::monotonic() + LAST_PAGE;
        while !thread.is_finished() && clock::monotonic() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Figures to look at: half an update of them hurts nobody.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load(live: &Live, request: &BackfillRequest, cancelled: &AtomicBool, shared: &Mutex<State>) {
    let mut finished = 0;
    let outcome = backfill::run(live, request, cancelled, |report| {
        let mut state = lock(shared);
        if report.finished > finished {
            state.revision += u64::from(report.accepted > 0);
            finished = report.finished;
        }
        note(&mut state, report);
    });
    if let Err(BackfillError::Journal(error)) = &outcome {
        live.status().journal_error = Some(error.to_string());
    }
    let mut state = lock(shared);
    if let Ok(report) = &outcome {
        note(&mut state, report);
        state.revision += u64::from(report.accepted > 0);
    }
    let Some(newest) = &mut state.newest else { return };
    (newest.state, newest.failure) = match outcome {
        Ok(report) => match &report.stopped {
            None => (BackfillState::Done, None),
            Some(_) if cancelled.load(Ordering::Relaxed) => (BackfillState::Cancelled, None),
            Some(why) => {
                let kept = format!("Everything up to {} is kept.", report.to);
                let what = format!("Loading has stopped: {why}.");
                let failure = ApiError::new("venue_unreachable", what, &kept, "Load it again: it goes on from there.");
                (BackfillState::Failed, Some(failure))
            }
        },
        Err(BackfillError::Interrupted) => (BackfillState::Cancelled, None),
        Err(error) => (BackfillState::Failed, Some(error.into())),
    };
}

fn note(state: &mut State, report: &Backfilled) {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    if let Some(newest) = &mut state.newest {
        newest.share = report.share();
        newest.at_ms = Some(report.to.to_ms());
        newest.accepted = count(report.accepted);
        newest.quarantined = count(report.quarantined);
    }
}
