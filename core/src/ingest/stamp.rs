//! A short cut for the one notation Coinbase uses, `2026-09-02T07:44:10.104422Z`. Everything else goes to `domain::time`.

use crate::domain::time::{SECOND, TimeError, parse_nanos};

/// Nanoseconds since 1970 UTC. Same answers as `parse_nanos`.
pub(crate) fn read_time(text: &str) -> Result<i64, TimeError> {
    match zulu(text.as_bytes()) {
        Some(nanos) => Ok(nanos),
        None => parse_nanos(text),
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// `None` for anything that is not exactly this notation, between 1970 and 2199, with a real date.
fn zulu(text: &[u8]) -> Option<i64> {
    let (seconds, fraction) = match text {
        [civil @ .., b'Z'] if civil.len() == 19 => (civil, &[][..]),
        [civil @ .., b'Z'] if (21..=29).contains(&civil.len()) && civil[19] == b'.' => (&civil[..19], &civil[20..]),
        _ => return None,
    };
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1] = *seconds else {
        return None;
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?);
    // The 29th to 31st and leap seconds are rare enough to take the long way, which knows calendars.
    let plain = (1970..2200).contains(&year) && (1..=12).contains(&month) && (1..=28).contains(&day);
    if !plain || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days from civil, by Howard Hinnant: years counted from March, so that the leap day comes last.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let mut nanos = number(fraction)?;
    for _ in fraction.len()..9 {
        nanos *= 10;
    }
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * SECOND + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::format_rfc3339;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_cut_never_moves_a_trade_in_time(nanos in 0i64..7_258_118_400 * SECOND) {
            let text = format_rfc3339(nanos);
            prop_assert_eq!(read_time(&text), Ok(nanos));
            prop_assert_eq!(parse_nanos(&text), Ok(nanos));
        }

        #[test]
        fn nor_believes_an_impossible_date(text in "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?Z") {
            prop_assert_eq!(read_time(&text), parse_nanos(&text));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"]
        {
            assert!(read_time(text).is_err(), "{text:?} was read as a time");
        }
    }
}
