//! A long past for a database: resolved confirmations with their bodies and audit events, written past the server, as rows
//! of the server's own tables. This is the only file of the benchmark that knows those tables.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, named_params};

use crate::Result;
use crate::ledger::now_ms;

/// Rows in one transaction: keeps the WAL small.
const CHUNK_ROWS: u64 = 50_000;
/// How long ago each row is from the next; each was resolved half as long after it was registered.
const STEP_MS: i64 = 1_000;

/// Ids grow with time and sort before those of the load.
const INTERACTIONS: &str = "
    WITH RECURSIVE fresh (n, at_ms) AS (
        SELECT :first, :first_at_ms
        UNION ALL
        SELECT n + 1, at_ms + :step_ms FROM fresh WHERE n < :last)
    INSERT INTO interactions (interaction_id, request_id, kind, status, conversation_id, tool_name, registered_by,
                              created_at_ms, expires_at_ms, resolved_at_ms, resolved_by_principal)
    SELECT n, printf('f-%012x-%011x', at_ms, n), 'confirmation', 'approved', printf('conversation-%d', n / 20), 'shell',
           (SELECT name FROM principals WHERE role = 'agent' ORDER BY name LIMIT 1),
           at_ms, at_ms + 86400000, at_ms + :step_ms / 2,
           (SELECT name FROM principals WHERE role = 'approver' ORDER BY name LIMIT 1)
    FROM fresh";

const BODIES: &str = "
    INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256)
    SELECT interaction_id,
           json_object(
               'toolName', 'shell',
               'input', json_object('command', 'cargo test --package part-' || interaction_id || ' -- --include-ignored',
                                    'description', 'Run the tests of one part', 'timeoutMs', 600000),
               'inputDigest', 'sha256:' || lower(hex(randomblob(32))),
               'riskLevel', 'medium',
               'workingDir', '/home/ada/projects/countersign',
               'subject', 'cargo test --package part-' || interaction_id || ' -- --include-ignored',
               'persistentDecisionsAllowed', json('true'),
               'inputEditsAllowed', json('false')),
           '{}', randomblob(32)
    FROM interactions WHERE interaction_id BETWEEN :first AND :last";

/// Their hashes are of the right size and no chain: nothing that is measured walks it.
const EVENTS: &str = "
    INSERT INTO audit_events (at_ms, event, request_id, principal, hash)
    SELECT iif(step = 0, created_at_ms, resolved_at_ms), iif(step = 0, 'interaction.registered', 'interaction.approved'),
           request_id, iif(step = 0, registered_by, resolved_by_principal), randomblob(32)
    FROM interactions CROSS JOIN (SELECT 0 AS step UNION ALL SELECT 1)
    WHERE interaction_id BETWEEN :first AND :last ORDER BY interaction_id, step";

/// The server would look through what it thinks is new.
const KEPT_THROUGH: &str = "
    UPDATE kept_through SET number = CASE what
        WHEN 'own_events' THEN (SELECT max(seq) FROM audit_events)
        ELSE (SELECT max(interaction_id) FROM interactions) END";

/// Signatures of the usual size that pass over nothing: the server would make them while it is measured.
const SIGNATURES: &str = "
    WITH RECURSIVE signed (block) AS (
        SELECT coalesce((SELECT max(block) + 1 FROM search_blocks), 0)
        UNION ALL
        SELECT block + 1 FROM signed WHERE (block + 2) * 64 <= (SELECT max(interaction_id) FROM interactions))
    INSERT INTO search_blocks (block, signature)
    SELECT block, unhex(replace(hex(zeroblob(3056)), '00', 'ff')) FROM signed
    WHERE (block + 1) * 64 <= (SELECT max(interaction_id) FROM interactions)";

/// Adds so many rows to a database that the server has created, that has an agent and an approver, and that no process has open.
pub(crate) fn fill(db: &Path, rows: u64) -> Result<()> {
    // Without CREATE: a database of the benchmark's own making would measure nothing.
    let mut connection = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // What is lost in a power failure is filled again; the server does not run.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")?;
    let past: i64 =
        connection.query_row("SELECT coalesce(max(interaction_id), 0) FROM interactions", [], |row| row.get(0))?;
    let rows = i64::try_from(rows)?;
    let first_at_ms = now_ms() - rows * STEP_MS;
    for done in (0..rows).step_by(usize::try_from(CHUNK_ROWS)?) {
        let last = rows.min(done + CHUNK_ROWS.cast_signed());
        chunk(&mut connection, past + done + 1, past + last, first_at_ms + done * STEP_MS)?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    // So that the disk does not catch up on this in the middle of a measurement.
    Ok(File::open(db)?.sync_all()?)
}

fn chunk(connection: &mut Connection, first: i64, last: i64, first_at_ms: i64) -> Result<()> {
    let transaction = connection.transaction()?;
    let chunk = named_params! {":first": first, ":last": last, ":first_at_ms": first_at_ms, ":step_ms": STEP_MS};
    transaction.execute(INTERACTIONS, chunk)?;
    let range = named_params! {":first": first, ":last": last};
    transaction.execute(BODIES, range)?;
    transaction.execute(EVENTS, range)?;
    transaction.execute(KEPT_THROUGH, [])?;
    transaction.execute(SIGNATURES, [])?;
    Ok(transaction.commit()?)
}
