//! Bringing a database up to date: the migrations, and the chain of the events that an earlier schema has written.

use std::cell::Cell;
use std::sync::Arc;

use refinery::Runner;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

use crate::domain::audit::split_detail;
use crate::domain::chain::{AuditContent, EventHash, SaltedText, Writing};
use crate::domain::interaction::Detail;
use crate::store::OpenError;
use crate::store::audit_log::{COLUMNS, content};

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// The last migration that was applied; `None` before the first.
pub(super) fn schema_version(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    let exists = conn.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'")?.exists([])?;
    if !exists {
        return Ok(None);
    }
    conn.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
}

/// The last migration that this program knows. The build tells it: to read the names of all migrations takes milliseconds.
pub(in crate::store) fn known_version() -> i64 {
    env!("LAST_MIGRATION").parse().unwrap_or(0)
}

/// Brings `conn` up to date.
pub(super) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    if schema_version(conn)? == Some(known_version()) {
        return Ok(());
    }
    provide_functions(conn)?;
    let migrated = migrations().run(conn);
    remove_functions(conn)?;
    migrated.map(drop).map_err(|error| OpenError::Migration(Arc::new(error)))
}

/// All migrations in one transaction: killed in the middle, it leaves the database as it was.
fn migrations() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

/// Lets `conn` chain what an earlier schema has written: `audit_hash(seq, at_ms, event, …)`, asked of each event in its
/// order. Only a connection that migrates has it.
fn provide_audit_hash(conn: &Connection) -> rusqlite::Result<()> {
    let previous = Cell::new(EventHash::ZERO);
    let chain = move |context: &Context<'_>| {
        let seq: i64 = context.get(0)?;
        let values = std::array::from_fn(|column| context.get_raw(column + 1).into());
        let content = content(values).map_err(|why| format!("event {seq} cannot be chained: {why}"));
        let hash = content.map_err(|why| rusqlite::Error::UserFunctionError(why.into()))?.hash(seq, previous.get());
        previous.set(hash);
        Ok(hash.as_bytes().to_vec())
    };
    conn.create_scalar_function("audit_hash", ARGUMENTS, FunctionFlags::SQLITE_UTF8, chain)
}

/// Lets `conn` chain a history anew, `audit_rehash(seq, at_ms, event, …, text_digest, former_hash)`, asked of each event in
/// its order.
fn provide_audit_rehash(conn: &Connection) -> rusqlite::Result<()> {
    let previous = Cell::new(EventHash::ZERO);
    let chain = move |context: &Context<'_>| {
        let seq: i64 = context.get(0)?;
        let values = std::array::from_fn(|column| context.get_raw(column + 1).into());
        let content = content(values).map_err(|why| format!("event {seq} cannot be chained: {why}"));
        let content = content.map_err(|why| rusqlite::Error::UserFunctionError(why.into()))?;
        let hash = |column| Ok::<_, rusqlite::Error>(context.get::<Option<[u8; 32]>>(column)?.map(EventHash::from));
        let writing = hash(COLUMNS.len() + 1)?.map(|digest| Writing { digest, text: None });
        let content = AuditContent { writing, former: hash(COLUMNS.len() + 2)?, ..content };
        let hash = content.hash(seq, previous.get());
        previous.set(hash);
        Ok(hash.as_bytes().to_vec())
    };
    conn.create_scalar_function("audit_rehash", REHASH_ARGUMENTS, FunctionFlags::SQLITE_UTF8, chain)
}

/// Lets `conn` take apart what an earlier schema kept together: facts, and what people and agents wrote.
fn provide_splitters(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let split = |context: &Context<'_>| -> rusqlite::Result<_> {
        Ok(split_detail(&context.get::<String>(0)?, &context.get::<String>(1)?))
    };
    conn.create_scalar_function("audit_facts", 2, flags, move |context| Ok(split(context)?.map(|(facts, _)| facts)))?;
    conn.create_scalar_function("audit_text", 2, flags, move |context| Ok(split(context)?.map(|(_, text)| text)))?;
    conn.create_scalar_function("text_digest", 2, flags, |context| {
        let text = SaltedText { salt: context.get(0)?, text: context.get::<String>(1)?.into() };
        Ok(text.digest().as_bytes().to_vec())
    })?;
    conn.create_scalar_function("resolution_facts", 1, flags, |context| part(context, Detail::facts, true))?;
    conn.create_scalar_function("resolution_unshown", 1, flags, |context| part(context, Detail::unshown, false))
}

