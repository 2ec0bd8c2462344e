//! Numbers and times as text, written apart from the product's own.

/// One whole unit.
pub const ONE: i128 = 100_000_000;
pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// `42318.57` from units at 1e-8.
pub fn decimal(units: i128) -> String {
    let (whole, part) = (units.abs() / ONE, units.abs() % ONE);
    let sign = if units < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{}", format!("{part:08}").trim_end_matches('0'))
}

/// Units at 1e-8; `None` for what is not a plain decimal of at most eight places.
pub fn units(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if part.len() > 8 || !(whole.bytes().chain(part.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let magnitude = whole.parse::<i128>().ok()? * ONE + format!("{part:0<8}").parse::<i128>().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// `2026-03-20T14:11:43.123456Z`, as Coinbase writes it.
pub fn venue_time(nanos: i64) -> String {
    let (day, rest) = (nanos.div_euclid(DAY), nanos.rem_euclid(DAY));
    let (year, month, date) = civil(day);
    let (seconds, micros) = (rest / SECOND, rest % SECOND / 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Nanoseconds since 1970 of `2026-03-20T14:11:43[.123456]Z`.
pub fn nanos(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (time, part) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':').map(|p| p.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let part: i64 = format!("{part:0<9}").parse().ok()?;
    Some(days(year, month, day) * DAY + hour * HOUR + minute * MINUTE + second * SECOND + part)
}

// Howard Hinnant's days_from_civil and its inverse: https://howardhinnant.github.io/date_algorithms.html
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracle_reads_and_writes_what_it_means() {
        for (text, value) in
            [("42318.57", 4_231_857_000_000), ("0.00000009", 9), ("-1.5", -150_000_000), ("7", 700_000_000)]
        {
            assert_eq!(units(text), Some(value));
            assert_eq!(decimal(value), text);
        }
        assert_eq!(units("NaN"), None);
        for (text, value) in [
            ("2026-03-20T14:11:43.123456Z", 1_774_015_903_123_456_000),
            ("2024-01-01T00:00:00.000000Z", 1_704_067_200_000_000_000),
            ("2024-02-29T23:59:59.999999Z", 1_709_251_199_999_999_000),
        ] {
            assert_eq!(nanos(text), Some(value), "{text}");
            assert_eq!(venue_time(value), text);
        }
        assert_eq!(nanos("2024-01-01T00:00:00Z"), Some(1_704_067_200_000_000_000));
    }
}
