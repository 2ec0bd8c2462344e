//! Whether an order may go to the market. Pure.

pub mod risk;
