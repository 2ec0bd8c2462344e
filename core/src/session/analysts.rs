//! Who is asked for a note, and how: the model that was chosen, and the rules where none was or it fails.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::account::AccountTerms;
use super::advice::by_rules;
use super::live::Live;
use crate::analyst::ollama::{Ask, CallError, ModelName, NameError, Server};
use crate::analyst::{Author, Brief, Facts, Failure, Note, Outcome, check, reply_schema};
use crate::domain::{Action, Source};
use crate::journal::{JournalError, KeptNote};

/// Questions that may wait for the model: each of the usual pairs, twice. Beyond that it is too slow to be asked.
const WAITING: usize = 12;

/// Two short sentences and what JSON needs around them.
const ANSWER_TOKENS: u16 = 512;

/// Any number: the same facts are asked about in the same way.
const SEED: i32 = 1;

/// Where models are asked, and how long is waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTerms {
    pub url: String,
    pub deadline: Duration,
}

/// The model of a data directory; none is rules alone, and so is a file that names none.
pub fn chosen(directory: &Path) -> Option<ModelName> {
    let name = std::fs::read_to_string(choice(directory)).ok()?;
    ModelName::parse(name.trim()).ok()
}

#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("the choice can not be kept: {0}")]
    Io(#[from] io::Error),
}

/// From the next question on this model is asked, or rules alone.
pub fn choose(directory: &Path, model: Option<&str>) -> Result<(), ChoiceError> {
    let Some(model) = model else {
        return match std::fs::remove_file(choice(directory)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        };
    };
    let model = ModelName::parse(model)?;
    Ok(std::fs::write(choice(directory), format!("{}\n", model.as_str()))?)
}

fn choice(directory: &Path) -> PathBuf {
    directory.join("analyst-model")
}

/// Notes on the same facts, of which the last is what counts: where the model said nothing that may be shown, the rules speak after it.
pub async fn ask(
    terms: &ModelTerms,
    model: Option<&ModelName>,
    facts: Facts,
    cancel: watch::Receiver<bool>,
) -> Vec<Note> {
    let Some(model) = model else { return vec![by_rules(facts)] };
    let note = ask_model(terms, model, facts.clone(), cancel).await;
    match note.opinion() {
        Some(_) => vec![note],
        None => vec![note, by_rules(facts)],
    }
}

async fn ask_model(terms: &ModelTerms, model: &ModelName, facts: Facts, cancel: watch::Receiver<bool>) -> Note {
    let author = Author::Model { name: model.as_str().to_owned() };
    let brief = Brief::of(&facts);
    let question = Ask {
        model: model.clone(),
        system: brief.system,
        user: brief.user,
        schema: reply_schema(),
        seed: SEED,
        temperature: 0.0,
        most_tokens: ANSWER_TOKENS,
    };
    let started = tokio::time::Instant::now();
    let answered = match Server::new(&terms.url) {
        Ok(server) => server.ask(&question, terms.deadline, cancel).await,
        Err(error) => return failed(author, facts, Failure::Unreachable, error.to_string(), started),
    };
    match answered {
        Ok(reply) => {
            let outcome = match check(&facts, &reply.content) {
                Ok(said) => Outcome::Said(said),
                Err(refusal) => {
                    Outcome::Refused { refusal, reply: String::from_utf8_lossy(&reply.content).into_owned() }
                }
            };
            Note::new(author, facts, outcome, ms(reply.latency))
        }
        Err(error) => failed(author, facts, why(&error), format!("{error}. {}", error.what_to_do()), started),
    }
}

fn failed(author: Author, facts: Facts, why: Failure, detail: String, started: tokio::time::Instant) -> Note {
    Note::new(author, facts, Outcome::Failed { why, detail }, ms(started.elapsed()))
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn why(error: &CallError) -> Failure {
    match error {
        CallError::Unreachable { .. } => Failure::Unreachable,
        CallError::NoModel { .. } => Failure::NoSuchModel,
        CallError::TooSlow { .. } | CallError::Stalled { .. } => Failure::TimedOut,
        CallError::TooLong { .. } => Failure::TooLarge,
        CallError::Busy { .. }
        | CallError::Failed { .. }
        | CallError::Status { .. }
        | CallError::Redirected { .. }
        | CallError::Question { .. } => Failure::ServerError,
        CallError::CutShort { .. }
        | CallError::Wordless
        | CallError::NotJson { .. }
        | CallError::Unexpected { .. }
        | CallError::Encoded { .. }
        | CallError::Broken { .. } => Failure::Broken,
        CallError::Cancelled => Failure::Cancelled,
    }
}

/// Keeps notes on the live market, and tells the desk what the last of them says while it trades by consensus: no account is opened to
/// hear opinions.
pub fn keep(live: &Live, terms: &AccountTerms, notes: Vec<Note>) -> Result<(), JournalError> {
    let mut recorder = live.recorder();
    let at = recorder.market().tape_time(Source::Live).unwrap_or_default();
    let opinion = notes.last().and_then(Note::opinion);
    for note in notes {
        recorder.keep_note(&KeptNote { at, in_replay: false, note })?;
    }
    match opinion.filter(|_| recorder.desk().consensus_on()) {
        Some(opinion) => recorder.command(&[Action::Opinion(opinion)], terms).map(drop),
        None => Ok(()),
    }
}

/// Asks the chosen model for the live desk, on a thread of its own: neither recording nor recalls wait for it.
pub(super) struct Analysts {
    asked: Option<SyncSender<Facts>>,
    cancel: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Analysts {
    pub(super) fn start(
        live: Arc<Live>,
        terms: AccountTerms,
        models: ModelTerms,
        directory: PathBuf,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (asked, facts) = sync_channel(WAITING);
        let (cancel, cancelled) = watch::channel(false);
        let work = move || {
            let outcome = runtime.block_on(follow(&live, &terms, &models, &directory, &facts, &cancelled));
            if let Err(error) = outcome {
                live.status().journal_error = Some(error.to_string());
            }
        };
        let thread = std::thread::Builder::new().name("tapedeck-analyst".to_owned()).spawn(work)?;
        Ok(Self { asked: Some(asked), cancel, thread: Some(thread) })
    }

    /// Gives the facts back when it is too busy for them: then the rules may speak.
    pub(super) fn ask(&self, facts: Facts) -> Result<(), Facts> {
        let Some(asked) = &self.asked else { return Err(facts) };
        asked.try_send(facts).map_err(|error| match error {
            TrySendError::Full(facts) | TrySendError::Disconnected(facts) => facts,
        })
    }
}

impl Drop for Analysts {
    fn drop(&mut self) {
        self.asked = None;
        // It may have ended already, after an error that is told elsewhere.
        let _ = self.cancel.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn follow(
    live: &Live,
    terms: &AccountTerms,
    models: &ModelTerms,
    directory: &Path,
    asked: &Receiver<Facts>,
    cancelled: &watch::Receiver<bool>,
) -> Result<(), JournalError> {
    for facts in asked {
        if *cancelled.borrow() {
            return Ok(());
        }
        let notes = ask(models, chosen(directory).as_ref(), facts, cancelled.clone()).await;
        keep(live, terms, notes)?;
    }
    Ok(())
}
