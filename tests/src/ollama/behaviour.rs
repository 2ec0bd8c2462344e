//! What the server does with a request.

use std::time::Duration;

use serde_json::{Value, json};

use super::Flood;

#[derive(Clone, Debug)]
pub enum Behaviour {
    /// As Ollama does: a version, two models, a pull that succeeds, and this as what the model says.
    Says(String),
    /// A good head with a length, and this as the body, whatever was asked.
    Body(Vec<u8>),
    /// This body in chunks of one byte.
    ByteByByte(Vec<u8>),
    /// These bytes as they are, then the end of the connection.
    Raw(Vec<u8>),
    /// A status line such as `503 Service Unavailable`, and a body.
    Status(&'static str, String),
    /// Headers more than the usual, each with its line end, and a good answer.
    Headers(String),
    /// A status, and where it sends the client: to itself if it is empty.
    Redirect(u16, String),
    /// The request is not even read.
    NeverReads,
    /// Up to a stage, then nothing more until the client goes.
    Hang(Stage),
    /// Up to a stage, then the end of the connection. `true`: by a reset.
    Cut(Stage, bool),
    /// A good answer, a byte each so often.
    Drip(Duration),
    Flood(Flood),
    Pull(Pull),
    /// 404, as Ollama says it.
    NoModel,
}

/// How far an answer gets. Answers that stop in chunks are sent in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Connection,
    StatusLine,
    HeaderName,
    HeaderValue,
    /// One line end short of it.
    Head,
    /// All of the head, none of the body.
    BodyStart,
    BodyMiddle,
    /// All but the last byte.
    BodyEnd,
    ChunkSize,
    ChunkMiddle,
    /// All data, no last chunk.
    LastChunk,
}

impl Stage {
    pub const ALL: [Self; 11] = [
        Self::Connection,
        Self::StatusLine,
        Self::HeaderName,
        Self::HeaderValue,
        Self::Head,
        Self::BodyStart,
        Self::BodyMiddle,
        Self::BodyEnd,
        Self::ChunkSize,
        Self::ChunkMiddle,
        Self::LastChunk,
    ];

    /// What is sent of a good answer.
    pub(super) fn of(self, body: &[u8]) -> Vec<u8> {
        let length =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (half, all) = (body.len() / 2, body.len());
        let with = |head: &str, body: &[u8]| [head.as_bytes(), body].concat();
        let size = format!("{chunked}{all:x}\r\n");
        match self {
            Self::Connection => Vec::new(),
            Self::StatusLine => b"HTTP/1.1 20".to_vec(),
            Self::HeaderName => b"HTTP/1.1 200 OK\r\nContent-Len".to_vec(),
            Self::HeaderValue => b"HTTP/1.1 200 OK\r\nContent-Length: 1".to_vec(),
            Self::Head => with(&length[..length.len() - 2], b""),
            Self::BodyStart => with(&length, b""),
            Self::BodyMiddle => with(&length, &body[..half]),
            Self::BodyEnd => with(&length, &body[..all - 1]),
            Self::ChunkSize => with(&size[..size.len() - 3], b""),
            Self::ChunkMiddle => with(&size, &body[..half]),
            Self::LastChunk => with(&format!("{size}{}\r\n", String::from_utf8_lossy(body)), b""),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Pull {
    /// These lines, each written by itself, then the end of the stream.
    Lines(Vec<String>),
    /// These lines, then silence.
    Stalls(Vec<String>),
    /// 1 %, 2 %, … and never 100 %, each so often.
    Endless(Duration),
    /// One line, a byte each so often.
    Drip(Duration),
    /// Line ends alone, for ever.
    Blank,
    /// The connection ends after these lines, in the middle of a chunk.
    Breaks(Vec<String>),
}

/// A good answer of a chat.
pub fn chat(content: &str) -> Value {
    json!({
        "model": "llama3.2:3b",
        "created_at": "2026-03-20T14:11:43.123456789Z",
        "message": { "role": "assistant", "content": content },
        "done_reason": "stop",
        "done": true,
        "total_duration": 5_191_566_416_u64,
        "load_duration": 2_154_458_u64,
        "prompt_eval_count": 326,
        "prompt_eval_duration": 383_809_000_u64,
        "eval_count": 98,
        "eval_duration": 4_799_921_000_u64,
    })
}

pub fn pull_line(status: &str, completed: u64, total: u64) -> String {
    json!({ "status": status, "digest": "sha256:dde5aa3fc5ff", "total": total, "completed": completed }).to_string()
}

pub(super) fn good_pull() -> Vec<String> {
    let status = |status: &str| json!({ "status": status }).to_string();
    let fetching = (0..=10).map(|part| pull_line("pulling dde5aa3fc5ff", part * 100, 1_000));
    let after = ["verifying sha256 digest", "writing manifest", "success"].map(status);
    [status("pulling manifest")].into_iter().chain(fetching).chain(after).collect()
}

/// What Ollama answers at a target.
pub(super) fn good(target: &str, content: &str) -> Option<Value> {
    let details = |family: &str, size: &str| {
        json!({
            "parent_model": "", "format": "gguf", "family": family, "families": [family],
            "parameter_size": size, "quantization_level": "Q4_K_M",
        })
    };
    match target {
        "/api/version" => Some(json!({ "version": "0.6.2" })),
        "/api/tags" => Some(json!({ "models": [
            {
                "name": "llama3.2:3b", "model": "llama3.2:3b", "modified_at": "2026-03-01T10:11:12.131415161-07:00",
                "size": 2_019_393_189_u64, "digest": "a80c4f17acd5", "details": details("llama", "3.2B"),
            },
            {
                "name": "hf.co/some/gemma3:Q4_K_M", "model": "hf.co/some/gemma3:Q4_K_M", "modified_at": "2026-02-28T10:11:12Z",
                "size": 253_000_000, "digest": "b80c4f17acd5", "details": details("gemma3", "268.10M"),
            },
        ]})),
        "/api/chat" => Some(chat(content)),
        _ => None,
    }
}
