//! One trader's account over one tape: orders, books and risk, moved by the same inputs as the market.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ENGINE_VERSION, Market};
use crate::consensus::risk::{Approved, Breaker, Gate, View};
use crate::domain::time::MINUTE;
use crate::domain::{
    Account, Action, Amendment, Amount, Arrival, Asset, Cause, Command, DeskOutput, EventTime, Input, Order, OrderId,
    OrderReport, OrderState, Pair, Price, Quantity, Reason, ReceivedTime, RiskState, Settings, Side, Source, Stamped,
    Step, TapeTime, Terms, Tick, TickKind, TimeInForce, TransferId, money,
};
use crate::ledger::{Entry, Equity, Ledger, Position, Positions, Posted, equity, settle};
use crate::paper::{Answer, Book, Event, Print};
use consensus::Consensus;

/// Whose prints a desk trades on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lanes {
    /// One lane alone, as live plays the live one.
    One(Source),
    /// Everything that is known.
    All,
}

/// A function of the tape and of the commands. One for each session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    engine_version: u32,
    lanes: Lanes,
    step: Step,
    now: TapeTime,
    /// This machine's clock at the last second, and at the last that came by the feed.
    clock: Option<ReceivedTime>,
    heard: Option<ReceivedTime>,
    /// The tape's time when that came.
    heard_at: TapeTime,
    /// Of the newest print or quote, by its source.
    priced: BTreeMap<Pair, EventTime>,
    book: Book,
    ledger: Ledger,
    positions: Positions,
    gate: Gate,
    /// Told to sell everything, each under a name of its own: told again it is the same.
    flattened: BTreeSet<OrderId>,
    consensus: Consensus,
}

/// More is never paid in at once: with it, and with all that is ever made of it, sums stay countable. In USD, a million billions.
pub const MOST_PAID_IN: Amount = Amount::from_units(1_000_000_000_000_000 * money::ONE as i128);

impl Desk {
    pub fn new(lanes: Lanes) -> Self {
        Self {
            engine_version: ENGINE_VERSION,
            lanes,
            step: Step::default(),
            now: TapeTime::default(),
            clock: None,
            heard: None,
            heard_at: TapeTime::default(),
            priced: BTreeMap::new(),
            book: Book::default(),
            ledger: Ledger::default(),
            positions: Positions::default(),
            gate: Gate::default(),
            flattened: BTreeSet::new(),
            consensus: Consensus::default(),
        }
    }

    /// Takes the next input of the session, after `market` took it. Inputs of other lanes are none of its.
    pub fn step(&mut self, stamped: &Stamped, market: &Market, outputs: &mut Vec<DeskOutput>) {
        let source = stamped.input.source();
        if source != Source::Desk && !self.plays(source) {
            return;
        }
        self.step.0 += 1;
        self.now = self.now.max(stamped.tape_time);
        let mut events = Vec::new();
        self.book.advance(self.now, &mut events);
        match &stamped.input {
            Input::Tick(tick) => self.tick(tick, &mut events),
            Input::Clock { received, .. } => self.clock = self.clock.max(Some(*received)),
            Input::Command(command) => self.command(command, market, &mut events, outputs),
            Input::Candle { .. } | Input::Gap { .. } | Input::EndOfTape { .. } => {}
        }
        self.settle(&events, outputs);
        self.mark(outputs);
    }

    /// Whether it trades on prints of a lane.
    pub fn plays(&self, source: Source) -> bool {
        match self.lanes {
            Lanes::One(lane) => lane == source,
            Lanes::All => true,
        }
    }

