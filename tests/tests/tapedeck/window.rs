//! The real window, under Xvfb, driven as a hand would drive it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::json;
use tapedeck_tests::exchange::Faults;
use tapedeck_tests::webdriver::Session;
use tempfile::TempDir;

use crate::backfill;
use crate::support::{binary, say, skipped};

/// The sample tape: 2024-01-01 00:00 → 24:00 UTC.
const FROM_MS: f64 = 1_704_067_200_000.0;
const DAY_MS: f64 = 86_400_000.0;
const BAR_MS: f64 = 60_000.0;

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

/// A screen, a driver and a desk on it. Dropped in this order: the session closes the window, then the rest goes.
struct Desk {
    session: Session,
    _driver: Guard,
    _screen: Guard,
    _data: TempDir,
    name: &'static str,
    _alone: MutexGuard<'static, ()>,
}

impl Desk {
    /// `None` after saying why, where there is no screen to be had; never on CI, where it must be.
    fn open(name: &'static str, language: &str) -> Option<Self> {
        Self::open_with(name, language, None)
    }

    /// With a configuration of its own; without one, the feed is where nobody is.
    fn open_with(name: &'static str, language: &str, config: Option<&str>) -> Option<Self> {
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
        let capabilities = json!({"webkitgtk:browserOptions": {"binary": desktop, "args": []}});
        let session = Session::open(port, capabilities).expect("the desk opens");
        Some(Self { session, _driver: driver, _screen: screen, _data: data, name, _alone: alone })
    }

    fn text(&self, test_id: &str) -> String {
        let element = self.session.find(test_id).unwrap_or_else(|e| self.fail(&e.to_string()));
        self.session.text(&element).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")))
    }

    fn attribute(&self, test_id: &str, name: &str) -> String {
        let element = self.session.find(test_id).unwrap_or_else(|e| self.fail(&e.to_string()));
        let found = self.session.attribute(&element, name).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")));
        found.unwrap_or_else(|| self.fail(&format!("{test_id} has no {name}")))
    }

    fn click(&self, test_id: &str) {
        let element = self.session.find(test_id).unwrap_or_else(|e| self.fail(&e.to_string()));
        self.session.click(&element).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")));
    }

    fn cursor_ms(&self) -> f64 {
        let text = self.attribute("timeline", "data-cursor-ms");
        text.parse().unwrap_or_else(|_| self.fail(&format!("data-cursor-ms is not a number: {text:?}")))
    }

    fn playing(&self) -> bool {
        self.attribute("play", "data-playing") == "true"
    }

    fn set_playing(&self, playing: bool) {
        if self.playing() != playing {
            self.click("play");
        }
        let done = until(Duration::from_secs(5), || (self.playing() == playing).then_some(()));
        assert!(done.is_some(), "{}: the deck does not {}", self.name, if playing { "play" } else { "pause" });
    }

