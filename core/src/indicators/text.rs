//! An indicator by its name and numbers, as charts and settings write it: `sma(20)`, `bollinger(20, 2)`, `vwap`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::catalogue::{Parameter, catalogue};

/// Which, with its numbers. One of those made by `parse` or `from_str` has numbers within their bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Indicator {
    Sma {
        period: usize,
    },
    Ema {
        period: usize,
    },
    Wma {
        period: usize,
    },
    /// By UTC day.
    Vwap,
    Bollinger {
        period: usize,
        width: f64,
    },
    SuperTrend {
        period: usize,
        width: f64,
    },
    Rsi {
        period: usize,
    },
    Macd {
        fast: usize,
        slow: usize,
        signal: usize,
    },
    Atr {
        period: usize,
    },
    Adx {
        period: usize,
    },
    Stochastic {
        period: usize,
        signal: usize,
        smoothing: usize,
    },
    Obv,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndicatorError {
    #[error("`{found}` is no indicator: there are {known}")]
    Unknown { found: String, known: String },
    #[error("`{name}` takes {takes}, and {found} were given")]
    Count { name: &'static str, takes: String, found: usize },
    #[error("`{found}` is no {label} of `{name}`: expected {expected}")]
    Number { name: &'static str, label: &'static str, found: String, expected: String },
    #[error("of `macd` the quick average has to be of fewer bars than the slow one")]
    Order,
}

impl Indicator {
    /// Bars after which the first that were given no longer matter to what is seen; of those that add up, a page.
    pub fn warm_up(&self) -> usize {
        match *self {
            Self::Sma { period } | Self::Wma { period } | Self::Bollinger { period, .. } => period,
            Self::Ema { period } => 12 * period,
            // Wilder's n is an exponential average of 2 n − 1.
            Self::Rsi { period } | Self::Atr { period } | Self::SuperTrend { period, .. } => 24 * period,
            Self::Adx { period } => 48 * period,
            Self::Macd { slow, signal, .. } => 12 * (slow + signal),
            Self::Stochastic { period, signal, smoothing } => period + signal + smoothing,
            Self::Vwap | Self::Obv => 1_440,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sma { .. } => "sma",
            Self::Ema { .. } => "ema",
            Self::Wma { .. } => "wma",
            Self::Vwap => "vwap",
            Self::Bollinger { .. } => "bollinger",
            Self::SuperTrend { .. } => "supertrend",
            Self::Rsi { .. } => "rsi",
            Self::Macd { .. } => "macd",
            Self::Atr { .. } => "atr",
            Self::Adx { .. } => "adx",
            Self::Stochastic { .. } => "stochastic",
            Self::Obv => "obv",
        }
    }

    fn numbers(&self) -> Vec<f64> {
        match *self {
            Self::Vwap | Self::Obv => Vec::new(),
            Self::Sma { period } | Self::Ema { period } | Self::Wma { period } => vec![period as f64],
            Self::Rsi { period } | Self::Atr { period } | Self::Adx { period } => vec![period as f64],
            Self::Bollinger { period, width } | Self::SuperTrend { period, width } => vec![period as f64, width],
            Self::Macd { fast, slow, signal } => vec![fast as f64, slow as f64, signal as f64],
            Self::Stochastic { period, signal, smoothing } => vec![period as f64, signal as f64, smoothing as f64],
        }
    }
}

/// As it is written: numbers without needless digits.
impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers().iter().map(f64::to_string).collect();
        match numbers.is_empty() {
            true => f.write_str(self.name()),
            false => write!(f, "{}({})", self.name(), numbers.join(", ")),
        }
    }
}

impl FromStr for Indicator {
    type Err = IndicatorError;

    /// Numbers that are not given are the usual ones.
    fn from_str(text: &str) -> Result<Self, IndicatorError> {
        let text = text.trim();
        let (name, given) = match text.split_once('(') {
            None => (text, Vec::new()),
            Some((name, rest)) => {
                let inside = rest.strip_suffix(')').unwrap_or(rest).trim();
                let given = if inside.is_empty() { Vec::new() } else { inside.split(',').map(str::trim).collect() };
                (name.trim(), given)
            }
        };
        let kinds = catalogue();
        let unknown = || IndicatorError::Unknown {
            found: text.chars().take(40).collect(),
            known: kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "),
        };
        let kind = kinds.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)).ok_or_else(unknown)?;
        if given.len() > kind.params.len() {
            let takes = kind.params.iter().map(|parameter| parameter.label).collect::<Vec<_>>().join(", ");
            let takes = if takes.is_empty() { "no number".to_owned() } else { takes };
            return Err(IndicatorError::Count { name: kind.name, takes, found: given.len() });
        }
        let number = |(place, parameter): (usize, &Parameter)| match given.get(place) {
            None => Ok(parameter.default),
            Some(text) => parameter.read(kind.name, text),
        };
        let numbers: Vec<f64> = kind.params.iter().enumerate().map(number).collect::<Result<_, _>>()?;
        let whole = |place: usize| numbers[place] as usize;
        Ok(match kind.name {
            "sma" => Self::Sma { period: whole(0) },
            "ema" => Self::Ema { period: whole(0) },
            "wma" => Self::Wma { period: whole(0) },
            "vwap" => Self::Vwap,
            "bollinger" => Self::Bollinger { period: whole(0), width: numbers[1] },
            "supertrend" => Self::SuperTrend { period: whole(0), width: numbers[1] },
            "rsi" => Self::Rsi { period: whole(0) },
            "macd" if whole(0) >= whole(1) => return Err(IndicatorError::Order),
            "macd" => Self::Macd { fast: whole(0), slow: whole(1), signal: whole(2) },
            "atr" => Self::Atr { period: whole(0) },
            "adx" => Self::Adx { period: whole(0) },
            "stochastic" => Self::Stochastic { period: whole(0), signal: whole(1), smoothing: whole(2) },
            "obv" => Self::Obv,
            _ => return Err(unknown()),
        })
    }
}

impl Serialize for Indicator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Indicator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
