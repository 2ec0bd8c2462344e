//! An answer as a file: CSV, JSON, Parquet. A file appears whole or not at all, and replaces another only when that was asked for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};

use super::{SqlError, SqlResult};

/// Rows turned to text at a time.
const PAGE: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// With a line of names. Nothing is an empty field.
    Csv,
    /// One array with an object for each row. Money and times are strings, other numbers are numbers.
    Json,
    /// zstd, with the types of the result.
    Parquet,
}

/// What to do with a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Csv(#[from] csv::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("{0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl SqlResult {
    /// Writes the rows to a file: to one beside it first, synced, which then takes its name.
    ///
    /// Errors: `sql_file_exists`; `sql_export_failed`, after which there is no new file.
    pub fn to_file(&self, path: &Path, format: ExportFormat, existing: Existing) -> Result<(), SqlError> {
        if existing == Existing::Refuse && path.exists() {
            return Err(exists(path));
        }
        let unfinished = beside(path);
        let written = self.finish(&unfinished, path, format, existing);
        if written.is_err() {
            // What could not be finished is of no use; that it could not be removed either, of no interest.
            let _ = fs::remove_file(&unfinished);
        }
        written.map_err(|error| match error {
            ExportError::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => exists(path),
            error => SqlError::new(
                "sql_export_failed",
                format!("{} could not be written: {error}", path.display()),
                "Check that the folder is there, that you may write to it and that the disk has space.",
            ),
        })
    }

    fn finish(
        &self,
        unfinished: &Path,
        path: &Path,
        format: ExportFormat,
        existing: Existing,
    ) -> Result<(), ExportError> {
        let mut file = BufWriter::new(File::create_new(unfinished)?);
        self.write(&mut file, format)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        match existing {
            Existing::Replace => fs::rename(unfinished, path)?,
            Existing::Refuse => match fs::hard_link(unfinished, path) {
                Ok(()) => fs::remove_file(unfinished)?,
                // Refused where the name is taken, also by a file that came while we wrote.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error.into()),
                // A disk that knows no links: the name is taken first, and then given to the file.
                Err(_) => {
                    File::create_new(path)?;
                    fs::rename(unfinished, path)?;
                }
            },
        }
        Ok(())
    }

    /// Writes the rows in a format, ending with a line feed where it is text.
    ///
    /// Errors: `sql_export_failed`.
    pub fn to_writer(&self, to: &mut (dyn Write + Send), format: ExportFormat) -> Result<(), SqlError> {
        self.write(to, format).map_err(|error| {
            let message = format!("the result could not be written: {error}");
            SqlError::new("sql_export_failed", message, "Check where it is written to.")
        })
    }

    fn write(&self, to: &mut (dyn Write + Send), format: ExportFormat) -> Result<(), ExportError> {
        match format {
            ExportFormat::Csv => self.write_csv(to),
            ExportFormat::Json => self.write_json(to),
            ExportFormat::Parquet => self.write_parquet(to),
        }
    }

    fn write_csv(&self, to: &mut (dyn Write + Send)) -> Result<(), ExportError> {
        let mut to = csv::Writer::from_writer(to);
        to.write_record(self.different_names())?;
        for page in self.pages() {
            for row in page {
                to.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default()))?;
            }
        }
        Ok(to.flush()?)
    }

    fn write_json(&self, to: &mut (dyn Write + Send)) -> Result<(), ExportError> {
        let names = self.different_names();
        let kinds: Vec<&DataType> = self.schema.fields().iter().map(|field| field.data_type()).collect();
        let mut before = "[";
        for page in self.pages() {
            for row in page {
                let cells = names.iter().zip(&kinds).zip(row);
                let object: Map<String, Value> =
                    cells.map(|((name, kind), cell)| (name.clone(), json(kind, cell))).collect();
                write!(to, "{before}")?;
                serde_json::to_writer(&mut *to, &object)?;
                before = ",\n";
            }
        }
        Ok(writeln!(to, "{}", if self.rows == 0 { "[]" } else { "]" })?)
    }

    fn write_parquet(&self, to: &mut (dyn Write + Send)) -> Result<(), ExportError> {
        let schema = self.unambiguous();
        let level = ZstdLevel::try_new(3)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let mut to = ArrowWriter::try_new(to, Arc::clone(&schema), Some(properties))?;
        for batch in &self.batches {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns().to_vec();
            to.write(&RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?)?;
        }
        to.close()?;
        Ok(())
    }

    fn pages(&self) -> impl Iterator<Item = super::Cells> {
        (0..self.rows).step_by(PAGE).map(|from| self.cells(from, PAGE))
    }

    /// A query may call two columns the same; a file may not.
    fn different_names(&self) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        for name in self.columns() {
            let others = (2..).map(|number| format!("{name}_{number}"));
            let free = std::iter::once(name.clone()).chain(others).find(|name| !taken.contains(name));
            taken.extend(free);
        }
        taken
    }

    fn unambiguous(&self) -> SchemaRef {
        let fields = self.schema.fields().iter().zip(self.different_names());
        Arc::new(Schema::new(fields.map(|(field, name)| field.as_ref().clone().with_name(name)).collect::<Vec<_>>()))
    }
}

/// A cell's text as JSON. What a float can not hold to the last digit stays text.
fn json(kind: &DataType, cell: Option<String>) -> Value {
    let Some(text) = cell else { return Value::Null };
    match kind {
        DataType::Boolean => Value::Bool(text == "true"),
        kind if kind.is_integer() || kind.is_floating() => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    }
}

fn exists(path: &Path) -> SqlError {
    SqlError::new(
        "sql_file_exists",
        format!("{} is there already", path.display()),
        "Give another name, or remove the file first.",
    )
}

/// A name in the same folder, which is the same disk, that nobody else has.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.unfinished", uuid::Uuid::new_v4()));
    path.with_file_name(name)
}
