//! Trading: what can be asked of an account and told to it, by the desk, by the command, and by the command through a running desk.

mod decisions;
pub(super) mod played;
#[cfg(unix)]
mod socket;
mod views;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use specta::Type;

use super::ApiError;
use super::config::Config;
use crate::domain::{Action, Amount, DeskOutput, OrderId, OrderState, Pair, RiskState, Seq};
use crate::engine::{Desk, Market};
use crate::journal::{Deed, JournalError};
use crate::session::account::AccountTerms;
use crate::session::live::Live;
use crate::session::orders::OrderError;
pub use crate::session::orders::{AmendRequest, OrderRequest};
use crate::session::recorder::Recorder;
pub use decisions::{ConsensusView, DecisionRow, MatchesRow, OpinionRow, VoteRow, decision_row};
#[cfg(unix)]
pub use socket::Socket;
pub use views::{
    AccountView, BalanceRow, CanTrade, Estimate, OrderRow, PositionRow, Refusal, TradeRow, TradingFrame, TransferRow,
    trade_row, trade_rows,
};

/// What can be asked and told. Crosses the socket as JSON.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Place(OrderRequest),
    Amend(AmendRequest),
    Cancel {
        id: String,
    },
    CancelAll,
    Deposit {
        id: String,
        amount: String,
    },
    Withdraw {
        id: String,
        amount: String,
    },
    /// `active`, `reducing` or `halted`.
    Risk {
        state: String,
    },
    Flatten {
        id: String,
    },
    Estimate(OrderRequest),
    Account,
    Balances,
    Positions,
    /// Open ones; with `all` those that have ended too.
    Orders {
        all: bool,
    },
    /// The newest `limit`, oldest first.
    Trades {
        limit: u32,
    },
    Transfers {
        limit: u32,
    },
    CanTrade {
        pair: String,
    },
    /// Trade by consensus, or no more.
    Consensus {
        on: bool,
    },
    /// What the consensus decided, the newest `limit` of each pair (or of one), newest first; of those that were taken by a moment of the tape.
    Decisions {
        pair: Option<String>,
        at: Option<String>,
        limit: u32,
    },
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Told, and durable: what it did to orders.
    Done {
        orders: Vec<OrderRow>,
        existed: bool,
    },
    Refused(Refusal),
    Estimate(Estimate),
    Account(AccountView),
    Balances(Vec<BalanceRow>),
    Positions(Vec<PositionRow>),
    Orders(Vec<OrderRow>),
    Trades(Vec<TradeRow>),
    Transfers(Vec<TransferRow>),
    CanTrade(CanTrade),
    Decisions(Vec<DecisionRow>),
}

impl Request {
    /// What it tells an account; none when it asks.
    pub(super) fn action(&self) -> Result<Option<Action>, ApiError> {
        Ok(Some(match self {
            Self::Place(order) => Action::Place(order.parse()?),
            Self::Amend(change) => Action::Amend(change.parse()?),
            Self::Cancel { id } => Action::Cancel(id.parse().map_err(OrderError::from)?),
            Self::CancelAll => Action::CancelAll,
            Self::Deposit { id, amount } => Action::Deposit { id: given(id)?, amount: money(amount)? },
            Self::Withdraw { id, amount } => Action::Withdraw { id: given(id)?, amount: money(amount)? },
            Self::Risk { state } => Action::Risk(risk_state(state)?),
            Self::Flatten { id } => Action::Flatten { id: given(id)? },
            Self::Consensus { on } => Action::Consensus(*on),
            _ => return Ok(None),
        }))
    }

    /// The answer to what the state of an account says by itself; none where its history is asked for.
    fn of_desk(&self, desk: &Desk, market: &Market) -> Result<Option<Answer>, ApiError> {
        Ok(Some(match self {
            Self::Estimate(order) => Answer::Estimate(views::estimate(desk, market, order.parse()?)?),
            Self::Account => Answer::Account(views::account(desk)),
            Self::Balances => Answer::Balances(views::balances(desk)),
            Self::Positions => Answer::Positions(views::positions(desk)),
            Self::CanTrade { pair } => Answer::CanTrade(views::can_trade(desk, market, pair_of(pair)?)),
            _ => return Ok(None),
        }))
    }
}

impl From<OrderError> for ApiError {
    fn from(error: OrderError) -> Self {
        Self::refused("order_invalid", error, "Correct the field and send it again.")
    }
}

/// The account of a data directory, by way of whoever holds it.
pub enum Trader {
    /// This process.
    Here(Box<Local>),
    /// A running desk or `tapedeck record`.
    #[cfg(unix)]
    There(std::path::PathBuf),
}

/// The account, held by this process.
#[derive(Clone)]
pub struct Local {
    live: Arc<Live>,
    terms: AccountTerms,
}

