//! The files of the database that a server serves: the database, its lock, its write-ahead log and that log's index.
//!
//! A file that is removed or replaced while a server has it open lives on for that server alone, and what it acknowledges
//! is in no file that the next start finds. So the server compares what is at each path with what it holds, before it
//! acknowledges a commit and from time to time. The same goes for a file that is cut short or written over where it lies:
//! that is looked for before each write as well, which would go into a file that belongs to nothing.
//!
//! In a database with a write-ahead log only a checkpoint, of whichever process, writes to the database file, and the index
//! of the log tells of it before and after. So where the file's time of change is new and the index tells of no checkpoint,
//! something else has written. The log is compared with its index: its salts, and the checksum of its last commit, which
//! is one of all that is before it.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::lock::{Locks, beside, lock_path};
use crate::store::OpenError;

/// How much of the index of the write-ahead log is read: its header, twice, and what it says of checkpoints. SQLite's format
/// of it is one that all versions share.
const INDEX_BYTES: usize = 136;

/// One state of the database: which commit was the last.
///
/// The count alone begins anew when SQLite has to make its index again; the checksum is that of all that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// How many commits there have been, of all processes, modulo 2³².
    pub(super) commits: u32,
    checksum: [u32; 2],
}

/// How far the log is copied into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copied {
    /// Of which log: each has its own salts.
    salts: [u8; 8],
    /// The pages that a checkpoint has begun to copy, and those that one has copied.
    begun: u32,
    done: u32,
}

impl Copied {
    /// Whether a checkpoint is under way, or was broken off.
    const fn is_unfinished(self) -> bool {
        self.begun != self.done
    }
}

/// What the index of the write-ahead log says at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Index {
    state: State,
    page_bytes: u64,
    /// The pages in the log.
    frames: u64,
    copied: Copied,
}

impl Index {
    fn read(file: &File) -> io::Result<Self> {
        let mut bytes = [0; INDEX_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let word = |at: usize| u32::from_ne_bytes(taken(&bytes, at));
        // A page of 65536 bytes does not fit into its two bytes: it is written as 1.
        let page_bytes = match u16::from_ne_bytes(taken(&bytes, 14)) {
            1 => 65_536,
            size => u64::from(size),
        };
        Ok(Self {
            state: State { commits: word(8), checksum: [word(24), word(28)] },
            page_bytes,
            frames: u64::from(word(16)),
            copied: Copied { salts: taken(&bytes, 32), begun: word(128), done: word(96) },
        })
    }

    /// How long the log is at least.
    const fn log_bytes(&self) -> u64 {
        if self.frames == 0 { 0 } else { LOG_HEADER + self.frames * (FRAME_HEADER + self.page_bytes) }
    }

    /// Whether `log` begins and ends as this says; also where it cannot be read.
    fn is_of(&self, log: &File) -> bool {
        let Some(before) = self.frames.checked_sub(1) else { return true };
        let (mut header, mut last) = ([0; LOG_HEADER as usize], [0; FRAME_HEADER as usize]);
        let at = LOG_HEADER + before * (FRAME_HEADER + self.page_bytes);
        if log.read_exact_at(&mut header, 0).and_then(|()| log.read_exact_at(&mut last, at)).is_err() {
            return true;
        }
        let checksum = [u32::from_be_bytes(taken(&last, 16)), u32::from_be_bytes(taken(&last, 20))];
        let salts: [[u8; 8]; 2] = [taken(&header, 16), taken(&last, 8)];
        salts == [self.copied.salts; 2] && checksum == self.state.checksum
    }
}

/// So many bytes from a place on; zeros where there are not so many.
fn taken<const COUNT: usize>(bytes: &[u8], at: usize) -> [u8; COUNT] {
    bytes.get(at..at + COUNT).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; COUNT])
}

