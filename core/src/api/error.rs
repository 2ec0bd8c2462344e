//! Errors for the reader of the message: what happened, what was kept, what to do.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter::successors;

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::ingest::coinbase::rest::RestError;
use crate::journal::JournalError;
use crate::reconcile::tiers::ReconcileError;
use crate::session::alike::AlikeError;
use crate::session::archive::ArchiveError;
use crate::session::backfill::BackfillError;
use crate::session::import::ImportError;
use crate::session::kept::SessionError;
use crate::session::moving::MoveError;
use crate::session::orders::OrdersFileError;
use crate::session::sample::SampleError;
use crate::session::tape::TapeError;
use crate::tiers::cold::ColdError;
use crate::tiers::sql::SqlError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, thiserror::Error)]
#[error("{what}")]
pub struct ApiError {
    /// Stable, for scripts and tests.
    pub code: String,
    pub what: String,
    pub kept: String,
    pub r#do: String,
}

impl ApiError {
    pub fn new(code: &str, what: impl ToString, kept: &str, what_to_do: &str) -> Self {
        Self { code: code.to_owned(), what: what.to_string(), kept: kept.to_owned(), r#do: what_to_do.to_owned() }
    }

    /// Something the user typed or clicked can not be.
    pub fn refused(code: &str, what: impl ToString, what_to_do: &str) -> Self {
        Self::new(code, what, "Nothing was changed.", what_to_do)
    }
}

/// Whether a disk had no room, or a user none left of it. Some libraries pass on the words alone.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
    let words = ["No space left on device", "disk is full", "Disk quota exceeded", "File too large"];
    successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source()).any(|error| {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        kind.is_some_and(|kind| full.contains(&kind)) || words.iter().any(|words| error.to_string().contains(words))
    })
}

fn disk_full(error: impl ToString, kept: &str) -> ApiError {
    let what_to_do =
        "Free some space there, then run the same command again: what is there already is not taken twice.";
    ApiError::new("disk_full", format!("the disk is full: {}", error.to_string()), kept, what_to_do)
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match &error {
            SessionError::Unusable { source, .. } if is_full(source) => {
                disk_full(&error, "What was told before is kept.")
            }
            SessionError::Unusable { .. } => Self::new(
                "session_unusable",
                &error,
                "Nothing was told to the account.",
                "Check that the data directory can be written, then do it again.",
            ),
            SessionError::Damaged { .. } => Self::new(
                "session_damaged",
                &error,
                "The file is left as it is; other sessions are whole.",
                "Restore it from a copy, or delete the session.",
            ),
            SessionError::Newer { .. } => Self::refused("newer_session", &error, "Open it with the newer Tapedeck."),
            SessionError::Unknown(_) => {
                Self::refused("unknown_session", &error, "`tapedeck sessions` lists those there are.")
            }
            SessionError::NameTaken(_) | SessionError::Name => {
                Self::refused("session_name", &error, "Choose another name.")
            }
        }
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        let durable = "Everything that was acknowledged is still in the journal.";
        match &error {
            JournalError::Full { .. } => disk_full(&error, durable),
            JournalError::Store(store) if is_full(store) => disk_full(&error, durable),
            JournalError::Directory { source, .. } if is_full(source) => disk_full(&error, durable),
            JournalError::InUse { .. } => Self::new(
                "data_directory_in_use",
                &error,
                "Nothing was changed.",
                "End that process, or give another directory with --data.",
            ),
            JournalError::Directory { .. } => Self::new(
                "data_directory_unusable",
                &error,
                "Nothing was changed.",
                "Check that the path is a directory you may write to, or give another with --data.",
            ),
            JournalError::BetweenPlaces { from, to, .. } => Self::new(
                "data_directory_between_places",
                &error,
                "Nothing was changed. All of it is still in one of the two.",
                &format!("Run `tapedeck --data {} move {}` again: it finishes.", from.display(), to.display()),
            ),
            JournalError::NewerSchema { .. } => {
                Self::new("newer_schema", &error, "Nothing was changed.", "Open it with the newer Tapedeck.")
            }
            JournalError::Cut { .. } => journal_cut(&error),
            JournalError::Store(_) => Self::new(
                "journal_failed",
                &error,
                durable,
                "Check that the disk has space and is healthy, then start again; `tapedeck doctor` says what it sees.",
            ),
            JournalError::Damaged { .. } | JournalError::Hole { .. } => Self::new(
                "journal_damaged",
                &error,
                "The records before it are whole; nothing was overwritten.",
                "Run `tapedeck verify` to see every damaged record, and restore the data directory from a copy.",
            ),
            JournalError::DamagedEntry { .. } => Self::new(
                "projection_damaged",
                &error,
                durable,
                "Run `tapedeck rebuild`: it makes candles and checkpoints again from the journal.",
            ),
        }
    }
}

impl From<OrdersFileError> for ApiError {
    fn from(error: OrdersFileError) -> Self {
        Self::refused("orders_file_invalid", error, "Mend that line, and run it again.")
    }
}

impl From<TapeError> for ApiError {
    fn from(error: TapeError) -> Self {
        match error {
            TapeError::Journal(error) => error.into(),
            _ => archive_lost(&error),
        }
    }
}

/// Records that were durable are gone from the journal's end.
fn journal_cut(error: &dyn Error) -> ApiError {
    ApiError::new(
        "journal_cut",
        error,
        "What is left of it was not changed, and the tables of the cold and the warm tier are as they were.",
        "Restore the data directory from a copy, and check the disk: what was acknowledged does not go by itself.",
    )
}

