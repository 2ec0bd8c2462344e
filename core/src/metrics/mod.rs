//! Every figure the program keeps of itself, typed.
//!
//! [`Registry`] is a picture of them all at one moment, filled in by whoever answers a scrape. [`names`] is the one list of what they are
//! called; dashboards and alert rules are checked against it. [`exposition`] writes them as Prometheus reads them, and is pure.
//!
//! Names follow Prometheus: base units (seconds, bytes, shares of one), `_total` for what only grows, the unit before it. A figure that is not
//! known is absent, never zero. Money is written from its integer and never passes through a float.

mod distribution;
mod durations;
pub mod exposition;
pub mod names;
mod registry;

pub use distribution::{ACKNOWLEDGED, ANSWERED, COMMITTED, Distribution, SEARCHED};
pub use durations::Durations;
pub use registry::*;
