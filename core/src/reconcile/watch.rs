//! The books of a running desk, compared every few minutes. A difference blocks entries and says so; nothing is adopted.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at};

use super::books::Books;
use super::tiers::ReconcileError;
use crate::domain::Action;
use crate::ingest::coinbase::stream::asked_to_stop;
use crate::session::account::AccountTerms;
use crate::session::live::Live;
use crate::tiers::sql::{Sql, Tiers};
use crate::tiers::warm::Warm;

const EVERY: Duration = Duration::from_secs(300);

/// The tables are written one after another: what differs now may be on its way. It differs when it still does after so many looks.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// Compares until `stop`, in a thread of its own.
pub fn start(
    directory: PathBuf,
    live: Arc<Live>,
    terms: AccountTerms,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("tapedeck-reconcile".to_owned()).spawn(move || {
        runtime.block_on(async {
            let mut turns = interval_at(tokio::time::Instant::now() + EVERY, EVERY);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    () = asked_to_stop(&mut stop) => return,
                    _ = turns.tick() => {}
                }
                tokio::select! {
                    biased;
                    () = asked_to_stop(&mut stop) => return,
                    () = look(&directory, &live, &terms) => {}
                }
            }
        });
    })
}

async fn look(directory: &std::path::Path, live: &Live, terms: &AccountTerms) {
    let unopened = live.recorder().desk().ledger().head().count == 0;
    if unopened || !Warm::is_there(directory) || live.status().books_differ.is_some() {
        return;
    }
    let differences = match settled(directory, live).await {
        Ok(differences) => differences,
        Err(error) => {
            // What can not be compared is not known to agree: fail closed.
            vec![format!("the books could not be compared: {error}")]
        }
    };
    if differences.is_empty() {
        return;
    }
    let what = differences.join("; ");
    tracing::error!(%what, "the books differ: entries are blocked");
    live.status().books_differ = Some(what);
    if let Err(error) = live.recorder().command(&[Action::BooksDiffer], terms) {
        tracing::error!(%error, "the block could not be recorded");
    }
}

/// The differences that stay.
async fn settled(directory: &std::path::Path, live: &Live) -> Result<Vec<String>, ReconcileError> {
    let mut differences = Vec::new();
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let books = {
            let recorder = live.recorder();
            Books::of(recorder.journal(), recorder.desk().ledger())?
        };
        differences = books.compare(&Sql::new(Tiers::of(directory))?).await?;
        if differences.is_empty() {
            break;
        }
    }
    Ok(differences)
}
