//! Pairs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::{self, Name};

/// A venue's product name such as `BTC-USD`: 1 to 23 of `A-Z 0-9 - _ .`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair(Name<23>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pair: expected 1 to 23 capital letters, digits, `-`, `_` or `.`, as in BTC-USD")]
pub struct PairError(pub String);

/// What can be owned: `BTC`, `USD`. One side of a pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asset(Name<15>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an asset: expected 1 to 15 capital letters or digits, as in BTC")]
pub struct AssetError(String);

impl Pair {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What is traded and what it is paid with: `BTC-USD` is (BTC, USD). None for a name that does not say.
    pub fn assets(&self) -> Option<(Asset, Asset)> {
        let (base, quote) = self.as_str().split_once('-')?;
        Some((base.parse().ok()?, quote.parse().ok()?))
    }
}

impl Asset {
    /// What accounts are kept in.
    pub fn usd() -> Self {
        Self(Name::new("USD", |_| true).expect("three letters"))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        Name::new(text, |b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
            .map(Self)
            .ok_or_else(|| PairError(text.chars().take(40).collect()))
    }
}

impl FromStr for Asset {
    type Err = AssetError;

    fn from_str(text: &str) -> Result<Self, AssetError> {
        Name::new(text, |b| matches!(b, b'A'..=b'Z' | b'0'..=b'9'))
            .map(Self)
            .ok_or_else(|| AssetError(text.chars().take(40).collect()))
    }
}

macro_rules! as_text {
    ($name:ident, $expecting:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                name::deserialize(deserializer, $expecting)
            }
        }
    };
}
pub(super) use as_text;

as_text!(Pair, "a pair such as BTC-USD");
as_text!(Asset, "an asset such as BTC");

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
