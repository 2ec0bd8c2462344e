//! What is known of a pair at a moment, as numbers that a text may name.

use serde::{Deserialize, Serialize};

use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Quality, Quote, Source};
use crate::indicators::{Average, Ema};
use crate::patterns::Followed;

/// Closed minutes that are looked back on, at most.
pub const MINUTES: usize = 240;

/// Closes of the two averages whose distance is the trend.
const TREND: (usize, usize) = (12, 26);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of the quote currency.
    Price,
    /// A change, which has a sign.
    Change,
    /// A share or a size, which has none.
    Percent,
    BasisPoints,
    Count,
    /// Without a unit.
    Plain,
}

impl Unit {
    /// As it stands behind the number.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Price | Self::Count | Self::Plain => "",
            Self::Change | Self::Percent => " %",
            Self::BasisPoints => " bp",
        }
    }
}

/// A number, and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub label: String,
    pub value: f64,
    pub unit: Unit,
    /// Digits behind the point, as it is shown.
    pub decimals: u8,
    /// A sentence.
    pub source: String,
    /// Which rows it was computed of.
    pub from: EventTime,
    pub to: EventTime,
    /// A query that shows them.
    pub sql: Option<String>,
}

impl Fact {
    /// As it is shown, without its unit. A change has its sign.
    pub fn text(&self) -> String {
        rounded(self.value, usize::from(self.decimals), self.unit == Unit::Change)
    }
}

/// With so many digits behind the point. What rounds to nothing has no sign.
pub(super) fn rounded(value: f64, decimals: usize, signed: bool) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let nothing = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    match (nothing, value < 0.0, signed) {
        (false, true, _) => format!("-{text}"),
        (false, false, true) => format!("+{text}"),
        _ => text,
    }
}

/// What the patterns say, where they were asked.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// Of the nearest.
    pub similarity: f64,
    pub followed: &'a Followed,
    /// Mean percent an hour after any hour of the pair.
    pub base_after_60: Option<f64>,
}

/// Of one pair, at the end of a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub source: Source,
    pub pair: Pair,
    pub as_of: EventTime,
    pub facts: Vec<Fact>,
}

