//! The run ahead of the player: over the tape in a thread of its own, to learn what the account does on it and to lay states.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::reading::Reading;
use super::ways::Way;
use crate::domain::time::{DAY, MINUTE};
use crate::domain::{Candle, Output, Pair, Seq, TapeTime};
use crate::journal::Deed;
use crate::session::engine::Engine;
use crate::session::playable::{Place, Playable};

/// Tape time between states at first: what a seek steps through, at most. When there are too many, every other one goes.
const SPACING: i64 = 10 * MINUTE;

/// States in memory. They share the minutes that have closed.
const MOST_STATES: usize = 320;

/// How far beyond the player it runs.
pub(super) const HORIZON: i64 = 2 * DAY;

/// Inputs it takes between looks at its lock.
const CHUNK: usize = 8_192;

/// What the run ahead has learnt of the tape, and of the account on it. Grows at its end, until the account goes another way.
#[derive(Default)]
pub(super) struct Index {
    pub(super) states: Vec<(Place, Engine)>,
    spacing: i64,
    /// They owe nothing to the account, and stay when it goes another way. Only of a tape that has none recorded.
    pub(super) candles: BTreeMap<Pair, Vec<Candle>>,
    candles_through: Seq,
    pub(super) deeds: Vec<Deed>,
    pub(super) frontier: Place,
    /// The tape was run to its end.
    pub(super) complete: bool,
    /// Of the way: a run ahead on another one ends.
    pub(super) way: u32,
    /// A run is under way.
    running: bool,
    /// Through this moment at least.
    pub(super) wanted: TapeTime,
    /// Where the run that stopped stands.
    stopped: Option<Engine>,
    pub(super) failed: Option<String>,
}

impl Index {
    /// Before the first input; this is what the account had done by then.
    pub(super) fn before(deeds: Vec<Deed>) -> Self {
        Self { deeds, ..Self::default() }
    }

    /// Goes on from here, on another way.
    pub(super) fn part(&mut self, place: Place, engine: &Engine) {
        self.states.retain(|(state, _)| state.seq < place.seq);
        let kept = self.deeds.partition_point(|deed| deed.seq <= place.seq);
        self.deeds.truncate(kept);
        self.frontier = place;
        self.complete = false;
        self.way += 1;
        self.running = false;
        self.stopped = Some(engine.clone());
        self.failed = None;
    }

    fn lay(&mut self, place: Place, engine: Engine) {
        self.states.push((place, engine));
        if self.states.len() > MOST_STATES {
            let mut number = 0;
            self.states.retain(|_| {
                number += 1;
                number % 2 == 0
            });
            self.spacing = self.spacing.saturating_mul(2);
        }
    }
}

pub(super) fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    // The index grows by whole chunks under one lock: even after a panic elsewhere what it holds is true.
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a run where the last one stopped, unless one is under way or there is nothing to do.
pub(super) fn run(tape: &Arc<dyn Playable>, way: &Way, shared: &Arc<Mutex<Index>>) {
    let mut index = lock(shared);
    if index.running || index.complete || index.failed.is_some() || index.frontier.at >= index.wanted {
        return;
    }
    let Some(engine) = index.stopped.take() else { return };
    index.running = true;
    index.spacing = index.spacing.max(SPACING);
    let ahead = Ahead { tape: Arc::clone(tape), way: way.clone(), number: index.way, place: index.frontier };
    drop(index);
    let shared = Arc::downgrade(shared);
    std::thread::spawn(move || ahead.run(engine, &shared));
}

struct Ahead {
    tape: Arc<dyn Playable>,
    way: Way,
    number: u32,
    place: Place,
}

impl Ahead {
    fn run(self, engine: Engine, index: &Weak<Mutex<Index>>) {
        let mut reading = match Reading::after(&self.tape, self.place, engine) {
            Ok(reading) => reading,
            Err(error) => return self.fail(index, &error),
        };
        let keeps_candles = self.tape.recorded().is_none();
        let (mut outputs, mut deeds) = (Vec::new(), Vec::new());
        let mut laid = self.place.at.max(self.tape.from()).nanos();
        let mut spacing = SPACING;
        loop {
            let mut complete = false;
            for _ in 0..CHUNK {
                match reading.step(self.way.told(), &mut outputs, &mut deeds) {
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        complete = true;
                        break;
                    }
                    Err(error) => return self.fail(index, &error),
                }
                if !keeps_candles {
                    outputs.clear();
                }
                if reading.place().at.nanos() - laid >= spacing {
                    break;
                }
            }
            let place = reading.place();
            let state = (place.at.nanos() - laid >= spacing).then(|| reading.engine.clone());
            let Some(index) = index.upgrade() else { return };
            let mut index = lock(&index);
            if index.way != self.number {
                return;
            }
            let known = index.candles_through;
            for output in outputs.drain(..) {
                if let Output::Candle(candle) = output
                    && candle.seq > known
                {
                    index.candles.entry(candle.pair).or_default().push(candle);
                }
            }
            index.candles_through = known.max(place.seq);
            index.deeds.append(&mut deeds);
            if let Some(state) = state {
                index.lay(place, state);
                laid = place.at.nanos();
                spacing = index.spacing;
            }
            index.frontier = place;
            index.complete = complete;
            if complete || place.at >= index.wanted {
                index.running = false;
                index.stopped = Some(reading.engine);
                return;
            }
        }
    }

    fn fail(&self, index: &Weak<Mutex<Index>>, error: &dyn std::fmt::Display) {
        let Some(index) = index.upgrade() else { return };
        let mut index = lock(&index);
        if index.way == self.number {
            index.running = false;
            index.failed = Some(error.to_string());
        }
    }
}
