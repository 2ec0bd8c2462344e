//! Which of the near windows count, and what they say together.

use serde::{Deserialize, Serialize};

use super::distance::{distance, similarity};
use super::followed::{Followed, Weighted, followed};
use super::outcome::Outcome;
use super::pattern::{Past, PatternId};
use super::window::{Shape, Window, end_of_window, overlap};
use crate::domain::{EventTime, Pair, Source, TapeTime};

pub const DEFAULT_MATCHES: usize = 20;

/// What looked like this, of what was known then?
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub window: Window,
    /// Nothing that was known later has a part in the answer.
    pub cursor: TapeTime,
    /// Matches wanted.
    pub most: usize,
}

/// A pattern that may be near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub past: Past,
    pub shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    pub id: PatternId,
    pub source: Source,
    pub pair: Pair,
    pub window_start: EventTime,
    pub window_end: EventTime,
    pub distance: f64,
    pub similarity: f64,
    pub outcome: Outcome,
}

/// Says nothing of what became known after the cursor, not even that a match was revised: it is an input of the journal, and the same
/// question must find the same answer a year later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The best first.
    pub matches: Vec<Match>,
    /// After the matches; None without one.
    pub followed: Option<Followed>,
    /// After every window of the pair; None before the first.
    pub base_rate: Option<Followed>,
}

impl Answer {
    /// Of the best match.
    pub fn similarity(&self) -> Option<f64> {
        self.matches.first().map(|best| best.similarity)
    }
}

/// The nearest candidates that count, the nearest first, `question.most` at most. Candidates may come in any order: their distance is taken
/// here, in f64, so that it does not depend on who found them.
///
/// Windows of one pair that overlap are one observation: the nearest of them stays, in whichever lanes they lie. None overlaps the
/// question's own window.
///
/// If the candidates are the `N` nearest and the answer has `question.most` matches, it is the answer of all patterns: a farther one can
/// push none out. If it has fewer, ask for more candidates until there are none. Neighbours of a good match are good, so that there are
/// many candidates for one match.
pub fn select(question: &Question, candidates: impl IntoIterator<Item = Candidate>) -> Vec<Match> {
    let mut near: Vec<(f64, Past)> = candidates
        .into_iter()
        .filter(|candidate| candidate.past.counts(question.window.source, question.cursor))
        .map(|candidate| (distance(&question.window.shape, &candidate.shape), candidate.past))
        .collect();
    near.sort_unstable_by(|(one, first), (other, second)| {
        let place = |past: &Past| (past.window_start, past.id);
        one.total_cmp(other).then_with(|| place(first).cmp(&place(second)))
    });
    let mut kept: Vec<Match> = Vec::new();
    for (distance, past) in near {
        if kept.len() == question.most {
            break;
        }
        let same_hour = |pair: Pair, start| pair == past.pair && overlap(start, past.window_start);
        let own = same_hour(question.window.pair, question.window.start);
        if !own && !kept.iter().any(|nearer| same_hour(nearer.pair, nearer.window_start)) {
            kept.push(Match {
                id: past.id,
                source: past.source,
                pair: past.pair,
                window_start: past.window_start,
                window_end: end_of_window(past.window_start),
                distance,
                similarity: similarity(distance),
                outcome: past.outcome,
            });
        }
    }
    kept
}

/// Candidates as for [`select`]. The base rate is handed in because it is slow to take and slow to change: see [`base_rate`](super::base_rate).
pub fn answer(
    question: &Question,
    candidates: impl IntoIterator<Item = Candidate>,
    base_rate: Option<Followed>,
) -> Answer {
    let matches = select(question, candidates);
    let mut windows: Vec<Weighted> =
        matches.iter().map(|found| (found.window_start, found.outcome, found.similarity)).collect();
    windows.sort_by_key(|(start, ..)| *start);
    Answer { followed: followed(&windows), base_rate, matches }
}
