//! What a player plays: a finished tape, and what was laid beside it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::ids::SourceError;
use crate::domain::{Candle, EventTime, Pair, Seq, Source, Stamped, TapeTime};
use crate::engine::{Lanes, Market};
use crate::journal::{Deed, JournalError, StoredOrder};
use crate::session::memory::Memory;
use crate::session::recorded::Volume;
use crate::session::tape::TapeError;

/// After an input of a tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub seq: Seq,
    pub at: TapeTime,
}

/// Inputs in order, and the commands of the account that was recorded along among them.
pub type Inputs = Box<dyn Iterator<Item = Result<Stamped, TapeError>> + Send>;

/// Which inputs a tape has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapeLane {
    /// The day that is shipped with the program.
    SampleDay,
    /// Everything that was recorded and imported, in the order of the journal.
    Everything,
    One(Source),
}

/// What is played: lanes, and the range of tape time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapeRange {
    pub lane: TapeLane,
    pub from: Option<TapeTime>,
    pub to: Option<TapeTime>,
}

impl TapeRange {
    /// All of it.
    pub fn whole(lane: TapeLane) -> Self {
        Self { lane, from: None, to: None }
    }

    pub fn holds(&self, at: TapeTime) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at <= to)
    }
}

impl fmt::Display for TapeLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleDay => f.write_str("sample-day"),
            Self::Everything => f.write_str("everything"),
            Self::One(source) => source.fmt(f),
        }
    }
}

impl FromStr for TapeLane {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "sample-day" => Ok(Self::SampleDay),
            "everything" => Ok(Self::Everything),
            _ => text.parse().map(Self::One),
        }
    }
}

impl Serialize for TapeLane {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TapeLane {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Inputs from the first to a place a tape does not grow beyond.
pub trait Playable: Send + Sync {
    fn name(&self) -> String;

    fn range(&self) -> TapeRange;

    /// The lane a chart of it shows.
    fn source(&self) -> Source;

    /// Whose prints an account on it trades on.
    fn lanes(&self) -> Lanes {
        match self.range().lane {
            TapeLane::Everything => Lanes::All,
            TapeLane::SampleDay | TapeLane::One(_) => Lanes::One(self.source()),
        }
    }

    /// In the order of the watchlist.
    fn pairs(&self) -> Vec<Pair>;

    fn from(&self) -> TapeTime;

    fn to(&self) -> TapeTime;

    /// Its last place.
    fn through(&self) -> Seq;

    /// Trades on it.
    fn trades(&self) -> u64;

    /// What comes after a place.
    fn read(&self, after: Seq) -> Result<Inputs, TapeError>;

    /// Volume by bar of a pair, ahead of the player too: there only that data exists is shown.
    fn volumes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Volume>, JournalError>;

    /// The patterns of all that is known, made when it is first asked for.
    fn memory(&self) -> Result<Arc<Memory>, TapeError>;

    /// What was recorded beside the inputs; none where the player has to find it out by playing.
    fn recorded(&self) -> Option<&dyn Recorded>;
}

/// Beside the inputs of a tape, since they were recorded: what play can begin from, and what came of it then.
pub trait Recorded {
    /// The newest state at or before the first place of which `beyond` is true: the market, and of the live lane the account in it.
    fn state_before(&self, beyond: &dyn Fn(Place) -> bool) -> Result<Option<LaidEngine>, JournalError>;

    /// Closed minutes that start in `[from, to)`, as they were known at a place; those of a back-fill where the lane has none.
    fn minutes(&self, pair: Pair, from: EventTime, to: EventTime, known: Place) -> Result<Vec<Candle>, JournalError>;

    /// The oldest minute of a pair.
    fn first_minute(&self, pair: Pair) -> Result<Option<EventTime>, JournalError>;

    /// Whether an account was recorded along.
    fn has_account(&self) -> bool;

    /// Transfers and fills of the recorded account, through a place.
    fn deeds(&self, through: Seq, transfers: u64) -> Result<Vec<Deed>, JournalError>;

    /// Orders of the recorded account that were placed by a place, as they stand today.
    fn orders(&self, placed_by: Seq) -> Result<Vec<StoredOrder>, JournalError>;
}

/// A state and its place.
pub struct LaidEngine {
    pub place: Place,
    pub market: Market,
    pub desk: Option<crate::engine::Desk>,
}

/// The place after everything of a moment.
pub fn place_at(tape: &dyn Playable, at: TapeTime) -> Result<Seq, TapeError> {
    let beyond = |place: Place| place.at > at;
    let laid = match tape.recorded() {
        Some(recorded) => recorded.state_before(&beyond)?.map(|laid| laid.place.seq),
        None => None,
    };
    let mut last = laid.unwrap_or_default();
    for input in tape.read(last)? {
        let input = input?;
        if input.tape_time > at {
            break;
        }
        last = input.seq;
    }
    Ok(last)
}
