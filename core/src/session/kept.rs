//! Sessions on disk: for each a folder with what it is, what its account was told, and how far it came. The tape does the rest.
//!
//! What an account was told is a line for each command, with its checksum, synced before the command is carried out. A session keeps all of its
//! commands, those from before it left another one too: it owes nothing to the one it left.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::engine::Ordered;
use super::playable::TapeRange;
use super::player::{Reached, Way};
use crate::domain::{ReceivedTime, Seq, TapeTime};

/// Letters of a name, at most.
const LONGEST_NAME: usize = 80;

const VERSION: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{} can not be used: {source}", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error("{} is not what a session writes: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{} was written by a newer Tapedeck", path.display())]
    Newer { path: PathBuf },
    #[error("there is no session `{0}`")]
    Unknown(String),
    #[error("there is a session `{0}` already")]
    NameTaken(String),
    #[error("a name has 1 to {LONGEST_NAME} letters and not digits alone, and `live` is the name of the live account")]
    Name,
}

/// What a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    pub id: String,
    pub name: String,
    /// What it plays, through this input of the journal.
    pub tape: TapeRange,
    pub through: Seq,
    /// The newest snapshot of the archive when it was made: evidence of what there was. The session does not need it.
    pub snapshot: Option<i64>,
    /// Through here its account does what the live one did.
    pub follows: Option<Seq>,
    /// The session it left, where that was one of its own, and when.
    pub parent: Option<String>,
    pub left_at: Option<TapeTime>,
    pub made_at: ReceivedTime,
    pub engine_version: u32,
    pub archived: bool,
}

/// A session as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub manifest: Manifest,
    pub commands: Vec<Ordered>,
    pub reached: Reached,
    /// Where it was left.
    pub at: TapeTime,
}

/// How far a session came, and where it stands. Losing it costs a click.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    reached: Reached,
    at: TapeTime,
}

/// What was on the deck when a moment of the past was: the session, where that was one of those kept, and the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeckNote {
    pub session: Option<String>,
    pub at: TapeTime,
}

/// The sessions of a data directory.
#[derive(Clone, Debug)]
pub struct Sessions {
    folder: PathBuf,
}

/// What a new session is made from.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    pub name: Option<&'a str>,
    pub tape: TapeRange,
    pub through: Seq,
    pub snapshot: Option<i64>,
    pub follows: Option<Seq>,
    pub parent: Option<&'a str>,
    pub left_at: Option<TapeTime>,
    pub commands: &'a [Ordered],
}

impl Sessions {
    pub fn of(directory: &Path) -> Self {
        Self { folder: directory.join("sessions") }
    }