impl Local {
    pub fn new(live: Arc<Live>, terms: AccountTerms) -> Self {
        Self { live, terms }
    }

    /// Answers questions of other processes of this user until the answer is dropped.
    #[cfg(unix)]
    pub fn serve(self, directory: &Path) -> std::io::Result<Socket> {
        socket::serve(directory, move |request| self.ask(&request))
    }

    /// Errors: a request that can not be read, and a journal that can not be written.
    pub fn ask(&self, request: &Request) -> Result<Answer, ApiError> {
        let Some(action) = request.action()? else { return self.answer(request) };
        let committed = self.live.recorder().command(&[action], &self.terms)?;
        if action == Action::Risk(RiskState::Active) {
            self.live.status().books_differ = None;
        }
        Ok(told(&committed.deeds))
    }

    /// The account as it stands, for a frame of the desk.
    pub(super) fn frame(&self, pair: Pair) -> TradingFrame {
        let recorder = self.live.recorder();
        views::frame(recorder.desk(), recorder.market(), pair)
    }

    fn answer(&self, question: &Request) -> Result<Answer, ApiError> {
        let recorder = self.live.recorder();
        if let Some(answer) = question.of_desk(recorder.desk(), recorder.market())? {
            return Ok(answer);
        }
        Ok(match question {
            Request::Orders { all } => Answer::Orders(views::orders(recorder.journal(), *all)?),
            Request::Trades { limit } => Answer::Trades(views::trades(recorder.journal(), *limit as usize)?),
            Request::Transfers { limit } => Answer::Transfers(views::transfers(recorder.journal(), *limit as usize)?),
            Request::Decisions { pair, at, limit } => {
                let wanted = decisions::Wanted::parse(pair.as_deref(), at.as_deref(), *limit)?;
                let journal = recorder.journal().reader();
                drop(recorder);
                let newest = journal.decisions_to(Seq(u64::MAX));
                Answer::Decisions(wanted.of(newest.map(|stored| Ok(stored?.decision)))?)
            }
            other => unreachable!("{other:?} is told, or is answered by the desk alone"),
        })
    }
}

impl Trader {
    /// Whoever holds the directory: a running desk where there is one, else this process.
    pub fn of(directory: &Path) -> Result<Self, ApiError> {
        match Recorder::open(directory) {
            Ok((recorder, _)) => {
                let terms = Config::load(directory)?.terms();
                Ok(Self::Here(Box::new(Local::new(Live::new(recorder), terms))))
            }
            #[cfg(unix)]
            Err(crate::session::tape::TapeError::Journal(JournalError::InUse { .. })) => {
                Ok(Self::There(directory.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub fn ask(&self, request: &Request) -> Result<Answer, ApiError> {
        match self {
            Self::Here(local) => local.ask(request),
            #[cfg(unix)]
            Self::There(directory) => socket::ask(directory, request)?.ok_or_else(|| {
                ApiError::refused(
                    "data_directory_in_use",
                    format!("{} is in use by a process that takes no commands", directory.display()),
                    "Wait until it has ended: an import or a query takes no orders, a desk and `tapedeck record` do.",
                )
            }),
        }
    }
}

/// What became of a command, from what the desk did.
fn told(deeds: &[Deed]) -> Answer {
    let refused = deeds.iter().find_map(|deed| match deed.output {
        DeskOutput::Refused { reason, .. } => Some(reason),
        DeskOutput::Order(report) if report.state == OrderState::Rejected => report.reason,
        _ => None,
    });
    if let Some(reason) = refused {
        return Answer::Refused(Refusal::of(reason));
    }
    let orders = deeds.iter().filter_map(views::changed).collect();
    let existed = deeds.iter().any(|deed| matches!(deed.output, DeskOutput::Exists { .. }));
    Answer::Done { orders, existed }
}

fn given(id: &str) -> Result<OrderId, ApiError> {
    Ok(OrderId::given(id).map_err(OrderError::from)?)
}

fn pair_of(text: &str) -> Result<Pair, ApiError> {
    Ok(text.parse().map_err(OrderError::from)?)
}

/// Above zero.
fn money(text: &str) -> Result<Amount, ApiError> {
    let wrong = |why| OrderError::Number { field: "amount", text: text.to_owned(), why };
    Ok(Amount::parse_positive(text.trim()).map_err(wrong)?)
}

fn risk_state(text: &str) -> Result<RiskState, ApiError> {
    let states = [RiskState::Active, RiskState::Reducing, RiskState::Halted];
    let found = states.into_iter().find(|state| state.as_str() == text);
    let wrong =
        || OrderError::Word { field: "risk state", text: text.to_owned(), expected: "active, reducing or halted" };
    Ok(found.ok_or_else(wrong)?)
}
