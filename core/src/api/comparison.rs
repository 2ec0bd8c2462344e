//! Two sessions of the tape on the deck beside each other: run on a thread of its own, one pair of them at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use specta::Type;

use super::ApiError;
use super::trading::{TradeRow, trade_row};
use crate::domain::{Account, Action, Amount, Asset, DeskOutput, Fill, Order, Side, TapeTime, time};
use crate::session::account::AccountTerms;
use crate::session::compare::{self, Apart, compare};
use crate::session::engine::Ordered;
use crate::session::playable::Playable;
use crate::session::player::Way;
use crate::session::run::{Outcome, run};

/// Points of the curves that cross to the page.
const POINTS: usize = 2_000;

/// How the last comparison stands. Its result is asked for by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Comparing {
    /// One more for each that is started.
    pub run: u32,
    /// By their numbers in the frame's list of sessions.
    pub first: u32,
    pub second: u32,
    pub state: ComparingState,
    /// 0 to 1.
    pub share: f64,
    /// Of the state `failed`.
    pub failure: Option<ApiError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ComparingState {
    Running,
    Cancelled,
    Failed,
    Done,
}

/// Two sessions run through the same part of the tape: as far as either of them was ever played, and no farther.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ComparisonView {
    pub run: u32,
    pub first: Compared,
    pub second: Compared,
    /// When they were first told different things; absent when they were told the same.
    pub parted: Option<Moment>,
    pub through: Moment,
    /// Equity of both by time, oldest first; at most 2 000 points, of longer ones the last of each part.
    pub equity: Vec<EquityPoint>,
    /// What one was told or did that the other was not, oldest first.
    pub differences: Vec<Difference>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Moment {
    pub at_ms: f64,
    /// UTC.
    pub text: String,
}

/// What a session came to. Money as decimal strings in USD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Compared {
    pub name: String,
    pub equity: String,
    /// Equity less what was paid in and out.
    pub profit: String,
    pub fees: String,
    pub fills: u32,
    /// The largest fall of equity from a high before it, by the ends of minutes, in percent; absent where nothing was owned.
    pub drawdown_pct: Option<f64>,
    pub ledger_hash: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct EquityPoint {
    pub at_ms: f64,
    pub first: f64,
    pub second: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Difference {
    pub at: Moment,
    /// Of the second session; else of the first.
    pub second: bool,
    /// What it was told, in words; absent of a fill.
    pub told: Option<String>,
    pub fill: Option<TradeRow>,
}

/// What is compared: sessions with the names they go by.
pub(super) struct Subjects {
    pub(super) tape: Arc<dyn Playable>,
    pub(super) numbers: [u32; 2],
    pub(super) names: [String; 2],
    pub(super) ways: [Way; 2],
    pub(super) until: TapeTime,
}

#[derive(Default)]
pub(super) struct ComparisonDesk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    newest: Option<Comparing>,
    result: Option<ComparisonView>,
    /// Of the newest. One that is started cancels the one before.
    cancelled: Arc<AtomicBool>,
}

impl ComparisonDesk {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn newest(&self) -> Option<Comparing> {
        self.state().newest.clone()
    }

    pub(super) fn result(&self) -> Result<ComparisonView, ApiError> {
        self.state().result.clone().ok_or_else(|| {
            ApiError::refused("nothing_compared", "No two sessions were compared yet.", "Choose two and compare them.")
        })
    }

    pub(super) fn start(&self, subjects: Subjects, terms: AccountTerms) -> Result<(), ApiError> {
        self.cancel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let run = {
            let mut state = self.state();
            let run = state.newest.as_ref().map_or(0, |newest| newest.run) + 1;
            state.cancelled = Arc::clone(&cancelled);
            let [first, second] = subjects.numbers;
            state.newest =
                Some(Comparing { run, first, second, state: ComparingState::Running, share: 0.0, failure: None });
            run
        };
        let shared = Arc::clone(&self.state);
        let work = move || {
            let outcome = view(run, &subjects, &terms, &cancelled, &shared);
            let mut state = lock(&shared);
            let Some(newest) = state.newest.as_mut().filter(|newest| newest.run == run) else { return };
            match outcome {
                Ok(Some(view)) => {
                    (newest.state, newest.share) = (ComparingState::Done, 1.0);
                    state.result = Some(view);
                }
                Ok(None) => newest.state = ComparingState::Cancelled,
                Err(error) => (newest.state, newest.failure) = (ComparingState::Failed, Some(error)),
            }
        };
        if let Err(error) = std::thread::Builder::new().name("tapedeck-compare".to_owned()).spawn(work) {
            self.state().newest = None;
            return Err(ApiError::refused("no_threads", error, "Close other programs and try again."));
        }
        Ok(())
    }

