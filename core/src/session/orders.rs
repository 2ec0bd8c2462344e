//! Orders as people and files write them: texts, read into commands.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::domain::instrument::PairError;
use crate::domain::money::NumberError;
use crate::domain::order::OrderIdError;
use crate::domain::time::TimeError;
use crate::domain::{
    Action, Amendment, EventTime, Order, OrderId, Pair, Price, Quantity, Rate, Side, TapeTime, Terms, TimeInForce,
    Trail,
};

/// An order in texts. Numbers are decimals; a trail may end in `%`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// Chosen by whoever sends it: sent again under the same name it is the same order.
    pub id: String,
    pub pair: String,
    /// `buy` or `sell`.
    pub side: String,
    /// `market`, `limit`, `stop`, `stop_limit`, `trailing_stop` or `oco`.
    pub r#type: String,
    pub qty: String,
    pub limit: Option<String>,
    pub stop: Option<String>,
    pub trail: Option<String>,
    /// `gtc`, `ioc`, `fok` or `gtd`, which needs `until`.
    pub tif: Option<String>,
    pub until: Option<String>,
    pub reduce_only: bool,
    pub post_only: bool,
    pub take_profit: Option<String>,
    pub stop_loss: Option<String>,
}

/// A change of an open order, in texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(deny_unknown_fields)]
pub struct AmendRequest {
    pub id: String,
    pub qty: Option<String>,
    pub limit: Option<String>,
    pub stop: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error(transparent)]
    Id(#[from] OrderIdError),
    #[error(transparent)]
    Pair(#[from] PairError),
    #[error("`{field}` {why}: `{text}`")]
    Number { field: &'static str, text: String, why: NumberError },
    #[error("`{field}` has more decimals than are counted, 8, or 6 of a percentage: `{text}`")]
    TooFine { field: &'static str, text: String },
    #[error("`until`: {0}")]
    Time(#[from] TimeError),
    #[error("`{text}` is not a {field}: expected {expected}")]
    Word { field: &'static str, text: String, expected: &'static str },
    #[error("a {kind} order needs `{field}`")]
    Missing { kind: String, field: &'static str },
    #[error("a {kind} order has no `{field}`")]
    Surplus { kind: String, field: &'static str },
}

/// A price or a quantity, above zero, and exactly what was written: an order is not rounded in silence.
fn number(field: &'static str, text: &str) -> Result<i64, OrderError> {
    let wrong = |why| OrderError::Number { field, text: text.to_owned(), why };
    let parsed = crate::domain::money::parse_decimal(text.trim()).map_err(wrong)?;
    if parsed.rounded {
        return Err(OrderError::TooFine { field, text: text.to_owned() });
    }
    Price::from_parsed(parsed).and_then(Price::positive).map(Price::units).map_err(wrong)
}

fn optional(field: &'static str, text: Option<&String>) -> Result<Option<Price>, OrderError> {
    let given = text.map(|text| text.trim()).filter(|text| !text.is_empty());
    given.map(|text| number(field, text).map(Price::from_units)).transpose()
}

pub fn parse_side(text: &str) -> Result<Side, OrderError> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(OrderError::Word { field: "side", text: text.to_owned(), expected: "buy or sell" }),
    }
}

/// An offset in the quote asset, or a share with `%`.
fn parse_trail(text: &str) -> Result<Trail, OrderError> {
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let units = number("trail", percent)?;
            if units % 100 != 0 {
                return Err(OrderError::TooFine { field: "trail", text: text.to_owned() });
            }
            Ok(Trail::Share(Rate::from_units(units / 100)))
        }
        None => number("trail", text).map(|units| Trail::Offset(Price::from_units(units))),
    }
}

impl OrderRequest {
    /// Errors: the field that is wrong, in words.
    pub fn parse(&self) -> Result<Order, OrderError> {
        let (limit, stop) = (optional("limit", self.limit.as_ref())?, optional("stop", self.stop.as_ref())?);
        let trail = self.trail.as_deref().filter(|text| !text.trim().is_empty()).map(parse_trail).transpose()?;
        Ok(Order {
            id: OrderId::given(&self.id)?,
            pair: self.pair.parse::<Pair>()?,
            side: parse_side(&self.side)?,
            quantity: Quantity::from_units(number("qty", &self.qty)?),
            terms: self.terms(limit, stop, trail)?,
            time_in_force: self.time_in_force()?,
            reduce_only: self.reduce_only,
            post_only: self.post_only,
            take_profit: optional("take_profit", self.take_profit.as_ref())?,
            stop_loss: optional("stop_loss", self.stop_loss.as_ref())?,
        })
    }

    fn terms(&self, limit: Option<Price>, stop: Option<Price>, trail: Option<Trail>) -> Result<Terms, OrderError> {
        let kind = self.r#type.clone();
        let missing = |field| OrderError::Missing { kind: kind.clone(), field };
        let surplus = |field| OrderError::Surplus { kind: kind.clone(), field };
        let (terms, used) = match self.r#type.as_str() {
            "market" => (Terms::Market, [false; 3]),
            "limit" => (Terms::Limit { limit: limit.ok_or_else(|| missing("limit"))? }, [true, false, false]),
            "stop" => (Terms::Stop { stop: stop.ok_or_else(|| missing("stop"))? }, [false, true, false]),
            "stop_limit" | "oco" => {
                let limit = limit.ok_or_else(|| missing("limit"))?;
                let stop = stop.ok_or_else(|| missing("stop"))?;
                let linked = self.r#type == "oco";
                let terms =
                    if linked { Terms::OneCancelsOther { limit, stop } } else { Terms::StopLimit { stop, limit } };
                (terms, [true, true, false])
            }
            "trailing_stop" => {
                (Terms::TrailingStop { trail: trail.ok_or_else(|| missing("trail"))? }, [false, false, true])
            }
            _ => {
                let expected = "market, limit, stop, stop_limit, trailing_stop or oco";
                return Err(OrderError::Word { field: "type", text: kind.clone(), expected });
            }
        };
        for (given, used, field) in [
            (limit.is_some(), used[0], "limit"),
            (stop.is_some(), used[1], "stop"),
            (trail.is_some(), used[2], "trail"),
        ] {
            if given && !used {
                return Err(surplus(field));
            }
        }
        Ok(terms)
    }

    fn time_in_force(&self) -> Result<TimeInForce, OrderError> {
        let until = self.until.as_deref().filter(|text| !text.trim().is_empty());
        let time_in_force = match (self.tif.as_deref().unwrap_or("gtc"), until) {
            ("gtc" | "", None) => TimeInForce::GoodTillCancelled,
            ("ioc", None) => TimeInForce::ImmediateOrCancel,
            ("fok", None) => TimeInForce::FillOrKill,
            ("gtd", Some(until)) => TimeInForce::GoodTill(TapeTime::parse(until)?),
            ("gtd", None) => return Err(OrderError::Missing { kind: "gtd".to_owned(), field: "until" }),
            (other @ ("gtc" | "" | "ioc" | "fok"), Some(_)) => {
                return Err(OrderError::Surplus { kind: other.to_owned(), field: "until" });
            }
            (other, _) => {
                let expected = "gtc, ioc, fok or gtd";
                return Err(OrderError::Word { field: "tif", text: other.to_owned(), expected });
            }
        };
        Ok(time_in_force)
    }
}

impl AmendRequest {
    pub fn parse(&self) -> Result<Amendment, OrderError> {
        Ok(Amendment {
            // Parts of linked orders can be moved too, and have longer names.
            id: self.id.parse()?,
            quantity: optional("qty", self.qty.as_ref())?.map(|price| Quantity::from_units(price.units())),
            limit: optional("limit", self.limit.as_ref())?,
            stop: optional("stop", self.stop.as_ref())?,
        })
    }
}

/// A line of an orders file: an order, or the change or the end of one, at a moment of the tape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at: String,
    action: Option<String>,
    #[serde(default)]
    id: String,
    pair: Option<String>,
    side: Option<String>,
    r#type: Option<String>,
    qty: Option<Number>,
    limit: Option<Number>,
    stop: Option<Number>,
    trail: Option<Number>,
    tif: Option<String>,
    until: Option<String>,
    #[serde(default)]
    reduce_only: bool,
    #[serde(default)]
    post_only: bool,
    take_profit: Option<Number>,
    stop_loss: Option<Number>,
}

