//! One-minute windows of one (source, pair): open ones, and closed ones that may still be corrected.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RETAINED_MINUTES;
use crate::domain::time::MINUTE;
use crate::domain::{Amount, Arrival, Candle, EventTime, Pair, Price, Quality, Seq, Source, TapeTime, Trade, TradeId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) start: EventTime,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: Amount,
    tick_count: u32,
    /// Which trades are the first and the last, by (event_time, trade_id): arrival order decides nothing.
    first: (EventTime, TradeId),
    last: (EventTime, TradeId),
    fetched: u32,
    /// Recording began inside this minute: what came before is unknown.
    joined_midway: bool,
    pub(super) quality: Quality,
    revision: u32,
}

impl Window {
    fn new(at: EventTime, trade: &Trade) -> Self {
        Self {
            start: at.minute(),
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: Amount::ZERO,
            tick_count: 0,
            first: (at, trade.trade_id),
            last: (at, trade.trade_id),
            fetched: 0,
            joined_midway: false,
            quality: Quality::Forming,
            revision: 0,
        }
    }

    pub(super) fn end(&self) -> EventTime {
        self.start.plus_nanos(MINUTE)
    }

    fn add(&mut self, at: EventTime, trade: &Trade) {
        let key = (at, trade.trade_id);
        if key <= self.first {
            (self.first, self.open) = (key, trade.price);
        }
        if key >= self.last {
            (self.last, self.close) = (key, trade.price);
        }
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.volume =
            self.volume.plus(trade.size).expect("a minute's volume fits in i128: sizes are i64 and counted in u32");
        self.tick_count += 1;
        self.fetched += u32::from(trade.arrival == Arrival::Fetched);
    }

    pub(super) fn candle(&self, source: Source, pair: Pair, tape_time: TapeTime, seq: Seq) -> Candle {
        Candle {
            source,
            pair,
            window_start: self.start,
            window_end: self.end(),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
            tick_count: self.tick_count,
            quality: self.quality,
            revision: self.revision,
            tape_time,
            seq,
        }
    }

    pub(super) fn open_price(&self) -> Price {
        self.open
    }

    pub(super) fn close_price(&self) -> Price {
        self.close
    }
}

/// What adding a trade did to the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    Open,
    /// Its minute had closed; the window at this index of `closed` holds it now.
    Closed(usize),
    /// Its minute is older than what is retained.
    Lost,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Windows {
    /// Oldest first; one or two, since the watermark trails by seconds.
    open: Vec<Window>,
    /// Shared with the copies of this state that a player keeps: a window that has closed hardly ever changes again.
    closed: VecDeque<Arc<Window>>,
}

impl Windows {
    /// Puts a trade where it belongs. `watermark` decides whether its minute has closed.
    pub(super) fn place(&mut self, at: EventTime, trade: &Trade, watermark: EventTime, joined_midway: bool) -> Placed {
        let start = at.minute();
        if let Some(window) = self.open.iter_mut().rev().find(|w| w.start == start) {
            window.add(at, trade);
            return Placed::Open;
        }
        let mut window = Window::new(at, trade);
        window.joined_midway = joined_midway;
        window.add(at, trade);
        if window.end() > watermark {
            let index = self.open.partition_point(|w| w.start < start);
            self.open.insert(index, window);
            return Placed::Open;
        }
        match self.closed.binary_search_by_key(&start, |w| w.start) {
            Ok(index) => {
                Arc::make_mut(&mut self.closed[index]).add(at, trade);
                Placed::Closed(index)
            }
            Err(0) if self.closed.len() >= RETAINED_MINUTES => Placed::Lost,
            Err(index) => {
                self.closed.insert(index, Arc::new(window));
                // The one that falls off is not the one just placed: index 0 of a full deque was refused above.
                if self.closed.len() > RETAINED_MINUTES {
                    self.closed.pop_front();
                    return Placed::Closed(index - 1);
                }
                Placed::Closed(index)
            }
        }
    }

    pub(super) fn oldest_open_end(&self) -> Option<EventTime> {
        self.open.first().map(Window::end)
    }

    /// Closes the oldest open window, with its quality, and keeps it.
    pub(super) fn close_oldest(&mut self, gap: impl FnOnce(&Window) -> bool, synthetic: bool) -> &Window {
        let mut window = self.open.remove(0);
        window.quality = quality_of(&window, gap(&window), synthetic);
        let index = self.closed.partition_point(|w| w.start < window.start);
        self.closed.insert(index, Arc::new(window));
        if self.closed.len() > RETAINED_MINUTES {
            self.closed.pop_front();
            return &self.closed[index - 1];
        }
        &self.closed[index]
    }

    /// A correction of a closed window: one revision more, unless this is the first that is said of it.
    pub(super) fn revise(&mut self, index: usize, gap: bool, synthetic: bool) -> &Window {
        let window = Arc::make_mut(&mut self.closed[index]);
        let known = window.quality != Quality::Forming;
        window.revision += u32::from(known);
        window.quality = match quality_of(window, gap, synthetic) {
            Quality::Complete => Quality::Late,
            other => other,
        };
        window
    }

    /// Indexes of closed windows that overlap `[after, before]`.
    pub(super) fn closed_between(&self, after: EventTime, before: EventTime) -> std::ops::Range<usize> {
        let from = self.closed.partition_point(|w| w.end() <= after);
        let to = self.closed.partition_point(|w| w.start <= before);
        from..to.max(from)
    }

    pub(super) fn closed_at(&self, index: usize) -> &Window {
        &self.closed[index]
    }

    pub(super) fn open_windows(&self) -> &[Window] {
        &self.open
    }

    /// Oldest first: retained closed windows, then open ones, that start at `from` or later.
    pub(super) fn since(&self, from: EventTime) -> impl Iterator<Item = &Window> {
        let index = self.closed.partition_point(|w| w.start < from);
        self.closed.range(index..).map(Arc::as_ref).chain(self.open.iter().filter(move |w| w.start >= from))
    }
}

fn quality_of(window: &Window, gap: bool, synthetic: bool) -> Quality {
    if synthetic {
        Quality::Synthetic
    } else if gap || window.joined_midway {
        Quality::Gap
    } else if window.fetched > 0 {
        Quality::Backfilled
    } else {
        Quality::Complete
    }
}
