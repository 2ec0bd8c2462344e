use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::api::trading::trade_rows;
use crate::clock;
use crate::domain::{EventTime, Source, TapeTime};
use crate::engine::Desk;
use crate::session::kept::{NewSession, SessionError, Sessions};
use crate::session::orders::{self, Planned};
use crate::session::playable::{Playable, TapeLane, TapeRange};
use crate::session::player::{Way, opening_by_consensus, opening_of};
use crate::session::recorded::RecordedTape;
use crate::session::recorder::Recorder;
use crate::session::run::{self, run};
use crate::session::{account::AccountTerms, books};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speed {
    Max,
    Times(u32),
}

pub(super) fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse() {
        Ok(times) if times > 0 => Ok(Speed::Times(times)),
        _ => Err(format!("`{text}` is not a speed: expected max, or a whole number above 0")),
    }
}

pub(super) struct Request {
    pub(super) from: Option<EventTime>,
    pub(super) to: Option<EventTime>,
    pub(super) speed: Speed,
    pub(super) source: Option<Source>,
    pub(super) orders: Option<PathBuf>,
    pub(super) session: Option<String>,
    pub(super) consensus: bool,
}

pub(super) fn run_command(data: &Path, request: &Request, json: bool) -> Result<Outcome, ApiError> {
    let planned = request.orders.as_deref().map(orders::read).transpose()?;
    let terms = Config::load(data)?.terms();
    let (recorder, _) = Recorder::open(data)?;
    let at = |time: Option<EventTime>| time.map(|time| TapeTime::from_nanos(time.nanos()));
    let lane = request.source.map_or(TapeLane::Everything, TapeLane::One);
    let range = TapeRange { lane, from: at(request.from), to: at(request.to) };
    let sessions = Sessions::of(data);
    let Some(tape) = RecordedTape::of(&recorder, range, &[])? else {
        return Err(ApiError::refused(
            "nothing_recorded",
            format!("Nothing was recorded of {lane}."),
            "Record or import it first.",
        ));
    };
    let tape: Arc<dyn Playable> = Arc::new(tape);
    if request.session.is_some() && planned.is_none() && !request.consensus {
        return Err(ApiError::refused(
            "nothing_to_keep",
            "A replay that nothing trades along is no session.",
            "Give it --orders FILE or --consensus.",
        ));
    }
    let way = match &planned {
        _ if request.consensus => Way::told_alone(opening_by_consensus(&terms, &Desk::new(tape.lanes()))),
        Some(_) => Way::told_alone(opening_of(tape.as_ref(), &terms)),
        None if tape.recorded().is_some_and(|recorded| recorded.has_account()) => Way::recorded(tape.through()),
        None => Way::told_alone(Vec::new()),
    };
    let played = play(&tape, &way, planned.as_deref().unwrap_or_default(), &terms, request.speed)?;
    if let Some(name) = &request.session {
        let commands = way.commands.iter().chain(&played.outcome.planned).copied().collect();
        let way = Way { commands, ..way.clone() };
        let kept = keep(&sessions, name, &tape, &way, None, snapshot(data)?)?;
        tiers::runtime()?.block_on(books::keep(data, name, &played.outcome))?;
        sessions.note(&kept, played.reached(), played.outcome.place.at)?;
    }
    let (report, lines) = played.report(planned.is_some() || way.told_anything());
    print::report(json, &report, lines);
    Ok(Outcome::Done)
}

/// The archive's newest snapshot: evidence of what there was.
pub(super) fn snapshot(data: &Path) -> Result<Option<i64>, ApiError> {
    let snapshots = tiers::runtime()?.block_on(async { crate::tiers::cold::Cold::open(data).await?.snapshots().await });
    Ok(snapshots.map_err(crate::session::archive::ArchiveError::from)?.last().map(|newest| newest.id))
}

/// Keeps a session; one that is the same already is left as it is. Answers its id.
pub(super) fn keep(
    sessions: &Sessions,
    name: &str,
    tape: &Arc<dyn Playable>,
    way: &Way,
    left: Option<(Option<&str>, TapeTime)>,
    snapshot: Option<i64>,
) -> Result<String, ApiError> {
    match sessions.find(name) {
        Ok(there) if there.commands == way.commands && there.manifest.tape == tape.range() => {
            return Ok(there.manifest.id);
        }
        Ok(_) => return Err(SessionError::NameTaken(name.to_owned()).into()),
        Err(SessionError::Unknown(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let new = NewSession {
        name: Some(name),
        tape: tape.range(),
        through: tape.through(),
        snapshot,
        follows: way.follows,
        parent: left.and_then(|(parent, _)| parent),
        left_at: left.map(|(_, at)| at),
        commands: &way.commands,
    };
    Ok(sessions.make(&new, clock::received_now())?.id)
}

pub(super) struct Played {
    pub(super) outcome: run::Outcome,
    wall_s: f64,
}

pub(super) fn play(
    tape: &Arc<dyn Playable>,
    way: &Way,
    planned: &[Planned],
    terms: &AccountTerms,
    speed: Speed,
) -> Result<Played, ApiError> {
    let started = clock::monotonic();
    let mut first = None;
    let outcome = run(tape, way, planned, terms, None, |at| {
        if let Speed::Times(times) = speed {
            // Paced by the tape's own time, so that nothing drifts.
            let first = *first.get_or_insert(at.nanos());
            let due = Duration::from_nanos((at.nanos() - first).max(0) as u64 / u64::from(times));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        true
    })?;
    let outcome = outcome.expect("nobody stops it");
    Ok(Played { outcome, wall_s: started.elapsed().as_secs_f64() })
}

impl Played {
    pub(super) fn reached(&self) -> crate::session::player::Reached {
        let run::Outcome { place, .. } = &self.outcome;
        crate::session::player::Reached { seq: place.seq, at: place.at, equity: self.outcome.desk().equity().total }
    }

    pub(super) fn report(&self, with_account: bool) -> (Value, Vec<String>) {
        let Self { outcome, wall_s } = self;
        let hash = outcome.market().hash();
        let rate = outcome.ticks as f64 / wall_s.max(1e-9);
        let trades = trade_rows(&outcome.deeds);
        let head = outcome.desk().ledger().head();
        let ledger = with_account.then(|| head.hash.to_string());
        let report = json!({
            "ticks": outcome.ticks, "candles": outcome.candles, "fills": trades.len(), "state_hash": hash,
            "ledger_hash": ledger, "wall_s": wall_s, "ticks_per_s": rate,
        });
        let mut lines = vec![
            format!("{} ticks, {} candles in {wall_s:.2} s ({rate:.0} ticks/s)", outcome.ticks, outcome.candles),
            format!("state {hash}"),
        ];
        if with_account {
            let equity = outcome.desk().equity();
            lines.push(format!("{} fills; {} USD cash, {} USD equity", trades.len(), equity.cash, equity.total));
            lines.push(format!("ledger {}", head.hash));
        }
        (report, lines)
    }
}
