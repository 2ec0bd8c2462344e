//! The only place of the program that prints.

use std::io::Write;

use serde::Serialize;

use crate::api::ApiError;

/// One JSON document, or the lines for a person.
pub(super) fn report(json: bool, value: &impl Serialize, lines: impl IntoIterator<Item = String>) {
    if json {
        json_line(value);
    } else {
        for line in lines {
            line_out(&line);
        }
    }
}

pub(super) fn json_line(value: &impl Serialize) {
    line_out(&serde_json::to_string(value).expect("reports have string keys and finite numbers"));
}

/// A reader that has gone away (`| head`) is no error.
pub(super) fn line_out(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// For a person to see, whatever standard output is used for. Nobody listening is no error.
pub(super) fn line_err(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

pub(super) fn error(error: &ApiError, json: bool) {
    if json {
        let body = serde_json::json!({ "error": error });
        eprintln!("{body}");
    } else {
        eprintln!("tapedeck: {}\n  {}\n  {}", error.what, error.kept, error.r#do);
    }
}
