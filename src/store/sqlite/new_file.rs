//! A new database, which gets its name when all that belongs into it is there.

use std::io;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::connect;
use super::doctor::examine;
use super::lock::{InUse, beside, in_use};
use super::migrate::migrate;
use super::open::make_directory;
use crate::files::directory_of;
use crate::store::direct::Filled;
use crate::store::draft::{Draft, remove_left_drafts};
use crate::store::moving::{MovingError, sound};
use crate::store::sql::Sql;
use crate::store::{Error, OpenError, Step};

/// What another database has left beside a name would be taken for this one's.
const LEFT: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes a database at `path`, where nothing is yet, and has `fill` put into it what belongs there. It is examined before it gets its
/// name, so that there is no other state of it.
///
/// # Errors
///
/// The error of `fill`, or what the examination finds, or whatever keeps a file from being made. No file is left then.
pub(in crate::store) fn fill_new<T>(
    path: &Path,
    fill: impl FnOnce(Sql<'_>) -> Result<T, MovingError>,
    progress: &dyn Fn(Step<'_>),
) -> Result<Filled<T>, MovingError> {
    check_new(path)?;
    make_directory(path)?;
    remove_left_drafts(directory_of(path));
    let file = |error| MovingError::Open(OpenError::File(path.to_owned(), error));
    let draft = Draft::make(path).map_err(file)?;
    let done = filled(connect(draft.path())?, fill)?;
    let warnings = sound(examine(draft.path(), progress)?)?;
    draft.give_name(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists { MovingError::Exists(path.to_owned()) } else { file(error) }
    })?;
    Ok(Filled { done, warnings })
}

/// Refuses a path at which there is something, or was while a server that still runs had it.
fn check_new(path: &Path) -> Result<(), MovingError> {
    if path.symlink_metadata().is_ok() {
        return Err(MovingError::Exists(path.to_owned()));
    }
    for left in LEFT.map(|ending| beside(path, ending)) {
        if left.symlink_metadata().is_ok() {
            return Err(MovingError::Exists(left));
        }
    }
    match in_use(path)? {
        InUse::No => Ok(()),
        InUse::ByThisName => Err(OpenError::InUse(path.to_owned()).into()),
        InUse::ByAnotherName => Err(OpenError::UsedByAnotherName(path.to_owned()).into()),
    }
}

/// Nothing is synced before all of it is there: where its process is killed, the draft is worth nothing.
fn filled<T>(mut conn: Connection, fill: impl FnOnce(Sql<'_>) -> Result<T, MovingError>) -> Result<T, MovingError> {
    migrate(&mut conn)?;
    conn.pragma_update(None, "journal_mode", "DELETE").map_err(Error::from)?;
    conn.pragma_update(None, "synchronous", "OFF").map_err(Error::from)?;
    // In KiB: the indexes are written at all places at once.
    conn.pragma_update(None, "cache_size", -65_536).map_err(Error::from)?;
    let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Immediate).map_err(Error::from)?;
    let done = fill((&*tx).into())?;
    tx.commit().map_err(Error::from)?;
    conn.close().map_err(|(_, error)| Error::from(error))?;
    Ok(done)
}