    fn place(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    fn bin(&self) -> PathBuf {
        self.folder.join("deleted")
    }

    /// All of them, oldest first, and beside them those that can not be read, each with the reason.
    pub fn list(&self) -> Result<(Vec<Kept>, Vec<SessionError>), SessionError> {
        let (mut kept, mut unreadable) = (Vec::new(), Vec::new());
        for id in numbers(&self.folder)? {
            match read(&self.place(&id)) {
                Ok(session) => kept.push(session),
                Err(error) => unreadable.push(error),
            }
        }
        Ok((kept, unreadable))
    }

    /// By its name, or by its number.
    pub fn find(&self, name: &str) -> Result<Kept, SessionError> {
        let (kept, _) = self.list()?;
        let named = |session: &&Kept| session.manifest.name == name || session.manifest.id == name;
        kept.iter().find(named).cloned().ok_or_else(|| SessionError::Unknown(name.to_owned()))
    }

    /// Durable when it returns.
    pub fn make(&self, new: &NewSession<'_>, now: ReceivedTime) -> Result<Manifest, SessionError> {
        let number = |folder: &Path| -> Result<u32, SessionError> {
            Ok(numbers(folder)?.iter().filter_map(|id| id.parse().ok()).max().unwrap_or(0))
        };
        // A number is not given twice, or a deleted one could not come back.
        let number = number(&self.folder)?.max(number(&self.bin())?) + 1;
        let id = format!("{number:04}");
        let name = new.name.map_or_else(|| format!("Session {number}"), str::to_owned);
        self.check_name(&name)?;
        let manifest = Manifest {
            version: VERSION,
            id: id.clone(),
            name,
            tape: new.tape,
            through: new.through,
            snapshot: new.snapshot,
            follows: new.follows,
            parent: new.parent.map(str::to_owned),
            left_at: new.left_at,
            made_at: now,
            engine_version: crate::engine::ENGINE_VERSION,
            archived: false,
        };
        let (half_made, place) = (self.folder.join(format!("{id}.new")), self.place(&id));
        let failed = |source| SessionError::Unusable { path: place.clone(), source };
        let make = || -> io::Result<()> {
            if half_made.exists() {
                fs::remove_dir_all(&half_made)?;
            }
            fs::create_dir_all(&half_made)?;
            write_durably(&half_made.join(MANIFEST), &json(&manifest))?;
            let lines: String = new.commands.iter().map(line).collect();
            write_durably(&half_made.join(COMMANDS), lines.as_bytes())?;
            fs::rename(&half_made, &place)?;
            File::open(&self.folder)?.sync_all()
        };
        make().map_err(failed)?;
        Ok(manifest)
    }

    /// Durable when it returns.
    pub fn tell(&self, id: &str, commands: &[Ordered]) -> Result<(), SessionError> {
        let path = self.place(id).join(COMMANDS);
        let lines: String = commands.iter().map(line).collect();
        let failed = |source| SessionError::Unusable { path: path.clone(), source };
        // A line that was cut short by a crash was never carried out, and is not what the next one is appended to.
        let (_, whole) = undamaged(&path, &fs::read(&path).map_err(failed)?)?;
        let mut file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
        let append = |file: &mut File| -> io::Result<()> {
            file.set_len(whole)?;
            io::Seek::seek(file, io::SeekFrom::End(0))?;
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        };
        append(&mut file).map_err(|source| {
            // What was refused is not carried out after a restart either, where that can still be had.
            let _ = file.set_len(whole).and_then(|()| file.sync_all());
            failed(source)
        })
    }

    /// Notes how far it came and where it stands. Not synced: losing it costs a click.
    pub fn note(&self, id: &str, reached: Reached, at: TapeTime) -> Result<(), SessionError> {
        let path = self.place(id).join(STANDING);
        let new = path.with_extension("new");
        let note = || fs::write(&new, json(&Standing { reached, at })).and_then(|()| fs::rename(&new, &path));
        note().map_err(|source| SessionError::Unusable { path: path.clone(), source })
    }

    /// Notes what is replayed, or that nothing is, for the next start. Not synced: losing it costs a click.
    pub fn note_deck(&self, note: Option<&DeckNote>) -> Result<(), SessionError> {
        let path = self.folder.join(DECK);
        let new = path.with_extension("new");
        let put = || match note {
            Some(note) => fs::create_dir_all(&self.folder)
                .and_then(|()| fs::write(&new, json(note)))
                .and_then(|()| fs::rename(&new, &path)),
            None => fs::remove_file(&path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
        };
        put().map_err(|source| SessionError::Unusable { path: path.clone(), source })
    }

    pub fn deck(&self) -> Option<DeckNote> {
        serde_json::from_slice(&fs::read(self.folder.join(DECK)).ok()?).ok()
    }

    pub fn rename(&self, id: &str, name: &str) -> Result<(), SessionError> {
        let mut manifest = read(&self.place(id))?.manifest;
        if manifest.name != name {
            self.check_name(name)?;
            name.clone_into(&mut manifest.name);
            self.put(&manifest)?;
        }
        Ok(())
    }

    pub fn archive(&self, id: &str, archived: bool) -> Result<(), SessionError> {
        let mut manifest = read(&self.place(id))?.manifest;
        manifest.archived = archived;
        self.put(&manifest)
    }

    /// It can be brought back.
    pub fn delete(&self, id: &str) -> Result<(), SessionError> {
        read(&self.place(id))?;
        self.carry(&self.place(id), &self.bin().join(id))
    }

    pub fn bring_back(&self, id: &str) -> Result<(), SessionError> {
        let from = self.bin().join(id);
        if !is_number(id) || !from.is_dir() {
            return Err(SessionError::Unknown(id.to_owned()));
        }
        self.carry(&from, &self.place(id))
    }

    fn carry(&self, from: &Path, to: &Path) -> Result<(), SessionError> {
        let carry = || {
            fs::create_dir_all(self.bin())?;
            fs::rename(from, to)
        };
        carry().map_err(|source| SessionError::Unusable { path: from.to_owned(), source })
    }

    fn put(&self, manifest: &Manifest) -> Result<(), SessionError> {
        let path = self.place(&manifest.id).join(MANIFEST);
        let new = path.with_extension("new");
        let put = || write_durably(&new, &json(manifest)).and_then(|()| fs::rename(&new, &path));
        put().map_err(|source| SessionError::Unusable { path: path.clone(), source })
    }

    fn check_name(&self, name: &str) -> Result<(), SessionError> {
        let shown = name.trim();
        if shown != name || shown.is_empty() || shown.chars().count() > LONGEST_NAME || shown == "live" {
            return Err(SessionError::Name);
        }
        // It would be taken for the number of another.
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SessionError::Name);
        }
        if name.chars().any(char::is_control) {
            return Err(SessionError::Name);
        }
        match self.find(name) {
            Ok(_) => Err(SessionError::NameTaken(name.to_owned())),
            Err(SessionError::Unknown(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Kept {
    /// Its way through the tape; `left` is where it left another one of those that are told here.
    pub fn way(&self, parent: Option<usize>) -> Way {
        let left = parent.zip(self.manifest.left_at);
        Way { follows: self.manifest.follows, commands: self.commands.clone(), left, reached: self.reached }
    }
}

const MANIFEST: &str = "session.json";
const COMMANDS: &str = "commands.jsonl";
const STANDING: &str = "standing.json";
const DECK: &str = "deck.json";

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names of folders that are sessions, in order.
fn numbers(folder: &Path) -> Result<Vec<String>, SessionError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SessionError::Unusable { path: folder.to_owned(), source }),
    };
    let mut found: Vec<String> =
        entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).collect();
    found.retain(|id| is_number(id));
    found.sort();
    Ok(found)
}

fn read(place: &Path) -> Result<Kept, SessionError> {
    let text = |name: &str| {
        let path = place.join(name);
        fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound if name == MANIFEST => {
                SessionError::Unknown(place.file_name().unwrap_or_default().to_string_lossy().into_owned())
            }
            _ => SessionError::Unusable { path, source },
        })
    };
    let path = place.join(MANIFEST);
    let bytes = text(MANIFEST)?;
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let damaged = |path: &Path, why: &dyn std::fmt::Display| SessionError::Damaged {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let versioned: Versioned = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, &error))?;
    if versioned.version > VERSION {
        return Err(SessionError::Newer { path });
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, &error))?;
    let (commands, _) = undamaged(&place.join(COMMANDS), &text(COMMANDS)?)?;
    let standing: Standing =
        text(STANDING).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    Ok(Kept { manifest, commands, reached: standing.reached, at: standing.at })
}

