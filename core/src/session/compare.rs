//! Two sessions beside each other: where they part, what each was told and did that the other was not, and what each came to.

use std::collections::HashSet;

use super::engine::Ordered;
use super::run::Outcome;
use crate::domain::{Amount, DeskOutput, Fill, TapeTime};

/// What one has and the other has not.
#[derive(Clone, Debug, Default)]
pub struct Apart {
    pub commands: Vec<Ordered>,
    pub fills: Vec<Fill>,
}

#[derive(Clone, Debug)]
pub struct Comparison {
    /// When they were first told different things; none when they were not.
    pub parted: Option<TapeTime>,
    pub only_first: Apart,
    pub only_second: Apart,
    /// Equity of both, at the end of each minute of either.
    pub equity: Vec<(TapeTime, Amount, Amount)>,
}

pub fn compare(first: &Outcome, second: &Outcome) -> Comparison {
    let alike = first.told.iter().zip(&second.told).take_while(|(a, b)| told(a) == told(b)).count();
    let at = |told: &[Ordered]| told.get(alike).map(|command| command.at);
    Comparison {
        parted: at(&first.told).into_iter().chain(at(&second.told)).min(),
        only_first: apart(first, second),
        only_second: apart(second, first),
        equity: beside(&first.equity, &second.equity),
    }
}

/// The same command at the same moment. Between which two inputs of that moment does not matter to whoever compares.
fn told(command: &Ordered) -> String {
    format!("{:?} {:?}", command.at, command.action)
}

fn apart(one: &Outcome, other: &Outcome) -> Apart {
    let told_other: HashSet<String> = other.told.iter().map(told).collect();
    let fills_of = |outcome: &Outcome| -> Vec<Fill> {
        let fill = |output| if let DeskOutput::Fill(fill) = output { Some(fill) } else { None };
        outcome.deeds.iter().filter_map(|deed| fill(deed.output)).collect()
    };
    let filled_other: HashSet<String> = fills_of(other).iter().map(|fill| format!("{fill:?}")).collect();
    let mut fills = fills_of(one);
    fills.retain(|fill| !filled_other.contains(&format!("{fill:?}")));
    let commands = one.told.iter().filter(|command| !told_other.contains(&told(command))).copied().collect();
    Apart { commands, fills }
}

/// Each as it last was.
fn beside(first: &[(TapeTime, Amount)], second: &[(TapeTime, Amount)]) -> Vec<(TapeTime, Amount, Amount)> {
    let mut times: Vec<TapeTime> = first.iter().chain(second).map(|(at, _)| *at).collect();
    times.sort();
    times.dedup();
    let as_of = |curve: &[(TapeTime, Amount)], at: TapeTime| {
        let until = curve.partition_point(|(then, _)| *then <= at);
        until.checked_sub(1).map_or(Amount::ZERO, |last| curve[last].1)
    };
    times.into_iter().map(|at| (at, as_of(first, at), as_of(second, at))).collect()
}
