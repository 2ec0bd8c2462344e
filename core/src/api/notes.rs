//! A note on a pair: what the analyst says of it, and the fact behind each number.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ApiError;
use super::patterns::{AlikeRequest, Asked, newest_minutes, nothing_recorded};
use crate::analyst::{Author, Fact, Facts, MINUTES_NEEDED, Note, NumberInText, Outcome, rules};
use crate::domain::TapeTime;
use crate::session::alike::in_table;
use crate::session::recorder::Recorder;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoteView {
    pub id: String,
    pub pair: String,
    pub source: String,
    /// End of the newest minute it was told of.
    pub as_of: String,
    /// `rules`, or the name of a model.
    pub author: String,
    /// None of one that was refused.
    pub stance: Option<String>,
    /// 0 to 1.
    pub confidence: Option<String>,
    pub text: Option<String>,
    pub numbers: Vec<NumberView>,
    pub facts: Vec<FactView>,
}

/// A number of the text, and the name of the fact it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberView {
    pub number: String,
    pub fact: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactView {
    pub name: String,
    pub label: String,
    /// As it is shown, with its unit.
    pub value: String,
    /// A sentence.
    pub source: String,
    /// A query that shows the rows it was computed of.
    pub sql: Option<String>,
}

/// What the rules say of a pair, by what was known at a moment. Nothing is kept of it.
///
/// Errors: `nothing_recorded` of a pair that has no candles by then.
pub async fn note_at(directory: &Path, recorder: &Recorder, request: &AlikeRequest) -> Result<NoteView, ApiError> {
    let journal = recorder.journal().reader();
    let cursor = request.at.unwrap_or(TapeTime::from_nanos(i64::MAX));
    let minutes = newest_minutes(&journal, request, cursor, MINUTES_NEEDED)?;
    let Some(newest) = minutes.last().copied() else { return Err(nothing_recorded(request.pair)) };
    let asked = Asked::of(request.pair, request.at.unwrap_or(newest.tape_time), minutes.clone());
    let alike = match asked.question() {
        Some(question) => Some(in_table(directory, &question, request.across, None).await?),
        None => None,
    };
    let answer = alike.as_ref().map(|alike| &alike.answer);
    let facts = Facts::of(&minutes, None, answer).ok_or_else(|| nothing_recorded(request.pair))?;
    let said = rules::say(&facts);
    Ok(NoteView::from(&Note::new(Author::Rules, facts, Outcome::Said(said), 0)))
}

impl From<&Note> for NoteView {
    fn from(note: &Note) -> Self {
        let said = match &note.outcome {
            Outcome::Said(said) => Some(said),
            Outcome::Refused { .. } | Outcome::Failed { .. } => None,
        };
        let number = |number: &NumberInText, text: &str| NumberView {
            number: text[number.from as usize..number.to as usize].to_owned(),
            fact: note.facts.list[number.fact as usize].kind.name().to_owned(),
        };
        Self {
            id: note.id.to_string(),
            pair: note.pair().to_string(),
            source: note.source().to_string(),
            as_of: note.as_of().to_string(),
            author: match &note.author {
                Author::Rules => "rules".to_owned(),
                Author::Model { name } => name.clone(),
            },
            stance: said.map(|said| said.stance.to_string()),
            confidence: said.map(|said| said.confidence.to_string()),
            text: said.map(|said| said.text.clone()),
            numbers: said.map_or_else(Vec::new, |said| said.numbers.iter().map(|n| number(n, &said.text)).collect()),
            facts: note.facts.list.iter().map(|fact| FactView::of(fact, &note.facts)).collect(),
        }
    }
}

impl FactView {
    fn of(fact: &Fact, facts: &Facts) -> Self {
        Self {
            name: fact.kind.name().to_owned(),
            label: fact.kind.label().to_owned(),
            value: fact.text(facts.pair),
            source: fact.kind.source().to_owned(),
            sql: facts.sql(fact),
        }
    }
}
