//! What is known of one pair at one moment, each number with where it came from.

use serde::{Deserialize, Serialize};

use crate::domain::money::{ONE, divide_half_even, format_decimal};
use crate::domain::time::{DAY, MINUTE};
use crate::domain::{Candle, EventTime, Pair, Price, Quality, Quote, Source};
use crate::patterns::{Answer, PatternId, WINDOW_MINUTES};

/// Closed minutes that are looked at, at most. With fewer there are fewer facts.
pub const MINUTES_NEEDED: usize = 240;

/// Closes of the short trend, and minutes whose volume is held against the usual.
const SHORT: usize = 15;
const HOUR: usize = 60;

/// Beyond it, in percent over fifteen minutes, a trend is called rising or falling.
const LEVEL: f64 = 0.05;

/// One thing that can be known. The order is the one they are told in, and part of what is stored: new kinds go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    LastClose,
    Bid,
    Ask,
    Spread,
    Change15,
    Change60,
    ChangeDay,
    Trend15,
    High60,
    Low60,
    High240,
    Low240,
    Volatility60,
    Volume15,
    Matches,
    Similarity,
    OutcomeMean,
    OutcomeMedian,
    OutcomeLow,
    OutcomeHigh,
    Rose,
    BaseMean,
    BaseRose,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Quote units for one base unit.
    Price,
    Percent,
    /// A hundredth of a percent.
    BasisPoints,
    Times,
    Count,
    /// A number without a unit, 0 to 1.
    Share,
}

impl Kind {
    pub const ALL: [Self; 23] = [
        Self::LastClose,
        Self::Bid,
        Self::Ask,
        Self::Spread,
        Self::Change15,
        Self::Change60,
        Self::ChangeDay,
        Self::Trend15,
        Self::High60,
        Self::Low60,
        Self::High240,
        Self::Low240,
        Self::Volatility60,
        Self::Volume15,
        Self::Matches,
        Self::Similarity,
        Self::OutcomeMean,
        Self::OutcomeMedian,
        Self::OutcomeLow,
        Self::OutcomeHigh,
        Self::Rose,
        Self::BaseMean,
        Self::BaseRose,
    ];

