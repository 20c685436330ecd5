//! What the calls of a trace did to the files of the database, which syncs they waited for, and what was promised when.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::trace::Call;
use super::volume::{Change, Inode, Object, Volume};
use crate::ledger::Promise;

/// Why a sync was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The log's, before a commit is answered: what `synchronous=NORMAL` leaves out.
    Commit,
    /// The log's, after its new header.
    NewLog,
    /// The log's, before it is copied into the database.
    BeforeCopy,
    /// The database's own, after that.
    AfterCopy,
    /// A directory's, or another file's.
    Other,
}

pub(super) struct Sync {
    pub(super) object: Object,
    pub(super) cause: Cause,
}

/// What happens at one moment; numbers are places in [`History::changes`] and [`History::syncs`].
pub(super) enum Moment {
    ChangeBegun(usize),
    ChangeEnded(usize),
    SyncBegun(usize),
    SyncEnded(usize),
    Promised(Promise),
}

/// Everything, in order.
pub(super) struct History {
    pub(super) changes: Vec<Change>,
    pub(super) syncs: Vec<Sync>,
    pub(super) moments: Vec<Moment>,
    /// The file that is the database itself.
    pub(super) database: Inode,
    timed: Vec<(usize, Moment)>,
    /// What was read from each connection since its last answer.
    asked: HashMap<String, Vec<u8>>,
    /// The directory as the calls find it.
    entries: BTreeMap<String, Inode>,
    /// How many files there have been.
    files: usize,
    /// What each open file descriptor stands for, whatever has happened to its name since.
    opened: HashMap<u32, Object>,
}

/// Which files belong to the database.
struct Names<'d> {
    directory: &'d Path,
    database: &'d str,
}

impl Names<'_> {
    /// The name of the database itself, of its log or of its rollback journal; `None` for any other file.
    fn own(&self, path: &str) -> Option<String> {
        let name = Path::new(path).strip_prefix(self.directory).ok()?.to_str()?;
        let rest = name.strip_prefix(self.database)?;
        ["", "-wal", "-journal"].contains(&rest).then(|| name.to_owned())
    }
}

