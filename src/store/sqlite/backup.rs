//! A copy of a database while it is in use: one consistent picture, looked over before it gets its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::doctor::examine;
use super::open;
use crate::clock::Timestamp;
use crate::files::directory_of;
use crate::store::draft::{Draft, remove_left_drafts};
use crate::store::{Checked, OpenError, Step};

/// Why there is no backup. Nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database, or the copy of it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file that is there is never written over.
    #[error("{} is there already: a backup is a new file", .0.display())]
    Exists(PathBuf),
    /// A directory that is to hold it is none.
    #[error("there is no directory {}: make it, or name a file in another one", .0.display())]
    NoDirectory(PathBuf),
    /// This user may not write where it is to be.
    #[error("this user may not write in {}: name a file in another directory", .0.display())]
    NotWritable(PathBuf),
    /// The copy could not be written.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The copy is not in order, and so was the database.
    #[error("the database is not in order ({0}): see `countersign doctor`")]
    Unsound(String),
}

/// A backup among those that are kept.
#[derive(Debug)]
pub struct Kept {
    /// The new one.
    pub made: PathBuf,
    /// What is to be said of it.
    pub warnings: Vec<String>,
    /// The old ones that it took the place of.
    pub removed: Vec<PathBuf>,
}

/// How the name of a backup begins and ends that is kept for a while; between them is its time.
const KEPT_PREFIX: &str = "countersign-";
const KEPT_ENDING: &str = ".db";

/// Copies the database at `path`, beside a server or without one, to the new file `to`: everything that was committed when
/// this began is in it, and it is on the disk, for its owner alone. What comes back is what is to be said of the copy, as of
/// the database.
///
/// # Errors
///
/// If the database cannot be read, the copy cannot be written, or it is not in order.
pub fn backup(path: &Path, to: &Path, progress: &dyn Fn(Step<'_>)) -> Result<Vec<String>, BackupError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let source = open::for_reading_the_chain(path)?;
    let directory = directory_of(to);
    if !directory.is_dir() {
        return Err(BackupError::NoDirectory(directory.to_owned()));
    }
    remove_left_drafts(directory);
    let draft = Draft::make(to).map_err(|error| {
        let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
        if is_denied { BackupError::NotWritable(directory.to_owned()) } else { BackupError::File(to.to_owned(), error) }
    })?;
    copy(&source, draft.path()).map_err(OpenError::from)?;
    let found = examine(draft.path(), progress)?.into_iter().filter(|check| !check.found.is_empty());
    let (of_rows, unsound): (Vec<_>, Vec<_>) = found.partition(|check| check.is_of_rows);
    let said = |check: &Checked| format!("{}: {}", check.name, check.found.join(", "));
    if let Some(check) = unsound.first() {
        return Err(BackupError::Unsound(said(check)));
    }
    draft.give_name(to).map_err(|error| {
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        if is_there { BackupError::Exists(to.to_owned()) } else { BackupError::File(draft.path().to_owned(), error) }
    })?;
    Ok(of_rows.iter().map(said).collect())
}

/// The name of a backup that was made at this time.
fn name_of(at: Timestamp) -> String {
    let digits: String = at.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{KEPT_PREFIX}{digits}{KEPT_ENDING}")
}

/// Whether a file of this name is a backup that was given its name here: the name of a time, and nothing else.
fn is_kept(name: &str) -> bool {
    let digits = name.strip_prefix(KEPT_PREFIX).and_then(|name| name.strip_suffix(KEPT_ENDING));
    digits.is_some_and(|digits| {
        let shape: String = digits.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape == "00000000T000000.000Z"
    })
}

/// Makes a backup in `directory`, under the name of its time, and removes the oldest of those that were made so before, until
/// there are `keep` with the new one; what comes back is its path, what is to be said of it, and what was removed.
///
/// # Errors
///
/// As [`backup`], or if an old one cannot be removed: the new one is there all the same.
pub fn backup_and_keep(
    path: &Path,
    directory: &Path,
    at: Timestamp,
    keep: usize,
    progress: &dyn Fn(Step<'_>),
) -> Result<Kept, BackupError> {
    let made = directory.join(name_of(at));
    let warnings = backup(path, &made, progress)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::File(path, error)
    };
    let mut others = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed(directory))? {
        let entry = entry.map_err(failed(directory))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(is_kept) && entry.path() != made {
            others.push(entry.path());
        }
    }
    others.sort();
    let too_many = (others.len() + 1).saturating_sub(keep.max(1));
    others.truncate(too_many);
    for old in &others {
        fs::remove_file(old).map_err(failed(old))?;
    }
    Ok(Kept { made, warnings, removed: others })
}

/// All pages in one step, which is one read transaction. The copy is one file: it has no write-ahead log until it is served.
fn copy(source: &Connection, to: &Path) -> rusqlite::Result<()> {
    let mut target =
        Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    Backup::new(source, &mut target)?.step(-1)?;
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| error)
}
