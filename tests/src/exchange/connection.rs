//! One client of the feed: what it asks for, and what is written to it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WireFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::faults::{Cut, Payload};
use super::market::FrameKind;
use super::{Client, Floor, Outgoing, Shared, locked};

/// Frames written between two looks at what the client says.
const CLUMP: usize = 256;

type Socket = WebSocketStream<TcpStream>;

pub(super) async fn accept(listener: TcpListener, floor: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream, Arc::clone(&floor)));
    }
}

async fn serve(stream: TcpStream, floor: Shared) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let (to, mut from_floor) = unbounded_channel();
    let number = {
        let mut floor = locked(&floor);
        floor.truth.connections += 1;
        floor.truth.connections
    };
    let cut = talk(&mut socket, &mut from_floor, &to, &floor, number).await;
    {
        let mut floor = locked(&floor);
        if floor.client.as_ref().is_some_and(|c| c.number == number) {
            floor.client = None;
        }
    }
    if let Some(cut) = cut {
        end(socket, cut).await;
    }
}

/// Until the client goes, or a fault cuts it off.
async fn talk(
    socket: &mut Socket,
    from_floor: &mut UnboundedReceiver<Outgoing>,
    to: &UnboundedSender<Outgoing>,
    floor: &Shared,
    number: u32,
) -> Option<Cut> {
    loop {
        tokio::select! {
            outgoing = from_floor.recv() => {
                let mut next = outgoing;
                let mut written = Vec::new();
                let mut cut = None;
                while let Some(outgoing) = next.take() {
                    match outgoing {
                        Outgoing::Cut(how) => cut = Some(how),
                        Outgoing::Frame(kind, payload, trade) => {
                            socket.feed(message(payload)).await.ok()?;
                            written.push((kind, trade));
                        }
                    }
                    if cut.is_none() && written.len() < CLUMP {
                        next = from_floor.try_recv().ok();
                    }
                }
                socket.flush().await.ok()?;
                locked(floor).written(number, written);
                if cut.is_some() {
                    return cut;
                }
            }
            heard = socket.next() => match heard?.ok()? {
                Message::Text(text) => {
                    if let Ok(request) = serde_json::from_str::<Value>(&text) {
                        locked(floor).subscribe(number, to, &request);
                    }
                }
                Message::Close(_) => return None,
                _ => {}
            },
        }
    }
}

fn message(payload: Payload) -> Message {
    match payload {
        Payload::Text(text) => Message::text(text),
        Payload::Binary(bytes) => Message::binary(bytes),
        Payload::BrokenText(bytes) => Message::Frame(WireFrame::message(bytes, OpCode::Data(Data::Text), true)),
    }
}

async fn end(mut socket: Socket, cut: Cut) {
    match cut {
        Cut::Close => {
            let _ = socket.close(None).await;
        }
        Cut::End => {
            let _ = socket.get_mut().shutdown().await;
        }
        Cut::Torn => {
            // The head of a text frame of 200 bytes, and 40 of them.
            let mut half = vec![0x81, 126, 0, 200];
            half.extend_from_slice(br#"{"type":"match","trade_id":1087540999,"m"#);
            let _ = socket.get_mut().write_all(&half).await;
            let _ = socket.get_mut().shutdown().await;
        }
        Cut::Reset => {
            let _ = socket.get_mut().set_zero_linger();
            return;
        }
    }
    // Closing with unread bytes would send RST, which takes back what was sent.
    let _ =
        tokio::time::timeout(Duration::from_secs(2), async { while let Some(Ok(_)) = socket.next().await {} }).await;
}

impl Floor {
    /// `{"type":"subscribe","product_ids":[…],"channels":["matches" | {"name":…,"product_ids":[…]}]}`, once or in several parts.
    fn subscribe(&mut self, number: u32, to: &UnboundedSender<Outgoing>, request: &Value) {
        if request["type"] != "subscribe" {
            return;
        }
        let mut asked = names(&request["product_ids"]);
        let mut channels = BTreeSet::new();
        for channel in request["channels"].as_array().into_iter().flatten() {
            asked.extend(names(&channel["product_ids"]));
            channels.extend(channel.as_str().or(channel["name"].as_str()).map(str::to_owned));
        }
        let playing = self.options.tape.is_some();
        let listed: BTreeSet<String> = self.market.pairs().map(str::to_owned).collect();
        if let Some(unknown) = asked.iter().find(|p| !playing && !listed.contains(*p)) {
            let text = json!({"type": "error", "message": "Failed to subscribe", "reason": format!("{unknown} is not a valid product")});
            let _ = to.send(Outgoing::Frame(FrameKind::Error, Payload::Text(text.to_string()), None));
            return;
        }

        if self.client.as_ref().is_none_or(|c| c.number != number) {
            self.client = Some(Client {
                number,
                to: to.clone(),
                pairs: BTreeSet::new(),
                channels: BTreeSet::new(),
                silent: false,
                offered: 0,
                pending: 0,
            });
        }
        let now = Instant::now();
        let first = self.opened.is_none();
        if first {
            self.opened = Some(now);
        }
        if playing {
            return;
        }
        if first {
            // A product that is listed has traded. Nobody was there to see it.
            let client = self.client.take();
            for event in self.market.one_of_each(self.options.starts_at) {
                self.happen(event, now);
            }
            self.client = client;
        }

        let Some(client) = self.client.as_mut() else { return };
        let news: BTreeSet<String> = channels.difference(&client.channels).cloned().collect();
        client.pairs.extend(asked);
        client.channels.extend(channels);
        let pairs: Vec<String> = client.pairs.iter().cloned().collect();
        let all: Vec<Value> =
            client.channels.iter().map(|c| json!({"name": c, "product_ids": pairs, "account_ids": null})).collect();
        let reply = json!({"type": "subscriptions", "channels": all}).to_string();
        client.push(Outgoing::Frame(FrameKind::Subscriptions, Payload::Text(reply), None));
        for pair in &pairs {
            if news.contains("ticker")
                && let Some(frame) = self.market.last_ticker(pair)
            {
                self.send(frame);
            }
            if news.contains("matches")
                && let Some(frame) = self.market.last_match(pair)
            {
                self.send(frame);
            }
        }
    }
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