/// A part of a resolution; null where there is nothing of it. What is no resolution of ours is a fact.
fn part(context: &Context<'_>, part: fn(&Detail) -> Detail, is_facts: bool) -> rusqlite::Result<Option<String>> {
    let Some(stored) = context.get::<Option<String>>(0)? else { return Ok(None) };
    let Ok(detail) = serde_json::from_str::<Detail>(&stored) else { return Ok(is_facts.then_some(stored)) };
    let part = part(&detail);
    if part == detail && is_facts {
        return Ok(Some(stored));
    }
    let json = (part != Detail::default()).then(|| serde_json::to_string(&part)).transpose();
    json.map_err(|error| rusqlite::Error::UserFunctionError(error.into()))
}

/// Gives `conn` what migrations call.
fn provide_functions(conn: &Connection) -> rusqlite::Result<()> {
    provide_audit_hash(conn)?;
    provide_audit_rehash(conn)?;
    provide_splitters(conn)
}

/// Takes away what [`provide_functions`] gave.
fn remove_functions(conn: &Connection) -> rusqlite::Result<()> {
    conn.remove_function("audit_hash", ARGUMENTS)?;
    conn.remove_function("audit_rehash", REHASH_ARGUMENTS)?;
    for (name, arguments) in
        [("audit_facts", 2), ("audit_text", 2), ("text_digest", 2), ("resolution_facts", 1), ("resolution_unshown", 1)]
    {
        conn.remove_function(name, arguments)?;
    }
    Ok(())
}

/// The position of the event, and the columns of its content.
const ARGUMENTS: std::ffi::c_int = 1 + COLUMNS.len() as std::ffi::c_int;

/// The same, the digest of the text and the hash before.
const REHASH_ARGUMENTS: std::ffi::c_int = ARGUMENTS + 2;

#[cfg(test)]
mod tests {
    use refinery::{Migration, Target};

    use super::*;
    use crate::domain::chain::verify;
    use crate::store::audit_log::events;

    /// As `version` of the schema had it.
    fn at_version(conn: &mut Connection, version: i64) {
        provide_functions(conn).unwrap();
        migrations().set_target(Target::Version(i32::try_from(version).unwrap())).run(conn).unwrap();
        remove_functions(conn).unwrap();
    }

