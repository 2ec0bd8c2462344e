//! Trades into minutes, by integers alone.
//!
//! The engine's rule: a minute opens and closes with its first and last trade by (event_time, trade_id). Where a tape has two trades of one
//! time and id, the one that came into the journal later stands for both.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::columns::{Columns, Names, RowGroup};
use super::{ColdError, MINUTE_MICROS, Minute, MinuteQuery, minute_of};
use crate::domain::{Amount, Pair, Price, Source};
use crate::tiers::cold::rows::{parsed, unreadable};

/// A trade's place among those of its minute: event time in microseconds and below, its id, and when it came.
type Place = (i64, i32, u64, u64);

#[derive(Clone, Copy)]
struct Print {
    place: Place,
    price: i64,
    size: i64,
}

/// What trades of one minute add up to.
#[derive(Clone, Copy)]
struct Folded {
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: i128,
    ticks: u64,
    first: (i64, i32, u64, Reverse<u64>),
    last: Place,
}

impl Folded {
    const NOTHING: Self = Self {
        open: 0,
        high: i64::MIN,
        low: i64::MAX,
        close: 0,
        volume: 0,
        ticks: 0,
        first: (i64::MAX, i32::MAX, u64::MAX, Reverse(0)),
        last: (i64::MIN, i32::MIN, 0, 0),
    };

    fn add(&mut self, print: Print) {
        let (micros, below, id, seq) = print.place;
        let first = (micros, below, id, Reverse(seq));
        if first <= self.first {
            (self.first, self.open) = (first, print.price);
        }
        if print.place >= self.last {
            (self.last, self.close) = (print.place, print.price);
        }
        self.high = self.high.max(print.price);
        self.low = self.low.min(print.price);
        self.volume += i128::from(print.size);
        self.ticks += 1;
    }

    fn merge(&mut self, other: &Self) {
        if other.first <= self.first {
            (self.first, self.open) = (other.first, other.open);
        }
        if other.last >= self.last {
            (self.last, self.close) = (other.last, other.close);
        }
        self.high = self.high.max(other.high);
        self.low = self.low.min(other.low);
        self.volume += other.volume;
        self.ticks += other.ticks;
    }
}

/// One pair of one source.
struct Lane {
    /// The minute at hand, in microseconds.
    window: Range<i64>,
    folded: Folded,
    /// The others, by where they begin.
    done: HashMap<i64, Folded>,
}

impl Default for Lane {
    fn default() -> Self {
        Self { window: 0..0, folded: Folded::NOTHING, done: HashMap::new() }
    }
}

impl Lane {
    fn add(&mut self, print: Print) {
        if !self.window.contains(&print.place.0) {
            self.turn_to(print.place.0);
        }
        self.folded.add(print);
    }

    /// Puts the minute at hand away, and goes on with the one of this time.
    fn turn_to(&mut self, micros: i64) {
        let start = micros.div_euclid(MINUTE_MICROS).saturating_mul(MINUTE_MICROS);
        let next = self.done.remove(&start).unwrap_or(Folded::NOTHING);
        let before = std::mem::replace(&mut self.folded, next);
        if before.ticks > 0 {
            self.done.insert(self.window.start, before);
        }
        self.window = start..start.saturating_add(MINUTE_MICROS);
    }

    fn minutes(self) -> impl Iterator<Item = (i64, Folded)> {
        let at_hand = (self.folded.ticks > 0).then_some((self.window.start, self.folded));
        self.done.into_iter().chain(at_hand)
    }
}

