//! A Coinbase Exchange on the loopback device: a WebSocket feed and the REST routes a back-fill asks for, over a market that a
//! seed decides. The market goes on while nobody listens, so that a cut loses trades. Whatever it does to the frames, it keeps
//! the truth, and it says its seed when it opens.
//!
//! Market and faults draw from two generators: the same seed trades the same trades whatever the client does, and the first
//! connection sees the same frames in the same order (the clock starts with the first subscription).

mod connection;
mod faults;
mod market;
mod rest;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;

pub use faults::{Cut, Decision, Dice, Faults, Garbage, Payload, spoil};
pub use market::{Event, Frame, FrameKind, Listing, Market};

use crate::bars::{Bar, Print};

/// How often the venue looks at its clock. Frames go out in clumps of this, as they do from a real one.
const BEAT: Duration = Duration::from_millis(2);
/// The first frames of every connection are spared cuts, silence and garbage, or a client might never get anywhere.
const SPARED: u32 = 20;

#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub listings: Vec<Listing>,
    /// Venue time of the first trade.
    pub starts_at: i64,
    /// Of wall time, heartbeats not counted.
    pub messages_per_second: u32,
    /// Seconds of venue time for each second of wall time.
    pub time_scale: u32,
    pub faults: Faults,
    /// Frames to play as they are, instead of a market.
    pub tape: Option<Vec<String>>,
    /// Minutes of before the market began, by pair, that REST alone knows of.
    pub past: BTreeMap<String, BTreeMap<i64, Bar>>,
}

impl Options {
    /// Six pairs, 2026-03-20 14:00:30 UTC, 400 messages a second, no faults.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            listings: Listing::six(),
            starts_at: 1_774_015_230_000_000_000,
            messages_per_second: 400,
            time_scale: 1,
            faults: Faults::none(),
            tape: None,
            past: BTreeMap::new(),
        }
    }
}

/// What really happened, whatever was shown of it.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    pub trades: BTreeMap<String, Vec<Print>>,
    /// Frames written to a socket, by kind.
    pub sent: BTreeMap<FrameKind, u64>,
    /// Trades written to a socket at least once, as `match` or `last_match`.
    pub shown: BTreeSet<(String, u64)>,
    /// As `match` alone.
    pub matched: BTreeSet<(String, u64)>,
    /// The first trade each pair ever showed: nothing before it can be missed.
    pub first_shown: BTreeMap<String, u64>,
    /// Matches that a fault kept from the wire.
    pub dropped: BTreeSet<(String, u64)>,
    pub garbage: BTreeMap<Garbage, u64>,
    /// Frames that came to pass while nobody was connected, or in silence.
    pub missed: u64,
    pub connections: u32,
    pub cuts: u32,
    pub silences: u32,
    pub rest_answers: u64,
    pub rest_refusals: u64,
}

impl Truth {
    pub fn frames_sent(&self) -> u64 {
        self.sent.values().sum()
    }

    pub fn sent(&self, kind: FrameKind) -> u64 {
        self.sent.get(&kind).copied().unwrap_or(0)
    }

    /// Trades a client could know of: from the first it was shown.
    pub fn knowable(&self, pair: &str) -> impl Iterator<Item = &Print> {
        let first = self.first_shown.get(pair).copied().unwrap_or(u64::MAX);
        self.trades.get(pair).into_iter().flatten().filter(move |p| p.trade_id >= first)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Trading,
    /// Waiting for a client that listens, to show it the last trade of every pair.
    Settling,
    /// Heartbeats alone.
    Settled,
}

enum Outgoing {
    Frame(FrameKind, Payload, Option<(String, u64)>),
    Cut(Cut),
}

struct Client {
    number: u32,
    to: UnboundedSender<Outgoing>,
    pairs: BTreeSet<String>,
    channels: BTreeSet<String>,
    silent: bool,
    offered: u32,
    /// Handed to the connection and not yet written.
    pending: u64,
}

struct Held {
    frame: Frame,
    frames_left: u32,
    until: Option<Instant>,
}

struct Floor {
    options: Options,
    market: Market,
    dice: Dice,
    held: VecDeque<Held>,
    client: Option<Client>,
    truth: Truth,
    mode: Mode,
    opened: Option<Instant>,
    tape_at: usize,
}

type Shared = Arc<Mutex<Floor>>;

fn locked(floor: &Shared) -> MutexGuard<'_, Floor> {
    floor.lock().expect("no test panics while it holds the floor")
}

/// Closes when dropped.
pub struct Exchange {
    floor: Shared,
    feed: SocketAddr,
    rest: SocketAddr,
    _runtime: Runtime,
}

