//! The connections that write, and those of commands: each with its settings.

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::held_files::HeldFiles;
use crate::store::OpenError;

/// How long a write waits for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps: more than there are.
pub(super) const STATEMENTS: usize = 128;

/// Opens a connection that writes, and makes the file where there is none.
pub(super) fn connect(path: &Path) -> Result<Connection, OpenError> {
    // A new file is its owner's alone, and so are the files that SQLite puts beside it.
    let is_new = match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0)
        }
        Err(error) => return Err(OpenError::File(path.to_owned(), error)),
    };
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if is_new {
        // So that the file can shrink; later than this, only VACUUM can bring it about.
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    configure(&conn)?;
    Ok(conn)
}

/// Gives a connection that writes its settings. SQLite reads the schema for that, which takes milliseconds.
pub(super) fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    // A value that is wiped or sealed anew is to be in no byte of the file.
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    // A server has a checkpointer; the last connection to be closed moves the log in any case.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Opens a connection that only reads.
pub(super) fn read_only(path: &Path) -> Result<Connection, OpenError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens a connection as SQLite gives it: nothing is asked of the file yet.
pub(super) fn open(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(conn)
}

/// A connection of a server that writes. The last one to be closed moves the write-ahead log into the database, unless the
/// one no longer belongs to the other.
pub(super) struct ServingConnection {
    conn: Connection,
    /// Dropped after the connection.
    files: Arc<HeldFiles>,
}

impl ServingConnection {
    pub(super) const fn new(conn: Connection, files: Arc<HeldFiles>) -> Self {
        Self { conn, files }
    }
}

impl Deref for ServingConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl Drop for ServingConnection {
    fn drop(&mut self) {
        // It fails for a connection that is closed already, and there is none.
        if self.files.are_spoiled() {
            let _ = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}
