//! How sure a mean is, when the numbers it is taken of overlap in time.
//!
//! Outcomes of an hour, one a minute, share most of their minutes: 60 000 of them are some 1 000 observations. So whole blocks of time are
//! resampled, each as one: the block bootstrap of Carlstein (1986), *The use of subseries values for estimating the variance of a general
//! statistic*, with blocks that do not overlap, so that every number is in exactly one, at whatever times they lie. Where no two
//! outcomes overlap a block is one of them, and this is Efron's bootstrap.
//!
//! **Length of a block**: the formula that Politis and White (2004, *Automatic block-length selection*) and Lahiri (1999) give for the least
//! mean squared error, `b = (n (G ÷ g)²)^⅓`, with the dependence that is known put in for the one they estimate: of returns that are
//! independent, outcomes that overlap `L` deep have the correlation `1 − k/L` at lag `k`, so that `G ÷ g = (L² − 1) ÷ 3L`.
//!
//! **Interval**: the percentile interval, widened about the mean by `√(m/(m−1)) · t₍m₋₁₎/z` for `m` blocks. A percentile interval is too
//! narrow for few observations by just that (Hesterberg 2014, *What teachers should know about the bootstrap*, "narrowness bias"; he moves
//! the percentiles, which needs many more resamples at small `m`). BCa corrects skewness, and not this.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use super::followed::quantile;
use crate::domain::EventTime;

const RESAMPLES: usize = 2_000;

/// Fewer independent blocks than this say nothing about how much they vary.
const FEWEST_BLOCKS: usize = 5;

/// The 97.5 % point of the normal distribution.
const NORMAL: f64 = 1.959_963_985;

/// Where the true mean lies, 95 times of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    pub low: f64,
    pub high: f64,
}

impl Confidence {
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub mean: f64,
    /// None for fewer than five observations that do not overlap: there is a mean, and nobody knows what it is worth.
    pub confidence: Option<Confidence>,
}

/// A number that was decided between `at` and one horizon later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    pub(super) at: EventTime,
    pub(super) value: f64,
    /// Above zero.
    pub(super) weight: f64,
}

/// The weighted mean of observations, which are ordered by time, and its interval. The same numbers give the same interval in any process:
/// the dice are seeded with their hash. None of none.
pub(super) fn estimate(observations: &[Observation], horizon: i64) -> Option<Estimate> {
    let whole = Block::of(observations);
    let mean = whole.mean()?;
    let blocks = blocks(observations, block_length(observations, horizon));
    if blocks.len() < FEWEST_BLOCKS {
        return Some(Estimate { mean, confidence: None });
    }
    let mut dice = ChaCha8Rng::from_seed(seed(observations, horizon));
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resample(&blocks, &mut dice)).collect();
    means.sort_unstable_by(f64::total_cmp);
    let wider = widening(blocks.len());
    let bound = |share| mean + (quantile(&means, share) - mean) * wider;
    Some(Estimate { mean, confidence: Some(Confidence { low: bound(0.025), high: bound(0.975) }) })
}

/// What a block adds to the mean.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    weight: f64,
    weighted: f64,
}

impl Block {
    fn of(observations: &[Observation]) -> Self {
        observations.iter().fold(Self::default(), |sum, seen| Self {
            weight: sum.weight + seen.weight,
            weighted: sum.weighted + seen.weight * seen.value,
        })
    }

    fn mean(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.weighted / self.weight)
    }
}

/// Cuts at the first observation that begins `length` nanoseconds or more after the one its block began with.
fn cuts(observations: &[Observation], length: i64) -> impl Iterator<Item = &[Observation]> {
    let mut rest = observations;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let end = rest.partition_point(|seen| seen.at.nanos() - first.at.nanos() < length);
        let (block, after) = rest.split_at(end);
        rest = after;
        Some(block)
    })
}

fn blocks(observations: &[Observation], length: i64) -> Vec<Block> {
    cuts(observations, length).map(Block::of).collect()
}

