//! A market that a seed decides to the last byte: prices that walk together, trades that sweep, two frames for each.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::bars::Print;
use crate::figures::{ONE, SECOND, decimal, venue_time};

/// A product, and where its walk begins. Prices and sizes in units at 1e-8.
#[derive(Clone, Debug)]
pub struct Listing {
    pub pair: String,
    pub first_trade_id: u64,
    pub price: i64,
    pub tick: i64,
    pub typical_size: i64,
    pub volume_24h: i128,
}

impl Listing {
    /// The six pairs the desk watches, at about their prices of 2026.
    pub fn six() -> Vec<Self> {
        [
            ("BTC-USD", 1_087_540_758, 7_757_287, 1, 1_200_000, 7_336),
            ("ETH-USD", 846_151_671, 267_133, 1, 30_000_000, 94_120),
            ("SOL-USD", 412_008_113, 14_320, 1, 400_000_000, 1_204_991),
            // Its 24 h volume at 1e-8 does not fit an `i64`: only a sum may.
            ("DOGE-USD", 200_771_904, 17, 1, 90_000_000_000, 240_000_000_000),
            ("AVAX-USD", 98_014_222, 24_15, 1, 600_000_000, 388_120),
            ("LINK-USD", 77_620_441, 16_02, 1, 900_000_000, 911_400),
        ]
        .into_iter()
        .map(|(pair, first_trade_id, cents, tick, typical_size, volume)| Self {
            pair: pair.to_owned(),
            first_trade_id,
            price: cents * 1_000_000,
            // A tenth of a cent for the cheap one, or it could not walk.
            tick: if cents < 100 { 1_000 } else { tick * 1_000_000 },
            typical_size,
            volume_24h: volume * ONE,
        })
        .collect()
    }

    pub fn of(pair: &str, first_trade_id: u64) -> Self {
        let mut listing = Self::six().swap_remove(0);
        listing.pair = pair.to_owned();
        listing.first_trade_id = first_trade_id;
        listing
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameKind {
    Ticker,
    Match,
    LastMatch,
    Heartbeat,
    Subscriptions,
    Error,
    /// Of a kind Tapedeck did not ask for.
    Unasked,
    Garbage,
}

/// One message as it goes on the wire, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: FrameKind,
    pub pair: String,
    pub trade_id: u64,
    pub time: i64,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its ticker and its match, in the order the venue sends them this time.
    Trade(Print, [Frame; 2]),
    Heartbeat(Frame),
}

struct Product {
    listing: Listing,
    price: i64,
    next_id: u64,
    sequence: u64,
    open_24h: i64,
    high: i64,
    low: i64,
    volume: i128,
    last: Option<Print>,
}

pub struct Market {
    rng: ChaCha8Rng,
    products: Vec<Product>,
    /// Mean time between trades, over all products.
    mean_gap: i64,
    next_trade: i64,
    next_heartbeat: i64,
    beats: usize,
    sweeping: Option<(usize, bool)>,
}

impl Market {
    /// `trades_per_second` is of venue time, over all products.
    pub fn new(seed: u64, listings: &[Listing], starts_at: i64, trades_per_second: f64) -> Self {
        let products = listings
            .iter()
            .map(|listing| Product {
                price: listing.price,
                next_id: listing.first_trade_id,
                sequence: listing.first_trade_id * 100,
                open_24h: listing.price / 100 * 99,
                high: listing.price,
                low: listing.price / 100 * 98,
                volume: listing.volume_24h,
                last: None,
                listing: listing.clone(),
            })
            .collect();
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            products,
            mean_gap: (SECOND as f64 / trades_per_second.max(0.01)) as i64,
            next_trade: starts_at,
            next_heartbeat: starts_at + SECOND,
            beats: 0,
            sweeping: None,
        }
    }

    pub fn pairs(&self) -> impl Iterator<Item = &str> {
        self.products.iter().map(|p| p.listing.pair.as_str())
    }

    /// What happens next, if it happens by `until`. With `trading` false the clock goes on and heartbeats are all there is.
    pub fn next(&mut self, until: i64, trading: bool) -> Option<Event> {
        if !trading {
            self.next_trade = self.next_trade.max(until);
        }
        if self.next_heartbeat <= until && (self.next_heartbeat <= self.next_trade || !trading) {
            return Some(Event::Heartbeat(self.beat()));
        }
        if !trading || self.next_trade > until {
            return None;
        }
        let time = self.next_trade;
        let (index, taker_buys) = match self.sweeping.take() {
            Some(sweep) => sweep,
            None => (self.below(self.products.len() as u64) as usize, self.below(2) == 0),
        };
        // One trade in eight is one more fill of the same order: same product, side and microsecond.
        if self.below(8) == 0 {
            self.sweeping = Some((index, taker_buys));
        } else {
            let gap = self.below(2 * self.mean_gap.max(1_000) as u64) as i64;
            self.next_trade = (time + gap) / 1_000 * 1_000;
        }
        Some(self.trade(index, time, taker_buys))
    }

    /// One trade of every product at `time`, which is not before anything that has happened.
    pub fn one_of_each(&mut self, time: i64) -> Vec<Event> {
        let time = time.max(self.next_trade) / 1_000 * 1_000;
        self.next_trade = time;
        self.sweeping = None;
        (0..self.products.len()).map(|index| self.trade(index, time, index % 2 == 0)).collect()
    }

    pub fn last_match(&mut self, pair: &str) -> Option<Frame> {
        let print = self.product(pair)?.last.clone()?;
        Some(self.match_frame(&print, FrameKind::LastMatch))
    }