    /// For scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastClose => "last_close",
            Self::Bid => "bid",
            Self::Ask => "ask",
            Self::Spread => "spread",
            Self::Change15 => "change_15",
            Self::Change60 => "change_60",
            Self::ChangeDay => "change_day",
            Self::Trend15 => "trend_15",
            Self::High60 => "high_60",
            Self::Low60 => "low_60",
            Self::High240 => "high_240",
            Self::Low240 => "low_240",
            Self::Volatility60 => "volatility_60",
            Self::Volume15 => "volume_15",
            Self::Matches => "matches",
            Self::Similarity => "similarity",
            Self::OutcomeMean => "outcome_mean",
            Self::OutcomeMedian => "outcome_median",
            Self::OutcomeLow => "outcome_low",
            Self::OutcomeHigh => "outcome_high",
            Self::Rose => "rose",
            Self::BaseMean => "base_mean",
            Self::BaseRose => "base_rose",
        }
    }

    /// For people, and for the model.
    pub fn label(self) -> &'static str {
        match self {
            Self::LastClose => "last close",
            Self::Bid => "best bid",
            Self::Ask => "best ask",
            Self::Spread => "spread",
            Self::Change15 => "change over 15 minutes",
            Self::Change60 => "change over 60 minutes",
            Self::ChangeDay => "change over 24 hours",
            Self::Trend15 => "trend over 15 minutes",
            Self::High60 => "high of the last 60 minutes",
            Self::Low60 => "low of the last 60 minutes",
            Self::High240 => "high of the last 4 hours",
            Self::Low240 => "low of the last 4 hours",
            Self::Volatility60 => "volatility per minute over 60 minutes",
            Self::Volume15 => "volume of the last 15 minutes against the usual",
            Self::Matches => "past hours like this one",
            Self::Similarity => "similarity of the nearest past hour",
            Self::OutcomeMean => "mean outcome of those hours, 60 minutes later",
            Self::OutcomeMedian => "median outcome of those hours, 60 minutes later",
            Self::OutcomeLow => "low end of the interval of the mean outcome",
            Self::OutcomeHigh => "high end of the interval of the mean outcome",
            Self::Rose => "share of those hours after which the price rose",
            Self::BaseMean => "base rate: mean outcome of every past hour",
            Self::BaseRose => "base rate: share of every past hour after which the price rose",
        }
    }

    pub fn unit(self) -> Unit {
        match self {
            Self::LastClose | Self::Bid | Self::Ask => Unit::Price,
            Self::High60 | Self::Low60 | Self::High240 | Self::Low240 => Unit::Price,
            Self::Spread => Unit::BasisPoints,
            Self::Volume15 => Unit::Times,
            Self::Matches => Unit::Count,
            Self::Similarity => Unit::Share,
            Self::Change15 | Self::Change60 | Self::ChangeDay | Self::Trend15 | Self::Volatility60 => Unit::Percent,
            Self::OutcomeMean | Self::OutcomeMedian | Self::OutcomeLow | Self::OutcomeHigh => Unit::Percent,
            Self::Rose | Self::BaseMean | Self::BaseRose => Unit::Percent,
        }
    }

    /// Decimals it is rounded to and shown with. None for a price, which is exact.
    pub fn decimals(self) -> Option<u32> {
        match (self, self.unit()) {
            (_, Unit::Price) => None,
            (_, Unit::Count) => Some(0),
            (Self::Volatility60 | Self::Similarity, _) => Some(3),
            (Self::Rose | Self::BaseRose, _) => Some(1),
            _ => Some(2),
        }
    }

    /// Whether it says up or down.
    pub fn is_signed(self) -> bool {
        self.unit() == Unit::Percent && !matches!(self, Self::Volatility60 | Self::Rose | Self::BaseRose)
    }

    /// Whether it says what came after past hours, so that it may be spoken of as what can come.
    pub fn is_of_the_past(self) -> bool {
        self >= Self::Matches
    }

    /// Lengths in minutes by which a text may name it.
    pub fn windows(self) -> &'static [u32] {
        match self {
            Self::LastClose | Self::Bid | Self::Ask | Self::Spread => &[],
            Self::Change15 | Self::Trend15 | Self::Volume15 => &[15],
            Self::ChangeDay => &[1_440],
            Self::High240 | Self::Low240 => &[240],
            Self::Volatility60 => &[60, 1],
            _ => &[60],
        }
    }

    /// Where it came from, in a sentence.
    pub fn source(self) -> &'static str {
        match self {
            Self::LastClose => "The close of the last closed minute.",
            Self::Bid => "The best bid of the last quote.",
            Self::Ask => "The best ask of the last quote.",
            Self::Spread => "Best ask less best bid, over the middle of the two.",
            Self::Change15 => "The last close against the close fifteen minutes before.",
            Self::Change60 => "The last close against the close sixty minutes before.",
            Self::ChangeDay => "The last close against the venue's price of 24 hours ago, as the last quote gives it.",
            Self::Trend15 => {
                "The slope of the least-squares line through the last fifteen closes, over fifteen minutes, as a share \
                 of the last close."
            }
            Self::High60 => "The highest price of the last sixty closed minutes.",
            Self::Low60 => "The lowest price of the last sixty closed minutes.",
            Self::High240 => "The highest price of the last 240 closed minutes.",
            Self::Low240 => "The lowest price of the last 240 closed minutes.",
            Self::Volatility60 => {
                "The standard deviation of the last sixty changes from one minute's close to the next."
            }
            Self::Volume15 => {
                "The volume of the last fifteen closed minutes, over the mean of fifteen minutes in the 225 before."
            }
            Self::Matches => "The past hours that were found to look like the last one.",
            Self::Similarity => "1 / (1 + distance) of the nearest of those hours.",
            Self::OutcomeMean => "What came an hour after those hours, weighted by similarity.",
            Self::OutcomeMedian => "The middle one of what came an hour after those hours.",
            Self::OutcomeLow => "The lower end of the 95 % bootstrap interval of the mean outcome.",
            Self::OutcomeHigh => "The upper end of the 95 % bootstrap interval of the mean outcome.",
            Self::Rose => "How many of those hours had a higher price an hour later, weighted by similarity.",
            Self::BaseMean => "What came an hour after every past hour of the pair that was known.",
            Self::BaseRose => "How many of all past hours of the pair had a higher price an hour later.",
        }
    }

    fn rows(self) -> Rows {
        match self {
            Self::Bid | Self::Ask | Self::Spread | Self::ChangeDay => Rows::Quote,
            Self::BaseMean | Self::BaseRose => Rows::Base,
            _ if self >= Self::Matches => Rows::Matches,
            _ => Rows::Candles,
        }
    }
}

