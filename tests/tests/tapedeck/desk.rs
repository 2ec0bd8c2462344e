//! The real window, under Xvfb, driven as a hand would drive it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::json;
use tapedeck_tests::webdriver::{Element, Session};
use tempfile::TempDir;

use crate::support::{binary, skipped};

const UP: [u8; 3] = [0x35, 0xb5, 0x84];
const DOWN: [u8; 3] = [0xe5, 0x60, 0x5a];

/// Two windows painting in software on two cores are too slow to measure.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What opens windows.
struct Driver {
    port: u16,
    desktop: PathBuf,
}

fn open_window(port: u16, desktop: &Path) -> Session {
    let capabilities = json!({"webkitgtk:browserOptions": {"binary": desktop, "args": []}});
    Session::open(port, capabilities).expect("the desk opens")
}

/// A screen, a driver and a desk on it. Dropped in this order: the session closes the window, then the rest goes.
pub(crate) struct Desk {
    pub(crate) session: Session,
    driver: Driver,
    _driver: Guard,
    _screen: Guard,
    data: TempDir,
    name: &'static str,
    _alone: MutexGuard<'static, ()>,
}

impl Desk {
    /// `None` after saying why, where there is no screen to be had; never on CI, where it must be.
    pub(crate) fn open(name: &'static str, language: &str) -> Option<Self> {
        Self::open_with(name, language, None)
    }

    /// With a configuration of its own; without one, the feed is where nobody is.
    pub(crate) fn open_with(name: &'static str, language: &str, config: Option<&str>) -> Option<Self> {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let desktop = binary("TAPEDECK_DESKTOP", "tapedeck-desktop");
        let lacking: Vec<String> =
            [on_path("Xvfb"), on_path("WebKitWebDriver"), desktop.exists().then(|| desktop.clone())]
                .iter()
                .zip(["Xvfb", "WebKitWebDriver", &desktop.to_string_lossy()])
                .filter(|(found, _)| found.is_none())
                .map(|(_, wanted)| wanted.to_owned())
                .collect();
        if !lacking.is_empty() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must have {}", lacking.join(", "));
            skipped(name, &format!("there is no {} here", lacking.join(", ")));
            return None;
        }

        let mut screen = Guard(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("Xvfb starts"),
        );
        let mut number = String::new();
        let stdout = screen.0.stdout.take().expect("Xvfb's output is piped");
        BufReader::new(stdout).read_line(&mut number).expect("Xvfb names its display");
        assert!(!number.trim().is_empty(), "Xvfb found no free display");