impl Facts {
    /// `minutes` are closed ones that end at `as_of` at the latest, the oldest first. What can not be told of them is left out, and never zero.
    pub fn of(
        source: Source,
        pair: Pair,
        as_of: EventTime,
        minutes: &[Candle],
        quote: Option<&Quote>,
        past: Option<Past<'_>>,
    ) -> Self {
        let mut facts = Self { source, pair, as_of, facts: Vec::new() };
        facts.of_minutes(minutes);
        if let Some(quote) = quote {
            facts.of_quote(quote);
        }
        if let Some(past) = past {
            facts.of_past(&past);
        }
        facts
    }

    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.name == name)
    }

    /// The last so many minutes, all there and none with trades missing.
    fn last<'a>(&self, minutes: &'a [Candle], count: usize) -> Option<&'a [Candle]> {
        let run = &minutes[minutes.len().checked_sub(count)?..];
        let from = self.as_of.plus_nanos(-(count as i64) * MINUTE);
        let whole = |(place, candle): (i64, &Candle)| {
            candle.window_start == from.plus_nanos(place * MINUTE)
                && !matches!(candle.quality, Quality::Gap | Quality::Forming)
        };
        (0..).zip(run).all(whole).then_some(run)
    }

    fn of_minutes(&mut self, minutes: &[Candle]) {
        let minutes = &minutes[..minutes.partition_point(|candle| candle.window_end <= self.as_of)];
        let Some(last) = minutes.last().filter(|last| last.window_end == self.as_of) else { return };
        let close = last.close.to_f64();
        let decimals = price_decimals(close);
        self.put("close", "last close", close, Unit::Price, decimals, 1, "The close of the last minute.");
        for (name, label, count) in
            [("change_15", "change over 15 minutes", 15), ("change_60", "change over 60 minutes", 60)]
        {
            if let Some(run) = self.last(minutes, count + 1) {
                let change = percent(close, run[0].close.to_f64());
                let source = format!("The last close against the close {count} minutes before.");
                self.put(name, label, change, Unit::Change, 2, count + 1, &source);
            }
        }
        if let Some(run) = self.last(minutes, 60) {
            let high = run.iter().map(|candle| candle.high).max().map_or(close, |price| price.to_f64());
            let low = run.iter().map(|candle| candle.low).min().map_or(close, |price| price.to_f64());
            self.put(
                "high_60",
                "highest price of the hour",
                high,
                Unit::Price,
                decimals,
                60,
                "The highest of sixty minutes.",
            );
            self.put(
                "low_60",
                "lowest price of the hour",
                low,
                Unit::Price,
                decimals,
                60,
                "The lowest of sixty minutes.",
            );
            self.put(
                "range_60",
                "range of the hour",
                percent(high, low),
                Unit::Percent,
                2,
                60,
                "The highest of sixty minutes against the lowest.",
            );
            let recent: f64 = run[45..].iter().map(|candle| candle.volume.to_f64()).sum();
            let usual: f64 = run[..45].iter().map(|candle| candle.volume.to_f64()).sum::<f64>() / 3.0;
            if usual > 0.0 {
                let source = "The volume of 15 minutes against the mean of the three quarters of an hour before.";
                self.put(
                    "volume_ratio",
                    "volume of 15 minutes, times the usual",
                    recent / usual,
                    Unit::Plain,
                    2,
                    60,
                    source,
                );
            }
        }
        if let Some(run) = self.last(minutes, 61) {
            let returns: Vec<f64> =
                run.windows(2).map(|pair| percent(pair[1].close.to_f64(), pair[0].close.to_f64())).collect();
            let mean = returns.iter().sum::<f64>() / 60.0;
            let deviation = (returns.iter().map(|change| (change - mean).powi(2)).sum::<f64>() / 60.0).sqrt();
            let source = "The standard deviation of sixty one-minute changes, times the square root of 15.";
            self.put("usual_15", "usual move of 15 minutes", deviation * 15f64.sqrt(), Unit::Percent, 2, 61, source);
        }
        let (fast, slow) = TREND;
        if let Some(run) = self.last(minutes, 4 * slow) {
            let average = |period| {
                let mut average = Ema::new(period);
                run.iter().filter_map(|candle| average.next(candle.close.to_f64())).last()
            };
            if let Some((fast, slow)) = average(fast).zip(average(slow)) {
                let source = "The exponential average of 12 closes against that of 26.";
                self.put(
                    "trend",
                    "quick average over the slow one",
                    percent(fast, slow),
                    Unit::Change,
                    3,
                    4 * TREND.1,
                    source,
                );
            }
        }
    }

    fn of_quote(&mut self, quote: &Quote) {
        let (bid, ask) = (quote.best_bid.to_f64(), quote.best_ask.to_f64());
        if bid > 0.0 && ask >= bid {
            let spread = (ask - bid) / ((ask + bid) / 2.0) * 1e4;
            self.put("spread", "spread", spread, Unit::BasisPoints, 1, 1, "The best ask against the best bid.");
        }
    }

    fn of_past(&mut self, past: &Past<'_>) {
        let after = &past.followed.outcomes.after_60.mean;
        let alike = "Of the hours that looked like the last one, in vectors.patterns.";
        self.put("matches", "hours alike", past.followed.n as f64, Unit::Count, 0, 60, alike);
        self.put("similarity", "similarity of the nearest", past.similarity, Unit::Plain, 2, 60, alike);
        self.put("after_60", "mean change in the hour after them", after.mean, Unit::Change, 2, 60, alike);
        if let Some(confidence) = after.confidence {
            self.put("after_60_low", "lower end of its interval", confidence.low, Unit::Change, 2, 60, alike);
            self.put("after_60_high", "upper end of its interval", confidence.high, Unit::Change, 2, 60, alike);
        }
        self.put("rose", "of them, rose within the hour", past.followed.rose.mean * 100.0, Unit::Percent, 0, 60, alike);
        if let Some(base) = past.base_after_60 {
            let source = "Of every hour of the pair that was known.";
            self.put("base_60", "mean change in the hour after any", base, Unit::Change, 2, 60, source);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one line for each fact, in columns")]
    fn put(&mut self, name: &str, label: &str, value: f64, unit: Unit, decimals: u8, minutes: usize, source: &str) {
        if !value.is_finite() {
            return;
        }
        let from = self.as_of.plus_nanos(-(minutes as i64) * MINUTE);
        let of_patterns = source.contains("hours") || source.contains("every hour");
        let sql = match of_patterns {
            true => format!("SELECT * FROM vectors.patterns WHERE pair = '{}' ORDER BY window_start DESC", self.pair),
            false => format!(
                "SELECT * FROM warm.candles WHERE source = '{}' AND pair = '{}' AND window_start >= '{from}' AND window_start < '{}' ORDER BY window_start",
                self.source, self.pair, self.as_of
            ),
        };
        self.facts.push(Fact {
            name: name.to_owned(),
            label: label.to_owned(),
            value,
            unit,
            decimals,
            source: source.to_owned(),
            from,
            to: self.as_of,
            sql: Some(sql),
        });
    }
}

fn percent(to: f64, from: f64) -> f64 {
    (to / from - 1.0) * 100.0
}

/// Five significant digits, two to eight behind the point.
fn price_decimals(price: f64) -> u8 {
    let whole = price.abs().log10().floor();
    if whole.is_finite() { (4.0 - whole).clamp(2.0, 8.0) as u8 } else { 2 }
}
