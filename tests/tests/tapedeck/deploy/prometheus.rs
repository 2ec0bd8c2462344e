//! Prometheus' own tools on our configuration and our text, and a real Prometheus beside two desks: one that is well and one that is not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tapedeck_core::domain::{Amount, Pair, Price, Rate, Reason, ReceivedTime, RiskState, Seq, TapeTime};
use tapedeck_core::metrics::exposition::CONTENT_TYPE;
use tapedeck_core::metrics::{
    ACKNOWLEDGED, ANSWERED, Analyst, Authored, Blocked, Build, COMMITTED, Consensus, Distribution, Engine, Feed,
    Journal, Ledger, MarketOfPair, Messages, Notes, Patterns, PatternsOfPair, Position, Process, Reconcile, Registry,
    Replay, Risk, SEARCHED, Spine, Tier, Tiers, Trades,
};

use super::{folder, list, promql, text, under, yaml};
use crate::support::{say, skipped};

fn pair() -> Pair {
    "BTC-USD".parse().expect("a pair")
}

fn usd(units: i128) -> Amount {
    Amount::from_units(units * 100_000_000)
}

fn took(bounds: &'static [f64], seconds: f64, times: u64) -> Distribution {
    let mut samples = Distribution::new(bounds);
    (0..times).for_each(|_| samples.record(seconds));
    samples
}

/// A desk after `n` scrapes. When it is `sick`, everything is wrong with it that an alert is for.
fn desk(sick: bool, n: u64) -> Registry {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos() as i64;
    let known = |healthy: f64, ill: f64| if sick { ill } else { healthy };
    let grows = |ill: u64| if sick { ill * n } else { 0 };
    let tier = Tier {
        through: Some(Seq(1_000)),
        lag_s: Some(known(61.0, 999.0)),
        rows: Some(1_000 * n),
        bytes: Some(1_000_000),
        snapshots: Some(12),
        written_rows: 1_000 * n,
        written_bytes: Some(100_000 * n),
        commits: Some(n),
        committed: Some(took(COMMITTED, 0.02, n)),
        failed: sick,
    };
    let notes = Notes { said: if sick { 1 } else { n }, refused: grows(1), failed: grows(2) };
    let mut blocked = Blocked::default();
    (0..grows(100)).for_each(|_| blocked.count(Reason::StalePrice));
    Registry {
        build: Some(Build { version: "0.1.0".to_owned(), engine_version: 2 }),
        process: Process {
            started: Some(ReceivedTime::from_nanos(now - if sick { 0 } else { now % 1_000_000_000_000 })),
            cpu_s: Some(n as f64 / 100.0),
            memory_bytes: Some(if sick { 5_000_000_000 } else { 400_000_000 }),
            disk_free_bytes: Some(if sick { 1_900_000_000 - 10_000_000 * n.min(190) } else { 500_000_000_000 }),
            disk_size_bytes: Some(1_000_000_000_000),
        },
        feed: Some(Feed {
            connected: !sick,
            age_s: Some(known(0.3, 99.0)),
            reconnects: grows(100),
            frames: 8 * n,
            held: 0,
            messages: Messages {
                trades: 5 * n,
                control: if sick { 0 } else { 3 * n },
                quarantined: grows(1),
                ..Messages::default()
            },
            late: grows(100),
            gaps: grows(1),
            open_gaps: u64::from(sick),
            missing_trades: grows(3),
        }),
        market: BTreeMap::from([(
            pair(),
            MarketOfPair {
                ticks: 5 * n,
                price: Some(Price::from_units(7_000_000_000_000)),
                best_bid: Some(Price::from_units(6_999_900_000_000)),
                best_ask: Some(Price::from_units(7_000_100_000_000)),
                volume_24h: Some(usd(12_345)),
                age_s: Some(known(0.2, 999.0)),
            },
        )]),
        spine: Some(Spine { connected: !sick, waiting: if sick { 200_000 } else { 10 }, ..Spine::default() }),
        journal: Some(Journal {
            records: 8 * n,
            acknowledged: Some(took(ACKNOWLEDGED, known(0.0015, 0.3), 100 * n)),
            bytes: Some(1_000_000 * n),
            last_seq: Seq(1_000_000),
            failed: sick,
        }),
        engine: Some(Engine {
            ticks: 5 * n,
            candles: n / 60,
            revisions: 0,
            seq: Seq(if sick { 10 } else { 999_990 }),
            tape_time: Some(TapeTime::from_nanos(now)),
        }),
        tiers: Tiers { hot: Some(tier.clone()), warm: Some(tier.clone()), cold: Some(tier), vectors: None },
        patterns: Some(Patterns {
            known: 38_000,
            added: n,
            withdrawn: 0,
            searched: Some(took(SEARCHED, known(0.005, 0.5), 10 * n)),
            pairs: BTreeMap::from([(
                pair(),
                PatternsOfPair { matches: n / 60, similarity: Some(Rate::from_units(31_000_000)), buffer: 60 },
            )]),
        }),
        analyst: Some(Analyst {
            rules: Authored::default(),
            model: Authored { notes, latency: Some(took(ANSWERED, known(3.0, 90.0), n)) },
            model_name: Some("llama3.2:3b".to_owned()),
        }),
        consensus: Some(Consensus { on: true, ..Consensus::default() }),
        risk: Some(Risk {
            state: if sick { RiskState::Halted } else { RiskState::Active },
            tripped: sick,
            drawdown: Some(Rate::from_units(if sick { 2_500_000 } else { 100_000 })),
            blocked,
        }),
        ledger: Some(Ledger {
            transfers: n,
            head_count: 3 * n,
            equity: Some(usd(100_000)),
            cash: Some(usd(if sick { -1 } else { 95_000 })),
            fees: Some(usd(12)),
            realised: Some(usd(34)),
            positions: BTreeMap::from([(
                pair(),
                Position {
                    quantity: Amount::from_units(7_000_000),
                    value: Some(usd(5_000)),
                    unrealised: Some(usd(-3)),
                },
            )]),
            trades: BTreeMap::from([(pair(), Trades { bought: 3, sold: 2 })]),
        }),
        reconcile: Some(Reconcile {
            drift: BTreeMap::from([("USD".parse().expect("an asset"), usd(if sick { 600_000 } else { 0 }))]),
            findings: u64::from(sick),
            run: Some(ReceivedTime::from_nanos(if sick { 1 } else { now })),
        }),
        replay: Some(Replay {
            playing: true,
            progress: Some(0.4),
            speed: 60.0,
            played: if sick { 7 } else { 1_000 * n },
            range: Some(100_000),
            position: Some(40_000),
        }),
    }
}

