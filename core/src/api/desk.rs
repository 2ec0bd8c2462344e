//! The desk's side of the engine: two decks, one watch, and a frame when the page is ready for one.

mod notes;
mod signals;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::backfill::BackfillDesk;
use super::comparison::{ComparisonDesk, ComparisonView};
use super::config::Config;
use super::deck::{LiveDeck, PlayedDeck, TapeView};
use super::models::ModelDesk;
use super::pipeline::{self, Pipeline};
use super::sql::SqlDesk;
#[cfg(unix)]
use super::trading::Socket;
use super::trading::{Answer, Local, Request, TradingFrame, played};
use super::view::{
    Bar, Clock, Counts, Deck, Desk, FeedState, Frame, Health, Notice, NoticeLevel, Range, SessionCommand, SessionRow,
    Tape, Transport, TransportState, Watch,
};
use super::{ApiError, series, studies};
use crate::clock;
use crate::domain::{EventTime, Interval, Pair, Quality, Source, TapeTime, time};
use crate::engine::fold::fold;
use crate::reconcile;
use crate::session::advisor::Advisor;
use crate::session::archive::{self, SharedStatus};
use crate::session::backfill::BackfillRequest;
use crate::session::kept::Sessions;
use crate::session::live::{self, Feed, Live, LiveConfig};
use crate::session::playable::{Playable, TapeLane, TapeRange};
use crate::session::played::Played;
use crate::session::player::Player;
use crate::session::recorded::RecordedTape;
use crate::session::recorder::{Committed, Recorder};
use crate::session::sample::{self, SAMPLE_NAME, SampleTape};
use crate::tiers::hot::Hot;
use crate::tiers::sql::{Sql, Tiers};

pub const SPEEDS: [u32; 4] = [1, 10, 60, 600];

/// New bars a frame carries; with more the page fetches history anew.
const FRAME_BARS: usize = 300;

/// Bars one request for history may ask for.
const HISTORY_BARS: u32 = 5_000;

/// How long Coinbase is tried before the desk says that it can not be reached.
const FIRST_TRY: Duration = Duration::from_secs(2);

/// A first launch goes live by itself when the feed answers within this. Later it would be behind the back of who looks at the sample.
const GOES_LIVE_WITHIN: Duration = Duration::from_secs(10);

pub struct DeskHost {
    inner: Mutex<Inner>,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
    recording: Mutex<Option<tokio::task::JoinHandle<()>>>,
    hot: Arc<Hot>,
    archived: SharedStatus,
    sql: SqlDesk,
    backfill: Arc<BackfillDesk>,
    comparison: Arc<ComparisonDesk>,
    #[cfg(unix)]
    _socket: Option<Socket>,
}

struct Inner {
    directory: String,
    config: Config,
    live: Option<Arc<Live>>,
    /// Why nothing is recorded, when that is so.
    not_recording: Option<ApiError>,
    sample: Played,
    /// What was recorded live, since it was first looked at.
    replay: Option<Played>,
    deck: Deck,
    opened: Instant,
    /// The user chose a deck: it is not changed any more behind their back.
    chosen: bool,
    pair: Pair,
    interval: Interval,
    generation: u32,
    /// What the generation stands for; another value makes another generation.
    drawn: Drawn,
    bars_from: EventTime,
    bars: Vec<Bar>,
    sparks: Vec<(EventTime, usize)>,
    archived: SharedStatus,
    backfill: Arc<BackfillDesk>,
    comparison: Arc<ComparisonDesk>,
    models: ModelDesk,
    account: Option<Local>,
    /// As the page has them.
    trading: Option<TradingFrame>,
    sessions: Option<Vec<SessionRow>>,
}

#[derive(Clone, Copy, PartialEq)]
struct Drawn {
    deck: Deck,
    pair: Pair,
    interval: Interval,
    jumps: u32,
    /// Corrections of closed live bars.
    late: u64,
    /// Earlier bars that were loaded.
    backfilled: u64,
}

