//! What PostgreSQL's failures are to the store.

use std::sync::Arc;

use tokio_postgres::error::SqlState;

use crate::store::Error;

/// The condition of a statement did not hold: `must_be` says so.
pub(super) const NOT_AS_MANY: &str = "CS002";

pub(super) fn store_error(error: tokio_postgres::Error) -> Error {
    let Some(code) = error.code() else {
        // The connection is gone, or what came over it was none of the protocol.
        return Error::Unavailable(Arc::new(error));
    };
    let is = |codes: &[SqlState]| codes.contains(code);
    if code.code() == NOT_AS_MANY {
        Error::Corrupt { table: "the database", key: error.to_string() }
    } else if is(&[SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY]) {
        Error::Full
    } else if is(&[SqlState::QUERY_CANCELED]) {
        Error::TooSlow
    } else if is(&[SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE])
    {
        Error::Busy
    } else if is(&[
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ]) {
        Error::Unavailable(Arc::new(error))
    } else {
        Error::Internal(Arc::new(error))
    }
}