        let data = TempDir::with_prefix("tapedeck-desk-").expect("a temporary directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let home = data.path().join("home");
        std::fs::create_dir_all(&home).expect("a home for the window's own files");
        let mut driver = Command::new("WebKitWebDriver");
        match config {
            None => drop(driver.env("TAPEDECK_FEED", "ws://127.0.0.1:1")),
            Some(config) => {
                std::fs::create_dir_all(data.path().join("data")).expect("a data directory");
                std::fs::write(data.path().join("data/tapedeck.toml"), config).expect("a configuration");
                driver.env_remove("TAPEDECK_FEED");
            }
        }
        let driver = Guard(
            driver
                .arg(format!("--port={port}"))
                .env("DISPLAY", format!(":{}", number.trim()))
                .env("TAURI_AUTOMATION", "true")
                .env("TAURI_WEBVIEW_AUTOMATION", "true")
                .env("TAPEDECK_DATA", data.path().join("data"))
                .env("HOME", &home)
                .env("XDG_DATA_HOME", home.join("share"))
                .env("XDG_CONFIG_HOME", home.join("config"))
                .env("XDG_CACHE_HOME", home.join("cache"))
                .env("GDK_BACKEND", "x11")
                .env("NO_AT_BRIDGE", "1")
                .env("LANG", language)
                .env("LC_ALL", language)
                .env_remove("LANGUAGE")
                .env_remove("WAYLAND_DISPLAY")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("WebKitWebDriver starts"),
        );
        let listening = until(Duration::from_secs(10), || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        assert!(listening.is_some(), "WebKitWebDriver does not listen");
        let session = open_window(port, &desktop);
        let at = Driver { port, desktop };
        Some(Self { session, driver: at, _driver: driver, _screen: screen, data, name, _alone: alone })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Ends the desk as a power cut would, and starts it again on the same data.
    pub(crate) fn kill_and_open_again(&mut self) {
        let data = format!("TAPEDECK_DATA={}", self.data().display());
        let processes = std::fs::read_dir("/proc").expect("processes are listed").flatten();
        let ids: Vec<u32> = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        let is_ours = |id: &u32| {
            let runs = std::fs::read_link(format!("/proc/{id}/exe"))
                .is_ok_and(|exe| exe.file_name() == self.driver.desktop.file_name());
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            runs && environment.split(|byte| *byte == 0).any(|entry| entry == data.as_bytes())
        };
        let ours: Vec<u32> = ids.into_iter().filter(is_ours).collect();
        assert!(!ours.is_empty(), "{}: the desk's process is not found", self.name);
        for id in ours {
            let killed = Command::new("kill").args(["-9", &id.to_string()]).status().expect("kill runs");
            assert!(killed.success(), "{}: {id} was not killed", self.name);
        }
        self.session.end();
        self.session = open_window(self.driver.port, &self.driver.desktop);
    }

    pub(crate) fn text(&self, test_id: &str) -> String {
        let element = self.session.find(test_id).unwrap_or_else(|e| self.fail(&e.to_string()));
        self.session.text(&element).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")))
    }

    pub(crate) fn attribute(&self, test_id: &str, name: &str) -> String {
        let element = self.session.find(test_id).unwrap_or_else(|e| self.fail(&e.to_string()));
        let found = self.session.attribute(&element, name).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")));
        found.unwrap_or_else(|| self.fail(&format!("{test_id} has no {name}")))
    }

    /// The first element of a selector, once there is one.
    pub(crate) fn await_element(&self, css: &str) -> Element {
        let found = until(Duration::from_secs(20), || self.session.find_all(css).ok()?.into_iter().next());
        found.unwrap_or_else(|| self.fail(&format!("nothing on the page is {css}")))
    }

    pub(crate) fn click(&self, test_id: &str) {
        let element = self.session.find(test_id).unwrap_or_else(|e| self.fail(&e.to_string()));
        self.session.click(&element).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")));
    }

    pub(crate) fn cursor_ms(&self) -> f64 {
        let text = self.attribute("timeline", "data-cursor-ms");
        text.parse().unwrap_or_else(|_| self.fail(&format!("data-cursor-ms is not a number: {text:?}")))
    }

    pub(crate) fn playing(&self) -> bool {
        self.attribute("play", "data-playing") == "true"
    }

    pub(crate) fn set_playing(&self, playing: bool) {
        if self.playing() != playing {
            self.click("play");
        }
        let done = until(Duration::from_secs(5), || (self.playing() == playing).then_some(()));
        assert!(done.is_some(), "{}: the deck does not {}", self.name, if playing { "play" } else { "pause" });
    }

    /// Pixels of the chart in the colour of rising and of falling bars.
    pub(crate) fn coloured(&self) -> (usize, usize) {
        let chart = self.session.find("chart").and_then(|chart| self.session.rectangle(&chart));
        let chart = chart.unwrap_or_else(|e| self.fail(&format!("chart: {e}")));
        // Cut out of the whole page: WebKit's own picture of an element may show another place when the page is full.
        let png = self.session.picture().unwrap_or_else(|e| self.fail(&format!("page: {e}")));
        let image = image::load_from_memory(&png)
            .unwrap_or_else(|e| self.fail(&format!("the screenshot is no PNG: {e}")))
            .crop_imm(chart.x as u32, chart.y as u32, chart.width as u32, chart.height as u32)
            .to_rgb8();
        let near =
            |pixel: &image::Rgb<u8>, colour: [u8; 3]| pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 10);
        let count = |colour| image.pixels().filter(|p| near(p, colour)).count();
        (count(UP), count(DOWN))
    }

    /// Tape seconds that pass in a wall second.
    pub(crate) fn pace(&self, speed: &str) -> f64 {
        self.click(speed);
        std::thread::sleep(Duration::from_millis(500));
        let (began, from) = (Instant::now(), self.cursor_ms());
        std::thread::sleep(Duration::from_secs(3));
        (self.cursor_ms() - from) / 1_000.0 / began.elapsed().as_secs_f64()
    }

    /// With a picture of what was on the screen.
    pub(crate) fn fail(&self, why: &str) -> ! {
        let mut path = PathBuf::from("(no picture)");
        if let Ok(png) = self.session.picture() {
            path = std::env::temp_dir().join(format!("tapedeck-{}.png", self.name));
            let _ = std::fs::write(&path, png);
        }
        panic!("{}: {why}; the screen is in {}", self.name, path.display());
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

pub(crate) fn until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
