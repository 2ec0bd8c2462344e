//! What the books take: durable transfers beside SQLite, orders matched, and a step with a thousand orders resting.

use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::{ApiError, Figure, failed, median, temporary};
use crate::domain::money::ONE;
use crate::domain::time::MILLISECOND;
use crate::domain::{
    Action, Amount, Arrival, Command, DeskOutput, EventTime, Input, Order, Pair, Price, Quantity, Quote, Rate,
    ReceivedTime, Seq, Settings, Side, Source, Stamped, TapeTime, Terms, Thresholds, Tick, TickKind, TimeInForce,
    Trade, TradeId, Transfer,
};
use crate::engine::{Desk, Lanes, Market};
use crate::session::account::AccountTerms;
use crate::session::recorder::Recorder;

/// Fills in a batch, and batches. A fill is three transfers: the asset, the cash and the fee.
const BATCHES: [(usize, usize); 3] = [(1, 512), (64, 256), (1_024, 64)];
const RUNS: usize = 3;

/// The driver hands each statement to another thread: so many rows at once that this costs next to nothing.
const ROWS_A_STATEMENT: usize = 192;

const RESTING: i64 = 1_000;

pub(super) fn ledger() -> Result<Vec<Figure>, ApiError> {
    let mut figures = transfers()?;
    figures.push(matched());
    figures.extend(steps());
    Ok(figures)
}

fn transfers() -> Result<Vec<Figure>, ApiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| failed(&e))?;
    let mut figures = Vec::new();
    for (fills, batches) in BATCHES {
        let (mut ours, mut sqlite) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let (groups, took) = recorded(fills, batches)?;
            let count = groups.iter().map(Vec::len).sum::<usize>() as f64;
            ours.push(count / took.as_secs_f64());
            sqlite.push(count / runtime.block_on(stored_in_sqlite(&groups)).map_err(|e| failed(&e))?.as_secs_f64());
        }
        let (ours, sqlite) = (median(ours), median(sqlite));
        let group = if fills == 1 { "one fill".to_owned() } else { format!("{fills} fills") };
        figures.push(Figure::told(
            "ledger",
            format!("durable, {group} a batch: matched, posted, stored"),
            ours,
            "transfers/s",
        ));
        figures.push(Figure::told(
            "ledger",
            "SQLite, WAL FULL, the same rows, stored alone (peer)",
            sqlite,
            "transfers/s",
        ));
        figures.push(Figure::told("ledger", "ours to SQLite's", ours / sqlite, "times"));
    }
    Ok(figures)
}

/// All that the product does for them: prints made durable, matched, posted and stored.
fn recorded(fills: usize, batches: usize) -> Result<(Vec<Vec<Transfer>>, Duration), ApiError> {
    let directory = temporary()?;
    let (mut recorder, _) = Recorder::open(directory.path())?;
    let count = fills * batches;
    let mut tape = Prints::default();
    recorder.commit(&mut vec![tape.next()])?;
    let all = Order { quantity: Quantity::from_units(count as i64 * ONE), ..order("all", Terms::Market) };
    let placed = recorder.command(&[Action::Place(all)], &terms())?;
    refuse_rejected(placed.deeds.iter().map(|deed| &deed.output))?;
    let mut groups = Vec::with_capacity(batches);
    let started = Instant::now();
    for _ in 0..batches {
        let committed = recorder.commit(&mut (0..fills).map(|_| tape.next()).collect())?;
        groups.push(committed.deeds.iter().filter_map(|deed| transfer_of(&deed.output)).collect::<Vec<_>>());
    }
    let took = started.elapsed();
    let posted: usize = groups.iter().map(Vec::len).sum();
    if posted != 3 * count {
        return Err(failed(&format!("{count} fills made {posted} transfers")));
    }
    Ok((groups, took))
}

fn refuse_rejected<'a>(mut outputs: impl Iterator<Item = &'a DeskOutput>) -> Result<(), ApiError> {
    let reason = outputs.find_map(|output| match output {
        DeskOutput::Order(report) => report.reason,
        _ => None,
    });
    reason.map_or(Ok(()), |reason| Err(failed(&format!("an order was rejected: {}", reason.sentence()))))
}