    fn tick(&mut self, tick: &Tick, events: &mut Vec<Event>) {
        if self.heard.is_none_or(|heard| heard <= tick.received_time) {
            (self.heard, self.heard_at) = (Some(tick.received_time), self.now);
        }
        match &tick.kind {
            TickKind::Quote(quote) => {
                self.book.quote(tick.pair, quote, tick.event_time, self.now, events);
            }
            // What came late or was fetched is for the archive: nobody could have traded on it then.
            TickKind::Trade(trade) if trade.arrival != Arrival::News => return,
            TickKind::Trade(trade) => {
                let print = Print {
                    source: tick.source,
                    pair: tick.pair,
                    trade_id: trade.trade_id,
                    price: trade.price,
                    size: trade.size,
                    taker_side: trade.taker_side,
                    event_time: tick.event_time,
                };
                self.book.print(&print, &owned(&self.ledger), self.now, events);
            }
        }
        let priced = self.priced.entry(tick.pair).or_insert(tick.event_time);
        *priced = (*priced).max(tick.event_time);
    }

    fn command(&mut self, command: &Command, market: &Market, events: &mut Vec<Event>, outputs: &mut Vec<DeskOutput>) {
        let refused = |id, reason| DeskOutput::Refused { id, reason };
        // Given while nothing comes in, it still says what time it is here: how long the feed has been silent.
        self.clock = self.clock.max(Some(command.received));
        self.book.set_lag(self.lag(command.received));
        match command.action {
            Action::Open { amount } | Action::Deposit { amount, .. } if amount > MOST_PAID_IN => {
                outputs.push(refused(None, Reason::Overflow));
            }
            Action::Open { amount } => {
                // Opened again, by whatever resumes or repeats, it moves nothing: the cause is the same.
                #[cfg(not(feature = "bug-job-rerun"))]
                let entries = settle::opening_deposit(amount);
                // The night it cost $600 000: named by the run and not by the cause, it was another deposit each time.
                #[cfg(feature = "bug-job-rerun")]
                let entries = {
                    let run = format!("opening-{}", self.step.0).parse().expect("letters, a dash and digits");
                    settle::deposit(run, amount)
                };
                self.post(entries, None, amount, outputs);
            }
            Action::Place(order) => self.place(order, market, events, outputs),
            Action::Cancel(id) => {
                if let Err(reason) = self.book.cancel(id, self.now, events) {
                    outputs.push(refused(Some(id), reason));
                }
            }
            Action::CancelAll => self.book.cancel_all(self.now, Reason::ByTrader, events),
            Action::Amend(amendment) => {
                if let Err(reason) = self.amend(&amendment, market, events) {
                    outputs.push(refused(Some(amendment.id), reason));
                }
            }
            Action::Deposit { id, amount } => self.post(settle::deposit(id, amount), Some(id), amount, outputs),
            Action::Withdraw { id, amount } => {
                let taken = Amount::from_units(-amount.units());
                if self.ledger.has(TransferId::of(Cause::Withdrawal(id))) {
                    outputs.push(DeskOutput::Exists { id });
                } else if amount > self.available_cash() {
                    outputs.push(refused(Some(id), Reason::InsufficientCash));
                } else {
                    self.post(settle::withdrawal(id, amount), Some(id), taken, outputs);
                }
            }
            Action::Risk(state) => {
                self.gate.set(state, self.equity().total);
                if state != RiskState::Active {
                    self.book.cancel_entries(self.now, Reason::ByRisk, events);
                }
                outputs.push(DeskOutput::Risk { state, reason: None });
            }
            Action::Flatten { id } => self.flatten(id, events, outputs),
            Action::BooksDiffer => {
                self.gate.books_differ();
                let (state, reason) = (self.gate.state(), Some(Reason::BooksDiffer));
                outputs.push(DeskOutput::Risk { state, reason });
            }
            Action::Settings(settings) => self.book.set_settings(settings),
            Action::Rules { pair, rules } => self.book.set_rules(pair, rules),
            Action::Consensus(on) => self.set_consensus(on, events),
            Action::Thresholds(thresholds) => self.consensus.thresholds = thresholds,
            Action::Recall(recall) => self.recalled(recall, market, events, outputs),
            Action::Opinion(opinion) => self.consensus.heard(opinion),
        }
        self.book.set_lag(0);
    }

