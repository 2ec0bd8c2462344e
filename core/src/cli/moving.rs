use std::path::Path;

use serde_json::json;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::session::moving::{self, Way};

pub(super) fn run(data: &Path, directory: &Path, json: bool) -> Result<Outcome, ApiError> {
    let moved = tiers::runtime()?.block_on(moving::move_directory(data, directory))?;
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let to = directory.display();
    let (way, files, bytes, mut lines) = match moved.way {
        Way::Renamed => ("renamed", 0, 0, vec![format!("{} is now {to}", data.display())]),
        Way::Copied { files, bytes } => {
            let size = bytes as f64 / 1e6;
            let line =
                format!("{files} files ({size:.1} MB) copied to {to}, compared, and removed from {}", data.display());
            ("copied", files, bytes, vec![line])
        }
        Way::Found => ("found", 0, 0, vec![format!("The data directory lies in {to}")]),
    };
    lines.push(match moved.relocated.snapshots {
        0 => "Its tables say so already.".to_owned(),
        snapshots => format!("Its tables say so now: {snapshots} snapshots, {} manifests.", moved.relocated.manifests),
    });
    lines.push(format!("Name it from now on: --data {to}, or TAPEDECK_DATA={to}"));
    lines.extend(moved.findings.iter().map(|finding| format!("  {finding}")));
    let value = json!({
        "from": data, "to": directory, "way": way, "files": files, "bytes": bytes,
        "snapshots": moved.relocated.snapshots, "manifests": moved.relocated.manifests, "findings": moved.findings,
    });
    print::report(json, &value, lines);
    Ok(if moved.findings.is_empty() { Outcome::Done } else { Outcome::FoundSomethingWrong })
}
