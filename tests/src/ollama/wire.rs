//! HTTP/1.1 by hand, as well or as badly as the behaviour says.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::behaviour::{good, good_pull};
use super::{Behaviour, Flood, GIGABYTE, Heard, Pull, Shared, Stage};

/// `None` ends a connection.
type Going = Option<()>;

struct Wire<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    heard: Vec<u8>,
}

pub(super) async fn serve(stream: TcpStream, shared: &Shared) {
    // A drip is to be seen as one.
    let _ = stream.set_nodelay(true);
    let mut wire = Wire { stream, shared, heard: Vec::new() };
    while wire.turn().await.is_some() {}
}

impl Wire<'_> {
    /// One request and what is done with it.
    async fn turn(&mut self) -> Going {
        if matches!(self.shared.behaviour(), Behaviour::NeverReads) {
            return self.wait_for_the_end_unread().await;
        }
        let request = self.request().await?;
        let target = request.target.clone();
        self.shared.hear(request);
        match self.shared.behaviour() {
            Behaviour::Says(_) if target == "/api/pull" => self.pull(Pull::Lines(good_pull())).await,
            Behaviour::Says(content) => match good(&target, &content) {
                Some(answer) => self.answer("200 OK", "", answer.to_string().as_bytes()).await,
                None => self.answer("404 Not Found", "", b"404 page not found").await,
            },
            Behaviour::Body(body) => self.answer("200 OK", "", &body).await,
            Behaviour::ByteByByte(body) => {
                self.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
                for byte in body {
                    self.write(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']).await?;
                }
                self.write(b"0\r\n\r\n").await
            }
            Behaviour::Raw(bytes) => {
                self.write(&bytes).await?;
                self.finish().await
            }
            Behaviour::Status(status, body) => self.answer(status, "", body.as_bytes()).await,
            Behaviour::Headers(headers) => self.answer("200 OK", &headers, &body_of(&target)).await,
            Behaviour::Redirect(status, to) => {
                let to = if to.is_empty() { target } else { to };
                self.answer(&format!("{status} Elsewhere"), &format!("Location: {to}\r\n"), b"").await
            }
            Behaviour::NeverReads => None,
            Behaviour::Hang(stage) => {
                self.write(&stage.of(&body_of(&target))).await?;
                self.wait_for_the_end().await
            }
            Behaviour::Cut(stage, reset) => {
                self.write(&stage.of(&body_of(&target))).await?;
                if reset {
                    // What was written is to arrive first, or every stage were the first.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let _ = self.stream.set_zero_linger();
                    return None;
                }
                self.finish().await
            }
            Behaviour::Drip(each) => {
                let mut whole = Stage::BodyStart.of(&body_of(&target));
                whole.extend(body_of(&target));
                self.drip(&whole, each).await
            }
            Behaviour::Flood(flood) => self.flood(flood).await,
            Behaviour::Pull(pull) => self.pull(pull).await,
            Behaviour::NoModel => {
                self.answer(
                    "404 Not Found",
                    "",
                    br#"{"error":"model \"llama3.2:3b\" not found, try pulling it first"}"#,
                )
                .await
            }
        }
    }

    async fn request(&mut self) -> Option<Heard> {
        let end = loop {
            if let Some(at) = self.heard.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8_lossy(&self.heard[..end]).into_owned();
        self.heard.drain(..end);
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        while self.heard.len() < length {
            self.read_more().await?;
        }
        let body = self.heard.drain(..length).collect();
        let mut words = head.split_whitespace().map(str::to_owned);
        Some(Heard { method: words.next()?, target: words.next()?, head, body })
    }

    async fn read_more(&mut self) -> Going {
        let read = self.stream.read_buf(&mut self.heard).await.ok()?;
        (read > 0 && self.heard.len() < 1 << 20).then_some(())
    }

    async fn answer(&mut self, status: &str, headers: &str, body: &[u8]) -> Going {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.write(&[head.as_bytes(), body].concat()).await
    }

    async fn pull(&mut self, pull: Pull) -> Going {
        self.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await?;
        match pull {
            Pull::Lines(lines) => {
                self.lines(&lines).await?;
                self.write(b"0\r\n\r\n").await
            }
            Pull::Stalls(lines) => {
                self.lines(&lines).await?;
                self.wait_for_the_end().await
            }
            Pull::Endless(each) => {
                for part in (1..100).cycle() {
                    self.lines(&[super::pull_line("pulling dde5aa3fc5ff", part, 100)]).await?;
                    tokio::time::sleep(each).await;
                }
                None
            }
            Pull::Drip(each) => loop {
                self.write(b"1\r\nx\r\n").await?;
                tokio::time::sleep(each).await;
            },
            Pull::Blank => loop {
                self.write(b"8\r\n\n\n\n\n\n\n\n\n\r\n").await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            },
            Pull::Breaks(lines) => {
                self.lines(&lines).await?;
                self.write(b"40\r\n{\"status\":\"pul").await?;
                self.finish().await
            }
        }
    }

    async fn lines(&mut self, lines: &[String]) -> Going {
        for line in lines {
            self.write(format!("{:x}\r\n{line}\n\r\n", line.len() + 1).as_bytes()).await?;
        }
        Some(())
    }

    async fn drip(&mut self, bytes: &[u8], each: Duration) -> Going {
        for byte in bytes {
            self.write(&[*byte]).await?;
            tokio::time::sleep(each).await;
        }
        Some(())
    }

    async fn flood(&mut self, flood: Flood) -> Going {
        let (head, piece) = flood.pieces();
        self.write(head.as_bytes()).await?;
        for _ in 0..GIGABYTE / piece.len() as u64 {
            self.write(&piece).await?;
        }
        self.finish().await
    }

    /// Counts what the socket takes, not what was meant.
    async fn write(&mut self, mut bytes: &[u8]) -> Going {
        while !bytes.is_empty() {
            let written = self.stream.write(bytes).await.ok()?;
            self.shared.counters.written.fetch_add(written as u64, Relaxed);
            bytes = &bytes[written..];
        }
        Some(())
    }

    /// In good order: what was written arrives.
    async fn finish(&mut self) -> Going {
        let _ = self.stream.shutdown().await;
        self.wait_for_the_end().await
    }

    async fn wait_for_the_end(&mut self) -> Going {
        let mut unread = [0; 1024];
        while self.stream.read(&mut unread).await.ok()? > 0 {}
        None
    }

    async fn wait_for_the_end_unread(&mut self) -> Going {
        // Only the clock or the end of the server end it: who does not read does not see the client go.
        tokio::time::sleep(super::LONGEST).await;
        None
    }
}

/// A good body for a target.
fn body_of(target: &str) -> Vec<u8> {
    match target {
        "/api/pull" => format!("{}\n", good_pull().join("\n")).into_bytes(),
        _ => good(target, "Bullish.").unwrap_or_default().to_string().into_bytes(),
    }
}