    /// Puts a row into every table that the first version has, so that a migration meets what refers to what.
    fn fill(conn: &Connection) {
        conn.execute_batch(
            "PRAGMA foreign_keys = ON;
             INSERT INTO principals (name, role, created_at_ms) VALUES ('agent', 'agent', 1), ('ada', 'approver', 1);
             INSERT INTO tokens (token_id, token_sha256, principal, created_at_ms) VALUES ('t', zeroblob(32), 'ada', 1);
             INSERT INTO trust_rules (rule_id, kind, status, tool_name, pattern, scope, decision, allow_high_risk, created_at_ms, created_by)
                 VALUES ('rule', 'confirmation', 'active', 'shell', 'ls', 'everywhere', 'allow', 0, 1, 'ada');
             INSERT INTO interactions (interaction_id, request_id, kind, status, tool_name, registered_by, created_at_ms) VALUES
                 (1, 'c', 'confirmation', 'pending', 'shell', 'agent', 1),
                 (2, 's', 'secret', 'pending', NULL, 'agent', 1),
                 (3, 'q', 'question', 'pending', NULL, 'agent', 1);
             INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256) VALUES
                 (1, '{\"toolName\":\"shell\",\"input\":{}}', '{}', zeroblob(32)), (2, '{}', '{}', zeroblob(32)), (3, '{}', '{}', zeroblob(32));
             UPDATE interactions SET status = 'approved', resolved_at_ms = 2, resolved_by_principal = 'ada' WHERE interaction_id = 1;
             UPDATE interactions SET status = 'answered', resolved_at_ms = 2, resolved_by_principal = 'ada' WHERE interaction_id = 2;
             INSERT INTO claims (interaction_id, claim_id, claimed_at_ms) VALUES (1, 'claim', 3);
             INSERT INTO sealed_secrets (interaction_id, service, field, delivery, key_id, sealed)
                 VALUES (2, 'forge', 'token', 'store', 'key', zeroblob(41));",
        )
        .unwrap();
    }

    /// What a migration may not lose: who is there, what was asked, how it ended, and what came of it.
    fn rows(conn: &Connection) -> Vec<String> {
        let tables =
            ["principals", "tokens", "trust_rules", "interactions", "interaction_bodies", "claims", "sealed_secrets"];
        let count = |table: &str| {
            conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
        };
        tables.iter().map(|table| format!("{table} {}", count(table))).collect()
    }

    fn schema(conn: &Connection) -> Vec<(String, Option<String>)> {
        let mut rows = conn.prepare("SELECT name, sql FROM sqlite_schema ORDER BY type, name").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn the_last_migration_is_the_one_that_the_build_tells() {
        let migrations = embedded::migrations::runner();
        let last = migrations.get_migrations().iter().map(Migration::version).map(i64::from).max();
        assert_eq!(last, Some(known_version()));
    }

    #[test]
    fn every_earlier_schema_is_brought_to_the_same_one_as_an_empty_file() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        assert!(schema(&fresh).len() > 20);
        for version in 1..known_version() {
            let mut old = Connection::open_in_memory().unwrap();
            at_version(&mut old, version);
            fill(&old);
            assert_ne!(schema(&old), schema(&fresh), "migration {} changed nothing", version + 1);
            let before = rows(&old);
            migrate(&mut old).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {version}");
            assert_eq!(rows(&old), before, "from version {version}");
            let broken = old.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
            assert!(!broken, "from version {version}");
        }
    }

    /// What was there before has no deadline, and every claim, value and taking is as it was.
    #[test]
    fn claims_secrets_and_takings_of_an_earlier_schema_are_as_they_were() {
        let mut old = Connection::open_in_memory().unwrap();
        at_version(&mut old, 7);
        old.execute_batch(
            "INSERT INTO principals (name, role, created_at_ms) VALUES ('ada', 'approver', 1); \
             INSERT INTO interactions (request_id, kind, status, tool_name, registered_by, created_at_ms, resolved_at_ms, resolved_by_principal) \
             VALUES ('c', 'confirmation', 'approved', 'shell', 'ada', 1, 2, 'ada'), ('s', 'secret', 'answered', NULL, 'ada', 1, 2, 'ada'); \
             INSERT INTO interactions (request_id, kind, status, tool_name, registered_by, created_at_ms) \
             VALUES ('p', 'confirmation', 'pending', 'shell', 'ada', 1); \
             INSERT INTO claims VALUES (1, 'claim', 3, 'failed', 'why', 4); \
             INSERT INTO sealed_secrets (interaction_id, service, field, delivery, key_id, sealed) \
             VALUES (2, 'forge', 'token', 'store', 'key', zeroblob(41)); \
             INSERT INTO audit_events (at_ms, event, request_id, detail, hash) VALUES \
             (5, 'secret.taken', 's', '{\"takeId\":\"t\"}', zeroblob(32)), (6, 'secret.taken', 's', '{\"takeId\":\"t\"}', zeroblob(32)), \
             (7, 'secret.taken', 's', '{\"takeId\":\"u\"}', zeroblob(32))",
        )
        .unwrap();
        migrate(&mut old).unwrap();
        old.execute_batch("UPDATE interactions SET status = 'approved', resolved_at_ms = 9, resolved_by_principal = 'ada' WHERE request_id = 'p'")
            .unwrap();
        let text = |query: &str| old.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(
            text("SELECT group_concat(quote(claim_within_ms) || quote(claim_expires_at_ms)) FROM interactions"),
            ["NULLNULL"; 3].join(",")
        );
        assert_eq!(
            text("SELECT claim_id || claimed_at_ms || outcome || outcome_at_ms || quote(withdrawn_by) FROM claims"),
            "claim3failed4NULL"
        );
        assert_eq!(
            text(
                "SELECT service || field || delivery || key_id || length(sealed) || quote(wiped_by) FROM sealed_secrets"
            ),
            "forgetokenstorekey41NULL"
        );
        assert_eq!(text("SELECT group_concat(take_id || taken_at_ms) FROM secret_takings"), "t5,u7");
    }

    #[test]
    fn the_history_of_every_earlier_schema_is_chained_to_the_letter() {
        for version in 1..4 {
            let mut old = Connection::open_in_memory().unwrap();
            at_version(&mut old, version);
            old.execute_batch(
                "INSERT INTO audit_events (at_ms, event, principal, detail) VALUES (7, 'token.created', 'ada', '{ \"b\":1,  \"a\":2}'); \
                 INSERT INTO audit_events (at_ms, event, request_id, rule_id) VALUES (7, 'interaction.approved', 'r', 'rule')",
            )
            .unwrap();
            let rows = |conn: &Connection| {
                let query = "SELECT group_concat(seq || at_ms || event || quote(request_id) || quote(rule_id) || quote(principal) || detail) FROM audit_events WHERE seq < 3";
                conn.query_row(query, [], |row| row.get::<_, String>(0)).unwrap()
            };
            let before = rows(&old);
            migrate(&mut old).unwrap();
            assert_eq!(rows(&old), before);
            let head = verify(events((&old).into()), None).unwrap().unwrap();
            assert_eq!(head.seq, 3, "from version {version}");
            assert!(old.prepare("SELECT audit_hash(1, 2, '', NULL, NULL, NULL, '')").is_err(), "it stays");
        }
    }
}
