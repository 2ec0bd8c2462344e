//! Many accounts over one reading of a tape: each trades by consensus with a set of its own, and all are advised the same.
//!
//! ```text
//!  tape ─▶ reader: market, advice ─▶ batches ─┬─▶ worker: market, its accounts
//!                                             └─▶ worker: market, its accounts
//! ```
//!
//! The tape is read, and the past is asked, once. A market is stepped by each worker, since accounts look into it at every input.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::account::AccountTerms;
use super::advice;
use super::engine::Ordered;
use super::playable::Playable;
use super::player::opening_by_consensus;
use super::tape::TapeError;
use crate::domain::time::MINUTE;
use crate::domain::{
    Amount, ChainHash, Command, DeskOutput, Input, ReceivedTime, Seq, Settings, Stamped, TapeTime, Thresholds,
};
use crate::engine::{Desk, Market};

/// Inputs and advice sent to the workers at once.
const BATCH: usize = 8_192;

/// Batches that may wait.
const WAITING: usize = 4;

/// What one account trades by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    pub settings: Settings,
    pub thresholds: Thresholds,
}

/// What it came to.
#[derive(Clone, Debug)]
pub struct Tried {
    /// At the end of each minute of the tape that something came in, and at the end.
    pub equity: Vec<(TapeTime, Amount)>,
    pub fills: Vec<TapeTime>,
    /// Decisions to enter that a rule blocked.
    pub blocked: u64,
    pub ledger_hash: ChainHash,
}

#[derive(Debug)]
pub struct Swept {
    /// In the order of the sets.
    pub tried: Vec<Tried>,
    pub ticks: u64,
}

#[derive(Clone, Copy)]
enum Item {
    Input(Stamped),
    /// What every account is told.
    Told(Ordered),
}

type Batch = Arc<Vec<Item>>;

