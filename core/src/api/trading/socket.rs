//! A running desk is asked over a socket of the data directory: one JSON line in, one out.
//!
//! It lies in a folder that only its user may enter, so whoever can write to it may use the account.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Answer, Request};
use crate::api::ApiError;

/// Bytes of a question: an order has some hundreds.
const LONGEST: u64 = 64 * 1024;
/// One who asks has this long to do it: others wait behind.
const PATIENCE: Duration = Duration::from_secs(2);
/// An answer takes a sync of the journal, and waits for the groups before it.
const ANSWER: Duration = Duration::from_secs(30);
/// A socket's path is a field of a hundred and eight bytes for the system.
const LONGEST_PATH: usize = 100;

/// Answers until it is dropped.
pub struct Socket {
    path: PathBuf,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Beside the data; where that path is too long for the system, beside other programs' temporary files, under a name that follows from it.
fn path(directory: &Path) -> PathBuf {
    let near = directory.join("run").join("desk.sock");
    if near.as_os_str().len() <= LONGEST_PATH {
        return near;
    }
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let name = blake3::hash(absolute.as_os_str().as_encoded_bytes()).to_hex();
    std::env::temp_dir().join(format!("tapedeck-{}", &name[..16])).join("desk.sock")
}

/// Answers questions for the process that holds the data directory. `answer` is called from one thread.
pub(super) fn serve(
    directory: &Path,
    answer: impl Fn(Request) -> Result<Answer, ApiError> + Send + 'static,
) -> std::io::Result<Socket> {
    let path = path(directory);
    let folder = path.parent().expect("the socket lies in a folder");
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // One that a killed process left. The lock of the directory says that there is no other.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    let stopped = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&stopped);
    let thread = std::thread::Builder::new().name("tapedeck-socket".to_owned()).spawn(move || {
        for stream in listener.incoming() {
            if ends.load(Ordering::Relaxed) {
                return;
            }
            // One who hangs up or sends nonsense gets no answer, and the next one is asked.
            let outcome = stream.and_then(|stream| converse(&stream, &answer));
            if let Err(error) = outcome {
                tracing::debug!(%error, "a question over the socket ended early");
            }
        }
    })?;
    Ok(Socket { path, stopped, thread: Some(thread) })
}

fn converse(stream: &UnixStream, answer: &impl Fn(Request) -> Result<Answer, ApiError>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream).take(LONGEST).read_line(&mut line)?;
    let answered = match serde_json::from_str(&line) {
        Ok(request) => answer(request),
        Err(error) => Err(ApiError::refused("not_a_request", error, "Use the same Tapedeck for both programs.")),
    };
    let mut text = serde_json::to_string(&answered).map_err(std::io::Error::other)?;
    text.push('\n');
    (&mut &*stream).write_all(text.as_bytes())
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread, which is waiting for somebody.
        drop(UnixStream::connect(&self.path));
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Asks the process that holds the data directory. None when there is none that answers.
pub(super) fn ask(directory: &Path, request: &Request) -> Result<Option<Answer>, ApiError> {
    let Ok(mut stream) = UnixStream::connect(path(directory)) else { return Ok(None) };
    let exchange = || -> std::io::Result<Result<Answer, ApiError>> {
        stream.set_read_timeout(Some(ANSWER))?;
        let mut text = serde_json::to_string(request).map_err(std::io::Error::other)?;
        text.push('\n');
        stream.write_all(text.as_bytes())?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        serde_json::from_str(&line).map_err(std::io::Error::other)
    };
    let mut exchange = exchange;
    let answered = exchange().map_err(|error| {
        ApiError::new(
            "no_answer",
            format!("the running desk gave no answer: {error}"),
            "Whether it did what was asked is not known. Sent again under the same name it is the same command.",
            "Look at `tapedeck orders`, then send it again.",
        )
    })?;
    answered.map(Some)
}
