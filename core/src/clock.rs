//! The only reader of wall time. Nothing is ordered or judged by it: it is written beside an input, or measures a wait.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::ReceivedTime;

/// Now, by this machine's wall clock. A clock set before 1970 or after 2262 is cut to that range.
pub fn received_now() -> ReceivedTime {
    let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    };
    ReceivedTime::from_nanos(nanos)
}

/// For durations: unlike the wall clock it never steps back.
pub fn monotonic() -> Instant {
    Instant::now()
}
