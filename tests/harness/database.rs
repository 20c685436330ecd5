//! The database of a test: a file in a folder of its own, or a database of PostgreSQL.
//!
//! The variable `COUNTERSIGN_TEST_DB` says which: `sqlite`, or nothing at all, or `postgres`. A test names its database as `--db`
//! does, by a path that is a URL on PostgreSQL: [`sql`](super::sql), [`write_sql`](super::outside::write_sql), [`Named::named`] and all
//! that starts a server take either. What only a file can show is listed in `tests/it/only_sqlite`, with the reason.

use std::ffi::OsStr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use countersign::config::Location;
use tempfile::TempDir;

use super::postgres;

/// Whether tests run on PostgreSQL.
pub(crate) fn is_postgres() -> bool {
    static IS_POSTGRES: LazyLock<bool> = LazyLock::new(|| match std::env::var("COUNTERSIGN_TEST_DB").as_deref() {
        Err(_) | Ok("" | "sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("COUNTERSIGN_TEST_DB is `sqlite` or `postgres`, not {other:?}"),
    });
    *IS_POSTGRES
}

/// An empty database, which is gone when this is dropped. It stands for its name.
pub(crate) struct Database {
    name: PathBuf,
    folder: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("csgn").unwrap();
        let name = if is_postgres() { postgres::create(folder.path()) } else { folder.path().join("test.db") };
        Self { name, folder }
    }

    /// As `--db` names it: a path, or a URL.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// A folder of its own, in which the database is where it is a file.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Deref for Database {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.name()
    }
}

impl AsRef<OsStr> for Database {
    fn as_ref(&self) -> &OsStr {
        self.name.as_os_str()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if is_url(&self.name) {
            postgres::remove(&self.name);
        }
    }
}

/// Whether a database is one of PostgreSQL.
pub(super) fn is_url(db: &Path) -> bool {
    db.to_str().is_some_and(|name| name.starts_with("postgres"))
}

/// A database by its name.
pub(crate) fn location(db: &Path) -> Location {
    if is_url(db) {
        Location::Postgres(Box::new(db.to_str().unwrap().parse().unwrap()))
    } else {
        Location::File(db.to_owned())
    }
}

/// Where the key of a server on this database is. One on PostgreSQL has the name of its folder.
pub(crate) fn key_file(db: &Path) -> PathBuf {
    if is_url(db) {
        std::env::temp_dir().join(postgres::name_in(db)).join("test.db.key")
    } else {
        let mut key = db.as_os_str().to_owned();
        key.push(".key");
        key.into()
    }
}

/// A command that is told its database.
pub(crate) trait Named {
    /// Adds `--db`, and what a server on PostgreSQL needs beside.
    fn named(&mut self, db: &Path) -> &mut Self;
}

impl Named for Command {
    fn named(&mut self, db: &Path) -> &mut Self {
        if is_url(db) {
            self.env("COUNTERSIGN_KEY_FILE", key_file(db)).env("COUNTERSIGN_READERS", READERS);
        }
        self.arg("--db").arg(db)
    }
}

/// How many connections of a server read on PostgreSQL: as few as there may be, for many servers run at once.
pub(super) const READERS: &str = "2";
