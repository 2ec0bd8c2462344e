//! What the whole-system tests are made of: a venue on the loopback device that keeps the truth about itself, and the
//! plain arithmetic its truth is compared by. Nothing here imports `tapedeck-core`: an oracle that shared its code would
//! share its mistakes.

pub mod bars;
pub mod exchange;
pub mod figures;
pub mod ollama;
pub mod webdriver;
