//! What a desk that trades by consensus is advised on its way through a tape: what could be known at each place, and nothing later.

use super::memory::{Memory, Recalled};
use crate::analyst::{Author, Facts, MINUTES_NEEDED, Note, Outcome, rules};
use crate::domain::time::MINUTE;
use crate::domain::{Action, Candle, Matches, Output, Rate, Recall, Source, TapeTime, money};
use crate::engine::{Desk, Market};
use crate::patterns::{DEFAULT_MATCHES, Question, WINDOW_MINUTES, Window};

/// The analyst is asked of each pair whenever so much of the venue's time has gone.
pub(super) const OPINION_EVERY: i64 = 5 * MINUTE;

/// The minutes that have closed of those a desk trades on. What is corrected later, or was fetched, is not decided on again.
pub(super) fn closed<'a>(outputs: &'a [Output], desk: &'a Desk) -> impl Iterator<Item = &'a Candle> {
    outputs.iter().filter_map(move |output| match output {
        Output::Candle(candle) if candle.revision == 0 && !matches!(candle.source, Source::Backfill(_)) => {
            desk.plays(candle.source).then_some(candle)
        }
        _ => None,
    })
}

/// What a desk is told of a minute that has closed: now and then what the rules make of it, and always what the past says of its hour.
/// The recall comes last, since the desk decides on it.
pub(super) fn on(memory: &Memory, market: &Market, candle: &Candle, now: TapeTime) -> Vec<Action> {
    let recalled = ask(memory, hour(market, candle), now);
    let opinion =
        is_due(candle).then(|| note(market, candle, recalled.as_ref())).flatten().and_then(|note| note.opinion());
    opinion.map(Action::Opinion).into_iter().chain([Action::Recall(recall(candle, recalled.as_ref()))]).collect()
}

/// Whether the analyst is asked at the end of this minute.
pub(super) fn is_due(candle: &Candle) -> bool {
    candle.window_end.nanos() % OPINION_EVERY == 0
}

/// What the rules say at the end of a minute. Of closed minutes alone: a quote would depend on how fast the question came.
pub(super) fn note(market: &Market, candle: &Candle, recalled: Option<&Recalled>) -> Option<Note> {
    let minutes = market.closed_to(candle.source, candle.pair, candle.window_end, MINUTES_NEEDED);
    Facts::of(&minutes, None, recalled.map(|recalled| &recalled.answer)).map(by_rules)
}

/// The note of who has no model.
pub(super) fn by_rules(facts: Facts) -> Note {
    let said = rules::say(&facts);
    Note::new(Author::Rules, facts, Outcome::Said(said), 0)
}

/// The hour that ended with a candle. None of one with a gap in it, or a flat one.
pub(super) fn hour(market: &Market, candle: &Candle) -> Option<Window> {
    Window::of(&market.closed_to(candle.source, candle.pair, candle.window_end, WINDOW_MINUTES)).ok()
}

pub(super) fn ask(memory: &Memory, hour: Option<Window>, now: TapeTime) -> Option<Recalled> {
    memory.ask(&Question { window: hour?, cursor: now, most: DEFAULT_MATCHES })
}

/// What the past says about the hour that ended with a candle.
pub(super) fn recall(candle: &Candle, recalled: Option<&Recalled>) -> Recall {
    let Candle { source, pair, window_end, .. } = *candle;
    Recall { source, pair, window_end, found: recalled.and_then(matches) }
}

fn matches(recalled: &Recalled) -> Option<Matches> {
    let followed = recalled.answer.followed.as_ref()?;
    let after = &followed.outcomes;
    let confidence = after.after_60.mean.confidence;
    Some(Matches {
        count: u32::try_from(followed.n).unwrap_or(u32::MAX),
        similarity: rate(recalled.answer.similarity()?),
        outcome: percent(after.after_60.mean.mean),
        best: percent(after.max.mean.mean),
        // Of so few that nothing is known of how they vary, anything may be the mean.
        low: confidence.map_or(Rate::from_units(-money::ONE), |confidence| percent(confidence.low)),
        high: confidence.map_or(Rate::from_units(money::ONE), |confidence| percent(confidence.high)),
        base: percent(recalled.base),
    })
}

fn percent(percent: f64) -> Rate {
    rate(percent / 100.0)
}

/// At 1e-8, half to even.
fn rate(share: f64) -> Rate {
    let units = (share * money::ONE as f64).round_ties_even();
    Rate::from_units(units.clamp(i64::MIN as f64, i64::MAX as f64) as i64)
}
