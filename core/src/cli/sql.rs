use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::domain::{EventTime, TapeTime};
use crate::journal::DirectoryLock;
use crate::session::archive::ArchiveError;
use crate::tiers::cold::{self, Cold};
use crate::tiers::sql::{Existing, ExportFormat, Sql, SqlRequest, SqlResult, Tiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Aligned, for reading
    Table,
    Csv,
    Json,
    /// Into a file, with --out
    Parquet,
}

pub(super) struct Request {
    pub(super) text: String,
    pub(super) as_of: Option<EventTime>,
    pub(super) snapshot: Option<i64>,
    pub(super) format: Format,
    pub(super) out: Option<PathBuf>,
    pub(super) rows: usize,
}

pub(super) fn run(data: &Path, request: &Request) -> Result<Outcome, ApiError> {
    let export = export_format(request)?;
    DirectoryLock::refuse_between_places(data)?;
    let question = SqlRequest {
        as_of: request.as_of.map(|at| TapeTime::from_nanos(at.nanos())),
        snapshot: request.snapshot,
        row_limit: request.rows,
        ..SqlRequest::new(&request.text)
    };
    let sql = Sql::new(Tiers::of(data))?;
    let result = tiers::runtime()?.block_on(sql.query(&question))?;
    match (&request.out, export) {
        (Some(file), Some(format)) => {
            result.to_file(file, format, Existing::Refuse)?;
            print::line_out(&format!("{} rows into {}", result.rows, file.display()));
        }
        (_, Some(format)) => {
            let mut text = Vec::new();
            result.to_writer(&mut text, format)?;
            print::line_out(String::from_utf8_lossy(&text).trim_end_matches('\n'));
        }
        (_, None) => table(&result).iter().for_each(|line| print::line_out(line)),
    }
    if result.truncated && export.is_some() {
        // Not on standard output, which holds the answer alone.
        tracing::warn!("only the first {} rows were asked for; there are more", result.rows);
    }
    Ok(Outcome::Done)
}

/// The snapshots of the archive, oldest first.
pub(super) fn snapshots(data: &Path, json: bool) -> Result<Outcome, ApiError> {
    DirectoryLock::refuse_between_places(data)?;
    let states = tiers::runtime()?
        .block_on(async { cold::states(Cold::table_of(data).await?.metadata()) })
        .map_err(ArchiveError::from)?;
    let value: Vec<_> = states
        .iter()
        .map(|state| {
            json!({
                "id": state.id, "seq": state.through, "time": state.committed, "operation": state.operation,
                "rows": state.rows, "files": state.files, "bytes": state.bytes,
            })
        })
        .collect();
    let header = ["id", "seq", "time", "operation", "rows", "files", "bytes"].map(str::to_owned);
    let cells = states.iter().map(|state| {
        let numbers = [state.rows, state.files, state.bytes].map(|number| number.to_string());
        let texts =
            [state.id.to_string(), state.through.0.to_string(), state.committed.to_string(), state.operation.clone()];
        texts.into_iter().chain(numbers).map(Some).collect()
    });
    print::report(json, &value, aligned(&header, cells.collect(), &[true, true, false, false, true, true, true]));
    Ok(Outcome::Done)
}

/// How the rows are written; `None` for a table to look at.
fn export_format(request: &Request) -> Result<Option<ExportFormat>, ApiError> {
    let ending = request.out.as_deref().and_then(Path::extension).map(|ending| ending.to_string_lossy().to_lowercase());
    match (request.format, ending.as_deref(), &request.out) {
        (Format::Table, _, None) => Ok(None),
        (Format::Csv, ..) | (Format::Table, Some("csv"), _) => Ok(Some(ExportFormat::Csv)),
        (Format::Json, ..) | (Format::Table, Some("json"), _) => Ok(Some(ExportFormat::Json)),
        (Format::Parquet, _, Some(_)) | (Format::Table, Some("parquet"), _) => Ok(Some(ExportFormat::Parquet)),
        (Format::Parquet, _, None) => {
            Err(ApiError::refused("parquet_needs_a_file", "Parquet is not for a terminal", "Name a file with --out."))
        }
        (Format::Table, _, Some(file)) => Err(ApiError::refused(
            "unknown_format",
            format!("what {} should hold does not follow from its name", file.display()),
            "Give --format csv, json or parquet.",
        )),
    }
}

