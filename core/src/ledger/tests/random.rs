//! Ledgers of random deeds, held against sums kept the plain way.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::super::{Position, Positions, chain, settle};
use super::*;
use crate::domain::Transfer;

pub(super) struct World {
    random: ChaCha8Rng,
    pub(super) ledger: Ledger,
    pub(super) positions: Positions,
    pub(super) transfers: Vec<Transfer>,
    /// Every group that was stored, with its step.
    pub(super) groups: Vec<(Step, Vec<Entry>)>,
    pub(super) refused: u64,
    step: u64,
    /// Received less given, kept apart from the ledger.
    sums: BTreeMap<(Account, Asset), i128>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut world = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            ledger: Ledger::default(),
            positions: Positions::default(),
            transfers: Vec::new(),
            groups: Vec::new(),
            refused: 0,
            step: 0,
            sums: BTreeMap::new(),
        };
        world.advance(&settle::opening_deposit(usd(100_000)));
        world
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit.max(1)
    }

    fn at(step: Step) -> TapeTime {
        TapeTime::from_nanos(i64::try_from(step.0 / 3).expect("a small number"))
    }

    pub(super) fn post_again(ledger: &mut Ledger, step: Step, group: &[Entry]) -> Posted {
        ledger.post(step, Self::at(step), group).expect("what was posted once can be asked for again")
    }

    /// Posts at the next step. False when it was refused.
    fn advance(&mut self, group: &[Entry]) -> bool {
        self.step += 1;
        let step = Step(self.step);
        let (head, balances) = (self.ledger.head(), self.balances());
        match self.ledger.post(step, Self::at(step), group) {
            Ok(Posted::Stored(transfers)) => {
                for entry in group {
                    *self.sums.entry((entry.debit, entry.asset)).or_default() -= entry.amount.units();
                    *self.sums.entry((entry.credit, entry.asset)).or_default() += entry.amount.units();
                }
                self.transfers.extend(transfers);
                self.groups.push((step, group.to_vec()));
                true
            }
            Ok(Posted::Exists) => panic!("{group:?} was never posted"),
            Err(error) => {
                assert!(matches!(error, LedgerError::WouldBeNegative { .. }), "{error}");
                assert_eq!((self.ledger.head(), self.balances()), (head, balances), "refused, and changed");
                self.refused += 1;
                false
            }
        }
    }

    fn balances(&self) -> Vec<(Account, Asset, Amount)> {
        self.ledger.balances().collect()
    }

    fn held(&self, pair: Pair) -> i64 {
        self.positions.get(pair).map_or(0, |position| position.quantity.units())
    }

    /// One random deed.
    pub(super) fn step(&mut self) {
        let pair = pair(["BTC-USD", "DOGE-USD", "SHIB-USD"][usize::try_from(self.below(3)).expect("small")]);
        let print = self.step + 1;
        let id = name(&format!("m{print}"));
        // Odd prices and quantities of every magnitude, so that nothing divides evenly.
        let magnitude = 10u64.pow(u32::try_from(self.below(10)).expect("small"));
        let price = i64::try_from(1 + self.below(9_999) * magnitude / 1_000).expect("small");
        let affordable =
            self.ledger.balance(Account::Trader, Asset::usd()).units() * i128::from(ONE) / i128::from(price);
        let affordable = u64::try_from(affordable.min(i128::from(i64::MAX / 4_096))).expect("not negative");
        match self.below(20) {
            0 => {
                self.advance(&settle::deposit(id, usd(1 + i128::from(print % 97))));
            }
            1 => {
                let most = self.ledger.balance(Account::Trader, Asset::usd()).units() / 10 + 1;
                self.advance(&settle::withdrawal(id, Amount::from_units(most)));
            }
            2..=10 => {
                let quantity = match self.below(10) {
                    0 => 1 + affordable * 2,
                    1..=3 => 1 + self.below(affordable),
                    _ => 1 + self.below(affordable / 100),
                };
                let quantity = i64::try_from(quantity).expect("small");
                self.trade(&fill(pair, Side::Buy, print, price, quantity));
            }
            kind => {
                let held = u64::try_from(self.held(pair)).expect("not negative");
                let quantity = match kind {
                    11 => held,
                    12 => held + 1 + self.below(1_000),
                    _ => 1 + self.below(held),
                };
                if quantity > 0 {
                    self.trade(&fill(pair, Side::Sell, print, price, i64::try_from(quantity).expect("small")));
                }
            }
        }
        self.check(pair);
    }

    fn trade(&mut self, fill: &Fill) {
        let before = self.positions.get(fill.pair).cloned();
        if self.advance(&settle::entries(fill).expect("legs")) {
            self.positions.apply(fill).expect("the ledger took it");
            return;
        }
        if fill.side == Side::Sell {
            self.positions.apply(fill).expect_err("the ledger did not take it");
            assert_eq!(self.positions.get(fill.pair), before.as_ref(), "refused, and changed");
        }
    }

    fn check(&mut self, pair: Pair) {
        for asset in ["USD", "BTC", "DOGE", "SHIB"].map(asset) {
            let of = |account| self.ledger.balance(account, asset).units();
            assert_eq!(Account::ALL.map(of).iter().sum::<i128>(), 0, "debits equal credits in {asset}");
            assert!(of(Account::Trader) >= 0, "the trader owes {asset}");
            for account in Account::ALL {
                assert_eq!(of(account), self.sums.get(&(account, asset)).copied().unwrap_or(0), "{account} {asset}");
            }
        }
        if let Some(position) = self.positions.get(pair) {
            let (base, _) = pair.assets().expect("two assets");
            assert_eq!(
                self.ledger.balance(Account::Trader, base),
                Amount::ZERO.plus(position.quantity).expect("a sum")
            );
            laws(position, Price::from_units(i64::try_from(self.step % 99_991).expect("small")));
        }
        let (head, balances) = (self.ledger.head(), self.balances());
        let (step, group) = self.groups.last().expect("the deposit");
        assert_eq!(Self::post_again(&mut self.ledger, *step, group), Posted::Exists);
        assert_eq!((self.ledger.head(), self.balances()), (head, balances), "asked again, and changed");
    }

    fn survives_bytes(&self) {
        let bytes = postcard::to_allocvec(&(&self.ledger, &self.positions)).expect("bytes");
        let (ledger, positions): (Ledger, Positions) = postcard::from_bytes(&bytes).expect("what was written");
        assert!(ledger == self.ledger && positions == self.positions);
        assert_eq!(postcard::to_allocvec(&(&ledger, &positions)).expect("bytes"), bytes);
    }
}

