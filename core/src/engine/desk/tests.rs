//! An account over a made-up tape.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::domain::money::ONE;
use crate::domain::time::{MILLISECOND, SECOND};
use crate::domain::{OnBreaker, PairRules, Seq, Trade, TradeId, Transfer};

mod consensus;
mod holes;

fn pair() -> Pair {
    "BTC-USD".parse().expect("a pair")
}

fn usd(dollars: i64) -> Amount {
    Amount::from_units(i128::from(dollars) * i128::from(ONE))
}

/// A desk, the market it trades in, and everything it said.
#[derive(Clone)]
struct Floor {
    market: Market,
    desk: Desk,
    seq: u64,
    at: i64,
    deeds: Vec<DeskOutput>,
    tape: Vec<Stamped>,
}

impl Floor {
    fn new() -> Self {
        let mut floor = Self {
            market: Market::default(),
            desk: Desk::new(Lanes::One(Source::Live)),
            seq: 0,
            at: 1_000_000 * SECOND,
            deeds: Vec::new(),
            tape: Vec::new(),
        };
        floor.act(Action::Open { amount: usd(100_000) });
        floor.act(Action::Settings(Settings { latency_ms: 0, ..Settings::default() }));
        floor
    }

    fn put(&mut self, input: Input) {
        self.seq += 1;
        let stamped = Stamped { seq: Seq(self.seq), tape_time: TapeTime::from_nanos(self.at), input };
        self.step(&stamped);
        self.tape.push(stamped);
    }

    fn step(&mut self, stamped: &Stamped) {
        self.market.step(stamped, &mut Vec::new());
        self.desk.step(stamped, &self.market, &mut self.deeds);
    }

    fn act(&mut self, action: Action) -> Vec<DeskOutput> {
        let before = self.deeds.len();
        self.put(Input::Command(Command { received: ReceivedTime::from_nanos(0), action }));
        self.deeds[before..].to_vec()
    }

    /// A print of ten, a second later.
    fn print(&mut self, dollars: i64) {
        self.print_of(pair(), dollars);
    }

    fn print_of(&mut self, pair: Pair, dollars: i64) {
        self.at += SECOND;
        let id = self.seq + 1;
        let kind = TickKind::Trade(Trade {
            trade_id: TradeId(id),
            price: Price::from_units(dollars * ONE),
            size: Quantity::from_units(10 * ONE),
            taker_side: None,
            arrival: Arrival::News,
        });
        let tick = Tick {
            source: Source::Live,
            pair,
            sequence: id,
            event_time: EventTime::from_nanos(self.at),
            received_time: ReceivedTime::from_nanos(self.at),
            kind,
        };
        self.put(Input::Tick(tick));
    }

    fn clock(&mut self, received: i64) {
        self.put(Input::Clock { source: Source::Live, received: ReceivedTime::from_nanos(received) });
    }

    fn market_order(&mut self, id: &str, side: Side, hundredths: i64) -> Vec<DeskOutput> {
        self.act(Action::Place(order(id, side, hundredths)))
    }

    fn cash(&self) -> Amount {
        self.desk.ledger().balance(Account::Trader, Asset::usd())
    }
}

fn order(id: &str, side: Side, hundredths: i64) -> Order {
    Order {
        id: id.parse().expect("a name"),
        pair: pair(),
        side,
        quantity: Quantity::from_units(hundredths * ONE / 100),
        terms: Terms::Market,
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: false,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    }
}

fn rejected(deeds: &[DeskOutput]) -> Option<Reason> {
    deeds.iter().find_map(|deed| match deed {
        DeskOutput::Order(report) if report.state == OrderState::Rejected => report.reason,
        DeskOutput::Refused { reason, .. } => Some(*reason),
        _ => None,
    })
}

#[test]
fn an_entry_needs_a_price_that_is_fresh_and_a_feed_that_lives_and_an_exit_needs_neither() {
    let mut floor = Floor::new();
    assert_eq!(rejected(&floor.market_order("a", Side::Buy, 1)), Some(Reason::NoPrice));
    floor.print(40_000);
    assert_eq!(rejected(&floor.market_order("a", Side::Buy, 1)), None);
    floor.print(40_000);
    assert_eq!(floor.desk.position(pair()).map(|held| held.quantity), Some(Quantity::from_units(ONE / 100)));

    // Another pair goes on: this one's price grows old by the tape.
    floor.at += 30 * SECOND;
    floor.print_of("ETH-USD".parse().expect("a pair"), 2_000);
    floor.clock(floor.at);
    assert_eq!(rejected(&floor.market_order("b", Side::Buy, 1)), Some(Reason::StalePrice));
    floor.print(40_000);
    // The venue is silent: tape time stands still, and this machine's clock does not.
    let heard = floor.at;
    floor.clock(heard + 30 * SECOND);
    assert_eq!(rejected(&floor.market_order("c", Side::Buy, 1)), None);
    floor.clock(heard + 31 * SECOND);
    assert_eq!(rejected(&floor.market_order("d", Side::Buy, 1)), Some(Reason::DeadFeed));
    assert_eq!(rejected(&floor.market_order("e", Side::Sell, 1)), None);
}

