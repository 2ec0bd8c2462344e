//! What a front end may ask, and what it is told. The command line and the desk both stand on this.

pub mod backfill;
pub mod comparison;
pub mod config;
mod deck;
pub mod desk;
pub mod directory;
mod error;
mod history;
#[cfg(test)]
mod look_ahead;
pub mod models;
pub mod notes;
pub mod patterns;
pub mod pipeline;
pub mod series;
pub mod sql;
pub mod studies;
pub mod trading;
pub mod view;

pub use error::ApiError;
pub use history::{CandleRequest, candles};