/// What one thread has folded.
pub(super) struct Folder<'a> {
    query: &'a MinuteQuery,
    through: u64,
    as_of: (i64, i32),
    sources: Vec<Source>,
    pairs: Vec<Pair>,
    /// By source, then by pair.
    lanes: Vec<Vec<Lane>>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(query: &'a MinuteQuery) -> Self {
        let as_of = query.as_of.map_or(i64::MAX, |as_of| as_of.nanos());
        Self {
            query,
            through: query.through.map_or(u64::MAX, |through| through.0),
            as_of: (as_of.div_euclid(1_000), as_of.rem_euclid(1_000) as i32),
            sources: Vec::new(),
            pairs: Vec::new(),
            lanes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, group: &RowGroup) -> Result<(), ColdError> {
        group.read(|columns| self.add_columns(columns))
    }

    fn add_columns(&mut self, columns: &Columns<'_>) -> Result<(), ColdError> {
        let trades: Vec<bool> = columns.kind.list.iter().map(is_trade).collect::<Result<_, _>>()?;
        let sources = places("source", &columns.source, self.query.sources.as_deref(), &mut self.sources)?;
        let pairs = places("pair", &columns.pair, self.query.pairs.as_deref(), &mut self.pairs)?;
        self.lanes.resize_with(self.sources.len(), Vec::new);
        for lanes in &mut self.lanes {
            lanes.resize_with(self.pairs.len(), Lane::default);
        }
        let lane = |row: usize| (columns.kind.places[row], columns.source.places[row], columns.pair.places[row]);
        let mut row = 0;
        while row < columns.rows {
            let of = lane(row);
            let end = (row + 1..columns.rows).find(|&next| lane(next) != of).unwrap_or(columns.rows);
            let run = row..end;
            row = end;
            let (kind, source, pair) = of;
            if !trades[kind as usize] {
                continue;
            }
            if run.clone().any(|row| columns.pair.is_absent(row)) {
                return Err(unreadable("pair", "it is missing"));
            }
            if let (Some(source), Some(pair)) = (sources[source as usize], pairs[pair as usize]) {
                add_run(&mut self.lanes[source][pair], columns, run, self.through, self.as_of)?;
            }
        }
        Ok(())
    }

    /// The minutes the query asks for, of all threads together.
    pub(super) fn merge(folders: Vec<Self>, query: &MinuteQuery) -> Vec<Minute> {
        let mut together: BTreeMap<(Source, Pair, i64), Folded> = BTreeMap::new();
        for folder in folders {
            for (source, lanes) in folder.sources.into_iter().zip(folder.lanes) {
                for (&pair, lane) in folder.pairs.iter().zip(lanes) {
                    for (start, folded) in lane.minutes() {
                        together.entry((source, pair, start)).or_insert(Folded::NOTHING).merge(&folded);
                    }
                }
            }
        }
        let minutes = together.into_iter().map(|((source, pair, start), folded)| Minute {
            source,
            pair,
            start: minute_of(start),
            open: Price::from_units(folded.open),
            high: Price::from_units(folded.high),
            low: Price::from_units(folded.low),
            close: Price::from_units(folded.close),
            volume: Amount::from_units(folded.volume),
            tick_count: folded.ticks,
        });
        minutes.filter(|minute| query.wants(minute.start)).collect()
    }
}

fn is_trade(kind: Option<&str>) -> Result<bool, ColdError> {
    match kind {
        Some("trade") => Ok(true),
        Some("quote" | "clock") => Ok(false),
        other => Err(unreadable("kind", other.unwrap_or("it is missing"))),
    }
}

/// Trades of one lane, one after the other.
fn add_run(
    lane: &mut Lane,
    columns: &Columns<'_>,
    run: Range<usize>,
    through: u64,
    as_of: (i64, i32),
) -> Result<(), ColdError> {
    for row in run {
        let seq = columns.seq[row].cast_unsigned();
        if seq > through || columns.known.is_some_and(|(micros, below)| (micros[row], below[row]) > as_of) {
            continue;
        }
        let id = columns.trade_id.at(row).ok_or_else(|| unreadable("trade_id", "it is missing"))?;
        lane.add(Print {
            place: (columns.event_time[row], columns.event_time_ns[row], id.cast_unsigned(), seq),
            price: columns.price.at(row)?,
            size: columns.size.at(row)?,
        });
    }
    Ok(())
}

/// For each text of a list its place among all that were met; `None` for those nobody asked for.
fn places<T: Copy + PartialEq + std::str::FromStr<Err: ToString>>(
    column: &'static str,
    names: &Names<'_>,
    wanted: Option<&[T]>,
    met: &mut Vec<T>,
) -> Result<Vec<Option<usize>>, ColdError> {
    let place = |text: Option<&str>| {
        let name: T = parsed(column, text)?;
        if wanted.is_some_and(|wanted| !wanted.contains(&name)) {
            return Ok(None);
        }
        Ok(Some(met.iter().position(|known| *known == name).unwrap_or_else(|| {
            met.push(name);
            met.len() - 1
        })))
    };
    names.list.iter().map(place).collect()
}
