//! What was recorded through the engine again, from nothing: to candles and a state hash.

use super::tape::{Tape, TapeError};
use crate::domain::{Candle, Input, Output, Seq, Source, TapeTime};
use crate::engine::Market;
use crate::journal::Journal;

/// What a replay did.
pub struct Replayed {
    pub market: Market,
    pub ticks: u64,
    /// Closed candles and their revisions.
    pub candles: u64,
}

/// Plays the inputs of `source` (all of them when absent) with `from ≤ tape_time ≤ to` through a fresh engine, in tape order inside
/// each lane. `each` sees every candle; it may stop the replay by answering false.
pub fn replay(
    journal: &Journal,
    source: Option<Source>,
    from: TapeTime,
    to: TapeTime,
    mut each: impl FnMut(&Candle, &Market) -> bool,
) -> Result<Replayed, TapeError> {
    let mut market = Market::default();
    let (mut ticks, mut candles) = (0, 0);
    let mut outputs = Vec::new();
    for record in Tape::from(journal, Seq(1)) {
        let record = record?;
        let wanted = source.is_none_or(|s| s == record.input.source());
        if !wanted || record.tape_time < from || record.tape_time > to {
            continue;
        }
        ticks += u64::from(matches!(record.input, Input::Tick(_)));
        market.step(&record, &mut outputs);
        for output in outputs.drain(..) {
            if let Output::Candle(candle) = output {
                candles += 1;
                if !each(&candle, &market) {
                    return Ok(Replayed { market, ticks, candles });
                }
            }
        }
    }
    Ok(Replayed { market, ticks, candles })
}