/// Where the rows behind a fact lie.
enum Rows {
    Candles,
    /// One frame of the feed, which no query finds again.
    Quote,
    Matches,
    Base,
}

/// One number. What it is called, counted in and made of follows from its kind, so that stored bytes can bring no text along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub kind: Kind,
    /// At 1e-8 of its unit, rounded to `kind.decimals()`: what is told is what is checked.
    pub value: i128,
    /// What it was computed of: `[from, to)` in event time.
    pub from: EventTime,
    pub to: EventTime,
}

impl Fact {
    /// Without its unit: `65123.45`, `1.20`, `-0.35`.
    pub fn number(&self) -> String {
        let Some(decimals) = self.kind.decimals() else { return format_decimal(self.value) };
        let scaled = divide_half_even(self.value, scale(decimals));
        let power = 10u128.pow(decimals);
        let (whole, part) = (scaled.unsigned_abs() / power, scaled.unsigned_abs() % power);
        let sign = if scaled < 0 { "-" } else { "" };
        match decimals {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{part:0width$}", width = decimals as usize),
        }
    }

    /// With its sign, where that says something: `+1.20`.
    pub fn figure(&self) -> String {
        let plus = if self.kind.is_signed() && self.value > 0 { "+" } else { "" };
        format!("{plus}{}", self.number())
    }

    /// With its unit: `+1.20 %`, `65123.45 USD`. `pair` gives a price its unit.
    pub fn text(&self, pair: Pair) -> String {
        format!("{} {}", self.figure(), self.unit(pair)).trim_end().to_owned()
    }

    /// The unit alone; empty of what is only counted. `pair` gives a price its unit.
    pub fn unit(&self, pair: Pair) -> String {
        match self.kind.unit() {
            Unit::Price => pair.assets().map(|(_, quote)| quote.to_string()).unwrap_or_default(),
            Unit::Percent => "%".to_owned(),
            Unit::BasisPoints => "basis points".to_owned(),
            Unit::Times => "times".to_owned(),
            Unit::Count | Unit::Share => String::new(),
        }
    }

    /// For a trend: rising, falling or level.
    pub fn word(&self) -> Option<&'static str> {
        let level = (LEVEL * ONE as f64) as i128;
        (self.kind == Kind::Trend15).then_some(match self.value {
            value if value > level => "rising",
            value if value < -level => "falling",
            _ => "level",
        })
    }
}

/// Units at 1e-8 in one step of so many decimals.
pub(super) fn scale(decimals: u32) -> i128 {
    10i128.pow(8 - decimals.min(8))
}

/// What is known, in the order of [`Kind::ALL`]. What is not known is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub source: Source,
    pub pair: Pair,
    /// End of the last closed minute: nothing in it is newer, but the quote.
    pub as_of: EventTime,
    pub list: Vec<Fact>,
    /// The patterns behind `matches` and what follows it.
    pub matched: Vec<PatternId>,
}

impl Facts {
    /// Of closed one-minute candles of one lane and pair, the oldest first, of which the last [`MINUTES_NEEDED`] are looked at. A minute
    /// that is missing, forming, or known to lack trades ends what is looked at: no number is taken across it.
    ///
    /// `quote` and `answer` are the newest that were known; the caller keeps them within the cursor. None without one closed minute.
    pub fn of(candles: &[Candle], quote: Option<&Quote>, answer: Option<&Answer>) -> Option<Self> {
        let minutes = unbroken(candles);
        let last = minutes.last()?;
        let mut found = Found { as_of: last.window_end, list: Vec::new() };
        found.prices(minutes);
        if let Some(quote) = quote {
            found.quote(quote, last.close);
        }
        if let Some(answer) = answer {
            found.answer(answer, last.window_end);
        }
        found.list.sort_by_key(|fact| fact.kind);
        let matched = answer.map(|answer| answer.matches.iter().map(|one| one.id).collect()).unwrap_or_default();
        Some(Self { source: last.source, pair: last.pair, as_of: last.window_end, list: found.list, matched })
    }

