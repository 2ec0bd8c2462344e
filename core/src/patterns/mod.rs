//! The past hours that looked like this one, and what came after them, honestly counted. Pure: the vectors tier stores and searches.
//!
//! ```text
//!  candles ─▶ build ─▶ Pattern (window, outcome) ─▶ vectors tier
//!                                                        │ nearest, usable at the cursor
//!  live candles ─▶ Window ─▶ Question ──────────────▶ matches ─▶ Answer (followed, base rate)
//! ```
//!
//! Read in this order: `window` and `outcome` (what a pattern is made of), `pattern` (the two, and their name), `build` (when one is
//! made and when it is withdrawn), `distance`, `matches` (which count), `followed` and `bootstrap` (what they say, and how surely).

mod bootstrap;
mod build;
mod distance;
mod followed;
mod matches;
mod outcome;
mod pattern;
mod window;

#[cfg(test)]
pub(crate) mod tests;

pub use bootstrap::{Confidence, Estimate};
pub use build::{Builder, Candles, Event};
pub use distance::{distance, nearest, similarity};
pub use followed::{Followed, QUANTILES, Spread, base_rate};
pub use matches::{Answer, Candidate, DEFAULT_MATCHES, Match, Question, answer, select};
pub use outcome::{OUTCOME_MINUTES, Outcome};
pub use pattern::{Past, Pattern, PatternId, PatternIdError};
pub use window::{Refusal, SHAPE_WIDTH, Shape, VOLATILITY_FLOOR, WINDOW_MINUTES, Window};
