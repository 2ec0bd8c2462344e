//! The text a scrape is answered with: Prometheus' exposition format, version 0.0.4. Pure.
//!
//! Written here rather than with the `prometheus-client` crate, which speaks OpenMetrics alone, keeps its own counters where we have a
//! picture of ours, and takes floats where we have exact decimals.

use std::fmt::Write as _;

use super::Distribution;
use super::names::{Family, Kind};
use crate::domain::{Amount, Price, Quantity, Rate, ReceivedTime, TapeTime};

/// Of the answer to a scrape.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number of a sample, which is written as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Count(u64),
    Figure(f64),
    /// At 1e-8, written to its last digit.
    Exact(i128),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

/// A fact that holds or does not: 1 or 0.
impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        Self::Count(u64::from(holds))
    }
}

impl From<f64> for Value {
    fn from(figure: f64) -> Self {
        Self::Figure(figure)
    }
}

macro_rules! exact {
    ($($money:ident)*) => { $(
        impl From<$money> for Value {
            fn from(money: $money) -> Self {
                Self::Exact(money.units().into())
            }
        }
    )* };
}
exact!(Amount Price Quantity Rate);

macro_rules! seconds {
    ($($time:ident)*) => { $(
        /// Seconds since 1970 UTC, to the whole ten nanoseconds.
        impl From<$time> for Value {
            fn from(time: $time) -> Self {
                Self::Exact(i128::from(time.nanos()) / 10)
            }
        }
    )* };
}
seconds!(ReceivedTime TapeTime);

/// The answer as it is being written: families one after another, each whole before the next.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    open: Option<&'static str>,
}

impl Exposition {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn finish(self) -> String {
        self.text
    }

    /// The one sample of a family without labels; nothing when there is no value.
    pub fn one(&mut self, family: &Family, value: Option<impl Into<Value>>) {
        self.sample(family, &[], value);
    }

    /// A sample of a family, with a value for each of its labels; nothing when there is no value.
    pub fn sample(&mut self, family: &Family, labels: &[&str], value: Option<impl Into<Value>>) {
        debug_assert!(family.kind != Kind::Histogram, "{} is a histogram", family.name);
        let Some(value) = value else { return };
        self.begin(family);
        self.line(family, "", labels, None, value.into());
    }

    /// Buckets, sum and count of a histogram.
    pub fn histogram(&mut self, family: &Family, labels: &[&str], samples: Option<&Distribution>) {
        debug_assert!(family.kind == Kind::Histogram, "{} is none", family.name);
        let Some(samples) = samples else { return };
        self.begin(family);
        for (bound, count) in samples.buckets() {
            self.line(family, "_bucket", labels, Some(bound), count.into());
        }
        self.line(family, "_bucket", labels, Some(f64::INFINITY), samples.count().into());
        self.line(family, "_sum", labels, None, samples.sum().into());
        self.line(family, "_count", labels, None, samples.count().into());
    }

    fn begin(&mut self, family: &Family) {
        if self.open != Some(family.name) {
            self.open = Some(family.name);
            let Family { name, kind, help, .. } = family;
            self.text.push_str("# HELP ");
            self.text.push_str(name);
            self.text.push(' ');
            escape(&mut self.text, help, false);
            writeln!(self.text, "\n# TYPE {name} {}", kind.as_str()).expect("a string takes everything");
        }
    }

    fn line(&mut self, family: &Family, end: &str, labels: &[&str], bound: Option<f64>, value: Value) {
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        self.text.push_str(family.name);
        self.text.push_str(end);
        let mut separator = '{';
        for (label, value) in family.labels.iter().zip(labels) {
            self.text.push(separator);
            separator = ',';
            self.text.push_str(label);
            self.text.push_str("=\"");
            escape(&mut self.text, value, true);
            self.text.push('"');
        }
        if let Some(bound) = bound {
            self.text.push(separator);
            separator = ',';
            self.text.push_str("le=\"");
            number(&mut self.text, Value::Figure(bound));
            self.text.push('"');
        }
        self.text.push_str(if separator == '{' { " " } else { "} " });
        number(&mut self.text, value);
        self.text.push('\n');
    }
}

/// Backslash and line feed, and within a label's quotes those.
fn escape(text: &mut String, raw: &str, quoted: bool) {
    for c in raw.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quoted => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

fn number(text: &mut String, value: Value) {
    match value {
        Value::Count(count) => write!(text, "{count}"),
        Value::Exact(units) => text.write_str(&crate::domain::money::format_decimal(units)),
        Value::Figure(f64::INFINITY) => text.write_str("+Inf"),
        Value::Figure(f64::NEG_INFINITY) => text.write_str("-Inf"),
        // Shortest digits that read back as the same number; `NaN` is how both write it.
        Value::Figure(figure) => write!(text, "{figure}"),
    }
    .expect("a string takes everything");
}

#[cfg(test)]
mod tests;