/// A file of the database that is no longer what the server has opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Displaced {
    /// Another file is there, or none.
    #[error("{} was removed or replaced while the server had it open", .0.display())]
    Gone(PathBuf),
    /// It is shorter than what was written to it.
    #[error("{} was cut short while the server had it open", .0.display())]
    CutShort(PathBuf),
    /// Another program has written to it, past SQLite.
    #[error("{} was written over where it lies while the server had it open", .0.display())]
    Overwritten(PathBuf),
    /// What was committed is no longer in it.
    #[error("{} was filled with another database, or an earlier state of this one, while the server had it open", .0.display())]
    Refilled(PathBuf),
}

/// The length of the header of a write-ahead log, and of the header of each page in it, in bytes.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// When the database file was last written to, and how long it was then.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Written {
    seconds: i64,
    nanoseconds: i64,
    length: u64,
}

impl From<&Metadata> for Written {
    fn from(metadata: &Metadata) -> Self {
        Self { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec(), length: metadata.len() }
    }
}

/// What the last look has found of the database file: `copied` was read before `written`.
#[derive(Clone, Copy)]
struct Seen {
    copied: Copied,
    written: Written,
}

/// The files, held. Whatever has a connection to the database shares this and drops it after the connection: closing a
/// descriptor of a file takes SQLite's locks on that file from the process.
pub(super) struct HeldFiles {
    expected: [(PathBuf, Identity); 4],
    database: File,
    index: File,
    /// How long the index is: SQLite never makes it shorter while it is open.
    index_bytes: AtomicU64,
    log: File,
    seen: Mutex<Seen>,
    /// Whether the log no longer belongs to the database.
    is_spoiled: AtomicBool,
    _locks: Locks,
}

impl HeldFiles {
    /// Holds the files of the database at `path`, which a connection has opened and read.
    ///
    /// # Errors
    ///
    /// If one of them is missing or cannot be opened.
    pub(super) fn of(path: &Path, locks: Locks) -> Result<Self, OpenError> {
        let (lock, log_path, index_path) = (lock_path(path), beside(path, "-wal"), beside(path, "-shm"));
        let failed = |path: &Path, error| OpenError::File(path.to_owned(), error);
        let open = |path: &Path| File::open(path).map_err(|error| failed(path, error));
        let (held_database, index, log) = (open(path)?, open(&index_path)?, open(&log_path)?);
        let held_lock = locks.file_beside().metadata().map_err(|error| failed(&lock, error))?;
        let held_index = index.metadata().map_err(|error| failed(&index_path, error))?;
        let held_log = log.metadata().map_err(|error| failed(&log_path, error))?;
        let copied = Index::read(&index).map_err(|error| failed(&index_path, error))?.copied;
        let database = held_database.metadata().map_err(|error| failed(path, error))?;
        let expected = [
            (path.to_owned(), Identity::from(&database)),
            (lock, Identity::from(&held_lock)),
            (log_path, Identity::from(&held_log)),
            (index_path, Identity::from(&held_index)),
        ];
        let seen = Mutex::new(Seen { copied, written: Written::from(&database) });
        let (index_bytes, is_spoiled) = (AtomicU64::new(held_index.len()), AtomicBool::new(false));
        Ok(Self { expected, database: held_database, index, index_bytes, log, seen, is_spoiled, _locks: locks })
    }

    /// Finds out whether every file is where it was, and holds what was written to it.
    ///
    /// # Errors
    ///
    /// The first that is not, or does not.
    pub(super) fn check(&self) -> Result<(), Displaced> {
        let before = self.read_index();
        let found = self.expected.each_ref().map(|(path, held)| held_metadata(path, held));
        if let Some(((path, _), _)) = self.expected.iter().zip(&found).find(|(_, found)| found.is_none()) {
            return Err(Displaced::Gone(path.clone()));
        }
        self.check_contents(before.ok(), &found)
    }

    /// Finds out only whether the files that are where they were hold what was written to them: [`HeldFiles::check`] tells of
    /// those that are not. Returns the state of the database, where the index of the write-ahead log can be read.
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub(super) fn check_those_there(&self) -> Result<io::Result<State>, Displaced> {
        let before = self.read_index();
        let found = self.expected.each_ref().map(|(path, held)| held_metadata(path, held));
        self.check_contents(before.as_ref().ok().copied(), &found)?;
        Ok(before.map(|index| index.state))
    }

