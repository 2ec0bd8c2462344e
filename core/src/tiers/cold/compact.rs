//! Many small files of a day into one, without a row gained or lost.
//!
//! A true rewrite: the new files take the place of the old in one snapshot, which holds the same inputs as the one before. An append would
//! double them. Before it is published the new files are read back, by another way than they were written, and must give the same count
//! and the same sum of row hashes. Older snapshots keep their files until they expire.

use std::collections::{BTreeMap, HashSet};

use iceberg::spec::{DataFile, Literal, PrimitiveLiteral};
use iceberg::table::Table;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::catalog::{CommitError, LocalCatalog, injected};
use super::reader::{TickQuery, Ticks};
use super::storage::{blocking, local};
use super::writer::{FilesWriter, take_back};
use super::{ColdError, rows, snapshot};
use crate::clock;
use crate::domain::Digest;
use crate::domain::time::DAY;
use crate::failpoint::failpoint;

/// A day that is not over is joined when it has more small files than this.
const FILES_OF_A_DAY: usize = 8;

/// Days in one snapshot. A year that was imported in pieces is joined in a dozen, and a crash costs one of them.
const DAYS_AT_ONCE: usize = 32;

/// Files of at least this size are left as they are.
const LARGE: u64 = 128 << 20;

/// What was joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub days: usize,
    pub files_before: usize,
    pub files_after: usize,
    pub rows: u64,
}

/// Which files of a day to join, by their sizes: none, or two and more.
///
/// A day that is over becomes one file. One that grows is joined when it has more than a few, the smallest first, and a larger one only when
/// those before it together weigh half as much: rewriting the whole day for each handful of minutes would write it a hundred times.
pub(super) fn worth_joining(sizes: &[u64], over: bool) -> Vec<usize> {
    let mut small: Vec<usize> = (0..sizes.len()).filter(|&at| sizes[at] < LARGE).collect();
    small.sort_by_key(|&at| sizes[at]);
    if over {
        return if small.len() > 1 { small } else { Vec::new() };
    }
    let Some(excess) = small.len().checked_sub(FILES_OF_A_DAY).filter(|&excess| excess > 0) else {
        return Vec::new();
    };
    let mut together = 0;
    let joined = small.iter().enumerate().take_while(|&(place, &at)| {
        let joins = place <= excess || sizes[at] <= 2 * together;
        together += sizes[at];
        joins
    });
    joined.map(|(_, &at)| at).collect()
}

/// Days since 1970, as the table is partitioned.
pub(super) fn day_of(file: &DataFile) -> Result<i32, ColdError> {
    match file.partition().fields() {
        [Some(Literal::Primitive(PrimitiveLiteral::Int(day)))] => Ok(*day),
        _ => Err(ColdError::Damaged(format!("{} is of no day", file.file_path()))),
    }
}

/// Joins small files, of some days at a time. `None` when there is nothing to do.
pub(super) async fn run(catalog: &LocalCatalog, table: &Table) -> Result<Option<(Table, Compacted)>, ColdError> {
    let live = snapshot::live_files(table, table.metadata().current_snapshot()).await?;
    let mut days: BTreeMap<i32, Vec<&DataFile>> = BTreeMap::new();
    for entry in &live {
        days.entry(day_of(entry.data_file())?).or_default().push(entry.data_file());
    }
    // Only housekeeping goes by the wall clock: what is joined when makes no difference to any answer.
    let today = clock::received_now().nanos().div_euclid(DAY);
    let worth = days.into_iter().filter_map(|(day, files)| {
        let sizes: Vec<u64> = files.iter().map(|file| file.file_size_in_bytes()).collect();
        let joined = worth_joining(&sizes, i64::from(day) < today);
        let names: HashSet<String> = joined.iter().map(|&at| files[at].file_path().to_owned()).collect();
        let counted = joined.iter().map(|&at| files[at].record_count()).sum::<u64>();
        (!names.is_empty()).then_some((names, counted))
    });
    let (mut done, mut added, mut removed) = (Compacted::default(), Vec::new(), HashSet::new());
    for (names, counted) in worth.take(DAYS_AT_ONCE) {
        let (files, rows) = match join(table, &names, counted).await {
            Ok(joined) => joined,
            Err(error) => {
                take_back(table, &added).await;
                return Err(error);
            }
        };
        done.days += 1;
        done.files_before += names.len();
        done.files_after += files.len();
        done.rows += rows;
        added.extend(files);
        removed.extend(names);
    }
    if removed.is_empty() {
        return Ok(None);
    }
    let drafted = async {
        failpoint("cold.compact.written").map_err(injected)?;
        let snapshot = snapshot::with_replaced(table, &live, &removed, &added).await?;
        failpoint("cold.compact.manifests").map_err(injected)?;
        Ok(snapshot)
    };
    let outcome = match drafted.await {
        Ok(snapshot) => catalog.commit(table, snapshot).await,
        Err(error) => {
            take_back(table, &added).await;
            return Err(error);
        }
    };
    let table = match outcome {
        Ok(table) => table,
        Err(error) => {
            if let CommitError::Refused(_) = error {
                take_back(table, &added).await;
            }
            return Err(iceberg::Error::from(error).into());
        }
    };
    failpoint("cold.compact.published").map_err(injected)?;
    Ok(Some((table, done)))
}

/// The rows of these files, which the manifests have `counted`, in new ones, read back and found the same.
pub(super) async fn join(
    table: &Table,
    names: &HashSet<String>,
    counted: u64,
) -> Result<(Vec<DataFile>, u64), ColdError> {
    let mut rows = Ticks::plan_files(table.clone(), TickQuery::all(), Some(names)).await?;
    let mut writer = FilesWriter::new(table)?;
    let mut read = Digest::default();
    loop {
        let inputs = rows.next().await?;
        if inputs.is_empty() {
            break;
        }
        inputs.iter().for_each(|input| read.add(input));
        writer.write(&inputs.iter().collect::<Vec<_>>()).await?;
    }
    let files = writer.close().await?;
    let written = read_back(&files).await;
    match written {
        Ok(written) if written == read && read.inputs == counted => Ok((files, read.inputs)),
        other => {
            take_back(table, &files).await;
            let written = other?;
            let what = format!(
                "{counted} rows should be in the old ones, {} were read and {} are in the new, or they differ",
                read.inputs, written.inputs
            );
            Err(ColdError::Rewrite(what))
        }
    }
}

/// What files hold, by the plain Parquet reader.
async fn read_back(files: &[DataFile]) -> Result<Digest, ColdError> {
    let mut digest = Digest::default();
    for file in files {
        let path = local(file.file_path());
        let found = blocking(move || {
            let broken = |error: &dyn std::fmt::Display| {
                iceberg::Error::new(iceberg::ErrorKind::DataInvalid, format!("{}: {error}", path.display()))
            };
            let file = std::fs::File::open(&path).map_err(|error| broken(&error))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| broken(&error))?;
            let mut digest = Digest::default();
            let mut last = None;
            for batch in reader.build().map_err(|error| broken(&error))? {
                let inputs = rows::decode(&batch.map_err(|error| broken(&error))?).map_err(|error| broken(&error))?;
                for input in &inputs {
                    let place = (input.tape_time, input.seq);
                    if last.is_some_and(|last| last >= place) {
                        return Err(broken(&"its rows are not in the order of the tape"));
                    }
                    last = Some(place);
                }
                inputs.iter().for_each(|input| digest.add(input));
            }
            Ok(digest)
        })
        .await?;
        digest.join(&found);
    }
    Ok(digest)
}