    /// How much longer it is since the newest tick came than the tape says: a live command has the tape's time of that tick, and one of a replay has its
    /// own.
    fn lag(&self, received: ReceivedTime) -> i64 {
        let Some(heard) = self.heard else { return 0 };
        let here = received.nanos().saturating_sub(heard.nanos());
        here.saturating_sub(self.now.nanos().saturating_sub(self.heard_at.nanos()))
    }

    fn place(&mut self, order: Order, market: &Market, events: &mut Vec<Event>, outputs: &mut Vec<DeskOutput>) {
        match self.send(&order, market, events) {
            Ok(Answer::New) => {}
            Ok(Answer::Exists) => outputs.push(DeskOutput::Exists { id: order.id }),
            Err(reason) => outputs.push(DeskOutput::Order(OrderReport {
                order,
                state: OrderState::Rejected,
                filled: Quantity::ZERO,
                stop: None,
                reason: Some(reason),
            })),
        }
    }

    /// Through the checks and the gate, to the market.
    fn send(&mut self, order: &Order, market: &Market, events: &mut Vec<Event>) -> Result<Answer, Reason> {
        let checked = self.book.check(order, &owned(&self.ledger))?;
        match checked {
            Answer::New => {
                let approved = self.approve(order, market)?;
                self.book.place(approved, &owned(&self.ledger), self.now, events)
            }
            known => Ok(known),
        }
    }

    /// What it adds to an entry passes the gate as an entry does.
    fn amend(&mut self, amendment: &Amendment, market: &Market, events: &mut Vec<Event>) -> Result<(), Reason> {
        if let Some((before, after)) = self.book.amended(amendment)
            && after.side == Side::Buy
        {
            self.check_size(&Order {
                quantity: Quantity::from_units((after.quantity.units() - before.quantity.units()).max(0)),
                ..after
            })?;
            let more = self.book.value(&after)?.units().saturating_sub(self.book.value(&before)?.units());
            if more > 0 {
                let view = self.view(after.pair, market);
                self.gate.approve(after, Amount::from_units(more), &view, self.book.settings())?;
            }
        }
        self.book.amend(amendment, &owned(&self.ledger), self.now, events)
    }

    fn approve(&mut self, order: &Order, market: &Market) -> Result<Approved<Order>, Reason> {
        self.check_size(order)?;
        let value = self.book.value(order)?;
        let view = self.view(order.pair, market);
        self.gate.approve(*order, value, &view, self.book.settings())
    }

    /// What is held and what is being bought stays within what a position can count.
    fn check_size(&self, order: &Order) -> Result<(), Reason> {
        let held = self.positions.get(order.pair).map_or(0, |position| position.quantity.units());
        let buying = |open: &OrderReport| open.order.pair == order.pair && open.order.side == Side::Buy;
        let open = self.book.open_orders().filter(buying).map(|open| open.order.quantity.units());
        let sum = open.chain([order.quantity.units()]).try_fold(held, i64::checked_add);
        sum.map(drop).ok_or(Reason::Overflow)
    }

