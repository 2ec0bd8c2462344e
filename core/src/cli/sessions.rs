//! Sessions: listed, named, forked, compared.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use super::replay::{Played, Speed, keep, play, snapshot};
use super::trading::table;
use super::{EventTimeArgument, Outcome, print};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::api::trading::{TradeRow, trade_row};
use crate::domain::{Source, TapeTime};
use crate::session::compare::{Apart, compare as compare_outcomes};
use crate::session::engine::Ordered;
use crate::session::kept::{Kept, Sessions};
use crate::session::orders;
use crate::session::playable::{Playable, TapeLane, TapeRange, place_at};
use crate::session::player::Way;
use crate::session::recorded::RecordedTape;
use crate::session::recorder::Recorder;
use crate::session::sample::SampleTape;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Give a session another name
    Rename { session: String, name: String },
    /// Put a session away, or with --undo back among the others
    Archive {
        session: String,
        #[arg(long)]
        undo: bool,
    },
    /// Delete a session; `tapedeck sessions restore ID` brings it back
    Delete { session: String },
    /// Bring a deleted session back, by its id
    Restore { id: String },
}

pub(super) fn run(data: &Path, action: Option<&Action>, json: bool) -> Result<Outcome, ApiError> {
    let sessions = Sessions::of(data);
    let done = |what: String, value: Value| {
        print::report(json, &value, [what]);
        Ok(Outcome::Done)
    };
    match action {
        None => list(&sessions, json),
        Some(Action::Rename { session, name }) => {
            let id = sessions.find(session)?.manifest.id;
            sessions.rename(&id, name)?;
            done(format!("session {id} is `{name}` now"), json!({ "id": id, "name": name }))
        }
        Some(Action::Archive { session, undo }) => {
            let id = sessions.find(session)?.manifest.id;
            sessions.archive(&id, !undo)?;
            done(
                format!("session {id} is {}", if *undo { "back" } else { "archived" }),
                json!({ "id": id, "archived": !undo }),
            )
        }
        Some(Action::Delete { session }) => {
            let id = sessions.find(session)?.manifest.id;
            sessions.delete(&id)?;
            done(
                format!("session {id} is deleted; `tapedeck sessions restore {id}` brings it back"),
                json!({ "id": id }),
            )
        }
        Some(Action::Restore { id }) => {
            sessions.bring_back(id)?;
            done(format!("session {id} is back"), json!({ "id": id }))
        }
    }
}

fn list(sessions: &Sessions, json: bool) -> Result<Outcome, ApiError> {
    let (kept, unreadable) = sessions.list()?;
    let row = |session: &Kept| {
        let manifest = &session.manifest;
        json!({
            "id": manifest.id, "name": manifest.name, "tape": manifest.tape, "through": manifest.through,
            "snapshot": manifest.snapshot, "parent": manifest.parent, "left_at": manifest.left_at,
            "made_at": manifest.made_at, "archived": manifest.archived, "commands": session.commands.len(),
            "reached_at": session.reached.at, "equity": session.reached.equity,
        })
    };
    let rows: Vec<Value> = kept.iter().map(row).collect();
    let errors: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    let cells: Vec<Vec<String>> = kept
        .iter()
        .map(|session| {
            let manifest = &session.manifest;
            let left = manifest.left_at.map_or(String::new(), |at| at.to_string());
            let parent = manifest.parent.clone().or(manifest.follows.map(|_| "live".to_owned())).unwrap_or_default();
            let archived = if manifest.archived { "archived" } else { "" };
            vec![
                manifest.id.clone(),
                manifest.name.clone(),
                manifest.tape.lane.to_string(),
                parent,
                left,
                session.commands.len().to_string(),
                session.reached.equity.to_string(),
                archived.to_owned(),
            ]
        })
        .collect();
    let names = ["id", "name", "tape", "left", "at", "commands", "equity", ""];
    let mut lines = table(&names, cells.iter().map(|row| row.iter().collect()));
    lines.extend(errors.iter().map(|error| format!("left out: {error}")));
    print::report(json, &json!({ "sessions": rows, "unreadable": errors }), lines);
    Ok(if errors.is_empty() { Outcome::Done } else { Outcome::FoundSomethingWrong })
}

/// A session with the tape it is on. `live` is the account that was recorded.
struct Found {
    tape: Arc<dyn Playable>,
    way: Way,
    kept: Option<Kept>,
}

