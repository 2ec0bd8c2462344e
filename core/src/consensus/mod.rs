//! From votes to a decision, and whether its order may go to the market. Pure.

pub mod risk;
pub mod votes;
