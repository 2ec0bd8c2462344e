//! Facts of a pair, what a model or fixed rules say of them, and whether each number of it is true. Pure: who asks the model is an edge.
//!
//! ```text
//!  candles, quote, patterns ─▶ facts ─▶ brief ─▶ (model) ─▶ check ─▶ Said or Refusal ─┐
//!                                └────▶ rules ────────────────────▶ Said ────────────┴─▶ note ─▶ Opinion ─▶ score
//! ```
//!
//! Read in this order: `facts` (what is known), `brief` (as it is told to a model), `check` (what of a reply may be shown), `rules` (an
//! analyst without a model), `note` (what is kept), `score` (whether it was right).
//!
//! **Architecture Invariant:** no text of a model is shown as said unless every word of it is in the desk's vocabulary and every number
//! of it is a fact of its brief.

pub mod brief;
pub mod check;
pub mod facts;
pub mod note;
pub mod ollama;
pub mod rules;
pub mod score;

#[cfg(test)]
mod tests;

pub use brief::{Brief, PROMPT_VERSION, reply_schema};
pub use check::{MOST_CHARACTERS, MOST_REPLY_BYTES, NumberInText, Refusal, Said, check};
pub use facts::{Fact, Facts, Kind, MINUTES_NEEDED, Unit};
pub use note::{Author, Failure, Note, NoteError, Outcome};
pub use score::{Calibration, Call, FEWEST_CALLS, Score, score};
