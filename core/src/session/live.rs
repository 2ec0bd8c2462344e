//! The live session: the feed, its gaps, its clock, into the journal; and what the desk and the command say of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::quarantine::QuarantineFile;
use super::recorder::{Committed, Recorder};
use crate::clock;
use crate::domain::input::MissingTrades;
use crate::domain::{EventTime, Input, Pair, ReceivedTime, Source, Tick, TradeId};
use crate::ingest::coinbase::stream::{FeedEvent, asked_to_stop};
use crate::ingest::coinbase::supervise::{self, FeedConfig};
use crate::ingest::coinbase::{rest, wire};
use crate::ingest::{Counts, Lane, Message};
use crate::journal::JournalError;
use crate::metrics::Durations;

/// Frames waiting for the journal. When it is full the socket is read no further, and the venue's own buffers fill.
const WAITING_FRAMES: usize = 65_536;

/// Frames made durable together, at most.
const GROUP: usize = 4_096;

/// A small group waits this long for company: a sync costs more than the wait.
const GROUP_WAIT: Duration = Duration::from_millis(1);

/// A group of this many waits for no more.
const SMALL_GROUP: usize = 64;

/// How long a gap may close by itself before the venue is asked: frames overtake each other on the wire.
const GAP_PATIENCE: Duration = Duration::from_secs(1);

/// Trades in one answer of the venue.
const ONE_PAGE: u64 = 1_000;

/// Answers without a missing range after which it stays a gap. A question that got no answer is asked again, at longer and longer intervals.
const FILL_ANSWERS: u32 = 3;

/// The longest of those intervals is so many times doubled.
const LONGEST_WAIT: u32 = 6;

/// How long a session that ends waits for its last gaps.
const LAST_FILL: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// `None` records nothing: the desk stands on what it has.
    pub feed: Option<String>,
    /// Where gaps are filled from; `None` leaves them open, and shown.
    pub rest: Option<String>,
    pub pairs: Vec<Pair>,
    pub quarantine: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    Off,
    Connecting,
    Connected,
    Down { reason: String },
}

/// What is known of the feed and the journal, for the desk.
#[derive(Debug)]
pub struct LiveStatus {
    pub feed: Feed,
    pub connections: u64,
    pub counts: Counts,
    pub messages_per_s: f64,
    /// Arrival to sync.
    pub acknowledged: Durations,
    /// The journal refused to write; nothing is recorded until it is opened again.
    pub journal_error: Option<String>,
    pub late: u64,
    /// The venue's newest complaint.
    pub venue_said: Option<String>,
    /// What the reconciler found; entries are blocked until the trader has looked.
    pub books_differ: Option<String>,
}

pub struct Live {
    recorder: Mutex<Recorder>,
    status: Mutex<LiveStatus>,
}

impl Live {
    pub fn new(recorder: Recorder) -> Arc<Self> {
        let status = LiveStatus {
            feed: Feed::Off,
            connections: 0,
            counts: Counts::default(),
            messages_per_s: 0.0,
            acknowledged: Durations::default(),
            journal_error: None,
            late: 0,
            venue_said: None,
            books_differ: None,
        };
        Arc::new(Self { recorder: Mutex::new(recorder), status: Mutex::new(status) })
    }

    pub fn recorder(&self) -> MutexGuard<'_, Recorder> {
        // A recorder whose writer panicked has written whole groups or none: reading it is safe.
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn status(&self) -> MutexGuard<'_, LiveStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records until `stop` turns true, then takes what has arrived, asks for the last gaps, and lays a checkpoint.
///
/// `each` sees every durable group, after its sync.
pub async fn run(
    live: Arc<Live>,
    config: LiveConfig,
    stop: watch::Receiver<bool>,
    mut each: impl FnMut(&Committed) + Send,
) -> Result<(), JournalError> {
    let (events_in, events) = mpsc::channel(WAITING_FRAMES);
    let (fills_in, fills) = mpsc::channel(16);
    let (stop_feed, feed_stopped) = watch::channel(false);
    let feed = config.feed.clone().map(|url| {
        live.status().feed = Feed::Connecting;
        tokio::spawn(supervise::run(FeedConfig::new(url, config.pairs.clone()), events_in, feed_stopped))
    });
    let mut session = Session {
        live: &live,
        quarantine: QuarantineFile::new(config.quarantine),
        rest: config.rest,
        fills_in,
        asked: BTreeMap::new(),
        in_flight: 0,
        answered: false,
        inputs: Vec::new(),
        arrived: Vec::new(),
        each: &mut each,
    };
    let outcome = session.record(events, fills, stop, stop_feed, feed.is_some()).await;
    if let Some(feed) = feed {
        feed.abort();
    }
    let mut status = live.status();
    match &outcome {
        Ok(()) => status.feed = Feed::Off,
        Err(error) => status.journal_error = Some(error.to_string()),
    }
    drop(status);
    outcome
}

/// What the venue answered for one missing range.
struct Fill {
    pair: Pair,
    first: u64,
    last: u64,
    answer: Result<Vec<Tick>, String>,
}

/// A missing range, and how often the venue was asked for it.
struct Asked {
    /// When to ask next.
    due: Instant,
    questions: u32,
    /// Of them, those that were answered.
    answers: u32,
}

struct Session<'a, F> {
    live: &'a Live,
    quarantine: QuarantineFile,
    rest: Option<String>,
    fills_in: mpsc::Sender<Fill>,
    /// Missing ranges by (pair, first, last).
    asked: BTreeMap<(Pair, u64, u64), Asked>,
    in_flight: usize,
    /// An answer came since the last question: the next may be asked at once.
    answered: bool,
    inputs: Vec<(EventTime, Input)>,
    arrived: Vec<ReceivedTime>,
    each: &'a mut F,
}

