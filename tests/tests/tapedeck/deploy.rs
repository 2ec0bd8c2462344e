//! What lies in `deploy/`: that it is what the program says of itself, and what other people's tools take.

mod containers;
mod dashboards;
mod prometheus;
mod promql;
mod sql;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::repository;

fn folder() -> PathBuf {
    repository().join("deploy")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// YAML, as the JSON it stands for; merged keys (`<<`) are merged.
fn yaml(path: &Path) -> Value {
    let mut document: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&read(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    document.apply_merge().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::to_value(document).expect("its keys are texts")
}

/// Every value under a key of this name, however deep.
fn under<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    let deeper: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    value.get(key).into_iter().chain(deeper.into_iter().flat_map(|inner| under(inner, key))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
