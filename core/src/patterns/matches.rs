//! The hours that looked like this one, counted honestly.

use std::collections::BTreeMap;

use super::bootstrap::{self, Block, Interval, quantile};
use super::build::{Change, Pattern, PatternId};
use super::shape::{MINUTES, Shape, distance, similarity};
use crate::domain::time::{HOUR, MINUTE};
use crate::domain::{EventTime, Pair, Source, TapeTime};

/// Matches of an answer, if there are as many.
pub const MATCHES: usize = 24;

/// What is asked: what came after hours that looked like the one that ended at `window_end`, as could be known at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub source: Source,
    pub pair: Pair,
    pub window_end: EventTime,
    pub shape: &'a Shape,
    pub cursor: TapeTime,
    /// The past of other pairs too.
    pub across_pairs: bool,
}

impl Asked<'_> {
    /// Simulated hours are compared with simulated ones of their own lane, and with nothing else.
    fn may_see(&self, pattern: &Pattern) -> bool {
        let same_kind = match self.source.simulates(self.pair) {
            true => pattern.source == self.source,
            false => !pattern.source.simulates(pattern.pair),
        };
        same_kind && (self.across_pairs || pattern.pair == self.pair)
    }

    fn is_known(&self, pattern: &Pattern) -> bool {
        pattern.usable_from <= self.cursor && pattern.superseded_at.is_none_or(|at| at > self.cursor)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub pattern: Pattern,
    pub distance: f64,
    pub similarity: f64,
}

/// Shares of the price, each with what a fraction of the matches lies at or below: 5, 25, 50, 75 and 95 %.
pub type Quantiles = [f64; 5];

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Nearest first; no two of one pair that overlap.
    pub matches: Vec<Found>,
    /// Means weighted by similarity.
    pub mean_15: f64,
    pub mean_30: f64,
    pub mean_60: f64,
    pub mean_best: f64,
    pub mean_worst: f64,
    /// Of the mean after sixty minutes; none of too few matches.
    pub interval: Option<Interval>,
    pub after_15: Quantiles,
    pub after_30: Quantiles,
    pub after_60: Quantiles,
    pub best: Quantiles,
    pub worst: Quantiles,
    pub base: Base,
}

/// What came after every known hour of the pair, alike or not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Base {
    pub count: u64,
    pub mean_60: f64,
    /// Share of hours after which the price was higher.
    pub rose: f64,
}

/// Every pattern, in the order they became known. Holds what was superseded too, since an earlier cursor sees it.
#[derive(Clone, Debug, Default)]
pub struct Past {
    patterns: Vec<Pattern>,
    places: BTreeMap<PatternId, usize>,
}

impl Past {
    pub fn take(&mut self, change: &Change) {
        match change {
            Change::Add(pattern) => {
                let place = self.patterns.len();
                if self.places.insert(pattern.id, place).is_none() {
                    self.patterns.push(*pattern);
                }
            }
            Change::Supersede { id, at } => {
                if let Some(&place) = self.places.get(id) {
                    self.patterns[place].superseded_at = Some(*at);
                }
            }
        }
    }

    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Looks at every pattern. None where nothing is known.
    pub fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        let mut base = Sum::default();
        let mut near: Vec<(f64, usize)> = Vec::new();
        for (place, pattern) in self.patterns.iter().enumerate() {
            if !asked.is_known(pattern) || !asked.may_see(pattern) {
                continue;
            }
            if pattern.pair == asked.pair {
                base.add(pattern.outcome.after_60);
            }
            near.push((distance(&asked.shape.vector, &pattern.shape.vector), place));
        }
        let nearest = apart(near, &self.patterns);
        find(asked, nearest, base.base())
    }
}

/// Σ and counts of a base rate, added up in the order of the patterns.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    count: u64,
    sum: f64,
    rose: u64,
}

impl Sum {
    fn add(&mut self, outcome: f64) {
        self.count += 1;
        self.sum += outcome;
        self.rose += u64::from(outcome > 0.0);
    }

