//! Orders and the account, here or through a running desk.

use std::path::Path;

use serde_json::{Value, json};

use super::{Outcome, print, session};
use crate::api::ApiError;
use crate::api::trading::{Answer, DecisionRow, OrderRow, Request, Trader, VoteRow};

pub(super) fn run(data: &Path, request: &Request, json: bool) -> Result<Outcome, ApiError> {
    let answer = Trader::of(data)?.ask(request)?;
    let refused = matches!(answer, Answer::Refused(_));
    let (value, lines) = shown(answer);
    print::report(json, &value, lines);
    Ok(if refused { Outcome::FoundSomethingWrong } else { Outcome::Done })
}

/// A name for a command that was given none: nobody else has it.
pub(super) fn fresh_id(kind: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{kind}-{}", &random[..16])
}

fn decision_lines(decision: &DecisionRow) -> Vec<String> {
    let DecisionRow { pair, minute, verdict, sentence, .. } = decision;
    let mut lines = vec![format!("{pair} {minute}  {verdict}: {sentence}")];
    lines.extend(decision.blocked_by.iter().map(|rule| format!("  blocked ({}): {}", rule.code, rule.sentence)));
    lines.extend(decision.order_id.iter().map(|id| format!("  order {id}")));
    let vote = |who: &str, vote: &VoteRow| format!("  {who:<9}{:<8}{}", vote.lean, vote.sentence);
    lines.push(vote("patterns", &decision.patterns));
    lines.extend(decision.matches.iter().map(|found| {
        format!(
            "           {} matches, nearest {}; after an hour {} % ({} to {}), at best {} %; of any hour {} %",
            found.count,
            found.similarity,
            found.outcome_pct,
            found.low_pct,
            found.high_pct,
            found.best_pct,
            found.base_pct
        )
    }));
    lines.push(vote("analyst", &decision.analyst));
    lines.extend(
        decision.opinion.iter().map(|opinion| {
            format!("           {}, {} sure, {} s old", opinion.stance, opinion.confidence, opinion.age_s)
        }),
    );
    lines.push(vote("trend", &decision.trend));
    lines
}

fn shown(answer: Answer) -> (Value, Vec<String>) {
    match answer {
        Answer::Done { orders, existed } => {
            let mut lines: Vec<String> = orders.iter().map(order_line).collect();
            if existed {
                lines.push("It had been done before; nothing was changed.".to_owned());
            } else if lines.is_empty() {
                lines.push("Done.".to_owned());
            }
            (json!({ "orders": orders, "existed": existed }), lines)
        }
        Answer::Refused(refusal) => {
            let line = format!("Refused ({}): {}", refusal.code, refusal.sentence);
            (json!({ "refused": refusal }), vec![line])
        }
        Answer::Balances(balances) => {
            let lines = table(
                &["asset", "total", "reserved", "available"],
                balances.iter().map(|b| vec![&b.asset, &b.total, &b.reserved, &b.available]),
            );
            (json!({ "balances": balances }), lines)
        }
        Answer::Positions(positions) => {
            let none = "-".to_owned();
            let or = |text: &Option<String>| text.clone().unwrap_or_else(|| none.clone());
            let rows: Vec<Vec<String>> = positions
                .iter()
                .map(|p| {
                    vec![
                        p.pair.clone(),
                        p.quantity.clone(),
                        or(&p.average_price),
                        or(&p.mark),
                        or(&p.value),
                        or(&p.unrealised),
                        p.realised.clone(),
                        p.fees.clone(),
                    ]
                })
                .collect();
            let names = ["pair", "quantity", "average", "mark", "value", "unrealised", "realised", "fees"];
            let lines = table(&names, rows.iter().map(|row| row.iter().collect()));
            (json!({ "positions": positions }), lines)
        }
        Answer::Orders(orders) => {
            let lines =
                if orders.is_empty() { vec!["No orders.".to_owned()] } else { orders.iter().map(order_line).collect() };
            (json!({ "orders": orders }), lines)
        }
        Answer::Decisions(decisions) => {
            let mut lines: Vec<String> = decisions.iter().flat_map(decision_lines).collect();
            if lines.is_empty() {
                lines.push("Nothing was decided yet. `tapedeck consensus on` begins it.".to_owned());
            }
            (json!({ "decisions": decisions }), lines)
        }
        Answer::Trades(trades) => (json!({ "trades": trades }), session::trade_lines(&trades)),
        Answer::Transfers(transfers) => {
            let lines = table(
                &["number", "tape time", "debit", "credit", "amount", "asset", "cause"],
                transfers
                    .iter()
                    .map(|t| vec![&t.number, &t.tape_time, &t.debit, &t.credit, &t.amount, &t.asset, &t.cause]),
            );
            (json!({ "transfers": transfers }), lines)
        }
        Answer::Account(account) => {
            let risk = account.risk_reason.as_ref().map(|reason| format!(": {}", reason.sentence)).unwrap_or_default();
            let lines = vec![
                format!("{} USD equity, {} of it cash ({} available)", account.equity, account.cash, account.available),
                format!("{} % below the day's highest; risk is {}{risk}", account.drawdown_pct, account.risk_state),
                format!("{} transfers, the last one's hash {}", account.transfers, account.ledger_hash),
            ];
            (json!({ "account": account }), lines)
        }
        Answer::Estimate(estimate) => {
            let line =
                format!("{} at {}, fee {}, in all {}", estimate.notional, estimate.price, estimate.fee, estimate.total);
            (json!({ "estimate": estimate }), vec![line])
        }
        Answer::CanTrade(can_trade) => {
            let line = match &can_trade.blocked {
                None => format!("{} can be traded.", can_trade.pair),
                Some(refusal) => format!("{}: {}", can_trade.pair, refusal.sentence),
            };
            (json!({ "can_trade": can_trade }), vec![line])
        }
    }
}

fn order_line(order: &OrderRow) -> String {
    let price = |name: &str, price: &Option<String>| price.as_ref().map(|p| format!(" {name} {p}")).unwrap_or_default();
    let reason = order.reason.as_ref().map(|r| format!(" ({})", r.sentence)).unwrap_or_default();
    format!(
        "{}  {} {} {} {}{}{}  {} of {} filled, {}{reason}",
        order.id,
        order.r#type,
        order.side,
        order.qty,
        order.pair,
        price("limit", &order.limit),
        price("stop", &order.stop),
        order.filled,
        order.qty,
        order.state,
    )
}

/// Columns as wide as their widest cell; numbers to the right.
pub(super) fn table<'a>(names: &[&str], rows: impl Iterator<Item = Vec<&'a String>>) -> Vec<String> {
    let rows: Vec<Vec<&String>> = rows.collect();
    let width =
        |column: usize| rows.iter().map(|row| row[column].len()).chain([names[column].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, &width)| {
            let number = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-') && !cell.contains(':');
            if number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(line(names.to_vec()))
        .chain(rows.iter().map(|row| line(row.iter().map(|cell| cell.as_str()).collect())))
        .collect()
}
