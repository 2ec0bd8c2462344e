//! What somebody, or a bug, does to stored books, and whether it is found and where.

use proptest::prelude::*;

use super::super::chain::{Fault, seal, verify};
use super::super::{Head, settle};
use super::random::World;
use super::*;
use crate::domain::{ChainHash, Transfer, TransferId};

fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    while world.transfers.len() < 40 {
        world.step();
    }
    world
}

/// Makes a chain of them again from the entry at `from` on, as whoever knows how would.
fn resealed(mut transfers: Vec<Transfer>, from: usize) -> (Vec<Transfer>, Head) {
    let mut hash = from.checked_sub(1).map_or(ChainHash::default(), |before| transfers[before].hash);
    for (at, transfer) in transfers.iter_mut().enumerate().skip(from) {
        transfer.number = at as u64 + 1;
        transfer.hash = seal(hash, transfer);
        hash = transfer.hash;
    }
    let count = transfers.len() as u64;
    (transfers, Head { count, hash })
}

fn flip(transfer: &mut Transfer, field: u8, other: &Transfer) {
    let forged = name("forged");
    match field {
        0 => transfer.number += 1_000,
        1 => transfer.number -= 1,
        2 => transfer.step.0 += 1,
        3 => transfer.tape_time = TapeTime::from_nanos(transfer.tape_time.nanos() + 1),
        4 => transfer.id = TransferId::of(Cause::Deposit(forged)),
        5 => transfer.debit = if transfer.debit == Account::World { Account::Fees } else { Account::World },
        6 => transfer.credit = if transfer.credit == Account::World { Account::Fees } else { Account::World },
        7 => transfer.asset = asset("XRP"),
        8 => transfer.amount = Amount::from_units(transfer.amount.units() + 1),
        9 => transfer.amount = Amount::from_units(-transfer.amount.units()),
        10 => transfer.cause = Cause::Withdrawal(forged),
        11 => transfer.hash = other.hash,
        12 => transfer.id = other.id,
        _ => std::mem::swap(&mut transfer.debit, &mut transfer.credit),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: u32::try_from(rounds(300, 20_000)).expect("small"), ..ProptestConfig::default() })]

    #[test]
    fn the_first_entry_that_was_tampered_with_is_named(seed in 0u64..1_000, kind in 0u8..24, at: u64, second: u64) {
        let world = world(seed);
        let (head, good) = (world.ledger.head(), world.transfers);
        prop_assert!(verify(good.iter().copied(), head).is_ok());
        let at = usize::try_from(at % good.len() as u64).expect("small");
        let second = usize::try_from(second % good.len() as u64).expect("small");
        prop_assume!(at != second);
        let (first, last) = (at.min(second), at.max(second));
        let mut bad = good.clone();
        let entry = at as u64 + 1;
        let (entry, code) = match kind {
            0..=13 => {
                let code = match kind {
                    0 => "transfer_missing",
                    1 => "transfer_out_of_order",
                    12 if second < at => "duplicate_delta",
                    _ => "transfer_altered",
                };
                flip(&mut bad[at], kind, &good[second]);
                (entry, code)
            }
            14 => {
                bad.remove(at);
                (entry, "transfer_missing")
            }
            15 => {
                bad.swap(first, last);
                (first as u64 + 1, "transfer_out_of_order")
            }
            16 => {
                bad.insert(last, good[first]);
                (last as u64 + 1, "duplicate_delta")
            }
            17 => {
                let mut forged = good[at];
                forged.cause = Cause::Deposit(name("forged"));
                forged.id = TransferId::of(forged.cause);
                bad.insert(at, forged);
                (entry, "transfer_altered")
            }
            18 => {
                bad.truncate(at);
                (entry, "transfer_missing")
            }
            19 => {
                let mut more = Ledger::clone(&world.ledger);
                let Posted::Stored(stored) = post(&mut more, &settle::deposit(name("more"), usd(1))).expect("cash")
                else { panic!("it was not there") };
                bad.extend(stored);
                (good.len() as u64 + 1, "transfer_beyond_head")
            }
            20 => {
                bad[first..].rotate_left(last - first);
                (first as u64 + 1, "transfer_out_of_order")
            }
            // The store and the head are both made again, as by a faulty writer: what is left are the rules.
            21 => {
                bad.insert(last, good[first]);
                let (bad, head) = resealed(bad, last);
                let found = verify(bad, head).expect_err("a second deposit");
                prop_assert_eq!((found.entry, found.code()), (last as u64 + 1, "duplicate_delta"));
                return Ok(());
            }
            22 => {
                bad[at].id = TransferId::of(Cause::Deposit(name("forged")));
                let (bad, head) = resealed(bad, at);
                let found = verify(bad, head).expect_err("an id of nothing");
                prop_assert_eq!((found.entry, found.code()), (entry, "transfer_unfounded"));
                return Ok(());
            }
            _ => {
                bad[at].amount = Amount::from_units(-bad[at].amount.units());
                let (bad, again) = resealed(bad, at);
                let found = verify(bad.clone(), again).expect_err("a negative amount");
                prop_assert_eq!((found.entry, found.code()), (entry, "transfer_impossible"));
                return Ok(());
            }
        };
        let found = verify(bad, head).expect_err("it was tampered with");
        prop_assert_eq!((found.entry, found.code()), (entry, code), "{}", found);
    }
}

