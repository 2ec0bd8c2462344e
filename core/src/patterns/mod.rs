//! An hour of closes as a shape, the hours that looked like it, and what came after them. Pure.
//!
//! ```text
//!  candles ─▶ build ─▶ patterns (shape, outcome, when it could be known)
//!                          │
//!  the last hour ─▶ shape ─┴─▶ matches: nearest first, each hour once ─▶ mean, interval, base rate
//! ```
//!
//! Nothing here sees a pattern before its outcome was known: see [`matches::find`].

pub mod bootstrap;
pub mod build;
pub mod matches;
pub mod outcome;
pub mod shape;

pub use build::{Builder, Change, Pattern, PatternId};
pub use matches::{Answer, Asked, Found, Past};
pub use outcome::Outcome;
pub use shape::{MINUTES, Shape, WIDTH};