    fn base(&self) -> Base {
        let count = self.count.max(1) as f64;
        Base { count: self.count, mean_60: self.sum / count, rose: self.rose as f64 / count }
    }
}

/// The nearest, each hour of a pair once: of those that overlap, the nearest stays.
fn apart(mut near: Vec<(f64, usize)>, patterns: &[Pattern]) -> Vec<Found> {
    let order =
        |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then_with(|| patterns[a.1].id.cmp(&patterns[b.1].id));
    let mut found: Vec<Found> = Vec::new();
    let mut sorted = 0;
    while found.len() < MATCHES && sorted < near.len() {
        // Sorted a part at a time: hardly ever is more than the first part needed.
        let part = (sorted + 2_048).min(near.len());
        if part < near.len() {
            near[sorted..].select_nth_unstable_by(part - sorted, order);
        }
        near[sorted..part].sort_unstable_by(order);
        for (distance, place) in &near[sorted..part] {
            let pattern = &patterns[*place];
            let overlaps = |other: &Found| {
                let apart = other.pattern.window_start.nanos().abs_diff(pattern.window_start.nanos());
                other.pattern.pair == pattern.pair && apart < MINUTES as u64 * MINUTE as u64
            };
            if found.len() < MATCHES && !found.iter().any(overlaps) {
                // That it is corrected later is not known yet.
                let pattern = Pattern { superseded_at: None, ..*pattern };
                found.push(Found { pattern, distance: *distance, similarity: similarity(*distance) });
            }
        }
        sorted = part;
    }
    found
}

/// What a list of matches comes to. They come nearest first, each known at the cursor and no two of a pair overlapping.
pub fn find(asked: &Asked<'_>, matches: Vec<Found>, base: Base) -> Option<Answer> {
    if matches.is_empty() {
        return None;
    }
    let outcomes = |of: fn(&Pattern) -> f64| -> Vec<f64> { matches.iter().map(|found| of(&found.pattern)).collect() };
    let (after_15, after_30) = (outcomes(|p| p.outcome.after_15), outcomes(|p| p.outcome.after_30));
    let after_60 = outcomes(|p| p.outcome.after_60);
    let (best, worst) = (outcomes(|p| p.outcome.best), outcomes(|p| p.outcome.worst));
    let weights: Vec<f64> = matches.iter().map(|found| found.similarity).collect();
    let total: f64 = weights.iter().sum();
    let mean = |of: &[f64]| of.iter().zip(&weights).map(|(outcome, weight)| outcome * weight).sum::<f64>() / total;
    Some(Answer {
        mean_15: mean(&after_15),
        mean_30: mean(&after_30),
        mean_60: mean(&after_60),
        mean_best: mean(&best),
        mean_worst: mean(&worst),
        interval: bootstrap::interval(&blocks(&matches), seed(asked, &matches)),
        after_15: quantiles(after_15),
        after_30: quantiles(after_30),
        after_60: quantiles(after_60),
        best: quantiles(best),
        worst: quantiles(worst),
        matches,
        base,
    })
}

/// Matches of the same hour, whichever pairs they are of, are one piece of evidence.
fn blocks(matches: &[Found]) -> Vec<Block> {
    let mut hours: BTreeMap<i64, Block> = BTreeMap::new();
    for found in matches {
        let block = hours.entry(found.pattern.window_start.nanos().div_euclid(HOUR)).or_default();
        block.sum += found.similarity * found.pattern.outcome.after_60;
        block.weight += found.similarity;
    }
    hours.into_values().collect()
}

/// Of the question and of what was found.
fn seed(asked: &Asked<'_>, matches: &[Found]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("recall\0{}\0{}\0{}", asked.source, asked.pair, asked.window_end.nanos()).as_bytes());
    for found in matches {
        hasher.update(&found.pattern.id.0);
    }
    *hasher.finalize().as_bytes()
}

fn quantiles(mut outcomes: Vec<f64>) -> Quantiles {
    outcomes.sort_by(f64::total_cmp);
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| quantile(&outcomes, share))
}

#[cfg(test)]
mod tests;
