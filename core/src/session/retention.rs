//! Ticks and clocks leave the journal once the cold tier has them, has been read back, and a checkpoint lies behind them. Nothing else ever leaves.
//!
//! The two are compared input by input, as the archive's own reader gives them, and only what was found the same is let go. What leaves adds to
//! a digest that stays in the journal, so that a row that changes in the archive later is found.

use super::archive::{ArchiveError, blocking};
use super::recorder::Recorder;
use crate::domain::{Seq, Stamped};
use crate::failpoint::failpoint;
use crate::journal::{JournalError, JournalReader, Records, Retired};
use crate::tiers::cold::{Cold, TickQuery};

/// Let go in one batch: some milliseconds in which nothing is recorded.
const BATCH: usize = 4_096;

/// What may leave now.
pub struct Leaving {
    journal: JournalReader,
    retired: Retired,
    through: Seq,
}

impl Leaving {
    /// `None` while there is too little. The newest `keep` records stay: a restart remembers the last quotes from them.
    pub fn of(recorder: &Recorder, archived: Seq, keep: u64) -> Option<Self> {
        let journal = recorder.journal();
        let retired = journal.retired();
        let old = Seq(journal.last_seq().0.saturating_sub(keep));
        let through = old.min(archived).min(recorder.checkpointed());
        // A few are not worth reading back.
        let worth = through.0.saturating_sub(retired.through.0) >= (keep / 4).max(1);
        worth.then(|| Self { journal: journal.reader(), retired, through })
    }

    /// Reads back, compares, and lets go; answers how many. `forget` removes records from the journal, and is called for one batch after the other.
    ///
    /// Errors: `Differs` names the first input that is not in the archive as it is in the journal; it and all after it stay.
    pub async fn leave(
        self,
        cold: &Cold,
        mut forget: impl FnMut(&[Seq], Retired) -> Result<(), JournalError>,
    ) -> Result<u64, ArchiveError> {
        let Self { journal, mut retired, through } = self;
        let mut archived = cold.ticks(TickQuery::in_journal_order(retired.through, through)).await?;
        let mut records = journal.records(retired.through.next());
        let (mut left, mut read_back) = (0, Vec::new().into_iter());
        loop {
            let (group, rest) = blocking(move || next_group(records, through)).await?;
            records = rest;
            if group.is_empty() {
                break;
            }
            for input in &group {
                if read_back.as_slice().is_empty() {
                    read_back = archived.next().await?.into_iter();
                }
                if read_back.next().as_ref() != Some(input) {
                    return Err(ArchiveError::Differs { seq: input.seq });
                }
                retired.digest.add(input);
                retired.through = input.seq;
            }
            let seqs: Vec<Seq> = group.iter().map(|input| input.seq).collect();
            failpoint("retention.read_back").map_err(ArchiveError::Interrupted)?;
            forget(&seqs, retired)?;
            failpoint("retention.left").map_err(ArchiveError::Interrupted)?;
            left += group.len() as u64;
        }
        if let Some(more) = read_back.next().or(archived.next().await?.into_iter().next()) {
            return Err(ArchiveError::Differs { seq: more.seq });
        }
        Ok(left)
    }
}

/// The next ticks and clocks, and where to go on.
fn next_group(mut records: Records, through: Seq) -> Result<(Vec<Stamped>, Records), JournalError> {
    let mut group = Vec::with_capacity(BATCH);
    for record in records.by_ref() {
        let record = record?;
        if record.seq > through {
            break;
        }
        if record.input.is_archived() {
            group.push(record);
        }
        if group.len() == BATCH {
            break;
        }
    }
    Ok((group, records))
}

#[cfg(test)]
mod tests {
    use super::super::archive::{Archive, SharedStatus};
    use super::super::recorder::tests::record;
    use super::super::tape::{Tape, TapeError};
    use super::*;
    use crate::domain::Digest;

    /// A recording that has been archived, of which the newest few records stay in the journal.
    async fn archived(directory: &std::path::Path) -> Recorder {
        let (mut recorder, _) = Recorder::open(directory).expect("new");
        record(&mut recorder, 1..2_000);
        recorder.checkpoint().expect("laid");
        let mut archive = Archive::open(directory, SharedStatus::default()).await.expect("open");
        archive.carry_all(&mut recorder, |_| {}).await.expect("carried");
        assert_eq!(archive.retire(&mut recorder, 100).await.expect("retired"), 1_899);
        assert_eq!(archive.retire(&mut recorder, 100).await.expect("nothing more"), 0);
        recorder
    }

    #[tokio::test]
    async fn the_tape_is_whole_after_ticks_have_left_the_journal() {
        let directory = tempfile::tempdir().expect("a directory");
        let recorder = archived(directory.path()).await;
        assert!(recorder.journal().records(Seq(1)).all(|record| record.is_ok()), "what has left is no hole");
        let seqs = |from| Tape::from(recorder.journal(), from).map(|record| record.expect("whole").seq.0);
        assert!(seqs(Seq(1)).eq(1..=1_999));
        assert!(seqs(Seq(1_500)).eq(1_500..=1_999));
        assert!(seqs(Seq(1_950)).eq(1_950..=1_999));
    }

    #[tokio::test]
    async fn a_row_that_changed_in_the_archive_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut recorder = archived(directory.path()).await;
        let retired = recorder.journal().retired();
        // As if what left had been other inputs than those the archive gives now.
        let other = Retired { digest: Digest::default(), ..retired };
        recorder.retire(&[], other).expect("written");
        let told: Vec<_> = Tape::from(recorder.journal(), Seq(1)).filter_map(Result::err).collect();
        assert!(matches!(told.as_slice(), [TapeError::Differs { .. }]), "{told:?}");
    }

    #[tokio::test]
    async fn ticks_that_are_nowhere_are_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let recorder = archived(directory.path()).await;
        std::fs::remove_dir_all(directory.path().join("cold")).expect("gone");
        let told: Vec<_> = Tape::from(recorder.journal(), Seq(1)).filter_map(Result::err).collect();
        let missing = told.iter().any(|error| matches!(error, TapeError::Missing { after: Seq(0), found: Seq(1_900) }));
        assert!(missing, "{told:?}");
    }

    #[tokio::test]
    async fn an_input_that_is_not_in_the_archive_as_it_is_here_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut recorder, _) = Recorder::open(directory.path()).expect("new");
        record(&mut recorder, 1..2_000);
        recorder.checkpoint().expect("laid");
        // The archive was given another past.
        let mut inputs: Vec<Stamped> = recorder.journal().records(Seq(1)).map(|r| r.expect("whole")).collect();
        if let crate::domain::Input::Tick(tick) = &mut inputs[700].input {
            tick.sequence += 1;
        }
        let mut cold = Cold::open(directory.path()).await.expect("open");
        cold.append(&inputs, Seq(1_999)).await.expect("stored");
        let leaving = Leaving::of(&recorder, cold.archived_through(), 0).expect("all of it");
        let outcome = leaving.leave(&cold, |records, retired| recorder.retire(records, retired)).await;
        assert!(matches!(outcome, Err(ArchiveError::Differs { seq: Seq(701) })), "{outcome:?}");
        assert!(recorder.journal().records(Seq(1)).map(|r| r.expect("whole").seq.0).eq(1..=1_999));
    }
}
