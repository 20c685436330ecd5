//! What the calls of a trace did to the files of the database, which syncs they waited for, and what was promised when.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::trace::Call;
use crate::books::Promise;

/// One change of one file.
pub(super) enum Change {
    Made,
    Written { at: usize, bytes: Vec<u8> },
    Resized(usize),
    Removed,
}

/// A change, and the name of its file.
pub(super) struct Write {
    pub(super) file: String,
    pub(super) change: Change,
}

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

/// A sync of one file, or of the directory: `None`.
pub(super) struct Sync {
    pub(super) file: Option<String>,
    pub(super) cause: Cause,
}

/// What happens at one moment; numbers are places in [`History::writes`] and [`History::syncs`].
pub(super) enum Moment {
    WriteBegun(usize),
    WriteEnded(usize),
    SyncBegun(usize),
    SyncEnded(usize),
    Promised(Promise),
}

/// Everything, in order.
#[derive(Default)]
pub(super) struct History {
    pub(super) writes: Vec<Write>,
    pub(super) syncs: Vec<Sync>,
    pub(super) moments: Vec<Moment>,
    timed: Vec<(usize, Moment)>,
    /// What was read from each connection since its last answer.
    asked: HashMap<String, Vec<u8>>,
    /// Which files there are.
    there: BTreeSet<String>,
}

impl History {
    /// What `calls` did to the files of the database at `db`, of which those in `there` were there before.
    pub(super) fn of(calls: &[Call<'_>], db: &Path, there: BTreeSet<String>) -> Self {
        let mut history = Self { there, ..Self::default() };
        let directory = db.parent().unwrap();
        let own = |path: &str| {
            let name = Path::new(path).strip_prefix(directory).ok()?.to_str()?;
            let rest = name.strip_prefix(db.file_name()?.to_str()?)?;
            ["", "-wal", "-journal"].contains(&rest).then(|| name.to_owned())
        };
        for (place, call) in calls.iter().enumerate() {
            let file = call.file();
            match (call.name, file.as_deref()) {
                ("fdatasync" | "fsync", Some(path)) if Path::new(path) == directory => {
                    history.sync(call, None, Cause::Other)
                }
                ("fdatasync" | "fsync", Some(path)) => {
                    if let Some(name) = own(path) {
                        let cause = cause(calls, place, &name);
                        history.sync(call, Some(name), cause);
                    }
                }
                ("openat", _) if call.says("O_CREAT") => {
                    if let Some(name) = own(&call.path()).filter(|name| !history.there.contains(name)) {
                        history.there.insert(name.clone());
                        history.write(call, name, Change::Made);
                    }
                }
                ("unlink", _) => {
                    if let Some(name) = own(&call.path()) {
                        history.there.remove(&name);
                        history.write(call, name, Change::Removed);
                    }
                }
                ("pwrite64", Some(path)) => {
                    if let Some(name) = own(path) {
                        let bytes = call.bytes();
                        assert_eq!(i64::try_from(bytes.len()), Ok(call.result), "a write is not whole in the trace");
                        history.write(call, name, Change::Written { at: call.last_number(), bytes });
                    }
                }
                ("ftruncate", Some(path)) => {
                    if let Some(name) = own(path) {
                        history.write(call, name, Change::Resized(call.last_number()));
                    }
                }
                ("recvfrom", Some(socket)) => {
                    history.asked.entry(socket.to_owned()).or_default().extend(call.bytes());
                }
                ("writev" | "sendto" | "write", Some(socket)) if socket.starts_with("socket:") => {
                    history.answer(call, socket);
                }
                _ => {}
            }
        }
        history.timed.sort_by_key(|(line, _)| *line);
        history.moments = std::mem::take(&mut history.timed).into_iter().map(|(_, moment)| moment).collect();
        history
    }

    fn write(&mut self, call: &Call<'_>, file: String, change: Change) {
        let place = self.writes.len();
        self.writes.push(Write { file, change });
        self.timed.push((call.begun, Moment::WriteBegun(place)));
        self.timed.push((call.ended, Moment::WriteEnded(place)));
    }

    fn sync(&mut self, call: &Call<'_>, file: Option<String>, cause: Cause) {
        let place = self.syncs.len();
        self.syncs.push(Sync { file, cause });
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
fn cause(calls: &[Call<'_>], place: usize, file: &str) -> Cause {
    let is_change = |call: &&Call<'_>| {
        call.thread == calls[place].thread && ["pwrite64", "fdatasync", "fsync", "ftruncate"].contains(&call.name)
    };
    let writes_to = |call: &Call<'_>, suffix: &str| {
        call.name == "pwrite64" && call.file().is_some_and(|path| path.ends_with(suffix))
    };
    let (before, after) = (calls[..place].iter().rfind(is_change), calls[place + 1..].iter().find(is_change));
    if !file.ends_with("-wal") {
        return if file.ends_with("-journal") { Cause::Other } else { Cause::AfterCopy };
    }
    if before.is_some_and(|call| writes_to(call, "-wal") && call.result == 32 && call.last_number() == 0) {
        return Cause::NewLog;
    }
    if after.is_some_and(|call| writes_to(call, ".db")) { Cause::BeforeCopy } else { Cause::Commit }
}
