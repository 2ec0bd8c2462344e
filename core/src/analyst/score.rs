//! Whether calls were right, an hour later.

use serde::{Deserialize, Serialize};

use crate::domain::{Opinion, Price, Stance};

/// With fewer there is no score: of ten calls by chance, one in twenty has eight right.
pub const FEWEST_CALLS: usize = 20;

/// An opinion, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    pub opinion: Opinion,
    /// The last close at `opinion.as_of`. Above zero.
    pub then: Price,
    /// The last close an hour after.
    pub later: Price,
    /// What the pair usually moves in an hour, in percent, up or down: the median of what was known at `opinion.as_of`.
    pub usual_move: f64,
}

impl Call {
    /// Change in percent.
    pub fn change(&self) -> f64 {
        (i128::from(self.later.units()) - i128::from(self.then.units())) as f64 / self.then.units() as f64 * 100.0
    }

    /// Bullish and up, bearish and down, neutral and within the usual.
    pub fn is_hit(&self) -> bool {
        match self.opinion.stance {
            Stance::Bullish => self.later > self.then,
            Stance::Bearish => self.later < self.then,
            Stance::Neutral => self.change().abs() <= self.usual_move,
        }
    }
}

/// What calls came to, beside what saying "up" every time would have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub n: usize,
    /// Share of calls that were right, 0 to 1.
    pub hit_rate: f64,
    /// Mean square of confidence less what came of it (1 right, 0 wrong): 0 is best, 0.25 what a coin says of itself.
    pub brier: f64,
    /// Share of the calls after which the price was higher: the hit rate of saying "up" every time.
    pub base_rate: f64,
    /// The Brier score of that, said with the confidence that it deserves.
    pub base_brier: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    NotEnough { n: usize },
    Of(Calibration),
}

/// Of calls in any order. A call on a price that is none is passed over.
pub fn score<'c>(calls: impl IntoIterator<Item = &'c Call>) -> Score {
    let calls: Vec<&Call> = calls.into_iter().filter(|call| call.then > Price::ZERO).collect();
    let n = calls.len();
    if n < FEWEST_CALLS {
        return Score::NotEnough { n };
    }
    let mean = |of: &dyn Fn(&Call) -> f64| calls.iter().map(|call| of(call)).sum::<f64>() / n as f64;
    let one = |is_so: bool| f64::from(u8::from(is_so));
    let base_rate = mean(&|call| one(call.later > call.then));
    Score::Of(Calibration {
        n,
        hit_rate: mean(&|call| one(call.is_hit())),
        brier: mean(&|call| (call.opinion.confidence.to_f64() - one(call.is_hit())).powi(2)),
        base_rate,
        base_brier: base_rate * (1.0 - base_rate),
    })
}
