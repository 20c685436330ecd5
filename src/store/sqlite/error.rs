//! What SQLite's failures are to the store.

use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use crate::store::{Error, OpenError};

/// SQLITE_IOERR_SHMSIZE: the index of the write-ahead log could not grow, which is how a full disk shows there.
const NO_ROOM_FOR_THE_INDEX: i32 = ffi::SQLITE_IOERR_SHMSIZE;

/// The extended codes of a sync that failed, of a file or of its directory.
const SYNC_FAILED: [i32; 2] = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC];

/// The extended codes of a write that failed, of bytes or of a file's length.
const WRITE_FAILED: [i32; 2] = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_TRUNCATE];

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if let rusqlite::Error::FromSqlConversionFailure(column, ..) | rusqlite::Error::InvalidColumnType(column, ..) =
            error
        {
            return Self::Corrupt { table: "the database", key: format!("column {column} of a result: {error}") };
        }
        match error.sqlite_error().map(|error| error.extended_code) {
            Some(NO_ROOM_FOR_THE_INDEX) => return Self::Full,
            Some(code) if SYNC_FAILED.contains(&code) => return Self::Unknown(Arc::new(error)),
            Some(code) if WRITE_FAILED.contains(&code) => return Self::Failed(Arc::new(error)),
            Some(_) | None => {}
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::OperationInterrupted) => Self::TooSlow,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(extended_code: i32) -> Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(extended_code), None).into()
    }

    #[test]
    fn a_failed_write_a_failed_sync_and_a_full_disk_are_told_apart() {
        for code in [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_TRUNCATE] {
            assert!(matches!(of(code), Error::Failed(_)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC] {
            assert!(matches!(of(code), Error::Unknown(_)), "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            assert!(matches!(of(code), Error::Full), "{code}");
        }
        // What else the disk may do leaves it unknown what is on it.
        assert!(matches!(of(ffi::SQLITE_IOERR_READ), Error::Internal(_)));
    }
}
