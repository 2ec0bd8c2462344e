//! A count and a sum that do not depend on order: the same inputs give the same, in however many files they lie.

use serde::{Deserialize, Serialize};

use super::Stamped;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub inputs: u64,
    /// Of half of each input's BLAKE3, as a little-endian number, wrapping.
    sum: u128,
}

impl Digest {
    pub fn add(&mut self, input: &Stamped) {
        let bytes = postcard::to_allocvec(input).expect("an input has only sized fields");
        let hash = blake3::hash(&bytes);
        let (half, _) = hash.as_bytes().split_at(16);
        self.inputs += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(half.try_into().expect("sixteen bytes")));
    }

    pub fn join(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}
