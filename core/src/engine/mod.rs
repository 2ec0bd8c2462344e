//! The pure engine: `step(&mut Market, &Stamped, outputs)`. No I/O, no clock of its own, no randomness, no floats.

mod candles;
mod desk;
pub mod fold;
mod gaps;
mod market;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Lanes, MOST_PAID_IN};
pub use market::{LastQuote, LastTrade, Market, PairMarket};

/// Grows whenever the same tape would give another state or other outputs. Checkpoints of another version are not used.
pub const ENGINE_VERSION: u32 = 2;

/// How far the watermark trails the newest event of a (source, pair), in nanoseconds.
pub const WATERMARK_LAG: i64 = 5 * crate::domain::time::SECOND;

/// Closed minutes kept per (source, pair), so that a late tick can correct them: two days.
pub const RETAINED_MINUTES: usize = 2_880;

/// Open gaps kept per (source, pair); beyond it the oldest is forgotten, and counted.
pub const RETAINED_GAPS: usize = 4_096;
