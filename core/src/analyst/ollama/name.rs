//! The name of a model, by Ollama's grammar: `[host/][namespace/]model[:tag]`, as in `llama3.2:3b` or `hf.co/some/model:Q4_K_M`.

use std::fmt;

use super::Quote;

/// Bytes of a whole name. A name is ASCII.
pub const LONGEST_NAME: usize = 200;
/// Of a namespace, a model or a tag.
const LONGEST_PART: usize = 80;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not the name of a model ({why}): give one such as llama3.2:3b")]
pub struct NameError {
    pub name: Quote,
    pub why: &'static str,
}

/// A name that can be asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName(String);

impl ModelName {
    /// Nothing is trimmed, and no tag is added: the server knows what a name without one means.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        match fault(name) {
            None => Ok(Self(name.to_owned())),
            Some(why) => Err(NameError { name: Quote::of(name), why }),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > LONGEST_NAME {
        return Some("it is longer than 200 characters");
    }
    let (path, last) = name.rsplit_once('/').map_or((None, name), |(path, last)| (Some(path), last));
    let (model, tag) = last.split_once(':').map_or((last, None), |(model, tag)| (model, Some(tag)));
    if !is_part(model, b"-_.") {
        return Some(
            "a model is letters, digits, dots, dashes and underscores, and starts with a letter, digit or underscore",
        );
    }
    if tag.is_some_and(|tag| !is_part(tag, b"-_.")) {
        return Some(
            "a tag is letters, digits, dots, dashes and underscores, and starts with a letter, digit or underscore",
        );
    }
    let path = path?;
    let (host, namespace) = path.split_once('/').map_or((None, path), |(host, namespace)| (Some(host), namespace));
    if !is_part(namespace, b"-_") {
        return Some("before the model is at most a host and a namespace of letters, digits, dashes and underscores");
    }
    if host.is_some_and(|host| !is_part(host, b"-_.:")) {
        return Some("its host is not one");
    }
    None
}

fn is_part(part: &str, also: &[u8]) -> bool {
    let within = |byte: &u8| byte.is_ascii_alphanumeric() || also.contains(byte);
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    part.len() <= LONGEST_PART && part.bytes().next().is_some_and(first) && part.as_bytes().iter().all(within)
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