fn table(result: &SqlResult) -> Vec<String> {
    let right: Vec<bool> = (0..result.schema.fields().len()).map(|column| result.is_number(column)).collect();
    let mut lines = aligned(&result.columns(), result.cells(0, result.rows), &right);
    let rows = if result.rows == 1 { "row" } else { "rows" };
    lines.push(match result.truncated {
        false => format!("{} {rows} in {:.3} s", result.rows, result.took.as_secs_f64()),
        true => format!("the first {} {rows} of more, in {:.3} s", result.rows, result.took.as_secs_f64()),
    });
    lines
}

/// Columns under their names, as wide as their widest value, numbers flush right. A value of several lines makes its row as tall.
fn aligned(header: &[String], rows: Vec<Vec<Option<String>>>, right: &[bool]) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect();
    let width = |column: usize| {
        let values = rows.iter().filter_map(|row| row.get(column));
        let lines = header.get(column).into_iter().chain(values).flat_map(|value| value.lines());
        lines.map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |values: &[&str]| {
        let columns = values.iter().zip(&widths).zip(right);
        let padded = columns.map(
            |((value, width), right)| {
                if *right { format!("{value:>width$}") } else { format!("{value:<width$}") }
            },
        );
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let mut lines = vec![
        line(&header.iter().map(String::as_str).collect::<Vec<_>>()),
        line(&rule.iter().map(String::as_str).collect::<Vec<_>>()),
    ];
    for row in &rows {
        let height = row.iter().map(|value| value.lines().count()).max().unwrap_or(0).max(1);
        lines
            .extend((0..height).map(|at| {
                line(&row.iter().map(|value| value.lines().nth(at).unwrap_or_default()).collect::<Vec<_>>())
            }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_its_numbers_up_on_the_right() {
        let header = ["pair", "price", "plan"].map(str::to_owned);
        let row = |cells: [&str; 3]| cells.map(|cell| (!cell.is_empty()).then(|| cell.to_owned())).to_vec();
        let rows = vec![row(["BTC-USD", "77572.87000000", "a\n  b"]), row(["ETH-USD", "", "c"])];
        assert_eq!(
            aligned(&header, rows, &[false, true, false]),
            [
                "pair              price  plan",
                "───────  ──────────────  ────",
                "BTC-USD  77572.87000000  a",
                "                           b",
                "ETH-USD                  c",
            ]
        );
    }

    #[test]
    fn what_a_file_should_hold_follows_from_its_name() {
        let request = |format, out: Option<&str>| Request {
            text: String::new(),
            as_of: None,
            snapshot: None,
            rows: 10,
            format,
            out: out.map(PathBuf::from),
        };
        for (format, out, expected) in [
            (Format::Table, None, Ok(None)),
            (Format::Table, Some("a.parquet"), Ok(Some(ExportFormat::Parquet))),
            (Format::Table, Some("a.CSV"), Ok(Some(ExportFormat::Csv))),
            (Format::Json, Some("a.txt"), Ok(Some(ExportFormat::Json))),
            (Format::Csv, None, Ok(Some(ExportFormat::Csv))),
            (Format::Parquet, None, Err("parquet_needs_a_file".to_owned())),
            (Format::Table, Some("a.txt"), Err("unknown_format".to_owned())),
        ] {
            let found = export_format(&request(format, out)).map_err(|error| error.code);
            assert_eq!(found, expected, "{format:?} {out:?}");
        }
    }
}
