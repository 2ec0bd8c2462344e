//! Where every frame went. The desk shows these.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Frames of a feed, or rows of a file.
    pub frames: u64,
    /// Prints taken, in order or not.
    pub trades: u64,
    pub quotes: u64,
    /// Bars taken from a file.
    pub candles: u64,
    /// Heartbeats, subscriptions, errors of the venue.
    pub control: u64,
    /// `last_match` prints that had not been seen.
    pub history: u64,
    /// Kinds this app does not use.
    pub ignored: u64,
    pub duplicates: u64,
    pub quarantined: u64,
    /// Waiting for the next frame to say whether its time can be true: 0 or 1.
    pub held: u64,
    /// Of those taken: a number had more than eight decimals.
    pub rounded: u64,
    /// Prints fetched to fill gaps. Not frames.
    pub fetched: u64,
    /// Fetched, though seen meanwhile.
    pub fetched_duplicates: u64,
    /// Fetched, and refused.
    pub fetched_quarantined: u64,
}

impl Counts {
    /// Equals `frames`, always: nothing is dropped in silence.
    pub fn accounted(&self) -> u64 {
        self.trades
            + self.quotes
            + self.candles
            + self.control
            + self.history
            + self.ignored
            + self.duplicates
            + self.quarantined
            + self.held
    }
}
