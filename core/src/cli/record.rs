use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::api::trading::Local;
use crate::domain::{Input, Pair, Source};
use crate::reconcile::watch;
use crate::session::advisor::Advisor;
use crate::session::archive::{self, SharedStatus};
use crate::session::live::{self, Live, LiveConfig};
use crate::session::recorder::{Committed, Recorder};

pub(super) struct Request {
    pub(super) feed: Option<String>,
    pub(super) rest: Option<String>,
    pub(super) pairs: Vec<Pair>,
    pub(super) duration: Option<Duration>,
    pub(super) acknowledge: bool,
}

pub(super) fn run(data: &Path, request: &Request, json: bool) -> Result<Outcome, ApiError> {
    let config = Config::load(data)?;
    let rest = match (&request.rest, &request.feed) {
        (Some(rest), _) => Some(rest.clone()),
        // Ids of a feed of one's own are not Coinbase's.
        (None, Some(_)) => None,
        (None, None) => config.rest(),
    };
    let settings = LiveConfig {
        feed: Some(request.feed.clone().unwrap_or_else(|| config.feed.clone())),
        rest,
        pairs: if request.pairs.is_empty() { config.pairs.clone() } else { request.pairs.clone() },
        quarantine: data.join("quarantine.jsonl"),
    };
    let (recorder, recovery) = Recorder::open(data)?;
    if !json {
        print::line_out(&format!(
            "Recording {} from {} into {} (caught up with {} records in {:.2} s). Ctrl C ends it.",
            settings.pairs.iter().map(Pair::to_string).collect::<Vec<_>>().join(", "),
            settings.feed.as_deref().unwrap_or_default(),
            data.display(),
            recovery.stepped,
            recovery.took.as_secs_f64()
        ));
    }
    let live = Live::new(recorder);
    let runtime = tiers::runtime()?;
    let archived = SharedStatus::default();
    let (stop, stopped) = sync::watch::channel(false);
    let (stop_archive, archive_stopped) = sync::watch::channel(false);
    let following =
        archive::start(data.to_owned(), Arc::clone(&live), Arc::clone(&archived), config.pace(), archive_stopped)
            .map_err(|error| ApiError::refused("no_threads", error, "Close other programs and start again."))?;
    let local = Local::new(Arc::clone(&live), config.terms());
    // Without it everything else works; the command says that this process takes no orders.
    #[cfg(unix)]
    let _socket = local.serve(data).inspect_err(|error| tracing::warn!(%error, "no commands are taken")).ok();
    let comparing = watch::start(data.to_owned(), Arc::clone(&live), config.terms(), stopped.clone());
    comparing.map_err(|error| ApiError::refused("no_threads", error, "Close other programs and start again."))?;
    let advisor = Advisor::start(Arc::clone(&live), config.terms(), config.models())
        .map_err(|error| ApiError::refused("no_threads", error, "Close other programs and start again."))?;
    let acknowledge = request.acknowledge;
    let recorded = runtime.block_on(async {
        let duration = request.duration;
        tokio::spawn(async move {
            ended(duration).await;
            let _ = stop.send(true);
        });
        live::run(Arc::clone(&live), settings, stopped, |committed| {
            advisor.saw(committed);
            if acknowledge {
                print_acknowledged(committed);
            }
        })
        .await
    });
    drop(advisor);
    let _ = stop_archive.send(true);
    // A thread that panicked has said so; what it did not carry is in the journal.
    let _ = following.join();
    recorded?;
    if let Some(error) = &archive::lock(&archived).error {
        return Err(ApiError::new(
            "not_archived",
            error,
            "Everything recorded is in the journal; nothing is lost.",
            "Check that the disk has space; the next `tapedeck record` or `import` carries it on.",
        ));
    }
    report(&live, json);
    Ok(Outcome::Done)
}

/// The time is up, or the user or the system asks for the end.
pub(super) async fn ended(duration: Option<Duration>) {
    let time_is_up = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = time_is_up => {}
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

fn print_acknowledged(committed: &Committed) {
    let trades: Vec<_> = committed
        .inputs
        .iter()
        .filter_map(|stamped| match &stamped.input {
            Input::Tick(tick) => tick.trade().map(|trade| (tick.pair, trade.trade_id)),
            _ => None,
        })
        .collect();
    if let Some(last) = committed.inputs.last()
        && !trades.is_empty()
    {
        print::json_line(&json!({ "acknowledged": { "seq": last.seq, "trades": trades } }));
    }
}

fn report(live: &Live, json: bool) {
    let recorder = live.recorder();
    let status = live.status();
    let market = recorder.market();
    let lanes = || market.pairs().filter(|(source, ..)| *source == Source::Live);
    let gaps: Vec<_> = lanes()
        .flat_map(|(_, pair, market)| {
            market.missing().map(
                move |m| json!({ "pair": pair, "first": m.first, "last": m.last, "missing": m.last.0 - m.first.0 + 1 }),
            )
        })
        .collect();
    let found: u64 = lanes().map(|(.., m)| m.gaps_found()).sum();
    let filled: u64 = lanes().map(|(.., m)| m.gaps_filled()).sum();
    let c = status.counts;
    let hash = market.hash();
    let value = json!({
        "frames": c.frames, "trades": c.trades, "quotes": c.quotes, "control": c.control, "history": c.history,
        "ignored": c.ignored, "duplicates": c.duplicates, "quarantined": c.quarantined, "rounded": c.rounded,
        "fetched": c.fetched, "late": status.late, "reconnects": status.connections.saturating_sub(1), "gaps": gaps,
        "gaps_found": found, "gaps_filled": filled, "last_seq": recorder.journal().last_seq(), "state_hash": hash,
        "ack_p50_ms": status.acknowledged.quantile_ms(0.5), "ack_p99_ms": status.acknowledged.quantile_ms(0.99),
    });
    let lines = [
        format!(
            "{} frames = {} trades + {} quotes + {} control + {} history + {} ignored + {} duplicates + {} quarantined",
            c.frames, c.trades, c.quotes, c.control, c.history, c.ignored, c.duplicates, c.quarantined
        ),
        format!(
            "{found} gaps found, {filled} filled ({} trades fetched), {} runs still missing",
            c.fetched,
            gaps.len()
        ),
        format!("journal at {}, state {hash}", recorder.journal().last_seq().0),
    ];
    print::report(json, &value, lines);
}
