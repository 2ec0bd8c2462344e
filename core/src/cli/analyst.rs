//! Asks the analyst, and says which model it is.

use std::path::Path;

use clap::Subcommand;
use tokio::sync::watch;

use super::{EventTimeArgument, Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::api::models::models;
use crate::api::notes::{NoteRow, Notes, facts_at, notes_at, unkept};
use crate::api::patterns::AlikeRequest;
use crate::domain::{EventTime, Pair, Source, TapeTime};
use crate::session::analysts::{ask, choose, chosen};
use crate::session::recorder::Recorder;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Say what is made of a pair, and of which facts; nothing of it is kept
    Note {
        /// Such as BTC-USD
        pair: Pair,
        /// By what was known at this moment of the tape
        #[arg(long, value_name = "T")]
        at: Option<EventTimeArgument>,
        /// The lane the minutes are taken from [default: live, else the import that has the newest]
        #[arg(long, value_name = "SOURCE")]
        source: Option<Source>,
        /// Ask the rules, whichever model is in use
        #[arg(long)]
        rules: bool,
    },
    /// List the notes that were kept, the newest first, and how each author did
    Notes {
        /// Of all pairs without one
        pair: Option<Pair>,
        /// As they were known at this moment of the tape
        #[arg(long, value_name = "T")]
        at: Option<EventTimeArgument>,
        /// The lane they were made of
        #[arg(long, value_name = "SOURCE", default_value = "live")]
        source: Source,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// List the models of the server
    Models,
    /// Ask this model from now on, or the rules alone
    Use {
        /// As the server calls it
        #[arg(required_unless_present = "rules", conflicts_with = "rules")]
        model: Option<String>,
        #[arg(long)]
        rules: bool,
    },
}

pub(super) fn run(data: &Path, action: &Action, json: bool) -> Result<Outcome, ApiError> {
    let config = Config::load(data)?;
    match action {
        Action::Note { pair, at, source, rules } => {
            let at = at.map(|at| TapeTime::from_nanos(at.0.nanos()));
            let request = AlikeRequest { pair: *pair, at, source: *source, across: false };
            note(data, &config, &request, *rules, json)
        }
        Action::Notes { pair, at, source, limit } => {
            let (recorder, _) = Recorder::open(data)?;
            let cursor = at.map_or(TapeTime::from_nanos(i64::MAX), |at| TapeTime::from_nanos(at.0.nanos()));
            kept(&notes_at(&recorder, *source, *pair, cursor, *limit)?, json)
        }
        Action::Models => list(data, &config, json),
        Action::Use { model, .. } => {
            choose(data, model.as_deref())?;
            let line = match model {
                Some(model) => format!("{model} is asked from now on; the rules speak where it does not answer."),
                None => "The rules are asked from now on.".to_owned(),
            };
            print::report(json, &serde_json::json!({ "chosen": model }), [line]);
            Ok(Outcome::Done)
        }
    }
}

fn note(data: &Path, config: &Config, request: &AlikeRequest, rules: bool, json: bool) -> Result<Outcome, ApiError> {
    let (mut recorder, _) = Recorder::open(data)?;
    // The hours alike are those that are known by now.
    tiers::carry(data, &mut recorder)?;
    let model = chosen(data).filter(|_| !rules);
    let (_uncancelled, cancelled) = watch::channel(false);
    let notes = tiers::runtime()?.block_on(async {
        let facts = facts_at(data, &recorder, request).await?;
        Ok::<_, ApiError>(ask(&config.models(), model.as_ref(), facts, cancelled).await)
    })?;
    let views: Vec<_> = notes.into_iter().map(unkept).collect();
    let mut lines = Vec::new();
    for view in &views {
        let row = &view.row;
        let as_of = EventTime::from_nanos((row.as_of_ms * 1e6) as i64);
        match (&row.refused, &row.stance, &row.confidence) {
            (None, Some(stance), Some(confidence)) => {
                lines.push(format!("{} at {as_of}: {stance}, confidence {confidence} ({})", row.pair, row.author))
            }
            (refused, ..) => {
                let why = refused.as_ref().map(|refused| refused.sentence.as_str()).unwrap_or_default();
                lines.push(format!("{} at {as_of}: nothing that may be shown of {}: {why}", row.pair, row.author));
            }
        }
        lines.extend(row.text.clone());
    }
    if let Some(view) = views.last() {
        lines.extend(view.facts.iter().map(|fact| format!("  {}: {} {}", fact.label, fact.value, fact.unit)));
    }
    print::report(json, &views, lines);
    Ok(Outcome::Done)
}

fn kept(notes: &Notes, json: bool) -> Result<Outcome, ApiError> {
    let moment = |ms: f64| EventTime::from_nanos((ms * 1e6) as i64);
    let line = |row: &NoteRow| {
        let said = match &row.refused {
            None => format!("{} {}", row.stance.as_deref().unwrap_or("–"), row.confidence.as_deref().unwrap_or("–")),
            Some(refused) => format!("refused ({})", refused.code),
        };
        let after = row.after_60_pct.map_or_else(|| "–".to_owned(), |percent| format!("{percent:+.2} %"));
        format!("{} {} by {}: {said}; an hour after {after}", moment(row.as_of_ms), row.pair, row.author)
    };
    let mut lines: Vec<String> = notes.notes.iter().map(line).collect();
    for score in &notes.scores {
        lines.push(match (score.hit_rate, score.base_rate, score.brier, score.base_brier) {
            (Some(hits), Some(base), Some(brier), Some(base_brier)) => format!(
                "{}: {} calls, {:.1} % right (up: {:.1} %), Brier {brier:.3} (up: {base_brier:.3})",
                score.author,
                score.n,
                hits * 100.0,
                base * 100.0
            ),
            _ => format!("{}: {} calls, too few to judge", score.author, score.n),
        });
    }
    if lines.is_empty() {
        lines.push("No notes were kept.".to_owned());
    }
    print::report(json, notes, lines);
    Ok(Outcome::Done)
}

fn list(data: &Path, config: &Config, json: bool) -> Result<Outcome, ApiError> {
    let found = tiers::runtime()?.block_on(models(&config.models().url, chosen(data).as_ref()));
    if let Some(failure) = found.failure {
        let instead = "The rules speak meanwhile; [analyst] url in tapedeck.toml says where models are asked.";
        return Err(ApiError::refused("models_unavailable", failure, instead));
    }
    let mut lines = Vec::new();
    for model in &found.models {
        let is_chosen = found.chosen.as_deref() == Some(model.name.as_str());
        let mark = if is_chosen { "*" } else { " " };
        lines.push(format!("{mark} {}  {}  {} bytes", model.name, model.parameters, model.size_bytes));
    }
    if found.models.is_empty() {
        lines.push(format!("{} has no model. Fetch one there.", found.url));
    }
    if found.chosen.is_none() {
        lines.push("The rules are asked.".to_owned());
    }
    print::report(json, &found, lines);
    Ok(Outcome::Done)
}
