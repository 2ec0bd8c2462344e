//! One frame of the Coinbase Exchange feed → one message, in one pass over its bytes.
//!
//! Prices and sizes are decimal strings and never pass through a float. `match.side` is the maker's side, so the taker's is its
//! opposite. What can not be a price, a size, a time or a pair is refused here, before anything downstream has to ask.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use crate::domain::money::{NumberError, Parsed};
use crate::domain::{
    Amount, Arrival, EventTime, Pair, Price, Quantity, Quote, ReceivedTime, Side, Source, Tick, TickKind, Trade,
    TradeId,
};
use crate::ingest::decimal::read_decimal;
pub use crate::ingest::message::Message;
use crate::ingest::stamp::read_time;

/// Longer frames are refused unread. The longest the venue sends on our channels is under 2 KiB.
pub const LONGEST_FRAME: usize = 1 << 20;

/// For files that do not say when a frame was received: its own time then stands in, so that importing is repeatable.
pub const RECEIVED_UNKNOWN: ReceivedTime = ReceivedTime::from_nanos(0);

/// Why a frame is not taken. `Display` is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{bytes} bytes are more than the 1 MiB a frame may have")]
    TooLong { bytes: usize },
    #[error("not UTF-8 text")]
    NotText,
    #[error("not a frame of JSON: {why}")]
    NotJson { why: String },
    #[error("it has no type")]
    NoType,
    #[error("a frame of Coinbase Advanced Trade (it has a channel and no type); only the Exchange feed is read")]
    AdvancedTrade,
    #[error("a {kind} without {field}")]
    Missing { kind: &'static str, field: &'static str },
    #[error("{field} `{text}` {why}")]
    Number { field: &'static str, text: String, why: NumberError },
    #[error("time {0}")]
    Time(String),
    #[error("product_id {0}")]
    Pair(String),
    #[error("side `{0}` is neither buy nor sell")]
    Side(String),
}

/// A JSON string: borrowed from the frame unless it holds an escape.
#[derive(Debug)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

/// Every field of every kind we read, flat: one pass, whatever the order. Names and numbers need no escapes, and one that has them is
/// refused; the venue's sentences may.
#[derive(serde::Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    product_id: Option<&'a str>,
    time: Option<&'a str>,
    sequence: Option<u64>,
    trade_id: Option<u64>,
    last_trade_id: Option<u64>,
    price: Option<&'a str>,
    size: Option<&'a str>,
    side: Option<&'a str>,
    best_bid: Option<&'a str>,
    best_ask: Option<&'a str>,
    best_bid_size: Option<&'a str>,
    best_ask_size: Option<&'a str>,
    volume_24h: Option<&'a str>,
    open_24h: Option<&'a str>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

/// The way for frames whose fields are not what our kinds have: only what it claims to be.
#[derive(serde::Deserialize)]
struct Claim<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    channel: Option<serde::de::IgnoredAny>,
}

/// Reads one frame. Never panics, whatever the bytes.
pub fn decode(frame: &[u8], source: Source, received: ReceivedTime) -> Result<Message, Refusal> {
    if frame.len() > LONGEST_FRAME {
        return Err(Refusal::TooLong { bytes: frame.len() });
    }
    let text = std::str::from_utf8(frame).map_err(|_| Refusal::NotText)?;
    let frame: Frame<'_> = match serde_json::from_str(text) {
        Ok(frame) => frame,
        Err(error) => return decode_claim(text, &error),
    };
    let Some(kind) = frame.kind else { return decode_claim(text, &"no type") };
    match kind {
        "match" => print("match", &frame, source, received).map(|(tick, rounded)| Message::Trade { tick, rounded }),
        "last_match" => {
            print("last_match", &frame, source, received).map(|(tick, rounded)| Message::History { tick, rounded })
        }
        "ticker" => quote(&frame, source, received),
        "heartbeat" => {
            let kind = "heartbeat";
            let last = frame.last_trade_id.ok_or(Refusal::Missing { kind, field: "last_trade_id" })?;
            Ok(Message::Heartbeat {
                pair: pair(kind, &frame)?,
                last_trade_id: TradeId(last),
                time: time(kind, &frame)?,
            })
        }
        "subscriptions" => Ok(Message::Control { kind: Cow::Borrowed("subscriptions") }),
        "error" => {
            let said =
                |text: &Option<Text<'_>>| text.as_ref().map_or_else(String::new, |Text(text)| excerpt(text, 500));
            Ok(Message::VenueError { message: said(&frame.message), reason: said(&frame.reason) })
        }
        other => Ok(ignored(other)),
    }
}

fn decode_claim(text: &str, why: &dyn fmt::Display) -> Result<Message, Refusal> {
    let claim: Claim<'_> = serde_json::from_str(text).map_err(|error| Refusal::NotJson { why: error.to_string() })?;
    match (claim.kind, claim.channel) {
        (Some(Text(kind)), _) => match kind.as_ref() {
            "match" | "last_match" | "ticker" | "heartbeat" | "error" => Err(Refusal::NotJson { why: why.to_string() }),
            "subscriptions" => Ok(Message::Control { kind: Cow::Borrowed("subscriptions") }),
            other => Ok(ignored(other)),
        },
        (None, Some(_)) => Err(Refusal::AdvancedTrade),
        (None, None) => Err(Refusal::NoType),
    }
}

