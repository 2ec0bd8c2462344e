//! Whether the table is whole: every file that its current state names is there, as large as it should be, and the counts add up.

use std::collections::HashMap;

use iceberg::spec::DataFile;
use iceberg::table::Table;

use super::{ColdError, snapshot};

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A file that is named and is not there.
    Missing { file: String },
    /// A file that has not the size it had when it was written.
    Resized { file: String, bytes: u64, found: u64 },
    /// A total the current snapshot states, against what its files add up to.
    Miscounted { total: &'static str, stated: Option<u64>, counted: u64 },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { file } => write!(f, "{file} is missing"),
            Self::Resized { file, bytes, found } => write!(f, "{file} should have {bytes} bytes, and has {found}"),
            Self::Miscounted { total, stated: Some(stated), counted } => {
                write!(f, "the {total} are said to be {stated}, and are {counted}")
            }
            Self::Miscounted { total, stated: None, counted } => {
                write!(f, "the {total} are not told, and are {counted}")
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    pub findings: Vec<Finding>,
}

/// Looks at every file without reading its rows. Errors: the manifests themselves can not be read.
pub(super) async fn run(table: &Table) -> Result<Checked, ColdError> {
    let Some(current) = table.metadata().current_snapshot() else { return Ok(Checked::default()) };
    let mut checked = Checked::default();
    for entry in snapshot::live_files(table, Some(current)).await? {
        let file = entry.data_file();
        checked.files += 1;
        checked.rows += file.record_count();
        checked.bytes += file.file_size_in_bytes();
        checked.findings.extend(look_at(table, file).await?);
    }
    let wrong = miscounted(&current.summary().additional_properties, &checked);
    checked.findings.extend(wrong);
    Ok(checked)
}

async fn look_at(table: &Table, file: &DataFile) -> Result<Option<Finding>, ColdError> {
    let (name, bytes) = (file.file_path().to_owned(), file.file_size_in_bytes());
    let input = table.file_io().new_input(&name)?;
    if !input.exists().await? {
        return Ok(Some(Finding::Missing { file: name }));
    }
    let found = input.metadata().await?.size;
    Ok((found != bytes).then_some(Finding::Resized { file: name, bytes, found }))
}

fn miscounted(summary: &HashMap<String, String>, checked: &Checked) -> Vec<Finding> {
    let totals = [
        ("files", "total-data-files", checked.files),
        ("rows", "total-records", checked.rows),
        ("bytes", "total-files-size", checked.bytes),
    ];
    let wrong = totals.into_iter().filter_map(|(total, property, counted)| {
        let stated = summary.get(property).and_then(|number| number.parse().ok());
        (stated != Some(counted)).then_some(Finding::Miscounted { total, stated, counted })
    });
    wrong.collect()
}
