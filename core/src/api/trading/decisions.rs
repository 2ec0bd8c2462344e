//! Decisions of the consensus in texts: what was decided, by which votes, and what they had seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use specta::Type;

use super::Refusal;
use crate::api::ApiError;
use crate::domain::{Decision, EventTime, Lean, Pair, Rate, TapeTime, Verdict, Vote, Why, money};
use crate::engine::Desk;
use crate::journal::JournalError;
use crate::session::orders::OrderError;

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DecisionRow {
    pub pair: String,
    /// End of the minute it was taken for.
    pub minute: String,
    pub minute_ms: f64,
    /// Tape time it was taken at.
    pub at: String,
    /// `stay`, `holding`, `nothing_to_leave`, `entered`, `left`, `entry_blocked` or `exit_blocked`.
    pub verdict: String,
    pub sentence: String,
    pub order_id: Option<String>,
    /// The rule that blocked it.
    pub blocked_by: Option<Refusal>,
    pub patterns: VoteRow,
    pub analyst: VoteRow,
    pub trend: VoteRow,
    pub matches: Option<MatchesRow>,
    pub opinion: Option<OpinionRow>,
    pub ask: Option<String>,
    pub mark: Option<String>,
    pub equity: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct VoteRow {
    /// `enter`, `leave` or `neither`.
    pub lean: String,
    /// Stable, for scripts.
    pub why: String,
    pub sentence: String,
}

/// What the recall had found. Shares of the price as percentages in text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct MatchesRow {
    pub count: u32,
    /// Of the nearest, 0 to 1.
    pub similarity: String,
    pub outcome_pct: String,
    pub best_pct: String,
    pub low_pct: String,
    pub high_pct: String,
    pub base_pct: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct OpinionRow {
    pub stance: String,
    /// 0 to 1.
    pub confidence: String,
    /// Seconds between the newest it was told of and the decision.
    pub age_s: u32,
    pub note: String,
}

/// How a desk stands that trades by consensus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ConsensusView {
    pub on: bool,
    /// The last on the pair that is looked at.
    pub decision: Option<DecisionRow>,
}

pub(super) fn consensus(desk: &Desk, pair: Pair) -> ConsensusView {
    let decision = desk.decisions().find(|decision| decision.pair == pair);
    ConsensusView { on: desk.consensus_on(), decision: decision.map(decision_row) }
}

pub fn decision_row(decision: &Decision) -> DecisionRow {
    let verdict = decision.verdict;
    let order_id = match verdict {
        Verdict::Entered(id) | Verdict::Left(id) => Some(id.to_string()),
        _ => None,
    };
    let reason = match verdict {
        Verdict::EntryBlocked(reason) | Verdict::ExitBlocked(reason) => Some(reason),
        _ => None,
    };
    let (code, sentence) = words(verdict);
    let age = |known: EventTime, at: TapeTime| (at.nanos().saturating_sub(known.nanos()) / 1_000_000_000).max(0);
    DecisionRow {
        pair: decision.pair.to_string(),
        minute: decision.minute.to_string(),
        minute_ms: decision.minute.to_ms(),
        at: decision.at.to_string(),
        verdict: code.to_owned(),
        sentence: sentence.to_owned(),
        order_id,
        blocked_by: reason.map(Refusal::of),
        patterns: vote(decision.votes.patterns),
        analyst: vote(decision.votes.analyst),
        trend: vote(decision.votes.trend),
        matches: decision.recall.found.map(|found| MatchesRow {
            count: found.count,
            similarity: found.similarity.to_string(),
            outcome_pct: percent(found.outcome),
            best_pct: percent(found.best),
            low_pct: percent(found.low),
            high_pct: percent(found.high),
            base_pct: percent(found.base),
        }),
        opinion: decision.opinion.map(|opinion| OpinionRow {
            stance: opinion.stance.to_string(),
            confidence: opinion.confidence.to_string(),
            age_s: u32::try_from(age(opinion.as_of, decision.at)).unwrap_or(u32::MAX),
            note: opinion.note.to_string(),
        }),
        ask: decision.ask.map(|price| price.to_string()),
        mark: decision.mark.map(|price| price.to_string()),
        equity: decision.equity.to_string(),
    }
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Stay => ("stay", "The votes ask for nothing."),
        Verdict::Holding => ("holding", "An entry is asked for, and there is a position or an entry already."),
        Verdict::NothingToLeave => ("nothing_to_leave", "Leaving is asked for, and there is nothing to sell."),
        Verdict::Entered(_) => ("entered", "It has bought."),
        Verdict::Left(_) => ("left", "It has sold."),
        Verdict::EntryBlocked(_) => ("entry_blocked", "It would have bought, and a rule did not let it."),
        Verdict::ExitBlocked(_) => ("exit_blocked", "It would have sold, and a rule did not let it."),
    }
}

fn vote(Vote { lean, why }: Vote) -> VoteRow {
    let lean = match lean {
        Lean::Enter => "enter",
        Lean::Leave => "leave",
        Lean::Neither => "neither",
    };
    VoteRow { lean: lean.to_owned(), why: Why::code(why).to_owned(), sentence: why.sentence().to_owned() }
}

/// With its sign, to the thousandth of a percent.
fn percent(share: Rate) -> String {
    format!("{:+.3}", share.units() as f64 / money::ONE as f64 * 100.0)
}

/// Which decisions are asked for.
pub(super) struct Wanted {
    pair: Option<Pair>,
    at: Option<TapeTime>,
    limit: u32,
}

impl Wanted {
    pub(super) fn parse(pair: Option<&str>, at: Option<&str>, limit: u32) -> Result<Self, ApiError> {
        let at = at.map(EventTime::parse).transpose().map_err(OrderError::from)?;
        let pair = pair.map(super::pair_of).transpose()?;
        Ok(Self { pair, at: at.map(|at| TapeTime::from_nanos(at.nanos())), limit })
    }

    /// Of decisions that come newest first.
    pub(super) fn of(
        &self,
        newest: impl Iterator<Item = Result<Decision, JournalError>>,
    ) -> Result<Vec<DecisionRow>, ApiError> {
        let (mut rows, mut counts) = (Vec::new(), BTreeMap::<Pair, u32>::new());
        for decision in newest {
            let decision = decision?;
            let asked_for = self.pair.is_none_or(|pair| pair == decision.pair);
            if !asked_for || self.at.is_some_and(|at| decision.at > at) {
                continue;
            }
            let count = counts.entry(decision.pair).or_default();
            if *count < self.limit {
                rows.push(decision_row(&decision));
            } else if self.pair.is_some() {
                break;
            }
            *count += 1;
        }
        Ok(rows)
    }
}