/// `"0.1"`, or what was `0.1`: see `with_quoted_numbers`.
type Number = String;

/// JSON with every bare number put in quotes, so that none passes through a float on its way.
fn with_quoted_numbers(json: &str) -> String {
    let mut quoted = String::with_capacity(json.len() + 16);
    let (mut inside, mut escaped, mut number) = (false, false, false);
    for character in json.chars() {
        let of_number = !inside && (character.is_ascii_digit() || matches!(character, '-' | '+' | '.'));
        let of_number = of_number || (number && matches!(character, 'e' | 'E'));
        if of_number != number {
            quoted.push('"');
            number = of_number;
        }
        quoted.push(character);
        inside ^= character == '"' && !escaped;
        escaped = inside && character == '\\' && !escaped;
    }
    quoted
}

#[derive(Debug, thiserror::Error)]
pub enum OrdersFileError {
    #[error("{} can not be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} line {line}: {why}", path.display())]
    Line { path: PathBuf, line: usize, why: String },
}

/// A command and the moment it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub at: TapeTime,
    pub action: Action,
}

/// Reads JSON lines, in order of time; lines of one moment stay in the order of the file. Empty lines are passed over.
pub fn read(path: &Path) -> Result<Vec<Planned>, OrdersFileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| OrdersFileError::Unreadable { path: path.to_owned(), source })?;
    let mut planned = Vec::new();
    for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let why = |why: String| OrdersFileError::Line { path: path.to_owned(), line: place + 1, why };
        planned.push(plan(line).map_err(why)?);
    }
    planned.sort_by_key(|planned| planned.at);
    Ok(planned)
}

