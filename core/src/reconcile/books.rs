//! Balances by three ways that share nothing: summed up from the journal's transfers, as the running desk has them, and asked of the warm tables.

use std::collections::BTreeMap;

use super::tiers::{ReconcileError, ask, rows};
use crate::domain::{Account, Amount, Seq, Step};
use crate::journal::Journal;
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

/// The differences between the three, with both numbers and where they are from. Call it when the tables have been carried through the journal's last
/// input.
pub async fn compare(journal: &Journal, desk: &Ledger, sql: &Sql) -> Result<Vec<String>, ReconcileError> {
    let mut summed = Sums::new();
    let mut last = Step::default();
    for transfer in journal.transfers(0) {
        let transfer = transfer?;
        let asset = transfer.asset.to_string();
        *summed.entry((transfer.debit.to_string(), asset.clone())).or_default() -= transfer.amount.units();
        *summed.entry((transfer.credit.to_string(), asset)).or_default() += transfer.amount.units();
        last = transfer.step;
    }
    let held =
        desk.balances().map(|(account, asset, amount)| ((account.to_string(), asset.to_string()), amount.units()));
    let mut differences = differ(&summed, &held.collect(), "the running desk");
    let stored = asked(sql, "live").await?.into_iter().map(|(key, amount)| (key, amount.units()));
    differences.extend(differ(&summed, &stored.collect(), "warm.balance"));
    differences.extend(transfers(sql, &summed).await?);
    let fills = journal.fills(Seq(0)).collect::<Result<Vec<_>, _>>()?;
    let cost = fills.iter().map(|stored| stored.fill.total_cost().units()).sum::<i128>();
    let question =
        "SELECT count(*), sum(CAST(total_cost AS DECIMAL(38, 8))) FROM warm.trades WHERE session_id = 'live'";
    let row = rows(&ask(sql, question).await?).into_iter().next().unwrap_or_default();
    let found = (row.first().and_then(|n| n.parse().ok()), row.get(1).and_then(|sum| Amount::parse(sum).ok()));
    let found = (found.0.unwrap_or(0usize), found.1.unwrap_or_default().units());
    if found != (fills.len(), cost) {
        differences.push(format!(
            "warm.trades has {} trades of {}; the journal {} of {} through step {}",
            found.0,
            Amount::from_units(found.1),
            fills.len(),
            Amount::from_units(cost),
            last.0
        ));
    }
    Ok(differences)
}

/// `warm.transfers` added up by SQL.
async fn transfers(sql: &Sql, summed: &Sums) -> Result<Vec<String>, ReconcileError> {
    let side = |account: &str, sign: &str| {
        format!(
            "SELECT {account} AS account, asset, {sign}CAST(amount AS DECIMAL(38, 8)) AS amount FROM warm.transfers WHERE session_id = 'live'"
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
    Ok(differ(summed, &found.collect(), "warm.transfers"))
}

fn differ(summed: &Sums, found: &Sums, whose: &str) -> Vec<String> {
    let mut keys: Vec<_> = summed.keys().chain(found.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut differences = Vec::new();
    for key in keys {
        let (wanted, has) = (summed.get(key).copied().unwrap_or(0), found.get(key).copied().unwrap_or(0));
        if wanted != has {
            let (account, asset) = key;
            let (wanted, has) = (Amount::from_units(wanted), Amount::from_units(has));
            let owner = if account == Account::Trader.as_str() { "the trader" } else { account };
            differences
                .push(format!("{whose} says {has} {asset} of {owner}; the journal's transfers add up to {wanted}"));
        }
    }
    differences
}
