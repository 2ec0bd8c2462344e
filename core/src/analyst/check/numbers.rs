//! The one notation in which a number is read, and when it is a fact rounded.

use super::refusal::{Refusal, quoted};
use crate::analyst::facts::{Fact, Unit, scale};
use crate::domain::money::ONE;

/// A number as it stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// `+` is false, `-` is true.
    pub(super) negative: Option<bool>,
    /// At 1e-8, without its sign.
    pub(super) value: i128,
    /// What one of the last digit is, at 1e-8.
    step: i128,
    /// Digits, from the first that is not 0.
    significant: u32,
    pub(super) dollar: bool,
    /// What was written against it, as in `1.2%` and `60-minute`.
    pub(super) unit: Option<WrittenUnit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrittenUnit {
    Percent,
    BasisPoints,
    Times,
    /// Each so many minutes.
    Time(u32),
    Currency,
}

/// Digits that are read: more are none of ours.
const MOST_DIGITS: usize = 20;

/// `[+-−][$]digits[,digits…][.digits][suffix]`. Groups have three digits; the decimal sign is the point; nothing begins with a needless 0.
pub(super) fn read(text: &str) -> Result<Written, Refusal> {
    parse(text).ok_or_else(|| Refusal::Notation { text: quoted(text) })
}

fn parse(text: &str) -> Option<Written> {
    let (negative, rest) = match text.chars().next()? {
        '+' => (Some(false), &text[1..]),
        '-' => (Some(true), &text[1..]),
        '−' => (Some(true), &text['−'.len_utf8()..]),
        _ => (None, text),
    };
    let (dollar, rest) = rest.strip_prefix('$').map_or((false, rest), |rest| (true, rest));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let whole = digits(whole)?;
    let part = part.unwrap_or("");
    let has_point = number.contains('.');
    if has_point && (part.is_empty() || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let all = format!("{whole}{part}");
    if all.len() > MOST_DIGITS {
        return None;
    }
    let (unit, thousand) = suffix_of(suffix, negative.is_some() || has_point)?;
    let times = if thousand { 1_000 } else { 1 };
    let step = scale(part.len() as u32) * times;
    let value = all.parse::<i128>().ok()? * step;
    let significant = all.trim_start_matches('0').len() as u32;
    Some(Written { negative, value, step, significant, dollar, unit })
}

/// The digits before the point, without the commas of their groups.
fn digits(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let grouped = whole.contains(',');
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let begins = first == "0" && !grouped || !first.starts_with('0');
    let fits = plain(first) && begins && (!grouped || first.len() <= 3);
    let follow = groups.clone().all(|group| group.len() == 3 && plain(group));
    (fits && follow).then(|| std::iter::once(first).chain(groups).collect())
}

/// And whether it means thousands. A length of time is a whole number without a sign.
fn suffix_of(suffix: &str, is_fraction: bool) -> Option<(Option<WrittenUnit>, bool)> {
    let unit = match suffix {
        "" => None,
        "k" | "K" => return Some((None, true)),
        "%" => Some(WrittenUnit::Percent),
        "bp" | "bps" => Some(WrittenUnit::BasisPoints),
        "x" => Some(WrittenUnit::Times),
        "m" | "min" => Some(WrittenUnit::Time(1)),
        "h" => Some(WrittenUnit::Time(60)),
        _ => Some(WrittenUnit::Time(time_word(suffix.strip_prefix('-')?)?)),
    };
    if is_fraction && matches!(unit, Some(WrittenUnit::Time(_))) {
        return None;
    }
    Some((unit, false))
}

/// Minutes of a word that may follow a number.
pub(super) fn time_word(word: &str) -> Option<u32> {
    match word {
        "minute" | "minutes" | "min" => Some(1),
        "hour" | "hours" => Some(60),
        "day" | "days" => Some(1_440),
        _ => None,
    }
}

impl Written {
    /// Without decimals, and not in thousands.
    pub(super) fn is_whole(&self) -> bool {
        self.step == i128::from(ONE)
    }

    /// Whether it is this fact, but for its sign: rounded to the decimals that are written, or to two significant digits or more. A tie may go
    /// either way. What is not zero is not rounded to it, and a count is not rounded at all.
    pub(super) fn is_rounded(&self, fact: &Fact) -> bool {
        let value = fact.value.unsigned_abs();
        let written = self.value.unsigned_abs();
        if fact.kind.unit() == Unit::Count || value == 0 || written == 0 {
            return value == written;
        }
        let within = |step: i128| value.abs_diff(written) * 2 <= step.unsigned_abs();
        // With `k`, the digits that are left are fewer than the fact's.
        if within(self.step) && (self.step <= i128::from(ONE) || self.significant >= 2) {
            return true;
        }
        let (mut step, mut significant) = (self.step, self.significant);
        while self.step == i128::from(ONE) && significant > 2 && self.value % (step * 10) == 0 {
            step *= 10;
            significant -= 1;
            if within(step) {
                return true;
            }
        }
        false
    }
}