fn plan(line: &str) -> Result<Planned, String> {
    let line: Line = serde_json::from_str(&with_quoted_numbers(line)).map_err(|error| error.to_string())?;
    let at = EventTime::parse(&line.at).map_err(|error| format!("`at`: {error}"))?;
    let action = match line.action.as_deref().unwrap_or("place") {
        "place" => {
            let request = OrderRequest {
                id: line.id,
                pair: line.pair.unwrap_or_default(),
                side: line.side.unwrap_or_default(),
                r#type: line.r#type.unwrap_or_else(|| "market".to_owned()),
                qty: line.qty.unwrap_or_default(),
                limit: line.limit,
                stop: line.stop,
                trail: line.trail,
                tif: line.tif,
                until: line.until,
                reduce_only: line.reduce_only,
                post_only: line.post_only,
                take_profit: line.take_profit,
                stop_loss: line.stop_loss,
            };
            Action::Place(request.parse().map_err(|error| error.to_string())?)
        }
        "cancel" => Action::Cancel(line.id.parse().map_err(|error: OrderIdError| error.to_string())?),
        "amend" => {
            let request = AmendRequest { id: line.id, qty: line.qty, limit: line.limit, stop: line.stop };
            Action::Amend(request.parse().map_err(|error| error.to_string())?)
        }
        other => return Err(format!("`{other}` is not an action: expected place, cancel or amend")),
    };
    Ok(Planned { at: TapeTime::from_nanos(at.nanos()), action })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written_and_never_through_a_float() {
        let line = r#"{"at":"2024-01-01T12:00:00Z","id":"a","pair":"BTC-USD","side":"buy","type":"limit","qty":0.1,"limit":"42000.10","tif":"gtc","stop_loss":41000}"#;
        let Planned { action: Action::Place(order), at } = plan(line).expect("an order") else { panic!("no order") };
        assert_eq!(at.to_string(), "2024-01-01T12:00:00Z");
        assert_eq!(order.quantity, Quantity::from_units(10_000_000));
        assert_eq!(order.terms, Terms::Limit { limit: Price::from_units(4_200_010_000_000) });
        assert_eq!(order.stop_loss, Some(Price::from_units(4_100_000_000_000)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let order = |fields: &str| {
            plan(&format!(
                r#"{{"at":"2024-01-01","id":"a","pair":"BTC-USD","side":"buy","type":"limit","qty":1,"limit":1{fields}}}"#
            ))
        };
        assert!(order("").is_ok());
        for (line, named) in [
            (order(r#","stop":2"#), "a limit order has no `stop`"),
            (order(r#","tif":"day""#), "`day` is not a tif"),
            (order(r#","tif":"gtd""#), "needs `until`"),
            (order(r#","size":2"#), "unknown field `size`"),
            (order(r#","trail":"1%""#), "has no `trail`"),
            (order(r#","take_profit":-1"#), "`take_profit` is negative"),
            (order(r#","take_profit":0.000000001"#), "`take_profit` has more decimals than are counted"),
            (plan(r#"{"at":"noon","action":"cancel","id":"a"}"#), "`at`"),
            (plan(r#"{"at":"2024-01-01","action":"cancel","id":"a b"}"#), "is not an order's name"),
            (plan(r#"{"at":"2024-01-01","action":"hold","id":"a"}"#), "is not an action"),
        ] {
            let why = line.expect_err(named);
            assert!(why.contains(named), "{why} does not say {named}");
        }
        let quoted = with_quoted_numbers(r#"{"a":"x\"1","b":-1.5e3,"c":[1,2],"d":true}"#);
        assert_eq!(quoted, r#"{"a":"x\"1","b":"-1.5e3","c":["1","2"],"d":true}"#);
        assert_eq!(parse_trail("1.5%"), Ok(Trail::Share(Rate::from_units(1_500_000))));
        assert!(matches!(parse_trail("0.0000001%"), Err(OrderError::TooFine { .. })), "it would not trail at all");
        assert_eq!(parse_trail("250"), Ok(Trail::Offset(Price::from_units(25_000_000_000))));
    }
}
