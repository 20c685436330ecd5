//! A long past for a database: resolved confirmations with their bodies and audit events, written past the server, as rows
//! of the server's own tables, in which `countersign doctor` finds nothing wrong. This is the only file of the benchmark that knows
//! those tables.

use std::fs::File;
use std::path::Path;

use countersign::clock::{SystemClock, Timestamp};
use countersign::config::Location;
use countersign::domain::chain::{AuditContent, EventHash, Head};
use countersign::store::{self, SharedDatabase};
use rusqlite::{Connection, OpenFlags, Transaction, named_params, params};

use crate::Result;
use crate::ledger::now_ms;

/// Rows in one transaction: keeps the WAL small.
const CHUNK_ROWS: u64 = 50_000;
/// How long ago each row is from the next at most; each was resolved half as long after it was registered.
pub(crate) const STEP_MS: i64 = 1_000;
/// How many blocks are signed in one transaction at most.
const SIGNED_AT_ONCE: usize = 2_000;

/// Ids grow with time and sort before those of the load.
const INTERACTIONS: &str = "
    WITH RECURSIVE fresh (n, at_ms) AS (
        SELECT :first, :first_at_ms
        UNION ALL
        SELECT n + 1, at_ms + :step_ms FROM fresh WHERE n < :last)
    INSERT INTO interactions (interaction_id, request_id, kind, status, conversation_id, tool_name, registered_by,
                              created_at_ms, expires_at_ms, resolved_at_ms, resolved_by_principal)
    SELECT n, printf('f-%012x-%011x', at_ms, n), 'confirmation', iif(n % :pending = 0, 'pending', 'approved'),
           printf('conversation-%d', n / 20), 'shell',
           -- The agent that is measured has none of those that are pending: how many one may have is limited.
           (SELECT iif(n % :pending = 0, max(name), min(name)) FROM principals WHERE role = 'agent'),
           at_ms, iif(n % :pending = 0, NULL, at_ms + 86400000), iif(n % :pending = 0, NULL, at_ms + :step_ms / 2),
           iif(n % :pending = 0, NULL, (SELECT min(name) FROM principals WHERE role = 'approver'))
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

const EVENTS: &str = "
    SELECT iif(step = 0, created_at_ms, resolved_at_ms), iif(step = 0, 'interaction.registered', 'interaction.approved'),
           request_id, iif(step = 0, registered_by, resolved_by_principal), registered_by
    FROM interactions CROSS JOIN (SELECT 0 AS step UNION ALL SELECT 1)
    WHERE interaction_id BETWEEN :first AND :last AND (step = 0 OR status = 'approved') ORDER BY interaction_id, step";

/// The server would look through what it thinks is new.
const KEPT_THROUGH: &str = "
    UPDATE kept_through SET number = CASE what
        WHEN 'own_events' THEN (SELECT max(seq) FROM audit_events)
        ELSE (SELECT max(interaction_id) FROM interactions) END";

/// Which of the old interactions are pending.
#[derive(Clone, Copy)]
pub(crate) enum Pending {
    None,
    /// One of so many, of the agent with the last name.
    OneOf(u64),
}

/// Adds so many rows to a database that the server has created, that has an agent and an approver, and that no process has open:
/// after its last event, and before now.
pub(crate) fn fill(db: &Path, rows: u64, pending: Pending) -> Result<()> {
    // Without CREATE: a database of the benchmark's own making would measure nothing.
    let mut connection = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // What is lost in a power failure is filled again; the server does not run.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")?;
    let past: i64 =
        connection.query_row("SELECT coalesce(max(interaction_id), 0) FROM interactions", [], |row| row.get(0))?;
    let begun: i64 = connection.query_row("SELECT max(at_ms) FROM audit_events", [], |row| row.get(0))?;
    let rows = i64::try_from(rows)?;
    let step_ms = ((now_ms() - begun) / (rows + 1)).clamp(0, STEP_MS);
    let pending = match pending {
        Pending::None => i64::MAX,
        Pending::OneOf(all) => i64::try_from(all)?,
    };
    for done in (0..rows).step_by(usize::try_from(CHUNK_ROWS)?) {
        let last = rows.min(done + CHUNK_ROWS.cast_signed());
        let times = (begun + (done + 1) * step_ms, step_ms);
        chunk(&mut connection, (past + done + 1, past + last), times, pending)?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    sign(db)?;
    // So that the disk does not catch up on this in the middle of a measurement.
    Ok(File::open(db)?.sync_all()?)
}

/// Adds the interactions with these numbers, the first of which was registered at this time, and each other so much later; one of
/// so many is pending.
fn chunk(
    connection: &mut Connection,
    (first, last): (i64, i64),
    (first_at_ms, step_ms): (i64, i64),
    pending: i64,
) -> Result<()> {
    let transaction = connection.transaction()?;
    let chunk = named_params! {
        ":first": first, ":last": last, ":first_at_ms": first_at_ms, ":step_ms": step_ms, ":pending": pending,
    };
    transaction.execute(INTERACTIONS, chunk)?;
    transaction.execute(BODIES, named_params! {":first": first, ":last": last})?;
    chain(&transaction, first, last)?;
    transaction.execute(KEPT_THROUGH, [])?;
    Ok(transaction.commit()?)
}

/// Adds their events to the end of the chain.
fn chain(transaction: &Transaction<'_>, first: i64, last: i64) -> Result<()> {
    let mut insert = transaction.prepare(
        "INSERT INTO audit_events (seq, at_ms, event, request_id, principal, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, '{}', ?6)",
    )?;
    let mut own = transaction.prepare("INSERT INTO own_events (owner, event_seq) VALUES (?1, ?2)")?;
    let end = "SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1";
    let mut head = transaction
        .query_row(end, [], |row| Ok(Head { seq: row.get(0)?, hash: EventHash::from(row.get::<_, [u8; 32]>(1)?) }))?;
    let mut told = transaction.prepare(EVENTS)?;
    let mut told = told.query(named_params! {":first": first, ":last": last})?;
    while let Some(row) = told.next()? {
        let (at_ms, event, request_id, principal): (i64, String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let content = AuditContent {
            at: Timestamp::from_millis(at_ms).ok_or("a time that is none")?,
            event: event.into(),
            request_id: Some(request_id.into()),
            rule_id: None,
            principal: Some(principal.into()),
            detail: "{}".into(),
            writing: None,
            former: None,
        };
        let seq = head.seq + 1;
        head = Head { seq, hash: content.hash(seq, head.hash) };
        insert.execute(params![
            seq,
            at_ms,
            content.event,
            content.request_id,
            content.principal,
            head.hash.as_bytes()
        ])?;
        own.execute(params![row.get::<_, String>(4)?, seq])?;
    }
    Ok(())
}

/// Writes what searches pass over by: the server would do it while it is measured.
fn sign(db: &Path) -> Result<()> {
    let (database, clock) = (SharedDatabase::open(&Location::File(db.to_owned()))?, SystemClock::default());
    while database.write(&clock, |tx| {
        let signatures = tx.next_signatures(SIGNED_AT_ONCE)?;
        tx.insert_signatures(&signatures)?;
        Ok::<_, store::Error>(!signatures.is_empty())
    })? {}
    Ok(())
}

/// The ids of all that are pending, oldest first.
pub(crate) fn pending(db: &Path) -> Result<Vec<String>> {
    let connection = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut ids =
        connection.prepare("SELECT request_id FROM interactions WHERE status = 'pending' ORDER BY interaction_id")?;
    let ids = ids.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}
