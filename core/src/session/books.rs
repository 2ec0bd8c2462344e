//! Books into the warm tier: transfers, the balances they sum to, and trades, each once.

use std::path::Path;

use super::archive::ArchiveError;
use super::run::Outcome;
use crate::domain::{self, Amount, DeskOutput, Fill, Seq, Step, Transfer};
use crate::journal::{Deed, JournalError, JournalReader, StoredFill};
use crate::tiers::warm::{BalanceDelta, TradeRow, TransferRow, Warm, WarmError};

/// Stores all of a session's books under its name. What is stored already is left as it is.
///
/// Errors: `SessionTaken` when other books have that name.
pub async fn keep(directory: &Path, session: &str, outcome: &Outcome) -> Result<(), ArchiveError> {
    let mut warm = Warm::open(directory).await?;
    let head = outcome.desk().ledger().head();
    let there = warm.transfers(session).await?;
    if there.last().is_some_and(|last| last.hash != head.hash.to_string()) {
        return Err(ArchiveError::SessionTaken { session: session.to_owned() });
    }
    let transfers = outcome.deeds.iter().filter_map(|deed| match &deed.output {
        DeskOutput::Transfer(transfer) => Some(*transfer),
        _ => None,
    });
    put_transfers(&mut warm, session, &transfers.collect::<Vec<_>>()).await?;
    let fills: Vec<Fill> = outcome.deeds.iter().filter_map(fill).collect();
    warm.put_trades(session, &rows(&fills), outcome.desk().last_step().0).await?;
    Ok(())
}

/// The session of the live desk.
const LIVE: &str = "live";

/// How far the tables have come with the live desk's books. Each says it itself, so that a crash between them leaves nothing out and adds nothing twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    transfers: Step,
    balances: Step,
    trades: Seq,
}

pub(super) fn held(warm: &Warm) -> Result<Held, WarmError> {
    Ok(Held {
        transfers: Step(warm.transfers_through(LIVE)?),
        balances: Step(balances_through(warm, LIVE)?),
        trades: Seq(warm.trades_through(LIVE)?),
    })
}

/// As the table of balances says, and nobody else: sums do not show what went into them.
fn balances_through(warm: &Warm, session: &str) -> Result<u64, WarmError> {
    let through = warm.balances_through(session)?;
    // The night it cost $600 000, the process that resumed asked its memory and not the table. Until it had put something itself,
    // everything was new to it.
    #[cfg(feature = "bug-duplicate-delta")]
    {
        static FOUND: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
        if through == *FOUND.get_or_init(|| through) {
            return Ok(0);
        }
    }
    Ok(through)
}

/// What the tables lack.
pub(super) struct New {
    transfers: Vec<Transfer>,
    fills: Vec<StoredFill>,
}

pub(super) fn after(journal: &JournalReader, held: Held) -> Result<New, JournalError> {
    let transfers = journal.transfers_after(held.transfers.min(held.balances))?;
    Ok(New { transfers, fills: journal.fills_after(held.trades)? })
}

/// Answers how many fills were stored.
pub(super) async fn put(warm: &mut Warm, new: &New) -> Result<u64, WarmError> {
    put_transfers(warm, LIVE, &new.transfers).await?;
    if let Some(last) = new.fills.last() {
        let fills: Vec<Fill> = new.fills.iter().map(|stored| stored.fill).collect();
        warm.put_trades(LIVE, &rows(&fills), last.seq.0).await?;
    }
    Ok(new.fills.len() as u64)
}

fn fill(deed: &Deed) -> Option<Fill> {
    match &deed.output {
        DeskOutput::Fill(fill) => Some(*fill),
        _ => None,
    }
}

/// Stores transfers of whole steps, and what they change of balances. Those of steps that are there are passed over.
async fn put_transfers(warm: &mut Warm, session: &str, transfers: &[Transfer]) -> Result<(), WarmError> {
    let Some(last) = transfers.last().map(|transfer| transfer.step.0) else { return Ok(()) };
    let after = |through: u64| transfers.iter().filter(move |transfer| transfer.step.0 > through);
    let through = warm.transfers_through(session)?;
    if last > through {
        let rows: Vec<TransferRow> = after(through).map(transfer_row).collect();
        warm.put_transfers(session, &rows, last).await?;
    }
    let through = balances_through(warm, session)?;
    if last > through {
        let deltas: Vec<BalanceDelta> = after(through).flat_map(deltas).collect();
        warm.put_balances(session, &deltas, last).await?;
    }
    Ok(())
}

/// One gives, the other receives.
fn deltas(transfer: &Transfer) -> [BalanceDelta; 2] {
    let delta = |account: domain::Account, units: i128| BalanceDelta {
        account: account.to_string(),
        asset: transfer.asset.to_string(),
        amount: Amount::from_units(units),
    };
    let units = transfer.amount.units();
    [delta(transfer.debit, -units), delta(transfer.credit, units)]
}

pub(crate) fn transfer_row(transfer: &Transfer) -> TransferRow {
    TransferRow {
        step: transfer.step.0,
        tape_time: transfer.tape_time,
        transfer_id: transfer.id.to_string(),
        debit: transfer.debit.to_string(),
        credit: transfer.credit.to_string(),
        asset: transfer.asset.to_string(),
        amount: transfer.amount,
        cause: transfer.cause.to_string(),
        hash: transfer.hash.to_string(),
    }
}

fn rows(fills: &[Fill]) -> Vec<TradeRow> {
    let row = |fill: &Fill| TradeRow {
        trade_id: fill.id.to_string(),
        order_id: fill.order.to_string(),
        pair: fill.pair,
        side: fill.side,
        price: fill.asked,
        fill_price: fill.price,
        quantity: fill.quantity,
        fee: fill.fee,
        slippage: fill.slippage,
        total_cost: fill.total_cost(),
        maker: fill.maker,
        signal_similarity: None,
        signal_sentiment: None,
        source: fill.source,
        event_time: fill.event_time,
    };
    fills.iter().map(row).collect()
}
