//! Keeps a feed connected: backs off, comes back, asks for every channel again. One bad frame or line never ends it.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::stream::{self, Ended, FeedEvent, Reading, asked_to_stop};
use crate::clock;
use crate::domain::Pair;

const SHORTEST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The next failure starts the waits anew after a connection that gave frames for this long.
const GOOD_CONNECTION: Duration = Duration::from_secs(60);
/// A venue that answers at all, if not for long, is asked again within six seconds.
const MOST_AFTER_FRAMES: u32 = 3;

#[derive(Clone, Debug)]
pub struct FeedConfig {
    pub url: String,
    pub pairs: Vec<Pair>,
    pub connect_patience: Duration,
}

impl FeedConfig {
    pub fn new(url: String, pairs: Vec<Pair>) -> Self {
        Self { url, pairs, connect_patience: Duration::from_secs(2) }
    }
}

/// Runs until `stop` turns true or the receiver is gone.
pub async fn run(config: FeedConfig, events: mpsc::Sender<FeedEvent>, mut stop: watch::Receiver<bool>) {
    let mut attempt = 0;
    loop {
        let (started, mut frames) = (clock::monotonic(), 0);
        let connected = tokio::select! {
            connected = stream::connect(&config.url, &config.pairs, config.connect_patience) => connected,
            () = asked_to_stop(&mut stop) => return,
        };
        let reason = match connected {
            Ok(socket) => {
                if events.send(FeedEvent::Connected).await.is_err() {
                    return;
                }
                let Reading { frames: read, reason } = stream::read(socket, &events, &mut stop).await;
                frames = read;
                if events.send(FeedEvent::Disconnected { reason: reason.clone() }).await.is_err() {
                    return;
                }
                reason
            }
            Err(reason) => reason,
        };
        if reason == Ended::Stopped {
            return;
        }
        attempt = attempt_after(attempt, frames, started.elapsed());
        let wait = backoff(attempt, random());
        attempt = attempt.saturating_add(1);
        if events.send(FeedEvent::Retrying { wait, reason }).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = asked_to_stop(&mut stop) => return,
        }
    }
}

/// Silence is no answer, however long the line was up.
fn attempt_after(attempt: u32, frames: u64, lasted: Duration) -> u32 {
    match frames {
        0 => attempt,
        _ if lasted >= GOOD_CONNECTION => 0,
        _ => attempt.min(MOST_AFTER_FRAMES),
    }
}

/// 0.5 s doubling to 20 s, and up to half as much again, so that a thousand desks do not come back at once: 0.5 to 30 s.
/// `random` is in `[0, 1)`.
pub fn backoff(attempt: u32, random: f64) -> Duration {
    let least = SHORTEST_WAIT.saturating_mul(2u32.saturating_pow(attempt.min(16))).min(LONGEST_WAIT * 2 / 3);
    least.mul_f64(1.0 + random.clamp(0.0, 1.0) / 2.0).min(LONGEST_WAIT)
}

/// Jitter needs no more than the hasher's own seed.
fn random() -> f64 {
    (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_no_further() {
        for (attempt, least, most) in [
            (0, 500, 750),
            (1, 1_000, 1_500),
            (2, 2_000, 3_000),
            (5, 16_000, 24_000),
            (6, 20_000, 30_000),
            (u32::MAX, 20_000, 30_000),
        ] {
            assert_eq!(backoff(attempt, 0.0).as_millis(), least, "attempt {attempt}");
            assert_eq!(backoff(attempt, 1.0).as_millis(), most, "attempt {attempt}");
        }
    }

    #[test]
    fn a_venue_that_accepts_and_says_nothing_is_not_hammered() {
        let (moment, minute) = (Duration::from_secs(11), Duration::from_secs(60));
        for (attempt, frames, lasted, expected) in
            [(7, 0, minute, 7), (7, 1, moment, 3), (1, 1, moment, 1), (7, 900, minute, 0)]
        {
            assert_eq!(
                attempt_after(attempt, frames, lasted),
                expected,
                "{attempt} after {frames} frames in {lasted:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_feed_that_is_not_there_is_tried_again_and_said_so() {
        for url in ["ws://127.0.0.1:1", "wss://127.0.0.1:1"] {
            let (events, mut heard) = mpsc::channel(8);
            let (stop, stopped) = watch::channel(false);
            let config = FeedConfig::new(url.to_owned(), vec!["BTC-USD".parse().expect("a pair")]);
            let feed = tokio::spawn(run(config, events, stopped));
            for _ in 0..2 {
                let event = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await.expect("in time");
                assert!(matches!(event, Some(FeedEvent::Retrying { reason: Ended::Connect(_), .. })), "{event:?}");
            }
            stop.send(true).expect("listening");
            tokio::time::timeout(Duration::from_secs(5), feed).await.expect("in time").expect("no panic");
        }
    }

    #[tokio::test]
    async fn a_lost_connection_comes_back_with_every_channel_and_one_bad_frame_ends_nothing() {
        use futures_util::{SinkExt, StreamExt};
        use tokio_tungstenite::tungstenite::Message;

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        let venue = tokio::spawn(async move {
            let mut asked = Vec::new();
            for _ in 0..2 {
                let (stream, _) = listener.accept().await.expect("a desk");
                let mut socket = tokio_tungstenite::accept_async(stream).await.expect("a handshake");
                asked
                    .push(socket.next().await.expect("a frame").expect("whole").into_text().expect("text").to_string());
                for frame in ["{\"type\":\"match\",", "{\"type\":\"subscriptions\"}"] {
                    socket.send(Message::text(frame)).await.expect("sent");
                }
                socket.close(None).await.expect("closed");
            }
            asked
        });
        let (events, mut heard) = mpsc::channel(2);
        let (stop, stopped) = watch::channel(false);
        let feed = tokio::spawn(run(FeedConfig::new(url, vec!["BTC-USD".parse().expect("a pair")]), events, stopped));
        let mut kinds = Vec::new();
        while kinds.len() < 9 {
            kinds.push(
                match tokio::time::timeout(Duration::from_secs(10), heard.recv())
                    .await
                    .expect("in time")
                    .expect("an event")
                {
                    FeedEvent::Connected => "connected",
                    FeedEvent::Frame { .. } => "frame",
                    FeedEvent::Disconnected { reason: Ended::Closed } => "closed",
                    FeedEvent::Disconnected { .. } => "broken",
                    FeedEvent::Retrying { .. } => "retrying",
                },
            );
        }
        let once = ["connected", "frame", "frame", "closed", "retrying"];
        assert_eq!(kinds, [&once[..], &once[..4]].concat());
        let asked = venue.await.expect("no panic");
        for channel in ["matches", "ticker", "heartbeat", "BTC-USD"] {
            assert!(asked.iter().all(|asked| asked.contains(channel)), "{channel} was not asked for in {asked:?}");
        }
        stop.send(true).expect("listening");
        tokio::time::timeout(Duration::from_secs(5), feed).await.expect("in time").expect("no panic");
    }
}