impl DeskHost {
    /// Opens the data directory, starts recording, and puts the sample on the deck.
    ///
    /// A data directory that can not be written is no reason not to open: the desk says so and plays the sample.
    pub fn open(directory: &Path) -> Result<Self, ApiError> {
        let config = Config::load(directory)?;
        let tape = Arc::new(SampleTape::load()?);
        let now = clock::monotonic();
        let mut sample = Played::open(tape, &config.terms(), Sessions::of(directory), None, now)?;
        sample.player.seek(sample::first_look(), now);
        sample.player.set_speed(Some(60), now);
        sample.player.play(now);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("tapedeck")
            .enable_all()
            .build()
            .map_err(|error| ApiError::refused("no_threads", error, "Close other programs and start again."))?;
        let (stop, stopped) = watch::channel(false);
        let (hot, archived) = (Arc::new(Hot::default()), SharedStatus::default());
        let (live, not_recording, recording) = match Recorder::open(directory) {
            Ok((recorder, _)) => {
                let live = Live::new(recorder);
                let settings = LiveConfig {
                    feed: Some(config.feed.clone()),
                    rest: config.rest(),
                    pairs: config.pairs.clone(),
                    quarantine: directory.join("quarantine.jsonl"),
                };
                let session = Arc::clone(&live);
                let pace = config.pace();
                let comparing =
                    reconcile::watch::start(directory.to_owned(), Arc::clone(&live), config.terms(), stopped.clone());
                if let Err(error) = comparing {
                    tracing::error!(%error, "the books are not compared");
                }
                let (hot, archived, directory) = (Arc::clone(&hot), Arc::clone(&archived), directory.to_owned());
                let advisor = Advisor::start(Arc::clone(&live), config.terms(), config.models())
                    .inspect_err(|error| tracing::error!(%error, "nobody advises"))
                    .ok();
                let task = runtime.spawn(async move {
                    let (stop_archive, archive_stopped) = watch::channel(false);
                    let following =
                        archive::start(directory, Arc::clone(&session), Arc::clone(&archived), pace, archive_stopped);
                    let each = |committed: &Committed| {
                        hot.push(&committed.inputs);
                        if let Some(advisor) = &advisor {
                            advisor.saw(committed);
                        }
                    };
                    if let Err(error) = live::run(session, settings, stopped, each).await {
                        tracing::error!(%error, "recording has stopped");
                    }
                    // It tells the desk what it was asked about last, off the threads that serve the page.
                    drop(tokio::task::spawn_blocking(move || drop(advisor)).await);
                    let _ = stop_archive.send(true);
                    match following {
                        // It carries what is left, off the threads that serve the page.
                        Ok(thread) => drop(tokio::task::spawn_blocking(|| thread.join()).await),
                        Err(error) => archive::lock(&archived).error = Some(error.to_string()),
                    }
                });
                (Some(live), None, Some(task))
            }
            Err(error) => (None, Some(ApiError::from(error)), None),
        };
        let seen_live = live.as_ref().is_some_and(|live| live.recorder().market().tape_time(Source::Live).is_some());
        let pair = config.pairs[0];
        let deck = if seen_live { Deck::Live } else { Deck::Sample };
        let drawn = Drawn { deck, pair, interval: Interval::M1, jumps: sample.player.jumps(), late: 0, backfilled: 0 };
        let backfill = Arc::new(BackfillDesk::default());
        let comparison = Arc::new(ComparisonDesk::default());
        let account = live.as_ref().map(|live| Local::new(Arc::clone(live), config.terms()));
        // Without it the desk still works; the command says that this process takes no orders.
        #[cfg(unix)]
        let socket = account.clone().and_then(|account| {
            account.serve(directory).inspect_err(|error| tracing::warn!(%error, "no commands are taken")).ok()
        });
        let mut inner = Inner {
            directory: directory.display().to_string(),
            config,
            live,
            not_recording,
            sample,
            replay: None,
            deck,
            opened: now,
            chosen: seen_live,
            pair,
            interval: Interval::M1,
            generation: 0,
            drawn,
            bars_from: EventTime::from_nanos(0),
            bars: Vec::new(),
            sparks: Vec::new(),
            archived: Arc::clone(&archived),
            backfill: Arc::clone(&backfill),
            comparison: Arc::clone(&comparison),
            models: ModelDesk::default(),
            account,
            trading: None,
            sessions: None,
        };
        // The desk opens without it too: what can not be read is said when it is asked for.
        if seen_live && let Err(error) = inner.resume(now) {
            tracing::warn!(%error, "what was on the deck is not there");
        }
        let tiers = Tiers { hot: Arc::clone(&hot), ..Tiers::of(directory) };
        Ok(Self {
            inner: Mutex::new(inner),
            stop,
            runtime: Some(runtime),
            recording: Mutex::new(recording),
            hot,
            archived,
            sql: SqlDesk::new(Sql::new(tiers)?, directory.join("exports")),
            backfill,
            comparison,
            #[cfg(unix)]
            _socket: socket,
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What a panicking call left behind is a picture at worst; the journal is not in here.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn desk(&self) -> Desk {
        let inner = self.inner();
        Desk {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_directory: inner.directory.clone(),
            pairs: inner.watchlist().iter().map(Pair::to_string).collect(),
            intervals: Interval::ALL.iter().map(|i| i.as_str().to_owned()).collect(),
            speeds: SPEEDS.to_vec(),
            earlier_history: inner.live.is_some() && inner.config.rest().is_some(),
            indicators: studies::kinds(),
        }
    }

    /// Moves what plays on. Call it every few milliseconds, drawn or not.
    pub fn advance(&self) {
        let now = clock::monotonic();
        let mut inner = self.inner();
        inner.sample.advance(now);
        if let Some(replay) = &mut inner.replay
            && replay.advance(now)
        {
            inner.note_deck();
        }
        inner.go_live_on_first_launch(now);
    }

    pub fn frame(&self) -> Frame {
        self.inner().frame(clock::monotonic())
    }

    pub fn choose_deck(&self, deck: Deck) -> Result<(), ApiError> {
        let mut inner = self.inner();
        if deck == Deck::Live && inner.live.is_none() {
            return Err(inner.not_recording.clone().unwrap_or_else(|| {
                ApiError::refused("not_recording", "Nothing is being recorded.", "Start Tapedeck again.")
            }));
        }
        if deck == Deck::Replay && inner.replay.is_none() {
            return Err(ApiError::refused(
                "no_replay",
                "Nothing is being replayed.",
                "Click a moment of the live chart.",
            ));
        }
        inner.deck = deck;
        inner.chosen = true;
        inner.note_deck();
        Ok(())
    }

    /// Puts what was recorded live on the deck, at a moment of the past, paused: with the live account as it was then. Recording goes on.
    pub fn replay(&self, at_ms: f64) -> Result<(), ApiError> {
        let at = moment(at_ms)?;
        let now = clock::monotonic();
        let mut guard = self.inner();
        let inner = &mut *guard;
        let is_there = |replay: &Played| replay.player.tape().to() >= at;
        if !inner.replay.as_ref().is_some_and(is_there) {
            inner.open_replay(now)?;
        }
        if let Some(replay) = &mut inner.replay {
            replay.player.pause(now);
            replay.player.seek(at, now);
        }
        inner.deck = Deck::Replay;
        inner.chosen = true;
        inner.note_deck();
        Ok(())
    }

    /// What is done with the sessions of the tape on the deck. Answers the id of one that was deleted.
    pub fn session(&self, command: &SessionCommand) -> Result<Option<String>, ApiError> {
        let now = clock::monotonic();
        let mut guard = self.inner();
        let inner = &mut *guard;
        let terms = inner.config.terms();
        let played = inner.sessions_of_deck()?;
        let known = |number: u32| {
            let there = (number as usize) < played.ways();
            let refused =
                || ApiError::refused("unknown_session", "There is no such session.", "Choose one of the list.");
            there.then_some(number as usize).ok_or_else(refused)
        };
        match command {
            SessionCommand::Take { number, resume } => {
                played.take(known(*number)?, *resume, now)?;
                if inner.deck == Deck::Live {
                    inner.deck = Deck::Replay;
                }
                inner.chosen = true;
            }
            SessionCommand::Rename { number, name } => played.rename(known(*number)?, name.trim())?,
            SessionCommand::Archive { number, archived } => played.archive(known(*number)?, *archived)?,
            SessionCommand::Delete { number } => return Ok(Some(played.delete(known(*number)?, &terms, now)?)),
            SessionCommand::BringBack { id } => played.bring_back(id, &terms, now)?,
        }
        Ok(None)
    }

    /// Runs two sessions of the tape on the deck beside each other; frames say how it stands, and `comparison` what came of it.
    pub fn compare(&self, first: u32, second: u32) -> Result<(), ApiError> {
        let mut inner = self.inner();
        let terms = inner.config.terms();
        let subjects = played::subjects(inner.sessions_of_deck()?, first, second)?;
        drop(inner);
        self.comparison.start(subjects, terms)
    }

    pub fn cancel_comparison(&self) {
        self.comparison.cancel();
    }

    pub fn comparison(&self) -> Result<ComparisonView, ApiError> {
        self.comparison.result()
    }

    pub fn watch(&self, watch: &Watch) -> Result<(), ApiError> {
        let pair = parse_pair(&watch.pair)?;
        let interval = parse_interval(&watch.interval)?;
        let mut inner = self.inner();
        if !inner.watchlist().contains(&pair) {
            return Err(ApiError::refused(
                "unknown_pair",
                format!("{pair} is not on the watchlist."),
                "Choose a pair of the list.",
            ));
        }
        (inner.pair, inner.interval) = (pair, interval);
        Ok(())
    }

    pub fn transport(&self, command: &Transport) -> Result<(), ApiError> {
        let now = clock::monotonic();
        let mut guard = self.inner();
        let inner = &mut *guard;
        let (pair, interval) = (inner.pair, inner.interval);
        let player = &mut inner.played().ok_or_else(not_on_live)?.player;
        match *command {
            Transport::Play => player.play(now),
            Transport::Pause => player.pause(now),
            Transport::Speed { times: Some(times) } if !SPEEDS.contains(&times) => {
                return Err(ApiError::refused(
                    "unknown_speed",
                    format!("{times}× is not a speed of the deck."),
                    "Choose 1, 10, 60, 600 or max.",
                ));
            }
            Transport::Speed { times } => player.set_speed(times, now),
            Transport::Seek { at_ms } => player.seek(moment(at_ms)?, now),
            Transport::CancelSeek => player.cancel_seek(),
            Transport::Loop { range: None } => player.repeat(None, now),
            Transport::Loop { range: Some(Range { from_ms, to_ms }) } => {
                player.repeat(Some((moment(from_ms)?, moment(to_ms)?)), now);
            }
            Transport::Fill { back } => player.step_fill(back, now)?,
            Transport::Note { back } => return inner.step_note(back, now),
            Transport::StepTick { back } => player.step_tick(pair, back, now),
            Transport::StepBar { back } => player.step_bar(interval, back, now),
        }
        inner.chosen = true;
        Ok(())
    }

    /// Bars strictly before `before_ms` (all known bars when absent, the forming one included), the newest `limit`, oldest first.
    pub fn history(&self, pair: &str, interval: &str, before_ms: Option<f64>, limit: u32) -> Result<Vec<u8>, ApiError> {
        let (pair, interval) = (parse_pair(pair)?, parse_interval(interval)?);
        let limit = limit.clamp(1, HISTORY_BARS) as usize;
        let before = match before_ms {
            Some(ms) if ms.is_finite() => EventTime::from_nanos((ms * 1e6) as i64),
            Some(_) => {
                return Err(ApiError::refused("not_a_time", "That is not a moment.", "Ask for history before a time."));
            }
            None => EventTime::from_nanos(i64::MAX),
        };
        let inner = self.inner();
        let bars = inner.view()?.bars_before(pair, interval, before, limit)?;
        Ok(series::encode(&bars.iter().map(series::Row::from).collect::<Vec<_>>()))
    }

    /// The watched pair between two moments of the tape, or over all of it, for the deck's timeline: volume by the finest bar that gives some
    /// thousands. Of what is after the cursor only that it is there, unless the trader wants to `peek`.
    pub fn timeline(&self, range: Option<Range>, peek: bool) -> Result<Vec<u8>, ApiError> {
        let at = |ms: f64| moment(ms).map(|at| EventTime::from_nanos(at.nanos()));
        let (from, to) = match range {
            Some(Range { from_ms, to_ms }) => (at(from_ms)?, at(to_ms)?),
            None => (EventTime::from_nanos(i64::MIN), EventTime::from_nanos(i64::MAX)),
        };
        // A year of minutes takes a moment to read: nobody waits for it but who asked.
        let (tape, pair, here) = {
            let inner = self.inner();
            let here = inner.player().filter(|_| !peek).map(|player| player.known_through().to_ms());
            (inner.tape()?, inner.pair, here)
        };
        let Some(tape) = tape else { return Ok(series::encode(&[])) };
        let mut bars: Vec<series::Row> = tape.volumes(pair, from, to)?.iter().map(super::deck::bucket).collect();
        if let Some(here) = here {
            let after = bars.partition_point(|bar| bar.time_ms < here);
            // The one it stands in is not over.
            for bar in &mut bars[after.saturating_sub(1)..] {
                (bar.volume, bar.quality) = (0.0, Quality::Forming);
            }
        }
        Ok(series::encode(&bars))
    }

    /// Loads whole calendar months of a live pair from the venue's REST, while the recording goes on. The frames say how it stands.
    pub fn backfill(&self, pair: &str, months: u32) -> Result<(), ApiError> {
        let pair = parse_pair(pair)?;
        let (live, rest) = {
            let inner = self.inner();
            if !inner.config.pairs.contains(&pair) {
                return Err(ApiError::refused(
                    "unknown_pair",
                    format!("{pair} is not on the live watchlist."),
                    "Choose a pair that is recorded.",
                ));
            }
            let live = inner.live.clone().ok_or_else(|| {
                inner.not_recording.clone().unwrap_or_else(|| {
                    ApiError::refused("not_recording", "Nothing is being recorded.", "Start Tapedeck again.")
                })
            })?;
            let rest = inner.config.rest().ok_or_else(|| {
                ApiError::refused(
                    "no_rest",
                    "There is no REST address to ask for earlier candles.",
                    "Set `rest` in tapedeck.toml and start Tapedeck again.",
                )
            })?;
            (live, rest)
        };
        self.backfill.start(live, BackfillRequest { rest, pair, months })
    }

    /// What was loaded stays.
    pub fn cancel_backfill(&self) {
        self.backfill.cancel();
    }

    /// Asks the account of what is on the deck, or tells it something. What the live one was told is durable when this returns.
    pub fn trade(&self, request: &Request) -> Result<Answer, ApiError> {
        let (account, why) = {
            let mut inner = self.inner();
            if inner.deck != Deck::Live {
                // Whoever trades has chosen. The page asks by itself.
                inner.chosen |= request.action()?.is_some();
                let terms = inner.config.terms();
                return played::ask(inner.played().ok_or_else(not_on_live)?, request, &terms);
            }
            (inner.account.clone(), inner.not_recording.clone())
        };
        let refused = || ApiError::refused("not_recording", "Nothing is being recorded.", "Start Tapedeck again.");
        account.ok_or_else(|| why.unwrap_or_else(refused))?.ask(request)
    }

    /// What a query may read through: of what was recorded, while a moment of its past is on the deck, nothing later.
    pub fn cursor(&self) -> Option<TapeTime> {
        let inner = self.inner();
        inner.replay.as_ref().filter(|_| inner.deck == Deck::Replay).map(|replay| replay.player.known_through())
    }

    pub fn sql(&self) -> &SqlDesk {
        &self.sql
    }

    /// Through here the tables hold what was recorded.
    #[cfg(test)]
    pub(super) fn archived_through(&self) -> crate::domain::Seq {
        let status = archive::lock(&self.archived);
        status.cold.through.min(status.warm.through).min(status.vectors.through)
    }

    #[cfg(test)]
    pub(super) fn recorded_through(&self) -> crate::domain::Seq {
        self.inner().live.as_ref().expect("it records").recorder().journal().last_seq()
    }

    /// How each stage from the feed to the cold tier stands.
    pub fn pipeline(&self) -> Pipeline {
        let (live, why, pace) = {
            let inner = self.inner();
            (inner.live.clone(), inner.not_recording.as_ref().map(|error| error.what.clone()), inner.config.pace())
        };
        match live {
            Some(live) => pipeline::pipeline(&live, &self.hot, &self.archived, pace),
            None => pipeline::off(&why.unwrap_or_default()),
        }
    }

    /// Ends the recording in good order: takes what has arrived, syncs, lays a checkpoint.
    pub fn close(&self) {
        self.comparison.cancel();
        self.backfill.close();
        let _ = self.stop.send(true);
        let task = self.recording.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(runtime), Some(task)) = (&self.runtime, task) {
            let _ = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(15), task).await });
        }
    }
}

