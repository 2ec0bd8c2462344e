//! The system this one grew from woke up richer: a deposit was applied again on resume.

use super::super::settle;
use super::random::World;
use super::*;

/// Whatever older state comes back, and however much of the past comes again, in whatever amounts a job states now.
#[test]
fn restoring_any_older_state_and_doing_everything_again_pays_nothing_twice() {
    let mut world = World::new(7);
    let bytes = |ledger: &Ledger| postcard::to_allocvec(ledger).expect("bytes");
    let mut states = vec![(0, bytes(&Ledger::default()))];
    while world.groups.len() < 200 {
        let before = world.groups.len();
        world.step();
        if world.groups.len() > before {
            states.push((world.groups.len(), bytes(&world.ledger)));
        }
    }
    let mut unique = std::collections::BTreeMap::new();
    unique.extend(world.transfers.iter().map(|transfer| (transfer.id, *transfer)));
    let of_trader = |account, sign: i128| {
        let usd = unique.values().filter(move |t| t.asset == Asset::usd());
        usd.filter(move |t| if sign > 0 { t.credit == account } else { t.debit == account })
            .map(move |t| sign * t.amount.units())
            .sum::<i128>()
    };
    let sum = of_trader(Account::Trader, 1) + of_trader(Account::Trader, -1);

    for _ in 0..1_000 {
        let state = usize::try_from(world.below(states.len() as u64)).expect("small");
        let (known, old) = &states[state];
        let mut ledger: Ledger = postcard::from_bytes(old).expect("a state");
        // A resumed source begins anywhere before the state it resumes to, and then everything comes once more.
        let from = usize::try_from(world.below(*known as u64 + 1)).expect("small");
        for (at, (step, group)) in world.groups.iter().enumerate().skip(from).chain(world.groups.iter().enumerate()) {
            let posted = World::post_again(&mut ledger, *step, group);
            assert!(at >= *known || posted == Posted::Exists, "group {at} was known and is posted again");
            let seed = settle::opening_deposit(usd(600_000));
            if at >= 1 {
                assert_eq!(World::post_again(&mut ledger, *step, &seed), Posted::Exists);
            }
        }
        assert_eq!(ledger, world.ledger);
        assert_eq!(ledger.balance(Account::Trader, Asset::usd()).units(), sum);
    }
    let deposits = world.transfers.iter().filter(|transfer| transfer.cause == Cause::OpeningDeposit).count();
    assert_eq!(deposits, 1);
}
