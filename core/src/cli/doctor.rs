use std::path::Path;

use serde::Serialize;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::domain::Source;
use crate::journal::DirectoryLock;
use crate::session::archive::ArchiveError;
use crate::session::recorder::Recorder;
use crate::session::sample::SampleTape;
use crate::tiers::cold::Cold;
use crate::tiers::warm::Warm;

/// One thing looked at.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    what: String,
}

pub(super) fn run(data: &Path, json: bool) -> Result<Outcome, ApiError> {
    let checks =
        [directory(data), space(data), config(data), journal(data), cold(data), warm(data), sample(), feed(data)];
    let ok = checks.iter().all(|check| check.ok);
    let lines = checks.iter().map(|c| format!("{} {:10} {}", if c.ok { "ok " } else { "BAD" }, c.name, c.what));
    print::report(json, &serde_json::json!({ "ok": ok, "checks": &checks }), lines);
    Ok(if ok { Outcome::Done } else { Outcome::FoundSomethingWrong })
}

fn check<T>(name: &'static str, tried: Result<T, impl ToString>, good: impl FnOnce(T) -> String) -> Check {
    match tried {
        Ok(value) => Check { name, ok: true, what: good(value) },
        Err(error) => Check { name, ok: false, what: error.to_string() },
    }
}

/// Writes, syncs and removes a file where the journal will write.
fn directory(data: &Path) -> Check {
    let tried = std::fs::create_dir_all(data).and_then(|()| {
        let path = data.join(format!(".doctor-{}", std::process::id()));
        let started = crate::clock::monotonic();
        std::fs::write(&path, b"tapedeck")?;
        std::fs::File::open(&path)?.sync_all()?;
        let took = started.elapsed();
        std::fs::remove_file(&path)?;
        Ok(took)
    });
    check("directory", tried, |took| {
        format!("{} can be written; a sync takes {:.1} ms", data.display(), took.as_secs_f64() * 1e3)
    })
}

/// Below this a busy day may not fit any more.
const LITTLE_SPACE: u64 = 500 << 20;

fn space(data: &Path) -> Check {
    let tried = fs4::available_space(data);
    let enough = tried.as_ref().is_ok_and(|free| *free >= LITTLE_SPACE);
    let found = check("space", tried, |free| {
        let little = if enough {
            ""
        } else {
            ": a recording may soon have to stop. Free some, or `tapedeck move` to another disk"
        };
        format!("{:.1} GB are free{little}", free as f64 / 1e9)
    });
    Check { ok: enough, ..found }
}

fn config(data: &Path) -> Check {
    check("config", Config::load(data), |config| {
        format!("{} ({} pairs)", Config::path(data).display(), config.pairs.len())
    })
}

fn journal(data: &Path) -> Check {
    let tried = Recorder::open(data).map_err(ApiError::from).and_then(|(recorder, recovery)| {
        let bytes = recorder.journal().disk_bytes()?;
        let late = recorder.market().pairs().filter(|(s, ..)| *s == Source::Live).map(|(.., m)| m.late()).sum::<u64>();
        Ok((recorder.journal().last_seq().0, bytes, recovery, late))
    });
    check("journal", tried, |(last, bytes, recovery, late)| {
        format!(
            "{last} records in {:.1} MB; opened in {:.2} s from the checkpoint at {}; {late} live trades came late",
            bytes as f64 / 1e6,
            recovery.took.as_secs_f64(),
            recovery.from_checkpoint.0
        )
    })
}

/// Where the table says it lies, and whether all of its files are there. It is not made here when it is missing.
fn cold(data: &Path) -> Check {
    let looked = beside_no_writer(data, async { Ok(Cold::check_of(data).await.map_err(ArchiveError::from)?) });
    let findings = looked.as_ref().ok().and_then(Option::as_ref).map_or(&[][..], |found| &found.findings);
    if let Some(first) = findings.first() {
        let advice = "Restore the data directory from a copy; or delete its folder `cold`, and the next import or recording makes it \
                      again from the journal";
        return Check {
            name: "cold",
            ok: false,
            what: format!("{} findings, the first: {first}. {advice}", findings.len()),
        };
    }
    check("cold", looked, |checked| match checked {
        Some(found) => format!("{} rows in {} files ({:.1} MB)", found.rows, found.files, found.bytes as f64 / 1e6),
        None => "nothing is archived yet".to_owned(),
    })
}

/// Opening it looks for every file.
fn warm(data: &Path) -> Check {
    let looked = beside_no_writer(data, async {
        if !Warm::is_there(data) {
            return Ok(None);
        }
        let warm = Warm::open(data).await.map_err(ArchiveError::from)?;
        Ok(Some(warm.statistics().await.map_err(ArchiveError::from)?))
    });
    check("warm", looked, |statistics| match statistics {
        Some(found) => {
            let (rows, files) = found.tables.iter().fold((0, 0), |(r, f), table| (r + table.rows, f + table.files));
            format!("{rows} rows in {files} files ({:.1} MB)", found.bytes as f64 / 1e6)
        }
        None => "nothing is archived yet".to_owned(),
    })
}

/// Looks at a tier while nobody can write to it: a file that is being replaced is not missing.
fn beside_no_writer<T>(data: &Path, look: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let _lock = DirectoryLock::take(data)?;
    tiers::runtime()?.block_on(look)
}

fn sample() -> Check {
    check("sample", SampleTape::load(), |tape| format!("{} ticks of the sample day can be played", tape.ticks()))
}

/// Whether the venue's host can be reached at all; the feed itself is tried by `record`.
fn feed(data: &Path) -> Check {
    let name = "feed";
    let Ok(config) = Config::load(data) else {
        return Check { name, ok: false, what: "not tried: the configuration can not be read".to_owned() };
    };
    let rest_of = config.feed.split_once("://").map_or(config.feed.as_str(), |(_, rest)| rest);
    let host = rest_of.split('/').next().unwrap_or_default();
    let port = if config.feed.starts_with("wss:") { 443 } else { 80 };
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") };
    let tried = std::net::ToSocketAddrs::to_socket_addrs(&address).and_then(|mut found| {
        let first = found.next().ok_or_else(|| std::io::Error::other("no address"))?;
        std::net::TcpStream::connect_timeout(&first, std::time::Duration::from_secs(2))
    });
    match tried {
        Ok(_) => Check { name, ok: true, what: format!("{address} answers") },
        Err(error) => Check {
            name,
            ok: false,
            what: format!("{address} can not be reached: {error}. The sample can be played without it."),
        },
    }
}
