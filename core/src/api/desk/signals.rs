//! What the desk says of signals: hours alike, and studies.

use std::path::PathBuf;
use std::sync::Arc;

use super::{DeskHost, HISTORY_BARS, Inner, moment, parse_interval, parse_pair};
use crate::api::ApiError;
use crate::api::patterns::{AlikeView, Asked, minutes_of};
use crate::api::studies::{self, StudiesRequest};
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Seq, TapeTime};
use crate::journal::JournalReader;
use crate::patterns::{Answer, Match, OUTCOME_MINUTES, WINDOW_MINUTES};
use crate::session::alike::{self, Alike};
use crate::session::playable::Playable;

/// Where the past of the deck is looked up.
enum Past {
    /// Inputs after `through` are not part of the tape.
    Table {
        directory: PathBuf,
        journal: JournalReader,
        through: Option<Seq>,
    },
    Memory(Arc<dyn Playable>),
}

impl DeskHost {
    /// The hours that looked like the last one of a pair on the deck, as of its cursor.
    pub async fn alike(&self, pair: &str, across: bool) -> Result<AlikeView, ApiError> {
        let (asked, past, alike) = self.look_up(parse_pair(pair)?, across).await?;
        asked.view(across, alike.as_ref(), |found| match &past {
            Past::Table { journal, .. } => Ok(minutes_of(journal, found, asked.cursor)?),
            Past::Memory(_) => self.inner().known_minutes(found),
        })
    }
}

impl DeskHost {
    /// What followed the hours that looked like the last one of a pair on the deck. None where that hour can not be looked up.
    pub(super) async fn answer(&self, pair: Pair) -> Result<Option<Answer>, ApiError> {
        let (.., alike) = self.look_up(pair, false).await?;
        Ok(alike.map(|alike| alike.answer))
    }

    async fn look_up(&self, pair: Pair, across: bool) -> Result<(Asked, Past, Option<Alike>), ApiError> {
        let (asked, past) = {
            let inner = self.inner();
            (inner.last_hour(pair)?, inner.past()?)
        };
        let alike = match (asked.question(), &past) {
            (None, _) => None,
            (Some(question), Past::Memory(tape)) => {
                let tape = Arc::clone(tape);
                let search = tokio::task::spawn_blocking(move || alike::in_memory(&tape, &question, across));
                Some(search.await.expect("searching does not panic")?)
            }
            (Some(question), Past::Table { directory, through, .. }) => {
                Some(alike::in_table(directory, &question, across, *through).await?)
            }
        };
        Ok((asked, past, alike))
    }

    /// Lines of indicators over the bars that `history` would answer, as bytes: see [`studies`].
    pub fn studies(&self, request: &StudiesRequest) -> Result<Vec<u8>, ApiError> {
        let (pair, interval) = (parse_pair(&request.pair)?, parse_interval(&request.interval)?);
        let indicators = request.indicators()?;
        let limit = request.limit.clamp(1, HISTORY_BARS) as usize;
        let before = match request.before_ms {
            Some(ms) => EventTime::from_nanos(moment(ms)?.nanos()),
            None => EventTime::from_nanos(i64::MAX),
        };
        let bars = {
            let inner = self.inner();
            inner.view()?.bars_before(pair, interval, before, limit + studies::warm_up(&indicators))?
        };
        Ok(studies::encode(&indicators, &bars, limit))
    }
}

impl Inner {
    fn cursor(&self) -> Result<TapeTime, ApiError> {
        match self.player() {
            Some(player) => Ok(player.known_through()),
            None => {
                let view = self.view()?;
                Ok(view.market().tape_time(view.source()).unwrap_or_default())
            }
        }
    }

    fn last_hour(&self, pair: Pair) -> Result<Asked, ApiError> {
        let cursor = self.cursor()?;
        // One that is forming, and one that waits for its watermark, are not looked at.
        let from = EventTime::from_nanos(cursor.nanos()).plus_nanos(-(WINDOW_MINUTES as i64 + 4) * MINUTE);
        let minutes = self.view()?.minutes(pair, from, EventTime::from_nanos(i64::MAX))?;
        Ok(Asked::of(pair, cursor, minutes))
    }

    fn past(&self) -> Result<Past, ApiError> {
        let played = self.player().map(|player| player.shared_tape());
        match (&self.live, played) {
            (_, Some(tape)) if tape.recorded().is_none() => Ok(Past::Memory(tape)),
            (Some(live), tape) => {
                let journal = live.recorder().journal().reader();
                let directory = journal.directory().to_owned();
                Ok(Past::Table { directory, journal, through: tape.map(|tape| tape.through()) })
            }
            (None, _) => {
                Err(ApiError::refused("not_recording", "Nothing is being recorded.", "Put the sample on the deck."))
            }
        }
    }

    fn known_minutes(&self, found: &Match) -> Result<Vec<Candle>, ApiError> {
        let to = found.window_end.plus_nanos(OUTCOME_MINUTES as i64 * MINUTE);
        self.view()?.minutes(found.pair, found.window_start, to)
    }
}
