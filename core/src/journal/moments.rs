//! States laid beside the records while they were recorded, so that play can begin in the middle of a tape: bounded in number and bytes,
//! thrown away at will.

use std::collections::BTreeMap;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{Journal, JournalError, JournalReader};
use crate::domain::{Seq, Source, TapeTime};

/// Of all lanes together. A month of a busy lane then has one for every hundred thousand inputs.
const MOST: usize = 512;

/// Of all lanes together, as they are stored.
const MOST_BYTES: u64 = 256 << 20;

/// What a state compresses to matters less than how long it holds up the recording.
const COMPRESSION: i32 = 1;

/// Far above what a state of six pairs takes, so that a damaged length allocates nothing.
const LARGEST_STATE: usize = 256 << 20;

/// Where on a lane a state was laid: after this input, which of the live lane may be a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub seq: Seq,
    pub at: TapeTime,
}

#[derive(Clone)]
pub(super) struct Moments {
    states: Keyspace,
}

/// Places of all lanes, and the bytes of each.
pub(super) type Laid = BTreeMap<(Source, Moment), u64>;

impl Moments {
    pub(super) fn open(database: &Database) -> Result<Self, JournalError> {
        Ok(Self { states: database.keyspace("moments", KeyspaceCreateOptions::default)? })
    }

    pub(super) fn laid(&self) -> Result<Laid, JournalError> {
        let mut laid = Laid::new();
        for guard in self.states.iter() {
            let (key, value) = guard.into_inner()?;
            // One whose name can not be read is no use, and is never asked for.
            if let Some(place) = read_key(&key) {
                laid.insert(place, value.len() as u64);
            }
        }
        Ok(laid)
    }
}

/// The one that is missed least: its neighbours of the same lane lie closest together. The older one of two alike.
fn surplus(laid: &Laid) -> Option<(Source, Moment)> {
    let places: Vec<(Source, Moment)> = laid.keys().copied().collect();
    let of_lane =
        |place: Option<&(Source, Moment)>, lane| place.filter(|(source, _)| *source == lane).map(|p| p.1.seq.0);
    let gap = |index: usize| {
        let (lane, _) = places[index];
        let before = index.checked_sub(1).and_then(|before| of_lane(places.get(before), lane)).unwrap_or(0);
        // The newest of a lane stays while anything else can go.
        of_lane(places.get(index + 1), lane).map_or(u64::MAX, |after| after - before)
    };
    (0..places.len()).min_by_key(|&index| (gap(index), places[index].1.seq)).map(|index| places[index])
}

impl Journal {
    /// Lays a state of a lane, and drops those that are too many. Not synced by itself: losing one costs time, never truth.
    pub fn lay_moment(&mut self, lane: Source, moment: Moment, state: &[u8]) -> Result<(), JournalError> {
        let value = pack(state);
        let mut batch = self.database.batch();
        self.laid.insert((lane, moment), value.len() as u64);
        batch.insert(&self.moments.states, key(lane, moment), value);
        while self.laid.len() > MOST || self.laid.values().sum::<u64>() > MOST_BYTES {
            let Some((lane, moment)) = surplus(&self.laid) else { break };
            self.laid.remove(&(lane, moment));
            batch.remove(&self.moments.states, key(lane, moment));
        }
        batch.commit().map_err(|error| self.explained(error))
    }

    pub fn forget_moments(&mut self) -> Result<(), JournalError> {
        self.laid.clear();
        Ok(self.moments.states.clear()?)
    }
}

impl JournalReader {
    /// Places of a lane a state was laid at, in order.
    pub fn moments(&self, lane: Source) -> Result<Vec<Moment>, JournalError> {
        let mut found = Vec::new();
        for guard in self.moments.states.prefix(format!("{lane}\0")) {
            if let Some((_, moment)) = read_key(&guard.key()?) {
                found.push(moment);
            }
        }
        Ok(found)
    }