impl History {
    /// What `calls` did to the files of the database at `db`, which is one of those in `before`.
    pub(super) fn of(calls: &[Call<'_>], db: &Path, before: &Volume) -> Self {
        let names = Names { directory: db.parent().unwrap(), database: db.file_name().unwrap().to_str().unwrap() };
        let mut history = Self {
            changes: Vec::new(),
            syncs: Vec::new(),
            moments: Vec::new(),
            database: before.entries[names.database],
            timed: Vec::new(),
            asked: HashMap::new(),
            entries: before.entries.clone(),
            files: before.entries.len(),
            opened: HashMap::new(),
        };
        for (place, call) in calls.iter().enumerate() {
            match call.name {
                "openat" => history.open(call, &names),
                "unlink" => history.remove(call, &names),
                "rename" => history.rename(call, &names),
                "pwrite64" | "ftruncate" => history.write(call),
                "fdatasync" | "fsync" => history.sync(calls, place),
                "recvfrom" => {
                    let socket = call.file().unwrap_or_default();
                    history.asked.entry(socket).or_default().extend(call.bytes());
                }
                "writev" | "sendto" | "write" => {
                    if let Some(socket) = call.file().filter(|file| file.starts_with("socket:")) {
                        history.answer(call, &socket);
                    }
                }
                _ => {}
            }
        }
        history.timed.sort_by_key(|(line, _)| *line);
        history.moments = std::mem::take(&mut history.timed).into_iter().map(|(_, moment)| moment).collect();
        history
    }

    /// A descriptor stands for the directory, for a file that is there, or for one that is made by this.
    fn open(&mut self, call: &Call<'_>, names: &Names<'_>) {
        let descriptor = u32::try_from(call.result).unwrap();
        let path = call.path(0);
        let object = match names.own(&path) {
            _ if Path::new(&path) == names.directory => Some(Object::Directory),
            Some(name) => Some(Object::File(self.entries.get(&name).copied().unwrap_or_else(|| self.make(call, name)))),
            None => None,
        };
        match object {
            Some(object) => self.opened.insert(descriptor, object),
            // The number of a closed descriptor is given again.
            None => self.opened.remove(&descriptor),
        };
    }

    fn make(&mut self, call: &Call<'_>, name: String) -> Inode {
        let inode = self.files;
        self.files += 1;
        self.enter(call, vec![(name, Some(inode))]);
        inode
    }

    fn remove(&mut self, call: &Call<'_>, names: &Names<'_>) {
        if let Some(name) = names.own(&call.path(0)) {
            self.enter(call, vec![(name, None)]);
        }
    }

    fn rename(&mut self, call: &Call<'_>, names: &Names<'_>) {
        let (from, to) = (names.own(&call.path(0)), names.own(&call.path(1)));
        assert!(from.is_some() || to.is_none(), "what is in a file that comes from elsewhere is not in the trace");
        let Some(from) = from else { return };
        let inode = self.entries[&from];
        self.enter(call, [(from, None)].into_iter().chain(to.map(|to| (to, Some(inode)))).collect());
    }

    fn enter(&mut self, call: &Call<'_>, entries: Vec<(String, Option<Inode>)>) {
        for (name, inode) in &entries {
            match inode {
                Some(inode) => self.entries.insert(name.clone(), *inode),
                None => self.entries.remove(name),
            };
        }
        self.change(call, Change::Entries(entries));
    }

    fn write(&mut self, call: &Call<'_>) {
        let Some(Object::File(inode)) = self.object(call) else { return };
        let number = call.last_number();
        if call.name == "ftruncate" {
            return self.change(call, Change::Resized { inode, length: number });
        }
        let bytes = call.bytes();
        assert_eq!(i64::try_from(bytes.len()), Ok(call.result), "a write is not whole in the trace");
        self.change(call, Change::Written { inode, at: number, bytes });
    }

    /// What the descriptor that comes first stands for, if it belongs to the database.
    fn object(&self, call: &Call<'_>) -> Option<Object> {
        self.opened.get(&call.descriptor()?).copied()
    }

    fn change(&mut self, call: &Call<'_>, change: Change) {
        let place = self.changes.len();
        self.changes.push(change);
        self.timed.push((call.begun, Moment::ChangeBegun(place)));
        self.timed.push((call.ended, Moment::ChangeEnded(place)));
    }

    fn sync(&mut self, calls: &[Call<'_>], of: usize) {
        let call = &calls[of];
        let Some(object) = self.object(call) else { return };
        let place = self.syncs.len();
        self.syncs.push(Sync { object, cause: cause(calls, of) });
        self.timed.push((call.begun, Moment::SyncBegun(place)));
        self.timed.push((call.ended, Moment::SyncEnded(place)));
    }

    /// A promise is made as soon as the first byte of a 2xx is handed to the system.
    fn answer(&mut self, call: &Call<'_>, socket: &str) {
        let answer = call.bytes();
        if !answer.starts_with(b"HTTP/1.1 ") {
            return;
        }
        let asked = String::from_utf8(self.asked.remove(socket).unwrap_or_default()).unwrap();
        if !answer.starts_with(b"HTTP/1.1 2") {
            return;
        }
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        let path = head.split(' ').nth(1).unwrap();
        let promise = serde_json::from_str(body).ok().and_then(|body| Promise::of(path, &body));
        if let Some(promise) = promise {
            self.timed.push((call.begun, Moment::Promised(promise)));
        }
    }
}

/// The cause of the sync at `place`: what its thread did to the files right before and right after tells.
fn cause(calls: &[Call<'_>], place: usize) -> Cause {
    let is_change = |call: &&Call<'_>| {
        call.thread == calls[place].thread && ["pwrite64", "fdatasync", "fsync", "ftruncate"].contains(&call.name)
    };
    let writes_to = |call: &Call<'_>, suffix: &str| {
        call.name == "pwrite64" && call.file().is_some_and(|path| path.ends_with(suffix))
    };
    let (before, after) = (calls[..place].iter().rfind(is_change), calls[place + 1..].iter().find(is_change));
    let file = calls[place].file().unwrap_or_default();
    if file.ends_with(".db") {
        Cause::AfterCopy
    } else if !file.ends_with("-wal") {
        Cause::Other
    } else if before.is_some_and(|call| writes_to(call, "-wal") && call.result == 32 && call.last_number() == 0) {
        Cause::NewLog
    } else if after.is_some_and(|call| writes_to(call, ".db")) {
        Cause::BeforeCopy
    } else {
        Cause::Commit
    }
}