impl Exchange {
    pub fn open(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (feed_listener, rest_listener) = runtime.block_on(async {
            io::Result::Ok((TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?))
        })?;
        let (feed, rest) = (feed_listener.local_addr()?, rest_listener.local_addr()?);
        writeln!(io::stderr(), "loopback exchange: seed {} faults {} on {feed}", options.seed, options.faults.seed)?;

        let per_venue_second = f64::from(options.messages_per_second) / 2.0 / f64::from(options.time_scale.max(1));
        let floor = Arc::new(Mutex::new(Floor {
            market: Market::new(options.seed, &options.listings, options.starts_at, per_venue_second),
            dice: Dice::new(options.faults.seed),
            held: VecDeque::new(),
            client: None,
            truth: Truth::default(),
            mode: Mode::Trading,
            opened: None,
            tape_at: 0,
            options,
        }));
        runtime.spawn(connection::accept(feed_listener, Arc::clone(&floor)));
        runtime.spawn(rest::accept(rest_listener, Arc::clone(&floor)));
        let venue = Arc::clone(&floor);
        runtime.spawn(async move {
            let mut beat = tokio::time::interval(BEAT);
            loop {
                beat.tick().await;
                locked(&venue).advance(Instant::now());
            }
        });
        Ok(Self { floor, feed, rest, _runtime: runtime })
    }

    pub fn feed_url(&self) -> String {
        format!("ws://{}", self.feed)
    }

    pub fn rest_url(&self) -> String {
        format!("http://{}", self.rest)
    }

    pub fn truth(&self) -> Truth {
        locked(&self.floor).truth.clone()
    }

    /// From now on.
    pub fn set_faults(&self, faults: Faults) {
        let mut floor = locked(&self.floor);
        floor.dice = Dice::new(faults.seed);
        floor.options.faults = faults;
    }

