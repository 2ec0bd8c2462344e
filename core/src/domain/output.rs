//! What the engine says happened. A pure function of the inputs before it.

use super::input::MissingTrades;
use super::{Candle, Decision, EventTime, Fill, OrderId, OrderReport, Pair, Reason, RiskState, Source, Transfer};

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

/// What a step did to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskOutput {
    Order(OrderReport),
    Fill(Fill),
    Transfer(Transfer),
    /// A command that could not be done. Nothing was changed.
    Refused {
        id: Option<OrderId>,
        reason: Reason,
    },
    /// A command that had been done before. Nothing was changed.
    Exists {
        id: OrderId,
    },
    Risk {
        state: RiskState,
        reason: Option<Reason>,
    },
    /// Of the consensus, whatever it came to.
    Decision(Decision),
}
