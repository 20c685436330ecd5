//! Plain tables with the same promise as the server's: one row an interaction, one audit event a change, all of it durable.
//! The naive server and the ceiling of the disk write the same statements, so that only how they are grouped differs.

use std::path::Path;
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, params};

use crate::Result;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS interactions (
        interaction_id  INTEGER PRIMARY KEY,
        request_id      TEXT    NOT NULL UNIQUE,
        kind            TEXT    NOT NULL,
        status          TEXT    NOT NULL,
        conversation_id TEXT,
        tool_name       TEXT,
        body            TEXT    NOT NULL,
        created_at_ms   INTEGER NOT NULL,
        expires_at_ms   INTEGER,
        resolved_at_ms  INTEGER,
        resolved_by     TEXT,
        CHECK ((status = 'pending') = (resolved_at_ms IS NULL))
    ) STRICT;
    CREATE INDEX IF NOT EXISTS interactions_pending ON interactions (conversation_id, interaction_id) WHERE status = 'pending';
    CREATE TABLE IF NOT EXISTS audit_events (
        seq         INTEGER PRIMARY KEY,
        at_ms       INTEGER NOT NULL,
        event       TEXT    NOT NULL,
        request_id  TEXT,
        principal   TEXT,
        detail      TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS audit_events_by_request ON audit_events (request_id);";

const INSERT: &str = "
    INSERT INTO interactions (request_id, kind, status, conversation_id, tool_name, body, created_at_ms, expires_at_ms)
    VALUES (?1, 'confirmation', 'pending', ?2, ?3, ?4, ?5, ?5 + 86400000)";

const SETTLE: &str = "
    UPDATE interactions SET status = ?2, resolved_at_ms = ?3, resolved_by = 'approver'
    WHERE request_id = ?1 AND kind = 'confirmation' AND status = 'pending' AND (expires_at_ms IS NULL OR expires_at_ms > ?3)";

const APPEND: &str =
    "INSERT INTO audit_events (at_ms, event, request_id, principal, detail) VALUES (?1, ?2, ?3, ?4, '{}')";

/// What is stored of a registered confirmation.
pub(crate) struct Registration<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) conversation_id: &'a str,
    pub(crate) tool_name: &'a str,
    /// JSON.
    pub(crate) body: &'a str,
}

pub(crate) fn create(db: &Path) -> Result<Connection> {
    let connection = Connection::open(db)?;
    configure(&connection)?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

/// As durable as the server promises to be, on every connection.
pub(crate) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
}

/// Belongs into a transaction of the caller's.
pub(crate) fn register(connection: &Connection, new: &Registration<'_>) -> rusqlite::Result<()> {
    let now_ms = now_ms();
    cached(connection, INSERT)?.execute(params![
        new.request_id,
        new.conversation_id,
        new.tool_name,
        new.body,
        now_ms
    ])?;
    cached(connection, APPEND)?.execute(params![now_ms, "registered", new.request_id, "agent"])?;
    Ok(())
}

/// Belongs into a transaction of the caller's. False when there was nothing pending to confirm.
pub(crate) fn confirm(connection: &Connection, request_id: &str, decision: &str) -> rusqlite::Result<bool> {
    let now_ms = now_ms();
    let status = if decision == "allow" { "approved" } else { "rejected" };
    let settled = cached(connection, SETTLE)?.execute(params![request_id, status, now_ms])? == 1;
    if settled {
        cached(connection, APPEND)?.execute(params![now_ms, status, request_id, "approver"])?;
    }
    Ok(settled)
}

fn cached<'a>(connection: &'a Connection, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
    connection.prepare_cached(sql)
}

/// Milliseconds since 1970, as all tables here keep time.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
