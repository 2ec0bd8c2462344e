//! What happens because time passes: commands reach the venue, orders expire.

use serde::{Deserialize, Serialize};

use super::{Book, Event};
use crate::domain::time::MILLISECOND;
use crate::domain::{Amendment, OrderId, OrderState, Reason, TapeTime};

/// A command on its way to the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    Place(OrderId),
    Cancel(OrderId, Reason),
    Amend(Amendment),
}

impl Book {
    /// Does what is due by now, in the order it fell due. An order whose time is over expires before anything of the same moment reaches it.
    pub fn advance(&mut self, now: TapeTime, events: &mut Vec<Event>) {
        loop {
            let expiry = self.expiries.first().copied().filter(|(at, _)| *at <= now);
            let arrival = self.under_way.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= now);
            match (expiry, arrival) {
                (Some((until, id)), None) => self.expire(until, id, events),
                (Some((until, id)), Some((at, _))) if until <= at => self.expire(until, id, events),
                (_, Some(key)) => {
                    if let Some(message) = self.under_way.remove(&key) {
                        self.deliver(message, key.0, events);
                    }
                }
                (None, None) => return,
            }
        }
    }

    fn expire(&mut self, until: TapeTime, id: OrderId, events: &mut Vec<Event>) {
        self.expiries.remove(&(until, id));
        self.end(id, OrderState::Expired, Some(Reason::ExpiredInTime), events);
    }

    /// How long after the newest input the command that follows was given. What is still on its way here is from before it.
    pub fn set_lag(&mut self, nanos: i64) {
        self.lag = nanos.max(0);
    }

    /// Without latency it is there at once.
    pub(super) fn send(&mut self, message: Message, now: TapeTime, events: &mut Vec<Event>) {
        let after = i64::from(self.settings.latency_ms).saturating_mul(MILLISECOND).saturating_add(self.lag);
        if after == 0 {
            return self.deliver(message, now, events);
        }
        let due = TapeTime::from_nanos(now.nanos().saturating_add(after));
        let place = self.next_place();
        self.under_way.insert((due, place), message);
    }

    fn deliver(&mut self, message: Message, at: TapeTime, events: &mut Vec<Event>) {
        match message {
            Message::Place(id) => self.arrive(id, at, OrderState::Rejected, events),
            Message::Cancel(id, reason) => self.end(id, OrderState::Cancelled, Some(reason), events),
            Message::Amend(amendment) => self.apply(&amendment, at, events),
        }
    }
}
