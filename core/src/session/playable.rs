//! What a player plays: a finished tape, and what was laid beside it.

use crate::domain::{Candle, EventTime, Pair, Seq, Source, Stamped, TapeTime};
use crate::engine::Market;
use crate::journal::{Deed, JournalError, StoredOrder};
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

/// One lane, from its first input to a place it does not grow beyond.
pub trait Playable: Send + Sync {
    fn name(&self) -> String;

    fn source(&self) -> Source;

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
