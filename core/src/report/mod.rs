//! What a session came to, in numbers.

pub mod returns;
