//! What there is to choose from, for a picker.

use super::text::IndicatorError;

const LONGEST: f64 = 5_000.0;

/// One kind of indicator.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorKind {
    /// As it is written in text.
    pub name: &'static str,
    pub label: &'static str,
    pub params: Vec<Parameter>,
    /// Under the price, on a scale of its own.
    pub own_pane: bool,
    /// Where lines are ruled across its pane.
    pub levels: Vec<f64>,
    pub lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub label: &'static str,
    pub default: f64,
    pub min: f64,
    pub max: f64,
    /// Of bars, and no fraction.
    pub whole: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: LineKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Line,
    Histogram,
    /// Broken where it changes sides.
    Steps,
}

impl Parameter {
    pub(super) fn read(&self, name: &'static str, text: &str) -> Result<f64, IndicatorError> {
        let fits = |number: &f64| (self.min..=self.max).contains(number) && (!self.whole || number.fract() == 0.0);
        text.parse().ok().filter(fits).ok_or_else(|| IndicatorError::Number {
            name,
            label: self.label,
            found: text.chars().take(40).collect(),
            expected: format!(
                "{} from {} to {}",
                if self.whole { "a whole number" } else { "a number" },
                self.min,
                self.max
            ),
        })
    }
}

/// In the order of a list.
pub fn catalogue() -> Vec<IndicatorKind> {
    let bars = |name, label, default| Parameter { name, label, default, min: 1.0, max: LONGEST, whole: true };
    let period = |default| vec![bars("period", "bars", default)];
    let width = |default| Parameter { name: "width", label: "width", default, min: 0.1, max: 100.0, whole: false };
    let line = |name, label| Line { name, label, kind: LineKind::Line };
    let over =
        |name, label, params, lines| IndicatorKind { name, label, params, own_pane: false, levels: Vec::new(), lines };
    let under = |name, label, params, levels: &[f64], lines| IndicatorKind {
        name,
        label,
        params,
        own_pane: true,
        levels: levels.to_vec(),
        lines,
    };
    vec![
        over("sma", "Simple average", period(20.0), vec![line("sma", "SMA")]),
        over("ema", "Exponential average", period(20.0), vec![line("ema", "EMA")]),
        over("wma", "Weighted average", period(20.0), vec![line("wma", "WMA")]),
        over("vwap", "VWAP of the day", Vec::new(), vec![line("vwap", "VWAP")]),
        over(
            "bollinger",
            "Bollinger bands",
            vec![bars("period", "bars", 20.0), width(2.0)],
            vec![line("middle", "Middle"), line("upper", "Upper"), line("lower", "Lower")],
        ),
        over(
            "supertrend",
            "SuperTrend",
            vec![bars("period", "bars", 10.0), width(3.0)],
            vec![
                Line { name: "rising", label: "Rising", kind: LineKind::Steps },
                Line { name: "falling", label: "Falling", kind: LineKind::Steps },
            ],
        ),
        under("rsi", "Relative strength", period(14.0), &[30.0, 70.0], vec![line("rsi", "RSI")]),
        under(
            "macd",
            "MACD",
            vec![bars("fast", "quick", 12.0), bars("slow", "slow", 26.0), bars("signal", "signal", 9.0)],
            &[0.0],
            vec![
                line("macd", "MACD"),
                line("signal", "Signal"),
                Line { name: "histogram", label: "Difference", kind: LineKind::Histogram },
            ],
        ),
        under("atr", "Average true range", period(14.0), &[], vec![line("atr", "ATR")]),
        under(
            "adx",
            "Directional index",
            period(14.0),
            &[25.0],
            vec![line("adx", "ADX"), line("up", "+DI"), line("down", "−DI")],
        ),
        under(
            "stochastic",
            "Stochastic",
            vec![bars("period", "bars", 14.0), bars("signal", "signal", 3.0), bars("smoothing", "smoothing", 3.0)],
            &[20.0, 80.0],
            vec![line("k", "%K"), line("d", "%D")],
        ),
        under("obv", "On-balance volume", Vec::new(), &[], vec![line("obv", "OBV")]),
    ]
}