/// In nanoseconds; never shorter than the horizon. Of the observations `L` fall into one horizon, on average.
fn block_length(observations: &[Observation], horizon: i64) -> i64 {
    let apart = cuts(observations, horizon).count() as f64;
    let depth = observations.len() as f64 / apart;
    let longest_dependence = (depth * depth - 1.0) / (3.0 * depth);
    let length = (observations.len() as f64 * longest_dependence * longest_dependence).cbrt();
    (horizon as f64 * (length / depth).max(1.0)) as i64
}

fn resample(blocks: &[Block], dice: &mut ChaCha8Rng) -> f64 {
    let mut sum = Block::default();
    for _ in blocks {
        // A product in place of a remainder: no division, and a bias of less than one in a million for a thousand blocks.
        let drawn = (u64::from(dice.next_u32()) * blocks.len() as u64) >> 32;
        let block = blocks[drawn as usize];
        sum.weight += block.weight;
        sum.weighted += block.weighted;
    }
    sum.weighted / sum.weight
}

fn widening(blocks: usize) -> f64 {
    let count = blocks as f64;
    (count / (count - 1.0)).sqrt() * student(count - 1.0) / NORMAL
}

/// The 97.5 % point of Student's distribution, for four degrees of freedom or more: the expansion 26.7.5 of Abramowitz and Stegun, right to
/// 0.3 % at four and to 0.01 % from ten on.
fn student(freedom: f64) -> f64 {
    let z = NORMAL;
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom) + z
}

fn seed(observations: &[Observation], horizon: i64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&horizon.to_le_bytes());
    for seen in observations {
        hasher.update(&seen.at.nanos().to_le_bytes());
        hasher.update(&seen.value.to_le_bytes());
        hasher.update(&seen.weight.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE;

    #[test]
    fn few_blocks_are_widened_as_the_tables_say() {
        for (freedom, expected) in [(4.0, 2.776), (9.0, 2.262), (19.0, 2.093), (29.0, 2.045), (1e9, 1.960)] {
            let found = student(freedom);
            assert!((found / expected - 1.0).abs() < 0.003, "{freedom}: {found} instead of {expected}");
        }
    }

    fn every(minutes: i64, count: i64) -> Vec<Observation> {
        let observation =
            |k| Observation { at: EventTime::from_nanos(k * minutes * MINUTE), value: (k % 7) as f64, weight: 1.0 };
        (0..count).map(observation).collect()
    }

    #[test]
    fn a_block_is_one_outcome_where_they_do_not_overlap_and_hours_where_they_do() {
        let hour = 60 * MINUTE;
        assert_eq!(block_length(&every(60, 20), hour), hour);
        // (60 000 · (3 599 ÷ 180)²)^⅓ = 288.5 minutes.
        let minutes = block_length(&every(1, 60_000), hour) / MINUTE;
        assert!((287..=290).contains(&minutes), "{minutes}");
        assert_eq!(cuts(&every(1, 125), hour).map(<[_]>::len).collect::<Vec<_>>(), [60, 60, 5]);
    }

    #[test]
    fn too_little_has_a_mean_and_no_interval() {
        assert_eq!(estimate(&[], MINUTE), None);
        let four = estimate(&every(60, 4), 60 * MINUTE).expect("a mean");
        assert_eq!(four, Estimate { mean: 1.5, confidence: None });
        assert!(estimate(&every(60, 5), 60 * MINUTE).expect("a mean").confidence.is_some());
        // Two hundred numbers, and not four hours.
        assert_eq!(estimate(&every(1, 200), 60 * MINUTE).expect("a mean").confidence, None);
    }

    #[test]
    fn the_same_question_has_the_same_answer_in_any_process() {
        let seen = every(60, 40);
        let found = estimate(&seen, 60 * MINUTE).expect("a mean").confidence.expect("an interval");
        assert_eq!(Some(found), estimate(&seen, 60 * MINUTE).and_then(|again| again.confidence));
        // As it was the first time, on another machine.
        assert!((found.low - 2.221_780_72).abs() < 1e-8 && (found.high - 3.502_090_51).abs() < 1e-8, "{found:?}");
    }
}
