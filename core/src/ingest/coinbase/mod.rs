//! Coinbase Exchange: the shape of its frames, its feed, its REST.

pub mod rest;
pub mod stream;
pub mod supervise;
pub mod wire;