/// What holds of a position at any price.
fn laws(position: &Position, price: Price) {
    let lots: i128 = position.lots.iter().map(|lot| i128::from(lot.quantity.units())).sum();
    let costs: i128 = position.lots.iter().map(|lot| lot.cost.units()).sum();
    assert_eq!(lots, i128::from(position.quantity.units()), "lots are what is held");
    assert_eq!(costs, position.fifo_cost.units());
    assert_eq!(position.bought.units() - position.sold.units(), lots);
    assert!(position.quantity > Quantity::ZERO || position.cost == Amount::ZERO, "nothing costs something");
    let marked = position.mark(price).expect("a value");
    assert_eq!(
        position.realised_average.units() + marked.unrealised_average.units(),
        position.realised_fifo.units() + marked.unrealised_fifo.units(),
        "what was made depends on how cost is shared out",
    );
    let net = position.net_average().expect("a difference").units();
    assert_eq!(net, position.realised_average.units() - position.fees.units());
}

#[test]
fn no_cent_appears_or_vanishes_in_a_million_deeds() {
    let (mut steps, mut stored, mut refused) = (0u64, 0u64, 0u64);
    for seed in 0..rounds(20, 1_000) {
        let mut world = World::new(seed);
        for step in 0..1_000 {
            world.step();
            if step % 50 == 0 {
                world.survives_bytes();
            }
        }
        world.survives_bytes();
        let balances = chain::verify(world.transfers.iter().copied(), world.ledger.head()).expect("a good chain");
        let posted = world.ledger.balances().map(|(account, asset, amount)| ((account, asset), amount));
        assert_eq!(balances, posted.collect());
        steps += 1_000;
        stored += world.ledger.head().count;
        refused += world.refused;
    }
    println!("{steps} deeds, {stored} transfers, {refused} refused");
    assert!(stored > steps && refused > steps / 100, "the deeds are of every kind");
}
