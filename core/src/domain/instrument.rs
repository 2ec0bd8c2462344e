//! Pairs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const CAPACITY: usize = 23;

/// A venue's product name such as `BTC-USD`: 1 to 23 of `A-Z 0-9 - _ .`, held in place, so that copying one is free.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    bytes: [u8; CAPACITY],
    length: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pair: expected 1 to 23 capital letters, digits, `-`, `_` or `.`, as in BTC-USD")]
pub struct PairError(pub String);

impl Pair {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("a pair holds ASCII")
    }
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let fits = (1..=CAPACITY).contains(&text.len());
        if !fits || !text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.')) {
            return Err(PairError(text.chars().take(40).collect()));
        }
        let mut bytes = [0; CAPACITY];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length: text.len() as u8 })
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A visitor, so that reading a journal allocates nothing for its pairs.
        struct Name;
        impl de::Visitor<'_> for Name {
            type Value = Pair;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pair such as BTC-USD")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pair, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_a_name_and_not_a_script() {
        for good in ["BTC-USD", "1INCH-USDC", "00-USD", "BTCUSDT"] {
            assert_eq!(good.parse::<Pair>().map(|p| p.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "btc-usd", "<script>", "BTC/USD", "../X", "A-VERY-LONG-NAME-INDEED-USD", "BTC USD"] {
            assert!(bad.parse::<Pair>().is_err(), "{bad:?} was taken for a pair");
        }
    }
}
