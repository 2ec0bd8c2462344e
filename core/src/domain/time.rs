//! Three kinds of time that must not be mixed, each in nanoseconds since 1970 UTC.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub const MILLISECOND: i64 = 1_000_000;
pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a time: give RFC 3339 such as 2026-03-20T14:11:43.123456Z, or seconds, milliseconds, microseconds or nanoseconds since 1970"
)]
pub struct TimeError(pub String);

/// RFC 3339, or a date, or an epoch number whose unit follows from its size.
pub fn parse_nanos(text: &str) -> Result<i64, TimeError> {
    let wrong = || TimeError(text.to_owned());
    let text = text.trim();
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return i64::try_from(stamp.as_nanosecond()).map_err(|_| wrong());
    }
    if let Ok(whole) = text.parse::<i64>() {
        return epoch_nanos(whole).ok_or_else(wrong);
    }
    if let Some((seconds, part)) = text.split_once('.')
        && let Ok(whole) = seconds.parse::<i64>()
        && !part.is_empty()
        && part.bytes().all(|b| b.is_ascii_digit())
    {
        let unit = unit_of(whole).ok_or_else(wrong)?;
        let digits = &part[..part.len().min(9)];
        let fraction: i64 = digits.parse().map_err(|_| wrong())?;
        let fraction = i128::from(fraction) * i128::from(unit) / 10i128.pow(digits.len() as u32);
        return whole.checked_mul(unit).and_then(|n| n.checked_add(fraction as i64)).ok_or_else(wrong);
    }
    // `2024-01-01` and `2024-01-01 14:07` are UTC: the desk shows nothing else.
    let civil = text.replace(' ', "T");
    civil
        .parse::<jiff::civil::DateTime>()
        .ok()
        .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .and_then(|at| i64::try_from(at.timestamp().as_nanosecond()).ok())
        .ok_or_else(wrong)
}

/// Seconds until the year 5138, then milliseconds, microseconds, nanoseconds: the ranges do not meet for any market's history.
fn unit_of(epoch: i64) -> Option<i64> {
    match epoch.unsigned_abs() {
        0..100_000_000_000 => Some(SECOND),
        100_000_000_000..100_000_000_000_000 => Some(MILLISECOND),
        100_000_000_000_000..100_000_000_000_000_000 => Some(1_000),
        _ => Some(1),
    }
}

/// An epoch number in s, ms, us or ns, told apart by its size.
pub fn epoch_nanos(epoch: i64) -> Option<i64> {
    epoch.checked_mul(unit_of(epoch)?)
}

/// RFC 3339 in UTC, with as many decimals as the time has (none, 3, 6 or 9).
pub fn format_rfc3339(nanos: i64) -> String {
    let stamp = stamp(nanos);
    match nanos.rem_euclid(SECOND) {
        0 => format!("{stamp:.0}"),
        part if part % MILLISECOND == 0 => format!("{stamp:.3}"),
        part if part % 1_000 == 0 => format!("{stamp:.6}"),
        _ => format!("{stamp:.9}"),
    }
}

fn stamp(nanos: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).expect("any i64 of nanoseconds is between 1677 and 2262")
}

/// `2024-01-01 14:07:31.482`, as the desk's clock shows it.
pub fn format_clock(nanos: i64) -> String {
    stamp(nanos).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

macro_rules! time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            pub const fn from_nanos(nanos: i64) -> Self {
                Self(nanos)
            }

            pub const fn nanos(self) -> i64 {
                self.0
            }

            /// For the page, which counts in milliseconds.
            pub fn to_ms(self) -> f64 {
                self.0 as f64 / MILLISECOND as f64
            }

            pub fn parse(text: &str) -> Result<Self, TimeError> {
                parse_nanos(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&format_rfc3339(self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    Self::parse(&text).map_err(de::Error::custom)
                } else {
                    i64::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

time!(
    /// When the venue says it happened.
    EventTime
);
time!(
    /// When it reached this machine, by its wall clock. Never orders anything.
    ReceivedTime
);
time!(
    /// The running maximum of event time in a lane. *As of T* means `tape_time ≤ T`.
    TapeTime
);

impl EventTime {
    /// Start of the minute this falls in.
    pub fn minute(self) -> Self {
        Self(self.0.div_euclid(MINUTE).saturating_mul(MINUTE))
    }

    pub fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_in_every_notation() {
        let expected = 1_710_943_903_123_456_000;
        for text in [
            "2024-03-20T14:11:43.123456Z",
            "2024-03-20 14:11:43.123456",
            "1710943903.123456",
            "1710943903123456",
            "1710943903123456000",
        ] {
            assert_eq!(parse_nanos(text), Ok(expected), "{text}");
        }
        assert_eq!(parse_nanos("1710943903123"), Ok(1_710_943_903_123_000_000));
        assert_eq!(parse_nanos("2024-03-20"), Ok(1_710_892_800_000_000_000));
        assert_eq!(format_rfc3339(expected), "2024-03-20T14:11:43.123456Z");
        assert_eq!(format_clock(expected), "2024-03-20 14:11:43.123");
        for text in ["", "yesterday", "NaN", "12:30", "1e9"] {
            assert!(parse_nanos(text).is_err(), "{text:?} was read as a time");
        }
    }

    #[test]
    fn a_minute_starts_below_its_time_before_1970_too() {
        assert_eq!(EventTime::from_nanos(-1).minute(), EventTime::from_nanos(-MINUTE));
    }
}
