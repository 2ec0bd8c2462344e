//! The analyst that needs no model: a few rules over the same facts, in the same form, held to the same check.
//!
//! One point each, for or against: the quick average apart from the slow one by more than [`APART`]; the price moved by more than is usual in 15 minutes;
//! the interval of what followed the hours alike lies on one side of zero. Two points make a stance, one does not.

use super::check::{Said, numbers};
use super::facts::{Fact, Facts};
use super::note::{Author, Note, Outcome};
use crate::domain::{Rate, Stance, money};

/// Percent, between the two averages: less is no trend.
const APART: f64 = 0.02;

/// Of a stance by two points, and for each more.
const CONFIDENCE: (i64, i64) = (60, 10);

/// A note by these rules.
pub fn note(facts: &Facts) -> Note {
    Note::new(Author::Rules, facts.clone(), Outcome::Said(say(facts)), 0)
}

/// What the rules say of facts.
pub fn say(facts: &Facts) -> Said {
    let mut points = 0;
    let mut sentences = Vec::new();
    if let Some(trend) = facts.get("trend")
        && trend.value.abs() >= APART
    {
        points += if trend.value > 0.0 { 1 } else { -1 };
    }
    let moved = facts.get("change_15").zip(facts.get("usual_15"));
    if let Some((change, usual)) = moved {
        if change.value.abs() > usual.value {
            points += if change.value > 0.0 { 1 } else { -1 };
        }
        sentences.push(format!(
            "The change over 15 minutes is {}, where a usual move is {}.",
            written(change),
            written(usual)
        ));
    }
    if let Some((low, high)) = facts.get("after_60_low").zip(facts.get("after_60_high")) {
        points += i64::from(low.value > 0.0) - i64::from(high.value < 0.0);
    }
    if let Some((matches, after)) = facts.get("matches").zip(facts.get("after_60")) {
        sentences.push(format!(
            "Of {} hours alike the mean change in the hour after is {}.",
            matches.text(),
            written(after)
        ));
    }
    if sentences.is_empty() {
        sentences.push("There is too little to say anything.".to_owned());
    }
    let stance = match points {
        2.. => Stance::Bullish,
        ..=-2 => Stance::Bearish,
        _ => Stance::Neutral,
    };
    let percent = if stance == Stance::Neutral { 50 } else { CONFIDENCE.0 + CONFIDENCE.1 * (points.abs() - 2) };
    let text = sentences.join(" ");
    let numbers = numbers(&text, facts).expect("the rules write facts alone");
    Said { stance, confidence: Rate::from_units(percent * (money::ONE / 100)), text, numbers }
}

fn written(fact: &Fact) -> String {
    format!("{}{}", fact.text(), fact.unit.suffix())
}
