//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};

use super::postgres_url::PostgresUrl;

/// A file of SQLite, or a database of PostgreSQL.
#[derive(Clone)]
pub enum Location {
    /// In this file.
    File(PathBuf),
    /// At this URL, which may hold a password.
    Postgres(Box<PostgresUrl>),
}

impl Location {
    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Whether it is a file that is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.file().is_some_and(|file| !file.exists())
    }
}

/// Without what may be a password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// As it is shown.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