impl<F: FnMut(&Committed) + Send> Session<'_, F> {
    /// Takes frames until `stop`, closes the feed, and takes what was on its way. Every way out with an error ends here.
    async fn record(
        &mut self,
        mut events: mpsc::Receiver<FeedEvent>,
        mut fills: mpsc::Receiver<Fill>,
        mut stop: watch::Receiver<bool>,
        stop_feed: watch::Sender<bool>,
        has_feed: bool,
    ) -> Result<(), JournalError> {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut group: Vec<FeedEvent> = Vec::with_capacity(GROUP);
        let mut frames_at_last_second = 0;
        loop {
            tokio::select! {
                biased;
                () = asked_to_stop(&mut stop) => break,
                _ = seconds.tick() => {
                    let frames = self.second();
                    self.live.status().messages_per_s = (frames - frames_at_last_second) as f64;
                    frames_at_last_second = frames;
                    self.ask();
                }
                Some(fill) = fills.recv() => self.filled(fill)?,
                received = events.recv_many(&mut group, GROUP), if has_feed => {
                    if received == 0 {
                        break;
                    }
                    if received < SMALL_GROUP {
                        // The thread's own sleep: the runtime's timer has steps of a millisecond and rounds up.
                        tokio::task::block_in_place(|| std::thread::sleep(GROUP_WAIT));
                        while group.len() < GROUP && let Ok(event) = events.try_recv() {
                            group.push(event);
                        }
                    }
                    for event in group.drain(..) {
                        self.event(event)?;
                    }
                }
            }
            self.commit()?;
            if self.answered {
                self.answered = false;
                self.ask();
            }
        }
        let _ = stop_feed.send(true);
        let deadline = Instant::now() + Duration::from_secs(5);
        while has_feed && let Ok(Some(event)) = timeout_at(deadline, events.recv()).await {
            self.event(event)?;
        }
        self.finish(&mut fills).await?;
        self.live.recorder().checkpoint()
    }

    fn event(&mut self, event: FeedEvent) -> Result<(), JournalError> {
        match event {
            FeedEvent::Frame { bytes, received } => return self.frame(&bytes, received),
            FeedEvent::Connected => {
                let mut status = self.live.status();
                status.feed = Feed::Connected;
                status.connections += 1;
            }
            FeedEvent::Disconnected { reason } => {
                self.live.status().feed = Feed::Down { reason: reason.to_string() };
                let mut recorder = self.live.recorder();
                let lane = recorder.lane(Source::Live)?;
                lane.finish(&mut self.inputs);
                self.quarantine.keep_all(lane.drain_quarantined());
            }
            FeedEvent::Retrying { wait, reason } => {
                let reason = format!("trying again in {:.0} s: {reason}", wait.as_secs_f64().ceil());
                self.live.status().feed = Feed::Down { reason };
            }
        }
        Ok(())
    }

    fn frame(&mut self, bytes: &[u8], received: ReceivedTime) -> Result<(), JournalError> {
        let message = wire::decode(bytes, Source::Live, received);
        if let Ok(Message::VenueError { message, reason }) = &message {
            self.live.status().venue_said = Some(format!("{message}: {reason}"));
        }
        let mut recorder = self.live.recorder();
        let lane = recorder.lane(Source::Live)?;
        match message {
            Ok(message) => lane.admit(message, &mut self.inputs),
            Err(refusal) => self.quarantine.keep_all([lane.refuse(bytes, refusal, None)]),
        }
        self.quarantine.keep_all(lane.drain_quarantined());
        self.arrived.push(received);
        Ok(())
    }

    /// The clock, once a second. Answers the frames counted so far.
    fn second(&mut self) -> u64 {
        let recorder = self.live.recorder();
        let lane = recorder.known_lane(Source::Live);
        let frames = lane.map_or(0, |lane| lane.counts().frames);
        if let Some(newest) = lane.and_then(Lane::newest) {
            self.inputs.push((newest, Input::Clock { source: Source::Live, received: clock::received_now() }));
        }
        frames
    }

    /// Asks the venue for trades that are missing and did not come by themselves. One question at a time: the venue counts them.
    fn ask(&mut self) {
        let Some(base) = self.rest.clone() else { return };
        let now = Instant::now();
        let missing: Vec<MissingTrades> = {
            let recorder = self.live.recorder();
            let live = recorder.market().pairs().filter(|(source, ..)| *source == Source::Live);
            live.flat_map(|(.., market)| market.missing()).collect()
        };
        let still: BTreeSet<_> = missing.iter().map(key).collect();
        self.asked.retain(|range, _| still.contains(range));
        for range in &still {
            self.asked.entry(*range).or_insert(Asked { due: now + GAP_PATIENCE, questions: 0, answers: 0 });
        }
        if self.in_flight > 0 {
            return;
        }
        let mut question: Option<(Pair, u64, u64)> = None;
        for (&(pair, first, last), range) in &mut self.asked {
            if range.due > now || range.answers >= FILL_ANSWERS {
                continue;
            }
            // Small gaps that lie close together are one page of the venue's.
            match &mut question {
                None => question = Some((pair, first, last)),
                Some((asked, from, to)) if *asked == pair && last.saturating_sub(*from) < ONE_PAGE => *to = last,
                Some(_) => break,
            }
            range.questions += 1;
            range.due = now + GAP_PATIENCE * 2u32.pow(range.questions.min(LONGEST_WAIT));
        }
        let Some((pair, first, last)) = question else { return };
        self.in_flight += 1;
        let fills = self.fills_in.clone();
        tokio::task::spawn_blocking(move || {
            let answer = rest::trades(&base, pair, TradeId(first), TradeId(last), Source::Live)
                .map(|fetched| fetched.ticks)
                .map_err(|error| error.to_string());
            // The session may have ended meanwhile; then nobody needs the answer.
            let _ = fills.blocking_send(Fill { pair, first, last, answer });
        });
    }

    fn filled(&mut self, fill: Fill) -> Result<(), JournalError> {
        self.in_flight -= 1;
        self.answered = true;
        match fill.answer {
            Ok(ticks) => {
                let within = |first: u64, last: u64| first >= fill.first && last <= fill.last;
                for (&(pair, first, last), range) in &mut self.asked {
                    range.answers += u32::from(pair == fill.pair && within(first, last));
                }
                let mut recorder = self.live.recorder();
                let lane = recorder.lane(Source::Live)?;
                for tick in ticks {
                    lane.admit_fetched(tick, &mut self.inputs);
                }
                self.quarantine.keep_all(lane.drain_quarantined());
            }
            Err(reason) => {
                tracing::warn!(pair = %fill.pair, first = fill.first, last = fill.last, %reason, "a gap could not be filled");
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        let mut recorder = self.live.recorder();
        let committed = tokio::task::block_in_place(|| recorder.commit(&mut self.inputs))?;
        let counts = recorder.known_lane(Source::Live).map(|lane| lane.counts()).unwrap_or_default();
        let late = recorder.market().pairs().filter(|(s, ..)| *s == Source::Live).map(|(.., m)| m.late()).sum();
        drop(recorder);
        let now = clock::received_now();
        let mut status = self.live.status();
        for received in self.arrived.drain(..) {
            let nanos = now.nanos().saturating_sub(received.nanos());
            status.acknowledged.record(Duration::from_nanos(u64::try_from(nanos).unwrap_or_default()));
        }
        status.counts = counts;
        status.late = late;
        drop(status);
        if !committed.inputs.is_empty() {
            (self.each)(&committed);
        }
        Ok(())
    }

    /// Takes what was held back, and gives the last gaps a chance.
    async fn finish(&mut self, fills: &mut mpsc::Receiver<Fill>) -> Result<(), JournalError> {
        {
            let mut recorder = self.live.recorder();
            let lane = recorder.lane(Source::Live)?;
            lane.finish(&mut self.inputs);
            self.quarantine.keep_all(lane.drain_quarantined());
        }
        self.commit()?;
        let deadline = Instant::now() + LAST_FILL;
        for range in self.asked.values_mut() {
            (range.due, range.questions) = (Instant::now(), 0);
        }
        while self.rest.is_some() && Instant::now() < deadline {
            self.ask();
            let waiting = self.asked.values().any(|range| range.answers < FILL_ANSWERS);
            if self.in_flight == 0 && !waiting {
                break;
            }
            let look = Instant::now() + Duration::from_millis(100);
            if let Ok(Some(fill)) = timeout_at(look, fills.recv()).await {
                self.filled(fill)?;
            }
            self.commit()?;
        }
        Ok(())
    }
}

fn key(missing: &MissingTrades) -> (Pair, u64, u64) {
    (missing.pair, missing.first.0, missing.last.0)
}
