//! Databases as earlier versions left them.

use std::path::Path;

use refinery::Target;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use sha2::{Digest as _, Sha256};

mod migrations {
    refinery::embed_migrations!("migrations/sqlite");
}

/// The version of the schema before what was asked could be forgotten.
pub(crate) const BEFORE_FORGETTING: i32 = 12;

/// Makes a database of an earlier schema whose history is a chain, with an approved confirmation; the heads that the history
/// had after each of its events.
pub(crate) fn migrated(path: &Path, version: i32) -> Vec<String> {
    let mut conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA page_size = 4096").unwrap();
    conn.create_scalar_function("audit_hash", 7, FunctionFlags::SQLITE_UTF8, |_| Ok(vec![0_u8; 32])).unwrap();
    migrations::migrations::runner().set_grouped(true).set_target(Target::Version(version)).run(&mut conn).unwrap();
    conn.execute_batch(
        r#"INSERT INTO principals (name, role, created_at_ms) VALUES ('builder', 'agent', 7), ('ada', 'approver', 7);
           INSERT INTO interactions (interaction_id, request_id, kind, status, tool_name, registered_by, created_at_ms, claim_within_ms)
               VALUES (1, 'c', 'confirmation', 'pending', 'shell', 'builder', 8, 1000);
           INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256)
               VALUES (1, '{"toolName":"shell","input":{"command":"make"},"inputDigest":"sha256:1"}', '{}', zeroblob(32));
           UPDATE interactions SET status = 'approved', resolved_at_ms = 9, resolved_by_principal = 'ada',
               resolution = '{"comment":"go on","updatedInput":{"command": "make  test"},"updatedInputDigest":"sha256:0"}';
           INSERT INTO claims (interaction_id, claim_id, claimed_at_ms, outcome, outcome_detail, outcome_at_ms) VALUES (1, 'i', 10, 'failed', 'it broke', 11);"#,
    )
    .unwrap();
    let (mut previous, mut heads) = ("0".repeat(64), Vec::new());
    for (seq, (event, principal, request, detail)) in (1..).zip([
        ("token.created", "builder", None, r#"{"role":"agent","tokenId":"t"}"#),
        ("token.created", "ada", None, r#"{"role":"approver","tokenId":"u"}"#),
        ("interaction.registered", "builder", Some("c"), "{}"),
        ("interaction.approved", "ada", Some("c"), r#"{"comment":"go on","updatedInputDigest":"sha256:0"}"#),
        ("interaction.claimed", "builder", Some("c"), r#"{"claimId":"i"}"#),
        (
            "interaction.outcome_reported",
            "builder",
            Some("c"),
            r#"{"claimId":"i","detail":"it broke","outcome":"failed"}"#,
        ),
    ]) {
        let at = [7, 7, 8, 9, 10, 11][seq - 1];
        let id = request.map_or("null".to_owned(), |id| format!("{id:?}"));
        let canonical = format!(
            r#"{{"at":"1970-01-01T00:00:00.{at:03}Z","detail":{detail},"event":"{event}","previous":"{previous}","principal":"{principal}","requestId":{id},"ruleId":null,"seq":{seq}}}"#
        );
        let hash = Sha256::digest(canonical);
        conn.execute(
            "INSERT INTO audit_events (seq, at_ms, event, request_id, principal, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            rusqlite::params![seq, at, event, request, principal, detail, hash.as_slice()],
        )
        .unwrap();
        if request.is_some() {
            conn.execute("INSERT INTO own_events (owner, event_seq) VALUES ('builder', ?1)", [seq]).unwrap();
        }
        previous = hex::encode(hash);
        heads.push(format!("{seq}:{previous}"));
    }
    conn.execute_batch(
        "INSERT INTO tokens (token_id, token_sha256, principal, created_at_ms) VALUES ('t', randomblob(32), 'builder', 7), ('u', randomblob(32), 'ada', 7)",
    )
    .unwrap();
    conn.close().unwrap();
    heads
}

/// The version of the schema in which the history was no chain yet.
pub(crate) const UNCHAINED: i32 = 3;

/// Makes a database of an earlier schema, with a principal and so many events, as that version's program would have.
pub(crate) fn old_database(path: &Path, version: i32, events: u32) {
    let mut conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA page_size = 4096").unwrap();
    migrations::migrations::runner().set_grouped(true).set_target(Target::Version(version)).run(&mut conn).unwrap();
    conn.execute("INSERT INTO principals (name, role, created_at_ms) VALUES ('builder', 'agent', 7)", []).unwrap();
    conn.execute(
        "WITH RECURSIVE fresh (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM fresh WHERE n < ?1) \
         INSERT INTO audit_events (at_ms, event, principal, detail) \
         SELECT n, 'token.created', 'builder', '{ \"role\": \"agent\", \"b\": ' || n || ',  \"a\":2}' FROM fresh",
        [events],
    )
    .unwrap();
    conn.close().unwrap();
}
