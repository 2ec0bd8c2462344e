//! A tape on the deck with the sessions that were made of it: each a way of the player's, kept on disk as it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::account::AccountTerms;
use super::engine::Ordered;
use super::kept::{DeckNote, Kept, Manifest, NewSession, SessionError, Sessions};
use super::playable::Playable;
use super::player::{Player, Reached, Way};
use super::tape::TapeError;
use crate::clock;
use crate::domain::{Action, TapeTime};
use crate::journal::Deed;

/// How often it is noted where a session stands.
const NOTE_EVERY: Duration = Duration::from_secs(1);

pub struct Played {
    pub player: Player,
    sessions: Sessions,
    /// Of each way of the player's. One nobody has traded on is no session yet, and neither is the recorded account.
    kept: Vec<Option<Manifest>>,
    snapshot: Option<i64>,
    noted: (Instant, TapeTime),
    /// Sessions that could not be read.
    unreadable: Vec<String>,
    /// Ways of which the session was deleted.
    deleted: BTreeSet<usize>,
    /// Where each was left when it was last gone.
    left: BTreeMap<usize, TapeTime>,
}

/// One way, and the session it is.
pub struct Row<'a> {
    pub manifest: Option<&'a Manifest>,
    pub way: &'a Way,
    pub number: usize,
}

impl Played {
    /// The tape, and all sessions that were made of it. `snapshot` is the archive's newest.
    pub fn open(
        tape: Arc<dyn Playable>,
        terms: &AccountTerms,
        sessions: Sessions,
        snapshot: Option<i64>,
        now: Instant,
    ) -> Result<Self, TapeError> {
        let (listed, mut unreadable) = match sessions.list() {
            Ok((kept, unreadable)) => (kept, unreadable.iter().map(SessionError::to_string).collect()),
            Err(error) => (Vec::new(), vec![error.to_string()]),
        };
        let (of_tape, foreign): (Vec<Kept>, Vec<Kept>) = listed
            .into_iter()
            .filter(|session| session.manifest.tape == tape.range())
            .partition(|session| session.manifest.through <= tape.through());
        unreadable.extend(foreign.iter().map(|session| {
            let Manifest { name, through, .. } = &session.manifest;
            format!("session `{name}` goes through record {}, and there are {}", through.0, tape.through().0)
        }));
        let mut player = Player::new(tape, terms, now)?;
        let mut kept: Vec<Option<Manifest>> = vec![None];
        let (mut ways, mut left) = (Vec::new(), BTreeMap::new());
        for session in &of_tape {
            left.insert(kept.len(), session.at);
            let parent = session.manifest.parent.as_ref();
            let known = |id: &String| kept.iter().position(|m| m.as_ref().is_some_and(|m| m.id == *id));
            // What left the account of the tape, or a session that is gone, hangs from the root.
            let parent = parent.and_then(known).unwrap_or(0);
            ways.push(session.way(Some(parent)));
            kept.push(Some(session.manifest.clone()));
        }
        player.know_ways(ways);
        Ok(Self {
            player,
            sessions,
            kept,
            snapshot,
            noted: (now, TapeTime::default()),
            unreadable,
            deleted: BTreeSet::new(),
            left,
        })
    }

    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// Tells the account, here and now. What it is told is durable before it is carried out.
    pub fn act(&mut self, action: Action, terms: &AccountTerms) -> Result<Vec<Deed>, SessionError> {
        let plan = self.player.plan(action, terms);
        let place = self.player.place();
        let way = self.player.way();
        let manifest = self.kept[way].clone();
        let made = match (&manifest, plan.leaves) {
            (Some(session), false) => {
                self.sessions.tell(&session.id, &plan.commands)?;
                None
            }
            (session, leaves) => {
                let gone = &self.player.ways()[way];
                let Way { follows, commands, .. } = if leaves { gone.until(place.seq) } else { gone.clone() };
                let commands: Vec<Ordered> = commands.into_iter().chain(plan.commands.iter().copied()).collect();
                let tape = self.player.tape();
                let new = NewSession {
                    name: None,
                    tape: tape.range(),
                    through: tape.through(),
                    snapshot: self.snapshot,
                    follows,
                    parent: session.as_ref().filter(|_| leaves).map(|session| session.id.as_str()),
                    left_at: leaves.then(|| place.at.max(tape.from())),
                    commands: &commands,
                };
                Some(self.sessions.make(&new, clock::received_now())?)
            }
        };
        let deeds = self.player.act(&plan);
        match made {
            Some(manifest) if plan.leaves => self.kept.push(Some(manifest)),
            Some(manifest) => self.kept[way] = Some(manifest),
            None => {}
        }
        Ok(deeds)
    }

