//! Calendar months in UTC: what a back-fill is divided into.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{EventTime, Pair};

/// The years whose every month has a start and an end in nanoseconds.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2261;

/// A month of a year from 1970 to 2261, counted from the year 0, so that the next one is one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u16);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month: expected one from 1970-01 to 2261-12")]
pub struct MonthError(String);

impl Month {
    pub const FIRST: Self = Self(1970 * 12);
    pub const LAST: Self = Self(2261 * 12 + 11);

    /// The month that holds a time; the first or the last there is for one outside of all.
    pub fn of(at: EventTime) -> Self {
        let stamp = jiff::Timestamp::from_nanosecond(i128::from(at.nanos()))
            .expect("any i64 of nanoseconds is between 1677 and 2262");
        let date = jiff::tz::Offset::UTC.to_datetime(stamp).date();
        Self::new(i32::from(date.year()), i32::from(date.month())).unwrap_or(if at.nanos() < 0 {
            Self::FIRST
        } else {
            Self::LAST
        })
    }

    fn new(year: i32, month: i32) -> Option<Self> {
        let valid = YEARS.contains(&year) && (1..=12).contains(&month);
        valid.then(|| Self((year * 12 + month - 1) as u16))
    }

    fn year(self) -> u16 {
        self.0 / 12
    }

    /// Midnight of its first day.
    pub fn start(self) -> EventTime {
        let first = jiff::civil::date(self.year() as i16, (self.0 % 12) as i8 + 1, 1).at(0, 0, 0, 0);
        let stamp = jiff::tz::Offset::UTC.to_timestamp(first).expect("a year to 2261 is a timestamp");
        EventTime::from_nanos(i64::try_from(stamp.as_nanosecond()).expect("a year to 2261 fits nanoseconds"))
    }

    /// Midnight of the next one's first day: not in it.
    pub fn end(self) -> EventTime {
        if self == Self::LAST {
            return EventTime::from_nanos(Self::LAST.start().nanos() + 31 * super::time::DAY);
        }
        self.next().start()
    }

    /// The last there is has itself for the next.
    pub fn next(self) -> Self {
        Self(self.0 + 1).min(Self::LAST)
    }

    /// From this one to `last`, both included.
    pub fn through(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }

    /// So many months earlier, or the first there is.
    pub fn back(self, months: u32) -> Self {
        let earlier = u32::from(self.0).saturating_sub(months);
        Self(u16::try_from(earlier).unwrap_or(Self::FIRST.0)).max(Self::FIRST)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.0 % 12 + 1)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
            (digits(year, 4) && digits(month, 2)).then_some(())?;
            Self::new(year.parse().ok()?, month.parse().ok()?)
        };
        read().ok_or_else(|| MonthError(text.chars().take(40).collect()))
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let month = Self(u16::deserialize(deserializer)?);
        let known = (Self::FIRST..=Self::LAST).contains(&month);
        known.then_some(month).ok_or_else(|| de::Error::custom("not a month from 1970 to 2261"))
    }
}

/// One month of one pair, from the venue's REST: a lane of its own. In one lane for all, a month fetched after a newer one would
/// get the newer one's tape time, and nothing of it could be seen as of its own days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BackfillMonth {
    pub pair: Pair,
    pub month: Month,
}

impl fmt::Display for BackfillMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.pair, self.month)
    }
}

impl FromStr for BackfillMonth {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let wrong = || MonthError(text.chars().take(40).collect());
        let (pair, month) = text.rsplit_once(':').ok_or_else(wrong)?;
        Ok(Self { pair: pair.parse().map_err(|_| wrong())?, month: month.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::time::{DAY, MINUTE};
    use super::*;

    fn at(text: &str) -> EventTime {
        EventTime::parse(text).expect("a time")
    }

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    #[test]
    fn no_minute_is_in_two_months_or_in_none() {
        for (text, days) in [
            ("2024-02", 29),
            ("2026-02", 28),
            ("2026-03", 31),
            ("2026-04", 30),
            ("2025-12", 31),
            ("1970-01", 31),
            ("2261-12", 31),
        ] {
            let month = month(text);
            assert_eq!(month.to_string(), text);
            assert_eq!(month.end().nanos() - month.start().nanos(), days * DAY, "{text}");
            assert_eq!(Month::of(month.start()), month, "{text}");
            assert_eq!(Month::of(month.end().plus_nanos(-1)), month, "{text}");
            if month != Month::LAST {
                assert_eq!((Month::of(month.end()), month.end()), (month.next(), month.next().start()), "{text}");
            }
        }
        assert_eq!(month("2026-03").start(), at("2026-03-01"));
        assert_eq!(Month::of(at("2026-03-01").plus_nanos(-MINUTE)), month("2026-02"));
    }

    #[test]
    fn months_are_counted_back_over_the_year() {
        for (from, back, expected) in [
            ("2026-03", 1, "2026-02"),
            ("2026-03", 3, "2025-12"),
            ("2026-01", 13, "2024-12"),
            ("2026-12", 12, "2025-12"),
            ("1970-02", 9, "1970-01"),
        ] {
            assert_eq!(month(from).back(back), month(expected), "{back} before {from}");
        }
        assert_eq!(month("2026-03").back(u32::MAX), Month::FIRST);
        assert_eq!(month("2025-12").next(), month("2026-01"));
        let winter: Vec<_> = month("2025-12").through(month("2026-02")).collect();
        assert_eq!(winter, ["2025-12", "2026-01", "2026-02"].map(month));
        assert_eq!(Month::of(EventTime::from_nanos(i64::MIN)), Month::FIRST);
        assert_eq!(Month::of(EventTime::from_nanos(i64::MAX)), Month::LAST);
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["", "2026", "2026-3", "2026-13", "2026-00", "1969-12", "2262-01", "+026-03", "2026-03-01"] {
            assert!(text.parse::<Month>().is_err(), "{text:?} was taken for a month");
        }
    }
}
