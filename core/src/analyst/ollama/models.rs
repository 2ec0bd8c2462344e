//! The models a server has, and its version, from the bytes of its answers. Pure.

use jiff::Timestamp;
use serde::Deserialize;

use super::ask::parse;
use super::{CallError, ModelName, Quote};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub name: ModelName,
    /// On the server's disk.
    pub size_bytes: u64,
    pub modified: Option<Timestamp>,
    /// Such as `gemma3`.
    pub family: Option<Quote>,
    /// Such as `4.3B`.
    pub parameters: Option<Quote>,
}

#[derive(Deserialize)]
struct Tags {
    /// A server without models may say `null`.
    models: Option<Vec<Row>>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    size: u64,
    modified_at: Option<String>,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
struct Details {
    family: Option<String>,
    parameter_size: Option<String>,
}

/// In the server's order. A model whose name could not be asked for is left out.
pub(super) fn models(body: &[u8]) -> Result<Vec<Model>, CallError> {
    let tags: Tags = parse(body)?;
    Ok(tags.models.into_iter().flatten().filter_map(model).collect())
}

fn model(row: Row) -> Option<Model> {
    let details = row.details.unwrap_or_default();
    let quote = |text: Option<String>| text.map(|text| Quote::of(&text)).filter(|quote| !quote.is_empty());
    Some(Model {
        name: ModelName::parse(&row.name).ok()?,
        size_bytes: row.size,
        modified: row.modified_at.and_then(|text| text.parse().ok()),
        family: quote(details.family),
        parameters: quote(details.parameter_size),
    })
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

pub(super) fn version(body: &[u8]) -> Result<Quote, CallError> {
    let Version { version } = parse(body)?;
    Ok(Quote::of(&version))
}
