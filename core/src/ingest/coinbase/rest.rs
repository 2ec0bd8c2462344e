//! What the venue's REST knows of trades that were missed, and of past minutes.
//!
//! Everything here blocks: call it off the async threads. Numbers are read from their text, never through a float.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::clock;
use crate::domain::input::ImportedCandle;
use crate::domain::money::{NumberError, parse_decimal};
use crate::domain::time::{DAY, MINUTE, SECOND, format_rfc3339};
use crate::domain::{
    Amount, Arrival, EventTime, Pair, Price, Quantity, ReceivedTime, Side, Source, Tick, TickKind, Trade, TradeId,
};
use crate::ingest::tape::check_candle;

const PAGE: usize = 1_000;
/// Five requests a second at most, whoever asks: half of what the venue allows an address.
const PACE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);
/// Pages for one missing range; beyond it the rest is `unasked`.
const PAGES: usize = 50;
/// Candles in one answer, of whatever length.
pub const CANDLES: i64 = 300;
const LARGEST_ANSWER: u64 = 8 << 20;
/// An answer of "too many" or "not now" is waited out this often.
const TRIES: u32 = 3;

#[derive(Debug, thiserror::Error)]
pub enum RestError {
    #[error("{url}: {error}")]
    Request { url: String, error: Box<ureq::Error> },
    #[error("{url} answered {status}: {text}")]
    Status { url: String, status: u16, text: String },
    #[error("{url} answered what is not expected: {why}")]
    Answer { url: String, why: String },
}

impl RestError {
    /// Whether the same question may be answered a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Request { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::Answer { .. } => false,
        }
    }
}

/// The wanted trades the venue has, oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub ticks: Vec<Tick>,
    /// Asked for, and not in the answer: runs of ids, both ends included.
    pub absent: Vec<(TradeId, TradeId)>,
    /// The older part of a range too long for one call; ask again for it.
    pub unasked: Option<(TradeId, TradeId)>,
    /// Rows that could not be read. Their ids are absent.
    pub refused: u64,
}

/// `side` is the maker's, as in `match`.
#[derive(Deserialize)]
struct TradeRow<'a> {
    time: &'a str,
    trade_id: u64,
    price: &'a str,
    size: &'a str,
    side: &'a str,
}

/// Trades `first ..= last` of a pair.
///
/// The venue pages newest first: `after=N` gives ids below N.
pub fn trades(base: &str, pair: Pair, first: TradeId, last: TradeId, source: Source) -> Result<Fetched, RestError> {
    let agent = agent();
    let mut fetched = Fetched::default();
    // Everything from here up was in an answer, or is known not to be there.
    let mut after = last.0.saturating_add(1);
    for _ in 0..PAGES {
        let url = format!("{}/products/{pair}/trades?after={after}&limit={PAGE}", base.trim_end_matches('/'));
        let text = match get(&agent, &url) {
            // What came is kept, and only the rest is asked for again.
            Err(_) if !fetched.ticks.is_empty() => break,
            answer => answer?,
        };
        let received = clock::received_now();
        let rows: Vec<TradeRow<'_>> = serde_json::from_str(&text)
            .map_err(|error| RestError::Answer { url: url.clone(), why: error.to_string() })?;
        for row in rows.iter().filter(|row| (first.0..=last.0).contains(&row.trade_id)) {
            match tick(row, pair, source, received) {
                Some(tick) => fetched.ticks.push(tick),
                None => fetched.refused += 1,
            }
        }
        after = match rows.iter().map(|row| row.trade_id).min() {
            // The venue has nothing older.
            None => first.0,
            Some(oldest) if oldest >= after => {
                return Err(RestError::Answer { url, why: format!("trade {oldest} is not before {after}") });
            }
            Some(oldest) => oldest.max(first.0),
        };
        if after <= first.0 {
            break;
        }
    }
    if after > first.0 {
        fetched.unasked = Some((first, TradeId(after - 1)));
    }
    fetched.ticks.sort_by_key(id_of);
    fetched.ticks.dedup_by_key(|tick| id_of(tick));
    let mut expected = after;
    for id in fetched.ticks.iter().map(id_of).chain([last.0.saturating_add(1)]) {
        if id > expected {
            fetched.absent.push((TradeId(expected), TradeId(id - 1)));
        }
        expected = id.saturating_add(1);
    }
    Ok(fetched)
}

fn id_of(tick: &Tick) -> u64 {
    tick.trade().map_or(0, |trade| trade.trade_id.0)
}

