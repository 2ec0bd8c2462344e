//! The whole way, live: a loopback feed at 12 000 messages a second into `tapedeck record`, and what it cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::{ApiError, Figure, failed, temporary};
use crate::clock;
use crate::domain::time::format_rfc3339;

const RATE: u64 = 12_000;
const SECONDS: u64 = 10;

pub(super) fn live() -> Result<Vec<Figure>, ApiError> {
    let directory = temporary()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|e| failed(&e))?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|e| failed(&e))?;
    let address = listener.local_addr().map_err(|e| failed(&e))?;
    let exchange = runtime.spawn(play(listener));
    let program = std::env::current_exe().map_err(|e| failed(&e))?;
    let mut child = Command::new(program)
        .arg("--data")
        .arg(directory.path())
        .args(["--json", "record", "--feed", &format!("ws://{address}"), "--pairs", "BTC-USD"])
        .args(["--for", &format!("{}s", SECONDS + 2)])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    let started = Instant::now();
    let mut usage = Usage::default();
    while child.try_wait().map_err(|e| failed(&e))?.is_none() {
        if let Some(now) = Usage::of(child.id()) {
            usage = now;
        }
        if started.elapsed() > Duration::from_secs(SECONDS + 60) {
            // A recorder that does not end is a finding, not a hang of the bench.
            child.kill().map_err(|e| failed(&e))?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().map_err(|e| failed(&e))?;
    let sent = runtime.block_on(exchange).map_err(|e| failed(&e))?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|e| failed(&e))?;
    let taken = report["trades"].as_u64().unwrap_or_default();
    let wait = |name: &str| report[name].as_f64().unwrap_or(f64::NAN);
    Ok(vec![
        Figure::at_least(
            "live",
            format!("trades recorded of {sent} sent at {RATE}/s"),
            taken as f64,
            "trades",
            sent as f64,
        ),
        Figure::at_most(
            "live",
            "processor time of the recorder, of one core",
            usage.cpu_s / SECONDS as f64 * 100.0,
            "%",
            6.0,
        ),
        Figure::at_most("live", "received to synced, median", wait("ack_p50_ms"), "ms", 3.0),
        Figure::told("live", "received to synced, p99", wait("ack_p99_ms"), "ms"),
        Figure::told("live", "memory of the recorder, at its largest", usage.peak_mb, "MB"),
    ])
}

/// Sends matches at the rate, in bursts of a millisecond, to the first client. Answers how many.
async fn play(listener: TcpListener) -> u64 {
    let Ok((socket, _)) = listener.accept().await else { return 0 };
    let Ok(mut socket) = tokio_tungstenite::accept_async(socket).await else { return 0 };
    let (started, mut sent) = (Instant::now(), 0);
    let first = clock::received_now().nanos();
    while sent < RATE * SECONDS {
        let due = (started.elapsed().as_micros() as u64 * RATE / 1_000_000).min(RATE * SECONDS);
        while sent < due {
            sent += 1;
            let time = format_rfc3339((first + (sent * 1_000_000_000 / RATE) as i64) / 1_000 * 1_000);
            let price = 6_000_000 + (sent * 7 % 1_000);
            let frame = format!(
                r#"{{"type":"match","trade_id":{sent},"maker_order_id":"5b268d37-0000-0000-0000-000000000000","taker_order_id":"b281704b-0000-0000-0000-000000000000","side":"buy","size":"0.0125","price":"{}.{:02}","product_id":"BTC-USD","sequence":{sent},"time":"{time}"}}"#,
                price / 100,
                price % 100
            );
            if socket.feed(Message::text(frame)).await.is_err() {
                return sent;
            }
        }
        if socket.flush().await.is_err() {
            return sent;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Stays connected until the recorder leaves, so that what is measured is recording and not reconnecting.
    tokio::time::sleep(Duration::from_secs(3)).await;
    sent
}

/// Of a process, as the system counts it.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) cpu_s: f64,
    pub(super) peak_mb: f64,
}

impl Usage {
    /// `None` where there is no /proc, or no such process any more.
    pub(super) fn of(process: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // Fields 14 and 15, counted after the name in brackets, in hundredths of a second on every Linux in use.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        let kilobytes: f64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
        Some(Self { cpu_s: ticks / 100.0, peak_mb: kilobytes / 1_024.0 })
    }
}
