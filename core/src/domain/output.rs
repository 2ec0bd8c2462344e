//! What the engine says happened. A pure function of the inputs before it.

use super::input::MissingTrades;
use super::{Candle, EventTime, Pair, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Closed, or corrected (`revision` above 0).
    Candle(Candle),
    /// An accepted trade behind its pair's watermark. Its candle follows as a revision, unless `window_lost`.
    Late {
        source: Source,
        pair: Pair,
        event_time: EventTime,
        window_lost: bool,
    },
    GapOpened {
        source: Source,
        missing: MissingTrades,
    },
    GapClosed {
        source: Source,
        missing: MissingTrades,
    },
}