    /// Ends all faults and all trading in good order: what was held back is sent, then one last trade of every pair, so that a
    /// client can know everything it lacks. False if no client listened in time.
    pub fn settle(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        {
            let mut floor = locked(&self.floor);
            if floor.mode == Mode::Trading {
                floor.mode = Mode::Settling;
            }
            floor.options.faults = Faults::none();
        }
        while Instant::now() < deadline {
            {
                let floor = locked(&self.floor);
                if floor.mode == Mode::Settled && floor.client.as_ref().is_some_and(|c| c.pending == 0) {
                    return true;
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Waits until a played tape is on the wire to its last frame.
    pub fn played_out(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            {
                let floor = locked(&self.floor);
                let all = floor.options.tape.as_ref().is_none_or(|tape| floor.tape_at == tape.len());
                if all && floor.held.is_empty() && floor.client.as_ref().is_some_and(|c| c.pending == 0) {
                    return true;
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

/// The frames a real capture received, in order: lines of `epoch: {frame}` in a `.ws.zst`. What was sent is left out.
/// Errors: the file is absent or not zstd.
pub fn captured_frames(path: &Path) -> io::Result<Vec<String>> {
    let text = String::from_utf8_lossy(&zstd::decode_all(std::fs::File::open(path)?)?).into_owned();
    let received = |line: &str| {
        let (stamp, frame) = line.split_once(": ")?;
        stamp.parse::<f64>().ok()?;
        Some(frame.to_owned())
    };
    Ok(text.lines().filter_map(received).collect())
}

impl Floor {
    fn venue_now(&self, now: Instant) -> Option<i64> {
        let elapsed = now.duration_since(self.opened?).as_nanos() as i64;
        Some(self.options.starts_at + elapsed * i64::from(self.options.time_scale.max(1)))
    }

    fn advance(&mut self, now: Instant) {
        let Some(until) = self.venue_now(now) else { return };
        if self.options.tape.is_some() {
            self.play_tape(now);
        } else {
            while let Some(event) = self.market.next(until, self.mode == Mode::Trading) {
                self.happen(event, now);
            }
            if self.mode == Mode::Settling && self.listening() {
                for held in std::mem::take(&mut self.held) {
                    self.send(held.frame);
                }
                for event in self.market.one_of_each(until) {
                    self.happen(event, now);
                }
                self.mode = Mode::Settled;
            }
        }
        self.release(now, false);
    }

    fn listening(&self) -> bool {
        let every = |client: &Client| self.market.pairs().all(|p| client.pairs.contains(p));
        self.client.as_ref().is_some_and(|c| !c.silent && c.channels.contains("matches") && every(c))
    }

    fn happen(&mut self, event: Event, now: Instant) {
        match event {
            Event::Heartbeat(frame) => self.offer(frame, now),
            Event::Trade(print, frames) => {
                self.truth.trades.entry(print.pair.clone()).or_default().push(print);
                for frame in frames {
                    self.offer(frame, now);
                }
            }
        }
    }

    fn play_tape(&mut self, now: Instant) {
        let (Some(opened), Some(tape)) = (self.opened, &self.options.tape) else { return };
        let due = now.duration_since(opened).as_secs_f64() * f64::from(self.options.messages_per_second);
        let due = (due as usize).min(tape.len());
        let frames: Vec<Frame> = tape[self.tape_at.min(due)..due].iter().map(|text| as_frame(text)).collect();
        self.tape_at = due.max(self.tape_at);
        for frame in frames {
            self.offer(frame, now);
        }
    }

    /// A frame has come to pass: fate decides what the client sees of it.
    fn offer(&mut self, frame: Frame, now: Instant) {
        let Some(client) = self.client.as_mut().filter(|c| !c.silent) else {
            self.truth.missed += 1;
            return;
        };
        if self.options.tape.is_none() && !client.wants(&frame) {
            return;
        }
        client.offered += 1;
        let spared = client.offered <= SPARED;
        let first_ever = client.number == 1 && spared;
        let decision = match self.dice.decide(&self.options.faults) {
            _ if first_ever => Decision::Deliver,
            Decision::Cut(_) | Decision::Silence | Decision::Garbage(_) if spared => Decision::Deliver,
            Decision::Silence if self.truth.silences >= self.options.faults.silences_at_most => Decision::Deliver,
            decision => decision,
        };
        let later = |frames_left, until| Held { frame: frame.clone(), frames_left, until };
        match decision {
            Decision::Deliver => self.send(frame),
            Decision::Drop => self.lose(&frame),
            Decision::Twice(distance) => {
                self.held.push_back(later(distance, None));
                self.send(frame);
            }
            Decision::Hold(distance) => self.held.push_back(later(distance, None)),
            Decision::Delay(time) => self.held.push_back(later(0, Some(now + time))),
            Decision::Cut(cut) => {
                self.lose(&frame);
                self.truth.cuts += 1;
                if let Some(client) = self.client.take() {
                    let _ = client.to.send(Outgoing::Cut(cut));
                }
            }
            Decision::Silence => {
                client.silent = true;
                self.truth.silences += 1;
                self.lose(&frame);
            }
            Decision::Garbage(garbage) => match spoil(&frame, garbage) {
                None => self.send(frame),
                Some(payload) => {
                    *self.truth.garbage.entry(garbage).or_default() += 1;
                    client.push(Outgoing::Frame(FrameKind::Garbage, payload, None));
                    if garbage == Garbage::Truncated { self.lose(&frame) } else { self.send(frame) }
                }
            },
        }
        self.release(now, true);
    }

    /// Held frames wait for frames that pass, or for a moment; while nobody listens neither passes.
    fn release(&mut self, now: Instant, passed: bool) {
        if self.client.as_ref().is_none_or(|c| c.silent) {
            return;
        }
        let mut due = Vec::new();
        self.held.retain_mut(|held| {
            let ready = match held.until {
                Some(until) => now >= until,
                None => {
                    held.frames_left = held.frames_left.saturating_sub(u32::from(passed));
                    held.frames_left == 0
                }
            };
            if ready {
                due.push(held.frame.clone());
            }
            !ready
        });
        for frame in due {
            self.send(frame);
        }
    }

    fn lose(&mut self, frame: &Frame) {
        if frame.kind == FrameKind::Match {
            self.truth.dropped.insert((frame.pair.clone(), frame.trade_id));
        }
    }

    fn send(&mut self, frame: Frame) {
        let Some(client) = self.client.as_mut() else { return };
        let trade =
            matches!(frame.kind, FrameKind::Match | FrameKind::LastMatch).then_some((frame.pair, frame.trade_id));
        client.push(Outgoing::Frame(frame.kind, Payload::Text(frame.text), trade));
    }

    /// After a write, by the connection that made it.
    fn written(&mut self, number: u32, frames: Vec<(FrameKind, Option<(String, u64)>)>) {
        if let Some(client) = self.client.as_mut().filter(|c| c.number == number) {
            client.pending -= frames.len() as u64;
        }
        for (kind, trade) in frames {
            *self.truth.sent.entry(kind).or_default() += 1;
            if let Some((pair, id)) = trade {
                let first = self.truth.first_shown.entry(pair.clone()).or_insert(id);
                // Shown before anything else of the pair, on a connection that was spared faults.
                *first = (*first).min(if number == 1 { id } else { *first });
                if kind == FrameKind::Match {
                    self.truth.matched.insert((pair.clone(), id));
                }
                self.truth.shown.insert((pair, id));
            }
        }
    }
}

impl Client {
    fn push(&mut self, outgoing: Outgoing) {
        self.pending += 1;
        let _ = self.to.send(outgoing);
    }

    fn wants(&self, frame: &Frame) -> bool {
        let channel = match frame.kind {
            FrameKind::Ticker => "ticker",
            FrameKind::Match | FrameKind::LastMatch => "matches",
            FrameKind::Heartbeat => "heartbeat",
            _ => return true,
        };
        self.channels.contains(channel) && self.pairs.contains(&frame.pair)
    }
}

fn as_frame(text: &str) -> Frame {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let kind = match value["type"].as_str().unwrap_or_default() {
        "ticker" => FrameKind::Ticker,
        "match" => FrameKind::Match,
        "last_match" => FrameKind::LastMatch,
        "heartbeat" => FrameKind::Heartbeat,
        "subscriptions" => FrameKind::Subscriptions,
        "error" => FrameKind::Error,
        _ => FrameKind::Unasked,
    };
    Frame {
        kind,
        pair: value["product_id"].as_str().unwrap_or_default().to_owned(),
        trade_id: value["trade_id"].as_u64().unwrap_or(0),
        time: 0,
        text: text.to_owned(),
    }
}
