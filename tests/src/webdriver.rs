//! As much of W3C WebDriver as a desk is driven by: JSON over HTTP/1.1, one request a connection. A client crate would bring a TLS
//! stack, and a second cryptography provider with it, to speak to a process on this machine.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// The key under which WebDriver passes an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Opening an application, or a screenshot in software, takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Session {
    port: u16,
    id: String,
}

#[derive(Clone, Debug)]
pub struct Element(String);

#[derive(Clone, Copy, Debug)]
pub struct Rectangle {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Session {
    /// Errors: nothing listens on the port, or the driver could not start the application.
    pub fn open(port: u16, capabilities: Value) -> io::Result<Self> {
        let answer = request(port, "POST", "/session", Some(json!({"capabilities": {"alwaysMatch": capabilities}})))?;
        let id = answer["sessionId"].as_str().ok_or_else(|| wrong(&answer))?.to_owned();
        Ok(Self { port, id })
    }

    /// The element of this `data-testid`.
    pub fn find(&self, test_id: &str) -> io::Result<Element> {
        self.find_all(&format!(r#"[data-testid="{test_id}"]"#))?.into_iter().next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("nothing on the page has data-testid `{test_id}`"))
        })
    }

    pub fn find_all(&self, css: &str) -> io::Result<Vec<Element>> {
        let found = self.ask("POST", "/elements", Some(json!({"using": "css selector", "value": css})))?;
        let elements = found.as_array().into_iter().flatten();
        Ok(elements.filter_map(|e| e[ELEMENT].as_str()).map(|id| Element(id.to_owned())).collect())
    }

    pub fn text(&self, element: &Element) -> io::Result<String> {
        // Not `/text`: it answers nothing for a line that is cut with an ellipsis.
        let path = format!("/element/{}/property/textContent", element.0);
        Ok(self.ask("GET", &path, None)?.as_str().unwrap_or_default().to_owned())
    }

    pub fn attribute(&self, element: &Element, name: &str) -> io::Result<Option<String>> {
        Ok(self.ask("GET", &format!("/element/{}/attribute/{name}", element.0), None)?.as_str().map(str::to_owned))
    }

    pub fn click(&self, element: &Element) -> io::Result<()> {
        self.ask("POST", &format!("/element/{}/click", element.0), Some(json!({}))).map(drop)
    }

    /// Keys into an element; those that are no letters by WebDriver's own code points.
    pub fn press(&self, element: &Element, keys: &str) -> io::Result<()> {
        self.ask("POST", &format!("/element/{}/value", element.0), Some(json!({"text": keys}))).map(drop)
    }

    /// In CSS pixels of the viewport.
    pub fn rectangle(&self, element: &Element) -> io::Result<Rectangle> {
        let found = self.ask("GET", &format!("/element/{}/rect", element.0), None)?;
        let side = |name: &str| found[name].as_f64().ok_or_else(|| wrong(&found));
        Ok(Rectangle { x: side("x")?, y: side("y")?, width: side("width")?, height: side("height")? })
    }

    /// A PNG of the page.
    pub fn picture(&self) -> io::Result<Vec<u8>> {
        let found = self.ask("GET", "/screenshot", None)?;
        base64(found.as_str().unwrap_or_default()).ok_or_else(|| wrong(&found))
    }

    /// Presses the mouse at the first point, moves by way of the others, and lets go at the last.
    pub fn drag(&self, points: &[(i64, i64)]) -> io::Result<()> {
        let moves = |at: &(i64, i64)| json!({"type": "pointerMove", "duration": 50, "origin": "viewport", "x": at.0, "y": at.1});
        let mut actions: Vec<Value> = points.iter().map(moves).collect();
        actions.insert(1.min(actions.len()), json!({"type": "pointerDown", "button": 0}));
        actions.push(json!({"type": "pointerUp", "button": 0}));
        let mouse =
            json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
        self.ask("POST", "/actions", Some(json!({"actions": [mouse]}))).map(drop)
    }

    /// Presses and lets go of the mouse while Alt is held.
    pub fn alt_click(&self, at: (i64, i64)) -> io::Result<()> {
        let pause = || json!({"type": "pause", "duration": 50});
        let alt = |kind: &str| json!({"type": kind, "value": "\u{e00a}"});
        let to = json!({"type": "pointerMove", "duration": 50, "origin": "viewport", "x": at.0, "y": at.1});
        let button = |kind: &str| json!({"type": kind, "button": 0});
        let mouse = json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
            "actions": [to, button("pointerDown"), button("pointerUp"), pause()]});
        let keys = json!({"type": "key", "id": "keys", "actions": [alt("keyDown"), pause(), pause(), alt("keyUp")]});
        self.ask("POST", "/actions", Some(json!({"actions": [keys, mouse]}))).map(drop)
    }

    pub fn run(&self, script: &str) -> io::Result<Value> {
        self.ask("POST", "/execute/sync", Some(json!({"script": script, "args": []})))
    }

    /// Closes the window too, where it is still there. A driver has one session at a time.
    pub fn end(&self) {
        let _ = self.ask("DELETE", "", None);
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> io::Result<Value> {
        request(self.port, method, &format!("/session/{}{path}", self.id), body)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

fn wrong(answer: &Value) -> io::Error {
    io::Error::other(format!("the driver answered {answer}"))
}

fn request(port: u16, method: &str, path: &str, body: Option<Value>) -> io::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(|b| b.to_string()).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut reader = BufReader::new(stream);
    let mut length = None;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok();
        }
        line.clear();
    }
    let mut answer = Vec::new();
    match length {
        Some(length) => reader.take(length).read_to_end(&mut answer)?,
        None => reader.read_to_end(&mut answer)?,
    };
    let answer: Value = serde_json::from_slice(&answer)?;
    let value = answer["value"].clone();
    match value["error"].as_str() {
        Some(error) => Err(io::Error::other(format!("{method} {path}: {error}: {}", value["message"]))),
        None => Ok(value),
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut out) = (0u32, 0u32, Vec::with_capacity(text.len() / 4 * 3));
    for byte in text.bytes().filter(|b| !matches!(b, b'=' | b'\n' | b'\r')) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_picture_comes_out_of_its_base64_whole() {
        for (text, bytes) in [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("+/8=", b"\xfb\xff")]
        {
            assert_eq!(super::base64(text).as_deref(), Some(bytes));
        }
        assert_eq!(super::base64("*"), None);
    }
}
