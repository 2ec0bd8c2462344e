//! Minutes of trades, folded in the plainest way there is: sort, then walk.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::figures::MINUTE;

/// One trade, in units at 1e-8 and nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    pub pair: String,
    pub trade_id: u64,
    pub time: i64,
    pub price: i64,
    pub size: i64,
    pub taker_buys: bool,
    pub sequence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    pub open: i128,
    pub high: i128,
    pub low: i128,
    pub close: i128,
    pub volume: i128,
    pub count: u64,
}

/// Bars by the nanosecond their minute starts at. Open and close go by (time, trade id).
pub fn minutes<'a>(prints: impl IntoIterator<Item = &'a Print>) -> BTreeMap<i64, Bar> {
    let mut ordered: Vec<&Print> = prints.into_iter().collect();
    ordered.sort_by_key(|p| (p.time, p.trade_id));
    let mut bars: BTreeMap<i64, Bar> = BTreeMap::new();
    for print in ordered {
        let (price, size) = (i128::from(print.price), i128::from(print.size));
        bars.entry(print.time.div_euclid(MINUTE) * MINUTE)
            .and_modify(|bar| {
                bar.high = bar.high.max(price);
                bar.low = bar.low.min(price);
                bar.close = price;
                bar.volume += size;
                bar.count += 1;
            })
            .or_insert(Bar { open: price, high: price, low: price, close: price, volume: size, count: 1 });
    }
    bars
}

/// Minutes of `[from, to)` that a seed decides, of a pair that trades in seven minutes of eight. They do not say how many trades.
pub fn walk(seed: u64, from: i64, to: i64) -> BTreeMap<i64, Bar> {
    const CENT: i128 = 1_000_000;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |bound: u64| i128::from(rng.next_u64() % bound);
    let mut price = 7_757_287 * CENT;
    let mut bars = BTreeMap::new();
    for start in (from..to).step_by(MINUTE as usize) {
        let open = price;
        let close = open + (below(2_001) - 1_000) * CENT;
        let (high, low) = (open.max(close) + below(300) * CENT, open.min(close) - below(300) * CENT);
        let volume = 1 + below(5_000_000_000);
        price = close;
        if below(8) > 0 {
            bars.insert(start, Bar { open, high, low, close, volume, count: 0 });
        }
    }
    bars
}
