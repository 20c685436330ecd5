//! The file beside the database, ending in `.lock`: a lock for the one server, and word of changed tokens.
//!
//! A server holds an exclusive lock on it for as long as it lives; the system frees it however the process ends. Its
//! content is a [`Generation`]: whoever changes the tokens beside a running server writes a new one after its COMMIT,
//! and the server, which looks at it on every request, reads the tokens anew. That costs a read of 16 bytes, where a
//! look into the database would cost a transaction.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Which set of tokens is in force: equal only while no other process has changed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generation([u8; 16]);

/// The lock file of a database, open.
pub(super) struct LockFile {
    file: File,
}

/// Beside the database itself, not beside a link to it: all ways to one file lead to one lock.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned()).into_os_string();
    name.push(".lock");
    name.into()
}

/// Its owner's alone: whoever may lock it could keep the server from starting.
fn open(database: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(lock_path(database))
}

impl LockFile {
    /// Takes the lock on `database`; `None` when another process has it.
    pub(super) fn try_take(database: &Path) -> io::Result<Option<Self>> {
        let file = open(database)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// What is written in it now.
    pub(super) fn generation(&self) -> io::Result<Generation> {
        let mut generation = Generation::default();
        match self.file.read_exact_at(&mut generation.0, 0) {
            Ok(()) => Ok(generation),
            // Nobody has changed a token beside a server yet.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Generation::default()),
            Err(error) => Err(error),
        }
    }
}

/// Tells a running server, if there is one, that the tokens of `database` have changed.
pub(super) fn announce(database: &Path) -> io::Result<()> {
    let generation = uuid::Uuid::now_v7();
    open(database)?.write_all_at(generation.as_bytes(), 0)
}
