//! Minutes into longer intervals.

use crate::domain::{Candle, Interval};

/// Folds one (source, pair)'s minutes, oldest first, into `interval`, aligned to 1970 UTC. A fold says the worst quality of its
/// minutes; minutes without a trade are absent and add nothing.
pub fn fold(minutes: impl IntoIterator<Item = Candle>, interval: Interval) -> Vec<Candle> {
    let mut folded: Vec<Candle> = Vec::new();
    for minute in minutes {
        let start = interval.start_of(minute.window_start);
        match folded.last_mut() {
            Some(bar) if bar.window_start == start => merge(bar, &minute),
            _ => folded.push(Candle { window_start: start, window_end: start.plus_nanos(interval.nanos()), ..minute }),
        }
    }
    folded
}

fn merge(bar: &mut Candle, minute: &Candle) {
    bar.high = bar.high.max(minute.high);
    bar.low = bar.low.min(minute.low);
    bar.close = minute.close;
    bar.volume = crate::domain::Amount::from_units(bar.volume.units().saturating_add(minute.volume.units()));
    bar.tick_count = bar.tick_count.saturating_add(minute.tick_count);
    bar.quality = bar.quality.worse(minute.quality);
    bar.revision = bar.revision.max(minute.revision);
    bar.tape_time = bar.tape_time.max(minute.tape_time);
    bar.seq = bar.seq.max(minute.seq);
}
