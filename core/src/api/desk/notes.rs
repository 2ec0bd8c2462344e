//! The analyst on the desk: its notes as they were known at the cursor, asking it, and the models it may be.

use std::path::PathBuf;
use std::time::Instant;

use tokio::sync::watch;

use super::{DeskHost, Inner, moment, parse_pair};
use crate::analyst::{Facts, MINUTES_NEEDED, Note};
use crate::api::ApiError;
use crate::api::models::{self, Models};
use crate::api::notes::{self, MOST_NOTES, NoteView, Notes};
use crate::api::patterns::nothing_recorded;
use crate::clock;
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, NoteId, Pair, Price, Quality, Quote, Seq, Source, TapeTime};
use crate::journal::{JournalReader, KeptNote};
use crate::session::analysts::{self, ModelTerms, choose, chosen, keep};

/// Where the deck stands, and how far it sees.
struct Standing {
    journal: JournalReader,
    source: Source,
    cursor: TapeTime,
    /// Inputs after this are not part of the tape.
    through: Seq,
    is_live: bool,
}

/// What is known of a pair where the deck stands.
struct Known {
    minutes: Vec<Candle>,
    quote: Option<Quote>,
}

impl DeskHost {
    /// Notes of a pair or of all, from before a moment or the newest, the newest first. The tab of the analyst and the chart ask for them.
    pub async fn notes(&self, pair: Option<&str>, before_ms: Option<f64>, limit: u32) -> Result<Notes, ApiError> {
        let pair = pair.map(parse_pair).transpose()?;
        let before = before_ms.map(moment).transpose()?.map(|at| EventTime::from_nanos(at.nanos()));
        let standing = self.inner().standing()?;
        let limit = limit.clamp(1, MOST_NOTES) as usize;
        // Each is read against its facts again, which takes a while of thousands.
        let list = tokio::task::spawn_blocking(move || {
            let mut damaged = None;
            let kept = standing.journal.notes(standing.source, standing.cursor);
            let readable = kept.filter_map(|kept| kept.map_err(|error| damaged = Some(error)).ok());
            let notes = notes::list(readable, pair, before, limit, &|pair, end| standing.close_at(pair, end));
            damaged.map_or(Ok(notes), Err)
        });
        Ok(list.await.expect("reading notes does not panic")?)
    }

    /// One of them with its facts.
    ///
    /// Errors: `unknown_note`, also of one that came after the cursor.
    pub fn note(&self, id: &str) -> Result<NoteView, ApiError> {
        let unknown = || ApiError::refused("unknown_note", "There is no such note here.", "Choose one of the list.");
        let id: NoteId = id.parse().map_err(|_| unknown())?;
        let standing = self.inner().standing()?;
        let kept = standing.journal.note(id)?;
        let is_known = |kept: &KeptNote| kept.note.source() == standing.source && kept.at <= standing.cursor;
        let kept = kept.filter(is_known).ok_or_else(unknown)?;
        Ok(notes::view(&kept, &|pair, end| standing.close_at(pair, end)))
    }

    /// Makes a note where the deck stands, and answers its id: the model's, or the one of the rules that speak in its place. Both are kept.
    /// It takes as long as the model does, the deadline at most.
    pub async fn ask_analyst(&self, pair: &str) -> Result<String, ApiError> {
        let pair = parse_pair(pair)?;
        let (standing, known, directory, models, terms) = {
            let inner = self.inner();
            let config = &inner.config;
            (inner.standing()?, inner.known(pair)?, inner.data_directory(), config.models(), config.terms())
        };
        let answer = self.answer(pair).await?;
        let facts = Facts::of(&known.minutes, known.quote.as_ref(), answer.as_ref());
        let facts = facts.ok_or_else(|| nothing_recorded(pair))?;
        let (_uncancelled, cancelled) = watch::channel(false);
        let made = analysts::ask(&models, chosen(&directory).as_ref(), facts, cancelled).await;
        let id = made.last().map(|note: &Note| note.id.to_string()).unwrap_or_default();
        let live = self.inner().live.clone().ok_or_else(not_recording)?;
        tokio::task::spawn_blocking(move || {
            if standing.is_live {
                return keep(&live, &terms, made);
            }
            let mut recorder = live.recorder();
            for note in made {
                recorder.keep_note(&KeptNote { at: standing.cursor, in_replay: true, note })?;
            }
            Ok(())
        })
        .await
        .expect("keeping a note does not panic")?;
        Ok(id)
    }