    /// Moves the player on, and notes now and then where it stands; answers whether it did.
    pub fn advance(&mut self, at: Instant) -> bool {
        self.player.advance(at);
        let moment = self.player.moment();
        let due = at.saturating_duration_since(self.noted.0) >= NOTE_EVERY && moment != self.noted.1;
        if due && !self.player.is_seeking() {
            self.noted = (at, moment);
            self.note();
            return true;
        }
        false
    }

    /// What is on the deck, for the next start.
    pub fn deck_note(&self) -> DeckNote {
        DeckNote { session: self.gone().map(|session| session.id.clone()), at: self.player.moment() }
    }

    /// Notes where the session stands that is gone.
    pub fn note(&mut self) {
        let (way, at) = (self.player.way(), self.player.moment());
        let reached: Reached = self.player.ways()[way].reached;
        self.left.insert(way, at);
        if let Some(session) = &self.kept[way]
            && let Err(error) = self.sessions.note(&session.id, reached, at)
        {
            tracing::warn!(%error, "where the session stands was not noted");
        }
    }

    /// The session that is gone, by its number.
    pub fn gone(&self) -> Option<&Manifest> {
        self.kept[self.player.way()].as_ref()
    }

    pub fn rows(&mut self) -> Vec<Row<'_>> {
        let all = self.player.ways().iter().zip(&self.kept).enumerate();
        let there = all.filter(|(number, _)| !self.deleted.contains(number));
        there.map(|(number, (way, manifest))| Row { manifest: manifest.as_ref(), way, number }).collect()
    }

    pub fn ways(&self) -> usize {
        self.kept.len()
    }

    /// Goes on with a session, from the same moment, or from where it was left.
    pub fn take(&mut self, way: usize, resume: bool, at: Instant) -> Result<(), TapeError> {
        self.note();
        self.player.take_way(way, at)?;
        let left = self.left.get(&way).copied().filter(|_| resume);
        if let Some(left) = left {
            self.player.seek(left, at);
        }
        Ok(())
    }

    /// As `take`, by the session's id; one that is gone meanwhile is left.
    pub fn take_session(&mut self, id: &str, at: Instant) -> Result<(), TapeError> {
        let is_it = |manifest: &Option<Manifest>| manifest.as_ref().is_some_and(|manifest| manifest.id == id);
        match self.kept.iter().position(is_it) {
            Some(way) => self.take(way, false, at),
            None => Ok(()),
        }
    }

    fn session(&self, way: usize) -> Result<&Manifest, SessionError> {
        self.kept.get(way).and_then(Option::as_ref).ok_or_else(|| SessionError::Unknown(way.to_string()))
    }

    pub fn rename(&mut self, way: usize, name: &str) -> Result<(), SessionError> {
        self.sessions.rename(&self.session(way)?.id, name)?;
        if let Some(session) = &mut self.kept[way] {
            name.clone_into(&mut session.name);
        }
        Ok(())
    }

    pub fn archive(&mut self, way: usize, archived: bool) -> Result<(), SessionError> {
        self.sessions.archive(&self.session(way)?.id, archived)?;
        if let Some(session) = &mut self.kept[way] {
            session.archived = archived;
        }
        Ok(())
    }

    /// Deletes a session; who is on it goes on with the account of the tape. It can be brought back by its number.
    pub fn delete(&mut self, way: usize, terms: &AccountTerms, at: Instant) -> Result<String, SessionError> {
        let id = self.session(way)?.id.clone();
        self.sessions.delete(&id)?;
        if way == 0 {
            // It was made of the tape's own account, which is to be as nobody has traded on it.
            self.open_again(terms, at);
            return Ok(id);
        }
        self.deleted.insert(way);
        if self.player.way() == way
            && let Err(error) = self.player.take_way(0, at)
        {
            tracing::warn!(%error, "the account of the tape can not be read");
        }
        Ok(id)
    }

    pub fn bring_back(&mut self, id: &str, terms: &AccountTerms, at: Instant) -> Result<(), SessionError> {
        self.sessions.bring_back(id)?;
        let is_it = |manifest: &Option<Manifest>| manifest.as_ref().is_some_and(|manifest| manifest.id == id);
        match self.kept.iter().position(is_it) {
            Some(way) => drop(self.deleted.remove(&way)),
            None => self.open_again(terms, at),
        }
        Ok(())
    }

    /// From what is on disk, at the same moment and on the same session, if that is there.
    fn open_again(&mut self, terms: &AccountTerms, at: Instant) {
        let (moment, session) = (self.player.moment(), self.gone().map(|session| session.id.clone()));
        let opened = Self::open(self.player.shared_tape(), terms, self.sessions.clone(), self.snapshot, at);
        let again = opened.and_then(|mut again| {
            if let Some(id) = session {
                again.take_session(&id, at)?;
            }
            again.player.seek(moment, at);
            Ok(again)
        });
        match again {
            Ok(again) => *self = again,
            Err(error) => tracing::warn!(%error, "the tape can not be read again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE;
    use crate::domain::{Amount, OrderId, Settings, Thresholds};
    use crate::session::sample::SampleTape;

    fn terms() -> AccountTerms {
        let opening_deposit = Amount::from_units(100_000 * i128::from(crate::domain::money::ONE));
        AccountTerms::new(opening_deposit, Settings::default(), &BTreeMap::new(), Thresholds::default())
    }

    fn open(directory: &std::path::Path) -> Played {
        let tape: Arc<dyn Playable> = Arc::new(SampleTape::load().expect("shipped"));
        Played::open(tape, &terms(), Sessions::of(directory), None, clock::monotonic()).expect("a tape")
    }

    fn arrive(played: &mut Played) {
        while played.player.is_seeking() {
            std::thread::sleep(Duration::from_millis(1));
            played.advance(clock::monotonic());
        }
    }

    fn go(played: &mut Played, minutes: i64) {
        let to = TapeTime::from_nanos(played.player.tape().from().nanos() + minutes * MINUTE);
        played.player.seek(to, clock::monotonic());
        arrive(played);
    }

    fn deposit(played: &mut Played, id: &str) {
        let id: OrderId = id.parse().expect("a name");
        let action = Action::Deposit { id, amount: Amount::from_units(7) };
        played.act(action, &terms()).expect("kept");
    }

    #[test]
    fn a_session_that_is_deleted_leaves_the_tapes_own_account_as_nobody_has_traded_on_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut played = open(directory.path());
        go(&mut played, 30);
        let owned = |played: &Played| played.player.desk().ledger().head().count;
        let untouched = owned(&played);
        deposit(&mut played, "first");
        assert!(owned(&played) > untouched);
        let id = played.delete(0, &terms(), clock::monotonic()).expect("deleted");
        arrive(&mut played);
        assert_eq!((owned(&played), played.rows().len()), (untouched, 1));
        deposit(&mut played, "other");
        assert!(owned(&played) > untouched, "it can be traded on again");
        played.bring_back(&id, &terms(), clock::monotonic()).expect("back");
        arrive(&mut played);
        assert_eq!(played.rows().len(), 3, "the tape's own, what came back, and the other");
        assert!(played.gone().is_some_and(|session| session.id != id), "whoever was on the other stays on it");
    }

    #[test]
    fn a_restart_finds_every_session_where_it_was_left_and_a_deleted_one_comes_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut played = open(directory.path());
        go(&mut played, 40);
        deposit(&mut played, "first");
        go(&mut played, 50);
        deposit(&mut played, "second");
        let first = (played.player.desk().clone(), played.player.place());
        go(&mut played, 45);
        deposit(&mut played, "other");
        go(&mut played, 47);
        let fork = (played.player.desk().clone(), played.player.place());
        played.note();
        drop(played);

        let mut played = open(directory.path());
        assert!(played.unreadable().is_empty());
        let left: Vec<_> = played.rows().iter().map(|row| row.way.left.map(|left| left.0)).collect();
        assert_eq!(left, [None, None, Some(1)], "the account of the tape, a session on it, and its fork");
        for (way, (desk, place)) in [(2, &fork), (1, &first)] {
            played.take(way, true, clock::monotonic()).expect("the tape");
            arrive(&mut played);
            played.player.seek(place.at, clock::monotonic());
            arrive(&mut played);
            assert_eq!((played.player.desk(), played.player.place()), (desk, *place), "session {way}");
        }

        let id = played.delete(1, &terms(), clock::monotonic()).expect("deleted");
        arrive(&mut played);
        assert_eq!((played.player.way(), played.rows().len()), (0, 2), "who was on it goes on with the tape's own");
        played.bring_back(&id, &terms(), clock::monotonic()).expect("back");
        assert_eq!(played.rows().len(), 3);
        played.rename(2, "Other way").expect("renamed");
        played.archive(2, true).expect("archived");
        let named = open(directory.path());
        let manifest = named.kept[2].as_ref().expect("kept");
        assert_eq!((manifest.name.as_str(), manifest.archived), ("Other way", true));
    }
}
