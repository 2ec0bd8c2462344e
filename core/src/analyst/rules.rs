//! The analyst without a model: the same facts, three fixed rules, and a text that is read as any other.

use super::check::{Said, checked};
use super::facts::{Facts, Kind};
use crate::domain::{Rate, Stance};

/// The trend has to move in fifteen minutes by as much as the price does in one, and the hour by four times that: half of the √60 that
/// chance alone makes of it. So either is said of somewhat more than a market that goes nowhere.
const TREND_OVER_VOLATILITY: i128 = 1;
const CHANGE_OVER_VOLATILITY: i128 = 4;

/// Fewer past hours say nothing; as consensus has it.
const FEWEST_MATCHES: i128 = 5;

/// Rules that have to agree, of three, and none against them.
const ENOUGH: i32 = 2;

/// What fixed rules say of the facts. One point up or down each for
///
/// 1. the trend over 15 minutes, if it is as large as the volatility of a minute;
/// 2. the change over 60 minutes, if it is four times as large as that;
/// 3. the mean outcome of five past hours or more, if its interval does not hold zero.
///
/// Two points or more are a stance, with a confidence of 0.55 for two and 0.65 for three; else it is neutral, with 0.50. These are no
/// probabilities that anything was fitted to: the score says what they are worth.
pub fn say(facts: &Facts) -> Said {
    let points = points(facts);
    let (stance, percent) = match points {
        points if points >= ENOUGH => (Stance::Bullish, 35 + 10 * i64::from(points)),
        points if points <= -ENOUGH => (Stance::Bearish, 35 - 10 * i64::from(points)),
        _ => (Stance::Neutral, 50),
    };
    let confidence = Rate::from_units(percent * 1_000_000);
    checked(facts, stance, confidence, &text(facts)).unwrap_or_else(|_| Said {
        stance,
        confidence,
        text: WITHOUT_NUMBERS.to_owned(),
        numbers: Vec::new(),
    })
}

const WITHOUT_NUMBERS: &str = "The facts say little.";

fn points(facts: &Facts) -> i32 {
    let value = |kind| facts.get(kind).map(|fact| fact.value);
    let beyond = |kind, times: i128| match (value(kind), value(Kind::Volatility60)) {
        (Some(moved), Some(usual)) if moved.abs() >= usual * times => moved.signum() as i32,
        _ => 0,
    };
    let is_enough = facts
        .get(Kind::Matches)
        .is_some_and(|count| count.value >= FEWEST_MATCHES * i128::from(crate::domain::money::ONE));
    let past = match (value(Kind::OutcomeLow), value(Kind::OutcomeHigh)) {
        (Some(low), _) if is_enough && low > 0 => 1,
        (_, Some(high)) if is_enough && high < 0 => -1,
        _ => 0,
    };
    beyond(Kind::Trend15, TREND_OVER_VOLATILITY) + beyond(Kind::Change60, CHANGE_OVER_VOLATILITY) + past
}

/// Never names the pair: a venue may list one that reads as a number.
fn text(facts: &Facts) -> String {
    let number = |kind| facts.get(kind).map(|fact| (fact.number(), fact.value.signum()));
    let unsigned = |number: String| number.trim_start_matches('-').to_owned();
    let moved = match number(Kind::Change60) {
        Some((number, 0)) => format!("The change over 60 minutes is {number} %"),
        Some((number, sign)) => {
            format!("The price {} {} % over 60 minutes", if sign > 0 { "rose" } else { "fell" }, unsigned(number))
        }
        None => number(Kind::LastClose).map_or_else(String::new, |(number, _)| format!("The last close is {number}")),
    };
    let trend = number(Kind::Trend15).map(|(number, sign)| {
        let plus = if sign > 0 { "+" } else { "" };
        format!(", and the trend over 15 minutes is {plus}{number} %")
    });
    let past = match (number(Kind::Matches), number(Kind::Rose)) {
        (Some((count, _)), Some((share, _))) => {
            let hours = if count == "1" { "similar hour is" } else { "similar hours are" };
            format!(" {count} {hours} known, and the price rose after {share} % of them.")
        }
        _ => " No similar hour is known.".to_owned(),
    };
    format!("{moved}{}.{past}", trend.unwrap_or_default())
}
