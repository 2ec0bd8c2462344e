//! What is kept of an answer: what it was made from, who made it, and what became of it.

use serde::{Deserialize, Serialize};

use super::brief::PROMPT_VERSION;
use super::check::{MOST_BYTES, Refusal, Said, check, printable};
use super::facts::Facts;
use crate::domain::{NoteId, Opinion};

/// Characters of a refused answer that are kept.
const KEPT: usize = 4_096;

const VERSION: u8 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Author {
    Rules,
    /// By its name on the server.
    Model(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Said(Said),
    /// Not shown as said, and kept with what was written, of which only what can be shown on one line.
    Refused {
        why: Refusal,
        reply: String,
    },
    /// There was no answer.
    Failed {
        code: String,
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// A hash of all the rest: the same answer to the same facts has the same name.
    pub id: NoteId,
    pub author: Author,
    pub facts: Facts,
    pub prompt_version: u32,
    pub outcome: Outcome,
    pub latency_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note was written by a newer Tapedeck")]
    Newer,
    #[error("the note is damaged")]
    Damaged,
}

impl Note {
    pub fn new(author: Author, facts: Facts, outcome: Outcome, latency_ms: u32) -> Self {
        let prompt_version = PROMPT_VERSION;
        let id = id_of(&author, &facts, prompt_version, &outcome);
        Self { id, author, facts, prompt_version, outcome, latency_ms }
    }

    /// Of a model's answer, shown or refused.
    pub fn of_reply(author: Author, facts: Facts, reply: &[u8], latency_ms: u32) -> Self {
        let outcome = match check(reply, &facts) {
            Ok(said) => Outcome::Said(said),
            Err(why) => {
                let text = String::from_utf8_lossy(&reply[..reply.len().min(MOST_BYTES)]);
                Outcome::Refused { why, reply: printable(&text, KEPT) }
            }
        };
        Self::new(author, facts, outcome, latency_ms)
    }

    /// What a desk is told of it; of an answer that was refused, nothing.
    pub fn opinion(&self) -> Option<Opinion> {
        let Outcome::Said(said) = &self.outcome else { return None };
        Some(Opinion {
            pair: self.facts.pair,
            as_of: self.facts.as_of,
            stance: said.stance,
            confidence: said.confidence,
            note: self.id,
        })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(postcard::to_allocvec(self).expect("texts and numbers, and memory is all postcard needs"));
        bytes
    }

    /// Errors: `Damaged` too where the name is not that of what it holds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoteError> {
        let (version, rest) = bytes.split_first().ok_or(NoteError::Damaged)?;
        if *version > VERSION {
            return Err(NoteError::Newer);
        }
        let (note, left): (Self, &[u8]) = postcard::take_from_bytes(rest).map_err(|_| NoteError::Damaged)?;
        let named = id_of(&note.author, &note.facts, note.prompt_version, &note.outcome) == note.id;
        if named && left.is_empty() { Ok(note) } else { Err(NoteError::Damaged) }
    }
}

/// The lengths of texts are in their bytes, so that no two notes are written alike.
fn id_of(author: &Author, facts: &Facts, prompt_version: u32, outcome: &Outcome) -> NoteId {
    let bytes = postcard::to_allocvec(&(author, facts, prompt_version, outcome)).expect("texts and numbers");
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    NoteId::of(&hexadecimal)
}
