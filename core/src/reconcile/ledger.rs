//! The ledger as it should be, from the records alone, against the ledger as it is stored: beside the journal and in the warm tables.

use std::collections::BTreeMap;

use crate::domain::{
    Account, Action, Amount, Asset, DeskOutput, Fill, Input, Seq, Source, Stamped, Step, Transfer, TransferId,
};
use crate::engine::{Desk, Lanes, Market};
use crate::journal::{Journal, JournalError};
use crate::ledger::chain;
use crate::tiers::warm::{Balances, TransferRow, Warm, WarmError};

/// The session of the live desk in the tables.
const LIVE: &str = "live";

/// A code, and what is wrong.
pub type Wrong = (&'static str, String);

/// What the live desk should have done.
pub struct Expected {
    desk: Desk,
    transfers: Vec<(Seq, Transfer)>,
    fills: Vec<(Seq, Fill)>,
    /// How often the account was opened.
    openings: u64,
}

impl Default for Expected {
    fn default() -> Self {
        let desk = Desk::new(Lanes::One(Source::Live));
        Self { desk, transfers: Vec::new(), fills: Vec::new(), openings: 0 }
    }
}

impl Expected {
    /// Takes the next record, after the market did.
    pub fn step(&mut self, record: &Stamped, market: &Market) {
        if let Input::Command(command) = &record.input {
            self.openings += u64::from(matches!(command.action, Action::Open { .. }));
        }
        let mut outputs = Vec::new();
        self.desk.step(record, market, &mut outputs);
        for output in outputs {
            match output {
                DeskOutput::Transfer(transfer) => self.transfers.push((record.seq, transfer)),
                DeskOutput::Fill(fill) => self.fills.push((record.seq, fill)),
                _ => {}
            }
        }
    }

    pub fn transfers(&self) -> u64 {
        self.desk.ledger().head().count
    }

    pub fn hash(&self) -> String {
        self.desk.ledger().head().hash.to_string()
    }

    /// Balances after a step, added up from the transfers and by nothing that adds them up elsewhere.
    fn balances(&self, through: Step) -> BTreeMap<(String, String), i128> {
        let mut sums = BTreeMap::new();
        for (_, transfer) in self.transfers.iter().filter(|(_, transfer)| transfer.step <= through) {
            let asset = transfer.asset.to_string();
            *sums.entry((transfer.debit.to_string(), asset.clone())).or_default() -= transfer.amount.units();
            *sums.entry((transfer.credit.to_string(), asset)).or_default() += transfer.amount.units();
        }
        sums
    }

    /// What is stored beside the journal. Of inputs after `projected` it is stored by whoever opens the journal to write next.
    pub fn compare_stored(&self, journal: &Journal, projected: Seq) -> Result<Vec<Wrong>, JournalError> {
        let mut wrong = Vec::new();
        if self.openings > 1 {
            let what = format!("the one-shot job `opening deposit` ran {} times", self.openings);
            wrong.push(("job_rerun", what));
        }
        wrong.extend(self.unbalanced());
        let stored = match journal.transfers(0).collect::<Result<Vec<Transfer>, _>>() {
            Ok(stored) => stored,
            Err(error @ JournalError::DamagedEntry { .. }) => {
                wrong.push(("transfer_damaged", error.to_string()));
                return Ok(wrong);
            }
            Err(error) => return Err(error),
        };
        let due = self.transfers.iter().filter(|(seq, _)| *seq <= projected).count();
        let first_bad = match chain::verify(stored.iter().copied(), journal.ledger_head()?) {
            Ok(_) => None,
            Err(bad) => Some((bad.entry, bad.code(), bad.to_string())),
        };
        match first_bad {
            Some((_, code, what)) => wrong.push((code, what)),
            None => {
                let both = stored.iter().zip(&self.transfers);
                if let Some((place, (stored, (_, expected)))) =
                    both.enumerate().find(|(_, (stored, (_, expected)))| *stored != expected)
                {
                    let what = format!(
                        "entry {} of the ledger is {} {} for `{}`; the records give {} {} for `{}`",
                        place + 1,
                        stored.amount,
                        stored.asset,
                        stored.cause,
                        expected.amount,
                        expected.asset,
                        expected.cause
                    );
                    wrong.push(("transfer_differs", what));
                } else if stored.len() < due {
                    wrong.push(("transfer_missing", format!("entry {} of the ledger is missing", stored.len() + 1)));
                } else if stored.len() > self.transfers.len() {
                    let what = format!("entry {} of the ledger follows from no record", self.transfers.len() + 1);
                    wrong.push(("transfer_unfounded", what));
                }
            }
        }
        wrong.extend(self.compare_fills(journal, projected)?);
        Ok(wrong)
    }

    fn compare_fills(&self, journal: &Journal, projected: Seq) -> Result<Option<Wrong>, JournalError> {
        let mut expected = self.fills.iter();
        for (place, stored) in journal.fills(Seq(0)).enumerate() {
            let stored = match stored {
                Ok(stored) => stored,
                Err(error @ JournalError::DamagedEntry { .. }) => return Ok(Some(("fill_damaged", error.to_string()))),
                Err(error) => return Err(error),
            };
            match expected.next() {
                Some((seq, fill)) if *seq == stored.seq && *fill == stored.fill => {}
                Some((_, fill)) => {
                    let what = format!("fill {} is {}; the records give {}", place + 1, stored.fill.id, fill.id);
                    return Ok(Some(("fill_differs", what)));
                }
                None => {
                    let what = format!("fill {} ({}) follows from no record", place + 1, stored.fill.id);
                    return Ok(Some(("fill_unfounded", what)));
                }
            }
        }
        let missing = expected.find(|(seq, _)| *seq <= projected);
        Ok(missing.map(|(_, fill)| ("fill_missing", format!("the fill {} of {} is not stored", fill.id, fill.order))))
    }

    /// Debits equal credits, by asset.
    fn unbalanced(&self) -> Option<Wrong> {
        let mut sums = BTreeMap::<Asset, i128>::new();
        for (account, asset, amount) in self.desk.ledger().balances() {
            *sums.entry(asset).or_default() += amount.units();
            if amount < Amount::ZERO && account == Account::Trader {
                return Some(("balance_negative", format!("the trader has {amount} {asset}")));
            }
        }
        let (asset, sum) = sums.into_iter().find(|(_, sum)| *sum != 0)?;
        Some(("debits_differ", format!("debits and credits of {asset} differ by {}", Amount::from_units(sum))))
    }

    /// What the warm tables hold, through the step each says it has. `read` is what a user's query answers of the same balances.
    pub async fn compare_tables(&self, warm: &Warm, read: &Balances) -> Result<Vec<Wrong>, WarmError> {
        let mut wrong = Vec::new();
        wrong.extend(self.compare_transfers(&warm.transfers(LIVE).await?, Step(warm.transfers_through(LIVE)?)));
        let expected = self.balances(Step(warm.balances_through(LIVE)?));
        let stored = warm.balances(LIVE).await?;
        if let Some(what) = first_difference(&expected, &stored, "the table of balances") {
            wrong.push(("duplicate_delta", what));
        } else if let Some(what) = first_difference(&expected, read, "a query of the balances") {
            // The table is right, so what was read is not what the table says: files it has replaced were added up with it.
            wrong.push(("folder_read", what));
        }
        let through = Seq(warm.trades_through(LIVE)?);
        let expected: BTreeMap<String, Fill> = self
            .fills
            .iter()
            .filter(|(seq, _)| *seq <= through)
            .map(|(_, fill)| (fill.id.to_string(), *fill))
            .collect();
        let stored = warm.trades(LIVE).await?;
        let bad = stored.iter().find(|trade| {
            expected.get(&trade.trade_id).is_none_or(|fill| {
                (fill.price, fill.quantity, fill.fee, fill.total_cost(), fill.side)
                    != (trade.fill_price, trade.quantity, trade.fee, trade.total_cost, trade.side)
            })
        });
        if let Some(trade) = bad {
            wrong.push(("trade_differs", format!("the stored trade {} is not what the records give", trade.trade_id)));
        } else if stored.len() != expected.len() {
            let what = format!("{} trades are stored, and the records give {}", stored.len(), expected.len());
            wrong.push(("trade_missing", what));
        }
        Ok(wrong)
    }

    fn compare_transfers(&self, stored: &[TransferRow], through: Step) -> Option<Wrong> {
        let expected: Vec<&Transfer> =
            self.transfers.iter().map(|(_, t)| t).filter(|transfer| transfer.step <= through).collect();
        for (place, row) in stored.iter().enumerate() {
            let entry = place + 1;
            let Some(transfer) = expected.get(place) else {
                let twice = stored[..place].iter().any(|earlier| earlier.transfer_id == row.transfer_id);
                let code = if twice { "duplicate_delta" } else { "transfer_unfounded" };
                return Some((code, format!("entry {entry} of the stored ledger follows from no record")));
            };
            if !is(row, transfer) {
                let (wanted, found) = (transfer.id.to_string(), &row.transfer_id);
                if stored.iter().all(|row| row.transfer_id != wanted) {
                    let what = format!("entry {entry} of the stored ledger is missing: {}", transfer.cause);
                    return Some(("transfer_missing", what));
                }
                let code = if wanted == *found { "transfer_altered" } else { "transfer_out_of_order" };
                let what = format!(
                    "entry {entry} of the stored ledger is {} {} for `{}`; the records give {} {} for `{}`",
                    row.amount, row.asset, row.cause, transfer.amount, transfer.asset, transfer.cause
                );
                return Some((code, what));
            }
        }
        let missing = expected.get(stored.len())?;
        Some((
            "transfer_missing",
            format!("entry {} of the stored ledger is missing: {}", stored.len() + 1, missing.cause),
        ))
    }
}

fn is(row: &TransferRow, transfer: &Transfer) -> bool {
    row.step == transfer.step.0
        && row.tape_time == transfer.tape_time
        && row.transfer_id.parse::<TransferId>() == Ok(transfer.id)
        && row.debit == transfer.debit.as_str()
        && row.credit == transfer.credit.as_str()
        && row.asset == transfer.asset.as_str()
        && row.amount == transfer.amount
        && row.cause == transfer.cause.to_string()
        && row.hash == transfer.hash.to_string()
}

fn first_difference(expected: &BTreeMap<(String, String), i128>, found: &Balances, whose: &str) -> Option<String> {
    let keys = expected.keys().chain(found.keys());
    let mut different = keys.filter_map(|key| {
        let wanted = expected.get(key).copied().unwrap_or_default();
        let has = found.get(key).map_or(0, |amount| amount.units());
        let (account, asset) = key;
        (wanted != has).then(|| {
            let (wanted, has) = (Amount::from_units(wanted), Amount::from_units(has));
            format!("{whose} says {has} {asset} of {account}; the transfers add up to {wanted}")
        })
    });
    different.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Settings, Thresholds};
    use crate::reconcile::verify::verify;
    use crate::session::account::AccountTerms;
    use crate::session::recorder::Recorder;

    fn terms() -> AccountTerms {
        AccountTerms::new(
            Amount::from_units(10_000_000_000_000),
            Settings::default(),
            &BTreeMap::new(),
            Thresholds::default(),
        )
    }

    /// A directory with an opening deposit and nine more.
    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut recorder, _) = Recorder::open(directory.path()).expect("new");
        for place in 0..9 {
            let id = format!("d{place}").parse().expect("a name");
            let amount = Amount::from_units(100_000_000 * (place + 1));
            recorder.command(&[Action::Deposit { id, amount }], &terms()).expect("durable");
        }
        directory
    }

    fn codes(journal: &Journal) -> Vec<(&'static str, String)> {
        let report = verify(journal).expect("read");
        assert_eq!(report.ok, report.findings.is_empty());
        report.findings.into_iter().map(|finding| (finding.code, finding.what)).collect()
    }

    #[test]
    fn the_first_entry_of_the_stored_ledger_that_was_touched_is_named() {
        let directory = directory();
        let mut journal = Journal::open(directory.path()).expect("opened");
        let stored: Vec<Transfer> = journal.transfers(0).collect::<Result<_, _>>().expect("whole");
        assert_eq!((stored.len(), codes(&journal).len()), (10, 0));
        let as_it_was: Vec<_> = stored.iter().map(|t| (t.number, Some(*t))).chain([(11, None)]).collect();
        let flipped = Transfer { amount: Amount::from_units(stored[3].amount.units() ^ 1), ..stored[3] };
        let more = Transfer { number: 11, ..stored[9] };
        for (what, change, code, entry) in [
            ("flipped", vec![(4, Some(flipped))], "transfer_altered", 4),
            ("deleted", vec![(6, None)], "transfer_missing", 6),
            ("reordered", vec![(2, Some(stored[2])), (3, Some(stored[1]))], "transfer_out_of_order", 2),
            ("inserted", vec![(11, Some(more))], "duplicate_delta", 11),
            ("cut off", vec![(9, None), (10, None)], "transfer_missing", 9),
        ] {
            journal.put_transfers_as(&change);
            let found = codes(&journal);
            let (first, sentence) = found.first().unwrap_or_else(|| panic!("{what}: nothing was found"));
            assert_eq!(*first, code, "{what}: {sentence}");
            assert!(sentence.contains(&format!("entry {entry} ")), "{what}: {sentence} does not name entry {entry}");
            journal.put_transfers_as(&as_it_was);
            assert_eq!(codes(&journal), []);
        }
    }

    #[test]
    fn the_first_row_of_the_ledgers_table_that_was_touched_is_named() {
        let mut expected = Expected::default();
        let directory = directory();
        let journal = Journal::open(directory.path()).expect("opened");
        let market = Market::default();
        journal.records(Seq(1)).for_each(|record| expected.step(&record.expect("whole"), &market));
        let last = expected.transfers.last().expect("ten").1.step;
        let rows: Vec<TransferRow> =
            expected.transfers.iter().map(|(_, transfer)| crate::session::books::transfer_row(transfer)).collect();
        assert_eq!(expected.compare_transfers(&rows, last), None);
        let changed = |change: &dyn Fn(&mut Vec<TransferRow>)| {
            let mut rows = rows.clone();
            change(&mut rows);
            expected.compare_transfers(&rows, last).expect("it was touched")
        };
        for (found, code, entry) in [
            (changed(&|rows| rows[3].amount = Amount::from_units(1)), "transfer_altered", 4),
            (changed(&|rows| drop(rows.remove(5))), "transfer_missing", 6),
            (changed(&|rows| rows.swap(1, 2)), "transfer_out_of_order", 2),
            (changed(&|rows| rows.push(rows[9].clone())), "duplicate_delta", 11),
            (
                changed(&|rows| rows.insert(2, TransferRow { transfer_id: "0".to_owned(), ..rows[0].clone() })),
                "transfer_out_of_order",
                3,
            ),
            (changed(&|rows| rows.truncate(8)), "transfer_missing", 9),
        ] {
            assert_eq!(found.0, code, "{}", found.1);
            assert!(found.1.contains(&format!("entry {entry} ")), "{}", found.1);
        }
    }

    #[test]
    fn doubled_balances_and_a_reader_of_replaced_files_are_told_apart() {
        let expected = BTreeMap::from([(("trader".to_owned(), "USD".to_owned()), 5)]);
        let right = Balances::from([(("trader".to_owned(), "USD".to_owned()), Amount::from_units(5))]);
        let double = Balances::from([(("trader".to_owned(), "USD".to_owned()), Amount::from_units(10))]);
        assert_eq!(first_difference(&expected, &right, "x"), None);
        assert!(first_difference(&expected, &double, "x").is_some());
        assert!(first_difference(&expected, &Balances::new(), "x").is_some());
    }
}