fn ignored(kind: &str) -> Message {
    Message::Ignored {
        kind: match kind {
            "l2update" => Cow::Borrowed("l2update"),
            "snapshot" => Cow::Borrowed("snapshot"),
            other => Cow::Owned(excerpt(other, 40)),
        },
    }
}

fn excerpt(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn print(
    kind: &'static str,
    frame: &Frame<'_>,
    source: Source,
    received: ReceivedTime,
) -> Result<(Tick, bool), Refusal> {
    let mut rounded = false;
    let trade = Trade {
        trade_id: TradeId(frame.trade_id.ok_or(Refusal::Missing { kind, field: "trade_id" })?),
        price: price(required(kind, "price", frame.price)?, &mut rounded)?,
        size: size(required(kind, "size", frame.size)?, &mut rounded)?,
        taker_side: Some(side(required(kind, "side", frame.side)?.1)?.opposite()),
        arrival: Arrival::News,
    };
    Ok((tick(kind, frame, source, received, TickKind::Trade(trade))?, rounded))
}

fn quote(frame: &Frame<'_>, source: Source, received: ReceivedTime) -> Result<Message, Refusal> {
    let kind = "ticker";
    let mut rounded = false;
    // The print itself comes as a match; a ticker whose price is no price is not believed about the rest either.
    if let Some(last) = optional("price", frame.price) {
        price(last, &mut false)?;
    }
    let quote = Quote {
        best_bid: price(required(kind, "best_bid", frame.best_bid)?, &mut rounded)?,
        best_ask: price(required(kind, "best_ask", frame.best_ask)?, &mut rounded)?,
        bid_size: optional("best_bid_size", frame.best_bid_size).map(|field| size(field, &mut rounded)).transpose()?,
        ask_size: optional("best_ask_size", frame.best_ask_size).map(|field| size(field, &mut rounded)).transpose()?,
        volume_24h: optional("volume_24h", frame.volume_24h).map(|field| amount(field, &mut rounded)).transpose()?,
        open_24h: match optional("open_24h", frame.open_24h) {
            Some(field) => opening(field, &mut rounded)?,
            None => None,
        },
    };
    let tick = tick(kind, frame, source, received, TickKind::Quote(quote))?;
    Ok(Message::Quote { tick, last_trade: frame.trade_id.map(TradeId), rounded })
}

fn tick(
    kind: &'static str,
    frame: &Frame<'_>,
    source: Source,
    received: ReceivedTime,
    content: TickKind,
) -> Result<Tick, Refusal> {
    let event_time = time(kind, frame)?;
    Ok(Tick {
        source,
        pair: pair(kind, frame)?,
        sequence: frame.sequence.ok_or(Refusal::Missing { kind, field: "sequence" })?,
        event_time,
        received_time: if received == RECEIVED_UNKNOWN {
            ReceivedTime::from_nanos(event_time.nanos())
        } else {
            received
        },
        kind: content,
    })
}

type Field<'a> = (&'static str, &'a str);

fn optional<'a>(name: &'static str, text: Option<&'a str>) -> Option<Field<'a>> {
    text.map(|text| (name, text))
}

fn required<'a>(kind: &'static str, field: &'static str, text: Option<&'a str>) -> Result<Field<'a>, Refusal> {
    optional(field, text).ok_or(Refusal::Missing { kind, field })
}

fn number<T>(
    (field, text): Field<'_>,
    rounded: &mut bool,
    convert: impl FnOnce(Parsed) -> Result<T, NumberError>,
) -> Result<T, Refusal> {
    let read = read_decimal(text).and_then(|parsed| {
        *rounded |= parsed.rounded;
        convert(parsed)
    });
    read.map_err(|why| Refusal::Number { field, text: excerpt(text, 40), why })
}

fn price(field: Field<'_>, rounded: &mut bool) -> Result<Price, Refusal> {
    number(field, rounded, |parsed| Price::from_parsed(parsed)?.positive())
}

fn size(field: Field<'_>, rounded: &mut bool) -> Result<Quantity, Refusal> {
    number(field, rounded, |parsed| Quantity::from_parsed(parsed)?.positive())
}

/// A volume may be zero.
fn amount(field: Field<'_>, rounded: &mut bool) -> Result<Amount, Refusal> {
    number(field, rounded, |parsed| match Amount::from_parsed(parsed)? {
        amount if amount < Amount::ZERO => Err(NumberError::Negative),
        amount => Ok(amount),
    })
}

/// A product younger than a day has opened at zero, which is no price.
fn opening(field: Field<'_>, rounded: &mut bool) -> Result<Option<Price>, Refusal> {
    number(field, rounded, |parsed| match Price::from_parsed(parsed)? {
        Price::ZERO => Ok(None),
        open => open.positive().map(Some),
    })
}

fn side(text: &str) -> Result<Side, Refusal> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(Refusal::Side(excerpt(other, 40))),
    }
}

fn pair(kind: &'static str, frame: &Frame<'_>) -> Result<Pair, Refusal> {
    let (_, text) = required(kind, "product_id", frame.product_id)?;
    text.parse().map_err(|error: crate::domain::instrument::PairError| Refusal::Pair(error.to_string()))
}

fn time(kind: &'static str, frame: &Frame<'_>) -> Result<EventTime, Refusal> {
    let (_, text) = required(kind, "time", frame.time)?;
    read_time(text)
        .map(EventTime::from_nanos)
        .map_err(|_| Refusal::Time(format!("`{}` is not a time", excerpt(text, 40))))
}

#[cfg(test)]
mod tests;