impl Drop for DeskHost {
    fn drop(&mut self) {
        self.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

impl Inner {
    fn watchlist(&self) -> Vec<Pair> {
        match self.player() {
            None => self.config.pairs.clone(),
            Some(player) => player.tape().pairs(),
        }
    }

    /// The tape on the deck, where it is one that can be moved.
    fn played(&mut self) -> Option<&mut Played> {
        match self.deck {
            Deck::Live => None,
            Deck::Sample => Some(&mut self.sample),
            Deck::Replay => self.replay.as_mut(),
        }
    }

    /// Beside the live market lie the sessions of what was recorded of it.
    fn sessions_of_deck(&mut self) -> Result<&mut Played, ApiError> {
        match self.deck {
            Deck::Sample => Ok(&mut self.sample),
            Deck::Live | Deck::Replay => self.replay.as_mut().ok_or_else(not_on_live),
        }
    }

    fn player(&self) -> Option<&Player> {
        match self.deck {
            Deck::Live => None,
            Deck::Sample => Some(&self.sample.player),
            Deck::Replay => self.replay.as_ref().map(|replay| &replay.player),
        }
    }

    /// All that is on the tape of the deck; none when nothing was recorded yet.
    fn tape(&self) -> Result<Option<Arc<dyn Playable>>, ApiError> {
        if let Some(player) = self.player() {
            return Ok(Some(player.shared_tape()));
        }
        let Some(live) = &self.live else { return Ok(None) };
        let range = TapeRange::whole(TapeLane::One(Source::Live));
        let tape = RecordedTape::of(&live.recorder(), range, &self.config.pairs)?;
        Ok(tape.map(|tape| Arc::new(tape) as Arc<dyn Playable>))
    }

    /// For the next start.
    fn note_deck(&self) {
        let note = self.replay.as_ref().filter(|_| self.deck == Deck::Replay).map(Played::deck_note);
        if let Err(error) = Sessions::of(Path::new(&self.directory)).note_deck(note.as_ref()) {
            tracing::warn!(%error, "what is on the deck was not noted");
        }
    }

    /// Goes on where the desk was left, when that was in the past; and lists the sessions there are.
    fn resume(&mut self, now: Instant) -> Result<(), ApiError> {
        let sessions = Sessions::of(Path::new(&self.directory));
        let note = sessions.deck();
        let live = TapeRange::whole(TapeLane::One(Source::Live));
        let any = sessions.list()?.0.iter().any(|session| session.manifest.tape == live);
        if note.is_none() && !any {
            return Ok(());
        }
        self.open_replay(now)?;
        if let (Some(note), Some(replay)) = (note, &mut self.replay) {
            if let Some(id) = &note.session {
                replay.take_session(id, now)?;
            }
            replay.player.seek(note.at, now);
            (self.deck, self.chosen) = (Deck::Replay, true);
        }
        Ok(())
    }

    /// What was recorded live through now. Whoever was on a session of it stays on it.
    fn open_replay(&mut self, now: Instant) -> Result<(), ApiError> {
        let nothing = || {
            let what = "Nothing was recorded of the live market yet.";
            ApiError::refused("nothing_recorded", what, "Wait for the first trades, or put the sample on the deck.")
        };
        let live = self.live.as_ref().ok_or_else(nothing)?;
        let tape =
            RecordedTape::of(&live.recorder(), TapeRange::whole(TapeLane::One(Source::Live)), &self.config.pairs)?
                .ok_or_else(nothing)?;
        let snapshot = archive::lock(&self.archived).cold.newest;
        let sessions = Sessions::of(Path::new(&self.directory));
        let gone = self.replay.take().and_then(|mut replay| {
            replay.note();
            replay.gone().map(|session| session.id.clone())
        });
        let mut replay = Played::open(Arc::new(tape), &self.config.terms(), sessions, snapshot, now)?;
        if let Some(id) = gone {
            replay.take_session(&id, now)?;
        }
        self.replay = Some(replay);
        Ok(())
    }

    fn view(&self) -> Result<Box<dyn TapeView + '_>, ApiError> {
        match (self.deck, &self.live) {
            (Deck::Live, Some(live)) => Ok(Box::new(LiveDeck::new(live))),
            (Deck::Live, None) => {
                Err(ApiError::refused("not_recording", "Nothing is being recorded.", "Put the sample on the deck."))
            }
            (Deck::Sample, _) => Ok(Box::new(PlayedDeck(&self.sample.player))),
            (Deck::Replay, _) => match &self.replay {
                Some(replay) => Ok(Box::new(PlayedDeck(&replay.player))),
                None => Err(ApiError::refused("no_replay", "Nothing is being replayed.", "Go back to live.")),
            },
        }
    }

    /// The first launch opens on the sample; when the venue answers at once, and nobody has touched the deck, the desk goes live.
    fn go_live_on_first_launch(&mut self, now: Instant) {
        if self.chosen || now.duration_since(self.opened) > GOES_LIVE_WITHIN {
            return;
        }
        let Some(live) = &self.live else { return };
        let trading = live.recorder().market().tape_time(Source::Live).is_some();
        if trading && live.status().feed == Feed::Connected {
            self.deck = Deck::Live;
            self.chosen = true;
        }
    }

    fn frame(&mut self, now: Instant) -> Frame {
        let watchlist = self.watchlist();
        if !watchlist.contains(&self.pair) {
            self.pair = watchlist[0];
        }
        let late = self.live.as_ref().filter(|_| self.deck == Deck::Live).map_or(0, |live| live.status().late);
        let drawn = Drawn {
            deck: self.deck,
            pair: self.pair,
            interval: self.interval,
            jumps: self.player().map_or(0, Player::jumps),
            late,
            backfilled: if self.deck == Deck::Live { self.backfill.revision() } else { 0 },
        };
        let fresh = drawn != self.drawn || self.generation == 0;
        let (mut bars, clock, tape, mut rows) = match self.view() {
            Ok(view) => {
                let from = if fresh { view.now(now) } else { TapeTime::from_nanos(self.bars_from.nanos()) };
                let from = self.interval.start_of(EventTime::from_nanos(from.nanos()));
                let minutes = view.minutes(self.pair, from, EventTime::from_nanos(i64::MAX)).unwrap_or_default();
                let bars: Vec<Bar> = fold(minutes, self.interval).iter().map(super::deck::bar).collect();
                let rows: Vec<_> = watchlist.iter().map(|&pair| view.row(pair, now)).collect();
                (bars, view.now(now), view.tape(), rows)
            }
            Err(_) => (Vec::new(), TapeTime::default(), empty_tape(), Vec::new()),
        };
        if fresh || bars.len() > FRAME_BARS {
            self.generation += 1;
            self.drawn = drawn;
            self.bars.clear();
            self.sparks.clear();
            bars.drain(..bars.len().saturating_sub(1));
            self.bars_from = self.interval.start_of(EventTime::from_nanos(clock.nanos()));
        }
        // The bar before the last is looked at again: it may close, and so change, after the last has begun.
        if let Some(bar) = bars.iter().rev().nth(1).or(bars.last()) {
            self.bars_from = EventTime::from_nanos((bar.time_ms * 1e6) as i64);
        }
        let changed: Vec<Bar> = bars.iter().filter(|bar| !self.bars.contains(bar)).cloned().collect();
        self.bars = bars;
        self.sparks.resize(rows.len(), (EventTime::from_nanos(i64::MIN), 0));
        for ((row, points, minute), sent) in rows.iter_mut().zip(&mut self.sparks) {
            let key = (*minute, points.as_ref().map_or(0, Vec::len));
            row.spark = points.take().filter(|_| std::mem::replace(sent, key) != key);
        }
        let trading = match self.player() {
            None => self.account.as_ref().map(|account| account.frame(self.pair)),
            Some(player) => Some(played::frame(player, self.pair)),
        };
        let trading = trading.filter(|trading| fresh || self.trading.as_ref() != Some(trading));
        if trading.is_some() {
            self.trading.clone_from(&trading);
        }
        let live = self.deck == Deck::Live;
        let played = if self.deck == Deck::Sample { Some(&mut self.sample) } else { self.replay.as_mut() };
        let sessions = played.map(|played| played::sessions(played, live)).unwrap_or_default();
        let sessions = Some(sessions).filter(|sessions| fresh || self.sessions.as_ref() != Some(sessions));
        if sessions.is_some() {
            self.sessions.clone_from(&sessions);
        }
        Frame {
            generation: self.generation,
            deck: self.deck,
            clock: Clock {
                at_ms: clock.to_ms(),
                text: if clock == TapeTime::default() { String::new() } else { time::format_clock(clock.nanos()) },
            },
            transport: self.transport_state(),
            tape,
            watch: Watch { pair: self.pair.to_string(), interval: self.interval.to_string() },
            rows: rows.into_iter().map(|(row, ..)| row).collect(),
            bars: changed,
            health: self.health(),
            trading,
            sessions,
            backfill: self.backfill.newest(),
            comparing: self.comparison.newest(),
            noted: self.noted(),
            pulling: self.models.newest(),
            notices: self.notices(now),
        }
    }

    fn transport_state(&self) -> TransportState {
        match self.player() {
            None => TransportState { playing: true, speed: Some(1), progress: None, at_end: false, r#loop: None },
            Some(player) => TransportState {
                playing: player.playing(),
                speed: player.speed(),
                progress: player.progress(),
                at_end: player.at_end(),
                r#loop: player.repeats().map(|(from, to)| Range { from_ms: from.to_ms(), to_ms: to.to_ms() }),
            },
        }
    }

    fn health(&self) -> Health {
        let Some(live) = &self.live else {
            let why = self.not_recording.as_ref().map(|e| e.what.clone()).unwrap_or_default();
            return Health {
                feed: FeedState::Off,
                feed_text: "off".to_owned(),
                messages_per_s: 0.0,
                journal_p50_ms: None,
                journal_ok: false,
                journal_text: why,
                counts: Counts::default(),
            };
        };
        let status = live.status();
        let (feed, feed_text) = match &status.feed {
            Feed::Off => (FeedState::Off, "off".to_owned()),
            Feed::Connecting => (FeedState::Connecting, "connecting".to_owned()),
            Feed::Connected => (FeedState::Connected, "connected".to_owned()),
            Feed::Down { reason } => (FeedState::Down, reason.clone()),
        };
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let c = &status.counts;
        Health {
            feed,
            feed_text,
            messages_per_s: status.messages_per_s,
            journal_p50_ms: status.acknowledged.recent_median_ms(),
            journal_ok: status.journal_error.is_none(),
            journal_text: status
                .journal_error
                .clone()
                .unwrap_or_else(|| "every tick is synced before it is shown".to_owned()),
            counts: Counts {
                frames: count(c.frames),
                trades: count(c.trades),
                quotes: count(c.quotes),
                control: count(c.control),
                history: count(c.history),
                ignored: count(c.ignored),
                duplicates: count(c.duplicates),
                quarantined: count(c.quarantined),
            },
        }
    }

    fn notices(&self, now: Instant) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut say = |level, code: &str, text: String| notices.push(Notice { level, code: code.to_owned(), text });
        if let Some(error) = &self.not_recording {
            say(NoticeLevel::Error, &error.code, format!("Nothing is recorded: {}. {}", error.what, error.r#do));
        }
        if let Some(live) = &self.live {
            let status = live.status();
            if let Some(error) = &status.journal_error {
                say(
                    NoticeLevel::Error,
                    "journal_failed",
                    format!(
                        "Recording has stopped: {error}. What was acknowledged is safe; start Tapedeck again once the disk is well."
                    ),
                );
            }
            let tried = now.duration_since(self.opened) >= FIRST_TRY;
            match &status.feed {
                Feed::Down { reason } if tried && status.journal_error.is_none() => {
                    let meanwhile = if self.deck == Deck::Live {
                        "What was recorded stays."
                    } else {
                        "What is on the deck plays on."
                    };
                    say(
                        NoticeLevel::Warning,
                        "feed_unreachable",
                        format!("Coinbase can not be reached ({reason}). {meanwhile}"),
                    );
                }
                Feed::Connecting if tried => {
                    say(
                        NoticeLevel::Warning,
                        "feed_unreachable",
                        "Coinbase does not answer yet. The sample plays on.".to_owned(),
                    );
                }
                _ => {}
            }
            if let Some(what) = &status.books_differ {
                let text =
                    format!("The books differ: {what}. Entries are blocked; exits work. Look at `tapedeck reconcile`.");
                say(NoticeLevel::Error, "books_differ", text);
            }
            if let Some(text) = &status.venue_said {
                say(NoticeLevel::Warning, "venue_refused", format!("Coinbase says: {text}."));
            }
        }
        if let Some(failed) = self.player().and_then(Player::failed) {
            let text = format!(
                "The tape can not be read on: {failed}. Where the deck stands is true; go elsewhere, or back to live."
            );
            say(NoticeLevel::Error, "tape_unreadable", text);
        }
        for unreadable in self.replay.as_ref().map(Played::unreadable).unwrap_or_default() {
            say(NoticeLevel::Warning, "session_unreadable", format!("A session is left out: {unreadable}."));
        }
        if let Some(error) = &archive::lock(&self.archived).error {
            say(
                NoticeLevel::Warning,
                "not_archived",
                format!(
                    "The tables are not carried on: {error}. The journal keeps everything; it is tried again each minute."
                ),
            );
        }
        notices
    }
}

fn empty_tape() -> Tape {
    Tape { name: SAMPLE_NAME.to_owned(), from_ms: 0.0, to_ms: 0.0, trade: 0, trades: 0 }
}

fn not_on_live() -> ApiError {
    ApiError::refused(
        "not_on_live",
        "The live market can not be moved.",
        "Click a moment of the chart to replay from there.",
    )
}

fn moment(ms: f64) -> Result<TapeTime, ApiError> {
    let not_a_time =
        || ApiError::refused("not_a_time", "That is not a moment.", "Click on the tape, or type a time such as 14:07.");
    ms.is_finite().then(|| TapeTime::from_nanos((ms * 1e6) as i64)).ok_or_else(not_a_time)
}

fn parse_pair(text: &str) -> Result<Pair, ApiError> {
    text.parse().map_err(|error| ApiError::refused("not_a_pair", error, "Choose a pair of the watchlist."))
}

fn parse_interval(text: &str) -> Result<Interval, ApiError> {
    text.parse().map_err(|error| ApiError::refused("not_an_interval", error, "Choose one of the chart's intervals."))
}
