//! Why a call to the model server came to nothing.

use std::time::Duration;

use super::{ModelName, Quote};

/// `Display` is what happened, `what_to_do` what helps. Nothing of the desk changes when a call fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("No model server answers at {server} ({why})")]
    Unreachable { server: Quote, why: Quote },
    #[error("The model server has no model {model}")]
    NoModel { model: ModelName },
    #[error("The model server is busy (status {status}{})", words(.said))]
    Busy { status: u16, said: Quote },
    #[error("The model server did not answer in full within {} s", .after.as_secs_f64())]
    TooSlow { after: Duration },
    #[error("The model server said nothing new for {} s", .after.as_secs_f64())]
    Stalled { after: Duration },
    #[error("The answer of the model server is longer than {} KiB and was dropped", .bound >> 10)]
    TooLong { bound: usize },
    #[error("The model used up its {tokens} tokens before it was done")]
    CutShort { tokens: u32 },
    #[error("The model answered without a word")]
    Wordless,
    #[error("The model server answered what is not JSON ({why})")]
    NotJson { why: Quote },
    #[error("The model server answered JSON, but not what was asked for ({why})")]
    Unexpected { why: Quote },
    #[error("The model server could not do it{}", words(.said))]
    Failed { said: Quote },
    #[error("The model server answered with status {status}{}", words(.said))]
    Status { status: u16, said: Quote },
    #[error("The model server answered with a redirect (status {status}), which is not followed")]
    Redirected { status: u16 },
    #[error("The model server answered with compressed bytes ({encoding}), which are not read")]
    Encoded { encoding: Quote },
    #[error("The connection to the model server broke ({why})")]
    Broken { why: Quote },
    #[error("The question can not be asked: {why}")]
    Question { why: &'static str },
    #[error("The call to the model server was cancelled")]
    Cancelled,
}

impl CallError {
    /// Stable, for scripts and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "model_server_unreachable",
            Self::NoModel { .. } => "model_missing",
            Self::Busy { .. } => "model_server_busy",
            Self::TooSlow { .. } => "model_too_slow",
            Self::Stalled { .. } => "model_server_stalled",
            Self::TooLong { .. } => "model_answer_too_long",
            Self::CutShort { .. } => "model_answer_cut_short",
            Self::Wordless => "model_answer_wordless",
            Self::NotJson { .. } => "model_answer_not_json",
            Self::Unexpected { .. } => "model_answer_unexpected",
            Self::Failed { .. } => "model_server_failed",
            Self::Status { .. } => "model_server_status",
            Self::Redirected { .. } => "model_server_redirects",
            Self::Encoded { .. } => "model_answer_encoded",
            Self::Broken { .. } => "model_server_broke_off",
            Self::Question { .. } => "model_question_refused",
            Self::Cancelled => "model_call_cancelled",
        }
    }

    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Start Ollama, or set [analyst] url.",
            Self::NoModel { .. } => "Pull it, or choose one of those that are there.",
            Self::Busy { .. } => "Ask again in a minute.",
            Self::TooSlow { .. } => "Choose a smaller model, or allow it more time.",
            Self::Stalled { .. } => "Pull the model again: what was fetched is kept by the server.",
            Self::TooLong { .. } | Self::Wordless => "Choose another model.",
            Self::CutShort { .. } => "Choose another model, or allow it more tokens.",
            Self::NotJson { .. } | Self::Unexpected { .. } | Self::Encoded { .. } => {
                "Check that [analyst] url is the address of an Ollama, version 0.5 or later."
            }
            Self::Redirected { .. } => "Set [analyst] url to the address it redirects to, if you trust that.",
            Self::Failed { .. } | Self::Status { .. } => "See what the server's own log says of it.",
            Self::Broken { .. } => "Ask again; if it happens again, see what the server's own log says of it.",
            Self::Question { .. } => "Tell us: this is a mistake of the desk.",
            Self::Cancelled => "Ask again when you want it.",
        }
    }
}

fn words(said: &Quote) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
