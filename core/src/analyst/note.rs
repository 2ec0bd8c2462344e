//! What is kept of one time that an analyst was asked.

use serde::{Deserialize, Serialize};

use super::brief::PROMPT_VERSION;
use super::check::{Refusal, Said, checked};
use super::facts::{Facts, Kind};
use crate::domain::{EventTime, NoteId, Opinion, Pair, Source};

/// The first byte of a stored note.
const FORMAT: u8 = 1;

/// Of a reply that is kept though refused, and of what is kept of a failure.
pub const MOST_KEPT_BYTES: usize = 4 * 1_024;
/// Of a model's name.
const MOST_NAME_BYTES: usize = 200;
/// Of a whole stored note: far more than the bounds of its parts come to.
const MOST_BYTES: usize = 64 * 1_024;
const MOST_MATCHED: usize = 1_000;
/// No price, share or ratio comes near it; sums of it do not overflow.
const LARGEST: u128 = 10u128.pow(30);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    Rules,
    /// As the server calls it. Shown as text and never sent anywhere but there.
    Model {
        name: String,
    },
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    Unreachable,
    TimedOut,
    TooLarge,
    /// The server answered with an error.
    ServerError,
    NoSuchModel,
    /// The answer broke off, or was not of the protocol.
    Broken,
    Cancelled,
}

impl Failure {
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::ServerError => "server_error",
            Self::NoSuchModel => "no_such_model",
            Self::Broken => "broken",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreachable => "The model's server can not be reached.",
            Self::TimedOut => "The model did not answer in time.",
            Self::TooLarge => "The answer was larger than what is read.",
            Self::ServerError => "The model's server answered with an error.",
            Self::NoSuchModel => "The server does not have this model.",
            Self::Broken => "The answer broke off, or was not of the protocol.",
            Self::Cancelled => "The question was cancelled.",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Said(Said),
    /// `reply` is what was refused, cut to [`MOST_KEPT_BYTES`]. Hostile: to be shown as text, and as refused.
    Refused {
        refusal: Refusal,
        reply: String,
    },
    /// `detail` is for the log, cut alike.
    Failed {
        why: Failure,
        detail: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub id: NoteId,
    pub author: Author,
    pub facts: Facts,
    pub prompt_version: u16,
    pub outcome: Outcome,
    /// Between question and answer. No part of the id: the same answer a second later is the same note.
    pub latency_ms: u32,
}

/// Why bytes are no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note has {0} bytes, and at most 65 536 are read")]
    TooLong(usize),
    #[error("the note is of format {0}, and this program reads format 1")]
    Format(u8),
    #[error("the note can not be read")]
    Damaged,
    #[error("the note has more in it than a note has, or in another order")]
    OutOfBounds,
    #[error("the note says what its facts do not")]
    Unsupported,
    #[error("the note is not the one its id was made of")]
    Id,
}

impl Note {
    /// What is too long to keep is cut.
    pub fn new(author: Author, facts: Facts, outcome: Outcome, latency_ms: u32) -> Self {
        let author = match author {
            Author::Rules => Author::Rules,
            Author::Model { name } => Author::Model { name: cut(name, MOST_NAME_BYTES) },
        };
        let outcome = match outcome {
            Outcome::Said(said) => Outcome::Said(said),
            Outcome::Refused { refusal, reply } => Outcome::Refused { refusal, reply: cut(reply, MOST_KEPT_BYTES) },
            Outcome::Failed { why, detail } => Outcome::Failed { why, detail: cut(detail, MOST_KEPT_BYTES) },
        };
        let id = id(&author, &facts, PROMPT_VERSION, &outcome);
        Self { id, author, facts, prompt_version: PROMPT_VERSION, outcome, latency_ms }
    }

    pub fn pair(&self) -> Pair {
        self.facts.pair
    }

    pub fn source(&self) -> Source {
        self.facts.source
    }

    /// The newest that the analyst was told of.
    pub fn as_of(&self) -> EventTime {
        self.facts.as_of
    }

    /// What a desk may go by. None of a note that was refused or failed.
    pub fn opinion(&self) -> Option<Opinion> {
        let Outcome::Said(said) = &self.outcome else { return None };
        Some(Opinion {
            pair: self.pair(),
            as_of: self.as_of(),
            stance: said.stance,
            confidence: said.confidence,
            note: self.id,
        })
    }

    /// A format byte, then postcard.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(encoded(self));
        bytes
    }

    /// Trusts nothing: bounds are looked at again, the id is made again, and what it says is read against its facts again, unless it was
    /// made by other rules than today's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MOST_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let (format, rest) = bytes.split_first().ok_or(NoteError::Damaged)?;
        if *format != FORMAT {
            return Err(NoteError::Format(*format));
        }
        let (note, left): (Self, _) = postcard::take_from_bytes(rest).map_err(|_| NoteError::Damaged)?;
        // Two encodings of one note would be two records of it.
        if !left.is_empty() || note.to_bytes() != bytes {
            return Err(NoteError::Damaged);
        }
        if !note.is_bounded() {
            return Err(NoteError::OutOfBounds);
        }
        if note.id != id(&note.author, &note.facts, note.prompt_version, &note.outcome) {
            return Err(NoteError::Id);
        }
        if !note.is_supported() {
            return Err(NoteError::Unsupported);
        }
        Ok(note)
    }

    fn is_bounded(&self) -> bool {
        let facts = &self.facts;
        let ordered = facts.list.is_sorted_by(|one, other| one.kind < other.kind);
        let sized = facts.list.iter().all(|fact| fact.value.unsigned_abs() <= LARGEST && fact.from <= fact.to);
        let named = match &self.author {
            Author::Rules => true,
            Author::Model { name } => name.len() <= MOST_NAME_BYTES,
        };
        let kept = match &self.outcome {
            Outcome::Said(_) => true,
            Outcome::Refused { reply, .. } => reply.len() <= MOST_KEPT_BYTES,
            Outcome::Failed { detail, .. } => detail.len() <= MOST_KEPT_BYTES,
        };
        let prices = [Kind::LastClose, Kind::Bid, Kind::Ask].into_iter().filter_map(|kind| facts.get(kind));
        ordered
            && sized
            && named
            && kept
            && facts.matched.len() <= MOST_MATCHED
            && prices.into_iter().all(|fact| fact.value > 0)
    }

    fn is_supported(&self) -> bool {
        let Outcome::Said(said) = &self.outcome else { return true };
        if self.prompt_version == PROMPT_VERSION {
            return checked(&self.facts, said.stance, said.confidence, &said.text).as_ref() == Ok(said);
        }
        // Older rules are not here to be asked; what would break the page is looked at all the same.
        let mut end = 0;
        said.numbers.iter().all(|number| {
            let (from, to) = (number.from as usize, number.to as usize);
            let is_sound = end <= from && from < to && said.text.get(from..to).is_some();
            end = to;
            is_sound && (number.fact as usize) < self.facts.list.len()
        })
    }
}

/// Each part with its length before it, so that no two notes make one text.
fn id(author: &Author, facts: &Facts, prompt_version: u16, outcome: &Outcome) -> NoteId {
    let parts = [encoded(author), encoded(facts), encoded(&prompt_version), encoded(outcome)];
    let mut text = String::from("note");
    for part in parts {
        text.push_str(&format!("\0{}:{}", part.len(), blake3::hash(&part)));
    }
    NoteId::of(&text)
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("a note has only sized fields")
}

/// At most so many bytes, and whole characters.
fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}
