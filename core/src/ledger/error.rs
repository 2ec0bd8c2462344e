//! Why nothing was posted.

use crate::domain::money::NumberError;
use crate::domain::{Account, Amount, Asset, Cause, Pair, Quantity, Reason};

/// Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("a group without entries moves nothing")]
    Empty,
    #[error("{cause}: {amount} is not above zero")]
    AmountNotPositive { cause: Cause, amount: Amount },
    #[error("{cause}: {account} would give to itself")]
    SameAccount { cause: Cause, account: Account },
    #[error("{cause}: twice in one group")]
    CauseTwice { cause: Cause },
    /// A group is posted whole: a part of one is the work of something else than `Ledger::post`.
    #[error("{there} of the group's {of} transfers are posted and the others are not")]
    PartlyThere { there: usize, of: usize },
    /// `amount` is what the group takes from it more than it gives.
    #[error("{account} has {balance} {asset} and would give {amount}")]
    WouldBeNegative { account: Account, asset: Asset, balance: Amount, amount: Amount },
    #[error("a sum is larger than books can hold")]
    Overflow,
    #[error("{pair} is not traded: accounts are kept in USD, and it is not something else against that")]
    NotTraded { pair: Pair },
    /// Below zero, or a quantity of zero.
    #[error("a fill of {pair} states an impossible quantity, notional or fee")]
    Impossible { pair: Pair },
    #[error("{held} of {pair} are held, and {sold} were sold")]
    MoreThanHeld { pair: Pair, held: Quantity, sold: Quantity },
    #[error("{pair} is held and its price is not known")]
    Unmarked { pair: Pair },
}

impl LedgerError {
    /// What a trader is told of it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::WouldBeNegative { asset, .. } if *asset == Asset::usd() => Reason::InsufficientCash,
            Self::WouldBeNegative { .. } | Self::MoreThanHeld { .. } => Reason::InsufficientAsset,
            Self::NotTraded { .. } => Reason::WatchOnly,
            Self::Unmarked { .. } => Reason::NoPrice,
            Self::Overflow => Reason::Overflow,
            Self::Empty | Self::AmountNotPositive { .. } | Self::Impossible { .. } => Reason::AmountNotPositive,
            Self::SameAccount { .. } | Self::CauseTwice { .. } | Self::PartlyThere { .. } => Reason::BooksDiffer,
        }
    }
}

/// Every number here was read before: what is left to go wrong is its size.
impl From<NumberError> for LedgerError {
    fn from(_: NumberError) -> Self {
        Self::Overflow
    }
}