    /// Pixels of the chart in the colour of rising and of falling bars.
    fn coloured(&self) -> (usize, usize) {
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
    fn pace(&self, speed: &str) -> f64 {
        self.click(speed);
        std::thread::sleep(Duration::from_millis(500));
        let (began, from) = (Instant::now(), self.cursor_ms());
        std::thread::sleep(Duration::from_secs(3));
        (self.cursor_ms() - from) / 1_000.0 / began.elapsed().as_secs_f64()
    }

    /// With a picture of what was on the screen.
    fn fail(&self, why: &str) -> ! {
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

fn until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
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

fn a_desk_can_be_used(name: &'static str, language: &str) {
    let began = Instant::now();
    let Some(desk) = Desk::open(name, language) else { return };

    // Candles are on the canvas, not only in the page.
    let drawn = until(Duration::from_secs(60), || {
        desk.session.find("chart").ok()?;
        let (up, down) = desk.coloured();
        (up > 100 && down > 100).then_some((up, down))
    });
    let Some((up, down)) = drawn else {
        desk.fail(&format!("no candles on the canvas: {:?} pixels up and down", desk.coloured()))
    };
    say(&format!("{name}: candles after {:.1} s, {up} pixels up, {down} down", began.elapsed().as_secs_f64()));

    // The feed can not be reached, and the desk says so.
    let told = until(Duration::from_secs(20), || desk.text("notices").contains("Coinbase").then_some(()));
    if told.is_none() {
        desk.fail(&format!("nothing is said of Coinbase: {:?}", desk.text("notices")));
    }
    assert!(!desk.text("badge").trim().is_empty());

    // The watchlist moves, and the clock with it.
    desk.click("speed-60");
    desk.set_playing(true);
    let rows = desk.session.find_all(r#"[data-testid^="last-BTC"]"#).unwrap_or_else(|e| desk.fail(&e.to_string()));
    let Some(row) = rows.first() else { desk.fail("no pair of BTC on the watchlist") };
    let price = |row| desk.session.text(row).unwrap_or_else(|e| desk.fail(&e.to_string()));
    let first = price(row);
    let moved = until(Duration::from_secs(15), || (price(row) != first && !first.is_empty()).then_some(()));
    if moved.is_none() {
        desk.fail(&format!("BTC stays at {first:?} while the tape plays"));
    }

    // Pause stops the clock.
    desk.set_playing(false);
    std::thread::sleep(Duration::from_millis(500));
    let (clock, cursor) = (desk.text("clock"), desk.cursor_ms());
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!((desk.text("clock"), desk.cursor_ms()), (clock.clone(), cursor), "{name}: the clock runs while paused");
    desk.set_playing(true);
    let resumed = until(Duration::from_secs(5), || (desk.text("clock") != clock).then_some(()));
    if resumed.is_none() {
        desk.fail("the clock does not go on after a pause");
    }

    // Faster is faster.
    let (slow, fast) = (desk.pace("speed-60"), desk.pace("speed-600"));
    say(&format!("{name}: 60× moves {slow:.0} tape seconds a second, 600× {fast:.0}"));
    assert!(slow > 20.0 && slow < 90.0, "{name}: 60× moves {slow:.1} tape seconds a second");
    assert!(fast > 3.0 * slow && fast < 900.0, "{name}: 600× moves {fast:.1} tape seconds a second, 60× {slow:.1}");

    // A drag lands where the hand let go, there and back.
    desk.set_playing(false);
    for (from, to) in [(0.2, 0.65), (0.65, 0.3)] {
        let generation = desk.attribute("chart", "data-generation");
        let timeline = desk.session.find("timeline").unwrap_or_else(|e| desk.fail(&e.to_string()));
        let place = desk.session.rectangle(&timeline).unwrap_or_else(|e| desk.fail(&e.to_string()));
        let x = |share: f64| (place.x + place.width * share).round() as i64;
        let y = (place.y + place.height / 2.0).round() as i64;
        let points: Vec<(i64, i64)> = (0..=6).map(|step| (x(from + (to - from) * f64::from(step) / 6.0), y)).collect();
        desk.session.drag(&points).unwrap_or_else(|e| desk.fail(&format!("the drag: {e}")));
        let expected = FROM_MS + (x(to) as f64 - place.x) / place.width * DAY_MS;
        let landed = until(Duration::from_secs(30), || ((desk.cursor_ms() - expected).abs() <= BAR_MS).then_some(()));
        if landed.is_none() {
            let off = (desk.cursor_ms() - expected) / 1_000.0;
            desk.fail(&format!("dragged to {:.0} % of {:.0} pixels, landed {off:.1} s off", to * 100.0, place.width));
        }
        // It stays there, and what is drawn is of there.
        std::thread::sleep(Duration::from_secs(1));
        assert!((desk.cursor_ms() - expected).abs() <= BAR_MS, "{name}: the cursor moved away after the drag");
        let redrawn =
            until(Duration::from_secs(10), || (desk.attribute("chart", "data-generation") != generation).then_some(()));
        if redrawn.is_none() {
            desk.fail("the chart was not drawn again after the drag");
        }
        let (up, down) = desk.coloured();
        assert!(up > 100 && down > 100, "{name}: after the drag {up} pixels up, {down} down");
    }
}

#[test]
fn the_desk_draws_plays_pauses_and_seeks() {
    a_desk_can_be_used("the_desk_draws_plays_pauses_and_seeks", "C.UTF-8");
}

/// In a C locale `navigator.language` is `"C"`, on which lightweight-charts threw and left the canvas blank.
#[test]
fn the_desk_is_not_blank_in_a_c_locale() {
    a_desk_can_be_used("the_desk_is_not_blank_in_a_c_locale", "C");
}

#[test]
fn earlier_history_is_a_button_away() {
    let name = "earlier_history_is_a_button_away";
    let exchange = backfill::venue(56, Faults::none());
    let Some(desk) = Desk::open_with(name, "C.UTF-8", Some(&backfill::config(&exchange))) else { return };
    let offered = until(Duration::from_secs(60), || desk.session.find("earlier-offer").ok());
    if offered.is_none() {
        desk.fail("earlier history is not offered on the live deck");
    }
    desk.click("earlier-offer");
    desk.click("earlier-1");
    let told = until(Duration::from_secs(60), || {
        let ended = desk.session.find("earlier-ended").ok()?;
        desk.session.text(&ended).ok()
    });
    let Some(told) = told else { desk.fail("it does not end") };
    assert!(told.contains("candles of 1 month loaded"), "{name}: {told:?}");
    let drawn = until(Duration::from_secs(20), || {
        let (up, down) = desk.coloured();
        (up > 100 && down > 100).then_some(())
    });
    if drawn.is_none() {
        desk.fail(&format!("what was loaded is not drawn: {:?}", desk.coloured()));
    }
    if let Some(folder) = std::env::var_os("TAPEDECK_PICTURES") {
        let png = desk.session.picture().unwrap_or_else(|e| desk.fail(&e.to_string()));
        std::fs::write(PathBuf::from(folder).join("earlier.png"), png).expect("a picture");
    }
}
