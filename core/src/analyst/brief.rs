//! How a model is asked: the facts as lines, and the form its answer has to have.

use serde_json::{Value, json};

use super::facts::Facts;

/// Grows when the words change: a note says by which it was made.
pub const PROMPT_VERSION: u32 = 1;

/// Characters of an answer's text, at most.
pub const LONGEST: usize = 600;

/// What never changes.
pub fn system() -> &'static str {
    "You describe a market for a trader who checks every number. You are given facts. Answer in JSON with three fields: `stance` is Bullish, Bearish or \
     Neutral for the next hour; `confidence` is a number from 0 to 1; `text` is one or two plain English sentences that say why. Use only numbers from the \
     facts, written in digits as they are there, with their sign and unit. Write no other number, no number in words, no other asset, no advice to buy or \
     sell. If the facts say little, the stance is Neutral."
}

/// The facts, one to a line.
pub fn user(facts: &Facts) -> String {
    let mut text = format!("Facts about {} at {}:\n", facts.pair, facts.as_of);
    for fact in &facts.facts {
        text += &format!("- {}: {}{}\n", fact.label, fact.text(), fact.unit.suffix());
    }
    text
}

/// A JSON schema that the server holds the model to, where it can.
pub fn reply_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "stance": { "type": "string", "enum": ["Bullish", "Bearish", "Neutral"] },
            "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
            "text": { "type": "string", "maxLength": LONGEST },
        },
        "required": ["stance", "confidence", "text"],
        "additionalProperties": false,
    })
}
