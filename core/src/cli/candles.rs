use std::path::Path;

use serde_json::json;

use super::{Outcome, print};
use crate::api::{self, ApiError, CandleRequest};
use crate::domain::{EventTime, Interval, Pair, Source, TapeTime};
use crate::session::recorder::Recorder;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Csv,
    Json,
}

pub(super) struct Request {
    pub(super) pair: Pair,
    pub(super) interval: Interval,
    pub(super) from: Option<EventTime>,
    pub(super) to: Option<EventTime>,
    pub(super) as_of: Option<EventTime>,
    pub(super) source: Option<Source>,
    pub(super) format: Format,
}

pub(super) fn run(data: &Path, request: &Request) -> Result<Outcome, ApiError> {
    let (recorder, _) = Recorder::open(data)?;
    let bars = api::candles(
        recorder.journal(),
        recorder.market(),
        &CandleRequest {
            pair: request.pair,
            interval: request.interval,
            from: request.from.unwrap_or(EventTime::from_nanos(i64::MIN)),
            to: request.to.unwrap_or(EventTime::from_nanos(i64::MAX)),
            as_of: TapeTime::from_nanos(request.as_of.map_or(i64::MAX, EventTime::nanos)),
            source: request.source,
        },
    )?;
    match request.format {
        Format::Csv => {
            print::line_out("time,open,high,low,close,volume,tick_count,quality");
            for bar in &bars {
                print::line_out(&format!(
                    "{},{},{},{},{},{},{},{}",
                    bar.window_start,
                    bar.open,
                    bar.high,
                    bar.low,
                    bar.close,
                    bar.volume,
                    bar.tick_count,
                    bar.quality.as_str()
                ));
            }
        }
        Format::Json => {
            let rows: Vec<_> = bars
                .iter()
                .map(|bar| {
                    json!({
                        "time": bar.window_start, "open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close,
                        "volume": bar.volume, "tick_count": bar.tick_count, "quality": bar.quality.as_str(),
                    })
                })
                .collect();
            print::json_line(&rows);
        }
    }
    Ok(Outcome::Done)
}