    /// The models of the server. That it can not be asked is part of the answer.
    pub async fn models(&self) -> Models {
        let (directory, ModelTerms { url, .. }) = {
            let inner = self.inner();
            (inner.data_directory(), inner.config.models())
        };
        models::models(&url, chosen(&directory).as_ref()).await
    }

    /// From the next note on; none is rules alone.
    pub fn choose_model(&self, name: Option<&str>) -> Result<(), ApiError> {
        let directory = self.inner().data_directory();
        Ok(choose(&directory, name)?)
    }

    /// Has the server fetch a model; frames say how it goes on.
    pub fn pull_model(&self, name: &str) -> Result<(), ApiError> {
        let (url, models) = {
            let inner = self.inner();
            (inner.config.models().url, inner.models.clone())
        };
        let runtime = self.runtime.as_ref().map(|runtime| runtime.handle().clone());
        let closing = || ApiError::refused("closing", "The desk is closing.", "Start it again.");
        models.pull(&url, name, &runtime.ok_or_else(closing)?)
    }

    pub fn cancel_pull(&self) {
        self.inner().models.cancel();
    }
}

impl Inner {
    fn data_directory(&self) -> PathBuf {
        PathBuf::from(&self.directory)
    }

    /// To where the next note on the watched pair was known, or the one before.
    ///
    /// Errors: `no_note`, where there is none on the tape.
    pub(super) fn step_note(&mut self, back: bool, now: Instant) -> Result<(), ApiError> {
        let Standing { journal, source, cursor, .. } = self.standing()?;
        let end = self.player().map_or(cursor, |player| player.tape().to());
        let at = journal.note_beside(source, self.pair, cursor, back)?.filter(|at| *at <= end);
        let Some(at) = at else {
            let side = if back { "before" } else { "after" };
            let what = format!("No note on {} lies {side} this moment.", self.pair);
            return Err(ApiError::refused("no_note", what, "Choose another pair, or ask the analyst now."));
        };
        if let Some(played) = self.played() {
            played.player.pause(now);
            played.player.seek(at, now);
        }
        Ok(())
    }

    /// How many notes there are where the deck stands.
    pub(super) fn noted(&self) -> u32 {
        let Ok(standing) = self.standing() else { return 0 };
        u32::try_from(standing.journal.count_notes(standing.source, standing.cursor)).unwrap_or(u32::MAX)
    }

    /// Errors: `not_recording`, where there is nothing to keep notes in.
    fn standing(&self) -> Result<Standing, ApiError> {
        let live = self.live.as_ref().ok_or_else(not_recording)?;
        let (source, cursor) = match self.player() {
            Some(player) => (player.tape().source(), player.known_through()),
            None => (Source::Live, live.recorder().market().tape_time(Source::Live).unwrap_or_default()),
        };
        let through = self.player().map_or(Seq(u64::MAX), |player| player.tape().through());
        let journal = live.recorder().journal().reader();
        Ok(Standing { journal, source, cursor, through, is_live: self.player().is_none() })
    }

    fn known(&self, pair: Pair) -> Result<Known, ApiError> {
        let view = self.view()?;
        let source = view.source();
        let now = EventTime::from_nanos(view.now(clock::monotonic()).nanos());
        // The forming minute, and one that waits for its watermark, are asked for beside those that are needed.
        let from = now.plus_nanos(-(MINUTES_NEEDED as i64 + 4) * MINUTE);
        let mut minutes = view.minutes(pair, from, EventTime::from_nanos(i64::MAX))?;
        minutes.retain(|candle| candle.source == source && candle.quality != Quality::Forming);
        let quote = view.market().pair(source, pair).and_then(|market| market.last_quote());
        Ok(Known { minutes, quote: quote.map(|last| last.quote) })
    }
}

impl Standing {
    /// Of the lane, by what is known at the cursor.
    fn close_at(&self, pair: Pair, end: EventTime) -> Option<Price> {
        notes::close_at(&self.journal, self.source, pair, end, self.cursor, self.through)
    }
}

fn not_recording() -> ApiError {
    ApiError::refused(
        "not_recording",
        "Nothing is being recorded, so that no note can be kept.",
        "Start Tapedeck again.",
    )
}
