//! What lies near a shape.

use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use futures_util::TryStreamExt;
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::{DistanceType, Table};

use super::rows::{self, PAST};
use super::{Statistics, TABLE, VectorsError, connect, failed, folder, statistics};
use crate::domain::{Pair, Seq, TapeTime};
use crate::patterns::{Candidate, Past, Question, select};

/// Near ones that are asked for first. Neighbours of a good match are good, so there are many for each that counts.
const NEAR: u64 = 1_024;

/// Partitions of the index that are looked into, of those there are.
const LOOKED_INTO: u32 = 6;

/// Of the index: the square root of its rows, as is usual.
pub(super) fn partitions(rows: u64) -> u32 {
    (rows as f64).sqrt() as u32
}

/// Near ones, as many as the answer needs or all there are.
#[derive(Clone, Debug)]
pub struct Found {
    pub candidates: Vec<Candidate>,
    /// Whether every row was compared: an index may pass over a near one.
    pub exact: bool,
    /// Rows that could have been answered.
    pub known: u64,
}

/// The table as it is when it is opened. A directory whose table was not made yet has no rows.
pub struct Reader {
    path: PathBuf,
    table: Option<Table>,
}

impl Reader {
    pub async fn open(data_directory: &Path) -> Result<Self, VectorsError> {
        let path = folder(data_directory);
        if !path.is_dir() {
            return Ok(Self { path, table: None });
        }
        let connection = connect(&path).await?;
        let names = connection.table_names().execute().await.map_err(failed("listing"))?;
        let table = match names.iter().any(|name| name == TABLE) {
            true => Some(connection.open_table(TABLE).execute().await.map_err(failed("opening"))?),
            false => None,
        };
        Ok(Self { path, table })
    }

    pub(in crate::tiers) fn into_table(self) -> Option<Table> {
        self.table
    }

    /// Rows near the question's shape that were usable at its cursor, of its pair or of all: enough for [`select`] to find as many matches as are
    /// asked for. Of inputs after `through` nothing is known.
    pub async fn search(&self, question: &Question, across: bool, through: Option<Seq>) -> Result<Found, VectorsError> {
        let Some(table) = &self.table else { return Ok(Found { candidates: Vec::new(), exact: true, known: 0 }) };
        let pair = (!across).then_some(question.window.pair);
        let condition = usable(pair, question.cursor, through);
        let known = table.count_rows(Some(condition.clone())).await.map_err(failed("counting"))? as u64;
        let indices = table.list_indices().await.map_err(failed("looking at the index"))?;
        let rows = table.count_rows(None).await.map_err(failed("counting"))? as u64;
        let probes = (!indices.is_empty()).then(|| (partitions(rows) / LOOKED_INTO).max(1) as usize);
        let mut most = NEAR.min(known);
        loop {
            let candidates = near(table, question, &condition, most, probes).await?;
            let enough = select(question, candidates.iter().copied()).len() >= question.most;
            if enough || most >= known {
                return Ok(Found { candidates, exact: probes.is_none(), known });
            }
            most = (most * 8).min(known);
        }
    }

    /// What is remembered of a pair's hours, as of a moment, without their shapes.
    pub async fn past(&self, pair: Pair, cursor: TapeTime, through: Option<Seq>) -> Result<Vec<Past>, VectorsError> {
        let Some(table) = &self.table else { return Ok(Vec::new()) };
        let query = table.query().only_if(usable(Some(pair), cursor, through)).select(Select::columns(&PAST));
        let batches = query.execute().await.map_err(failed("reading"))?;
        let batches: Vec<RecordBatch> = batches.try_collect().await.map_err(failed("reading"))?;
        let mut found = Vec::new();
        for batch in &batches {
            found.extend(rows::pasts(batch)?.into_iter().map(usable_still));
        }
        Ok(found)
    }

    pub async fn statistics(&self) -> Result<Statistics, VectorsError> {
        match &self.table {
            Some(table) => statistics(table, &self.path).await,
            None => Ok(Statistics::default()),
        }
    }
}

async fn near(
    table: &Table,
    question: &Question,
    condition: &str,
    most: u64,
    probes: Option<usize>,
) -> Result<Vec<Candidate>, VectorsError> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let mut columns = PAST.to_vec();
    columns.push("vector");
    let query = table.query().nearest_to(question.window.shape.as_stored()).map_err(failed("asking"))?;
    let query = query
        .distance_type(DistanceType::L2)
        .only_if(condition)
        .limit(usize::try_from(most).unwrap_or(usize::MAX))
        .select(Select::columns(&columns));
    let query = match probes {
        Some(probes) => query.nprobes(probes).map_err(failed("asking"))?,
        None => query.bypass_vector_index(),
    };
    let batches = query.execute().await.map_err(failed("searching"))?;
    let batches: Vec<RecordBatch> = batches.try_collect().await.map_err(failed("searching"))?;
    let mut found = Vec::new();
    for batch in &batches {
        found.extend(rows::candidates(batch)?);
    }
    for candidate in &mut found {
        candidate.past = usable_still(candidate.past);
    }
    Ok(found)
}

/// What the condition lets through was usable: a withdrawal that stands in its row was not known.
fn usable_still(past: Past) -> Past {
    Past { superseded_at: None, ..past }
}

/// Rows that were usable at a moment, known by inputs through this one.
fn usable(pair: Option<Pair>, cursor: TapeTime, through: Option<Seq>) -> String {
    let cursor = cursor.nanos();
    let mut condition = format!("usable_from_ns <= {cursor}");
    match through {
        None => condition += &format!(" AND (superseded_at_ns IS NULL OR superseded_at_ns > {cursor})"),
        Some(Seq(through)) => {
            condition += &format!(
                " AND seq <= {through} AND (superseded_at_ns IS NULL OR superseded_at_ns > {cursor} OR superseded_seq > {through})"
            );
        }
    }
    if let Some(pair) = pair {
        condition += &format!(" AND pair = '{pair}'");
    }
    condition
}
