//! Trading by consensus: on, off, and why.

use std::path::Path;

use super::{EventTimeArgument, Outcome, trading};
use crate::api::ApiError;
use crate::api::trading::Request;
use crate::domain::Pair;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Enter and leave by the votes from now on
    On,
    /// Enter no more; exits that are open stay
    Off,
    /// Say what was decided last, and by which votes
    Explain {
        /// What was decided last at this moment of the tape
        #[arg(long, value_name = "T")]
        at: Option<EventTimeArgument>,
        /// Of one pair alone
        #[arg(long)]
        pair: Option<Pair>,
        /// So many of each pair
        #[arg(long, default_value_t = 1, value_name = "N")]
        rows: u32,
    },
}

pub(super) fn run(data: &Path, action: &Action, json: bool) -> Result<Outcome, ApiError> {
    match action {
        Action::On => trading::run(data, &Request::Consensus { on: true }, json),
        Action::Off => trading::run(data, &Request::Consensus { on: false }, json),
        Action::Explain { at, pair, rows } => {
            let request = Request::Decisions {
                pair: pair.map(|pair| pair.to_string()),
                at: at.map(|at| at.0.to_string()),
                limit: *rows,
            };
            trading::run(data, &request, json)
        }
    }
}