    pub fn get(&self, kind: Kind) -> Option<&Fact> {
        self.list.iter().find(|fact| fact.kind == kind)
    }

    /// A query that shows the rows a fact was computed of. None where no table keeps them.
    pub fn sql(&self, fact: &Fact) -> Option<String> {
        // A lane and a pair are made of letters, digits and a few signs: none of them ends a quoted text.
        let (source, pair) = (self.source, self.pair);
        match fact.kind.rows() {
            Rows::Quote => None,
            Rows::Candles => Some(format!(
                "SELECT window_start, open, high, low, close, volume FROM warm.candles WHERE source = '{source}' AND \
                 pair = '{pair}' AND window_start >= '{}' AND window_start < '{}' ORDER BY window_start",
                fact.from, fact.to
            )),
            Rows::Matches if self.matched.is_empty() => None,
            Rows::Matches => {
                let ids: Vec<String> = self.matched.iter().map(|id| format!("'{id}'")).collect();
                Some(format!(
                    "SELECT source, pair, window_start, outcome_60_pct FROM vectors.patterns WHERE id IN ({}) ORDER BY \
                     window_start",
                    ids.join(", ")
                ))
            }
            Rows::Base => Some(format!(
                "SELECT count(*) AS hours, avg(outcome_60_pct) AS mean_pct FROM vectors.patterns WHERE pair = '{pair}' \
                 AND usable_from <= '{}' AND (superseded_at IS NULL OR superseded_at > '{}')",
                fact.to, fact.to
            )),
        }
    }
}

/// The minutes at the end that follow each other, all of them whole.
fn unbroken(candles: &[Candle]) -> &[Candle] {
    let forming = candles.iter().rev().take_while(|candle| candle.quality == Quality::Forming).count();
    let candles = &candles[..candles.len() - forming];
    let candles = &candles[candles.len().saturating_sub(MINUTES_NEEDED)..];
    let follows = |before: &Candle, after: &Candle| {
        (before.source, before.pair) == (after.source, after.pair) && before.window_end == after.window_start
    };
    let is_whole = |candle: &Candle| {
        candle.window_end.nanos().saturating_sub(candle.window_start.nanos()) == MINUTE
            && !matches!(candle.quality, Quality::Gap | Quality::Forming)
            && candle.close > Price::ZERO
    };
    let mut first = candles.len();
    while first > 0 && is_whole(&candles[first - 1]) {
        if first < candles.len() && !follows(&candles[first - 1], &candles[first]) {
            break;
        }
        first -= 1;
    }
    &candles[first..]
}

/// The last `count`, if there are as many.
fn last<T>(all: &[T], count: usize) -> Option<&[T]> {
    all.len().checked_sub(count).map(|first| &all[first..])
}

struct Found {
    as_of: EventTime,
    list: Vec<Fact>,
}

impl Found {
    fn add(&mut self, kind: Kind, value: i128, from: EventTime) {
        self.list.push(Fact { kind, value, from, to: self.as_of });
    }

    /// A number that is none (not finite, or beyond what can be kept) is not known.
    fn add_float(&mut self, kind: Kind, value: f64, from: EventTime) {
        let decimals = kind.decimals().unwrap_or(8);
        let scaled = (value * 10f64.powi(decimals as i32)).round();
        if scaled.is_finite() && scaled.abs() < 1e15 {
            self.add(kind, scaled as i128 * scale(decimals), from);
        }
    }

    fn prices(&mut self, minutes: &[Candle]) {
        let Some(newest) = minutes.last() else { return };
        self.add(Kind::LastClose, units(newest.close), newest.window_start);
        for (kind, count) in [(Kind::Change15, SHORT), (Kind::Change60, HOUR)] {
            if let Some(span) = last(minutes, count + 1) {
                self.add_change(kind, span[0].close, newest.close, span[0].window_start);
            }
        }
        if let Some(span) = last(minutes, SHORT) {
            self.add_float(Kind::Trend15, slope(span), span[0].window_start);
        }
        for (high, low, count) in [(Kind::High60, Kind::Low60, HOUR), (Kind::High240, Kind::Low240, MINUTES_NEEDED)] {
            if let Some(span) = last(minutes, count) {
                let from = span[0].window_start;
                self.add(high, span.iter().map(|candle| units(candle.high)).max().unwrap_or_default(), from);
                self.add(low, span.iter().map(|candle| units(candle.low)).min().unwrap_or_default(), from);
            }
        }
        if let Some(span) = last(minutes, HOUR + 1) {
            self.add_float(Kind::Volatility60, volatility(span), span[0].window_start);
        }
        if let Some(ratio) = last(minutes, MINUTES_NEEDED).and_then(volume_ratio) {
            self.add_float(Kind::Volume15, ratio, minutes[minutes.len() - MINUTES_NEEDED].window_start);
        }
    }

