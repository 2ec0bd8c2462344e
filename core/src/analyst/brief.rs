//! The facts as they are told to a model, and what it is asked to do with them.

use serde_json::{Value, json};

use super::check::MOST_CHARACTERS;
use super::facts::Facts;
use crate::domain::Stance;

/// Of the prompt and of the rules a reply is read by: notes of different versions are not compared.
pub const PROMPT_VERSION: u16 = 1;

/// What is sent. All of it is made here, of a pair's name and of numbers: nothing from outside can speak in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    pub system: String,
    pub user: String,
}

impl Brief {
    pub fn of(facts: &Facts) -> Self {
        Self { system: SYSTEM.to_owned(), user: user(facts) }
    }
}

const SYSTEM: &str = "\
You are the analyst of a trading desk. You are given facts of one pair, and you say what they mean.

Answer with one JSON object and nothing else: {\"stance\": \"bullish\" or \"bearish\" or \"neutral\", \"confidence\": a number from 0 \
to 1, \"sentences\": one or two short sentences}.

The sentences are read by a program, which refuses them if one rule is broken:
- English, plain words of the market, two sentences at most, 600 characters at most.
- Every number is one of the facts, with its unit and its sign, in digits. Rounding is allowed. Calculate nothing.
- Say of each number what it is, and over how long, as the fact does: \"the price rose 0.50 % over 60 minutes\".
- No number in words, no dates, no ranges with a dash, no quotation marks, no brackets, no markup, no addresses.
- No pair and no asset but the one you are given. No orders and no advice.
If the facts say little, the stance is neutral.";

fn user(facts: &Facts) -> String {
    let mut text = format!("Pair: {}\nAs of: {}\nFacts:\n", facts.pair, facts.as_of);
    for (place, fact) in facts.list.iter().enumerate() {
        let word = fact.word().map(|word| format!(" ({word})")).unwrap_or_default();
        text.push_str(&format!("{}. {}: {}{word}\n", place + 1, fact.kind.label(), fact.text(facts.pair)));
    }
    text
}

/// The JSON schema of a reply, for servers that hold a model to one. A reply is checked all the same.
pub fn reply_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "stance": { "type": "string", "enum": Stance::ALL.map(Stance::as_str) },
            "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
            "sentences": { "type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS },
        },
        "required": ["stance", "confidence", "sentences"],
        "additionalProperties": false,
    })
}
