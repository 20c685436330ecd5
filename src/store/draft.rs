//! A new file that gets its name when it is whole: until then it is a draft beside it, and it never takes the place of another file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::sqlite::LOCKS_THE_DATABASE;
use crate::files::directory_of;

/// The ending of the name of a draft, behind a UUID.
const ENDING: &str = ".partial";

/// What a draft may have beside it: what SQLite keeps of a file that is being written.
const BESIDE: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// The file beside the new one in which it is made. It goes away with this, unless it got its name; where its process is
/// killed, the next draft in that directory removes it.
pub(super) struct Draft {
    path: PathBuf,
    /// Its lock, which only a process that lives has.
    locked: File,
}

impl Draft {
    /// Makes the draft of the file `to`, for its owner alone, with a name of its own, so that it takes no other file's place.
    pub(super) fn make(to: &Path) -> io::Result<Self> {
        loop {
            let mut name = to.as_os_str().to_owned();
            name.push(format!(".{}{ENDING}", uuid::Uuid::now_v7()));
            let path = PathBuf::from(name);
            let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
            let lock = |file: File| if LOCKS_THE_DATABASE { file.lock_shared().map(|()| file) } else { Ok(file) };
            let draft = Self { locked: made.and_then(lock)?, path };
            // Another one may have taken it for one that was left, in the moment before it was locked.
            if draft.path.exists() {
                return Ok(draft);
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself. What SQLite opens is not to be written by it.
    pub(super) const fn file(&self) -> &File {
        &self.locked
    }

    /// Gives what is on the disk the name `to`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] where there is a file of that name, or whatever keeps it from being written.
    pub(super) fn give_name(&self, to: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        // Unlike a renaming, a link replaces no file.
        fs::hard_link(&self.path, to)?;
        File::open(directory_of(to))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove_draft(&self.path);
    }
}

/// Removes a draft and what SQLite has put beside it. It may not be there, and a failure changes nothing.
fn remove_draft(path: &Path) {
    for ending in BESIDE {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        let _ = fs::remove_file(path);
    }
}

/// Removes the drafts in a directory whose processes were killed. What cannot be looked at stays, and so does all of it
/// where drafts are not locked.
pub(super) fn remove_left_drafts(directory: &Path) {
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
    let id = name.strip_suffix(ENDING).and_then(|name| name.rsplit_once('.'));
    id.is_some_and(|(_, id)| uuid::Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 7))
}
