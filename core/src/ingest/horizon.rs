//! Whether a time can be true, judged by the venue's own newest time and never by the wall clock. Pure.
//!
//! One frame with a time of next year would make every true one after it late. So whatever is further ahead than [`AHEAD`] of the
//! newest time accepted (and the very first item, which nothing can vouch for) waits for the next item with a time:
//!
//! * that one is as new, less [`AHEAD`]: the jump was real, such as after an outage. Both go on, the held one first;
//! * that one moved on from the newest, but not as far: the held one was wrong, and is put aside;
//! * that one is not newer than the newest: it says nothing of the present (a late trade, the first ticker of an idle pair, the
//!   next pair of a file sorted by pair), goes on, and the held one keeps waiting.

use crate::domain::EventTime;
use crate::domain::time::{DAY, SECOND};

/// How far ahead of the venue's newest time an item is believed at once.
pub const AHEAD: i64 = 10 * SECOND;
/// How far ahead a held item is believed when nothing follows that could tell.
pub const AT_THE_END: i64 = DAY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Take,
    Hold,
    /// The held item goes on; the new one is then judged again.
    HeldIsTrue,
    /// The held item is put aside; the new one is then judged again.
    HeldIsAhead,
}

/// What to do with an item of time `at`. Judging again always ends: both answers about the held one empty its place.
pub fn judge(newest: Option<EventTime>, held: Option<EventTime>, at: EventTime) -> Judgement {
    match (held, newest) {
        (Some(held), _) if at >= held.plus_nanos(-AHEAD) => Judgement::HeldIsTrue,
        // Of two that nothing vouches for, believing the older can not make the other late.
        (Some(_), None) => Judgement::Take,
        (Some(_), Some(newest)) if at <= newest => Judgement::Take,
        (Some(_), Some(_)) => Judgement::HeldIsAhead,
        (None, Some(newest)) if at <= newest.plus_nanos(AHEAD) => Judgement::Take,
        (None, _) => Judgement::Hold,
    }
}

/// Whether a held item is believed when the feed or the file ends.
pub fn judge_at_the_end(newest: Option<EventTime>, held: EventTime) -> bool {
    newest.is_none_or(|newest| held <= newest.plus_nanos(AT_THE_END))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> EventTime {
        EventTime::from_nanos(1_700_000_000 * SECOND).plus_nanos(seconds * SECOND)
    }

    #[test]
    fn a_frame_from_next_year_does_not_make_the_market_late() {
        use Judgement::{HeldIsAhead, HeldIsTrue, Hold, Take};
        let year = 31_536_000;
        for (case, newest, held, item, expected) in [
            ("the very first", None, None, 0, Hold),
            ("as new as the first", None, Some(0), 0, HeldIsTrue),
            ("a little older than the first", None, Some(0), -10, HeldIsTrue),
            ("much older than the first", None, Some(year), 0, Take),
            ("in order", Some(0), None, 1, Take),
            ("late", Some(0), None, -3_600, Take),
            ("as far ahead as is believed", Some(0), None, 10, Take),
            ("one second too far ahead", Some(0), None, 11, Hold),
            ("after an outage, borne out", Some(0), Some(600), 601, HeldIsTrue),
            ("after an outage, borne out by an older one", Some(0), Some(600), 590, HeldIsTrue),
            ("next year, and the market goes on", Some(0), Some(year), 1, HeldIsAhead),
            ("two jumps that do not agree", Some(0), Some(year), 600, HeldIsAhead),
            ("an idle pair's old ticker is no evidence", Some(0), Some(600), -300, Take),
            ("nor is one of the same instant", Some(0), Some(600), 0, Take),
        ] {
            assert_eq!(judge(newest.map(at), held.map(at), at(item)), expected, "{case}");
        }
    }

    #[test]
    fn the_last_trade_before_a_silence_is_kept_unless_it_is_a_day_ahead() {
        assert!(judge_at_the_end(None, at(0)));
        assert!(judge_at_the_end(Some(at(0)), at(86_400)));
        assert!(!judge_at_the_end(Some(at(0)), at(86_401)));
        assert!(judge_at_the_end(Some(EventTime::from_nanos(i64::MAX)), EventTime::from_nanos(i64::MAX)));
    }
}