fn line(command: &Ordered) -> String {
    let json = serde_json::to_string(command).expect("a command has only numbers and texts");
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// Whole lines, and the bytes they take. A crash cuts the end. Anything else is damage, and a session that leaves out a command is another one.
fn undamaged(path: &Path, bytes: &[u8]) -> Result<(Vec<Ordered>, u64), SessionError> {
    let (commands, whole) = whole_lines(bytes);
    if bytes[whole..].contains(&b'\n') {
        let why = format!("line {} is not as it was written", commands.len() + 1);
        return Err(SessionError::Damaged { path: path.to_owned(), why });
    }
    Ok((commands, whole as u64))
}

/// Commands up to the first line that is not whole, and the bytes they take.
fn whole_lines(bytes: &[u8]) -> (Vec<Ordered>, usize) {
    let (mut commands, mut whole) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(command) = read_line(line) else { break };
        commands.push(command);
        whole += line.len();
    }
    (commands, whole)
}

fn read_line(line: &[u8]) -> Option<Ordered> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (crc, json) = text.split_at_checked(8)?;
    let json = json.strip_prefix(' ')?;
    (u32::from_str_radix(crc, 16) == Ok(crc32fast::hash(json.as_bytes()))).then_some(())?;
    serde_json::from_str(json).ok()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("it has only numbers and texts");
    text.push(b'\n');
    text
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Action, Amount};
    use crate::session::playable::TapeLane;

    fn told(after: u64, units: i128) -> Ordered {
        let id = format!("d{after}").parse().expect("a name");
        let action = Action::Deposit { id, amount: Amount::from_units(units) };
        Ordered { after: Seq(after), at: TapeTime::from_nanos(after as i64 * 1_000), action }
    }

    fn new<'a>(name: Option<&'a str>, commands: &'a [Ordered]) -> NewSession<'a> {
        NewSession {
            name,
            tape: TapeRange::whole(TapeLane::One(crate::domain::Source::Live)),
            through: Seq(900),
            snapshot: Some(-7),
            follows: Some(Seq(5)),
            parent: None,
            left_at: Some(TapeTime::from_nanos(5)),
            commands,
        }
    }

    #[test]
    fn a_session_is_as_it_was_after_a_restart_and_a_line_cut_short_was_never_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let sessions = Sessions::of(directory.path());
        let now = ReceivedTime::from_nanos(1);
        let commands = [told(6, 250), told(7, 1), told(7, i128::from(i64::MAX) * 3)];
        let made = sessions.make(&new(Some("What if"), &commands[..1]), now).expect("made");
        sessions.tell(&made.id, &commands[1..2]).expect("told");
        let reached = Reached { seq: Seq(44), at: TapeTime::from_nanos(9), equity: Amount::from_units(-3) };
        sessions.note(&made.id, reached, TapeTime::from_nanos(8)).expect("noted");
        let path = directory.path().join("sessions").join(&made.id).join(COMMANDS);
        let whole = fs::read(&path).expect("there");
        for cut in 1..line(&commands[2]).len() {
            let torn = &line(&commands[2]).into_bytes()[..cut];
            fs::write(&path, [whole.as_slice(), torn].concat()).expect("torn");
            let kept = Sessions::of(directory.path()).find("What if").expect("there");
            assert_eq!((&kept.commands[..], kept.reached), (&commands[..2], reached), "cut after {cut}");
            sessions.tell(&made.id, &commands[2..]).expect("told");
            assert_eq!(sessions.find("What if").expect("there").commands, commands);
        }
    }

    #[test]
    fn a_changed_byte_is_found_and_no_command_is_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let sessions = Sessions::of(directory.path());
        let commands = [told(6, 250), told(7, 1)];
        let made = sessions.make(&new(None, &commands), ReceivedTime::from_nanos(1)).expect("made");
        let path = directory.path().join("sessions").join(&made.id).join(COMMANDS);
        let whole = fs::read(&path).expect("there");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).expect("changed");
            let found = sessions.find(&made.id).map(|kept| kept.commands);
            // Only what a crash would leave, an end without its line's end, is taken for one.
            let cut = at + 1 == whole.len();
            assert!(found.is_err() || (cut && found.is_ok_and(|found| found == commands[..1])), "byte {at}");
            let (listed, unreadable) = sessions.list().expect("listed");
            assert_eq!(listed.len() + unreadable.len(), 1);
            // Nor does telling it more throw away what comes after the damage.
            let told_more = sessions.tell(&made.id, &[told(8, 1)]);
            assert!(told_more.is_err() || cut, "byte {at}");
            assert!(cut || fs::read(&path).expect("there") == changed, "byte {at}");
        }
    }

    #[test]
    fn sessions_are_named_archived_deleted_and_brought_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let sessions = Sessions::of(directory.path());
        let make = |name| sessions.make(&new(name, &[]), ReceivedTime::from_nanos(1));
        let (first, second) = (make(None).expect("made"), make(Some("Other")).expect("made"));
        assert!(matches!(make(Some("Other")), Err(SessionError::NameTaken(_))));
        for name in ["", " x", "live", "a\nb", "0003"] {
            assert!(matches!(make(Some(name)), Err(SessionError::Name)), "{name:?}");
        }
        sessions.rename(&first.id, "Mine").expect("renamed");
        sessions.archive(&first.id, true).expect("archived");
        sessions.delete(&second.id).expect("deleted");
        let names = || -> Vec<(String, bool)> {
            let (kept, _) = sessions.list().expect("listed");
            kept.into_iter().map(|session| (session.manifest.name, session.manifest.archived)).collect()
        };
        assert_eq!(names(), [("Mine".to_owned(), true)]);
        assert_eq!(make(Some("Third")).expect("made").id, "0003", "the number of a deleted one");
        sessions.bring_back(&second.id).expect("back");
        assert_eq!(names().len(), 3);
        assert!(matches!(sessions.bring_back("../.."), Err(SessionError::Unknown(_))));
        assert!(matches!(sessions.delete("9999"), Err(SessionError::Unknown(_))));
    }
}
