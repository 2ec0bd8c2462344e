//! What the journal holds and the engine steps on. Nothing else reaches the engine.

use serde::{Deserialize, Serialize};

use super::{Amount, Command, EventTime, Pair, Price, ReceivedTime, Seq, Source, TapeTime, Tick, TradeId};

/// An imported bar: known when its window ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedCandle {
    pub pair: Pair,
    pub window_start: EventTime,
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    pub volume: Amount,
}

/// A run of trades that were never seen, between two that were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingTrades {
    pub pair: Pair,
    pub first: TradeId,
    pub last: TradeId,
    /// Event times of the neighbours: every window between them may lack a trade.
    pub after: EventTime,
    pub before: EventTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    Tick(Tick),
    /// Once a second while a session is live. The engine's only now.
    Clock {
        source: Source,
        received: ReceivedTime,
    },
    Candle {
        source: Source,
        candle: ImportedCandle,
    },
    Gap {
        source: Source,
        missing: MissingTrades,
    },
    /// An import has ended: its windows close.
    EndOfTape {
        source: Source,
    },
    /// Of the live desk. Those of other sessions lie with them.
    Command(Command),
}

impl Input {
    /// Whether the cold tier keeps it. The others stay in the journal for good.
    pub fn is_archived(&self) -> bool {
        matches!(self, Self::Tick(_) | Self::Clock { .. })
    }

    pub fn source(&self) -> Source {
        match self {
            Self::Tick(tick) => tick.source,
            Self::Clock { source, .. }
            | Self::Candle { source, .. }
            | Self::Gap { source, .. }
            | Self::EndOfTape { source } => *source,
            Self::Command(_) => Source::Desk,
        }
    }
}

/// An input with its place in the journal and on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    pub seq: Seq,
    pub tape_time: TapeTime,
    pub input: Input,
}