    fn add_change(&mut self, kind: Kind, then: Price, now: Price, from: EventTime) {
        // In hundredths of a percent, which is what is shown.
        let hundredths = divide_half_even((units(now) - units(then)) * 10_000, units(then));
        self.add(kind, hundredths * scale(2), from);
    }

    /// Bid above ask, or a price that is none, is a quote nobody can trade at: nothing is taken from it.
    fn quote(&mut self, quote: &Quote, close: Price) {
        let (bid, ask) = (units(quote.best_bid), units(quote.best_ask));
        if bid > 0 && ask >= bid {
            self.add(Kind::Bid, bid, self.as_of);
            self.add(Kind::Ask, ask, self.as_of);
            // Twice the difference over the sum is the difference over the middle; 10 000 points, two decimals.
            self.add(Kind::Spread, divide_half_even(2 * (ask - bid) * 1_000_000, ask + bid) * scale(2), self.as_of);
        }
        if let Some(open) = quote.open_24h.filter(|open| *open > Price::ZERO) {
            self.add_change(Kind::ChangeDay, open, close, self.as_of.plus_nanos(-DAY));
        }
    }

    fn answer(&mut self, answer: &Answer, end: EventTime) {
        let from = end.plus_nanos(-(WINDOW_MINUTES as i64) * MINUTE);
        if let (Some(followed), Some(similarity)) = (&answer.followed, answer.similarity()) {
            let after = &followed.outcomes.after_60;
            self.add(Kind::Matches, followed.n as i128 * i128::from(ONE), from);
            self.add_float(Kind::Similarity, similarity, from);
            self.add_float(Kind::OutcomeMean, after.mean.mean, from);
            self.add_float(Kind::OutcomeMedian, after.quantiles[2], from);
            if let Some(interval) = after.mean.confidence {
                self.add_float(Kind::OutcomeLow, interval.low, from);
                self.add_float(Kind::OutcomeHigh, interval.high, from);
            }
            self.add_float(Kind::Rose, followed.rose.mean * 100.0, from);
        }
        if let Some(base) = &answer.base_rate {
            self.add_float(Kind::BaseMean, base.outcomes.after_60.mean.mean, from);
            self.add_float(Kind::BaseRose, base.rose.mean * 100.0, from);
        }
    }
}

fn units(price: Price) -> i128 {
    i128::from(price.units())
}

/// Of the least-squares line through the closes, times their number, in percent of the last.
fn slope(minutes: &[Candle]) -> f64 {
    let count = minutes.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let (mut up, mut across) = (0.0, 0.0);
    for (place, candle) in minutes.iter().enumerate() {
        let distance = place as f64 - middle;
        up += distance * candle.close.to_f64();
        across += distance * distance;
    }
    let last = minutes.last().map_or(f64::NAN, |candle| candle.close.to_f64());
    up / across * count / last * 100.0
}

/// Standard deviation (÷ n − 1) of the changes from close to close, in percent.
fn volatility(minutes: &[Candle]) -> f64 {
    let changes: Vec<f64> =
        minutes.windows(2).map(|two| (two[1].close.to_f64() / two[0].close.to_f64() - 1.0) * 100.0).collect();
    let mean = changes.iter().sum::<f64>() / changes.len() as f64;
    let squares: f64 = changes.iter().map(|change| (change - mean) * (change - mean)).sum();
    (squares / (changes.len() - 1) as f64).sqrt()
}

/// None where nothing was traded before, or volumes are not told.
fn volume_ratio(minutes: &[Candle]) -> Option<f64> {
    let sum = |candles: &[Candle]| candles.iter().map(|candle| candle.volume.to_f64()).sum::<f64>();
    let (before, recent) = minutes.split_at(minutes.len() - SHORT);
    let usual = sum(before) / (before.len() as f64 / SHORT as f64);
    (usual > 0.0).then(|| sum(recent) / usual)
}
