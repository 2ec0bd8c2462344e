//! What is held, by what it was bought with: first in, first out.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::domain::money::divide_half_even;
use crate::domain::{Amount, EventTime, FillId, Quantity};

/// What is left of a buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    pub fill: FillId,
    /// Above zero.
    pub quantity: Quantity,
    /// Of this quantity, the fee left out.
    pub cost: Amount,
    pub event_time: EventTime,
}

/// Oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lots(VecDeque<Lot>);

/// What a sale would take from the lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    whole: usize,
    /// Of the lot after those.
    part: Quantity,
    part_cost: Amount,
    /// Of all that is taken.
    pub(super) cost: Amount,
}

impl Lots {
    pub fn iter(&self) -> impl Iterator<Item = &Lot> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, lot: Lot) {
        assert!(lot.quantity > Quantity::ZERO && lot.cost >= Amount::ZERO, "a lot holds something");
        self.0.push_back(lot);
    }

    /// What selling `quantity` takes, oldest first. None when there is less.
    pub(super) fn taking(&self, quantity: Quantity) -> Option<Taken> {
        let mut left = quantity.units();
        let mut taken = Taken { whole: 0, part: Quantity::ZERO, part_cost: Amount::ZERO, cost: Amount::ZERO };
        for lot in &self.0 {
            if left < lot.quantity.units() {
                taken.part = Quantity::from_units(left);
                taken.part_cost = cost_share(lot.cost, taken.part, lot.quantity);
                taken.cost = taken.cost.checked_add(taken.part_cost).ok()?;
                return Some(taken);
            }
            left -= lot.quantity.units();
            taken.whole += 1;
            taken.cost = taken.cost.checked_add(lot.cost).ok()?;
        }
        (left == 0).then_some(taken)
    }

    /// Takes what `taking` said, with no lot added or taken in between.
    pub(super) fn take(&mut self, taken: Taken) {
        self.0.drain(..taken.whole);
        if taken.part > Quantity::ZERO {
            let first = self.0.front_mut().expect("there is a lot that a part was to be taken of");
            first.quantity = Quantity::from_units(first.quantity.units() - taken.part.units());
            first.cost = Amount::from_units(first.cost.units() - taken.part_cost.units());
            assert!(first.quantity > Quantity::ZERO && first.cost >= Amount::ZERO, "a part is less than its lot");
        }
    }
}

/// `cost` times `part` over `whole`, rounded half to even, once. All of the cost when the part is the whole, so that nothing held costs nothing.
///
/// A sale must never fail for the size of a product, so it is not computed: with `cost = each · whole + rest`, the share is `each · part`, which is
/// no more than the cost, and `rest · part ÷ whole`, of three numbers below 2⁶³.
pub(super) fn cost_share(cost: Amount, part: Quantity, whole: Quantity) -> Amount {
    assert!(Quantity::ZERO <= part && part <= whole && whole > Quantity::ZERO, "a part of a whole");
    assert!(cost >= Amount::ZERO, "what was bought had a price");
    let (part, whole) = (i128::from(part.units()), i128::from(whole.units()));
    let (each, rest) = (cost.units() / whole, cost.units() % whole);
    let even = each * part;
    // A tie goes to the even neighbour of the whole share, not of its last part.
    let odd = even % 2;
    Amount::from_units(even - odd + divide_half_even(rest * part + odd * whole, whole))
}
