//! A question to a model, as bytes, and what is read from the bytes of its answer. Pure.

use std::time::Duration;

use ollama_rs::generation::chat::request::ChatMessageRequest;
use ollama_rs::generation::chat::{ChatMessage, MessageRole};
use ollama_rs::generation::parameters::{FormatType, KeepAlive, ThinkType, TimeUnit};
use ollama_rs::models::ModelOptions;
use serde::Deserialize;
use serde_json::error::Category;

use super::{CallError, ModelName, Quote};

/// Of a question with its schema, as JSON.
pub const MOST_QUESTION_BYTES: usize = 256 << 10;
/// Of any answer but a pull's, on the wire, before it is parsed.
pub const MOST_ANSWER_BYTES: usize = 256 << 10;
/// Of what the model said.
pub const MOST_CONTENT_BYTES: usize = 64 << 10;
/// A model that has not come to an end by then does not come to one.
pub const MOST_TOKENS: u16 = 4_096;
/// A model stays loaded longer than the five minutes between two notes, or each of them would wait for it to load.
const KEPT_LOADED: KeepAlive = KeepAlive::Until { time: 10, unit: TimeUnit::Minutes };

#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub model: ModelName,
    pub system: String,
    pub user: String,
    /// A JSON schema, which is an object. The server is asked to follow it; nobody can count on that it does.
    pub schema: serde_json::Value,
    /// The same question with the same seed has the same answer, as far as the server keeps to that.
    pub seed: i32,
    /// 0 is the least and as good as always right.
    pub temperature: f32,
    /// Tokens of the answer: from 1 to `MOST_TOKENS`, and brought into that range.
    pub most_tokens: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the model said: UTF-8, not empty, at most 64 KiB. Whether it is JSON, and of the schema, is not known yet.
    pub content: Vec<u8>,
    /// From the call to the last byte of the answer.
    pub latency: Duration,
    /// As the server names it.
    pub model: ModelName,
    /// As the server counts them, if it does.
    pub prompt_tokens: Option<u64>,
    pub tokens: Option<u64>,
}

impl Ask {
    /// The body of `POST /api/chat`. Errors: `Question`.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, CallError> {
        let question = |why| CallError::Question { why };
        if !self.schema.is_object() {
            return Err(question("its schema is not a JSON object"));
        }
        if !self.temperature.is_finite() {
            return Err(question("its temperature is not a number"));
        }
        let format: FormatType =
            serde_json::from_value(self.schema.clone()).map_err(|_| question("its schema is not a JSON schema"))?;
        let options = ModelOptions::default()
            .seed(self.seed)
            .temperature(self.temperature)
            .num_predict(self.tokens() as i32)
            .num_ctx(self.context());
        let messages = vec![ChatMessage::system(self.system.clone()), ChatMessage::user(self.user.clone())];
        let mut request = ChatMessageRequest::new(self.model.as_str().to_owned(), messages)
            .options(options)
            .format(format)
            .keep_alive(KEPT_LOADED);
        // What it thinks aloud counts as tokens and is not an answer.
        request.think = Some(ThinkType::False);
        let bytes = serde_json::to_vec(&request).map_err(|_| question("it is not JSON"))?;
        if bytes.len() > MOST_QUESTION_BYTES {
            return Err(question("it is longer than 256 KiB"));
        }
        Ok(bytes)
    }

    pub(super) fn tokens(&self) -> u32 {
        u32::from(self.most_tokens.clamp(1, MOST_TOKENS))
    }

    /// Tokens the server makes room for. It cuts a longer prompt without a word, so the room is ample: a token of prices is two
    /// bytes or more. In powers of two, because another size makes the server load the model again.
    fn context(&self) -> u64 {
        let prompt = (self.system.len() + self.user.len()) as u64 / 2;
        (prompt + u64::from(self.tokens()) + 256).next_power_of_two().clamp(4_096, 131_072)
    }
}

#[derive(Deserialize)]
struct Answer {
    model: String,
    message: Message,
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Message {
    role: MessageRole,
    content: String,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

impl Reply {
    /// From the body of an answer with status 200. `tokens` is how many were allowed.
    pub(super) fn from_json(body: &[u8], latency: Duration, tokens: u32) -> Result<Self, CallError> {
        let answer: Answer = parse(body)?;
        let unexpected = |why: &str| CallError::Unexpected { why: Quote::of(why) };
        if answer.message.role != MessageRole::Assistant {
            return Err(unexpected("the message is not the assistant's"));
        }
        if !answer.done {
            return Err(unexpected("the answer is not done"));
        }
        if answer.done_reason.as_deref() == Some("length") {
            return Err(CallError::CutShort { tokens });
        }
        if answer.message.content.len() > MOST_CONTENT_BYTES {
            return Err(CallError::TooLong { bound: MOST_CONTENT_BYTES });
        }
        if answer.message.content.trim().is_empty() {
            return Err(CallError::Wordless);
        }
        let model = ModelName::parse(&answer.model).map_err(|error| unexpected(&error.to_string()))?;
        Ok(Self {
            content: answer.message.content.into_bytes(),
            latency,
            model,
            prompt_tokens: answer.prompt_eval_count,
            tokens: answer.eval_count,
        })
    }
}

/// JSON of the shape that is expected, or of an error the server tells with status 200.
pub(super) fn parse<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| match (error.classify(), failure(body)) {
        (Category::Data, Some(said)) => CallError::Failed { said },
        (Category::Data, None) => CallError::Unexpected { why: Quote::of(&error.to_string()) },
        _ => CallError::NotJson { why: Quote::of(&error.to_string()) },
    })
}

/// What `{"error": …}` says.
pub(super) fn failure(body: &[u8]) -> Option<Quote> {
    serde_json::from_slice::<Failure>(body).ok().map(|failure| Quote::of(&failure.error))
}
