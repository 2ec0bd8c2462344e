//! Tapedeck's core: everything the app knows is a pure function of one ordered record of inputs.
//!
//! ```text
//!  Coinbase ─┐
//!  files     ├─ ingest ─▶ JOURNAL ─▶ ENGINE ─▶ outputs ─▶ candles, frames, reports
//!  REST      ┘  (dedupe,   (ordered,  (pure
//!                gaps)      durable)   step)
//! ```
//!
//! Read the modules in this order; data flows down the list and nothing imports upward.

pub mod domain;

pub mod clock;
mod failpoint;
pub mod metrics;

pub mod consensus;
pub mod indicators;
pub mod jobs;
pub mod ledger;
pub mod paper;
pub mod patterns;

pub mod analyst;
pub mod engine;

pub mod ingest;
pub mod journal;
pub mod tiers;

pub mod session;

pub mod reconcile;
pub mod report;

pub mod api;

pub mod cli;
