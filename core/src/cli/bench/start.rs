//! From starting the desk to its first drawn candles, and the memory it holds then.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::feed::Usage;
use super::{ApiError, Figure, failed, median, print, temporary};

const REPETITIONS: usize = 5;

pub(super) fn start() -> Result<Vec<Figure>, ApiError> {
    let desk =
        std::env::current_exe().ok().map(|path| path.with_file_name("tapedeck-desktop")).filter(|path| path.exists());
    let display = std::env::var_os("DISPLAY").or_else(|| std::env::var_os("WAYLAND_DISPLAY"));
    let (Some(desk), Some(_)) = (desk, display) else {
        print::line_err(
            "NOT MEASURED: start. It needs tapedeck-desktop beside tapedeck, and a display (try xvfb-run).",
        );
        return Ok(Vec::new());
    };
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let directory = temporary()?;
        let started = Instant::now();
        let mut child = Command::new(&desk)
            .env("TAPEDECK_DATA", directory.path())
            .env("TAPEDECK_FEED", "ws://127.0.0.1:1")
            .env("TAPEDECK_SAY_DRAWN", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| failed(&e))?;
        let (said, hears) = mpsc::channel();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if line == "drawn" {
                        let _ = said.send(Instant::now());
                    }
                }
            });
        }
        if let Ok(at) = hears.recv_timeout(Duration::from_secs(60)) {
            starts.push((at - started).as_secs_f64());
            std::thread::sleep(Duration::from_secs(2));
            memory.extend(Usage::of(child.id()).map(|usage| usage.peak_mb));
        }
        child.kill().and_then(|()| child.wait()).map_err(|e| failed(&e))?;
    }
    Ok(vec![
        Figure::at_most(
            "start",
            format!("process start to drawn candles, median of {}", starts.len()),
            median(starts),
            "s",
            2.0,
        ),
        Figure::told("start", "memory of the desk's own process two seconds later", median(memory), "MB"),
    ])
}
