//! What advises a desk, and what it made of that: recalls, opinions, votes and decisions.
//!
//! Numbers are shares at 1e-8 and not floats, so that they are inputs like any other: equal in every process, and hashed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fill::{as_hexadecimal, half_hash};
use super::settings::{SettingsError, share};
use super::{Amount, EventTime, OrderId, Pair, Price, Rate, Reason, Source, TapeTime};

/// What the past hours that looked like the last one came to. One for each closed minute of a pair that a desk was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// The lane whose minute it is.
    pub source: Source,
    pub pair: Pair,
    /// End of the hour that was looked up: the source time of the signal.
    pub window_end: EventTime,
    /// None where nothing could be looked up: the hour has a gap, or is flat, or nothing like it is known yet.
    pub found: Option<Matches>,
}

/// The matches of a recall, counted honestly: see `patterns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matches {
    pub count: u32,
    /// Of the nearest, 1 / (1 + distance).
    pub similarity: Rate,
    /// Mean outcome after an hour, weighted by similarity, as a share of the price.
    pub outcome: Rate,
    /// Mean of the best moment within that hour, weighted alike.
    pub best: Rate,
    /// The 95 % interval of the mean outcome.
    pub low: Rate,
    pub high: Rate,
    /// Mean outcome of every hour of the pair that was known then.
    pub base: Rate,
}

/// What an analyst takes the market for. Nothing else of what it says reaches an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    Bullish,
    Bearish,
    Neutral,
}

impl Stance {
    pub const ALL: [Self; 3] = [Self::Bullish, Self::Bearish, Self::Neutral];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bullish => "bullish",
            Self::Bearish => "bearish",
            Self::Neutral => "neutral",
        }
    }
}

/// Half of a BLAKE3 of what the note was made from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NoteId([u8; 16]);

impl NoteId {
    pub fn of(text: &str) -> Self {
        Self(half_hash(text))
    }
}

as_hexadecimal!(NoteId);

/// A view of a pair, by a model or by rules. The text it came with lies with the note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    pub pair: Pair,
    /// The newest that it was told of: its age counts from there, not from when the answer came.
    pub as_of: EventTime,
    pub stance: Stance,
    /// 0 to 1, as the analyst says. Shown and scored; no order depends on it.
    pub confidence: Rate,
    pub note: NoteId,
}

/// How far one vote has to agree before an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// It has to say enter.
    #[default]
    For,
    /// It must not say the contrary.
    NotAgainst,
    /// It is shown, and asked for nothing.
    Ignored,
}

/// What a desk enters and leaves by, when it trades by consensus. Recorded, so that a replay decides by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Of the nearest match, at least, for an entry.
    pub enter_similarity: Rate,
    /// Of the nearest match, below which a position is left.
    pub exit_similarity: Rate,
    /// Matches, at least, for an entry.
    pub min_matches: u32,
    /// Mean best outcome, at least, as a multiple of what going in and out costs.
    pub best_over_costs: Rate,
    /// The interval of the mean outcome has to lie above zero.
    pub interval_above_zero: bool,
    pub patterns: Demand,
    pub analyst: Demand,
    pub trend: Demand,
    /// Minutes of the two averages whose order is the trend.
    pub trend_fast: u16,
    pub trend_slow: u16,
    /// Value of an entry, as a share of equity.
    pub position: Rate,
    /// A recall older than this, by its source, is no reason to enter.
    pub max_recall_age_s: u32,
    /// The same of an opinion, which is asked for less often.
    pub max_opinion_age_s: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            enter_similarity: Rate::from_units(20_000_000),
            exit_similarity: Rate::from_units(10_000_000),
            min_matches: 5,
            best_over_costs: Rate::from_units(150_000_000),
            interval_above_zero: false,
            patterns: Demand::For,
            analyst: Demand::For,
            trend: Demand::Ignored,
            trend_fast: 12,
            trend_slow: 26,
            position: Rate::from_units(5_000_000),
            max_recall_age_s: 120,
            max_opinion_age_s: 600,
        }
    }
}

impl Thresholds {
    pub fn check(&self) -> Result<(), SettingsError> {
        share("position", self.position)?;
        let below = [
            ("enter_similarity", self.enter_similarity),
            ("exit_similarity", self.exit_similarity),
            ("best_over_costs", self.best_over_costs),
        ];
        if let Some((key, _)) = below.into_iter().find(|(_, rate)| *rate < Rate::ZERO) {
            return Err(SettingsError { key, why: "can not be below 0" });
        }
        if self.trend_fast == 0 || self.trend_fast >= self.trend_slow || self.trend_slow > MOST_TREND_MINUTES {
            let why = "has to be above 0 and below `trend_slow`, which has at most 1 000";
            return Err(SettingsError { key: "trend_fast", why });
        }
        Ok(())
    }
}

