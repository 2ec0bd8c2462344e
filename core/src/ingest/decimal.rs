//! A short cut for the numbers venues really send. Same answers as `domain::money::parse_decimal`, several times sooner.

use crate::domain::money::{DECIMALS, NumberError};
use crate::domain::money::{Parsed, parse_decimal};

const SCALES: [i128; DECIMALS as usize + 1] = [100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// Up to 18 plain digits with at most eight decimals fit an `i64` while they are read; anything else takes the long way.
pub(crate) fn read_decimal(text: &str) -> Result<Parsed, NumberError> {
    if text.len() > 18 {
        return parse_decimal(text);
    }
    let (mut value, mut digits, mut places, mut point) = (0i64, 0usize, 0usize, false);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i64::from(byte - b'0');
                digits += 1;
                places += usize::from(point);
            }
            b'.' if !point => point = true,
            _ => return parse_decimal(text),
        }
    }
    match SCALES.get(places) {
        Some(scale) if digits > 0 => Ok(Parsed { units: i128::from(value) * scale, rounded: false }),
        _ => parse_decimal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_cut_never_gives_another_price(text in "[-+]?[0-9]{0,20}\\.?[0-9]{0,12}(e-?[0-9]{1,2})?") {
            prop_assert_eq!(read_decimal(&text), parse_decimal(&text));
        }

        #[test]
        fn nor_takes_what_is_no_number(text in "\\PC{0,20}") {
            prop_assert_eq!(read_decimal(&text), parse_decimal(&text));
        }
    }
}