fn tick(row: &TradeRow<'_>, pair: Pair, source: Source, received: ReceivedTime) -> Option<Tick> {
    let maker = match row.side {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => return None,
    };
    Some(Tick {
        source,
        pair,
        // REST does not say it.
        sequence: 0,
        event_time: EventTime::parse(row.time).ok()?,
        received_time: received,
        kind: TickKind::Trade(Trade {
            trade_id: TradeId(row.trade_id),
            price: Price::parse_positive(row.price).ok()?,
            size: Quantity::parse_positive(row.size).ok()?,
            taker_side: Some(maker.opposite()),
            arrival: Arrival::Fetched,
        }),
    })
}

/// What the venue has of a page of minutes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CandlePage {
    /// Oldest first, each minute once, and whether a number of it was rounded. Minutes without a trade are not in the venue's answer.
    pub candles: Vec<(ImportedCandle, bool)>,
    /// Rows that no trades could have made, as they came, and why not.
    pub refused: Vec<(String, String)>,
}

/// One-minute candles with `from ≤ window_start < to`: one question, of [`CANDLES`] minutes at most. What the venue gives of the minute
/// that is not over yet is the caller's not to ask for.
pub fn candles(base: &str, pair: Pair, from: EventTime, to: EventTime) -> Result<CandlePage, RestError> {
    let to = to.min(from.plus_nanos(CANDLES * MINUTE));
    let mut page = CandlePage::default();
    let (url, text) = ask_candles(base, pair, MINUTE, from, to)?;
    for row in numbers(&text).map_err(|why| RestError::Answer { url, why: why.to_owned() })? {
        match candle(pair, row) {
            Ok(row) if row.0.window_start >= from && row.0.window_start < to => page.candles.push(row),
            Ok(_) => {}
            Err(why) => page.refused.push((format!("{pair} [{}]", row.join(",")), why)),
        }
    }
    page.candles.sort_by_key(|(candle, _)| candle.window_start);
    page.candles.dedup_by_key(|(candle, _)| candle.window_start);
    Ok(page)
}

/// Starts of the days of `[from, to)`, at most [`CANDLES`], in which the venue knows of a trade, oldest first.
pub fn trading_days(base: &str, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<EventTime>, RestError> {
    let (url, text) = ask_candles(base, pair, DAY, from, to)?;
    let wrong = |why: String| RestError::Answer { url: url.clone(), why };
    let rows = numbers(&text).map_err(|why| wrong(why.to_owned()))?;
    let mut days: Vec<EventTime> =
        rows.into_iter().map(|[time, ..]| seconds(time)).collect::<Result<_, _>>().map_err(wrong)?;
    days.sort_unstable();
    Ok(days)
}

/// The venue's own clock.
pub fn venue_time(base: &str) -> Result<EventTime, RestError> {
    #[derive(Deserialize)]
    struct Time<'a> {
        iso: &'a str,
    }
    let url = format!("{}/time", base.trim_end_matches('/'));
    let text = get(&agent(), &url)?;
    let time: Time<'_> =
        serde_json::from_str(&text).map_err(|error| RestError::Answer { url: url.clone(), why: error.to_string() })?;
    EventTime::parse(time.iso).map_err(|error| RestError::Answer { url, why: error.to_string() })
}

/// The address asked, and the answer.
fn ask_candles(
    base: &str,
    pair: Pair,
    granularity: i64,
    from: EventTime,
    to: EventTime,
) -> Result<(String, String), RestError> {
    let url = format!(
        "{}/products/{pair}/candles?granularity={}&start={}&end={}",
        base.trim_end_matches('/'),
        granularity / SECOND,
        format_rfc3339(from.nanos()),
        // The venue includes the end: it is the start of the last one.
        format_rfc3339((to.nanos() - 1).div_euclid(granularity) * granularity),
    );
    let text = get(&agent(), &url)?;
    Ok((url, text))
}

fn seconds(text: &str) -> Result<EventTime, String> {
    let nanos = text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(SECOND));
    nanos.map(EventTime::from_nanos).ok_or_else(|| format!("`{text}` is not a time"))
}

