//! One print, from its arrival to its last fill.

use std::collections::BTreeMap;

use super::working::Working;
use super::{Book, Event, Funds, Print};
use crate::domain::time::SECOND;
use crate::domain::{OrderId, Quantity, TapeTime};

/// What has become of a print so far.
pub(super) struct Matching<'a> {
    pub(super) print: &'a Print,
    pub(super) funds: &'a dyn Funds,
    /// Of its size, what nobody has filled by.
    pub(super) left: Quantity,
    /// What its fills have moved, not settled yet.
    pub(super) cash_moved: i128,
    pub(super) asset_moved: i128,
    /// What entries of brackets have bought by it.
    pub(super) bought: BTreeMap<OrderId, Quantity>,
    /// Takers whose limit it went beyond.
    pub(super) to_rest: Vec<OrderId>,
}

impl Matching<'_> {
    /// Whether it happened after the order had arrived: what is told later may have happened before.
    pub(super) fn is_for(&self, order: &Working) -> bool {
        order.arrived.nanos() <= self.print.event_time.nanos()
    }
}

impl Book {
    /// A trade at the venue, and what it fills. One that is not newer than the last of its pair, by event time and then by trade id, is ignored.
    pub fn print(&mut self, print: &Print, funds: &dyn Funds, now: TapeTime, events: &mut Vec<Event>) {
        self.advance(now, events);
        let lasts = i64::from(self.settings.max_price_age_s).saturating_mul(SECOND);
        let market = self.markets.entry(print.pair).or_default();
        if !market.print(print.event_time, print.trade_id, print.price, lasts) || !market.has_orders() {
            return;
        }
        let mut matching = Matching {
            print,
            funds,
            left: print.size,
            cash_moved: 0,
            asset_moved: 0,
            bought: BTreeMap::new(),
            to_rest: Vec::new(),
        };
        self.fill_taking(&mut matching, events);
        self.fill_resting(&mut matching, events);
        self.rest_takers(&mut matching);
        self.trigger_stops(&matching, events);
        self.follow(&matching, events);
        self.grow_exits(&matching, events);
    }
}
