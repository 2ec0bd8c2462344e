//! A table whose folder is no longer where its files say: the same states, under the names of where it lies now.
//!
//! Iceberg names every file from the root. So each file that names others is written again, manifests first and the metadata last, under
//! names that were never used, and then the catalog's row is changed in one transaction. Until then the table is what it was, and what a
//! crash leaves behind is an orphan. Rows lie in files that name nothing: those are not touched.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use apache_avro::types::Value as Avro;
use apache_avro::{Reader, Writer};
use iceberg::io::Storage;
use iceberg::spec::TableMetadata;
use iceberg::{MetadataLocation, TableIdent};
use serde_json::Value as Json;

use super::ColdError;
use super::catalog::{LocalCatalog, injected};
use super::storage::{LocalFiles, blocking};
use crate::failpoint::failpoint;

/// Where a data directory's table lies, and where its files say that it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub recorded: PathBuf,
    pub found: PathBuf,
}

impl Place {
    /// By another name for the same folder it is in its place.
    pub fn is_right(&self) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        self.recorded == self.found || (real(&self.recorded).is_some() && real(&self.recorded) == real(&self.found))
    }
}

/// What was written again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relocated {
    pub snapshots: usize,
    pub manifests: usize,
}

/// The table's folder under the tier's, by its name.
pub(super) fn found(folder: &Path, name: &TableIdent) -> PathBuf {
    name.namespace().iter().fold(folder.to_owned(), |path, part| path.join(part)).join(name.name())
}

/// The table's location of which this is the metadata: `<table>/metadata/<version>.metadata.json`.
pub(super) fn table_of(metadata_location: &str) -> &str {
    metadata_location.rsplitn(3, '/').nth(2).unwrap_or_default()
}

/// Writes what names files again, with the names they have under `folder`. The table may lie where it says: nothing happens then.
pub(super) async fn run(catalog: &LocalCatalog, name: &TableIdent, folder: &Path) -> Result<Relocated, ColdError> {
    let Some(location) = catalog.location(name).await? else { return Ok(Relocated::default()) };
    let found = found(folder, name);
    let names = Names { from: table_of(&location).to_owned(), to: format!("file://{}", found.display()), found };
    if names.from == names.to {
        return Ok(Relocated::default());
    }
    let mut metadata: Json =
        serde_json::from_slice(&names.read(&location).await?).map_err(|e| damaged(&location, &e))?;
    // Files that tell of the table as it was where it lay.
    let mut old = vec![location.clone()];
    let earlier = metadata["metadata-log"].as_array().into_iter().flatten();
    old.extend(earlier.filter_map(|entry| entry["metadata-file"].as_str().map(str::to_owned)));
    let mut written = Relocated::default();
    let mut manifests = HashMap::new();
    let unique = uuid::Uuid::new_v4();
    for snapshot in metadata["snapshots"].as_array_mut().into_iter().flatten() {
        let Some(list) = snapshot["manifest-list"].as_str().map(str::to_owned) else {
            return Err(damaged(&location, &"a snapshot in it names no list of manifests"));
        };
        let mut records = Container::read(&names.read(&list).await?).map_err(|e| damaged(&list, &e))?;
        for record in &mut records.values {
            let path = text(record, "manifest_path").ok_or_else(|| damaged(&list, &"a manifest has no path"))?;
            if !manifests.contains_key(&path) {
                let to = names.file(&format!("{unique}-m{}.avro", written.manifests));
                let bytes = names.manifest(&path).await?;
                manifests.insert(path.clone(), (to.clone(), bytes.len()));
                names.write(&to, bytes).await?;
                written.manifests += 1;
            }
            let (to, length) = &manifests[&path];
            set(record, "manifest_path", Avro::String(to.clone()));
            set(record, "manifest_length", Avro::Long(*length as i64));
        }
        let to = names.file(&format!("snap-{}-0-{unique}.avro", snapshot["snapshot-id"]));
        names.write(&to, records.bytes().map_err(|e| damaged(&list, &e))?).await?;
        snapshot["manifest-list"] = Json::String(to);
        old.push(list);
        written.snapshots += 1;
    }
    old.extend(manifests.into_keys());
    failpoint("cold.relocate.manifests").map_err(injected)?;

    // Metadata of before is of a table that lay elsewhere, and nobody asks it.
    metadata["metadata-log"] = Json::Array(Vec::new());
    names.rename_json(&mut metadata);
    let read: TableMetadata = serde_json::from_value(metadata.clone()).map_err(|e| damaged(&location, &e))?;
    let moved = names.rename(&location).ok_or_else(|| damaged(&location, &"it is not in the table's folder"))?;
    let to = MetadataLocation::from_str(&moved)?.with_next_version().with_new_metadata(&read).to_string();
    names.write(&to, serde_json::to_vec(&metadata).map_err(|e| damaged(&location, &e))?).await?;
    failpoint("cold.relocate.metadata").map_err(injected)?;

    catalog.point(name, &location, &to).await.map_err(iceberg::Error::from)?;
    failpoint("cold.relocate.published").map_err(injected)?;
    // Nothing names them any more. What a crash leaves of them is found with the orphans.
    for file in old {
        let path = names.local(&file)?;
        blocking(move || {
            Ok(std::fs::remove_file(&path).or_else(missing).and_then(|()| failpoint("cold.relocate.deleted")))
        })
        .await?
        .map_err(injected)?;
    }
    Ok(written)
}

