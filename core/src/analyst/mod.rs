//! A view of one pair, in a closed enum and two sentences: facts, a brief of them, an answer by a model or by rules, and what is made of it. Pure.
//!
//! ```text
//!  candles, quote, matches ─▶ facts ─▶ brief ─▶ model ─▶ check ─▶ note
//!                                └────▶ rules ──────────▶ check ──┘
//! ```
//!
//! Read in this order: `facts` (what may be said), `brief` (how a model is asked), `check` (what of its answer may be shown), `rules` (who answers without a
//! model), `note` (what is kept), `score` (what it was worth).
//!
//! **Architecture Invariant:** a number that is shown is a number of the brief. A text with another is refused, and kept as refused.
//!
//! **Architecture Invariant:** nothing of an answer reaches an order but its stance.

pub mod brief;
pub mod check;
pub mod facts;
pub mod note;
pub mod rules;
pub mod score;
#[cfg(test)]
mod tests;

pub use check::{NumberInText, Refusal, Said};
pub use facts::{Fact, Facts, Past, Unit};
pub use note::{Author, Note, NoteError, Outcome};
pub use score::{Call, Score};
