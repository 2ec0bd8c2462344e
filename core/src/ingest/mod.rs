//! Venue bytes and files → journal inputs.
//!
//! ```text
//! coinbase::supervise ─ stream ─▶ bytes ─▶ coinbase::wire ─┐
//! tape (files) ──────────────────▶ rows ───────────────────┼─▶ Message ─▶ Lane ─▶ (tape time, Input)
//! coinbase::rest ────────────────▶ ticks, candles ─────────┘
//! ```
//!
//! Architecture Invariant: the lane decides without I/O and without a clock, so the same bytes in the same order give the same
//! inputs, live or from a file. Nothing is dropped in silence: see [`counts::Counts::accounted`].

pub mod coinbase;
pub mod counts;
pub mod horizon;
pub mod lane;
pub mod message;
pub mod quarantine;
pub mod sequence;
pub mod tape;

mod decimal;
mod recent;
mod stamp;
mod trades;

pub use counts::Counts;
pub use lane::Lane;
pub use message::Message;
pub use quarantine::{Place, Quarantined};
