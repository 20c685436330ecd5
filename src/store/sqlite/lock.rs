//! The two locks of a database: one on the file beside it that ends in `.lock`, and one on the database file itself.
//!
//! A server holds both for as long as it lives; the system frees them however the process ends. The first belongs to a
//! name, the second to the file, whatever its names: a link or a bind mount has a name of its own, and with it a
//! write-ahead log of its own, so two names of one file must never be used at once.
//!
//! The lock on the database file is `flock`'s, which on Linux does not meet SQLite's own locks. But closing any descriptor
//! of a file takes SQLite's locks on that file from the process. So a descriptor of the database is closed before SQLite
//! opens the file, or after its last connection is closed. On other systems the two kinds of locks collide, and only the
//! file beside the database is locked.
//!
//! The file beside the database also remembers, once the database has its tables, that there is one: so a server that is
//! started where the database is gone, by hand or by a service manager, does not go on with a new and empty one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::OpenError;

/// Whether a lock on a database file leaves SQLite's locks alone.
pub(in crate::store) const LOCKS_THE_DATABASE: bool = cfg!(target_os = "linux");

/// What the lock file says once there is a database.
const MARK: &str =
    "A countersign database is beside this file. While this file is here, no new one is made in its place.\n";

/// Both locks of a database. Dropped only after the last connection of this process to it.
pub(super) struct Locks {
    beside: File,
    /// `None` where only the file beside it is locked.
    database: Option<File>,
}

/// What came of the attempt to take the locks.
pub(super) enum Attempt {
    /// They are this process's.
    Taken(Locks),
    /// Another process holds the lock beside the database: it uses it by this name.
    HeldByThisName,
    /// Another process holds the database alone: it uses it by another name, or its lock file was removed.
    HeldByAnotherName,
}

/// Which process uses a database, as seen from one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InUse {
    No,
    ByThisName,
    ByAnotherName,
}

/// The lock file of a database: beside the database itself, not beside a symbolic link to it.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    beside(database, ".lock")
}

/// The file beside a database that has this ending.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned()).into_os_string();
    name.push(ending);
    name.into()
}

impl Locks {
    /// Takes both locks, without waiting for them, and makes an empty database where there is none.
    ///
    /// # Errors
    ///
    /// If the database has more than one name, or is gone, or a file cannot be made or opened.
    pub(super) fn try_take(database: &Path) -> Result<Attempt, OpenError> {
        check_one_name(database)?;
        let path = lock_path(database);
        let failed = |error| OpenError::File(path.clone(), error);
        // The lock file is not made beside a database that is in use by another name.
        let existing = found(OpenOptions::new().read(true).write(true).open(&path)).map_err(failed)?;
        if let Some(beside) = &existing
            && !try_lock(beside).map_err(failed)?
        {
            return Ok(Attempt::HeldByThisName);
        }
        if existing.as_ref().is_some_and(is_marked) && is_missing_or_empty(database) {
            return Err(OpenError::Vanished(database.to_owned()));
        }
        let file = lockable(database, true)?;
        if let Some(file) = &file
            && !try_lock(file).map_err(|error| OpenError::File(database.to_owned(), error))?
        {
            return Ok(Attempt::HeldByAnotherName);
        }
        let beside = match existing {
            Some(beside) => beside,
            None => {
                let made = make(&path).map_err(failed)?;
                if !try_lock(&made).map_err(failed)? {
                    return Ok(Attempt::HeldByThisName);
                }
                made
            }
        };
        Ok(Attempt::Taken(Self { beside, database: file }))
    }

    /// Lets other processes take the locks. The descriptors stay open, and SQLite's locks with them.
    pub(super) fn release(&self) -> io::Result<()> {
        self.database.as_ref().map_or(Ok(()), File::unlock)?;
        self.beside.unlock()
    }

    /// Remembers that the database at this path has its tables.
    ///
    /// # Errors
    ///
    /// If the lock file cannot be written.
    pub(super) fn mark(&self, database: &Path) -> Result<(), OpenError> {
        if is_marked(&self.beside) {
            return Ok(());
        }
        let mut beside = &self.beside;
        beside.write_all(MARK.as_bytes()).map_err(|error| OpenError::File(lock_path(database), error))
    }

    /// The lock file.
    pub(super) const fn file_beside(&self) -> &File {
        &self.beside
    }
}

/// Says whether another process uses `database`, and makes nothing. To be called before SQLite opens the file.
///
/// # Errors
///
/// If the database has more than one name, or a file cannot be opened.
pub(super) fn in_use(database: &Path) -> Result<InUse, OpenError> {
    check_one_name(database)?;
    let path = lock_path(database);
    let is_held = |file: Option<File>, path: &Path| match file.map(|file| file.try_lock_shared()) {
        None | Some(Ok(())) => Ok(false),
        Some(Err(TryLockError::WouldBlock)) => Ok(true),
        Some(Err(TryLockError::Error(error))) => Err(OpenError::File(path.to_owned(), error)),
    };
    // Who may read the database may not be allowed to open its lock, and then cannot be told more.
    if is_held(File::open(&path).ok(), &path)? {
        return Ok(InUse::ByThisName);
    }
    let file = lockable(database, false)?;
    Ok(if is_held(file, database)? { InUse::ByAnotherName } else { InUse::No })
}

/// Refuses a file with several hard links.
fn check_one_name(database: &Path) -> Result<(), OpenError> {
    match fs::metadata(database) {
        Ok(metadata) if metadata.is_file() && metadata.nlink() > 1 => Err(OpenError::Linked(database.to_owned())),
        // What else is wrong with it is said when it is looked at.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The database file, open to be locked; `None` where it is not to be: it is no file, or it is missing and not to be made.
fn lockable(database: &Path, make_missing: bool) -> Result<Option<File>, OpenError> {
    if !LOCKS_THE_DATABASE || fs::metadata(database).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(None);
    }
    let failed = |error| OpenError::File(database.to_owned(), error);
    match found(File::open(database)).map_err(failed)? {
        None if make_missing => Ok(Some(make(database).map_err(failed)?)),
        opened => Ok(opened),
    }
}

fn is_marked(beside: &File) -> bool {
    beside.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

fn is_missing_or_empty(database: &Path) -> bool {
    match fs::metadata(database) {
        Ok(metadata) => metadata.is_file() && metadata.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn found(opened: io::Result<File>) -> io::Result<Option<File>> {
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a file for its owner alone: a user who can lock it could keep the server from starting.
fn make(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
