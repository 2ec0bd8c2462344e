//! What of a reply may be shown: all of it or nothing.
//!
//! A reply is hostile until read. Its text is read as this and nothing else: words of a closed vocabulary ([`words`]), the pair's own
//! name, and numbers in one notation ([`numbers`]). So a number in words, in another script or language, another asset, an address
//! or an order to anyone is refused because it is not known, and not because somebody thought of it. Then every number has to be a fact, of
//! the kind, length and direction that the words around it say ([`claims`]). When in doubt it is refused: a refusal costs a note.
//!
//! What it does not do: judge a sentence without numbers. "Momentum is strong" is an opinion.

mod claims;
mod numbers;
mod refusal;
mod tokens;
mod words;

use serde::{Deserialize, Serialize};

pub use refusal::Refusal;

use super::facts::Facts;
use crate::domain::money::ONE;
use crate::domain::{Rate, Stance};

/// Of a whole reply.
pub const MOST_REPLY_BYTES: usize = 64 * 1_024;
/// Of its text.
pub const MOST_CHARACTERS: usize = 600;
pub const MOST_SENTENCES: usize = 2;

/// What may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub stance: Stance,
    /// 0 to 1, as the analyst says.
    pub confidence: Rate,
    pub text: String,
    /// Every number of the text, in its order. None overlaps another.
    pub numbers: Vec<NumberInText>,
}

/// Which fact a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberInText {
    /// Bytes of the text, `[from, to)`, the number with its sign and unit.
    pub from: u32,
    pub to: u32,
    /// Its place in [`Facts::list`]. A length of time (`60-minute`) leads to the fact of the number it is said of.
    pub fact: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    stance: Stance,
    confidence: f64,
    sentences: String,
}

/// Reads a model's reply. Errors: the first thing that is wrong with it.
pub fn check(facts: &Facts, reply: &[u8]) -> Result<Said, Refusal> {
    if reply.len() > MOST_REPLY_BYTES {
        return Err(Refusal::ReplyTooLong { bytes: reply.len() as u64 });
    }
    let reply = std::str::from_utf8(reply).map_err(|_| Refusal::NotText)?;
    let reply: Reply = serde_json::from_str(reply).map_err(|wrong| match wrong.classify() {
        serde_json::error::Category::Data => Refusal::NotTheForm,
        _ => Refusal::NotJson,
    })?;
    if !(0.0..=1.0).contains(&reply.confidence) {
        return Err(Refusal::Confidence);
    }
    let confidence = Rate::from_units((reply.confidence * ONE as f64).round() as i64);
    checked(facts, reply.stance, confidence, reply.sentences.trim_matches(' '))
}

/// Reads the text alone: for what was made here, and for what was stored.
pub(super) fn checked(facts: &Facts, stance: Stance, confidence: Rate, text: &str) -> Result<Said, Refusal> {
    if !(Rate::ZERO..=Rate::from_units(ONE)).contains(&confidence) {
        return Err(Refusal::Confidence);
    }
    let tokens = tokens::read(text, facts.pair)?;
    let numbers = claims::resolve(&tokens, text, facts)?;
    Ok(Said { stance, confidence, text: text.to_owned(), numbers })
}
