//! Lines of indicators over the bars of a chart, as bytes.
//!
//! Little endian: u32 bars, u32 lines; the start of each bar in ms as f64; then each line, an f64 for each bar, NaN where it has no value.
//! Lines come in the order of the indicators, each with the lines of its kind.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::ApiError;
use crate::domain::Candle;
use crate::indicators::{self, Bar, Indicator, LineKind, catalogue, columns};

/// Indicators one request may name.
const MOST: usize = 12;

/// Bars before the first that is drawn, at most: what an average remembers of longer ago is not to be seen.
const MOST_WARM_UP: usize = 5_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct StudiesRequest {
    pub pair: String,
    pub interval: String,
    /// Bars strictly before this; none for the newest, with the forming one.
    pub before_ms: Option<f64>,
    pub limit: u32,
    /// As in `sma(20)` or `bollinger(20, 2)`.
    pub indicators: Vec<String>,
}

/// An indicator that can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct IndicatorKind {
    /// As it is written in a request.
    pub name: String,
    pub label: String,
    pub params: Vec<IndicatorParameter>,
    /// Under the price, on a scale of its own.
    pub own_pane: bool,
    /// Where lines are ruled across its pane.
    pub levels: Vec<f64>,
    pub lines: Vec<IndicatorLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct IndicatorParameter {
    pub name: String,
    pub label: String,
    pub default: f64,
    pub min: f64,
    pub max: f64,
    pub whole: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct IndicatorLine {
    pub name: String,
    pub label: String,
    /// `line`, `histogram`, or `steps` for one that is broken where it changes sides.
    pub kind: String,
}

/// In the order of a list.
pub(super) fn kinds() -> Vec<IndicatorKind> {
    let parameter = |parameter: &indicators::Parameter| IndicatorParameter {
        name: parameter.name.to_owned(),
        label: parameter.label.to_owned(),
        default: parameter.default,
        min: parameter.min,
        max: parameter.max,
        whole: parameter.whole,
    };
    let line = |line: &indicators::Line| IndicatorLine {
        name: line.name.to_owned(),
        label: line.label.to_owned(),
        kind: match line.kind {
            LineKind::Line => "line",
            LineKind::Histogram => "histogram",
            LineKind::Steps => "steps",
        }
        .to_owned(),
    };
    let kind = |kind: indicators::IndicatorKind| IndicatorKind {
        name: kind.name.to_owned(),
        label: kind.label.to_owned(),
        params: kind.params.iter().map(parameter).collect(),
        own_pane: kind.own_pane,
        levels: kind.levels,
        lines: kind.lines.iter().map(line).collect(),
    };
    catalogue().into_iter().map(kind).collect()
}

impl StudiesRequest {
    /// Errors: `not_an_indicator`, with what is allowed.
    pub fn indicators(&self) -> Result<Vec<Indicator>, ApiError> {
        if self.indicators.len() > MOST {
            let what = format!("{} indicators were asked for.", self.indicators.len());
            return Err(ApiError::refused("too_many_indicators", what, "Ask for twelve at most."));
        }
        let read = |text: &String| {
            text.parse()
                .map_err(|error| ApiError::refused("not_an_indicator", error, "Choose one of the chart's list."))
        };
        self.indicators.iter().map(read).collect()
    }
}

/// Bars before the first that is drawn, so that a page begins with the values it would have had.
pub(super) fn warm_up(indicators: &[Indicator]) -> usize {
    indicators.iter().map(Indicator::warm_up).max().unwrap_or_default().min(MOST_WARM_UP)
}

/// Of the newest `limit` bars; those before are what the lines begin from.
pub(super) fn encode(indicators: &[Indicator], bars: &[Candle], limit: usize) -> Vec<u8> {
    let input: Vec<Bar> = bars.iter().map(bar).collect();
    let lines: Vec<Vec<f64>> = indicators.iter().flat_map(|indicator| columns(indicator, &input)).collect();
    let from = bars.len().saturating_sub(limit);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = Vec::with_capacity(8 + (bars.len() - from) * 8 * (1 + lines.len()));
    bytes.extend(count(bars.len() - from));
    bytes.extend(count(lines.len()));
    bytes.extend(input[from..].iter().flat_map(|bar| bar.time_ms.to_le_bytes()));
    for line in &lines {
        bytes.extend(line[from..].iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

fn bar(candle: &Candle) -> Bar {
    Bar {
        time_ms: candle.window_start.to_ms(),
        open: candle.open.to_f64(),
        high: candle.high.to_f64(),
        low: candle.low.to_f64(),
        close: candle.close.to_f64(),
        volume: candle.volume.to_f64(),
    }
}
