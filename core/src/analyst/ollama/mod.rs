//! The client of a local model server that speaks Ollama's API (version 0.5 or later, for answers that follow a schema).
//!
//! The server is not trusted. It may be any program at the address the user typed, and a model can be made to say
//! anything. So every call has a deadline over all of it, every answer a bound before it is parsed, and no text of the
//! server reaches a person but through a `Quote`.
//!
//! Read in this order: `address` and `name` (what the user typed), `quote` and `error` (what may be shown), `ask`, `models`
//! and `pull` (pure: bytes to send, bytes to read), `transport` and `server` (the wire).
//!
//! **Architecture Invariant:** of ollama-rs only the types of a request are used. Its transport reads an answer to the end
//! however long it is, follows redirects and goes through proxies. Its types of an answer lack `done_reason`, `details`
//! and `error`, and where they flatten, numbers are lost under the `arbitrary_precision` that other crates turn on.

mod address;
mod ask;
mod error;
mod models;
mod name;
mod pull;
mod quote;
mod server;
mod transport;

pub use address::{Address, DEFAULT_URL, UrlError};
pub use ask::{Ask, MOST_ANSWER_BYTES, MOST_CONTENT_BYTES, MOST_QUESTION_BYTES, MOST_TOKENS, Reply};
pub use error::CallError;
pub use models::Model;
pub use name::{LONGEST_NAME, ModelName, NameError};
pub use pull::{MOST_LINE_BYTES, MOST_PULL_BYTES, PULL_IDLE, Pulled};
pub use quote::{LONGEST_QUOTE, Quote};
pub use server::Server;
