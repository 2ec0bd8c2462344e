//! The live account: risk, ledger, and whether the tables agree with it.

use std::collections::BTreeMap;

use super::{Blocked, each};
use crate::domain::{Amount, Asset, Pair, Rate, ReceivedTime, RiskState};
use crate::metrics::exposition::Exposition;
use crate::metrics::names;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Risk {
    pub state: RiskState,
    pub tripped: bool,
    pub drawdown: Option<Rate>,
    /// Since the program started.
    pub blocked: Blocked,
}

impl Risk {
    pub(super) fn write(&self, out: &mut Exposition) {
        let states = [RiskState::Active, RiskState::Reducing, RiskState::Halted];
        let rows = states.map(|state| (state.as_str(), state == self.state));
        each(out, &names::RISK_STATE, rows, Some);
        out.one(&names::RISK_TRIPPED, Some(self.tripped));
        out.one(&names::RISK_DRAWDOWN, self.drawdown);
        each(out, &names::RISK_BLOCKED, self.blocked.by_rule(), Some);
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Posted since the program started.
    pub transfers: u64,
    /// In the chain.
    pub head_count: u64,
    pub equity: Option<Amount>,
    pub cash: Option<Amount>,
    /// In the life of the account.
    pub fees: Option<Amount>,
    pub realised: Option<Amount>,
    pub positions: BTreeMap<Pair, Position>,
    pub trades: BTreeMap<Pair, Trades>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    pub quantity: Amount,
    /// At its mark, in USD.
    pub value: Option<Amount>,
    pub unrealised: Option<Amount>,
}

/// Fills since the program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trades {
    pub bought: u64,
    pub sold: u64,
}

impl Ledger {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::LEDGER_TRANSFERS, Some(self.transfers));
        out.one(&names::LEDGER_HEAD, Some(self.head_count));
        out.one(&names::LEDGER_EQUITY, self.equity);
        out.one(&names::LEDGER_CASH, self.cash);
        out.one(&names::LEDGER_FEES, self.fees);
        out.one(&names::LEDGER_PROFIT, self.realised);
        let rows = || self.positions.iter().map(|(pair, row)| (pair.as_str(), row));
        each(out, &names::LEDGER_POSITION, rows(), |row| Some(row.quantity));
        each(out, &names::LEDGER_POSITION_VALUE, rows(), |row| row.value);
        each(out, &names::LEDGER_UNREALISED, rows(), |row| row.unrealised);
        for (pair, trades) in &self.trades {
            for (side, count) in [("buy", trades.bought), ("sell", trades.sold)] {
                out.sample(&names::LEDGER_TRADES, &[pair.as_str(), side], Some(count));
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconcile {
    /// Ledger less tables, of each asset that was compared, those without a difference too.
    pub drift: BTreeMap<Asset, Amount>,
    pub findings: u64,
    pub run: Option<ReceivedTime>,
}

impl Reconcile {
    pub(super) fn write(&self, out: &mut Exposition) {
        let rows = self.drift.iter().map(|(asset, drift)| (asset.as_str(), *drift));
        each(out, &names::RECONCILE_DRIFT, rows, Some);
        out.one(&names::RECONCILE_FINDINGS, Some(self.findings));
        out.one(&names::RECONCILE_RUN, self.run);
    }
}
