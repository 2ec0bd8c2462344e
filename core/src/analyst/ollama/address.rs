//! Where the model server is, as the user typed it.

use reqwest::Url;

use super::Quote;

/// Where Ollama listens when nothing was set.
pub const DEFAULT_URL: &str = "http://127.0.0.1:11434";
/// Of a bare host, as Ollama takes it.
const DEFAULT_PORT: u16 = 11_434;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the address of the model server is empty: give one such as {DEFAULT_URL}")]
    Empty,
    #[error("`{url}` is not the address of a model server ({why}): give one such as {DEFAULT_URL}")]
    NotAnAddress { url: Quote, why: Quote },
    #[error("a model server is reached over http or https, not over {scheme}: give an address such as {DEFAULT_URL}")]
    Scheme { scheme: Quote },
    #[error(
        "the address of the model server has a query or a fragment, which it can not have: end it before the ? or #"
    )]
    Query,
    #[error("no connection can be prepared: {why}")]
    Client { why: Quote },
}

/// http or https, a host, and maybe a path before `api/`. A user and a password may be in it: they are sent, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    shown: Quote,
}

impl Address {
    /// A URL, or a host with or without a port. Errors name no password, not even of what can not be read.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        let bare = !text.contains("://");
        let whole = if bare { format!("http://{text}") } else { text.to_owned() };
        let not_an_address = |why: &str| UrlError::NotAnAddress { url: without_secrets(text), why: Quote::of(why) };
        let mut url = Url::parse(&whole).map_err(|error| not_an_address(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme { scheme: Quote::of(url.scheme()) });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Query);
        }
        let authority = text.split('/').next().unwrap_or_default();
        // A URL leaves out the port of its scheme, even where it was typed.
        if bare && url.port().is_none() && !authority.ends_with(":80") {
            url.set_port(Some(DEFAULT_PORT)).map_err(|()| not_an_address("it has no port"))?;
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let mut shown = url.clone();
        // These fail for URLs without a host alone, which http and https always have.
        let _ = (shown.set_username(""), shown.set_password(None));
        Ok(Self { shown: Quote::of(shown.as_str().trim_end_matches('/')), url })
    }

    /// With user and password: for the transport alone.
    pub(super) fn of_call(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path()));
        url
    }

    /// Without user and password.
    pub fn shown(&self) -> &Quote {
        &self.shown
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

/// A text that is no URL still may hold a password, before its last `@`, or a token, after its `?`.
fn without_secrets(text: &str) -> Quote {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match text.rsplit_once('@') {
        None => Quote::of(text),
        Some((_, host)) => Quote::of(&format!("…@{host}")),
    }
}
