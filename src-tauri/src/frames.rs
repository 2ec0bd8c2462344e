//! Frames to the page: one in flight at most, none that says nothing new.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tapedeck_core::api::desk::DeskHost;
use tapedeck_core::api::view::Frame;
use tauri::ipc::Channel;

/// One sixtieth of a second: no display in use here draws more often.
const FRAME_TIME: Duration = Duration::from_millis(16);

pub(crate) struct FramePump {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Where frames go; a page that was loaded again replaces it.
    page: Mutex<Option<Page>>,
    stop: AtomicBool,
    said_drawn: AtomicBool,
}

struct Page {
    frames: Channel<Frame>,
    in_flight: bool,
    sent: Option<Frame>,
}

impl FramePump {
    pub(crate) fn new(desk: Arc<DeskHost>) -> Self {
        let shared = Arc::new(Shared::default());
        let pumped = Arc::clone(&shared);
        std::thread::spawn(move || pump(&desk, &pumped));
        Self { shared }
    }

    pub(crate) fn open(&self, frames: Channel<Frame>) {
        *self.shared.page() = Some(Page { frames, in_flight: false, sent: None });
    }

    /// The page has drawn the last frame: it may have another.
    pub(crate) fn drawn(&self) {
        if let Some(page) = self.shared.page().as_mut() {
            page.in_flight = false;
            let candles = page.sent.as_ref().is_some_and(|frame| !frame.bars.is_empty());
            if candles && !self.shared.said_drawn.swap(true, Ordering::Relaxed) {
                say_drawn();
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn page(&self) -> std::sync::MutexGuard<'_, Option<Page>> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pump(desk: &DeskHost, shared: &Shared) {
    while !shared.stop.load(Ordering::Relaxed) {
        desk.advance();
        if let Some(page) = shared.page().as_mut()
            && !page.in_flight
        {
            let frame = desk.frame();
            if page.sent.as_ref() != Some(&frame) && page.frames.send(frame.clone()).is_ok() {
                page.in_flight = true;
                page.sent = Some(frame);
            }
        }
        std::thread::sleep(FRAME_TIME);
    }
}

/// For `tapedeck bench start`, which waits for this line.
#[expect(clippy::print_stdout, reason = "the bench listens on standard output")]
fn say_drawn() {
    if std::env::var_os("TAPEDECK_SAY_DRAWN").is_some() {
        println!("drawn");
    }
}
