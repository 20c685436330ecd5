//! The files of the database that a server serves: the database, its lock, its write-ahead log and that log's index.
//!
//! A file that is removed or replaced while a server has it open lives on for that server alone, and what it acknowledges
//! is in no file that the next start finds. So the server compares what is at each path with what it holds, before it
//! acknowledges a commit and from time to time.

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

/// A file of the database that is no longer where it was.
#[derive(Debug, thiserror::Error)]
#[error("{} was removed or replaced while the server had it open", .0.display())]
pub(super) struct Displaced(PathBuf);

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

    /// Finds out whether every file is where it was.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub(super) fn check(&self) -> Result<(), Displaced> {
        match self.expected.iter().find(|(path, held)| identity(path).ok() != Some(*held)) {
            Some((path, _)) => Err(Displaced(path.clone())),
            None => Ok(()),
        }
    }

    /// Reads the state of the database, without a transaction.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read.
    pub(super) fn state(&self) -> io::Result<State> {
        let mut bytes = [0; STATE_BYTES];
        self.index.read_exact_at(&mut bytes, STATE_OFFSET)?;
        let ([a, b, c, d, ..], [.., e, f, g, h, i, j, k, l]) = (bytes, bytes);
        Ok(State { commits: u32::from_ne_bytes([a, b, c, d]), checksum: [e, f, g, h, i, j, k, l] })
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|metadata| Identity::from(&metadata))
}