fn missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn damaged(file: &str, why: &dyn std::fmt::Display) -> ColdError {
    ColdError::Damaged(format!("{file}: {why}"))
}

/// A location of before, the same of now, and the folder both mean.
struct Names {
    from: String,
    to: String,
    found: PathBuf,
}

impl Names {
    /// What is under the table, by its new name.
    fn rename(&self, location: &str) -> Option<String> {
        let rest = location.strip_prefix(&self.from)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", self.to))
    }

    /// Where a file of before lies now. Errors: `Damaged` when it was never in the table's folder, and so did not come along.
    fn local(&self, location: &str) -> Result<PathBuf, ColdError> {
        let rest = location.strip_prefix(&self.from).and_then(|rest| rest.strip_prefix('/'));
        let rest = rest.ok_or_else(|| damaged(location, &format!("it is not in the table's folder, {}", self.from)))?;
        Ok(self.found.join(rest))
    }

    fn file(&self, name: &str) -> String {
        format!("{}/metadata/{name}", self.to)
    }

    async fn read(&self, location: &str) -> Result<Vec<u8>, ColdError> {
        let path = self.local(location)?;
        let found = blocking(move || Ok(std::fs::read(&path).map_err(|error| (path, error)))).await?;
        found.map_err(|(path, error)| damaged(&path.display().to_string(), &error))
    }

    async fn write(&self, location: &str, bytes: Vec<u8>) -> Result<(), ColdError> {
        Ok(LocalFiles.write(location, bytes.into()).await?)
    }

    /// A manifest, with the paths its files have now.
    async fn manifest(&self, location: &str) -> Result<Vec<u8>, ColdError> {
        let mut entries = Container::read(&self.read(location).await?).map_err(|e| damaged(location, &e))?;
        for entry in &mut entries.values {
            self.rename_avro(entry);
        }
        entries.bytes().map_err(|e| damaged(location, &e))
    }

    fn rename_avro(&self, value: &mut Avro) {
        match value {
            Avro::String(text) => {
                if let Some(renamed) = self.rename(text) {
                    *text = renamed;
                }
            }
            Avro::Record(fields) => fields.iter_mut().for_each(|(_, value)| self.rename_avro(value)),
            Avro::Array(values) => values.iter_mut().for_each(|value| self.rename_avro(value)),
            Avro::Map(values) => values.values_mut().for_each(|value| self.rename_avro(value)),
            Avro::Union(_, value) => self.rename_avro(value),
            _ => {}
        }
    }

    fn rename_json(&self, value: &mut Json) {
        match value {
            Json::String(text) => {
                if let Some(renamed) = self.rename(text) {
                    *text = renamed;
                }
            }
            Json::Object(fields) => fields.values_mut().for_each(|value| self.rename_json(value)),
            Json::Array(values) => values.iter_mut().for_each(|value| self.rename_json(value)),
            _ => {}
        }
    }
}

/// An Avro file, whole: what its head says besides the schema, and its records with every field, those included that only other engines know.
struct Container {
    schema: apache_avro::Schema,
    head: HashMap<String, Vec<u8>>,
    values: Vec<Avro>,
}

impl Container {
    fn read(bytes: &[u8]) -> Result<Self, apache_avro::Error> {
        let reader = Reader::new(bytes)?;
        let (schema, head) = (reader.writer_schema().clone(), reader.user_metadata().clone());
        Ok(Self { schema, head, values: reader.collect::<Result<_, _>>()? })
    }

    fn bytes(self) -> Result<Vec<u8>, apache_avro::Error> {
        let mut writer = Writer::new(&self.schema, Vec::new());
        for (key, value) in self.head {
            writer.add_user_metadata(key, value)?;
        }
        for value in self.values {
            writer.append(value)?;
        }
        writer.into_inner()
    }
}

fn text(record: &Avro, name: &str) -> Option<String> {
    let Avro::Record(fields) = record else { return None };
    fields.iter().find_map(|(field, value)| match value {
        Avro::String(text) if field == name => Some(text.clone()),
        _ => None,
    })
}

fn set(record: &mut Avro, name: &str, to: Avro) {
    if let Avro::Record(fields) = record
        && let Some((_, value)) = fields.iter_mut().find(|(field, _)| field == name)
    {
        *value = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_under_the_table_is_renamed() {
        let (from, to) = ("file:///a/ticks".to_owned(), "file:///b/ticks".to_owned());
        let names = Names { from, to, found: PathBuf::from("/b/ticks") };
        for (before, after) in [
            ("file:///a/ticks", Some("file:///b/ticks")),
            ("file:///a/ticks/data/x.parquet", Some("file:///b/ticks/data/x.parquet")),
            ("file:///a/ticks2/data/x.parquet", None),
            ("file:///c/ticks/data/x.parquet", None),
            ("BTC-USD", None),
        ] {
            assert_eq!(names.rename(before).as_deref(), after, "{before}");
        }
        assert_eq!(names.local("file:///a/ticks/data/x").expect("in it"), PathBuf::from("/b/ticks/data/x"));
        assert!(names.local("file:///a/ticks2/data/x").is_err());
    }

    #[test]
    fn the_location_of_a_table_is_two_folders_above_its_metadata() {
        assert_eq!(table_of("file:///a/ticks/metadata/00001-x.metadata.json"), "file:///a/ticks");
        assert_eq!(table_of("nonsense"), "");
    }
}
