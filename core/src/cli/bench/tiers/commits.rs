//! What a commit takes: ticks to cold, candles to warm, and a balance read after a year of them.

use tokio::runtime::Runtime;

use super::{ApiError, Figure, Waits, failed, tape, temporary};
use crate::domain::time::MINUTE;
use crate::domain::{Amount, Candle, EventTime, Pair, Price, Quality, Seq, Source, Stamped, TapeTime};
use crate::tiers::cold::Cold;
use crate::tiers::warm::{BalanceDelta, Warm};

const COMMITS: usize = 60;

/// A table that merges is compacted after so few commits (24) that a thousand are as good as the half million of a year: what a read
/// finds depends on those since the last compaction and on the number of balances, and on nothing older.
const STEPS: u64 = 1_000;
/// Reads after each of the last commits, so that the moments just before and just after a compaction are among them.
const READ_AFTER: u64 = 240;
const ACCOUNTS: u64 = 12;

pub(super) fn commits(runtime: &Runtime, day: &[Stamped]) -> Result<Vec<Figure>, ApiError> {
    let mut figures = Vec::new();
    for ticks in [10_000, 100_000] {
        let waits = cold(runtime, day, ticks)?;
        figures.extend(waits.figures(&format!("commit of {ticks} ticks to cold"), None));
    }
    figures.extend(candles(runtime)?.figures("commit of 60 candles to warm, compactions included", None));
    figures.extend(balances(runtime)?.figures("balances of 12 accounts, read after a year of commits", Some(20.0)));
    Ok(figures)
}

fn cold(runtime: &Runtime, day: &[Stamped], ticks: usize) -> Result<Waits, ApiError> {
    let directory = temporary()?;
    let mut cold = runtime.block_on(Cold::open(directory.path())).map_err(|e| failed(&e))?;
    let mut waits = Waits::default();
    for commit in 0..COMMITS {
        let inputs = tape(day, (commit * ticks) as u64, ticks);
        let through = inputs.last().map_or(Seq::default(), |input| input.seq);
        waits.time(|| runtime.block_on(cold.append(&inputs, through)).map_err(|e| failed(&e)))?;
    }
    Ok(waits)
}

/// The candle of a minute: the same one every time it is asked for.
pub(super) fn candle(pair: Pair, minute: u64, seq: u64) -> Candle {
    let start = 1_767_225_600_000_000_000 + minute as i64 * MINUTE;
    // A walk that comes back, so that a year of it stays a price.
    let open = 4_200_000_000_000 + (minute * 7_919 % 10_007) as i64 * 1_000_000;
    let price = |units: i64| Price::from_units(open + units);
    Candle {
        source: Source::Live,
        pair,
        window_start: EventTime::from_nanos(start),
        window_end: EventTime::from_nanos(start + MINUTE),
        open: price(0),
        high: price(5_000_000),
        low: price(-5_000_000),
        close: price((minute * 104_729 % 9_000_000) as i64 - 4_500_000),
        volume: Amount::from_units(i128::from(minute * 15_485_863 % 100_000_000_000)),
        tick_count: 600,
        quality: Quality::Complete,
        revision: 0,
        tape_time: TapeTime::from_nanos(start + MINUTE + 5_000_000_000),
        seq: Seq(seq),
    }
}

pub(super) fn pairs() -> [Pair; 6] {
    ["BTC-USD", "ETH-USD", "SOL-USD", "DOGE-USD", "AVAX-USD", "LINK-USD"].map(|pair| pair.parse().expect("a pair"))
}

fn candles(runtime: &Runtime) -> Result<Waits, ApiError> {
    let directory = temporary()?;
    let mut warm = runtime.block_on(Warm::open(directory.path())).map_err(|e| failed(&e))?;
    let mut waits = Waits::default();
    // Enough to be compacted three times.
    for commit in 0..200u64 {
        let seq = commit + 1;
        let minutes = commit * 10..(commit + 1) * 10;
        let candles: Vec<Candle> = minutes.flat_map(|minute| pairs().map(|pair| candle(pair, minute, seq))).collect();
        waits.time(|| runtime.block_on(warm.put_candles(&candles, Seq(seq))).map_err(|e| failed(&e)))?;
    }
    Ok(waits)
}

fn balances(runtime: &Runtime) -> Result<Waits, ApiError> {
    let directory = temporary()?;
    let mut warm = runtime.block_on(Warm::open(directory.path())).map_err(|e| failed(&e))?;
    let mut waits = Waits::default();
    for step in 1..=STEPS {
        // A fill: cash against an asset, and a fee.
        let delta = |account: &str, amount: i128| BalanceDelta {
            account: format!("{account}/{}", step % (ACCOUNTS / 3)),
            asset: "USD".to_owned(),
            amount: Amount::from_units(amount),
        };
        let deltas = [delta("cash", -1_000_100), delta("venue", 1_000_000), delta("fees", 100)];
        runtime.block_on(warm.put_balances("live", &deltas, step)).map_err(|e| failed(&e))?;
        if step > STEPS - READ_AFTER {
            let found = waits.time(|| runtime.block_on(warm.balances("live")).map_err(|e| failed(&e)))?;
            let sum: i128 = found.values().map(|amount| amount.units()).sum();
            if found.len() as u64 != ACCOUNTS || sum != 0 {
                return Err(failed(&format!("{} balances that add up to {sum}", found.len())));
            }
        }
    }
    Ok(waits)
}