/// Ticks that left the journal can not be had from the cold tier.
fn archive_lost(error: &dyn Error) -> ApiError {
    ApiError::new(
        "archive_damaged",
        error,
        "The journal is whole and was not changed; what left it earlier lies in the folder `cold` of the data directory.",
        "Restore that folder from a copy; `tapedeck verify` then says whether everything is there.",
    )
}

impl From<SampleError> for ApiError {
    fn from(error: SampleError) -> Self {
        Self::new("sample_unreadable", error, "Nothing of yours is concerned.", "Install Tapedeck again.")
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Tape { file, error } => Self::new(
                "file_unreadable",
                format!("{file}: {error}"),
                "Good rows read before it, if any, were kept; importing the file again adds nothing twice.",
                "Mend or replace the file and import it again.",
            ),
            ImportError::Journal(error) => error.into(),
            ImportError::Sample(error) => error.into(),
        }
    }
}

impl From<BackfillError> for ApiError {
    fn from(error: BackfillError) -> Self {
        let kept = "Nothing was changed; what was taken before is in the journal.";
        match error {
            BackfillError::Journal(error) => error.into(),
            BackfillError::Interrupted => Self::new("backfill_interrupted", error, kept, "Start it again."),
            BackfillError::Venue(RestError::Status { status: 404, .. }) => Self::new(
                "unknown_product",
                format!("The venue does not know this pair: {error}."),
                kept,
                "Check the name of the pair, as in BTC-USD.",
            ),
            BackfillError::Venue(_) => Self::new(
                "venue_unreachable",
                format!("The venue can not be asked: {error}."),
                kept,
                "Check the connection and start it again: it goes on where it stopped.",
            ),
        }
    }
}

impl From<ArchiveError> for ApiError {
    fn from(error: ArchiveError) -> Self {
        let kept = "Everything is in the journal; nothing is lost, and what arrived in the tiers is there once.";
        match error {
            ArchiveError::Journal(error) => error.into(),
            ArchiveError::Cold(ColdError::Moved { .. }) => Self::new(
                "data_directory_moved",
                error,
                kept,
                "Run that command, then this one again; or put the data directory back.",
            ),
            ArchiveError::Cold(_) | ArchiveError::Warm(_) | ArchiveError::Vectors(_) if is_full(&error) => {
                disk_full(error, kept)
            }
            ArchiveError::Cold(_) => Self::new(
                "cold_tier_failed",
                error,
                kept,
                "Check that the disk has space, then run the command again: it goes on where it stopped.",
            ),
            ArchiveError::Lost { .. } => archive_lost(&error),
            ArchiveError::Ahead { .. } => journal_cut(&error),
            ArchiveError::Differs { .. } => Self::new(
                "archive_differs",
                &error,
                "Both were left as they are: what had not left the journal stays there.",
                "Run `tapedeck verify` and `tapedeck reconcile` to see what differs.",
            ),
            ArchiveError::SessionTaken { .. } => Self::refused(
                "session_taken",
                error,
                "Give the session another name; the same replay with the same orders may have the same one.",
            ),
            ArchiveError::Interrupted(_) => Self::new("archive_interrupted", error, kept, "Run the command again."),
            ArchiveError::Warm(_) => Self::new(
                "warm_tier_failed",
                error,
                kept,
                "Check that the disk has space, then run the command again; `tapedeck rebuild` makes this tier anew.",
            ),
            ArchiveError::Vectors(_) => Self::new(
                "patterns_failed",
                error,
                kept,
                "Check that the disk has space, then run the command again; `tapedeck patterns build --again` makes this table anew.",
            ),
        }
    }
}

impl From<AlikeError> for ApiError {
    fn from(error: AlikeError) -> Self {
        match error {
            AlikeError::Vectors(error) => ArchiveError::from(error).into(),
            AlikeError::Tape(error) => error.into(),
        }
    }
}

impl From<MoveError> for ApiError {
    fn from(error: MoveError) -> Self {
        let whole = "Nothing is lost: all of it is in one of the two places.";
        let again = "Mend what the message names, then run the same command again: it goes on where it stopped.";
        match error {
            MoveError::Journal(error) => error.into(),
            MoveError::NothingThere { .. } => {
                Self::refused("no_data_directory", error, "Name the one there is with --data.")
            }
            MoveError::Occupied { .. } => {
                Self::refused("directory_occupied", error, "Name one that is not there yet, or is empty.")
            }
            MoveError::Within { .. } => Self::refused("directory_within", error, "Name one beside it."),
            MoveError::Read { .. } => Self::refused("data_directory_read", error, "End that program, and try again."),
            MoveError::Cold(_) | MoveError::File { .. } if is_full(&error) => disk_full(error, whole),
            MoveError::Cold(_) | MoveError::File { .. } | MoveError::Differs { .. } => {
                Self::new("move_failed", error, whole, again)
            }
        }
    }
}

impl From<SqlError> for ApiError {
    fn from(error: SqlError) -> Self {
        let place = match (error.line, error.column) {
            (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
            _ => String::new(),
        };
        let kept = "Nothing was changed: a query only reads.";
        Self::new(error.code, format!("{}{place}", error.message), kept, &error.r#do)
    }
}

impl From<ReconcileError> for ApiError {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Journal(error) => error.into(),
            ReconcileError::Tape(error) => error.into(),
            ReconcileError::Sql(error) => error.into(),
        }
    }
}
