//! Whether bars are a minute long, which no single bar tells.

use super::TapeError;
use crate::domain::input::ImportedCandle;
use crate::domain::time::{DAY, MINUTE, SECOND};

/// Bars held back until their steps were seen: an hour and a bit.
const LOOKED_AT: usize = 64;
/// Steps from one bar to the next of the same pair before a verdict.
const ENOUGH: usize = 8;

/// Bars, and whether each was rounded, by line.
pub(super) type Waiting = Vec<(u64, ImportedCandle, bool)>;

#[derive(Debug, Default)]
pub(super) struct Minutes {
    waiting: Waiting,
    sure: bool,
}

impl Minutes {
    /// The bars that may go on now. Errors: `NotMinutes`.
    pub(super) fn push(&mut self, line: u64, candle: ImportedCandle, rounded: bool) -> Result<Waiting, TapeError> {
        self.waiting.push((line, candle, rounded));
        if self.sure || self.waiting.len() >= LOOKED_AT { self.finish() } else { Ok(Waiting::new()) }
    }

    /// The rest, at the end of the file.
    pub(super) fn finish(&mut self) -> Result<Waiting, TapeError> {
        if !self.sure {
            self.judge()?;
        }
        Ok(std::mem::take(&mut self.waiting))
    }

    /// A market may rest for minutes on end; it does not rest for a multiple of an hour eight times running.
    fn judge(&mut self) -> Result<(), TapeError> {
        let steps = self.waiting.windows(2).filter(|bars| bars[0].1.pair == bars[1].1.pair);
        let steps: Vec<i64> = steps
            .map(|bars| bars[1].1.window_start.nanos().abs_diff(bars[0].1.window_start.nanos()) as i64)
            .filter(|step| *step > 0)
            .collect();
        let shortest = steps.iter().copied().min();
        match shortest {
            Some(step) if steps.len() >= ENOUGH && step > MINUTE && steps.iter().all(|other| other % step == 0) => {
                Err(TapeError::NotMinutes { found: spell(step) })
            }
            _ => {
                self.sure = true;
                Ok(())
            }
        }
    }
}

fn spell(step: i64) -> String {
    match step {
        _ if step % DAY == 0 => format!("{} d", step / DAY),
        _ if step % (60 * MINUTE) == 0 => format!("{} h", step / (60 * MINUTE)),
        _ if step % MINUTE == 0 => format!("{} min", step / MINUTE),
        _ => format!("{} s", step / SECOND),
    }
}