    /// `before` was read before the metadata were: files grow before the index says so.
    fn check_contents(&self, before: Option<Index>, found: &[Option<Metadata>; 4]) -> Result<(), Displaced> {
        let [database, _, log, index] = found;
        let [(database_path, _), _, (log_path, _), (index_path, _)] = &self.expected;
        if database.as_ref().is_some_and(|database| database.len() == 0) {
            return Err(Displaced::CutShort(database_path.clone()));
        }
        if let Some(index) = index
            && self.index_bytes.fetch_max(index.len(), Ordering::AcqRel) > index.len()
        {
            return Err(Displaced::CutShort(index_path.clone()));
        }
        let Some(before) = before else { return Ok(()) };
        // The log is emptied, or begun anew, after its index says so: where the index still says the same, nothing has done
        // that in order.
        let is_still_so = || self.read_index().is_ok_and(|after| after == before);
        if let Some(log) = log {
            if log.len() < before.log_bytes() && is_still_so() {
                return Err(Displaced::CutShort(log_path.clone()));
            }
            if !before.is_of(&self.log) && is_still_so() {
                return Err(Displaced::Overwritten(log_path.clone()));
            }
        }
        match database {
            Some(database) if !self.is_untouched(before.copied, Written::from(database)) => {
                Err(Displaced::Overwritten(database_path.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether only checkpoints have written to the database file since the last look. `copied` was read before `written`.
    fn is_untouched(&self, copied: Copied, written: Written) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let has_copied = || {
            let after = self.read_index().map(|index| index.copied);
            copied != seen.copied || copied.is_unfinished() || after.map_or(true, |after| after != copied)
        };
        let is_untouched = written == seen.written || has_copied();
        if is_untouched {
            *seen = Seen { copied, written };
        }
        is_untouched
    }

    /// To be called once something is found to be displaced. Where the log no longer belongs to the database, it is moved
    /// aside, so that the next start does not copy it into what is there; and no connection copies it when it is closed.
    pub(super) fn give_up(&self, displaced: &Displaced) {
        let [(database, _), _, (log, held_log), (index, _)] = &self.expected;
        match displaced {
            Displaced::Gone(_) | Displaced::Refilled(_) => return,
            // What the log has lost is lost, and what is left of it belongs to the database.
            Displaced::CutShort(path) if path == log || path == index => {}
            Displaced::CutShort(_) | Displaced::Overwritten(_) => {
                if self.is_spoiled.swap(true, Ordering::AcqRel) || held_metadata(log, held_log).is_none() {
                    return;
                }
                let aside = beside(database, &format!("-wal.{}.left", uuid::Uuid::now_v7()));
                match fs::rename(log, &aside) {
                    Ok(()) => tracing::warn!(
                        log = %aside.display(),
                        "the write-ahead log was moved aside: it belongs to what was there before"
                    ),
                    Err(error) => tracing::error!(%error, "the write-ahead log could not be moved aside: remove it"),
                }
            }
        }
        self.is_spoiled.store(true, Ordering::Release);
    }

    /// Whether nothing is to be copied into the database file any more.
    pub(super) fn are_spoiled(&self) -> bool {
        self.is_spoiled.load(Ordering::Acquire)
    }

    /// Has the disk write what was copied into the database file so far, so that whoever syncs it next finds little to wait for.
    ///
    /// # Errors
    ///
    /// If the sync fails.
    pub(super) fn sync_database(&self) -> io::Result<()> {
        self.database.sync_data()
    }

    /// The database file.
    pub(super) fn database(&self) -> &Path {
        let [(database, _), ..] = &self.expected;
        database
    }

    /// Reads the state of the database, without a transaction.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read.
    pub(super) fn state(&self) -> io::Result<State> {
        self.read_index().map(|index| index.state)
    }

    fn read_index(&self) -> io::Result<Index> {
        Index::read(&self.index)
    }
}

/// What there is to know of the file at `path`, where it is the one that is held.
fn held_metadata(path: &Path, held: &Identity) -> Option<Metadata> {
    fs::metadata(path).ok().filter(|metadata| Identity::from(metadata) == *held)
}
