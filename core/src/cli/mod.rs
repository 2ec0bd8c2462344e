//! The `tapedeck` command: for scripts, servers and tests. Exits 0 done, 1 found something wrong, 2 could not run.

mod analyst;
mod backfill;
mod bench;
mod candles;
mod consensus;
mod doctor;
mod import;
mod moving;
mod order;
mod patterns;
mod print;
mod reconcile;
mod record;
mod replay;
mod session;
mod sessions;
mod sql;
mod sweep;
mod tiers;
mod trading;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::api::trading::{AmendRequest, Request};
use crate::api::{ApiError, directory};
use crate::domain::{EventTime, Interval, Pair, Source};

/// Records the market tick by tick, and plays it again.
#[derive(Debug, Parser)]
#[command(name = "tapedeck", version, arg_required_else_help = true)]
struct Arguments {
    /// The data directory [default: TAPEDECK_DATA, else the platform's own place]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record the feed: journal first, then candles
    Record {
        /// WebSocket URL of the feed
        #[arg(long, value_name = "URL")]
        feed: Option<String>,
        /// REST URL gaps are filled from; a feed of your own has none unless given
        #[arg(long, value_name = "URL")]
        rest: Option<String>,
        /// Pairs to record, such as BTC-USD,ETH-USD
        #[arg(long, value_delimiter = ',', value_name = "A,B")]
        pairs: Vec<Pair>,
        /// Stop after this long, such as 60s, 10m, 2h; without it, on Ctrl C
        #[arg(long = "for", value_parser = parse_duration, value_name = "TIME")]
        duration: Option<std::time::Duration>,
        /// Print a line for every group of trades once it is durable
        #[arg(long)]
        acknowledge: bool,
    },
    /// Import ticks or candles from files; safe to repeat
    Import {
        #[arg(required_unless_present = "sample", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// coinbase, ticks-csv, ticks-parquet, candles-csv or candles-parquet; found out from the content when absent
        #[arg(long)]
        format: Option<String>,
        /// The pair, for files that do not name it
        #[arg(long)]
        pair: Option<Pair>,
        /// Import the shipped sample day, under the source `sample`
        #[arg(long)]
        sample: bool,
    },
    /// Fetch months of candles from the venue's REST; safe to interrupt and to repeat
    Backfill {
        /// Such as BTC-USD
        pair: Pair,
        /// Whole calendar months (UTC) before the current one, and what there is of that
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
        months: u32,
        /// REST URL of the venue, instead of the configured one
        #[arg(long, value_name = "URL")]
        rest: Option<String>,
    },
    /// Print candles: of the live feed, and where it has none of imports, then of a back-fill
    Candles {
        pair: Pair,
        #[arg(long, default_value = "1m")]
        interval: Interval,
        /// First window start
        #[arg(long, value_name = "T")]
        from: Option<EventTimeArgument>,
        /// Windows that start before this
        #[arg(long, value_name = "T")]
        to: Option<EventTimeArgument>,
        /// What was known at this moment of the tape
        #[arg(long, value_name = "T")]
        as_of: Option<EventTimeArgument>,
        /// One lane alone: live, sample, import:… as `import` prints it, or a month as in coinbase:BTC-USD:2026-03
        #[arg(long)]
        source: Option<Source>,
        #[arg(long, value_enum, default_value = "csv")]
        format: candles::Format,
    },
    /// Play recorded inputs through a fresh engine, to candles and a state hash
    Replay {
        #[arg(long, value_name = "T")]
        from: Option<EventTimeArgument>,
        #[arg(long, value_name = "T")]
        to: Option<EventTimeArgument>,
        /// A multiple of real time, or max
        #[arg(long, default_value = "max", value_parser = replay::parse_speed)]
        speed: replay::Speed,
        #[arg(long)]
        source: Option<Source>,
        /// Trade an account along: JSON lines such as {"at":"2024-01-01T12:00:00Z","id":"a","pair":"BTC-USD","side":"buy","type":"limit","qty":"0.1","limit":"42000"}
        #[arg(long, value_name = "FILE")]
        orders: Option<PathBuf>,
        /// Keep it as a session of this name, and its transfers, balances and trades in the warm tier
        #[arg(long, value_name = "NAME")]
        session: Option<String>,
        /// Trade by consensus along, by the thresholds of `tapedeck.toml`
        #[arg(long)]
        consensus: bool,
    },
    /// List sessions, or name, archive, delete and restore one
    Sessions {
        #[command(subcommand)]
        action: Option<sessions::Action>,
    },
    /// Begin a session where another one, or the live account (`live`), stood at a moment of its tape
    Fork {
        session: String,
        #[arg(long, value_name = "T")]
        at: EventTimeArgument,
        /// What it does from there on, as in `replay`
        #[arg(long, value_name = "FILE")]
        orders: Option<PathBuf>,
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Say where two sessions part, and what each was told and did that the other was not; `live` is the live account
    Compare { first: String, second: String },
    /// Trade a tape by consensus with many settings at once, and say which did best and how far to trust that
    Sweep {
        /// What to try: lanes, range, and lists of settings
        #[arg(value_name = "FILE.toml")]
        plan: PathBuf,
    },
    /// Place an order on paper
    Order(Box<order::Arguments>),
    /// Cancel an order
    Cancel {
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// Every open order
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Change an open order; it loses its place in the queue
    Amend {
        id: String,
        /// Of the whole order, what has filled included
        #[arg(long)]
        qty: Option<String>,
        #[arg(long)]
        limit: Option<String>,
        #[arg(long)]
        stop: Option<String>,
    },
    /// List open orders
    Orders {
        /// Those that have ended too
        #[arg(long)]
        all: bool,
    },
    /// What is owned, reserved and available
    Balances {
        /// Of a replay that was kept under this name
        #[arg(long, value_name = "NAME")]
        session: Option<String>,
    },
    /// What is held of each pair, and what was made or lost with it
    Positions,
    /// List fills
    Trades {
        /// Of a replay that was kept under this name
        #[arg(long, value_name = "NAME")]
        session: Option<String>,
        /// The newest so many
        #[arg(long, default_value_t = 1_000, value_name = "N")]
        rows: u32,
    },
    /// List the ledger's transfers
    Ledger {
        /// The newest so many
        #[arg(long, default_value_t = 1_000, value_name = "N")]
        rows: u32,
    },
    /// Equity, the risk day, and the head of the ledger
    Account,
    /// Put cash into the account
    Deposit {
        /// USD
        amount: String,
        /// A name: given again it is the same deposit
        #[arg(long)]
        id: Option<String>,
    },
    /// Take cash out of the account
    Withdraw {
        /// USD
        amount: String,
        /// A name: given again it is the same withdrawal
        #[arg(long)]
        id: Option<String>,
    },
    /// Say or set what new risk may be taken: active, reducing, halted, flatten
    Risk {
        #[arg(value_parser = ["active", "reducing", "halted", "flatten"])]
        state: Option<String>,
    },
    /// Make the patterns of recorded hours, and ask what followed those like the last one
    Patterns {
        #[command(subcommand)]
        action: patterns::Action,
    },
    /// Ask the analyst for a note
    Analyst {
        #[command(subcommand)]
        action: analyst::Action,
    },
    /// Trade by the votes of patterns, analyst and trend: on, off, and why it decided as it did
    Consensus {
        #[command(subcommand)]
        action: consensus::Action,
    },
    /// Check the journal's checksums and order, and compute every candle again
    Verify,
    /// Compare the journal with the cold and the warm tier, row by row
    Reconcile,
    /// Ask all tiers: hot.*, warm.*, cold.*
    Sql {
        /// One SELECT
        query: String,
        /// Only what was known at this moment of the tape
        #[arg(long, value_name = "T")]
        as_of: Option<EventTimeArgument>,
        /// An earlier state of the cold tier, by its id; `tapedeck snapshots` lists them
        #[arg(long, value_name = "N")]
        snapshot: Option<i64>,
        #[arg(long, value_enum, default_value = "table")]
        format: sql::Format,
        /// Write to a file, which must not be there
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Rows at most
        #[arg(long, default_value_t = 100_000, value_name = "N")]
        rows: usize,
    },
    /// List the cold tier's snapshots
    Snapshots,
    /// Throw candles and checkpoints away and make them again from the journal
    Rebuild,
    /// Move the data directory, or have one that was moved by hand say where it is (`tapedeck --data DIR move DIR`)
    Move {
        /// Where to; not there yet, or empty
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Say what works here, what does not, and why
    Doctor,
    /// Measure
    Bench {
        /// One of: wire, append, acknowledge, replay, ledger, tiers, seek, backtest, live, start; all when absent
        name: Option<String>,
    },
}

/// A time on the command line: RFC 3339, a date, or an epoch number.
#[derive(Clone, Copy, Debug)]
struct EventTimeArgument(EventTime);

impl std::str::FromStr for EventTimeArgument {
    type Err = crate::domain::time::TimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventTime::parse(text).map(Self)
    }
}

fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is not a length of time: expected such as 500ms, 60s, 10m or 2h");
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "ms" => number / 1e3,
        "s" | "" => number,
        "m" => number * 60.0,
        "h" => number * 3_600.0,
        _ => return Err(wrong()),
    };
    std::time::Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    FoundSomethingWrong,
}

pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .init();
    match run(&arguments) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::FoundSomethingWrong) => ExitCode::from(1),
        Err(error) => {
            print::error(&error, arguments.json);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<Outcome, ApiError> {
    let data = directory::data_directory(arguments.data.clone())?;
    let json = arguments.json;
    match &arguments.command {
        Command::Record { feed, rest, pairs, duration, acknowledge } => record::run(
            &data,
            &record::Request {
                feed: feed.clone(),
                rest: rest.clone(),
                pairs: pairs.clone(),
                duration: *duration,
                acknowledge: *acknowledge,
            },
            json,
        ),
        Command::Import { files, format, pair, sample } => import::run(
            &data,
            &import::Request { files, format: format.as_deref(), pair: *pair, sample: *sample },
            json,
        ),
        Command::Backfill { pair, months, rest } => {
            backfill::run(data.as_path(), *pair, *months, rest.as_deref(), json)
        }
        Command::Candles { pair, interval, from, to, as_of, source, format } => candles::run(
            &data,
            &candles::Request {
                pair: *pair,
                interval: *interval,
                from: from.map(|t| t.0),
                to: to.map(|t| t.0),
                as_of: as_of.map(|t| t.0),
                source: *source,
                format: if json { candles::Format::Json } else { *format },
            },
        ),
        Command::Sessions { action } => sessions::run(&data, action.as_ref(), json),
        Command::Fork { session, at, orders, name } => {
            let (session, orders, name) = (session.clone(), orders.clone(), name.clone());
            sessions::fork(&data, &sessions::Fork { session, at: *at, orders, name }, json)
        }
        Command::Sweep { plan } => sweep::run(&data, plan, json),
        Command::Compare { first, second } => sessions::compare(&data, first, second, json),
        Command::Replay { from, to, speed, source, orders, session, consensus } => replay::run_command(
            &data,
            &replay::Request {
                from: from.map(|t| t.0),
                to: to.map(|t| t.0),
                speed: *speed,
                source: *source,
                orders: orders.clone(),
                session: session.clone(),
                consensus: *consensus,
            },
            json,
        ),
        Command::Order(order) => trading::run(&data, &Request::Place(order.request()), json),
        Command::Cancel { id: Some(id), .. } => trading::run(&data, &Request::Cancel { id: id.clone() }, json),
        Command::Cancel { id: None, .. } => trading::run(&data, &Request::CancelAll, json),
        Command::Amend { id, qty, limit, stop } => {
            let (id, qty, limit, stop) = (id.clone(), qty.clone(), limit.clone(), stop.clone());
            trading::run(&data, &Request::Amend(AmendRequest { id, qty, limit, stop }), json)
        }
        Command::Orders { all } => trading::run(&data, &Request::Orders { all: *all }, json),
        Command::Balances { session: Some(session) } => session::balances(&data, session, json),
        Command::Balances { session: None } => trading::run(&data, &Request::Balances, json),
        Command::Positions => trading::run(&data, &Request::Positions, json),
        Command::Trades { session: Some(session), .. } => session::trades(&data, session, json),
        Command::Trades { session: None, rows } => trading::run(&data, &Request::Trades { limit: *rows }, json),
        Command::Ledger { rows } => trading::run(&data, &Request::Transfers { limit: *rows }, json),
        Command::Account => trading::run(&data, &Request::Account, json),
        Command::Deposit { amount, id } => {
            let id = id.clone().unwrap_or_else(|| trading::fresh_id("deposit"));
            trading::run(&data, &Request::Deposit { id, amount: amount.clone() }, json)
        }
        Command::Withdraw { amount, id } => {
            let id = id.clone().unwrap_or_else(|| trading::fresh_id("withdrawal"));
            trading::run(&data, &Request::Withdraw { id, amount: amount.clone() }, json)
        }
        Command::Risk { state } => {
            let request = match state.as_deref() {
                None => Request::Account,
                Some("flatten") => Request::Flatten { id: trading::fresh_id("flatten") },
                Some(state) => Request::Risk { state: state.to_owned() },
            };
            trading::run(&data, &request, json)
        }
        Command::Patterns { action } => patterns::run(&data, action, json),
        Command::Analyst { action } => analyst::run(&data, action, json),
        Command::Consensus { action } => consensus::run(&data, action, json),
        Command::Verify => verify::run(&data, json),
        Command::Reconcile => reconcile::run(&data, json),
        Command::Sql { query, as_of, snapshot, format, out, rows } => sql::run(
            &data,
            &sql::Request {
                text: query.clone(),
                as_of: as_of.map(|t| t.0),
                snapshot: *snapshot,
                format: if json && *format == sql::Format::Table { sql::Format::Json } else { *format },
                out: out.clone(),
                rows: *rows,
            },
        ),
        Command::Snapshots => sql::snapshots(&data, json),
        Command::Rebuild => verify::rebuild(&data, json),
        Command::Move { directory } => moving::run(&data, directory, json),
        Command::Doctor => doctor::run(&data, json),
        Command::Bench { name } => bench::run(&data, name.as_deref(), json),
    }
}
