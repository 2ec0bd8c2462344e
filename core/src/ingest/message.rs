//! What a frame or a row of a file says, before the lane has judged it.

use std::borrow::Cow;

use crate::domain::input::ImportedCandle;
use crate::domain::time::MINUTE;
use crate::domain::{EventTime, Pair, Tick, TickKind, TradeId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A print. Its `arrival` is decided by the lane. `rounded`: a number had more than eight decimals.
    Trade {
        tick: Tick,
        rounded: bool,
    },
    /// `last_match`: the newest print at the time of subscribing. History, not news.
    History {
        tick: Tick,
        rounded: bool,
    },
    /// `last_trade` is the ticker's own hint at the print it goes with.
    Quote {
        tick: Tick,
        last_trade: Option<TradeId>,
        rounded: bool,
    },
    Heartbeat {
        pair: Pair,
        last_trade_id: TradeId,
        time: EventTime,
    },
    /// A bar of a file.
    Candle {
        candle: ImportedCandle,
        rounded: bool,
    },
    Control {
        kind: Cow<'static, str>,
    },
    /// The venue complains, such as of a delisted pair. Counts as control; its text is for the user.
    VenueError {
        message: String,
        reason: String,
    },
    /// A kind this app does not use.
    Ignored {
        kind: Cow<'static, str>,
    },
}

impl Message {
    /// When it happened, by the venue; a bar is known when its window ends.
    pub fn time(&self) -> Option<EventTime> {
        match self {
            Self::Trade { tick, .. } | Self::History { tick, .. } | Self::Quote { tick, .. } => Some(tick.event_time),
            Self::Heartbeat { time, .. } => Some(*time),
            Self::Candle { candle, .. } => Some(candle.window_start.plus_nanos(MINUTE)),
            Self::Control { .. } | Self::VenueError { .. } | Self::Ignored { .. } => None,
        }
    }

    pub(crate) fn pair(&self) -> Option<Pair> {
        match self {
            Self::Trade { tick, .. } | Self::History { tick, .. } | Self::Quote { tick, .. } => Some(tick.pair),
            Self::Heartbeat { pair, .. } => Some(*pair),
            Self::Candle { candle, .. } => Some(candle.pair),
            Self::Control { .. } | Self::VenueError { .. } | Self::Ignored { .. } => None,
        }
    }

    /// The same event of the venue told again, whenever it was received: an echo proves nothing.
    pub(crate) fn echoes(&self, other: &Self) -> bool {
        let print = |tick: &Tick| (tick.pair, tick.event_time, tick.trade().map(|trade| trade.trade_id));
        match (self, other) {
            (
                Self::Trade { tick: a, .. } | Self::History { tick: a, .. },
                Self::Trade { tick: b, .. } | Self::History { tick: b, .. },
            ) => print(a) == print(b),
            (Self::Quote { tick: a, .. }, Self::Quote { tick: b, .. }) => {
                (a.pair, a.event_time, a.sequence) == (b.pair, b.event_time, b.sequence)
            }
            (Self::Candle { candle: a, .. }, Self::Candle { candle: b, .. }) => {
                (a.pair, a.window_start) == (b.pair, b.window_start)
            }
            _ => self == other,
        }
    }

    /// What is shown of it when it is put aside and its bytes are gone.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Trade { tick, .. } | Self::History { tick, .. } | Self::Quote { tick, .. } => match &tick.kind {
                TickKind::Trade(trade) => format!(
                    "{} trade {} of {} at {}, {}",
                    tick.pair, trade.trade_id.0, trade.size, trade.price, tick.event_time
                ),
                TickKind::Quote(quote) => format!(
                    "{} quote {} bid {} ask {}, {}",
                    tick.pair, tick.sequence, quote.best_bid, quote.best_ask, tick.event_time
                ),
            },
            Self::Heartbeat { pair, last_trade_id, time } => {
                format!("{pair} heartbeat at trade {}, {time}", last_trade_id.0)
            }
            Self::Candle { candle, .. } => format!("{} candle of {}", candle.pair, candle.window_start),
            Self::Control { kind } | Self::Ignored { kind } => kind.to_string(),
            Self::VenueError { message, reason } => format!("{message}: {reason}"),
        }
    }
}
