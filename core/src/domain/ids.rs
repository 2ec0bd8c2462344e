//! Names for things that are counted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{BackfillMonth, Pair};

/// Place of an input in the journal. The first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A venue's number for a trade; steps by one within a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TradeId(pub u64);

/// The first eight bytes of the content hash of an imported file: the same file is the same lane, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ImportId(pub u64);

/// The lane an input came by. Duplicates, gaps and watermarks are judged within one (source, pair).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Live,
    Import(ImportId),
    /// Candles the venue's REST gave of one month.
    Backfill(BackfillMonth),
    Sample,
    /// The trader's own commands.
    Desk,
}

impl Source {
    /// The sample holds one real pair; its others are made by the generator and say so wherever they are shown.
    pub fn simulates(self, pair: Pair) -> bool {
        self == Self::Sample && pair.as_str() != "BTC-USD"
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Import(id) => write!(f, "import:{:016x}", id.0),
            Self::Backfill(month) => write!(f, "coinbase:{month}"),
            Self::Sample => f.write_str("sample"),
            Self::Desk => f.write_str("desk"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a source: expected live, sample, import: and 16 hexadecimal digits, or a month as in coinbase:BTC-USD:2026-03"
)]
pub struct SourceError(String);

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "live" => Ok(Self::Live),
            "sample" => Ok(Self::Sample),
            "desk" => Ok(Self::Desk),
            _ => {
                let import = || {
                    let hex = text.strip_prefix("import:").filter(|hex| hex.len() == 16)?;
                    u64::from_str_radix(hex, 16).ok().map(|id| Self::Import(ImportId(id)))
                };
                let backfill = || text.strip_prefix("coinbase:")?.parse().ok().map(Self::Backfill);
                import().or_else(backfill).ok_or_else(|| SourceError(text.to_owned()))
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
enum Packed {
    Live,
    Import(ImportId),
    Backfill(BackfillMonth),
    Sample,
    Desk,
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        match *self {
            Self::Live => Packed::Live,
            Self::Import(id) => Packed::Import(id),
            Self::Backfill(month) => Packed::Backfill(month),
            Self::Sample => Packed::Sample,
            Self::Desk => Packed::Desk,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(de::Error::custom);
        }
        Ok(match Packed::deserialize(deserializer)? {
            Packed::Live => Self::Live,
            Packed::Import(id) => Self::Import(id),
            Packed::Backfill(month) => Self::Backfill(month),
            Packed::Sample => Self::Sample,
            Packed::Desk => Self::Desk,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_the_same_in_text_and_in_bytes() {
        let march =
            BackfillMonth { pair: "BTC-USD".parse().expect("a pair"), month: "2026-03".parse().expect("a month") };
        for (source, text) in [
            (Source::Live, "live"),
            (Source::Import(ImportId(0xfeed)), "import:000000000000feed"),
            (Source::Backfill(march), "coinbase:BTC-USD:2026-03"),
            (Source::Sample, "sample"),
            (Source::Desk, "desk"),
        ] {
            assert_eq!(source.to_string(), text);
            assert_eq!(text.parse(), Ok(source));
            let bytes = postcard::to_allocvec(&source).expect("bytes");
            assert_eq!(postcard::from_bytes::<Source>(&bytes), Ok(source));
        }
        // A month that is none would have no place on the tape.
        let bytes = postcard::to_allocvec(&(2u8, "BTC-USD", 7u16)).expect("bytes");
        assert!(postcard::from_bytes::<Source>(&bytes).is_err());
        for text in ["backfill", "coinbase:", "coinbase:2026-03", "coinbase:btc:2026-03", "coinbase:BTC-USD:2026-13"] {
            assert!(text.parse::<Source>().is_err(), "{text:?} was taken for a source");
        }
    }
}
