//! What was refused is kept, so that it can be looked at and imported once it is mended.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use crate::clock;
use crate::ingest::Quarantined;

/// Beyond this the file is left as it is; what is refused is still counted.
const LARGEST: u64 = 64 << 20;

#[derive(Debug)]
pub struct QuarantineFile {
    path: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    received: String,
    reason: &'a str,
    file: Option<&'a str>,
    line: Option<u64>,
    raw: &'a str,
}

impl QuarantineFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Appends each as one JSON line. A disk that refuses is reported in the log: the counts stay true, and recording goes on.
    pub fn keep_all(&self, quarantined: impl IntoIterator<Item = Quarantined>) {
        for item in quarantined {
            if let Err(error) = self.keep(&item) {
                tracing::warn!(path = %self.path.display(), %error, reason = item.reason, "could not keep what was quarantined");
            }
        }
    }

    fn keep(&self, item: &Quarantined) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        if file.metadata()?.len() > LARGEST {
            return Ok(());
        }
        let line = Line {
            received: clock::received_now().to_string(),
            reason: &item.reason,
            file: item.place.as_ref().map(|p| p.file.as_str()),
            line: item.place.as_ref().map(|p| p.line),
            raw: &item.raw,
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        file.write_all(text.as_bytes())
    }
}