    /// Without one under way there is nothing to end.
    pub(super) fn cancel(&self) {
        self.state().cancelled.store(true, Ordering::Relaxed);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Figures to look at: half an update of them hurts nobody.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// None when it was cancelled.
fn view(
    number: u32,
    subjects: &Subjects,
    terms: &AccountTerms,
    cancelled: &AtomicBool,
    shared: &Mutex<State>,
) -> Result<Option<ComparisonView>, ApiError> {
    let Subjects { tape, ways, until, .. } = subjects;
    let (from, span) = (tape.from().nanos(), (until.nanos() - tape.from().nanos()).max(1));
    let play = |place: usize| {
        run(tape, &ways[place], &[], terms, Some(*until), |at| {
            if let Some(newest) = lock(shared).newest.as_mut().filter(|newest| newest.run == number) {
                newest.share = (place as f64 + (at.nanos() - from) as f64 / span as f64) / 2.0;
            }
            !cancelled.load(Ordering::Relaxed)
        })
    };
    let Some(first) = play(0)? else { return Ok(None) };
    let Some(second) = play(1)? else { return Ok(None) };
    let compare::Comparison { parted, only_first, only_second, equity } = compare(&first, &second);
    let point = |(at, first, second): &(TapeTime, Amount, Amount)| EquityPoint {
        at_ms: at.to_ms(),
        first: first.to_f64(),
        second: second.to_f64(),
    };
    let mut differences = differences(&only_first, false);
    differences.extend(self::differences(&only_second, true));
    differences.sort_by(|one, other| one.at.at_ms.total_cmp(&other.at.at_ms));
    let part = equity.len().div_ceil(POINTS).max(1);
    Ok(Some(ComparisonView {
        run: number,
        first: compared(&subjects.names[0], &first)?,
        second: compared(&subjects.names[1], &second)?,
        parted: parted.map(moment),
        through: moment(first.place.at.max(second.place.at)),
        equity: equity.chunks(part).filter_map(|part| part.last()).map(point).collect(),
        differences,
    }))
}

fn moment(at: TapeTime) -> Moment {
    Moment { at_ms: at.to_ms(), text: time::format_clock(at.nanos()) }
}

fn compared(name: &str, outcome: &Outcome) -> Result<Compared, ApiError> {
    let desk = outcome.desk();
    let (equity, ledger) = (desk.equity().total, desk.ledger());
    // What the world is owed is what was paid in and not out again.
    let profit = equity.checked_add(ledger.balance(Account::World, Asset::usd())).map_err(|_| {
        ApiError::refused("out_of_range", "The sums are larger than can be counted.", "Compare a shorter part.")
    })?;
    let fills = outcome.deeds.iter().filter(|deed| matches!(deed.output, DeskOutput::Fill(_))).count();
    Ok(Compared {
        name: name.to_owned(),
        equity: equity.to_string(),
        profit: profit.to_string(),
        fees: ledger.balance(Account::Fees, Asset::usd()).to_string(),
        fills: u32::try_from(fills).unwrap_or(u32::MAX),
        drawdown_pct: drawdown(&outcome.equity),
        ledger_hash: ledger.head().hash.to_string(),
    })
}

/// max (high so far − equity) ÷ high so far, in percent.
fn drawdown(equity: &[(TapeTime, Amount)]) -> Option<f64> {
    let mut high = Amount::ZERO;
    let mut largest = None;
    for (_, equity) in equity {
        high = high.max(*equity);
        if high > Amount::ZERO {
            let fall = (high.to_f64() - equity.to_f64()) / high.to_f64() * 100.0;
            largest = Some(f64::max(largest.unwrap_or(0.0), fall));
        }
    }
    largest
}

fn differences(apart: &Apart, second: bool) -> Vec<Difference> {
    let told = |told: &Ordered| Difference { at: moment(told.at), second, told: Some(words(&told.action)), fill: None };
    let filled = |fill: &Fill| Difference {
        at: moment(TapeTime::from_nanos(fill.event_time.nanos())),
        second,
        told: None,
        fill: Some(trade_row(fill)),
    };
    apart.commands.iter().map(told).chain(apart.fills.iter().map(filled)).collect()
}

/// What an account was told, for people.
fn words(action: &Action) -> String {
    match action {
        Action::Open { amount } => format!("open the account with {amount} USD"),
        Action::Place(order) => order_in_words(order),
        Action::Cancel(id) => format!("cancel {id}"),
        Action::CancelAll => "cancel all orders".to_owned(),
        Action::Amend(change) => {
            let part =
                |name: &str, value: Option<String>| value.map_or(String::new(), |value| format!(" {name} {value}"));
            format!(
                "change {}{}{}{}",
                change.id,
                part("quantity", change.quantity.map(|q| q.to_string())),
                part("limit", change.limit.map(|p| p.to_string())),
                part("stop", change.stop.map(|p| p.to_string())),
            )
        }
        Action::Deposit { amount, .. } => format!("deposit {amount} USD"),
        Action::Withdraw { amount, .. } => format!("withdraw {amount} USD"),
        Action::Risk(state) => format!("risk {}", state.as_str()),
        Action::Flatten { .. } => "flatten".to_owned(),
        Action::BooksDiffer => "books and tables differ".to_owned(),
        Action::Settings(_) => "other rules of trading".to_owned(),
        Action::Rules { pair, .. } => format!("rules of {pair}"),
        Action::Consensus(true) => "consensus on".to_owned(),
        Action::Consensus(false) => "consensus off".to_owned(),
        Action::Thresholds(_) => "other thresholds of the consensus".to_owned(),
        Action::Recall(recall) => format!("recall of {} to {}", recall.pair, recall.window_end),
        Action::Opinion(opinion) => format!("{} is {}", opinion.pair, opinion.stance),
    }
}

fn order_in_words(order: &Order) -> String {
    let side = if order.side == Side::Buy { "buy" } else { "sell" };
    let mut words = format!("{side} {} {} {}", order.quantity, order.pair, order.terms.as_str().replace('_', " "));
    let prices = [
        ("limit", order.terms.limit()),
        ("stop", order.terms.stop()),
        ("take profit", order.take_profit),
        ("stop loss", order.stop_loss),
    ];
    for (name, price) in prices {
        if let Some(price) = price {
            words.push_str(&format!(", {name} {price}"));
        }
    }
    words
}
