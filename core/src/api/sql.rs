//! The SQL tab's side of the one SQL: the running query, and the last answers, whose rows the page fetches as it shows them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::sync::watch;

use crate::clock;
use crate::domain::{TapeTime, time};
use crate::tiers::sql::{ColumnDescription, Existing, ExportFormat, Sql, SqlError, SqlRequest, SqlResult};

/// Answers kept. The page shows one; the others are there for a click that was on its way.
const KEPT: usize = 3;

/// Rows one request may ask for.
const PAGE: u32 = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SqlTable {
    /// `warm.candles`
    pub name: String,
    pub columns: Vec<SqlField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SqlField {
    pub name: String,
    /// As SQL calls it, such as `decimal(20,8)`.
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SqlColumn {
    pub name: String,
    /// As SQL calls it, such as `decimal(20,8)`.
    pub kind: String,
    /// Written flush right.
    pub numeric: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct SqlAsk {
    pub text: String,
    /// The cursor: only what was known then.
    pub as_of_ms: Option<f64>,
    /// Of `cold.ticks`, by its id, in digits: it does not fit a number of the page's.
    pub snapshot: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct SqlAnswer {
    pub id: u32,
    pub columns: Vec<SqlColumn>,
    pub rows: u32,
    /// There were more; the first are kept.
    pub truncated: bool,
    pub took_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SqlFormat {
    Csv,
    Parquet,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct SqlExport {
    pub path: String,
    pub rows: u32,
    pub bytes: f64,
}

/// As `ApiError`, with the place in the query where it has one. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SqlFailure {
    pub code: String,
    pub what: String,
    pub kept: String,
    pub r#do: String,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

impl From<SqlError> for SqlFailure {
    fn from(error: SqlError) -> Self {
        Self {
            code: error.code.to_owned(),
            what: error.message,
            kept: "Nothing was changed: a query only reads.".to_owned(),
            r#do: error.r#do,
            line: error.line,
            column: error.column,
        }
    }
}

impl SqlFailure {
    fn new(code: &str, what: impl Into<String>, what_to_do: &str) -> Self {
        Self {
            code: code.to_owned(),
            what: what.into(),
            kept: "Nothing was changed: a query only reads.".to_owned(),
            r#do: what_to_do.to_owned(),
            line: None,
            column: None,
        }
    }
}

/// An answer as it came, and as it is shown.
struct Answer {
    id: u32,
    asked: Arc<SqlResult>,
    shown: Arc<SqlResult>,
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<Answer>,
    last_id: u32,
    running: Option<watch::Sender<bool>>,
}

pub struct SqlDesk {
    sql: Sql,
    exports: PathBuf,
    inner: Mutex<Inner>,
}

impl SqlDesk {
    /// `exports` is where files go; it is made when the first one does.
    pub fn new(sql: Sql, exports: PathBuf) -> Self {
        Self { sql, exports, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Answers are put in whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn schema(&self) -> Result<Vec<SqlTable>, SqlFailure> {
        let tables = self.sql.schema().await;
        let field = |column: ColumnDescription| SqlField { name: column.name, kind: column.kind };
        Ok(tables
            .into_iter()
            .map(|table| SqlTable { name: table.name, columns: table.columns.into_iter().map(field).collect() })
            .collect())
    }

    /// Runs a query. One at a time: a new one ends the one before. Nothing is read that was not known at the `cursor`, whatever is asked for.
    pub async fn run(&self, ask: SqlAsk, cursor: Option<TapeTime>) -> Result<SqlAnswer, SqlFailure> {
        let mut request = SqlRequest::new(ask.text);
        request.as_of = match ask.as_of_ms {
            Some(ms) if !ms.is_finite() => {
                return Err(SqlFailure::new("not_a_time", "That is not a moment.", "Give a time such as 14:07."));
            }
            ms => ms.map(|ms| TapeTime::from_nanos((ms * 1e6) as i64)).into_iter().chain(cursor).min(),
        };
        request.snapshot = match ask.snapshot.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(text.parse().map_err(|_| {
                let what = format!("`{text}` is not the id of a snapshot.");
                SqlFailure::new("sql_no_snapshot", what, "`tapedeck snapshots` lists them.")
            })?),
            None => None,
        };
        let (cancel, cancelled) = watch::channel(false);
        if let Some(before) = self.inner().running.replace(cancel) {
            let _ = before.send(true);
        }
        let result = self.sql.query_until(&request, cancelled).await?;
        let shape = Arc::new(result);
        let mut inner = self.inner();
        inner.last_id += 1;
        let id = inner.last_id;
        inner.answers.push_back(Answer { id, asked: Arc::clone(&shape), shown: Arc::clone(&shape) });
        while inner.answers.len() > KEPT {
            inner.answers.pop_front();
        }
        Ok(SqlAnswer {
            id,
            columns: columns(&shape),
            rows: count(shape.rows),
            truncated: shape.truncated,
            took_ms: shape.took.as_secs_f64() * 1e3,
        })
    }

    /// Ends the running query, if there is one.
    pub fn cancel(&self) {
        if let Some(running) = self.inner().running.take() {
            let _ = running.send(true);
        }
    }

    /// Rows of an answer, as text ready to show.
    pub fn rows(&self, id: u32, from: u32, count: u32) -> Result<Vec<Vec<Option<String>>>, SqlFailure> {
        let shown = self.find(id, |answer| Arc::clone(&answer.shown))?;
        Ok(shown.cells(from as usize, count.min(PAGE) as usize))
    }

    /// Sorts an answer by a column, or puts it back as it came.
    pub fn sort(&self, id: u32, column: Option<u32>, descending: bool) -> Result<(), SqlFailure> {
        let asked = self.find(id, |answer| Arc::clone(&answer.asked))?;
        let sorted = match column {
            Some(column) => Arc::new(asked.sorted(column as usize, descending)?),
            None => asked,
        };
        self.find(id, |answer| answer.shown = sorted)
    }

    /// Writes an answer, as it is shown, to a new file with the time in its name.
    pub fn export(&self, id: u32, format: SqlFormat) -> Result<SqlExport, SqlFailure> {
        let shown = self.find(id, |answer| Arc::clone(&answer.shown))?;
        let failed = |error: std::io::Error| {
            let what = format!("{} can not be written: {error}", self.exports.display());
            SqlFailure::new("sql_export_failed", what, "Check that the disk has space and that you may write there.")
        };
        std::fs::create_dir_all(&self.exports).map_err(failed)?;
        let stamp = time::format_clock(clock::received_now().nanos()).replace(':', "").replace(' ', "-");
        let (extension, format) = match format {
            SqlFormat::Csv => ("csv", ExportFormat::Csv),
            SqlFormat::Parquet => ("parquet", ExportFormat::Parquet),
        };
        let path = self.exports.join(format!("query-{}.{extension}", stamp.replace('.', "-")));
        shown.to_file(&path, format, Existing::Refuse)?;
        let bytes = std::fs::metadata(&path).map_err(failed)?.len();
        Ok(SqlExport { path: path.display().to_string(), rows: count(shown.rows), bytes: bytes as f64 })
    }

    fn find<T>(&self, id: u32, look: impl FnOnce(&mut Answer) -> T) -> Result<T, SqlFailure> {
        self.inner().answers.iter_mut().find(|answer| answer.id == id).map(look).ok_or_else(|| {
            SqlFailure::new("sql_no_answer", "That answer is not kept any more.", "Run the query again.")
        })
    }
}

fn columns(result: &SqlResult) -> Vec<SqlColumn> {
    let kinds = result.kinds();
    let named = result.columns().into_iter().zip(kinds).enumerate();
    named.map(|(at, (name, kind))| SqlColumn { name, kind, numeric: result.is_number(at) }).collect()
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
