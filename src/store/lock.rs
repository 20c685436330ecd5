//! The lock file beside the database, ending in `.lock`: it admits one server, and signals changed tokens.
//!
//! A server holds an exclusive lock on it for as long as it lives; the system frees it however the process ends. Its
//! content is a [`Generation`]: a command that changes tokens beside a running server writes a new one after its COMMIT.
//! The server reads it on every request and, when it has changed, reads the tokens anew. That costs a read of 16 bytes,
//! where asking the database would cost a transaction.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The version of the set of tokens: equal only while no other process has changed them.
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

/// Opens the lock file, which only its owner may use: a user who can lock it could keep the server from starting.
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

    /// Reads the version that is written in it.
    pub(super) fn generation(&self) -> io::Result<Generation> {
        let mut generation = Generation::default();
        match self.file.read_exact_at(&mut generation.0, 0) {
            Ok(()) => Ok(generation),
            // No command has changed a token yet.
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
