//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file of SQLite, or a database of PostgreSQL.
#[derive(Clone)]
pub enum Location {
    /// In this file.
    File(PathBuf),
    /// At this URL, which may hold a password.
    Postgres(String),
}

impl Location {
    /// What was given with `--db` or its variable: a URL of PostgreSQL, or else a path.
    pub(super) fn of(given: &Path) -> std::io::Result<Self> {
        let url = given
            .to_str()
            .filter(|text| ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)));
        match url {
            Some(url) => Ok(Self::Postgres(url.to_owned())),
            // Absolute, so that no name is special to SQLite: `:memory:` is a file like any other.
            None => std::path::absolute(given).map(Self::File),
        }
    }

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
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let (place, _settings) = rest.split_once('?').unwrap_or((rest, ""));
                let (_user, place) = place.rsplit_once('@').unwrap_or(("", place));
                write!(f, "{scheme}://{place}")
            }
        }
    }
}

/// As it is shown.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
