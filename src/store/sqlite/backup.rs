//! A copy of a database while it is in use: one consistent picture, looked over before it gets its name.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::doctor::examine;
use super::lock::LOCKS_THE_DATABASE;
use super::open;
use crate::clock::Timestamp;
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

/// The ending of the name of a draft, behind a UUID.
const DRAFT_ENDING: &str = ".partial";

/// The file beside the backup in which it is made. It goes away with this, unless it got its name; where its process is
/// killed, the next backup in that directory removes it.
struct Draft {
    path: PathBuf,
    /// Its lock, which only a process that lives has.
    _locked: File,
}

impl Draft {
    /// Makes the draft of the backup `to`, with a name of its own, so that it takes no other file's place.
    fn make(to: &Path) -> Result<Self, BackupError> {
        loop {
            let mut name = to.as_os_str().to_owned();
            name.push(format!(".{}{DRAFT_ENDING}", uuid::Uuid::now_v7()));
            let path = PathBuf::from(name);
            let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
            let lock = |file: File| if LOCKS_THE_DATABASE { file.lock_shared().map(|()| file) } else { Ok(file) };
            let locked = made.and_then(lock);
            let draft = Self { _locked: locked.map_err(|error| BackupError::File(path.clone(), error))?, path };
            // Another backup may have taken it for one that was left, in the moment before it was locked.
            if draft.path.exists() {
                return Ok(draft);
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove_draft(&self.path);
    }
}

/// Removes a draft and what SQLite has put beside it. It may not be there, and a failure changes nothing.
fn remove_draft(path: &Path) {
    for ending in ["", "-journal"] {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        let _ = fs::remove_file(path);
    }
}

/// Removes the drafts in a directory whose processes were killed. What cannot be looked at stays, and so does all of it
/// where drafts are not locked.
fn remove_left_drafts(directory: &Path) {
    if !LOCKS_THE_DATABASE {
        return;
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_left = entry.file_type().is_ok_and(|kind| kind.is_file())
            && entry.file_name().to_str().is_some_and(is_draft)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_left {
            remove_draft(&entry.path());
        }
    }
}

/// Whether a file of this name is a draft.
fn is_draft(name: &str) -> bool {
    let id = name.strip_suffix(DRAFT_ENDING).and_then(|name| name.rsplit_once('.'));
    id.is_some_and(|(_, id)| uuid::Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 7))
}

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
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(BackupError::NoDirectory(directory.to_owned()));
    }
    remove_left_drafts(directory);
    let draft = Draft::make(to).map_err(|error| {
        let may_not = matches!(&error, BackupError::File(_, why) if why.kind() == io::ErrorKind::PermissionDenied);
        if may_not { BackupError::NotWritable(directory.to_owned()) } else { error }
    })?;
    let failed = |error| BackupError::File(draft.path.clone(), error);
    copy(&source, &draft.path).map_err(OpenError::from)?;
    let found = examine(&draft.path, progress)?.into_iter().filter(|check| !check.found.is_empty());
    let (of_rows, unsound): (Vec<_>, Vec<_>) = found.partition(|check| check.is_of_rows);
    let said = |check: &Checked| format!("{}: {}", check.name, check.found.join(", "));
    if let Some(check) = unsound.first() {
        return Err(BackupError::Unsound(said(check)));
    }
    File::open(&draft.path).and_then(|file| file.sync_all()).map_err(failed)?;
    // Unlike a renaming, a link replaces no file.
    fs::hard_link(&draft.path, to).map_err(|error| {
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        if is_there { BackupError::Exists(to.to_owned()) } else { failed(error) }
    })?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
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
