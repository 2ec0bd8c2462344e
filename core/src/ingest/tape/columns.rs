//! Which column is what, by name.

use std::fmt;

use super::{Format, TapeError};

/// A column's place, by role. The first name of a role is its own; others are what exchanges call it.
pub(super) struct Role {
    pub(super) name: &'static str,
    aliases: &'static [&'static str],
}

const fn role(name: &'static str, aliases: &'static [&'static str]) -> Role {
    Role { name, aliases }
}

const PAIR: Role = role("pair", &["symbol", "product_id", "product", "instrument"]);
const TICK_TIME: Role =
    role("time", &["timestamp", "event_time", "trade_time", "transact_time", "datetime", "created_at"]);
const TRADE_ID: Role = role("trade_id", &["id", "tradeid", "agg_trade_id"]);
const PRICE: Role = role("price", &[]);
const SIZE: Role = role("size", &["qty", "quantity", "amount"]);
/// Of the taker.
const SIDE: Role = role("taker_side", &["side"]);
const BAR_TIME: Role =
    role("time", &["timestamp", "open_time", "window_start", "datetime", "date", "start", "start_time", "time_open"]);
const OPEN: Role = role("open", &["open_price"]);
const HIGH: Role = role("high", &["high_price"]);
const LOW: Role = role("low", &["low_price"]);
const CLOSE: Role = role("close", &["close_price"]);
const VOLUME: Role = role("volume", &["base_volume", "vol"]);

/// Places of the columns of a ticks table.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickColumns {
    pub(super) pair: Option<usize>,
    pub(super) trade_id: usize,
    pub(super) time: usize,
    pub(super) price: usize,
    pub(super) size: usize,
    pub(super) side: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct CandleColumns {
    pub(super) pair: Option<usize>,
    pub(super) time: usize,
    pub(super) open: usize,
    pub(super) high: usize,
    pub(super) low: usize,
    pub(super) close: usize,
    pub(super) volume: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Columns {
    Ticks(TickColumns),
    Candles(CandleColumns),
}

impl Columns {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Ticks(_) => Format::Ticks,
            Self::Candles(_) => Format::Candles,
        }
    }

    pub(super) fn pair(&self) -> Option<usize> {
        match self {
            Self::Ticks(columns) => columns.pair,
            Self::Candles(columns) => columns.pair,
        }
    }

    /// Every place that is read.
    pub(super) fn places(&self) -> Vec<usize> {
        match *self {
            Self::Ticks(TickColumns { pair, trade_id, time, price, size, side }) => {
                [Some(trade_id), Some(time), Some(price), Some(size), pair, side].into_iter().flatten().collect()
            }
            Self::Candles(CandleColumns { pair, time, open, high, low, close, volume }) => {
                [Some(time), Some(open), Some(high), Some(low), Some(close), Some(volume), pair]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        }
    }
}

/// Told by the columns, unless `asked`.
pub(super) fn find<S: AsRef<str>>(names: &[S], asked: Option<Format>) -> Result<Columns, TapeError> {
    let header = Header::new(names);
    // Two of one are one too many, which is said below.
    let has = |role: &Role| !matches!(header.place(role), Ok(None));
    let format = match asked {
        Some(Format::Ticks) => Format::Ticks,
        Some(Format::Candles) => Format::Candles,
        Some(Format::Coinbase) | None => match (has(&OPEN) && has(&HIGH) && has(&LOW), has(&PRICE)) {
            (true, false) => Format::Candles,
            (false, true) => Format::Ticks,
            _ => return Err(TapeError::Unknown { found: format!("its columns are {header}") }),
        },
    };
    let mut missing = Vec::new();
    let mut need = |role: &Role| -> Result<usize, TapeError> {
        Ok(header.place(role)?.unwrap_or_else(|| {
            missing.push(role.name);
            0
        }))
    };
    let columns = match format {
        Format::Candles => Columns::Candles(CandleColumns {
            pair: header.place(&PAIR)?,
            time: need(&BAR_TIME)?,
            open: need(&OPEN)?,
            high: need(&HIGH)?,
            low: need(&LOW)?,
            close: need(&CLOSE)?,
            volume: need(&VOLUME)?,
        }),
        Format::Coinbase | Format::Ticks => Columns::Ticks(TickColumns {
            pair: header.place(&PAIR)?,
            trade_id: need(&TRADE_ID)?,
            time: need(&TICK_TIME)?,
            price: need(&PRICE)?,
            size: need(&SIZE)?,
            side: header.place(&SIDE)?,
        }),
    };
    if missing.is_empty() {
        Ok(columns)
    } else {
        Err(TapeError::Columns { format, missing: missing.join(", "), found: header.to_string() })
    }
}

struct Header(Vec<String>);

impl Header {
    fn new<S: AsRef<str>>(names: &[S]) -> Self {
        Self(names.iter().map(|name| name.as_ref().trim().to_ascii_lowercase().replace([' ', '-'], "_")).collect())
    }

    /// The role's own name wins over what others call it; two of the same rank are a question for the user.
    fn place(&self, role: &Role) -> Result<Option<usize>, TapeError> {
        let among = |wanted: &dyn Fn(&str) -> bool| -> Result<Option<usize>, TapeError> {
            let mut places = self.0.iter().enumerate().filter(|(_, name)| wanted(name)).map(|(place, _)| place);
            match (places.next(), places.next()) {
                (Some(first), Some(second)) => Err(TapeError::Ambiguous {
                    role: role.name,
                    first: format!("{} ({})", self.0[first], first + 1),
                    second: format!("{} ({})", self.0[second], second + 1),
                }),
                (place, _) => Ok(place),
            }
        };
        match among(&|name| name == role.name)? {
            None => among(&|name| role.aliases.contains(&name)),
            place => Ok(place),
        }
    }
}

impl fmt::Display for Header {
    /// Bounded: a file that is no table may have a header of a megabyte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().take(30).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{}", name.chars().take(40).collect::<String>())?;
        }
        if self.0.len() > 30 { write!(f, " and {} more", self.0.len() - 30) } else { Ok(()) }
    }
}
