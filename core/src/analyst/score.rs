//! What calls were worth, looked at afterwards.

use serde::{Deserialize, Serialize};

use crate::domain::Stance;

/// Fewer calls than this are no record.
pub const FEWEST: usize = 20;

/// A call, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    pub stance: Stance,
    /// 0 to 1.
    pub confidence: f64,
    /// Percent, in the hour after.
    pub after_60: f64,
    /// Percent that an hour usually moves: within it the price has gone nowhere.
    pub usual_60: f64,
}

impl Call {
    pub fn is_hit(&self) -> bool {
        match self.stance {
            Stance::Bullish => self.after_60 > 0.0,
            Stance::Bearish => self.after_60 < 0.0,
            Stance::Neutral => self.after_60.abs() <= self.usual_60,
        }
    }

    /// The probability of a rise that the call amounts to.
    fn of_a_rise(&self) -> f64 {
        match self.stance {
            Stance::Bullish => 0.5 + self.confidence / 2.0,
            Stance::Bearish => 0.5 - self.confidence / 2.0,
            Stance::Neutral => 0.5,
        }
    }
}

/// Of one author.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub calls: usize,
    pub figures: Option<Figures>,
}

/// There are enough calls for these.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Share of calls that were right.
    pub hit_rate: f64,
    /// Share that saying the same of every hour would have got right: the better of always up and always down.
    pub base_rate: f64,
    /// Mean squared error of the probability of a rise (Brier 1950, *Verification of forecasts expressed in terms of probability*).
    pub brier: f64,
    /// The same of saying, each time, how often it rose.
    pub base_brier: f64,
}

impl Score {
    pub fn of(calls: &[Call]) -> Self {
        if calls.len() < FEWEST {
            return Self { calls: calls.len(), figures: None };
        }
        let n = calls.len() as f64;
        let share = |is: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| is(call)).count() as f64 / n;
        let rose = share(&|call| call.after_60 > 0.0);
        let fell = share(&|call| call.after_60 < 0.0);
        let came = |call: &Call| f64::from(u8::from(call.after_60 > 0.0));
        let brier = calls.iter().map(|call| (call.of_a_rise() - came(call)).powi(2)).sum::<f64>() / n;
        let figures = Figures {
            hit_rate: share(&Call::is_hit),
            base_rate: rose.max(fell),
            brier,
            base_brier: rose * (1.0 - rose),
        };
        Self { calls: calls.len(), figures: Some(figures) }
    }
}
