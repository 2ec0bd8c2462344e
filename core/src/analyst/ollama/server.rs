//! A model server that can be asked.

use std::fmt;
use std::time::Duration;

use reqwest::Client;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::ask::MOST_ANSWER_BYTES;
use super::pull::{Going, Pulling};
use super::transport::{Sent, body, broken, client, send, unless_cancelled};
use super::{Address, Ask, CallError, Model, ModelName, Pulled, Quote, Reply, UrlError, models};

const LONGEST_IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Clones share one pool of connections. A future that is dropped closes the connection it was on, and a server that is Ollama then
/// stops what it was asked for.
#[derive(Clone)]
pub struct Server {
    address: Address,
    client: Client,
}

impl Server {
    /// Of a URL, or of a host with or without a port. Nothing is sent yet.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        let address = Address::parse(url)?;
        let client = client().map_err(|error| UrlError::Client { why: Quote::of(&error.without_url().to_string()) })?;
        Ok(Self { address, client })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The models that are there, in the server's order.
    pub async fn models(&self, deadline: Duration) -> Result<Vec<Model>, CallError> {
        models::models(&self.get("api/tags", deadline).await?)
    }

    /// Such as `0.6.2`.
    pub async fn version(&self, deadline: Duration) -> Result<Quote, CallError> {
        models::version(&self.get("api/version", deadline).await?)
    }

    /// What the model says. The deadline is over all of it: connection, head and body. `true` in `cancel` ends it at once.
    pub async fn ask(&self, ask: &Ask, deadline: Duration, cancel: watch::Receiver<bool>) -> Result<Reply, CallError> {
        let question = ask.to_json()?;
        let started = Instant::now();
        let answer = unless_cancelled(cancel, self.call("api/chat", Sent::Post(question), deadline)).await;
        let answer = answer.map_err(|error| match error {
            // A server that is no Ollama answers 404 to everything.
            CallError::Status { status: 404, said } if said.as_str().starts_with("model ") => {
                CallError::NoModel { model: ask.model.clone() }
            }
            error => error,
        })?;
        Reply::from_json(&answer, started.elapsed(), ask.tokens())
    }

    /// Has the server fetch a model, and tells how it goes on. It may take hours; it fails when no whole line comes for `idle`
    /// (`PULL_IDLE` for a user). What was fetched is kept by the server, whatever ends the call.
    pub async fn pull(
        &self,
        model: &ModelName,
        idle: Duration,
        mut progress: impl FnMut(Pulled),
        cancel: watch::Receiver<bool>,
    ) -> Result<(), CallError> {
        let sent = serde_json::json!({ "model": model.as_str(), "stream": true });
        let sent = Sent::Post(sent.to_string().into_bytes());
        // What is added to a moment must stay a moment.
        let idle = idle.min(LONGEST_IDLE);
        let stalled = |_| CallError::Stalled { after: idle };
        let work = async {
            let started = send(&self.client, &self.address, "api/pull", sent);
            let mut response = timeout(idle, started).await.map_err(stalled)??;
            let mut pulling = Pulling::default();
            let mut patience = Instant::now() + idle;
            loop {
                let chunk = timeout_at(patience, response.chunk()).await.map_err(stalled)?;
                let chunk = chunk.map_err(|error| broken(&error, &self.address))?;
                let going = match &chunk {
                    Some(chunk) => pulling.feed(chunk, &mut progress)?,
                    None => pulling.end(&mut progress)?,
                };
                match going {
                    Going::Done => return Ok(()),
                    _ if chunk.is_none() => {
                        return Err(CallError::Broken { why: Quote::of("the pull ended before it succeeded") });
                    }
                    Going::On => patience = Instant::now() + idle,
                    Going::Quiet => {}
                }
                // A fast server must not keep a cancellation from being seen.
                tokio::task::consume_budget().await;
            }
        };
        unless_cancelled(cancel, work).await
    }

    async fn get(&self, path: &str, deadline: Duration) -> Result<Vec<u8>, CallError> {
        self.call(path, Sent::Get, deadline).await
    }

    async fn call(&self, path: &str, sent: Sent, deadline: Duration) -> Result<Vec<u8>, CallError> {
        let whole = async {
            let response = send(&self.client, &self.address, path, sent).await?;
            body(response, MOST_ANSWER_BYTES, &self.address).await
        };
        timeout(deadline, whole).await.map_err(|_| CallError::TooSlow { after: deadline })?
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.address.shown())
    }
}
