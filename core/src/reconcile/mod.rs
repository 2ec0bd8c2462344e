//! Second looks: what is stored, computed again and compared.

pub mod tiers;
pub mod verify;
