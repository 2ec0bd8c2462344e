use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::api::trading::trade_rows;
use crate::clock;
use crate::domain::{EventTime, Source, TapeTime};
use crate::session::recorder::Recorder;
use crate::session::replay::{self, ReplayRequest, Replayed, Trading};
use crate::session::{books, orders};

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
}

pub(super) fn run(data: &Path, request: &Request, json: bool) -> Result<Outcome, ApiError> {
    let planned = request.orders.as_deref().map(orders::read).transpose()?;
    let trading = match planned {
        None => None,
        Some(planned) => Some(Trading { terms: Config::load(data)?.terms(), planned }),
    };
    let (recorder, _) = Recorder::open(data)?;
    let played = play(&recorder, request, trading)?;
    let Played { replayed, wall_s } = &played;
    if let (Some(session), Some(account)) = (&request.session, &replayed.account) {
        tiers::runtime()?.block_on(books::keep(data, session, account))?;
    }
    let hash = replayed.market.hash();
    let rate = replayed.ticks as f64 / wall_s.max(1e-9);
    let trades = replayed.account.as_ref().map(|account| trade_rows(&account.deeds)).unwrap_or_default();
    let ledger = replayed.account.as_ref().map(|account| account.desk.ledger().head().hash.to_string());
    let report = json!({
        "ticks": replayed.ticks, "candles": replayed.candles, "fills": trades.len(), "state_hash": hash,
        "ledger_hash": ledger, "wall_s": wall_s, "ticks_per_s": rate,
    });
    let mut lines = vec![
        format!("{} ticks, {} candles in {wall_s:.2} s ({rate:.0} ticks/s)", replayed.ticks, replayed.candles),
        format!("state {hash}"),
    ];
    if let Some(account) = &replayed.account {
        let equity = account.desk.equity();
        lines.push(format!("{} fills; {} USD cash, {} USD equity", trades.len(), equity.cash, equity.total));
        lines.push(format!("ledger {}", account.desk.ledger().head().hash));
    }
    print::report(json, &report, lines);
    Ok(Outcome::Done)
}

struct Played {
    replayed: Replayed,
    wall_s: f64,
}

fn play(recorder: &Recorder, request: &Request, trading: Option<Trading>) -> Result<Played, ApiError> {
    let asked = ReplayRequest {
        source: request.source,
        from: TapeTime::from_nanos(request.from.map_or(i64::MIN, EventTime::nanos)),
        to: TapeTime::from_nanos(request.to.map_or(i64::MAX, EventTime::nanos)),
        trading,
    };
    let started = clock::monotonic();
    let mut first = None;
    let replayed = replay::replay(recorder.journal(), &asked, |candle, _| {
        if let Speed::Times(times) = request.speed {
            // Paced by event time from the first candle on, so that nothing drifts.
            let first = *first.get_or_insert(candle.tape_time.nanos());
            let due =
                std::time::Duration::from_nanos((candle.tape_time.nanos() - first).max(0) as u64 / u64::from(times));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        true
    })?;
    Ok(Played { replayed, wall_s: started.elapsed().as_secs_f64() })
}
