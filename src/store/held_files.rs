//! The files of the database that a server serves: the database, its lock, its write-ahead log and that log's index.
//!
//! A file that is removed or replaced while a server has it open lives on for that server alone, and what it acknowledges
//! is in no file that the next start finds. So the server compares what is at each path with what it holds, before it
//! acknowledges a commit and from time to time. So is a file that is cut short where it lies: that is looked for before each
//! write as well, which would make it long again.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::OpenError;
use super::lock::{Locks, beside, lock_path};

/// Where the index of the write-ahead log has the state of the database: SQLite's format of it, which all versions share.
const STATE_OFFSET: u64 = 8;

/// The bytes of that state that are read: from the count of commits to the end of the checksum.
const STATE_BYTES: usize = 24;

/// One state of the database: which commit was the last.
///
/// The count alone begins anew when SQLite has to make its index again; the checksum is that of all that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// How many commits there have been, of all processes, modulo 2³².
    pub(super) commits: u32,
    checksum: [u8; 8],
}

impl From<[u8; STATE_BYTES]> for State {
    fn from(bytes: [u8; STATE_BYTES]) -> Self {
        let ([a, b, c, d, ..], [.., e, f, g, h, i, j, k, l]) = (bytes, bytes);
        Self { commits: u32::from_ne_bytes([a, b, c, d]), checksum: [e, f, g, h, i, j, k, l] }
    }
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

/// The files, held. Whatever has a connection to the database shares this and drops it after the connection: closing a
/// descriptor of a file takes SQLite's locks on that file from the process.
pub(super) struct HeldFiles {
    expected: [(PathBuf, Identity); 4],
    index: File,
    _locks: Locks,
}

impl HeldFiles {
    /// Holds the files of the database at `path`, which a connection has opened and read.
    ///
    /// # Errors
    ///
    /// If one of them is missing or cannot be opened.
    pub(super) fn of(path: &Path, locks: Locks) -> Result<Self, OpenError> {
        let identity = |path: &Path| identity(path).map_err(|error| OpenError::File(path.to_owned(), error));
        let (lock, log, index_path) = (lock_path(path), beside(path, "-wal"), beside(path, "-shm"));
        let failed = |path: &Path, error| OpenError::File(path.to_owned(), error);
        let index = File::open(&index_path).map_err(|error| failed(&index_path, error))?;
        let held_lock = locks.file_beside().metadata().map_err(|error| failed(&lock, error))?;
        let held_index = index.metadata().map_err(|error| failed(&index_path, error))?;
        let expected = [
            (path.to_owned(), identity(path)?),
            (lock, Identity::from(&held_lock)),
            (log.clone(), identity(&log)?),
            (index_path, Identity::from(&held_index)),
        ];
        Ok(Self { expected, index, _locks: locks })
    }

    /// Finds out whether every file is where it was, and the database and its log hold as much as was written to them.
    ///
    /// # Errors
    ///
    /// The first that is not, or does not.
    pub(super) fn check(&self) -> Result<(), Displaced> {
        let written = self.log_bytes();
        let mut lengths = [0; 4];
        for ((path, held), length) in self.expected.iter().zip(&mut lengths) {
            *length = held_length(path, held).ok_or_else(|| Displaced::Gone(path.clone()))?;
        }
        let [database, _, log, _] = lengths;
        self.check_whole(written, database, log)
    }

    /// Finds out only whether the database and its log hold as much as was written to them. What another file in their place
    /// holds, or none, says nothing: [`HeldFiles::check`] tells of that. Returns the state of the database.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read, or which of the two does not.
    pub(super) fn check_lengths(&self) -> io::Result<State> {
        let bytes = self.state_bytes()?;
        let [database, _, log, _] = &self.expected;
        let length = |(path, held): &(PathBuf, Identity)| held_length(path, held).unwrap_or(u64::MAX);
        self.check_whole(Ok(log_bytes(bytes)), length(database), length(log)).map_err(io::Error::other)?;
        Ok(State::from(bytes))
    }

    /// `written` was read before the lengths were: files grow before the index says so.
    fn check_whole(&self, written: io::Result<u64>, database: u64, log: u64) -> Result<(), Displaced> {
        let [(database_path, _), _, (log_path, _), _] = &self.expected;
        if database == 0 {
            return Err(Displaced::CutShort(database_path.clone()));
        }
        let Ok(written) = written else { return Ok(()) };
        // The log is emptied after its index says so: where the index still says the same, nothing has emptied it in order.
        if log < written && self.log_bytes().is_ok_and(|again| again == written) {
            return Err(Displaced::CutShort(log_path.clone()));
        }
        Ok(())
    }

    /// How long the write-ahead log is at least, by its index.
    fn log_bytes(&self) -> io::Result<u64> {
        self.state_bytes().map(log_bytes)
    }

    /// Reads the state of the database, without a transaction.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read.
    pub(super) fn state(&self) -> io::Result<State> {
        self.state_bytes().map(State::from)
    }

    /// The count of commits, what the log is made of (the size of a page, the number of pages in it), the pages of the
    /// database, and the checksum.
    fn state_bytes(&self) -> io::Result<[u8; STATE_BYTES]> {
        let mut bytes = [0; STATE_BYTES];
        self.index.read_exact_at(&mut bytes, STATE_OFFSET)?;
        Ok(bytes)
    }
}

/// How long the write-ahead log is at least, by these bytes of its index.
fn log_bytes(bytes: [u8; STATE_BYTES]) -> u64 {
    let [_, _, _, _, _, _, low, high, a, b, c, d, ..] = bytes;
    // A page of 65536 bytes does not fit: it is written as 1.
    let page = match u16::from_ne_bytes([low, high]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let frames = u64::from(u32::from_ne_bytes([a, b, c, d]));
    if frames == 0 { 0 } else { LOG_HEADER + frames * (FRAME_HEADER + page) }
}

/// The length of the file at `path`, where it is the one that is held.
fn held_length(path: &Path, held: &Identity) -> Option<u64> {
    let here = fs::metadata(path).ok().filter(|metadata| Identity::from(metadata) == *held);
    here.map(|metadata| metadata.len())
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|metadata| Identity::from(&metadata))
}