#[test]
fn a_halt_cancels_entries_and_lets_a_stop_sell() {
    let mut floor = Floor::new();
    floor.print(40_000);
    floor.market_order("in", Side::Buy, 2);
    floor.print(40_000);
    let resting =
        Order { terms: Terms::Limit { limit: Price::from_units(39_000 * ONE) }, ..order("rest", Side::Buy, 1) };
    floor.act(Action::Place(resting));
    let stop = Order { terms: Terms::Stop { stop: Price::from_units(39_500 * ONE) }, ..order("stop", Side::Sell, 2) };
    floor.act(Action::Place(stop));
    floor.act(Action::Risk(RiskState::Halted));
    let open: Vec<String> = floor.desk.book().open_orders().map(|open| open.order.id.to_string()).collect();
    assert_eq!(open, ["stop"]);
    assert_eq!(rejected(&floor.market_order("more", Side::Buy, 1)), Some(Reason::Halted));
    floor.print(39_400);
    floor.print(39_300);
    assert_eq!(floor.desk.position(pair()).map(|held| held.quantity), Some(Quantity::ZERO));
}

#[test]
fn an_open_loss_trips_the_breaker_and_flattens_when_told_to() {
    for on_breaker in [OnBreaker::Hold, OnBreaker::Flatten] {
        let mut floor = Floor::new();
        floor.act(Action::Settings(Settings { latency_ms: 0, on_breaker, ..Settings::default() }));
        floor.print(40_000);
        floor.market_order("in", Side::Buy, 100);
        floor.print(40_000);
        floor.print(37_000);
        assert_eq!(floor.desk.gate().state(), RiskState::Halted, "a loss of 3 % of equity");
        assert_eq!(rejected(&floor.market_order("more", Side::Buy, 1)), Some(Reason::Drawdown));
        floor.print(37_000);
        let held = floor.desk.position(pair()).map(|held| held.quantity).expect("it was bought");
        assert_eq!(held == Quantity::ZERO, on_breaker == OnBreaker::Flatten);
    }
}

#[test]
fn what_is_reserved_can_not_be_withdrawn_and_a_name_is_one_deposit() {
    let mut floor = Floor::new();
    floor.print(40_000);
    let resting =
        Order { terms: Terms::Limit { limit: Price::from_units(39_000 * ONE) }, ..order("rest", Side::Buy, 100) };
    floor.act(Action::Place(resting));
    let id = "out".parse().expect("a name");
    let refused = floor.act(Action::Withdraw { id, amount: usd(70_000) });
    assert_eq!(rejected(&refused), Some(Reason::InsufficientCash));
    assert_eq!(rejected(&floor.act(Action::Withdraw { id, amount: usd(60_000) })), None);
    let again = floor.act(Action::Withdraw { id, amount: usd(60_000) });
    assert!(rejected(&again) == Some(Reason::InsufficientCash) || again == [DeskOutput::Exists { id }], "{again:?}");
    assert_eq!(floor.cash(), usd(40_000));
    for _ in 0..3 {
        floor.act(Action::Deposit { id: "in".parse().expect("a name"), amount: usd(5) });
    }
    assert_eq!(floor.cash(), usd(40_005));
}

#[test]
fn a_difference_in_the_books_blocks_until_somebody_looked() {
    let mut floor = Floor::new();
    floor.print(40_000);
    floor.act(Action::BooksDiffer);
    assert_eq!(rejected(&floor.market_order("a", Side::Buy, 1)), Some(Reason::BooksDiffer));
    floor.act(Action::Risk(RiskState::Active));
    assert_eq!(rejected(&floor.market_order("a", Side::Buy, 1)), None);
}

