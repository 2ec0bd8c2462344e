//! A model server on the loopback device that speaks Ollama's API, or breaks it. HTTP/1.1 is written by hand, because a library of
//! HTTP refuses to write most of what is sent here.
//!
//! Nothing it does lasts longer than `LONGEST`, and no flood is longer than a gigabyte. It ends when it is dropped.

mod behaviour;
mod flood;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

pub use behaviour::{Behaviour, Pull, Stage, chat, pull_line};
pub use flood::{Flood, GIGABYTE};

/// Of a connection.
const LONGEST: Duration = Duration::from_secs(120);
/// Of a socket, so that what was written is not far from what was read.
pub const SEND_BUFFER: u32 = 64 << 10;

/// Closes when dropped.
pub struct Ollama {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

pub(crate) struct Shared {
    behaviour: Mutex<Behaviour>,
    heard: Mutex<Vec<Heard>>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    connections: AtomicU64,
    closed: AtomicU64,
    written: AtomicU64,
}

/// What was seen of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub connections: u64,
    /// Connections that are over, whoever ended them.
    pub closed: u64,
    pub requests: u64,
    /// Bytes that the sockets took.
    pub written: u64,
}

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: String,
    pub target: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Ollama {
    pub fn open(behaviour: Behaviour) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let socket = TcpSocket::new_v4()?;
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = {
            // Not `block_on`, which a test that is async could not call.
            let _inside = runtime.enter();
            socket.listen(64)?
        };
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            heard: Mutex::default(),
            counters: Counters::default(),
        });
        let floor = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let floor = Arc::clone(&floor);
                floor.counters.connections.fetch_add(1, Relaxed);
                tokio::spawn(async move {
                    // Whether the client or the clock ended it: it is over.
                    let _ = tokio::time::timeout(LONGEST, wire::serve(stream, &floor)).await;
                    floor.counters.closed.fetch_add(1, Relaxed);
                });
            }
        });
        Ok(Self { shared, address, runtime: Some(runtime) })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the next request on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    pub fn counts(&self) -> Counts {
        let counters = &self.shared.counters;
        Counts {
            connections: counters.connections.load(Relaxed),
            closed: counters.closed.load(Relaxed),
            requests: self.heard().len() as u64,
            written: counters.written.load(Relaxed),
        }
    }

    /// Every request, in order.
    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether every connection is over before `patience` is.
    pub fn left_alone(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let counts = self.counts();
            if counts.closed == counts.connections {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Shared {
    fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, heard: Heard) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    }
}

impl Drop for Ollama {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Callers may be async, where waiting for a runtime to end is not allowed.
            runtime.shutdown_background();
        }
    }
}
