//! Numbers that are money: integers at 1e-8, never floats. Text in, text out.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Decimal places kept. Coinbase quotes at most eight.
pub const DECIMALS: u32 = 8;
/// One whole unit.
pub const ONE: i64 = 100_000_000;

/// What DECIMAL(38, 8) holds, in units: an amount beyond it could be recorded and never be stored in a table.
const LARGEST: i128 = 10i128.pow(38) - 1;

/// Why a text is not a number we keep. `Display` is fit for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("is empty")]
    Empty,
    #[error("is not a decimal number")]
    NotDecimal,
    #[error("is too large")]
    Overflow,
    #[error("is negative")]
    Negative,
    #[error("is zero")]
    Zero,
}

/// A decimal text at 1e-8, and whether anything beyond eight decimals had to be rounded (half to even).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub units: i128,
    pub rounded: bool,
}

/// Reads `-12.5`, `.5`, `1e-8`. Never passes through a float; `NaN` and `inf` are not decimal numbers.
pub fn parse_decimal(text: &str) -> Result<Parsed, NumberError> {
    let bytes = text.as_bytes();
    let (negative, mut at) = match bytes.first() {
        None => return Err(NumberError::Empty),
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        Some(_) => (false, 0),
    };
    let (mut digits, mut any, mut point, mut places): (i128, bool, bool, i32) = (0, false, false, 0);
    let mut exponent = 0i32;
    while at < bytes.len() {
        match bytes[at] {
            digit @ b'0'..=b'9' => {
                any = true;
                digits = digits
                    .checked_mul(10)
                    .and_then(|d| d.checked_add(i128::from(digit - b'0')))
                    .ok_or(NumberError::Overflow)?;
                places += i32::from(point);
            }
            b'.' if !point => point = true,
            b'e' | b'E' if any => {
                exponent = text[at + 1..].parse().map_err(|_| NumberError::NotDecimal)?;
                if !(-60..=60).contains(&exponent) {
                    return Err(if exponent > 0 { NumberError::Overflow } else { NumberError::NotDecimal });
                }
                break;
            }
            _ => return Err(NumberError::NotDecimal),
        }
        at += 1;
    }
    if !any {
        return Err(NumberError::NotDecimal);
    }
    let shift = DECIMALS as i32 + exponent - places;
    let (units, rounded) = if shift >= 0 {
        let scale = 10i128.checked_pow(shift as u32).ok_or(NumberError::Overflow)?;
        (digits.checked_mul(scale).ok_or(NumberError::Overflow)?, false)
    } else {
        match 10i128.checked_pow(shift.unsigned_abs()) {
            Some(scale) => (divide_half_even(digits, scale), digits % scale != 0),
            None => (0, digits != 0),
        }
    };
    if units > LARGEST {
        return Err(NumberError::Overflow);
    }
    Ok(Parsed { units: if negative { -units } else { units }, rounded })
}

/// `numerator ÷ divisor`, ties to the even neighbour. `divisor` is positive.
pub fn divide_half_even(numerator: i128, divisor: i128) -> i128 {
    let quotient = numerator.div_euclid(divisor);
    let remainder = numerator.rem_euclid(divisor);
    let twice = remainder * 2;
    if twice > divisor || (twice == divisor && quotient % 2 != 0) { quotient + 1 } else { quotient }
}

