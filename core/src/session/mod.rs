//! Sessions over tapes: the live one, which records, and the sample, which plays.

pub mod account;
mod advice;
pub mod advisor;
pub mod alike;
pub mod archive;
pub mod backfill;
pub mod books;
pub mod compare;
pub mod engine;
pub mod import;
pub mod kept;
pub mod live;
pub mod memory;
pub mod moving;
pub mod orders;
pub mod playable;
pub mod played;
pub mod player;
pub mod quarantine;
pub mod recorded;
pub mod recorder;
pub mod retention;
pub mod run;
pub mod sample;
mod shapes;
pub mod sweep;
pub mod tape;
