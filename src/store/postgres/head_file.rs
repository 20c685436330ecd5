//! The head file: the last event that this server has seen committed, kept beside the database.
//!
//! What a primary acknowledges that waits for no standby is lost where another one takes its place. That cannot be prevented here,
//! but it is noticed: an event that was seen is there for ever, or the database is not the one that it was.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::domain::chain::Head;
use crate::files;
use crate::store::OpenError;

/// How long two writes of the file lie apart at least.
const PAUSE: Duration = Duration::from_secs(1);

/// What is remembered of a database, and where.
#[derive(Clone, Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    database_id: String,
    written: Option<(Instant, Head)>,
}

impl HeadFile {
    pub(super) const fn new(path: PathBuf, database_id: String) -> Self {
        Self { path, database_id, written: None }
    }

    /// What it says; `None` where there is no file.
    pub(super) fn read(&self) -> Result<Option<Head>, OpenError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::File(self.path.clone(), error)),
        };
        let none = |why: String| OpenError::File(self.path.clone(), io::Error::new(io::ErrorKind::InvalidData, why));
        let (database_id, head) = text.trim().split_once(' ').ok_or_else(|| none("it is no head file".to_owned()))?;
        if database_id != self.database_id {
            return Err(none(format!(
                "it tells of the database {database_id}, and this is {}: name another file with --head-file, or remove this one",
                self.database_id
            )));
        }
        head.parse().map(Some).map_err(|why: &str| none(why.to_owned()))
    }

    /// Whether it is time to write that the chain ends so.
    pub(super) fn is_due(&self, head: Head) -> bool {
        head != Head::NONE && self.written.is_none_or(|(at, written)| written != head && at.elapsed() >= PAUSE)
    }

    /// Writes it.
    pub(super) fn write(&mut self, head: Head) {
        self.written = Some((Instant::now(), head));
        if let Err(error) = files::replace(&self.path, &format!("{} {head}\n", self.database_id), 0o600) {
            let path = self.path.display();
            tracing::warn!(%error, %path, "the head file cannot be written: a loss of events would not be noticed after a restart");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_no_head_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("head");
        let head = |seq| Head { seq, hash: format!("{seq:064}").parse().unwrap() };
        let mut file = HeadFile::new(path.clone(), "one".to_owned());
        assert_eq!(file.read().unwrap(), None);
        assert!(file.is_due(head(7)) && !file.is_due(Head::NONE));
        file.write(head(7));
        assert_eq!(file.read().unwrap(), Some(head(7)));
        assert!(!file.is_due(head(7)) && !file.is_due(head(8)), "once a second at most");
        let other = HeadFile::new(path.clone(), "other".to_owned());
        assert!(other.read().unwrap_err().to_string().contains("it tells of the database one"));
        for text in ["", "one", "one 7", "one 7:12"] {
            fs::write(&path, text).unwrap();
            assert!(file.read().is_err(), "{text:?}");
        }
    }
}