    /// Cancels all orders and sells all positions, at once: nothing waits for the venue's latency here.
    fn flatten(&mut self, id: OrderId, events: &mut Vec<Event>, outputs: &mut Vec<DeskOutput>) {
        if !self.flattened.insert(id) {
            outputs.push(DeskOutput::Exists { id });
            return;
        }
        self.book.end_all(Reason::ByRisk, events);
        if self.gate.state() == RiskState::Active {
            self.gate.set(RiskState::Reducing, self.equity().total);
            outputs.push(DeskOutput::Risk { state: RiskState::Reducing, reason: None });
        }
        let held: Vec<(Pair, Quantity)> = self.positions.iter().map(|(pair, held)| (pair, held.quantity)).collect();
        // A name that somebody has given to another order stops no exit.
        let mut names = (0..1_000).map(|place| id.part(&format!(".{place}")));
        for (pair, quantity) in held.into_iter().filter(|(_, quantity)| *quantity > Quantity::ZERO) {
            let Some(name) = names.by_ref().find(|name| !self.book.knows(*name)) else { return };
            let exit = Order {
                id: name,
                pair,
                side: Side::Sell,
                quantity,
                terms: Terms::Market,
                time_in_force: TimeInForce::GoodTillCancelled,
                reduce_only: true,
                post_only: false,
                take_profit: None,
                stop_loss: None,
            };
            if let Some(approved) = Gate::exit(exit)
                && let Err(reason) = self.book.place(approved, &owned(&self.ledger), self.now, events)
            {
                outputs.push(DeskOutput::Refused { id: Some(exit.id), reason });
            }
        }
    }

    /// `moved` is what the trader owns more after it, for the day's highest equity.
    fn post(&mut self, entries: Vec<Entry>, id: Option<OrderId>, moved: Amount, outputs: &mut Vec<DeskOutput>) {
        match self.ledger.post(self.step, self.now, &entries) {
            Ok(Posted::Stored(transfers)) => {
                let before = Amount::from_units(self.equity().total.units().saturating_sub(moved.units()));
                self.gate.moved(moved, before);
                outputs.extend(transfers.into_iter().map(DeskOutput::Transfer));
            }
            Ok(Posted::Exists) => outputs.extend(id.map(|id| DeskOutput::Exists { id })),
            Err(error) => outputs.push(DeskOutput::Refused { id, reason: error.reason() }),
        }
    }

    /// Every fill moves its legs, and the position with them.
    fn settle(&mut self, events: &[Event], outputs: &mut Vec<DeskOutput>) {
        for event in events {
            match event {
                Event::Report(report) => outputs.push(DeskOutput::Order(*report)),
                Event::Fill(fill) => {
                    outputs.push(DeskOutput::Fill(*fill));
                    let entries = settle::entries(fill).expect("an order's pair names both of its assets");
                    let posted = self.ledger.post(self.step, self.now, &entries);
                    let posted =
                        posted.expect("matching fills what there is cash or asset for, within what books hold");
                    match posted {
                        Posted::Stored(transfers) => outputs.extend(transfers.into_iter().map(DeskOutput::Transfer)),
                        Posted::Exists => unreachable!("a print is consumed once, so no fill has an earlier one's id"),
                    }
                    self.positions.apply(fill).expect("the ledger took the same fill");
                }
            }
        }
    }

    /// Marks equity after every input: an open loss counts when it shows.
    fn mark(&mut self, outputs: &mut Vec<DeskOutput>) {
        let equity = self.equity().total;
        let Some(breaker) = self.gate.mark(self.now, equity, self.book.settings()) else { return };
        outputs.push(DeskOutput::Risk { state: self.gate.state(), reason: self.gate.tripped() });
        let mut events = Vec::new();
        match breaker {
            Breaker::CancelEntries => self.book.cancel_entries(self.now, Reason::ByRisk, &mut events),
            Breaker::Flatten => {
                let id = format!("breaker-{}", self.step.0).parse().expect("letters, a dash and digits");
                self.flatten(id, &mut events, outputs);
            }
        }
        self.settle(&events, outputs);
    }

    fn view(&self, pair: Pair, market: &Market) -> View {
        let exposure = self.exposure(pair);
        View {
            now: self.now,
            price_age: self.price_age(pair),
            feed_silence: self.feed_silence(),
            missing_trades: self.misses(pair, market),
            equity: self.equity().total,
            exposure,
            open_orders: self.book.open_count(),
        }
    }

