//! HTTP with bounds: no redirects, no proxies, no compression, no more bytes than were agreed on.

use std::error::Error;
use std::iter::successors;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Method, Response, StatusCode, redirect, retry};
use tokio::sync::watch;
use tokio::time::timeout;

use super::ask::failure;
use super::{Address, CallError, Quote};

/// A host that does not take a connection within this is not there. On a desk's own machine it takes less than a millisecond.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// What a refusal says is worth this long a wait, and this many bytes, and no more.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);
const MOST_REFUSAL_BYTES: usize = 4 << 10;

/// Whatever features of reqwest other crates turn on, this one keeps to what is said here.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .use_rustls_tls()
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .user_agent("tapedeck")
        .connect_timeout(CONNECT_PATIENCE)
        .pool_max_idle_per_host(1)
        .build()
}

/// What is sent: nothing, or JSON.
pub(super) enum Sent {
    Get,
    Post(Vec<u8>),
}

/// The answer once its head is here and its status is good. Errors: all that a head can say.
pub(super) async fn send(client: &Client, address: &Address, path: &str, sent: Sent) -> Result<Response, CallError> {
    let url = address.of_call(path);
    let request = match sent {
        Sent::Get => client.request(Method::GET, url),
        Sent::Post(json) => client.request(Method::POST, url).header(CONTENT_TYPE, "application/json").body(json),
    };
    let response = request.send().await.map_err(|error| broken(&error, address))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(CallError::Redirected { status: status.as_u16() });
    }
    let encoding = response.headers().get(CONTENT_ENCODING).filter(|value| !value.is_empty() && *value != "identity");
    if let Some(encoding) = encoding {
        return Err(CallError::Encoded { encoding: Quote::of_bytes(encoding.as_bytes()) });
    }
    if status != StatusCode::OK {
        let said = refusal(response).await;
        return Err(match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                CallError::Busy { status: status.as_u16(), said }
            }
            _ => CallError::Status { status: status.as_u16(), said },
        });
    }
    Ok(response)
}

/// The whole body, of at most `bound` bytes. A longer one is not read to its end: its connection is closed.
pub(super) async fn body(mut response: Response, bound: usize, address: &Address) -> Result<Vec<u8>, CallError> {
    let too_long = CallError::TooLong { bound };
    if response.content_length().is_some_and(|length| length > bound as u64) {
        return Err(too_long);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, address))? {
        if body.len() + chunk.len() > bound {
            return Err(too_long);
        }
        body.extend_from_slice(&chunk);
        // A fast server must not keep a deadline or a cancellation from being seen.
        tokio::task::consume_budget().await;
    }
    Ok(body)
}

/// What the server says of a bad status, as far as it says it soon.
async fn refusal(mut response: Response) -> Quote {
    let mut said = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = MOST_REFUSAL_BYTES - said.len();
            said.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if said.len() == MOST_REFUSAL_BYTES {
                break;
            }
        }
    };
    // Whether it ended or not, what came is quoted.
    let _ = timeout(REFUSAL_PATIENCE, read).await;
    failure(&said).unwrap_or_else(|| Quote::of_bytes(&said))
}

/// The cause at the bottom: those above it repeat the URL, or say "error sending request".
pub(super) fn broken(error: &reqwest::Error, address: &Address) -> CallError {
    let cause = successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source()).last();
    let why = if error.is_timeout() {
        Quote::of("no answer to the connection")
    } else {
        Quote::of(&cause.map_or_else(|| "no cause is known".to_owned(), ToString::to_string))
    };
    if error.is_connect() {
        CallError::Unreachable { server: address.shown().clone(), why }
    } else {
        CallError::Broken { why }
    }
}

/// `work`, unless `cancel` turns true before it is done. A sender that is dropped cancels nothing.
pub(super) async fn unless_cancelled<T>(
    mut cancel: watch::Receiver<bool>,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let cancelled = async {
        if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = cancelled => Err(CallError::Cancelled),
        done = work => done,
    }
}
