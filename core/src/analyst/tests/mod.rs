//! What a trader would lose if an analyst could say what is not so.

mod accepted;
mod facts;
mod notes;
mod refused;
mod setting;
