//! The routes a back-fill asks for, in HTTP/1.1 by hand: `GET` and `Content-Length` are all there is to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::market::maker_side;
use super::{Floor, Shared, locked};
use crate::bars::{Bar, Print, minutes};
use crate::figures::{DAY, MINUTE, ONE, SECOND, decimal, nanos, venue_time};

const MOST_TRADES: usize = 1_000;
const MOST_CANDLES: usize = 300;

struct Answer {
    status: &'static str,
    headers: String,
    body: String,
    /// Announce the whole and send half.
    torn: bool,
}

impl Answer {
    fn ok(body: String) -> Self {
        Self { status: "200 OK", headers: String::new(), body, torn: false }
    }

    fn refused(status: &'static str, message: &str) -> Self {
        Self { status, headers: String::new(), body: format!(r#"{{"message":"{message}"}}"#), torn: false }
    }
}

pub(super) async fn accept(listener: TcpListener, floor: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&floor)));
    }
}

async fn serve(mut stream: TcpStream, floor: Shared) -> Option<()> {
    let mut heard = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = heard.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut heard).await.ok()? == 0 || heard.len() > 1 << 16 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&heard[..end]).into_owned();
        heard.drain(..end);
        let target = head.split_whitespace().nth(1).unwrap_or("/");
        let answer = locked(&floor).answer(target);
        let Answer { status, headers, body, torn } = answer;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        let sent = if torn { &body[..body.len() / 2] } else { &body };
        stream.write_all(sent.as_bytes()).await.ok()?;
        if torn {
            return stream.shutdown().await.ok();
        }
    }
}

impl Floor {
    fn answer(&mut self, target: &str) -> Answer {
        self.truth.rest_answers += 1;
        let mut torn = false;
        if self.dice.chance(self.options.faults.rest_refusal) {
            self.truth.rest_refusals += 1;
            match self.dice.below(3) {
                0 => return Answer::refused("429 Too Many Requests", "Public rate limit exceeded"),
                1 => return Answer::refused("500 Internal Server Error", "Internal server error"),
                _ => torn = true,
            }
        }
        let now = self.venue_now(Instant::now()).unwrap_or(self.options.starts_at);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parameter = |name: &str| {
            query
                .split('&')
                .filter_map(|p| p.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.replace("%3A", ":"))
        };
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let none = Vec::new();
        let trades = |pair: &str| -> Option<&Vec<Print>> {
            let listed = self.options.listings.iter().any(|l| l.pair == pair);
            listed.then(|| self.truth.trades.get(pair).unwrap_or(&none))
        };
        let mut answer = match parts[..] {
            ["time"] => Answer::ok(format!(r#"{{"iso":"{}","epoch":{}}}"#, venue_time(now), now / SECOND)),
            ["products"] => {
                let all = self.options.listings.iter().map(|l| format!(r#"{{"id":"{}","status":"online"}}"#, l.pair));
                Answer::ok(format!("[{}]", all.collect::<Vec<_>>().join(",")))
            }
            ["products", pair, "trades"] => match trades(pair) {
                None => Answer::refused("404 Not Found", "NotFound"),
                Some(prints) => {
                    let number = |name| parameter(name).and_then(|v| v.parse::<u64>().ok());
                    trades_page(prints, number("after"), number("before"), number("limit"))
                }
            },
            ["products", pair, "candles"] => match trades(pair) {
                None => Answer::refused("404 Not Found", "NotFound"),
                Some(prints) => {
                    let time =
                        |name| parameter(name).and_then(|v| nanos(&v).or(v.parse::<i64>().ok().map(|s| s * SECOND)));
                    let mut bars = self.options.past.get(pair).cloned().unwrap_or_default();
                    bars.extend(minutes(prints));
                    candles_page(&bars, now, parameter("granularity").as_deref(), time("start"), time("end"))
                }
            },
            _ => Answer::refused("404 Not Found", "NotFound"),
        };
        answer.torn = torn;
        answer
    }
}

/// Newest first. `after=N` gives ids below N, `before=N` ids above it; `CB-AFTER` is the next page's `after`.
fn trades_page(prints: &[Print], after: Option<u64>, before: Option<u64>, limit: Option<u64>) -> Answer {
    let limit = limit.map_or(MOST_TRADES, |l| (l as usize).clamp(1, MOST_TRADES));
    let page: Vec<&Print> = prints
        .iter()
        .rev()
        .filter(|p| after.is_none_or(|n| p.trade_id < n) && before.is_none_or(|n| p.trade_id > n))
        .take(limit)
        .collect();
    let rows: Vec<String> = page
        .iter()
        .map(|p| {
            format!(
                r#"{{"trade_id":{},"side":"{}","size":"{}","price":"{}","time":"{}"}}"#,
                p.trade_id,
                maker_side(p),
                eight_places(p.size),
                eight_places(p.price),
                venue_time(p.time)
            )
        })
        .collect();
    let mut headers = String::new();
    if let (Some(newest), Some(oldest)) = (page.first(), page.last()) {
        let _ = write!(headers, "CB-BEFORE: {}\r\nCB-AFTER: {}\r\n", newest.trade_id, oldest.trade_id);
    }
    Answer { headers, ..Answer::ok(format!("[{}]", rows.join(","))) }
}

/// As REST writes them: `77572.87000000`.
fn eight_places(units: i64) -> String {
    format!("{}.{:08}", units / ONE as i64, units % ONE as i64)
}

/// `[time, low, high, open, close, volume]` by the minute or the day, newest first, that of now as it stands so far.
fn candles_page(
    minutes: &BTreeMap<i64, Bar>,
    now: i64,
    granularity: Option<&str>,
    start: Option<i64>,
    end: Option<i64>,
) -> Answer {
    let length = match granularity {
        None | Some("60") => MINUTE,
        Some("86400") => DAY,
        Some(_) => return Answer::refused("400 Bad Request", "Unsupported granularity"),
    };
    if let (Some(start), Some(end)) = (start, end)
        && (end - start) / length >= MOST_CANDLES as i64
    {
        let message = "granularity too small for the requested time range. Count of aggregations requested exceeds 300";
        return Answer::refused("400 Bad Request", message);
    }
    let mut bars: BTreeMap<i64, Bar> = BTreeMap::new();
    for (time, bar) in minutes.range(..=now) {
        let mut bar = bar.clone();
        if time + MINUTE > now {
            // Half of what it will come to: nobody may take it for the whole.
            (bar.close, bar.volume) = (bar.open, bar.volume / 2);
        }
        bars.entry(time.div_euclid(length) * length)
            .and_modify(|whole| {
                whole.high = whole.high.max(bar.high);
                whole.low = whole.low.min(bar.low);
                whole.close = bar.close;
                whole.volume += bar.volume;
            })
            .or_insert(bar);
    }
    let rows: Vec<String> = bars
        .into_iter()
        .rev()
        .filter(|(time, _)| start.is_none_or(|s| *time >= s) && end.is_none_or(|e| *time <= e))
        .take(MOST_CANDLES)
        .map(|(time, bar)| {
            let [low, high, open, close, volume] = [bar.low, bar.high, bar.open, bar.close, bar.volume].map(decimal);
            format!("[{},{low},{high},{open},{close},{volume}]", time / SECOND)
        })
        .collect();
    Answer::ok(format!("[{}]", rows.join(",")))
}
