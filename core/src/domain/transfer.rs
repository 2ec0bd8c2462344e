//! Double entry: what moved between accounts, and why.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fill::{as_hexadecimal, half_hash};
use super::order::OrderId;
use super::{Amount, Asset, FillId, TapeTime};

/// Place of an input in a session: its desk takes one step for each. The first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Step(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// Where deposits come from and withdrawals go to.
    World,
    /// The other side of every fill.
    Venue,
    Fees,
    /// What the trader owns.
    Trader,
}

impl Account {
    pub const ALL: [Self; 4] = [Self::World, Self::Venue, Self::Fees, Self::Trader];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::Venue => "venue",
            Self::Fees => "fees",
            Self::Trader => "trader",
        }
    }

    /// Whether it may owe.
    pub fn may_be_negative(self) -> bool {
        self != Self::Trader
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an account: expected world, venue, fees or trader")]
pub struct AccountError(String);

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        Self::ALL.into_iter().find(|a| a.as_str() == text).ok_or_else(|| AccountError(text.to_owned()))
    }
}

/// The part of a settlement a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    Asset,
    Cash,
    Fee,
}

/// Why something moved. Its text is what the id of the transfer is a hash of, so that one cause moves something once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Once in the life of an account.
    OpeningDeposit,
    Deposit(OrderId),
    Withdrawal(OrderId),
    Fill(FillId, Leg),
    /// Undoes a transfer, which stays as it is.
    Correction(TransferId),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpeningDeposit => f.write_str("opening deposit"),
            Self::Deposit(id) => write!(f, "deposit {id}"),
            Self::Withdrawal(id) => write!(f, "withdrawal {id}"),
            Self::Fill(fill, Leg::Asset) => write!(f, "fill {fill} asset"),
            Self::Fill(fill, Leg::Cash) => write!(f, "fill {fill} cash"),
            Self::Fill(fill, Leg::Fee) => write!(f, "fill {fill} fee"),
            Self::Correction(of) => write!(f, "correction of {of}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cause of a transfer")]
pub struct CauseError(String);

impl FromStr for Cause {
    type Err = CauseError;

    fn from_str(text: &str) -> Result<Self, CauseError> {
        let read = || -> Option<Self> {
            if text == "opening deposit" {
                return Some(Self::OpeningDeposit);
            }
            if let Some(of) = text.strip_prefix("correction of ") {
                return of.parse().ok().map(Self::Correction);
            }
            let (kind, rest) = text.split_once(' ')?;
            match kind {
                "deposit" => rest.parse().ok().map(Self::Deposit),
                "withdrawal" => rest.parse().ok().map(Self::Withdrawal),
                "fill" => {
                    let (fill, leg) = rest.split_once(' ')?;
                    let leg = match leg {
                        "asset" => Leg::Asset,
                        "cash" => Leg::Cash,
                        "fee" => Leg::Fee,
                        _ => return None,
                    };
                    fill.parse().ok().map(|fill| Self::Fill(fill, leg))
                }
                _ => None,
            }
        };
        read().ok_or_else(|| CauseError(text.chars().take(80).collect()))
    }
}

/// Half of the BLAKE3 of the cause.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferId([u8; 16]);

impl TransferId {
    pub fn of(cause: Cause) -> Self {
        Self(half_hash(&format!("transfer\0{cause}")))
    }
}

/// BLAKE3 of an entry of the ledger and of the hash of the one before. That before the first is all zeros.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    pub fn after(self, entry: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(entry);
        Self(*hasher.finalize().as_bytes())
    }
}

as_hexadecimal!(TransferId);
as_hexadecimal!(ChainHash);

/// An entry of the ledger. Never changed: what was wrong is made good by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its place in the chain. The first is 1.
    pub number: u64,
    pub step: Step,
    pub tape_time: TapeTime,
    pub id: TransferId,
    /// Who gives.
    pub debit: Account,
    /// Who receives.
    pub credit: Account,
    pub asset: Asset,
    /// Above zero.
    pub amount: Amount,
    pub cause: Cause,
    pub hash: ChainHash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_read_back_from_its_text() {
        let id: OrderId = "a".parse().expect("a name");
        let fill: FillId = "00112233445566778899aabbccddeeff".parse().expect("sixteen bytes");
        let causes = [
            Cause::OpeningDeposit,
            Cause::Deposit(id),
            Cause::Withdrawal(id),
            Cause::Fill(fill, Leg::Asset),
            Cause::Fill(fill, Leg::Cash),
            Cause::Fill(fill, Leg::Fee),
            Cause::Correction(TransferId::of(Cause::OpeningDeposit)),
        ];
        for cause in causes {
            assert_eq!(cause.to_string().parse(), Ok(cause));
        }
        for text in ["", "gift", "fill a fee", "deposit", "correction of x"] {
            assert!(text.parse::<Cause>().is_err(), "{text:?} was taken for a cause");
        }
    }
}