    /// The ticker each product sends on subscribing: of its last trade.
    pub fn last_ticker(&mut self, pair: &str) -> Option<Frame> {
        let index = self.products.iter().position(|p| p.listing.pair == pair)?;
        let print = self.products[index].last.clone()?;
        Some(self.ticker_frame(index, &print))
    }

    fn product(&self, pair: &str) -> Option<&Product> {
        self.products.iter().find(|p| p.listing.pair == pair)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound.max(1)
    }

    /// The products beat one after another, each once a second.
    fn beat(&mut self) -> Frame {
        let index = self.beats % self.products.len();
        let time = self.next_heartbeat;
        self.beats += 1;
        self.next_heartbeat += SECOND / self.products.len() as i64 / 1_000 * 1_000;
        let skipped = 1 + self.below(9);
        let product = &mut self.products[index];
        product.sequence += skipped;
        let pair = product.listing.pair.clone();
        let last = product.last.as_ref().map_or(0, |p| p.trade_id);
        let text = format!(
            r#"{{"type":"heartbeat","last_trade_id":{last},"product_id":"{pair}","sequence":{},"time":"{}"}}"#,
            product.sequence,
            venue_time(time)
        );
        Frame { kind: FrameKind::Heartbeat, pair, trade_id: last, time, text }
    }

    fn trade(&mut self, index: usize, time: i64, taker_buys: bool) -> Event {
        // A step all products share and one of its own; sizes are mostly small and now and then large.
        let step = self.below(3) as i64 + self.below(3) as i64 - 2;
        let drift = i64::from(time.div_euclid(17 * SECOND) % 2 == 0) * 2 - 1;
        let lean = if self.below(6) == 0 { drift } else { 0 };
        let share = 1 + self.below(1_000) as i64;
        let large = if self.below(40) == 0 { 25 } else { 1 };
        let dust = self.below(97) as i64;
        let skipped = 1 + self.below(40);
        let ticker_first = self.below(4) == 0;

        let product = &mut self.products[index];
        let tick = product.listing.tick;
        product.price = (product.price + (step + lean) * tick).max(10 * tick);
        product.sequence += skipped;
        let print = Print {
            pair: product.listing.pair.clone(),
            trade_id: product.next_id,
            time,
            price: product.price,
            size: product.listing.typical_size / 1_000 * share * large + 1 + dust,
            taker_buys,
            sequence: product.sequence,
        };
        product.next_id += 1;
        product.volume += i128::from(print.size);
        product.high = product.high.max(print.price);
        product.low = product.low.min(print.price);
        product.last = Some(print.clone());

        let ticker = self.ticker_frame(index, &print);
        let fill = self.match_frame(&print, FrameKind::Match);
        Event::Trade(print, if ticker_first { [ticker, fill] } else { [fill, ticker] })
    }

    fn ticker_frame(&mut self, index: usize, print: &Print) -> Frame {
        let spread = (1 + self.below(5) as i64) * self.products[index].listing.tick;
        let (bid_size, ask_size) = (1 + self.below(50_000_000), 1 + self.below(50_000_000));
        let product = &self.products[index];
        let (bid, ask) =
            if print.taker_buys { (print.price - spread, print.price) } else { (print.price, print.price + spread) };
        let price = |units: i64| decimal(i128::from(units));
        let text = format!(
            concat!(
                r#"{{"type":"ticker","sequence":{},"product_id":"{}","price":"{}","open_24h":"{}","volume_24h":"{}","#,
                r#""low_24h":"{}","high_24h":"{}","volume_30d":"{}","best_bid":"{}","best_bid_size":"{}","best_ask":"{}","#,
                r#""best_ask_size":"{}","side":"{}","time":"{}","trade_id":{},"last_size":"{}"}}"#
            ),
            print.sequence,
            print.pair,
            price(print.price),
            price(product.open_24h),
            decimal(product.volume),
            price(product.low),
            price(product.high),
            decimal(product.volume * 28),
            price(bid),
            price(bid_size as i64),
            price(ask),
            price(ask_size as i64),
            if print.taker_buys { "buy" } else { "sell" },
            venue_time(print.time),
            print.trade_id,
            price(print.size),
        );
        Frame { kind: FrameKind::Ticker, pair: print.pair.clone(), trade_id: print.trade_id, time: print.time, text }
    }

    /// `side` is the maker's: the opposite of the ticker's.
    fn match_frame(&mut self, print: &Print, kind: FrameKind) -> Frame {
        let (maker, taker) = (self.order_id(), self.order_id());
        let text = format!(
            concat!(
                r#"{{"type":"{}","trade_id":{},"maker_order_id":"{}","taker_order_id":"{}","side":"{}","size":"{}","#,
                r#""price":"{}","product_id":"{}","sequence":{},"time":"{}"}}"#
            ),
            if kind == FrameKind::LastMatch { "last_match" } else { "match" },
            print.trade_id,
            maker,
            taker,
            maker_side(print),
            decimal(i128::from(print.size)),
            decimal(i128::from(print.price)),
            print.pair,
            print.sequence,
            venue_time(print.time),
        );
        Frame { kind, pair: print.pair.clone(), trade_id: print.trade_id, time: print.time, text }
    }

    fn order_id(&mut self) -> String {
        let (a, b) = (self.rng.next_u64(), self.rng.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            0x8000 | b >> 50,
            b & 0xffff_ffff_ffff
        )
    }
}

pub(super) fn maker_side(print: &Print) -> &'static str {
    if print.taker_buys { "sell" } else { "buy" }
}
