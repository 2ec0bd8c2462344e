//! Sessions over tapes: the live one, which records, and the sample, which plays.

pub mod archive;
pub mod import;
pub mod live;
pub mod moving;
pub mod player;
pub mod quarantine;
pub mod recorder;
pub mod replay;
pub mod sample;