#[test]
fn every_cut_and_every_single_hole_is_found_where_it_begins() {
    let world = world(5);
    let (good, head) = (&world.transfers, world.ledger.head());
    for at in 0..good.len() {
        let hole = good.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, transfer)| *transfer);
        for found in [verify(good[..at].iter().copied(), head), verify(hole, head)] {
            let found = found.expect_err("an entry is not there");
            assert_eq!((found.entry, found.fault), (at as u64 + 1, Fault::Missing));
        }
    }
}

#[test]
fn books_made_again_from_some_entry_on_do_not_have_the_head_that_was_stored() {
    let world = world(3);
    let mut bad = world.transfers.clone();
    bad[0].amount = usd(600_000);
    let (bad, _) = resealed(bad, 0);
    let found = verify(bad, world.ledger.head()).expect_err("another head");
    assert_eq!((found.entry, found.fault), (world.ledger.head().count, Fault::HeadDiffers));
    let stray = Head { count: 0, ..world.ledger.head() };
    let found = verify([], stray).expect_err("a head of nothing");
    assert_eq!((found.entry, found.fault), (0, Fault::HeadDiffers));
    assert!(verify([], Head::default()).is_ok_and(|balances| balances.is_empty()));
}

/// Entries that no `Ledger::post` would take, chained as a faulty writer would.
fn written(entries: &[(u64, Entry)]) -> Result<(), (u64, Fault)> {
    let transfers = entries.iter().map(|&(step, Entry { debit, credit, asset, amount, cause })| {
        let (id, tape_time) = (TransferId::of(cause), TapeTime::default());
        let hash = ChainHash::default();
        Transfer { number: 0, step: Step(step), tape_time, id, debit, credit, asset, amount, cause, hash }
    });
    let (transfers, head) = resealed(transfers.collect(), 0);
    verify(transfers, head).map(|_| ()).map_err(|bad| (bad.entry, bad.fault))
}

#[test]
fn a_trader_who_owes_after_a_step_is_found_and_one_who_owes_within_it_is_not() {
    use Account::{Fees, Trader, Venue, World};
    let paid = |n, amount| entry(World, Trader, amount, deposit(n));
    let spent = |n, amount| entry(Trader, Fees, amount, deposit(n));
    assert_eq!(
        written(&[(1, paid(1, 5)), (2, spent(2, 7)), (2, paid(3, 2)), (3, spent(4, 1))]),
        Err((4, Fault::Negative))
    );
    assert_eq!(written(&[(1, paid(1, 5)), (2, spent(2, 7)), (2, paid(3, 2))]), Ok(()));
    assert_eq!(
        written(&[(1, paid(1, 5)), (2, spent(2, 7)), (2, spent(3, 1)), (3, paid(4, 9))]),
        Err((2, Fault::Negative))
    );
    assert_eq!(written(&[(1, paid(1, 5)), (2, spent(2, 7)), (3, paid(3, 2))]), Err((2, Fault::Negative)));
    assert_eq!(written(&[(1, entry(Venue, World, 9, deposit(1)))]), Ok(()), "these two may owe");
    assert_eq!(written(&[(1, paid(1, 0))]), Err((1, Fault::Impossible)));
    assert_eq!(written(&[(1, entry(World, World, 5, deposit(1)))]), Err((1, Fault::Impossible)));
    let most = 10i128.pow(38) - 1;
    assert_eq!(written(&[(1, paid(1, most)), (1, paid(2, 1))]), Err((2, Fault::Impossible)));
}
