//! A copy of a database while it is in use: one consistent picture, looked over before it gets its name.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::doctor::{Step, examine};
use super::{OpenError, open};

/// Why there is no backup. Nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database, or the copy of it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file that is there is never written over.
    #[error("{} is there already: a backup is a new file", .0.display())]
    Exists(PathBuf),
    /// The copy could not be written.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The copy is not in order, and so was the database.
    #[error("the database is not in order ({0}): see `countersign doctor`")]
    Unsound(String),
}

/// The file beside the backup in which it is made. It goes away with this, unless it got its name.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        for ending in ["", "-journal"] {
            let mut path = self.0.as_os_str().to_owned();
            path.push(ending);
            // It may not be there, and a failure changes nothing.
            let _ = fs::remove_file(path);
        }
    }
}

/// Copies the database at `path`, beside a server or without one, to the new file `to`: everything that was committed when
/// this began is in it, and it is on the disk, for its owner alone.
pub fn backup(path: &Path, to: &Path, progress: &dyn Fn(Step<'_>)) -> Result<(), BackupError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let source = open::for_reading_the_chain(path)?;
    let mut name = to.as_os_str().to_owned();
    // A name of its own, so that it takes no other file's place.
    name.push(format!(".{}.partial", uuid::Uuid::now_v7()));
    let draft = Draft(name.into());
    let failed = |error| BackupError::File(draft.0.clone(), error);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.0).map_err(failed)?;
    copy(&source, &draft.0).map_err(OpenError::from)?;
    let unsound = examine(&draft.0, progress)?.into_iter().find(|check| !check.found.is_empty());
    if let Some(check) = unsound {
        return Err(BackupError::Unsound(format!("{}: {}", check.name, check.found.join(", "))));
    }
    File::open(&draft.0).and_then(|file| file.sync_all()).map_err(failed)?;
    // Unlike a renaming, a link replaces no file.
    fs::hard_link(&draft.0, to).map_err(|error| {
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        if is_there { BackupError::Exists(to.to_owned()) } else { failed(error) }
    })?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

/// All pages in one step, which is one read transaction. The copy is one file: it has no write-ahead log until it is served.
fn copy(source: &Connection, to: &Path) -> rusqlite::Result<()> {
    let mut target =
        Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    Backup::new(source, &mut target)?.step(-1)?;
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| error)
}
