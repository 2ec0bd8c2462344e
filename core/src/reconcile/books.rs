//! Balances by three ways that share nothing: summed up from the journal's transfers, as the running desk has them, and asked of the warm tables.

use std::collections::{BTreeMap, BTreeSet};

use super::tiers::{ReconcileError, ask, rows};
use crate::domain::{Account, Amount, Cause, Fill, FillId, Leg, Seq, Step, Transfer};
use crate::journal::{Journal, JournalError};
use crate::ledger::Ledger;
use crate::tiers::sql::Sql;
use crate::tiers::warm::Balances;

/// By account and asset. Zeros are left out: a way that never heard of an asset has none of it.
type Sums = BTreeMap<(String, String), i128>;

/// The balances of a session as a query answers them.
pub async fn asked(sql: &Sql, session: &str) -> Result<Balances, ReconcileError> {
    let question = format!("SELECT account, asset, amount FROM warm.balance WHERE session_id = '{session}'");
    let found = rows(&ask(sql, &question).await?);
    let balance = |row: Vec<String>| {
        let [account, asset, amount] = <[String; 3]>::try_from(row).ok()?;
        Some(((account, asset), Amount::parse(&amount).ok()?))
    };
    Ok(found.into_iter().filter_map(balance).collect())
}

/// The live desk's books, taken at one moment.
pub struct Books {
    transfers: Vec<Transfer>,
    fills: Vec<Fill>,
    /// As the engine has them.
    held: Sums,
}

impl Books {
    /// Of a journal and of the ledger that was stepped on it. Take both under one lock.
    pub fn of(journal: &Journal, ledger: &Ledger) -> Result<Self, JournalError> {
        let held = ledger
            .balances()
            .map(|(account, asset, amount)| ((account.to_string(), asset.to_string()), amount.units()));
        Ok(Self {
            transfers: journal.transfers(0).collect::<Result<_, _>>()?,
            fills: journal.fills(Seq(0)).map(|stored| Ok(stored?.fill)).collect::<Result<_, JournalError>>()?,
            held: held.collect(),
        })
    }

    /// What transfers through a step add up to.
    fn summed(&self, through: Step) -> Sums {
        let mut sums = Sums::new();
        for transfer in self.transfers.iter().filter(|transfer| transfer.step <= through) {
            let asset = transfer.asset.to_string();
            *sums.entry((transfer.debit.to_string(), asset.clone())).or_default() -= transfer.amount.units();
            *sums.entry((transfer.credit.to_string(), asset)).or_default() += transfer.amount.units();
        }
        sums
    }

    /// The differences between the three, with both numbers and where they are from. Of the tables, what they hold so far is compared.
    pub async fn compare(&self, sql: &Sql) -> Result<Vec<String>, ReconcileError> {
        let mut differences = differ(&self.summed(Step(u64::MAX)), &self.held, "the running desk");
        let newest = "SELECT max(step) FROM warm.transfers WHERE session_id = 'live'";
        let newest = rows(&ask(sql, newest).await?).into_iter().flatten().next();
        let through = Step(newest.and_then(|step| step.parse().ok()).unwrap_or(0));
        let summed = self.summed(through);
        let stored = asked(sql, "live").await?.into_iter().map(|(key, amount)| (key, amount.units()));
        differences.extend(differ(&summed, &stored.collect(), "warm.balance"));
        differences.extend(differ(&summed, &transfers(sql).await?, "warm.transfers"));
        differences.extend(self.compare_trades(sql, through).await?);
        Ok(differences)
    }

    async fn compare_trades(&self, sql: &Sql, through: Step) -> Result<Option<String>, ReconcileError> {
        let settled: BTreeSet<FillId> = self
            .transfers
            .iter()
            .filter(|transfer| transfer.step <= through)
            .filter_map(|transfer| match transfer.cause {
                Cause::Fill(fill, Leg::Asset) => Some(fill),
                _ => None,
            })
            .collect();
        let fills: Vec<&Fill> = self.fills.iter().filter(|fill| settled.contains(&fill.id)).collect();
        let cost = fills.iter().map(|fill| fill.total_cost().units()).sum::<i128>();
        let question =
            "SELECT count(*), sum(CAST(total_cost AS DECIMAL(38, 8))) FROM warm.trades WHERE session_id = 'live'";
        let row = rows(&ask(sql, question).await?).into_iter().next().unwrap_or_default();
        let count = row.first().and_then(|count| count.parse().ok()).unwrap_or(0usize);
        let sum = row.get(1).and_then(|sum| Amount::parse(sum).ok()).unwrap_or_default().units();
        Ok(((count, sum) != (fills.len(), cost)).then(|| {
            let (sum, cost) = (Amount::from_units(sum), Amount::from_units(cost));
            format!("warm.trades has {count} trades of {sum} in all; the journal {} of {cost}", fills.len())
        }))
    }
}

/// `warm.transfers` added up by SQL.
async fn transfers(sql: &Sql) -> Result<Sums, ReconcileError> {
    let side = |account: &str, sign: &str| {
        format!(
            "SELECT {account} AS account, asset, {sign}CAST(amount AS DECIMAL(38, 8)) AS amount FROM warm.transfers \
             WHERE session_id = 'live'"
        )
    };
    let question = format!(
        "SELECT account, asset, sum(amount) FROM ({} UNION ALL {}) AS legs GROUP BY account, asset",
        side("credit", ""),
        side("debit", "-")
    );
    let found = rows(&ask(sql, &question).await?).into_iter().filter_map(|row| {
        let [account, asset, amount] = <[String; 3]>::try_from(row).ok()?;
        Some(((account, asset), Amount::parse(&amount).ok()?.units()))
    });
    Ok(found.collect())
}

fn differ(summed: &Sums, found: &Sums, whose: &str) -> Vec<String> {
    let keys: BTreeSet<_> = summed.keys().chain(found.keys()).collect();
    let of = |sums: &Sums, key| sums.get(key).copied().unwrap_or_default();
    let different = keys.into_iter().filter(|key| of(summed, *key) != of(found, *key));
    different
        .map(|key| {
            let (account, asset) = key;
            let (wanted, has) = (Amount::from_units(of(summed, key)), Amount::from_units(of(found, key)));
            let owner = if account == Account::Trader.as_str() { "the trader" } else { account };
            format!("{whose} says {has} {asset} of {owner}; the journal's transfers add up to {wanted}")
        })
        .collect()
}