#[test]
fn an_order_between_the_increments_is_named_and_nothing_is_reserved() {
    let mut floor = Floor::new();
    let rules = PairRules { price_increment: Price::from_units(ONE / 100), ..PairRules::default() };
    floor.act(Action::Rules { pair: pair(), rules });
    floor.print(40_000);
    let terms = Terms::Limit { limit: Price::from_units(39_000 * ONE + 1) };
    let refused = floor.act(Action::Place(Order { terms, ..order("a", Side::Buy, 1) }));
    assert_eq!(rejected(&refused), Some(Reason::PriceIncrement));
    assert_eq!(floor.desk.available_cash(), usd(100_000));
}

/// A tape of prints and of orders at random.
fn busy(dice: &mut ChaCha8Rng, length: usize) -> (Floor, Vec<Vec<u8>>) {
    let mut floor = Floor::new();
    let settings = Settings { latency_ms: 300, max_orders_per_minute: 1_000_000, ..Settings::default() };
    floor.act(Action::Settings(Settings { max_daily_drawdown: crate::domain::Rate::from_units(ONE), ..settings }));
    let (mut dollars, mut states) = (40_000, Vec::new());
    for place in 0..length {
        states.push(floor.desk.to_bytes());
        dollars += i64::from(dice.next_u32() % 41) - 20;
        match dice.next_u32() % 6 {
            0 => {
                let side = if dice.next_u32().is_multiple_of(2) { Side::Buy } else { Side::Sell };
                let placed = order(&format!("o{place}"), side, 1 + i64::from(dice.next_u32() % 5));
                let terms = match dice.next_u32() % 3 {
                    0 => Terms::Market,
                    1 => Terms::Limit { limit: Price::from_units((dollars - 5) * ONE) },
                    _ => Terms::Stop { stop: Price::from_units((dollars + 5) * ONE) },
                };
                floor.act(Action::Place(Order { terms, ..placed }));
            }
            1 if dice.next_u32().is_multiple_of(4) => {
                let id = format!("gift{place}").parse().expect("a name");
                floor.act(Action::Deposit { id, amount: usd(10) });
            }
            _ => floor.print(dollars),
        }
        floor.at += i64::from(dice.next_u32() % 500) * MILLISECOND;
    }
    (floor, states)
}

fn transfers(deeds: &[DeskOutput]) -> Vec<Transfer> {
    let transfers = deeds.iter().filter_map(|deed| match deed {
        DeskOutput::Transfer(transfer) => Some(*transfer),
        _ => None,
    });
    transfers.collect()
}

/// The night that paid 600 000 dollars: resume from an older checkpoint, and submit everything again.
#[test]
fn no_restart_from_any_checkpoint_and_no_resubmission_moves_money_twice() {
    let rounds = if std::env::var_os("TAPEDECK_SOAK").is_some() { 1_000 } else { 60 };
    let mut dice = ChaCha8Rng::seed_from_u64(71);
    let (whole, states) = busy(&mut dice, 400);
    let expected = transfers(&whole.deeds);
    assert!(expected.len() > 60, "{} transfers prove little", expected.len());
    for round in 0..rounds {
        let place = dice.next_u32() as usize % states.len();
        let desk: Desk = postcard::from_bytes(&states[place]).expect("a checkpoint");
        let steps = desk.last_step().0 as usize;
        let mut market = Market::default();
        whole.tape[..steps].iter().for_each(|input| market.step(input, &mut Vec::new()));
        let mut floor = Floor { market, desk, deeds: Vec::new(), ..whole.clone() };
        for input in &whole.tape[steps..] {
            floor.step(input);
        }
        let already = expected.len() - transfers(&floor.deeds).len();
        assert_eq!(transfers(&floor.deeds), expected[already..], "round {round} from step {steps}");
        assert_eq!(floor.desk.to_bytes(), whole.desk.to_bytes());
        // Every command once more, the opening deposit among them and under another amount.
        let cash = floor.cash();
        let before = floor.deeds.len();
        floor.act(Action::Open { amount: usd(600_000) });
        for input in &whole.tape {
            if let Input::Command(Command { action: action @ (Action::Deposit { .. } | Action::Open { .. }), .. }) =
                input.input
            {
                floor.act(action);
            }
            if let Input::Command(Command { action: Action::Place(order), .. }) = input.input
                && floor.desk.book().knows(order.id)
            {
                assert_eq!(floor.act(Action::Place(order)), [DeskOutput::Exists { id: order.id }]);
            }
        }
        assert_eq!(transfers(&floor.deeds[before..]), [], "round {round}: money moved again");
        assert_eq!(floor.cash(), cash);
        let unique: BTreeSet<_> = expected.iter().map(|transfer| transfer.id).collect();
        assert_eq!(unique.len(), expected.len());
    }
}
