//! polars and DuckDB in a Python of their own, asked one after the other so that ours and theirs can take turns.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use super::{ApiError, failed};
use crate::domain::time::MINUTE;
use crate::tiers::cold::Minute;

const SCRIPT: &str = include_str!("peers.py");

/// What minutes come to: if two agree in this they agree in every value of every row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Checksum {
    minutes: usize,
    /// Sums at 1e-8, as text: they are more than a number of JSON holds.
    close: String,
    volume: String,
    crc32: u32,
}

impl Checksum {
    pub(super) fn of(minutes: &[Minute]) -> Self {
        let mut lines: Vec<_> =
            minutes.iter().map(|minute| (minute.pair.as_str(), minute.start.nanos() / MINUTE, minute)).collect();
        lines.sort_by_key(|(pair, start, _)| (*pair, *start));
        let text: String = lines
            .iter()
            .map(|(pair, start, of)| {
                let [open, high, low, close] = [of.open, of.high, of.low, of.close].map(|price| price.units());
                format!("{pair},{start},{open},{high},{low},{close},{},{}\n", of.volume.units(), of.tick_count)
            })
            .collect();
        Self {
            minutes: minutes.len(),
            close: minutes.iter().map(|minute| i128::from(minute.close.units())).sum::<i128>().to_string(),
            volume: minutes.iter().map(|minute| minute.volume.units()).sum::<i128>().to_string(),
            crc32: crc32fast::hash(text.as_bytes()),
        }
    }
}

#[derive(Deserialize)]
struct Hello {
    polars: String,
    duckdb: String,
    engines: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) seconds: f64,
    #[serde(flatten)]
    pub(super) checksum: Checksum,
}

/// The Python that holds them, waiting for a name.
pub(super) struct Peers {
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(super) engines: Vec<String>,
    pub(super) versions: String,
}

impl Peers {
    /// Errors: why they can not be asked here.
    pub(super) fn start(files: &[PathBuf], threads: usize) -> Result<Self, String> {
        let python = python().ok_or("TAPEDECK_READERS names no Python, and scripts/readers.sh has made none")?;
        let told = |what: &str, error: &dyn std::fmt::Display| format!("{} {what}: {error}", python.display());
        let mut child = Command::new(&python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| told("does not start", &error))?;
        let (asks, answers) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let (Some(asks), Some(answers)) = (asks, answers) else { return Err(told("does not listen", &"no pipe")) };
        let mut peers = Self { child, asks: Some(asks), answers, engines: Vec::new(), versions: String::new() };
        let question = serde_json::json!({ "files": files, "threads": threads });
        let hello: Hello =
            peers.ask(&question.to_string()).map_err(|error| told("has no polars and DuckDB", &error))?;
        peers.engines = hello.engines;
        peers.versions = format!("polars {}, DuckDB {}", hello.polars, hello.duckdb);
        Ok(peers)
    }

    pub(super) fn run(&mut self, engine: &str) -> Result<Answer, ApiError> {
        self.ask(engine).map_err(|error| failed(&format!("{engine}: {error}")))
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, question: &str) -> Result<T, String> {
        let asks = self.asks.as_mut().ok_or("it was told to end")?;
        writeln!(asks, "{question}").and_then(|()| asks.flush()).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(|error| error.to_string())?;
        serde_json::from_str(&answer).map_err(|error| format!("{error} in what it said: `{}`", answer.trim()))
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // With nothing more to read it ends by itself.
        self.asks = None;
        let _ = self.child.wait();
    }
}

fn python() -> Option<PathBuf> {
    let named = std::env::var_os("TAPEDECK_READERS").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/tapedeck/readers/bin/python"));
    named.or_else(usual).filter(|python| python.exists())
}
