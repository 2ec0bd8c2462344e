//! The past hours that looked like one, as of a moment: by the table of patterns, or by memory where a tape was not recorded.

use std::path::Path;
use std::sync::Arc;

use super::memory::Memory;
use super::playable::Playable;
use super::tape::TapeError;
use crate::domain::Seq;
use crate::patterns::{Answer, Question, answer, base_rate};
use crate::tiers::vectors::{Reader, VectorsError};

#[derive(Debug, thiserror::Error)]
pub enum AlikeError {
    #[error("the table of patterns: {0}")]
    Vectors(#[from] VectorsError),
    #[error(transparent)]
    Tape(#[from] TapeError),
}

/// What was found, and how.
#[derive(Clone, Debug)]
pub struct Alike {
    pub answer: Answer,
    /// False when an index was asked, which may pass over a near one.
    pub exact: bool,
    /// Patterns that were looked at.
    pub known: u64,
}

/// Asks the table of a data directory. Of inputs after `through` it knows nothing.
pub async fn in_table(
    directory: &Path,
    question: &Question,
    across: bool,
    through: Option<Seq>,
) -> Result<Alike, AlikeError> {
    let table = Reader::open(directory).await?;
    let found = table.search(question, across, through).await?;
    let past = table.past(question.window.pair, question.cursor, through).await?;
    let base = base_rate(question.window.source, question.window.pair, question.cursor, past);
    Ok(Alike { answer: answer(question, found.candidates, base), exact: found.exact, known: found.known })
}

/// Asks all patterns of a tape, exactly. The first time they are made, which takes some seconds of a long tape.
pub fn in_memory(tape: &Arc<dyn Playable>, question: &Question, across: bool) -> Result<Alike, AlikeError> {
    let memory: Arc<Memory> = tape.memory()?;
    Ok(memory.alike(question, across))
}