/// Of the slow average: twice as many minutes are looked at, and two days of them are kept.
const MOST_TREND_MINUTES: u16 = 1_000;

/// What one of the three says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lean {
    Enter,
    Leave,
    Neither,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub lean: Lean,
    pub why: Why,
}

/// Why a vote is what it is. A code for scripts, a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    // Patterns.
    PromisingPast,
    NoMatches,
    TooFewMatches,
    NotAlike,
    NoLongerAlike,
    OutcomeNotPositive,
    BelowCosts,
    IntervalHoldsZero,
    // The analyst.
    Bullish,
    Bearish,
    Neutral,
    NoOpinion,
    // Of either.
    Stale,
    // The trend.
    Rising,
    Falling,
    Level,
    TooShort,
}

impl Why {
    pub fn code(self) -> &'static str {
        match self {
            Self::PromisingPast => "promising_past",
            Self::NoMatches => "no_matches",
            Self::TooFewMatches => "too_few_matches",
            Self::NotAlike => "not_alike",
            Self::NoLongerAlike => "no_longer_alike",
            Self::OutcomeNotPositive => "outcome_not_positive",
            Self::BelowCosts => "below_costs",
            Self::IntervalHoldsZero => "interval_holds_zero",
            Self::Bullish => "bullish",
            Self::Bearish => "bearish",
            Self::Neutral => "neutral",
            Self::NoOpinion => "no_opinion",
            Self::Stale => "stale",
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Level => "level",
            Self::TooShort => "too_short",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::PromisingPast => "Hours like this one were followed by gains that pay for the trade.",
            Self::NoMatches => "No hour like this one is known.",
            Self::TooFewMatches => "Too few hours like this one are known.",
            Self::NotAlike => "The nearest hour is not like enough.",
            Self::NoLongerAlike => "No known hour is like this one any more.",
            Self::OutcomeNotPositive => "Hours like this one were not followed by gains.",
            Self::BelowCosts => "What followed such hours at best does not pay for going in and out.",
            Self::IntervalHoldsZero => "What followed such hours may as well have been chance.",
            Self::Bullish => "The analyst expects a rise.",
            Self::Bearish => "The analyst expects a fall.",
            Self::Neutral => "The analyst expects neither.",
            Self::NoOpinion => "The analyst has not spoken.",
            Self::Stale => "What it knows is too old.",
            Self::Rising => "The fast average is above the slow one.",
            Self::Falling => "The fast average is below the slow one.",
            Self::Level => "The fast average is where the slow one is.",
            Self::TooShort => "Too few minutes are known for the averages.",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    pub patterns: Vote,
    pub analyst: Vote,
    pub trend: Vote,
}

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The votes ask for nothing.
    Stay,
    /// An entry is asked for, and there is a position or an entry under way.
    Holding,
    /// Leaving is asked for, and there is nothing to sell that no order sells already.
    NothingToLeave,
    Entered(OrderId),
    Left(OrderId),
    /// An entry was refused, by this rule.
    EntryBlocked(Reason),
    ExitBlocked(Reason),
}

/// One decision with all that it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub source: Source,
    pub pair: Pair,
    /// End of the minute it was taken for.
    pub minute: EventTime,
    pub at: TapeTime,
    pub votes: Votes,
    pub verdict: Verdict,
    pub recall: Recall,
    pub opinion: Option<Opinion>,
    /// What an entry would have paid, and a position was marked at.
    pub ask: Option<Price>,
    pub mark: Option<Price>,
    pub equity: Amount,
}

impl Decision {
    /// The name of its order: the same minute of the same pair never orders twice.
    pub fn order_id(source: Source, pair: Pair, minute: EventTime) -> OrderId {
        let hash = NoteId::of(&format!("consensus\0{source}\0{pair}\0{}", minute.nanos())).to_string();
        format!("{ORDERS_BEGIN}{}", &hash[..16]).parse().expect("letters, a dash and digits")
    }

    pub fn is_blocked_entry(&self) -> bool {
        matches!(self.verdict, Verdict::EntryBlocked(_))
    }
}

/// Of the names of orders that consensus placed.
pub const ORDERS_BEGIN: &str = "auto-";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no stance: expected bullish, bearish or neutral")]
pub struct StanceError(String);

impl FromStr for Stance {
    type Err = StanceError;

    fn from_str(text: &str) -> Result<Self, StanceError> {
        Self::ALL
            .into_iter()
            .find(|stance| stance.as_str() == text)
            .ok_or_else(|| StanceError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Stance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
