//! Tables made for the tests, and a question asked in one line.

mod answers;
mod as_of;
mod limits;
mod scan;
mod tables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use iceberg::table::Table;

use super::{Cells, Sql, SqlError, SqlRequest, TableSource, Tiers};
use crate::domain::TapeTime;
use crate::tiers::hot::{Bounds, Hot};

/// A hot tier that forgets nothing.
fn boundless() -> Hot {
    Hot::new(Bounds { age: Duration::MAX, bytes: usize::MAX })
}

/// The same table for every query.
struct Fixed(Table);

#[async_trait::async_trait]
impl TableSource for Fixed {
    async fn table(&self) -> Result<Table, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.clone())
    }
}

/// For tests that never ask the cold tier.
fn no_cold() -> impl TableSource {
    || async { Err("there is no archive here".into()) }
}

fn sql(hot: Hot, warm: &Path, cold: impl TableSource + 'static) -> Sql {
    Sql::new(Tiers { hot: Arc::new(hot), warm: warm.to_owned(), cold: Arc::new(cold), vectors: warm.join("nothing") })
        .expect("threads")
}

/// Over nothing.
fn empty_sql() -> Sql {
    sql(boundless(), Path::new("nowhere"), no_cold())
}

async fn rows_as_of(sql: &Sql, text: &str, as_of: Option<TapeTime>) -> Result<Cells, SqlError> {
    let result = sql.query(&SqlRequest { as_of, ..SqlRequest::new(text) }).await?;
    Ok(result.cells(0, result.rows))
}

async fn rows(sql: &Sql, text: &str) -> Result<Cells, SqlError> {
    rows_as_of(sql, text, None).await
}

async fn one(sql: &Sql, text: &str) -> String {
    let mut found = rows(sql, text).await.expect(text);
    found.pop().and_then(|mut row| row.pop()).flatten().expect(text)
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}
