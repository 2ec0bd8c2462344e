//! What can go wrong in the warm tier.

use std::path::PathBuf;

use crate::domain::Amount;

#[derive(Debug, thiserror::Error)]
pub enum WarmError {
    #[error("{} can not be used: {source}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("{table}: {doing} failed: {source}")]
    Library { table: &'static str, doing: &'static str, source: Box<paimon::Error> },
    #[error("{table} holds everything through {last}; {given} was given after it, and nothing was written")]
    Backwards { table: &'static str, last: u64, given: u64 },
    #[error(
        "{change} can not be added to the balance of {balance} {asset} that `{account}` has in session `{session}`: a sum of 10^30 or more does not fit; nothing was written"
    )]
    Overflow { session: String, account: String, asset: String, balance: Amount, change: Amount },
    #[error("{table} can not hold {what}; nothing was written")]
    Unstorable { table: &'static str, what: String },
    #[error("{table} is damaged: {what}. It can be deleted and made again from the journal (`tapedeck rebuild`)")]
    Damaged { table: &'static str, what: String },
    #[error(
        "{table} has other columns than this Tapedeck's. It can be deleted and made again from the journal (`tapedeck rebuild`)"
    )]
    OtherColumns { table: &'static str },
    #[error("{table} was written by someone else while this process held it")]
    AnotherWriter { table: &'static str },
    #[error("`{0}` is not a session's name: expected 1 to 64 letters, digits, `-`, `_` or `.`, not starting with `.`")]
    SessionName(String),
}
