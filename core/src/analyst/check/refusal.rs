//! Why a reply is not shown.

use serde::{Deserialize, Serialize};

/// Of what is quoted of a text in a refusal.
const MOST_QUOTED: usize = 40;

/// A code for scripts, a sentence for people. What is quoted is short, and holds nothing that can not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("the reply has {bytes} bytes, and at most 65 536 are read")]
    ReplyTooLong { bytes: u64 },
    #[error("the reply is not text")]
    NotText,
    #[error("the reply is not one JSON object")]
    NotJson,
    #[error("the reply is not of the form that was asked for: stance, confidence, sentences")]
    NotTheForm,
    #[error("the confidence is not a number from 0 to 1")]
    Confidence,
    #[error("the text is empty")]
    Empty,
    #[error("the text has {characters} characters, and at most 600 are shown")]
    TextTooLong { characters: u64 },
    #[error("the text has {count} sentences, and at most 2 are shown")]
    Sentences { count: u64 },
    #[error("the text has the character U+{code:04X}, which can not be seen")]
    Hidden { code: u32 },
    #[error("the text has `{character}`, which is not of the Latin script")]
    Script { character: String },
    #[error("the text has `{character}`, a digit or number that is not one of 0 to 9")]
    Digit { character: String },
    #[error("the text has `{character}`, which is markup, code, or a sign that is not read")]
    Markup { character: String },
    #[error("the text has the address `{text}`")]
    Address { text: String },
    #[error("the text names `{name}`, and is about another pair")]
    Unnamed { name: String },
    #[error("the text has the word `{word}`, which is not in the desk's vocabulary")]
    Word { word: String },
    #[error("the text has the number `{text}` in a notation that is not read")]
    Notation { text: String },
    #[error("the text has the unit `{text}` without a number in digits")]
    Unit { text: String },
    #[error("the text says {text}, and no fact is {text}")]
    Number { text: String },
    #[error("the text says {text}, and no fact is over that time")]
    Window { text: String },
    #[error("the text says {text} up where the fact is down, or down where it is up")]
    Direction { text: String },
    #[error("the text says {text} of something of which it is not a fact")]
    Subject { text: String },
    #[error("the text says `{word} {text}`, and the fact is the number itself")]
    Bound { word: String, text: String },
    #[error("the text denies {text}, or says it of what may come, and the fact is of what was")]
    Supposed { text: String },
}

impl Refusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::ReplyTooLong { .. } => "reply_too_long",
            Self::NotText => "not_text",
            Self::NotJson => "not_json",
            Self::NotTheForm => "not_the_form",
            Self::Confidence => "confidence",
            Self::Empty => "empty",
            Self::TextTooLong { .. } => "text_too_long",
            Self::Sentences { .. } => "sentences",
            Self::Hidden { .. } => "hidden",
            Self::Script { .. } => "script",
            Self::Digit { .. } => "digit",
            Self::Markup { .. } => "markup",
            Self::Address { .. } => "address",
            Self::Unnamed { .. } => "unnamed",
            Self::Word { .. } => "word",
            Self::Notation { .. } => "notation",
            Self::Unit { .. } => "unit",
            Self::Number { .. } => "number",
            Self::Window { .. } => "window",
            Self::Direction { .. } => "direction",
            Self::Subject { .. } => "subject",
            Self::Bound { .. } => "bound",
            Self::Supposed { .. } => "supposed",
        }
    }

    /// As it is shown beside the note.
    pub fn sentence(&self) -> String {
        self.to_string()
    }
}

/// The beginning of a text of unknown origin, what can not be seen written as its code.
pub(in crate::analyst) fn quoted(text: &str) -> String {
    let mut kept = String::new();
    for character in text.chars().take(MOST_QUOTED) {
        if super::tokens::is_hidden(character) {
            kept.push_str(&format!("U+{:04X}", u32::from(character)));
        } else {
            kept.push(character);
        }
    }
    kept
}