fn transfer_of(output: &DeskOutput) -> Option<Transfer> {
    match output {
        DeskOutput::Transfer(transfer) => Some(*transfer),
        _ => None,
    }
}

/// The rows alone: SQLite is told nothing to match and nothing to add up. The numbers that SQLite has no type for are text.
async fn stored_in_sqlite(groups: &[Vec<Transfer>]) -> Result<Duration, Box<dyn std::error::Error>> {
    let directory = temporary().map_err(|error| error.to_string())?;
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(directory.path().join("ledger.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await?;
    let table = "CREATE TABLE transfers (number INTEGER PRIMARY KEY, step INTEGER NOT NULL, tape_time INTEGER NOT NULL, \
                 id TEXT NOT NULL UNIQUE, debit TEXT NOT NULL, credit TEXT NOT NULL, asset TEXT NOT NULL, \
                 amount TEXT NOT NULL, cause TEXT NOT NULL, hash TEXT NOT NULL)";
    sqlx::query(table).execute(&mut connection).await?;
    let started = Instant::now();
    for group in groups {
        let mut transaction = connection.begin().await?;
        for rows in group.chunks(ROWS_A_STATEMENT) {
            let places = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; rows.len()].join(", ");
            let insert = format!("INSERT INTO transfers VALUES {places}");
            let mut insert = sqlx::query(&insert);
            for transfer in rows {
                insert = insert
                    .bind(i64::try_from(transfer.number)?)
                    .bind(i64::try_from(transfer.step.0)?)
                    .bind(transfer.tape_time.nanos())
                    .bind(transfer.id.to_string())
                    .bind(transfer.debit.as_str())
                    .bind(transfer.credit.as_str())
                    .bind(transfer.asset.to_string())
                    .bind(transfer.amount.to_string())
                    .bind(transfer.cause.to_string())
                    .bind(transfer.hash.to_string());
            }
            insert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    let took = started.elapsed();
    connection.close().await?;
    Ok(took)
}

/// Each order is checked, passes the gate, and fills at a print of its own; its books are kept.
fn matched() -> Figure {
    const ORDERS: usize = 50_000;
    let rates = (0..RUNS)
        .map(|_| {
            let mut floor = Floor::new();
            floor.take_print();
            let started = Instant::now();
            for number in 0..ORDERS {
                floor.place(order(&format!("o{number}"), Terms::Market));
                floor.take_print();
            }
            let rate = ORDERS as f64 / started.elapsed().as_secs_f64();
            assert_eq!(floor.fills, ORDERS, "each order fills once");
            rate
        })
        .collect();
    Figure::told("ledger", "orders approved, matched with a print and settled, in memory", median(rates), "orders/s")
}

/// What a quote or a print takes, with nothing resting and with a thousand limit orders that it does not reach.
fn steps() -> [Figure; 4] {
    const TICKS: usize = 200_000;
    let time = |resting: i64| {
        let mut floor = Floor::new();
        floor.take_print();
        for number in 0..resting {
            let limit = Price::from_units((10_000 + number) * ONE);
            floor.place(order(&format!("r{number}"), Terms::Limit { limit }));
        }
        assert_eq!(floor.desk.book().open_count() as i64, resting, "all of them rest");
        let started = Instant::now();
        for _ in 0..TICKS / 2 {
            floor.take_quote();
            floor.take_print();
        }
        let tick = started.elapsed().as_nanos() as f64 / TICKS as f64;
        let started = Instant::now();
        floor.place(order("last", Terms::Limit { limit: Price::from_units(5_000 * ONE) }));
        (tick, started.elapsed().as_nanos() as f64 / 1e3)
    };
    let (mut without, mut with, mut placed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        without.push(time(0).0);
        let (tick, place) = time(RESTING);
        with.push(tick);
        placed.push(place);
    }
    let (without, with) = (median(without), median(with));
    [
        Figure::told("ledger", "a tick through market and desk, no order open", without, "ns"),
        Figure::told("ledger", format!("the same with {RESTING} limit orders resting"), with, "ns"),
        Figure::told("ledger", "with them to without", with / without, "times"),
        Figure::told("ledger", format!("one more order placed beside {RESTING}"), median(placed), "us"),
    ]
}

/// A market and a desk in memory.
struct Floor {
    market: Market,
    desk: Desk,
    tape: Prints,
    seq: u64,
    fills: usize,
}

impl Floor {
    fn new() -> Self {
        let (market, desk) = (Market::default(), Desk::new(Lanes::One(Source::Live)));
        let mut floor = Self { market, desk, tape: Prints::default(), seq: 0, fills: 0 };
        let terms = terms();
        floor.act(Action::Open { amount: terms.opening_deposit });
        floor.act(Action::Settings(terms.settings));
        floor
    }

    fn act(&mut self, action: Action) {
        let input = Input::Command(Command { received: ReceivedTime::from_nanos(0), action });
        self.take((EventTime::from_nanos(self.tape.at), input));
    }

    fn place(&mut self, order: Order) {
        self.act(Action::Place(order));
    }

    fn take_print(&mut self) {
        let print = self.tape.next();
        self.take(print);
    }

    fn take_quote(&mut self) {
        let quote = self.tape.quote();
        self.take(quote);
    }

    fn take(&mut self, (at, input): (EventTime, Input)) {
        self.seq += 1;
        let stamped = Stamped { seq: Seq(self.seq), tape_time: TapeTime::from_nanos(at.nanos()), input };
        self.market.step(&stamped, &mut Vec::new());
        let mut outputs = Vec::new();
        self.desk.step(&stamped, &self.market, &mut outputs);
        self.fills += outputs.iter().filter(|output| matches!(output, DeskOutput::Fill(_))).count();
    }
}

/// A tape of prints of one coin at 50 000 USD and of quotes around it, a hundred a second.
struct Prints {
    at: i64,
    number: u64,
}

impl Default for Prints {
    fn default() -> Self {
        Self { at: 1_767_225_600_000_000_000, number: 0 }
    }
}

impl Prints {
    fn next(&mut self) -> (EventTime, Input) {
        let trade = |number| {
            TickKind::Trade(Trade {
                trade_id: TradeId(number),
                price: Price::from_units(50_000 * ONE),
                size: Quantity::from_units(ONE),
                taker_side: Some(Side::Sell),
                arrival: Arrival::News,
            })
        };
        self.tick(trade)
    }

    fn quote(&mut self) -> (EventTime, Input) {
        let quote = Quote {
            best_bid: Price::from_units(49_999 * ONE),
            best_ask: Price::from_units(50_001 * ONE),
            bid_size: Some(Quantity::from_units(ONE)),
            ask_size: Some(Quantity::from_units(ONE)),
            volume_24h: None,
            open_24h: None,
        };
        self.tick(|_| TickKind::Quote(quote))
    }

    fn tick(&mut self, kind: impl FnOnce(u64) -> TickKind) -> (EventTime, Input) {
        self.at += 10 * MILLISECOND;
        self.number += 1;
        let event_time = EventTime::from_nanos(self.at);
        let tick = Tick {
            source: Source::Live,
            pair: pair(),
            sequence: self.number,
            event_time,
            received_time: ReceivedTime::from_nanos(self.at),
            kind: kind(self.number),
        };
        (event_time, Input::Tick(tick))
    }
}

fn pair() -> Pair {
    "BTC-USD".parse().expect("a pair")
}

/// To buy one coin.
fn order(id: &str, terms: Terms) -> Order {
    Order {
        id: id.parse().expect("a name"),
        pair: pair(),
        side: Side::Buy,
        quantity: Quantity::from_units(ONE),
        terms,
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: false,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    }
}

/// An account that no limit of the risk gate stops, at a venue at no distance.
fn terms() -> AccountTerms {
    let settings = Settings {
        latency_ms: 0,
        max_daily_drawdown: Rate::from_units(ONE),
        max_position: Rate::from_units(ONE),
        max_orders_per_minute: u32::MAX,
        max_open_orders: u32::MAX,
        ..Settings::default()
    };
    let opening_deposit = Amount::from_units(1_000_000_000_000 * i128::from(ONE));
    AccountTerms::new(opening_deposit, settings, &std::collections::BTreeMap::new(), Thresholds::default())
}
