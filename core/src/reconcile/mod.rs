//! Second looks: what is stored, computed again and compared.

pub mod books;
pub mod ledger;
pub mod tiers;
pub mod verify;
pub mod watch;
