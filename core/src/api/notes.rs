//! Notes on pairs: what the analyst says, the fact behind each number, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use specta::Type;

use super::ApiError;
use super::patterns::{AlikeRequest, Asked, newest_minutes, nothing_recorded};
use crate::analyst::{self, Author, Brief, Call, Facts, Kind, MINUTES_NEEDED, Note, Outcome, Score, score};
use crate::domain::money::ONE;
use crate::domain::time::MINUTE;
use crate::domain::{EventTime, Pair, Price, Seq, Source, TapeTime};
use crate::journal::{CandleQuery, JournalReader, KeptNote};
use crate::session::alike::in_table;
use crate::session::recorder::Recorder;

/// Rows of one answer.
pub(super) const MOST_NOTES: u32 = 500;

/// Notes a score is made of: of six pairs those of more than a day.
const SCORED: usize = 2_000;

/// How long after a note it is looked at what the price did.
const LATER: i64 = 60 * MINUTE;

/// Of a normal distribution: half of all draws lie within so many standard deviations.
const MEDIAN_OF_NORMAL: f64 = 0.674_489_75;

/// As they were known at the cursor of the deck, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Notes {
    pub notes: Vec<NoteRow>,
    /// Of each author, over the newest notes of the lane that were not asked for in a replay, as far as an hour has gone since.
    pub scores: Vec<ScoreRow>,
    /// There are older ones.
    pub more: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct NoteRow {
    pub id: String,
    pub pair: String,
    /// End of the newest minute it was told of.
    pub as_of_ms: f64,
    /// From when on it was known: the tape stands there when one jumps to it.
    pub known_ms: f64,
    /// `rules`, or the name of a model.
    pub author: String,
    pub is_model: bool,
    /// None of one that was refused or failed.
    pub stance: Option<String>,
    /// 0 to 1.
    pub confidence: Option<String>,
    pub text: Option<String>,
    pub refused: Option<NoteRefusal>,
    pub latency_ms: u32,
    /// Asked for in a replay: it counts for no score.
    pub in_replay: bool,
    /// What the price did in the hour after, in percent; none before that hour is over at the cursor.
    pub after_60_pct: Option<f64>,
    pub hit: Option<bool>,
}

/// Why there is nothing to show of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct NoteRefusal {
    pub code: String,
    pub sentence: String,
}

/// Whether an author was right, beside what saying "up" every time would have come to. None of fewer than twenty calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ScoreRow {
    pub author: String,
    pub n: u32,
    pub hit_rate: Option<f64>,
    pub base_rate: Option<f64>,
    pub brier: Option<f64>,
    pub base_brier: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct NoteView {
    pub row: NoteRow,
    pub facts: Vec<FactRow>,
    pub numbers: Vec<NumberInText>,
    /// What a model wrote that was refused, or what a failure said. Hostile: text, and nothing else.
    pub reply: Option<String>,
    /// The facts as a model is told of them.
    pub prompt: String,
}

/// A number of the text, in UTF-16 units of it, and the place of its fact in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct NumberInText {
    pub from: u32,
    pub to: u32,
    pub fact: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct FactRow {
    pub name: String,
    pub label: String,
    /// As it is shown, with its sign where that says something.
    pub value: String,
    /// Empty of what is only counted.
    pub unit: String,
    /// A sentence.
    pub source: String,
    /// A query that shows the rows it was computed of.
    pub sql: Option<String>,
    pub from_ms: f64,
    pub to_ms: f64,
}

/// What the price was when a minute ended, as far as it is known.
pub(super) type CloseAt<'c> = dyn Fn(Pair, EventTime) -> Option<Price> + 'c;

/// Of notes from the newest to the oldest.
pub(super) fn list(
    notes: impl Iterator<Item = KeptNote>,
    pair: Option<Pair>,
    before: Option<EventTime>,
    limit: usize,
    close_at: &CloseAt<'_>,
) -> Notes {
    let (mut rows, mut calls, mut more) = (Vec::new(), BTreeMap::<String, Vec<Call>>::new(), false);
    for (place, kept) in notes.enumerate() {
        let is_asked_for =
            pair.is_none_or(|pair| kept.note.pair() == pair) && before.is_none_or(|before| kept.note.as_of() < before);
        let is_scored = place < SCORED && !kept.in_replay;
        if is_asked_for && rows.len() == limit {
            more = true;
        }
        if more && place >= SCORED {
            break;
        }
        if !is_scored && !is_asked_for {
            continue;
        }
        let call = call(&kept.note, close_at);
        if is_scored {
            let author = calls.entry(author(&kept.note)).or_default();
            author.extend(call);
        }
        if is_asked_for && !more {
            rows.push(row(&kept, call));
        }
    }
    let scores = calls.into_iter().map(|(author, calls)| scored(author, score(&calls))).collect();
    Notes { notes: rows, scores, more }
}

/// With its facts, by what was known.
pub(super) fn view(kept: &KeptNote, close_at: &CloseAt<'_>) -> NoteView {
    let note = &kept.note;
    let (numbers, reply) = match &note.outcome {
        Outcome::Said(said) => (said.numbers.iter().map(|number| in_utf16(&said.text, number)).collect(), None),
        Outcome::Refused { reply, .. } => (Vec::new(), Some(reply.clone())),
        Outcome::Failed { detail, .. } => (Vec::new(), Some(detail.clone())),
    };
    NoteView {
        row: row(kept, call(note, close_at)),
        facts: note.facts.list.iter().map(|fact| FactRow::of(fact, &note.facts)).collect(),
        numbers,
        reply,
        prompt: Brief::of(&note.facts).user,
    }
}

