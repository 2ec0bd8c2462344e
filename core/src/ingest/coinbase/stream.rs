//! One connection to the feed: connect, subscribe, read, ping, and say why it ended.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::wire::LONGEST_FRAME;
use crate::clock;
use crate::domain::{Pair, ReceivedTime};

/// Heartbeats come every second; this long without anything is a dead line that has not noticed.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the venue has to close the line after we have.
const GOODBYE: Duration = Duration::from_secs(1);
const PING_EVERY: Duration = Duration::from_secs(15);
/// What the socket takes in at all. A frame between `LONGEST_FRAME` and this is quarantined and the line kept.
const LARGEST_MESSAGE: usize = 8 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// Every channel was asked for again.
    Connected,
    Frame {
        bytes: Bytes,
        received: ReceivedTime,
    },
    Disconnected {
        reason: Ended,
    },
    Retrying {
        wait: Duration,
        reason: Ended,
    },
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    #[error("no answer within {0:?}")]
    ConnectTimeout(Duration),
    #[error("{0}")]
    Connect(String),
    #[error("nothing came for {} s", SILENCE.as_secs())]
    Silent,
    #[error("the venue closed the connection")]
    Closed,
    #[error("a frame of {bytes} bytes came; more than 8 MiB is not taken in")]
    TooLarge { bytes: usize },
    #[error("the line takes nothing more")]
    Stuck,
    #[error("{0}")]
    Broken(String),
    /// The receiver of the events is gone, or asked for the end.
    #[error("asked to stop")]
    Stopped,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects and subscribes. Works for `wss://` and, for a feed of one's own, `ws://`.
pub(super) async fn connect(url: &str, pairs: &[Pair], patience: Duration) -> Result<Socket, Ended> {
    let limits =
        WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
    // Ticks are small and wait for nothing: no Nagle.
    let connecting = connect_async_tls_with_config(url, Some(limits), true, Some(Connector::Rustls(tls())));
    let (mut socket, _) = timeout(patience, connecting)
        .await
        .map_err(|_| Ended::ConnectTimeout(patience))?
        .map_err(|error| Ended::Connect(in_words(&error)))?;
    let subscribe = serde_json::json!({
        "type": "subscribe",
        "product_ids": pairs,
        "channels": ["matches", "ticker", "heartbeat"],
    });
    send(&mut socket, Message::text(subscribe.to_string())).await?;
    Ok(socket)
}

/// A peer that reads nothing must not hold the feed for ever.
async fn send(socket: &mut Socket, message: Message) -> Result<(), Ended> {
    timeout(SILENCE, socket.send(message)).await.map_err(|_| Ended::Stuck)?.map_err(ended)
}

fn ended(error: Error) -> Ended {
    match error {
        Error::ConnectionClosed => Ended::Closed,
        Error::Capacity(CapacityError::MessageTooLong { size, .. }) => Ended::TooLarge { bytes: size },
        error => Ended::Broken(in_words(&error)),
    }
}

/// What a user can act on; the rest keeps the library's words.
fn in_words(error: &Error) -> String {
    use std::io::ErrorKind;
    match error {
        Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "nothing answers at that address".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                "the line broke".to_owned()
            }
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
                "there is no network".to_owned()
            }
            ErrorKind::TimedOut => "no answer came in time".to_owned(),
            // The resolver has no kind of its own.
            _ if error.to_string().contains("lookup address") => {
                "its name was not found; there may be no network".to_owned()
            }
            _ => error.to_string(),
        },
        Error::Http(response) => format!("the venue answered {}", response.status()),
        error => error.to_string(),
    }
}

/// The provider is named here: a process with two of them, or none, would panic at the first `wss://`.
fn tls() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// What a connection gave before it was over.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) frames: u64,
    pub(super) reason: Ended,
}

/// Hands on every frame until the connection ends. Waits when the receiver is full: then the venue's buffers fill, and nothing is lost.
///
/// When asked to stop it closes the line and reads on to the venue's own close: what had been sent by then is taken.
pub(super) async fn read(
    mut socket: Socket,
    events: &mpsc::Sender<FeedEvent>,
    stop: &mut watch::Receiver<bool>,
) -> Reading {
    let mut frames = 0;
    let reason = read_frames(&mut socket, events, stop, &mut frames).await;
    Reading { frames, reason }
}

/// Returns when the feed is asked to end, or nobody is left to ask.
pub async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn read_frames(
    socket: &mut Socket,
    events: &mpsc::Sender<FeedEvent>,
    stop: &mut watch::Receiver<bool>,
    frames: &mut u64,
) -> Ended {
    const { assert!(LONGEST_FRAME < LARGEST_MESSAGE, "an oversized frame reaches the quarantine, not the socket's limit") };
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A deadline, which a ping of ours does not put off. It starts anew when the receiver has made room, not while we wait for it.
    let mut deadline = Instant::now() + SILENCE;
    let mut closing = false;
    loop {
        let message = tokio::select! {
            () = asked_to_stop(stop), if !closing => {
                closing = true;
                deadline = Instant::now() + GOODBYE;
                match timeout(GOODBYE, socket.send(Message::Close(None))).await {
                    Ok(Ok(())) => continue,
                    _ => return Ended::Stopped,
                }
            }
            message = timeout_at(deadline, socket.next()) => message,
            _ = pings.tick() => {
                match send(socket, Message::Ping(Bytes::new())).await {
                    Ok(()) => continue,
                    Err(reason) => return reason,
                }
            }
        };
        let bytes = match message {
            Err(_) | Ok(None | Some(Ok(Message::Close(_)) | Err(_))) if closing => return Ended::Stopped,
            Err(_) => return Ended::Silent,
            Ok(None | Some(Ok(Message::Close(_)))) => return Ended::Closed,
            Ok(Some(Err(error))) => return ended(error),
            Ok(Some(Ok(Message::Text(text)))) => Some(text.into()),
            Ok(Some(Ok(Message::Binary(bytes)))) => Some(bytes),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => None,
        };
        if let Some(bytes) = bytes {
            if events.send(FeedEvent::Frame { bytes, received: clock::received_now() }).await.is_err() {
                return Ended::Stopped;
            }
            *frames += 1;
        }
        if !closing {
            deadline = Instant::now() + SILENCE;
        }
    }
}
