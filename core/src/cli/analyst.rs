//! Asks the analyst.

use std::path::Path;

use clap::Subcommand;

use super::{EventTimeArgument, Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::notes::note_at;
use crate::api::patterns::AlikeRequest;
use crate::domain::{Pair, Source, TapeTime};
use crate::session::recorder::Recorder;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Say what the rules make of a pair, and of which facts
    Note {
        /// Such as BTC-USD
        pair: Pair,
        /// By what was known at this moment of the tape
        #[arg(long, value_name = "T")]
        at: Option<EventTimeArgument>,
        /// The lane the minutes are taken from [default: live, else the import that has the newest]
        #[arg(long, value_name = "SOURCE")]
        source: Option<Source>,
    },
}

pub(super) fn run(data: &Path, action: &Action, json: bool) -> Result<Outcome, ApiError> {
    let Action::Note { pair, at, source } = action;
    let (mut recorder, _) = Recorder::open(data)?;
    // The hours alike are those that are known by now.
    tiers::carry(data, &mut recorder)?;
    let at = at.map(|at| TapeTime::from_nanos(at.0.nanos()));
    let request = AlikeRequest { pair: *pair, at, source: *source, across: false };
    let note = tiers::runtime()?.block_on(note_at(data, &recorder, &request))?;
    let stance = note.stance.as_deref().unwrap_or("nothing");
    let confidence = note.confidence.as_deref().unwrap_or("0");
    let mut lines = vec![
        format!("{} at {}: {stance}, confidence {confidence} ({})", note.pair, note.as_of, note.author),
        note.text.clone().unwrap_or_default(),
    ];
    lines.extend(note.facts.iter().map(|fact| format!("  {}: {}", fact.label, fact.value)));
    print::report(json, &note, lines);
    Ok(Outcome::Done)
}