fn tool(test: &str, name: &str) -> bool {
    let found = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        skipped(test, &format!("there is no `{name}` (Debian: apt install prometheus)"));
    }
    found.is_ok()
}

/// Answers every request with the text of a desk, each time one scrape older.
struct Desk {
    address: SocketAddr,
    scrapes: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    fn start(sick: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let (scrapes, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, end) = (Arc::clone(&scrapes), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let mut request = [0; 4_096];
                // What is asked does not matter: there is one answer.
                if stream.read(&mut request).is_ok() {
                    let body = desk(sick, count.fetch_add(1, Ordering::Relaxed) + 1).encode();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all((head + &body).as_bytes());
                }
            }
        });
        Self { address, scrapes, over, thread: Some(thread) }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a loopback port").port()
}

/// The `data` of an answer of Prometheus, none while it does not answer.
fn ask(port: u16, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    (answer["status"] == "success").then(|| answer["data"].clone())
}

/// Our configuration, asking these addresses once a second.
fn configure(directory: &Path, targets: &[String]) {
    let ours = folder().join("prometheus");
    std::fs::create_dir_all(directory.join("targets")).expect("a folder");
    std::fs::create_dir_all(directory.join("rules")).expect("a folder");
    let rules = "rules/tapedeck.rules.yml";
    std::fs::copy(ours.join(rules), directory.join(rules)).expect("copied");
    let mut config = yaml(&ours.join("prometheus.yml"));
    config["global"] = serde_json::json!({"scrape_interval": "1s", "evaluation_interval": "1s"});
    std::fs::write(directory.join("prometheus.yml"), config.to_string()).expect("written");
    let targets = serde_json::json!([{"targets": targets}]).to_string();
    std::fs::write(directory.join("targets/tapedeck.yml"), targets).expect("written");
}

fn alerts() -> BTreeSet<String> {
    let rules = yaml(&folder().join("prometheus/rules/tapedeck.rules.yml"));
    under(&rules, "alert").into_iter().map(|name| text(name).to_owned()).collect()
}