    /// The state laid there. None when there is none, or when it is damaged: whoever asks steps from an earlier one.
    pub fn moment(&self, lane: Source, moment: Moment) -> Result<Option<Vec<u8>>, JournalError> {
        let Some(value) = self.moments.states.get(key(lane, moment))? else { return Ok(None) };
        Ok(unpack(&value))
    }
}

/// Checksum and length of the state, and the state compressed.
fn pack(state: &[u8]) -> Vec<u8> {
    let length = u32::try_from(state.len()).unwrap_or(u32::MAX);
    let packed = zstd::bulk::compress(state, COMPRESSION).expect("memory is all the compressor needs");
    [crc32fast::hash(state).to_le_bytes().as_slice(), &length.to_le_bytes(), &packed].concat()
}

fn unpack(value: &[u8]) -> Option<Vec<u8>> {
    let (crc, rest) = value.split_first_chunk::<4>()?;
    let (length, packed) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let state = zstd::bulk::decompress(packed, length.min(LARGEST_STATE)).ok()?;
    (crc32fast::hash(&state) == u32::from_le_bytes(*crc)).then_some(state)
}

fn key(lane: Source, moment: Moment) -> Vec<u8> {
    let mut key = format!("{lane}\0").into_bytes();
    key.extend_from_slice(&moment.seq.0.to_be_bytes());
    key.extend_from_slice(&moment.at.nanos().to_be_bytes());
    key
}

fn read_key(key: &[u8]) -> Option<(Source, Moment)> {
    let (lane, place) = key.split_at_checked(key.len().checked_sub(16)?)?;
    let lane = std::str::from_utf8(lane.strip_suffix(b"\0")?).ok()?.parse().ok()?;
    let (seq, at) = place.split_at(8);
    let seq = Seq(u64::from_be_bytes(seq.try_into().ok()?));
    let at = TapeTime::from_nanos(i64::from_be_bytes(at.try_into().ok()?));
    Some((lane, Moment { seq, at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(seq: u64) -> (Source, Moment) {
        (Source::Live, Moment { seq: Seq(seq), at: TapeTime::from_nanos(seq as i64) })
    }

    #[test]
    fn moments_stay_spread_over_the_whole_tape() {
        let mut laid = Laid::new();
        for seq in 1..=1_000 {
            laid.insert(place(seq * 10), 1);
            while laid.len() > 64 {
                let gone = surplus(&laid).expect("one of many");
                laid.remove(&gone);
            }
        }
        let seqs: Vec<u64> = laid.keys().map(|(_, moment)| moment.seq.0).collect();
        assert_eq!(seqs.last(), Some(&10_000), "the newest is kept");
        let widest = std::iter::once(0).chain(seqs.iter().copied()).zip(&seqs).map(|(a, b)| b - a).max();
        assert!(widest <= Some(4 * 10_000 / 64), "{widest:?} inputs lie between two of {seqs:?}");
    }

    #[test]
    fn a_damaged_moment_is_passed_over_and_the_rest_is_found() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut journal = Journal::open(directory.path()).expect("new");
        let (lane, first) = place(7);
        let (_, second) = place(90);
        journal.lay_moment(lane, first, b"a state").expect("laid");
        journal.lay_moment(Source::Sample, second, b"of another lane").expect("laid");
        journal.lay_moment(lane, second, b"another state").expect("laid");
        let mut value = journal.moments.states.get(key(lane, second)).expect("read").expect("there").to_vec();
        value[0] ^= 1;
        journal.moments.states.insert(key(lane, second), value).expect("damaged");
        let reader = journal.reader();
        assert_eq!(reader.moments(lane).expect("listed"), [first, second]);
        assert_eq!(reader.moment(lane, first).expect("read").as_deref(), Some(b"a state".as_slice()));
        assert_eq!(reader.moment(lane, second).expect("read"), None);
        drop((reader, journal));
        assert_eq!(Journal::open(directory.path()).expect("again").laid.len(), 3);
    }
}
