//! What runs, and what it takes of the machine; and the replay on the deck.

use crate::domain::ReceivedTime;
use crate::metrics::exposition::Exposition;
use crate::metrics::names;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    pub version: String,
    pub engine_version: u32,
}

pub(super) fn build(build: Option<&Build>, out: &mut Exposition) {
    if let Some(Build { version, engine_version }) = build {
        out.sample(&names::BUILD_INFO, &[version, &engine_version.to_string()], Some(1u64));
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    pub started: Option<ReceivedTime>,
    /// Of user and system.
    pub cpu_s: Option<f64>,
    pub memory_bytes: Option<u64>,
    /// Of the disk of the data directory.
    pub disk_free_bytes: Option<u64>,
    pub disk_size_bytes: Option<u64>,
}

impl Process {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::PROCESS_START, self.started);
        out.one(&names::PROCESS_CPU, self.cpu_s);
        out.one(&names::PROCESS_MEMORY, self.memory_bytes);
        out.one(&names::DISK_FREE, self.disk_free_bytes);
        out.one(&names::DISK_SIZE, self.disk_size_bytes);
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    pub playing: bool,
    /// 0 to 1.
    pub progress: Option<f64>,
    /// A multiple of real time; infinite for as fast as it can.
    pub speed: f64,
    /// Since the program started, whatever was sought meanwhile.
    pub played: u64,
    /// Of the range: all, and what lies behind the cursor.
    pub range: Option<u64>,
    pub position: Option<u64>,
}

impl Replay {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::REPLAY_PLAYING, Some(self.playing));
        out.one(&names::REPLAY_PROGRESS, self.progress);
        out.one(&names::REPLAY_SPEED, Some(self.speed));
        out.one(&names::REPLAY_PLAYED, Some(self.played));
        out.one(&names::REPLAY_RANGE, self.range);
        out.one(&names::REPLAY_POSITION, self.position);
    }
}