#[test]
fn a_real_prometheus_sees_every_alert_on_a_desk_that_is_ill_and_none_on_one_that_is_well() {
    let test = "a_real_prometheus_sees_every_alert";
    if !tool(test, "prometheus") {
        return;
    }
    let (sick, well) = (Desk::start(true), Desk::start(false));
    let dead = format!("127.0.0.1:{}", free_port());
    let directory = tempfile::tempdir().expect("a temporary directory");
    configure(directory.path(), &[sick.address.to_string(), well.address.to_string(), dead]);
    let port = free_port();
    let log = std::fs::File::create(directory.path().join("log")).expect("a log");
    let prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", directory.path().join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let _running = Running(prometheus.expect("Prometheus starts"));

    let (started, all) = (Instant::now(), alerts());
    assert!(all.len() > 25);
    let missing = |port| {
        let found = ask(port, "/api/v1/alerts")?;
        let active: BTreeSet<String> =
            list(&found["alerts"]).iter().map(|alert| text(&alert["labels"]["alertname"]).to_owned()).collect();
        Some(all.difference(&active).cloned().collect::<Vec<String>>())
    };
    let mut last = None;
    while last != Some(Vec::new()) {
        let told = || std::fs::read_to_string(directory.path().join("log")).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_secs(90), "not active after 90 s: {last:?}\n{}", told());
        std::thread::sleep(Duration::from_millis(500));
        last = missing(port);
    }
    let rules = ask(port, "/api/v1/rules?type=alert").expect("rules");
    for rule in list(&rules["groups"]).iter().flat_map(|group| list(&group["rules"])) {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    let found = ask(port, "/api/v1/alerts").expect("alerts");
    for alert in list(&found["alerts"]) {
        assert_ne!(alert["labels"]["instance"], well.address.to_string(), "a desk that is well: {alert}");
    }
    let up = ask(port, "/api/v1/query?query=sum(up)").expect("an answer");
    assert_eq!(up["result"][0]["value"][1], "2");
    say(&format!(
        "{} alerts on the desk that is ill and none on the one that is well, after {:.1} s and {} scrapes",
        all.len(),
        started.elapsed().as_secs_f64(),
        sick.scrapes.load(Ordering::Relaxed)
    ));
}

#[test]
fn promtool_takes_our_configuration_rules_and_their_tests() {
    let test = "promtool_takes_our_configuration";
    if !tool(test, "promtool") {
        return;
    }
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules/tapedeck.rules.yml"],
        ["test", "rules", "tests/tapedeck.test.yml"],
    ] {
        let output = Command::new("promtool").args(arguments).current_dir(folder().join("prometheus")).output();
        let output = output.expect("promtool starts");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {}: {said}", arguments.join(" "));
    }
}

#[test]
fn promtool_finds_nothing_to_say_about_a_scrape() {
    let test = "promtool_finds_nothing_to_say_about_a_scrape";
    if !tool(test, "promtool") {
        return;
    }
    for sick in [true, false] {
        let mut child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool starts");
        let body = desk(sick, 3).encode();
        child.stdin.take().expect("a pipe").write_all(body.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.trim().is_empty(), "{said}");
    }
}

#[test]
fn every_alert_names_metrics_there_are_says_what_to_do_and_is_tested() {
    let rules = yaml(&folder().join("prometheus/rules/tapedeck.rules.yml"));
    let tests = yaml(&folder().join("prometheus/tests/tapedeck.test.yml"));
    let mut fired = BTreeSet::new();
    let mut quiet = BTreeSet::new();
    for case in under(&tests, "alert_rule_test").into_iter().flat_map(list) {
        let name = text(&case["alertname"]).to_owned();
        if list(&case["exp_alerts"]).is_empty() {
            quiet.insert(name)
        } else {
            fired.insert(name)
        };
    }
    assert_eq!(
        (&fired, &quiet),
        (&alerts(), &alerts()),
        "each alert has to fire in one test and to keep quiet in another"
    );
    for rule in under(&rules, "rules").into_iter().flat_map(list) {
        let name = text(&rule["alert"]);
        promql::check(name, text(&rule["expr"]));
        for annotation in ["summary", "action"] {
            assert!(!text(&rule["annotations"][annotation]).is_empty(), "{name} has no {annotation}");
        }
        assert!(["page", "warn"].contains(&text(&rule["labels"]["severity"])), "{name}");
    }
}