fn candle(pair: Pair, [time, low, high, open, close, volume]: [&str; 6]) -> Result<(ImportedCandle, bool), String> {
    let mut rounded = false;
    let mut number = |text: &str| {
        let parsed = parse_decimal(text)?;
        rounded |= parsed.rounded;
        Ok(parsed)
    };
    let mut price = |name: &str, text: &str| {
        let price = number(text).and_then(Price::from_parsed).and_then(Price::positive);
        price.map_err(|why: NumberError| format!("{name} `{text}` {why}"))
    };
    let candle = ImportedCandle {
        pair,
        window_start: seconds(time)?,
        open: price("open", open)?,
        high: price("high", high)?,
        low: price("low", low)?,
        close: price("close", close)?,
        volume: number(volume)
            .and_then(Amount::from_parsed)
            .and_then(|amount| if amount < Amount::ZERO { Err(NumberError::Negative) } else { Ok(amount) })
            .map_err(|why| format!("volume `{volume}` {why}"))?,
    };
    if candle.window_start != candle.window_start.minute() {
        return Err(format!("{} is not the start of a minute", candle.window_start));
    }
    check_candle(&candle)?;
    Ok((candle, rounded))
}

/// The texts of `[[n,n,n,n,n,n],…]`. A JSON library would make floats of them.
fn numbers(text: &str) -> Result<Vec<[&str; 6]>, &'static str> {
    let list = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or("it is not a list")?.trim();
    let mut rows = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (row, after) =
            rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or("a candle is not a list")?;
        let mut fields = row.split(',').map(str::trim);
        let mut next = || fields.next().filter(|field| is_number(field)).ok_or("a candle is not six numbers");
        rows.push([next()?, next()?, next()?, next()?, next()?, next()?]);
        if fields.next().is_some() {
            return Err("a candle is more than six numbers");
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) if !more.trim_start().is_empty() => more.trim_start(),
            None if after.is_empty() => after,
            _ => return Err("something stands between two candles"),
        };
    }
    Ok(rows)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
    config.user_agent(concat!("tapedeck/", env!("CARGO_PKG_VERSION"))).build().into()
}

fn get(agent: &ureq::Agent, url: &str) -> Result<String, RestError> {
    let failed = |error| RestError::Request { url: url.to_owned(), error: Box::new(error) };
    for attempt in 1.. {
        wait_for_turn();
        let mut response = agent.get(url).call().map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string().map_err(failed)?;
        match status {
            200 => return Ok(text),
            429 | 500..=599 if attempt < TRIES => std::thread::sleep(Duration::from_secs(1) * attempt),
            _ => {
                return Err(RestError::Status { url: url.to_owned(), status, text: text.chars().take(200).collect() });
            }
        }
    }
    unreachable!("the last attempt returns")
}