fn find(data: &Path, recorder: &Recorder, name: &str) -> Result<Found, ApiError> {
    let nothing = |lane: TapeLane| {
        ApiError::refused("nothing_recorded", format!("Nothing was recorded of {lane}."), "Record or import it first.")
    };
    let recorded = |range: TapeRange| RecordedTape::of(recorder, range, &[])?.ok_or_else(|| nothing(range.lane));
    if name == "live" {
        let tape: Arc<dyn Playable> = Arc::new(recorded(TapeRange::whole(TapeLane::One(Source::Live)))?);
        let way = Way::recorded(tape.through());
        return Ok(Found { tape, way, kept: None });
    }
    let kept = Sessions::of(data).find(name)?;
    let tape: Arc<dyn Playable> = match kept.manifest.tape.lane {
        TapeLane::SampleDay => Arc::new(SampleTape::load()?),
        _ => Arc::new(recorded(kept.manifest.tape)?.pinned(kept.manifest.through)),
    };
    Ok(Found { tape, way: kept.way(None), kept: Some(kept) })
}

pub(super) struct Fork {
    pub(super) session: String,
    pub(super) at: EventTimeArgument,
    pub(super) orders: Option<PathBuf>,
    pub(super) name: String,
}

pub(super) fn fork(data: &Path, request: &Fork, json: bool) -> Result<Outcome, ApiError> {
    let planned = request.orders.as_deref().map(orders::read).transpose()?.unwrap_or_default();
    let terms = Config::load(data)?.terms();
    let (recorder, _) = Recorder::open(data)?;
    let Found { tape, way, kept } = find(data, &recorder, &request.session)?;
    let at = TapeTime::from_nanos(request.at.0.nanos());
    if let Some(early) = planned.iter().find(|planned| planned.at < at) {
        let what = format!("An order of {} is from before the fork at {at}.", early.at);
        return Err(ApiError::refused("order_before_fork", what, "Leave it out, or fork earlier."));
    }
    let way = way.until(place_at(tape.as_ref(), at)?);
    let played = play(&tape, &way, &planned, &terms, Speed::Max)?;
    let commands = way.commands.iter().chain(&played.outcome.planned).copied().collect();
    let way = Way { commands, ..way };
    let sessions = Sessions::of(data);
    let parent = kept.as_ref().map(|kept| kept.manifest.id.as_str());
    let id = keep(&sessions, &request.name, &tape, &way, Some((parent, at)), snapshot(data)?)?;
    sessions.note(&id, played.reached(), played.outcome.place.at)?;
    let (mut report, mut lines) = played.report(true);
    report["id"] = json!(id);
    report["name"] = json!(request.name);
    lines.insert(0, format!("session {id} `{}` left `{}` at {at}", request.name, request.session));
    print::report(json, &report, lines);
    Ok(Outcome::Done)
}

pub(super) fn compare(data: &Path, first: &str, second: &str, json: bool) -> Result<Outcome, ApiError> {
    let terms = Config::load(data)?.terms();
    let (recorder, _) = Recorder::open(data)?;
    let played = |name: &str| -> Result<Played, ApiError> {
        let Found { tape, way, .. } = find(data, &recorder, name)?;
        play(&tape, &way, &[], &terms, Speed::Max)
    };
    let (one, other) = (played(first)?, played(second)?);
    let found = compare_outcomes(&one.outcome, &other.outcome);
    let side = |name: &str, played: &Played, apart: &Apart| {
        let (mut report, _) = played.report(true);
        report["session"] = json!(name);
        report["equity"] = json!(played.outcome.desk().equity().total);
        report["only"] = json!({
            "commands": apart.commands.iter().map(command).collect::<Vec<_>>(),
            "fills": apart.fills.iter().map(trade_row).collect::<Vec<TradeRow>>(),
        });
        report
    };
    let equity: Vec<Value> =
        found.equity.iter().map(|(at, one, other)| json!({ "at": at, "first": one, "second": other })).collect();
    let report = json!({
        "parted_at": found.parted,
        "first": side(first, &one, &found.only_first),
        "second": side(second, &other, &found.only_second),
        "equity": equity,
    });
    let mut lines = vec![match found.parted {
        None => format!("`{first}` and `{second}` were told the same."),
        Some(at) => format!("`{first}` and `{second}` part at {at}."),
    }];
    for (name, played, apart) in [(first, &one, &found.only_first), (second, &other, &found.only_second)] {
        let equity = played.outcome.desk().equity().total;
        lines.push(format!("{name}: {equity} USD equity, ledger {}", played.outcome.desk().ledger().head().hash));
        lines.push(format!(
            "  {} commands and {} fills that the other has not",
            apart.commands.len(),
            apart.fills.len()
        ));
        lines.extend(apart.commands.iter().map(|told| format!("  {} {}", told.at, serde_json::json!(told.action))));
    }
    print::report(json, &report, lines);
    Ok(Outcome::Done)
}

fn command(told: &Ordered) -> Value {
    json!({ "at": told.at, "action": told.action })
}