/// Writes units at 1e-8 without needless zeros: `42318.57`, `0.00000009`, `0`.
pub fn format_decimal(units: i128) -> String {
    let magnitude = units.unsigned_abs();
    let (whole, part) = (magnitude / ONE as u128, magnitude % ONE as u128);
    let sign = if units < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:08}");
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $units:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($units);

        impl $name {
            pub const ZERO: Self = Self(0);

            pub const fn from_units(units: $units) -> Self {
                Self(units)
            }

            /// The integer at 1e-8.
            pub const fn units(self) -> $units {
                self.0
            }

            /// For charts and features only: money is never computed from this.
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / ONE as f64
            }

            /// Errors: not a decimal, or beyond the type's range. More than eight decimals are rounded half to even.
            pub fn parse(text: &str) -> Result<Self, NumberError> {
                Self::from_parsed(parse_decimal(text)?)
            }

            pub fn from_parsed(parsed: Parsed) -> Result<Self, NumberError> {
                <$units>::try_from(parsed.units).map(Self).map_err(|_| NumberError::Overflow)
            }

            /// As `parse`, and above zero: what a price or the size of a trade must be.
            pub fn parse_positive(text: &str) -> Result<Self, NumberError> {
                Self::parse(text)?.positive()
            }

            pub fn positive(self) -> Result<Self, NumberError> {
                match self.0 {
                    0 => Err(NumberError::Zero),
                    units if units < 0 => Err(NumberError::Negative),
                    _ => Ok(self),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&format_decimal(i128::from(self.0)))
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
                    Self::parse(&text).map_err(|e| de::Error::custom(format!("`{text}` {e}")))
                } else {
                    <$units>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

number!(
    /// Quote units for one base unit, at 1e-8.
    Price,
    i64
);
number!(
    /// Base units, at 1e-8. Up to 9.2e10 of them.
    Quantity,
    i64
);
number!(
    /// Sums: volumes, balances, notionals. 24 h volumes need it (SHIB overflows `i64` at 1e-8).
    Amount,
    i128
);

number!(
    /// A share of one, at 1e-8: a fee of 0.10 % is 0.001.
    Rate,
    i64
);

/// Price times quantity, at 1e-8, rounded half to even, once.
///
/// Errors: `Overflow` when no table could hold it.
pub fn notional(price: Price, quantity: Quantity) -> Result<Amount, NumberError> {
    let product = i128::from(price.0).checked_mul(i128::from(quantity.0)).ok_or(NumberError::Overflow)?;
    fitting(divide_half_even(product, i128::from(ONE)))
}

/// Price times quantity times a rate, at 1e-8, rounded half to even, once: not the rounded notional times the rate.
///
/// Errors: `Overflow`, above some 1e22 quote units at a rate of one, which no real order reaches.
pub fn share_of(price: Price, quantity: Quantity, rate: Rate) -> Result<Amount, NumberError> {
    let product = i128::from(price.0)
        .checked_mul(i128::from(quantity.0))
        .and_then(|product| product.checked_mul(i128::from(rate.0)))
        .ok_or(NumberError::Overflow)?;
    fitting(divide_half_even(product, i128::from(ONE) * i128::from(ONE)))
}

fn fitting(units: i128) -> Result<Amount, NumberError> {
    if units.unsigned_abs() > LARGEST.unsigned_abs() { Err(NumberError::Overflow) } else { Ok(Amount(units)) }
}

impl Amount {
    /// Errors: `Overflow`, beyond what a table can hold.
    pub fn checked_add(self, other: Self) -> Result<Self, NumberError> {
        self.0.checked_add(other.0).ok_or(NumberError::Overflow).and_then(fitting)
    }

    /// Errors: `Overflow`, beyond what a table can hold.
    pub fn checked_sub(self, other: Self) -> Result<Self, NumberError> {
        self.0.checked_sub(other.0).ok_or(NumberError::Overflow).and_then(fitting)
    }

    /// Errors: `Overflow`, which no real sum of sizes reaches.
    pub fn plus(self, size: Quantity) -> Result<Self, NumberError> {
        self.0.checked_add(i128::from(size.units())).map(Self).ok_or(NumberError::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_and_rounded_half_to_even_beyond_eight_places() {
        for (text, units, rounded) in [
            ("77572.87", 7_757_287_000_000, false),
            ("0.00000009", 9, false),
            (".5", 50_000_000, false),
            ("5.", 500_000_000, false),
            ("-1.25", -125_000_000, false),
            ("1e-8", 1, false),
            ("1.5E3", 150_000_000_000, false),
            ("0.000000005", 0, true),
            ("0.000000015", 2, true),
            ("0.000000025", 2, true),
            ("0.0000000051", 1, true),
            ("1.000000000", 100_000_000, false),
        ] {
            assert_eq!(parse_decimal(text), Ok(Parsed { units, rounded }), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "NaN", "inf", "-", ".", "1.2.3", "1,5", "0x10", "1e", "1e999", "1e-999", "١", "--1", "1 "] {
            assert!(parse_decimal(text).is_err(), "{text:?} was read as a number");
        }
        assert_eq!(Price::parse("92233720368.54775808"), Err(NumberError::Overflow));
        assert_eq!(Amount::parse("1e30"), Err(NumberError::Overflow), "no table could hold it");
        assert!(Amount::parse("999999999999999999999999999999.99999999").is_ok());
        assert_eq!(Price::parse_positive("0"), Err(NumberError::Zero));
        assert_eq!(Price::parse_positive("-1"), Err(NumberError::Negative));
    }

    proptest::proptest! {
        #[test]
        fn text_and_back_is_the_same_number(units: i64) {
            let price = Price::from_units(units);
            proptest::prop_assert_eq!(Price::parse(&price.to_string()), Ok(price));
        }
    }
}
