//! The models of the analyst's server: which there are, which is asked, and fetching one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::ApiError;
use crate::analyst::ollama::{CallError, Model, ModelName, PULL_IDLE, Pulled, Server, UrlError};
use crate::session::analysts::ChoiceError;

/// A list is short, and the user waits for it.
const LIST_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Models {
    /// Where they are asked.
    pub url: String,
    /// None is rules alone.
    pub chosen: Option<String>,
    pub models: Vec<ModelRow>,
    /// Why there is no list, and what to do.
    pub failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ModelRow {
    pub name: String,
    /// Bytes on the server's disk, as a whole number.
    pub size_bytes: String,
    /// Such as `3.2B`; empty where the server does not say.
    pub parameters: String,
}

/// A model that is being fetched, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Pulling {
    pub model: String,
    /// In the server's words.
    pub status: String,
    /// 0 to 1, of the part under way.
    pub share: Option<f64>,
    pub ended: bool,
    pub error: Option<String>,
}

/// What a server has. That it can not be asked is part of the answer.
pub async fn models(url: &str, chosen: Option<&ModelName>) -> Models {
    let asked = match Server::new(url) {
        Ok(server) => server.models(LIST_DEADLINE).await.map_err(|error| said(&error)),
        Err(error) => Err(error.to_string()),
    };
    let (models, failure) = match asked {
        Ok(models) => (models.iter().map(ModelRow::from).collect(), None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    Models { url: url.to_owned(), chosen: chosen.map(|name| name.as_str().to_owned()), models, failure }
}

fn said(error: &CallError) -> String {
    format!("{error}. {}", error.what_to_do())
}

impl From<&Model> for ModelRow {
    fn from(model: &Model) -> Self {
        Self {
            name: model.name.as_str().to_owned(),
            size_bytes: model.size_bytes.to_string(),
            parameters: model.parameters.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl From<ChoiceError> for ApiError {
    fn from(error: ChoiceError) -> Self {
        match error {
            ChoiceError::Name(error) => Self::refused("not_a_model", error, "Choose one of the list."),
            ChoiceError::Io(_) => {
                Self::refused("choice_not_kept", error, "Check that the data directory can be written.")
            }
        }
    }
}

impl From<UrlError> for ApiError {
    fn from(error: UrlError) -> Self {
        Self::refused("not_a_model_server", error, "Set [analyst] url in tapedeck.toml.")
    }
}

/// Fetches one model at a time.
#[derive(Clone, Default)]
pub(super) struct ModelDesk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    newest: Option<Pulling>,
    cancel: Option<watch::Sender<bool>>,
}

impl ModelDesk {
    fn state(&self) -> MutexGuard<'_, State> {
        // Figures to look at: half an update of them hurts nobody.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn newest(&self) -> Option<Pulling> {
        self.state().newest.clone()
    }

    /// Errors: `pull_running`, `not_a_model`, `not_a_model_server`.
    pub(super) fn pull(&self, url: &str, model: &str, runtime: &Handle) -> Result<(), ApiError> {
        let model = ModelName::parse(model).map_err(ChoiceError::Name)?;
        let server = Server::new(url)?;
        let cancelled = {
            let mut state = self.state();
            if state.newest.as_ref().is_some_and(|pulling| !pulling.ended) {
                let what = "A model is being fetched already.";
                return Err(ApiError::refused("pull_running", what, "Wait for it, or cancel it first."));
            }
            let (cancel, cancelled) = watch::channel(false);
            state.cancel = Some(cancel);
            state.newest = Some(Pulling {
                model: model.as_str().to_owned(),
                status: "asking".to_owned(),
                share: None,
                ended: false,
                error: None,
            });
            cancelled
        };
        let desk = self.clone();
        runtime.spawn(async move {
            let outcome = server.pull(&model, PULL_IDLE, |pulled| desk.goes_on(&pulled), cancelled).await;
            desk.ended(outcome);
        });
        Ok(())
    }

    fn goes_on(&self, pulled: &Pulled) {
        if let Some(pulling) = &mut self.state().newest {
            pulling.status = pulled.status.to_string();
            pulling.share = share(pulled);
        }
    }

    fn ended(&self, outcome: Result<(), CallError>) {
        let mut state = self.state();
        state.cancel = None;
        let Some(pulling) = &mut state.newest else { return };
        pulling.ended = true;
        (pulling.status, pulling.error) = match outcome {
            Ok(()) => ("ready".to_owned(), None),
            Err(CallError::Cancelled) => ("cancelled".to_owned(), None),
            Err(error) => ("failed".to_owned(), Some(said(&error))),
        };
    }

    /// What was fetched is kept by the server.
    pub(super) fn cancel(&self) {
        if let Some(cancel) = &self.state().cancel {
            // It may have ended meanwhile.
            let _ = cancel.send(true);
        }
    }
}

fn share(pulled: &Pulled) -> Option<f64> {
    let (done, of) = (pulled.completed?, pulled.total.filter(|total| *total > 0)?);
    Some((done as f64 / of as f64).clamp(0.0, 1.0))
}