/// The venue counts by address, so the pace is the process's and not a caller's.
fn wait_for_turn() {
    static NEXT: Mutex<Option<Instant>> = Mutex::new(None);
    let now = clock::monotonic();
    let turn = {
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + PACE);
        turn
    };
    std::thread::sleep(turn.saturating_duration_since(now));
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    fn pair() -> Pair {
        "BTC-USD".parse().expect("a pair")
    }

    /// Answers each request by its path and query, and goes with the test.
    fn venue(answer: impl Fn(&str) -> String + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a request");
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
                let request = lines.next().unwrap_or_default();
                lines.find(String::is_empty);
                let body = answer(request.split(' ').nth(1).unwrap_or_default());
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length";
                write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).expect("sent");
            }
        });
        base
    }

    fn query(path: &str, name: &str) -> u64 {
        let (_, after) = path.split_once(&format!("{name}=")).expect("in the query");
        after.split('&').next().and_then(|text| text.parse().ok()).expect("a number")
    }

    #[test]
    fn a_gap_longer_than_a_page_is_filled_and_what_the_venue_lacks_is_said() {
        let base = venue(|path| {
            let after = query(path, "after");
            let row = |id: u64| {
                let price = if id == 2_100 { "NaN" } else { "1.5" };
                format!(
                    r#"{{"time":"2026-09-02T07:44:10.1Z","trade_id":{id},"price":"{price}","size":"2","side":"buy"}}"#
                )
            };
            // The venue never heard of 1 500 to 1 509, nor of anything before 600.
            let ids = (600..after).rev().filter(|id| !(1_500..1_510).contains(id)).take(1_000);
            format!("[{}]", ids.map(row).collect::<Vec<_>>().join(","))
        });
        let fetched = trades(&base, pair(), TradeId(500), TradeId(2_200), Source::Live).expect("an answer");
        let absent = [(500, 599), (1_500, 1_509), (2_100, 2_100)].map(|(first, last)| (TradeId(first), TradeId(last)));
        assert_eq!((fetched.absent, fetched.refused, fetched.unasked), (absent.to_vec(), 1, None));
        assert_eq!(fetched.ticks.len(), 1_701 - 100 - 10 - 1);
        assert!(fetched.ticks.is_sorted_by_key(id_of));
        assert_eq!(fetched.ticks[0].trade().and_then(|trade| trade.taker_side), Some(Side::Sell));
    }

    #[test]
    fn a_venue_that_answers_the_same_page_is_not_asked_for_ever() {
        let row = r#"[{"time":"2026-09-02T07:44:10.1Z","trade_id":900,"price":"1","size":"2","side":"buy"}]"#;
        let base = venue(move |_| row.to_owned());
        let error = trades(&base, pair(), TradeId(1), TradeId(1_000), Source::Live).expect_err("an endless venue");
        assert!(matches!(error, RestError::Answer { .. }), "{error}");
    }

    #[test]
    fn a_fetched_candle_keeps_every_digit_and_one_that_can_not_be_is_kept_apart() {
        let rows = [
            "[1700000160, 0.00001301, 12345678.12345678, 1.1, 2.2, 1e-8]",
            "[1700000100,1,2,1,2,0.30000000000000004]",
            "[1700000100,1,2,1,2,0.30000000000000004]",
            "[1700000040,9,2,1,2,3]",
            "[1700000041,1,2,1,2,3]",
            "[1700000220,1,2,1,2,-3]",
            "[1699999980,1,2,1,2,3]",
        ];
        let body = format!("[{}]", rows.join(","));
        let base = venue(move |path| {
            assert!(path.contains("granularity=60&start=2023-11-14T22:14:00Z&end=2023-11-14T22:17:00Z"), "{path}");
            body.clone()
        });
        let at = |seconds: i64| EventTime::from_nanos(seconds * SECOND);
        let page = candles(&base, pair(), at(1_700_000_040), at(1_700_000_280)).expect("candles");
        let starts: Vec<_> = page.candles.iter().map(|(candle, _)| candle.window_start).collect();
        assert_eq!(starts, [at(1_700_000_100), at(1_700_000_160)]);
        let [(first, first_rounded), (second, rounded)] = page.candles[..] else { panic!("{page:?}") };
        assert_eq!(
            (second.high.to_string(), second.volume.to_string(), rounded),
            ("12345678.12345678".into(), "0.00000001".into(), false)
        );
        assert_eq!((first.volume.to_string(), first_rounded), ("0.3".into(), true));
        assert_eq!(page.refused.len(), 3, "{:?}", page.refused);
        assert_eq!(page.refused[0].0, "BTC-USD [1700000040,9,2,1,2,3]");
    }

    #[test]
    fn the_venue_says_what_time_it_is_and_on_which_days_it_traded() {
        let base = venue(|path| match path {
            "/time" => r#"{"iso":"2026-03-20T14:11:43.123Z","epoch":1774015903.123}"#.into(),
            "/products/BTC-USD/candles?granularity=86400&start=2026-03-01T00:00:00Z&end=2026-03-20T00:00:00Z" => {
                "[[1773964800,1,2,1,2,3],[1773878400,1,2,1,2,3]]".into()
            }
            other => panic!("{other}"),
        });
        assert_eq!(venue_time(&base).expect("a time").to_string(), "2026-03-20T14:11:43.123Z");
        let time = |text: &str| EventTime::parse(text).expect("a time");
        let (from, to) = (time("2026-03-01"), time("2026-03-20T14:11:00Z"));
        let days = trading_days(&base, pair(), from, to).expect("days");
        let texts: Vec<_> = days.iter().map(EventTime::to_string).collect();
        assert_eq!(texts, ["2026-03-19T00:00:00Z", "2026-03-20T00:00:00Z"]);
    }

    #[test]
    fn an_answer_that_is_no_list_of_candles_is_refused() {
        for (text, rows) in
            [("[]", Some(0)), ("[[1,2,3,4,5,6]]", Some(1)), (" [ [1,2,3,4,5,6] , [1,2,3,4,5,6] ] ", Some(2))]
        {
            assert_eq!(numbers(text).ok().map(|rows| rows.len()), rows, "{text}");
        }
        for text in [
            "",
            "{}",
            "[1]",
            "[[1,2,3,4,5]]",
            "[[1,2,3,4,5,6,7]]",
            "[[1,2,3,4,5,6],]",
            "[[1,2,3,4,5,null]]",
            "[[1,2,3,4,5,6]",
            "[[1,2,3,4,5,\"6\"]]",
        ] {
            assert!(numbers(text).is_err(), "{text} was read");
        }
    }
}
