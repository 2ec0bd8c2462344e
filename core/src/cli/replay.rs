use std::path::Path;

use serde_json::json;

use super::{Outcome, print};
use crate::api::ApiError;
use crate::clock;
use crate::domain::{EventTime, Source, TapeTime};
use crate::session::recorder::Recorder;
use crate::session::replay;

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
}

pub(super) fn run(data: &Path, request: &Request, json: bool) -> Result<Outcome, ApiError> {
    let (recorder, _) = Recorder::open(data)?;
    let from = TapeTime::from_nanos(request.from.map_or(i64::MIN, EventTime::nanos));
    let to = TapeTime::from_nanos(request.to.map_or(i64::MAX, EventTime::nanos));
    let started = clock::monotonic();
    let mut first = None;
    let played = replay::replay(recorder.journal(), request.source, from, to, |candle, _| {
        if let Speed::Times(times) = request.speed {
            // Paced by event time from the first candle on, so that nothing drifts.
            let first = *first.get_or_insert(candle.tape_time.nanos());
            let due =
                std::time::Duration::from_nanos((candle.tape_time.nanos() - first).max(0) as u64 / u64::from(times));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        true
    })?;
    let wall = started.elapsed().as_secs_f64();
    let hash = played.market.hash();
    let rate = played.ticks as f64 / wall.max(1e-9);
    let report = json!({
        "ticks": played.ticks, "candles": played.candles, "fills": 0, "state_hash": hash, "ledger_hash": null,
        "wall_s": wall, "ticks_per_s": rate,
    });
    print::report(
        json,
        &report,
        [
            format!("{} ticks, {} candles in {wall:.2} s ({rate:.0} ticks/s)", played.ticks, played.candles),
            format!("state {hash}"),
        ],
    );
    Ok(Outcome::Done)
}