    /// Of the pair: its position at its mark, and what open entries would add.
    fn exposure(&self, pair: Pair) -> Amount {
        let held = self.positions.get(pair).map_or(Quantity::ZERO, |position| position.quantity);
        let mark = self.book.mark(pair).unwrap_or_default();
        let held = money::notional(mark, held).unwrap_or(Amount::from_units(i128::MAX));
        let entries = self.book.open_orders().filter(|open| open.order.pair == pair && open.order.side == Side::Buy);
        entries.fold(held, |sum, open| {
            let remaining = open.order.quantity.units().saturating_sub(open.filled.units());
            let order = Order { quantity: Quantity::from_units(remaining), ..open.order };
            let value = self.book.value(&order).unwrap_or_default();
            Amount::from_units(sum.units().saturating_add(value.units()))
        })
    }

    /// Nanoseconds since the newest print or quote of a pair, by its source.
    pub fn price_age(&self, pair: Pair) -> Option<i64> {
        let priced = self.priced.get(&pair)?;
        Some(self.now.nanos().saturating_sub(priced.nanos()))
    }

    /// Nanoseconds between the last that came by the feed and the last second of this machine's clock.
    pub fn feed_silence(&self) -> i64 {
        let silence = self.clock.zip(self.heard).map(|(clock, heard)| clock.nanos().saturating_sub(heard.nanos()));
        silence.unwrap_or_default().max(0)
    }

    fn misses(&self, pair: Pair, market: &Market) -> bool {
        let recent = EventTime::from_nanos(self.now.nanos().saturating_sub(MINUTE));
        let lanes = market.pairs().filter(|(source, of, _)| *of == pair && self.plays(*source));
        lanes.flat_map(|(.., market)| market.missing()).any(|missing| missing.before >= recent)
    }

    /// Why no entry of a pair is taken now; none when one would be.
    pub fn blocked(&self, pair: Pair, market: &Market) -> Option<Reason> {
        self.gate.blocks(&self.view(pair, market), self.book.settings())
    }

    /// Everything the trader owns, positions at what an exit would get.
    pub fn equity(&self) -> Equity {
        equity(&self.ledger, &self.positions, |pair| self.book.mark(pair))
            .expect("what was filled has printed, and what was filled and paid for fits the books")
    }

    /// Cash that no open order has reserved.
    pub fn available_cash(&self) -> Amount {
        let usd = Asset::usd();
        let total = self.ledger.balance(Account::Trader, usd);
        Amount::from_units(total.units() - self.book.reserved(usd).units())
    }

    /// Why an order would be refused now; none when it would be taken.
    pub fn refuses(&self, order: &Order, market: &Market) -> Option<Reason> {
        match self.book.check(order, &owned(&self.ledger)) {
            Ok(Answer::Exists) => None,
            Ok(Answer::New) => self.clone().approve(order, market).err(),
            Err(reason) => Some(reason),
        }
    }

    /// What a taker of this side would trade at.
    pub fn far_side(&self, pair: Pair, side: Side) -> Option<Price> {
        self.book.far_side(pair, side)
    }

    pub fn now(&self) -> TapeTime {
        self.now
    }

    pub fn last_step(&self) -> Step {
        self.step
    }

    pub fn engine_version(&self) -> u32 {
        self.engine_version
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub fn position(&self, pair: Pair) -> Option<&Position> {
        self.positions.get(pair)
    }

    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    pub fn settings(&self) -> &Settings {
        self.book.settings()
    }

    pub fn mark_of(&self, pair: Pair) -> Option<Price> {
        self.book.mark(pair)
    }

    /// Canonical bytes: the same state is the same bytes in any process.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a desk has only sized fields, and memory is all postcard needs")
    }
}

/// What matching may spend: all the trader owns. What of it is reserved, it knows itself.
fn owned(ledger: &Ledger) -> impl Fn(Asset) -> Amount {
    |asset| ledger.balance(Account::Trader, asset)
}

mod consensus;
#[cfg(test)]
mod tests;