/// Plays the tape once, with an account for each set. `each` is told how far it is, and may stop it: then none is answered.
pub fn sweep(
    tape: &Arc<dyn Playable>,
    terms: &AccountTerms,
    sets: &[Set],
    workers: usize,
    mut each: impl FnMut(TapeTime) -> bool,
) -> Result<Option<Swept>, TapeError> {
    let workers = workers.clamp(1, sets.len().max(1));
    std::thread::scope(|scope| {
        let (mut to_workers, mut running) = (Vec::new(), Vec::new());
        for worker in 0..workers {
            let (sender, receiver) = sync_channel(WAITING);
            to_workers.push(sender);
            let accounts: Vec<Account> = sets
                .iter()
                .enumerate()
                .filter(|(number, _)| number % workers == worker)
                .map(|(number, set)| Account::open(number, tape.as_ref(), terms, set))
                .collect();
            running.push(scope.spawn(move || work(accounts, &receiver)));
        }
        let read = read(tape, &to_workers, &mut each);
        drop(to_workers);
        let mut accounts: Vec<Account> = Vec::new();
        for worker in running {
            match worker.join() {
                Ok(done) => accounts.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let Some(ticks) = read? else { return Ok(None) };
        accounts.sort_by_key(|account| account.number);
        Ok(Some(Swept { tried: accounts.into_iter().map(Account::close).collect(), ticks }))
    })
}

/// Reads the tape for all of them. Answers how many ticks there were; none when it was stopped.
fn read(
    tape: &Arc<dyn Playable>,
    workers: &[SyncSender<Batch>],
    each: &mut impl FnMut(TapeTime) -> bool,
) -> Result<Option<u64>, TapeError> {
    let memory = tape.memory()?;
    let lanes = Desk::new(tape.lanes());
    let (mut market, mut outputs) = (Market::default(), Vec::new());
    let (mut batch, mut at, mut ticks) = (Vec::with_capacity(BATCH + 64), TapeTime::default(), 0);
    for input in tape.read(Seq::default())? {
        let input = input?;
        if matches!(input.input, Input::Command(_)) {
            // Of the account that was recorded along.
            continue;
        }
        at = at.max(input.tape_time);
        ticks += u64::from(matches!(input.input, Input::Tick(_)));
        market.step(&input, &mut outputs);
        batch.push(Item::Input(input));
        for candle in advice::closed(&outputs, &lanes) {
            let told = advice::on(&memory, &market, candle, at).into_iter();
            batch.extend(told.map(|action| Item::Told(Ordered { after: input.seq, at, action })));
        }
        outputs.clear();
        if batch.len() >= BATCH {
            send(workers, std::mem::replace(&mut batch, Vec::with_capacity(BATCH + 64)));
            if !each(at) {
                return Ok(None);
            }
        }
    }
    send(workers, batch);
    Ok(Some(ticks))
}

/// A worker that is gone has panicked, which is seen when it is waited for.
fn send(workers: &[SyncSender<Batch>], batch: Vec<Item>) {
    let batch = Arc::new(batch);
    for worker in workers {
        let _ = worker.send(Arc::clone(&batch));
    }
}

fn work(mut accounts: Vec<Account>, batches: &Receiver<Batch>) -> Vec<Account> {
    let (mut market, mut at, mut outputs) = (Market::default(), TapeTime::default(), Vec::new());
    let mut begun = false;
    for batch in batches {
        for item in batch.iter() {
            match item {
                Item::Input(input) => {
                    let next = at.max(input.tape_time);
                    if begun && next.nanos().div_euclid(MINUTE) != at.nanos().div_euclid(MINUTE) {
                        accounts.iter_mut().for_each(|account| account.mark(at));
                    }
                    (at, begun) = (next, true);
                    outputs.clear();
                    market.step(input, &mut outputs);
                    accounts.iter_mut().for_each(|account| account.step(input, &market));
                }
                Item::Told(told) => accounts.iter_mut().for_each(|account| account.tell(told, &market)),
            }
        }
    }
    accounts.iter_mut().for_each(|account| account.mark(at));
    accounts
}

struct Account {
    number: usize,
    desk: Desk,
    equity: Vec<(TapeTime, Amount)>,
    fills: Vec<TapeTime>,
    blocked: u64,
    outputs: Vec<DeskOutput>,
}

impl Account {
    fn open(number: usize, tape: &dyn Playable, terms: &AccountTerms, set: &Set) -> Self {
        let terms = AccountTerms { settings: set.settings, thresholds: set.thresholds, ..terms.clone() };
        let desk = Desk::new(tape.lanes());
        let opening = opening_by_consensus(&terms, &desk);
        let mut account = Self { number, desk, equity: Vec::new(), fills: Vec::new(), blocked: 0, outputs: Vec::new() };
        let market = Market::default();
        opening.iter().for_each(|told| account.tell(told, &market));
        account
    }

    fn tell(&mut self, told: &Ordered, market: &Market) {
        let received = ReceivedTime::from_nanos(told.at.nanos());
        let input = Input::Command(Command { received, action: told.action });
        self.step(&Stamped { seq: told.after, tape_time: told.at, input }, market);
    }

    fn step(&mut self, input: &Stamped, market: &Market) {
        self.desk.step(input, market, &mut self.outputs);
        for output in self.outputs.drain(..) {
            match output {
                DeskOutput::Fill(_) => self.fills.push(input.tape_time),
                DeskOutput::Decision(decision) => self.blocked += u64::from(decision.is_blocked_entry()),
                _ => {}
            }
        }
    }

    fn mark(&mut self, at: TapeTime) {
        self.equity.push((at, self.desk.equity().total));
    }

    fn close(self) -> Tried {
        let ledger_hash = self.desk.ledger().head().hash;
        Tried { equity: self.equity, fills: self.fills, blocked: self.blocked, ledger_hash }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{Demand, Rate};
    use crate::session::player::Way;
    use crate::session::run::run;
    use crate::session::sample::SampleTape;

    /// Each set comes to what it comes to alone, to the last transfer, however many are tried beside it.
    #[test]
    fn an_account_in_a_sweep_is_the_account_of_a_replay() {
        let tape: Arc<dyn Playable> = Arc::new(SampleTape::load().expect("shipped"));
        let deposit = Amount::from_units(100_000 * i128::from(crate::domain::money::ONE));
        let set = |trend_fast, trend: Demand, patterns: Demand, analyst: Demand, taker_fee| Set {
            settings: Settings { taker_fee: Rate::from_units(taker_fee), ..Settings::default() },
            thresholds: Thresholds {
                trend_fast,
                trend,
                patterns,
                analyst,
                // The one day has too few hours to look like each other.
                enter_similarity: Rate::from_units(8_000_000),
                exit_similarity: Rate::from_units(2_000_000),
                best_over_costs: Rate::from_units(50_000_000),
                min_matches: 2,
                ..Thresholds::default()
            },
        };
        let sets = [
            set(5, Demand::For, Demand::Ignored, Demand::Ignored, 100_000),
            set(12, Demand::For, Demand::Ignored, Demand::For, 100_000),
            set(12, Demand::For, Demand::Ignored, Demand::Ignored, 0),
            set(12, Demand::Ignored, Demand::For, Demand::Ignored, 10_000),
            set(12, Demand::NotAgainst, Demand::For, Demand::NotAgainst, 10_000),
        ];
        let terms = AccountTerms::new(deposit, Settings::default(), &BTreeMap::new(), Thresholds::default());
        let together = sweep(&tape, &terms, &sets, 2, |_| true).expect("a tape").expect("to its end");
        let mut fills = Vec::new();
        for (set, tried) in sets.iter().zip(&together.tried) {
            let terms = AccountTerms { settings: set.settings, thresholds: set.thresholds, ..terms.clone() };
            let way = Way::told_alone(opening_by_consensus(&terms, &Desk::new(tape.lanes())));
            let alone = run(&tape, &way, &[], &terms, None, |_| true).expect("a tape").expect("to its end");
            assert_eq!(tried.ledger_hash, alone.desk().ledger().head().hash, "{set:?}");
            assert_eq!(tried.equity, alone.equity, "{set:?}");
            fills.push(tried.fills.len());
        }
        println!("fills of each set: {fills:?}");
        assert!(fills.iter().all(|fills| *fills > 0), "{fills:?}");
        let hashes: std::collections::BTreeSet<String> =
            together.tried.iter().map(|tried| tried.ledger_hash.to_string()).collect();
        assert_eq!(hashes.len(), sets.len(), "each of them traded otherwise");
        assert!(sweep(&tape, &terms, &sets, 2, |_| false).expect("a tape").is_none(), "it can be stopped");
    }
}
