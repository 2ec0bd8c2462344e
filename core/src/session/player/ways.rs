//! What an account was told on its way through a tape, and the other ways it has gone.

use serde::{Deserialize, Serialize};

use crate::domain::{Amount, Seq, TapeTime};
use crate::session::engine::Ordered;

/// All that an account was told, in order: the tape does the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Through here the account does what the one that was recorded along did.
    pub follows: Option<Seq>,
    pub commands: Vec<Ordered>,
    /// Where it left another way, and which.
    pub left: Option<(usize, TapeTime)>,
    /// The farthest that was played of it, and the equity there.
    pub reached: Reached,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub seq: Seq,
    pub at: TapeTime,
    pub equity: Amount,
}

impl Way {
    /// What the account did that was recorded along a tape, through a place.
    pub fn recorded(through: Seq) -> Self {
        Self { follows: Some(through), commands: Vec::new(), left: None, reached: Reached::default() }
    }

    /// An account of its own, told these.
    pub fn told_alone(commands: Vec<Ordered>) -> Self {
        Self { follows: None, commands, left: None, reached: Reached::default() }
    }

    /// Whether there is an account on it.
    pub fn told_anything(&self) -> bool {
        self.follows.is_some() || !self.commands.is_empty()
    }

    /// As far as here; what it was told later is left out.
    pub fn until(&self, place: Seq) -> Self {
        let until = self.commands.partition_point(|command| command.after <= place);
        let commands = self.commands[..until].to_vec();
        Self {
            follows: self.follows.map(|through| through.min(place)),
            commands,
            left: None,
            reached: Reached::default(),
        }
    }

    pub(in crate::session) fn told(&self) -> Told<'_> {
        Told { follows: self.follows, commands: &self.commands }
    }

    /// The first place after which two ways are not told the same; none when they are told the same throughout.
    pub(in crate::session) fn parts_from(&self, other: &Self) -> Option<Seq> {
        let following = (self.follows != other.follows).then(|| self.follows.min(other.follows).unwrap_or_default());
        let alike = self.commands.iter().zip(&other.commands).take_while(|(a, b)| a == b).count();
        let own = self.commands.get(alike).into_iter().chain(other.commands.get(alike)).map(|command| command.after);
        following.into_iter().chain(own).min()
    }
}

/// See [`Way`].
#[derive(Clone, Copy)]
pub(in crate::session) struct Told<'a> {
    follows: Option<Seq>,
    commands: &'a [Ordered],
}

impl Told<'_> {
    pub(in crate::session) fn follows(&self, seq: Seq) -> bool {
        self.follows.is_some_and(|through| seq <= through)
    }

    pub(in crate::session) fn after(&self, seq: Seq) -> &[Ordered] {
        let from = self.commands.partition_point(|command| command.after < seq);
        let until = self.commands.partition_point(|command| command.after <= seq);
        &self.commands[from..until]
    }
}