/// What can be judged of a note. None before its hour is over, or where the price is not known.
fn call(note: &Note, close_at: &CloseAt<'_>) -> Option<Call> {
    let opinion = note.opinion()?;
    let then = close_at(opinion.pair, opinion.as_of).filter(|price| *price > Price::ZERO)?;
    let later = close_at(opinion.pair, opinion.as_of.plus_nanos(LATER))?;
    // Of a price that goes nowhere in particular an hour is the square root of sixty minutes.
    let minute = note.facts.get(Kind::Volatility60).map(|fact| fact.value as f64 / ONE as f64)?;
    Some(Call { opinion, then, later, usual_move: MEDIAN_OF_NORMAL * minute * 60f64.sqrt() })
}

fn row(kept: &KeptNote, call: Option<Call>) -> NoteRow {
    let note = &kept.note;
    let (said, refused) = match &note.outcome {
        Outcome::Said(said) => (Some(said), None),
        Outcome::Refused { refusal, .. } => (None, Some((refusal.code(), refusal.sentence()))),
        Outcome::Failed { why, .. } => (None, Some((why.code(), why.sentence().to_owned()))),
    };
    NoteRow {
        id: note.id.to_string(),
        pair: note.pair().to_string(),
        as_of_ms: note.as_of().to_ms(),
        known_ms: kept.at.to_ms(),
        author: author(note),
        is_model: matches!(note.author, Author::Model { .. }),
        stance: said.map(|said| said.stance.to_string()),
        confidence: said.map(|said| said.confidence.to_string()),
        text: said.map(|said| said.text.clone()),
        refused: refused.map(|(code, sentence)| NoteRefusal { code: code.to_owned(), sentence }),
        latency_ms: note.latency_ms,
        in_replay: kept.in_replay,
        after_60_pct: call.map(|call| call.change()),
        hit: call.map(|call| call.is_hit()),
    }
}

fn author(note: &Note) -> String {
    match &note.author {
        Author::Rules => "rules".to_owned(),
        Author::Model { name } => name.clone(),
    }
}

fn scored(author: String, score: Score) -> ScoreRow {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match score {
        Score::NotEnough { n } => {
            ScoreRow { author, n: count(n), hit_rate: None, base_rate: None, brier: None, base_brier: None }
        }
        Score::Of(of) => ScoreRow {
            author,
            n: count(of.n),
            hit_rate: Some(of.hit_rate),
            base_rate: Some(of.base_rate),
            brier: Some(of.brier),
            base_brier: Some(of.base_brier),
        },
    }
}

fn in_utf16(text: &str, number: &analyst::NumberInText) -> NumberInText {
    let units = |end: u32| text[..end as usize].encode_utf16().count() as u32;
    NumberInText { from: units(number.from), to: units(number.to), fact: number.fact }
}

impl FactRow {
    fn of(fact: &analyst::Fact, facts: &Facts) -> Self {
        Self {
            name: fact.kind.name().to_owned(),
            label: fact.kind.label().to_owned(),
            value: fact.figure(),
            unit: fact.unit(facts.pair),
            source: fact.kind.source().to_owned(),
            sql: facts.sql(fact),
            from_ms: fact.from.to_ms(),
            to_ms: fact.to.to_ms(),
        }
    }
}

/// Notes of a lane that were known at a moment, the newest first.
pub fn notes_at(
    recorder: &Recorder,
    source: Source,
    pair: Option<Pair>,
    cursor: TapeTime,
    limit: usize,
) -> Result<Notes, ApiError> {
    let journal = recorder.journal().reader();
    let kept = journal.notes(source, cursor).collect::<Result<Vec<_>, _>>()?;
    let close_at = |pair, end| close_at(&journal, source, pair, end, cursor, Seq(u64::MAX));
    Ok(list(kept.into_iter(), pair, None, limit, &close_at))
}

/// What the price of a lane was when a minute ended, by what was known at a moment, and of the inputs through a place.
pub(super) fn close_at(
    journal: &JournalReader,
    source: Source,
    pair: Pair,
    end: EventTime,
    as_of: TapeTime,
    through: Seq,
) -> Option<Price> {
    let query = CandleQuery { source, pair, from: end.plus_nanos(-MINUTE), to: end, as_of };
    journal.candles(&query, through).ok()?.last().map(|candle| candle.close)
}

/// The facts of a pair, by what was recorded or imported and known at a moment.
///
/// Errors: `nothing_recorded` of a pair that has no candles by then.
pub async fn facts_at(directory: &Path, recorder: &Recorder, request: &AlikeRequest) -> Result<Facts, ApiError> {
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
    Facts::of(&minutes, None, answer).ok_or_else(|| nothing_recorded(request.pair))
}

/// A note that is not kept, for whoever asked for it.
pub fn unkept(note: Note) -> NoteView {
    let kept = KeptNote { at: TapeTime::from_nanos(note.as_of().nanos()), in_replay: true, note };
    view(&kept, &|_, _| None)
}
