//! What a front end is shown. Money crosses as decimal strings, times as milliseconds since 1970 UTC (`f64`, exact to the
//! microsecond until 2255) or RFC 3339 text; bulk series cross as bytes (see [`super::series`]).

use serde::{Deserialize, Serialize};
use specta::Type;

use super::backfill::Backfill;
use super::comparison::Comparing;
use super::models::Pulling;
use super::studies::IndicatorKind;
use super::trading::TradingFrame;

/// Everything the desk needs once, when its window opens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Desk {
    pub version: String,
    pub data_directory: String,
    /// Watchlist order.
    pub pairs: Vec<String>,
    /// `1m 5m 15m 1h 4h 1d`
    pub intervals: Vec<String>,
    /// Speeds the deck offers, as multiples of real time; `max` is a control of its own.
    pub speeds: Vec<u32>,
    /// There is an address that earlier candles of a live pair can be asked of.
    pub earlier_history: bool,
    /// What can be drawn over and under the bars.
    pub indicators: Vec<IndicatorKind>,
}

/// Which tape the desk is looking at. The sample is a session of its own and never the live tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Deck {
    Live,
    Sample,
    /// What was recorded live, at a moment of the past.
    Replay,
}

/// What the chart shows, and so which bars the frames carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Watch {
    pub pair: String,
    pub interval: String,
}

/// A press on the deck. Only the past can be moved; on the live deck these answer `not_on_live`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Transport {
    Play,
    Pause,
    /// A multiple of real time, or `max` when absent.
    Speed {
        times: Option<u32>,
    },
    Seek {
        at_ms: f64,
    },
    /// Stays where it is, when a seek takes long.
    CancelSeek,
    /// Plays a range of the tape again and again; no range plays on.
    Loop {
        range: Option<Range>,
    },
    /// To the next or the previous fill of the account.
    Fill {
        back: bool,
    },
    /// To the next or the previous note on the watched pair that says something.
    Note {
        back: bool,
    },
    StepTick {
        back: bool,
    },
    /// One bar of the watched interval.
    StepBar {
        back: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Range {
    pub from_ms: f64,
    pub to_ms: f64,
}

/// What can be done with the sessions of the tape on the deck, by their numbers in the frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum SessionCommand {
    /// Goes on with it, from the same moment of the tape; with `resume` from where it was left.
    Take {
        number: u32,
        resume: bool,
    },
    Rename {
        number: u32,
        name: String,
    },
    Archive {
        number: u32,
        archived: bool,
    },
    /// It can be brought back by its id.
    Delete {
        number: u32,
    },
    BringBack {
        id: String,
    },
}

/// One picture of the desk. At most one is in flight: the next is sent after the page has drawn this one and said so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Frame {
    /// Grows whenever what was drawn before is no longer true (a seek, another deck, pair or interval, or more new bars than a
    /// frame carries). The page then asks for `history` and `timeline` again, and ignores bars of an older generation.
    pub generation: u32,
    pub deck: Deck,
    pub clock: Clock,
    pub transport: TransportState,
    pub tape: Tape,
    pub watch: Watch,
    /// One for each pair of the watchlist, in its order.
    pub rows: Vec<Row>,
    /// Bars of the watched pair that changed since the last frame, oldest first; the last may be `forming`.
    pub bars: Vec<Bar>,
    pub health: Health,
    /// The account of what is on the deck, when it is not as the last frame had it.
    pub trading: Option<TradingFrame>,
    /// The sessions of the tape on the deck, when they are not as the last frame had them; none on the live deck.
    pub sessions: Option<Vec<SessionRow>>,
    /// The last one that was started, running or not.
    pub backfill: Option<Backfill>,
    /// The last comparison of two sessions that was started, running or not.
    pub comparing: Option<Comparing>,
    /// Notes of the analyst that are known where the deck stands.
    pub noted: u32,
    /// The last model that was fetched, or is being fetched.
    pub pulling: Option<Pulling>,
    /// Standing messages, most important first; empty when all is well.
    pub notices: Vec<Notice>,
}

/// One account on a tape. Whoever goes back and trades forks it; the one before is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SessionRow {
    pub number: u32,
    /// On disk. None of the account of the tape itself, and of one that nobody has traded on.
    pub id: Option<String>,
    pub name: String,
    /// The session it left, by its number.
    pub left: Option<u32>,
    /// Where it left it.
    pub left_at: Option<String>,
    /// Orders placed on it, those from before it parted included; of what was recorded live they are not counted.
    pub orders: Option<u32>,
    /// The farthest that was played of it, and the equity there.
    pub reached_at: Option<String>,
    pub equity: Option<String>,
    pub archived: bool,
    /// The one on the deck.
    pub on_deck: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Clock {
    pub at_ms: f64,
    /// `2024-01-01 14:07:31.482`, UTC; empty before the first event.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct TransportState {
    pub playing: bool,
    /// `None` is max.
    pub speed: Option<u32>,
    /// A seek or a long step still under way: 0 to 1.
    pub progress: Option<f64>,
    /// The tape has been played to its end.
    pub at_end: bool,
    /// Played again and again.
    pub r#loop: Option<Range>,
}

/// What is recorded on this deck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Tape {
    pub name: String,
    pub from_ms: f64,
    pub to_ms: f64,
    /// Trades played so far, of all there are on a finished tape.
    pub trade: u32,
    pub trades: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Row {
    pub pair: String,
    /// Made by the generator, not by a market. Said wherever the pair is shown.
    pub simulated: bool,
    pub last: Option<String>,
    /// Last against the price a day ago, or against the first known price when less than a day is known, in percent: `+0.84`.
    pub change_pct: Option<String>,
    /// (ask − bid) ÷ mid, in basis points with one decimal; absent where no quote is known.
    pub spread_bp: Option<String>,
    /// Seconds of tape time since the last event of this pair.
    pub age_s: Option<f64>,
    /// Up to 60 last closes, oldest first; sent when it changed, absent otherwise.
    pub spark: Option<Vec<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Bar {
    /// Start of the window.
    pub time_ms: f64,
    pub open: String,
    pub high: String,
    pub low: String,
    pub close: String,
    pub volume: String,
    pub tick_count: u32,
    pub quality: Quality,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    Complete,
    Gap,
    Backfilled,
    Synthetic,
    Late,
    Forming,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Health {
    pub feed: FeedState,
    /// A few words: `connected`, `retrying in 4 s: connection refused`.
    pub feed_text: String,
    pub messages_per_s: f64,
    /// Recent median time from a frame's arrival to its sync, in milliseconds; absent until something was written.
    pub journal_p50_ms: Option<f64>,
    /// False when the journal can not write: the text says why.
    pub journal_ok: bool,
    pub journal_text: String,
    /// The counts of the live feed: frames = the sum of all the others.
    pub counts: Counts,
}

/// Invariant 11: nothing is dropped in silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Counts {
    pub frames: u32,
    pub trades: u32,
    pub quotes: u32,
    pub control: u32,
    pub history: u32,
    pub ignored: u32,
    pub duplicates: u32,
    pub quarantined: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    Off,
    Connecting,
    Connected,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Notice {
    pub level: NoticeLevel,
    /// Stable, for tests and for choosing not to be told again.
    pub code: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}
