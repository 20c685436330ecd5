//! Databases as earlier versions left them.

use std::path::Path;

use refinery::Target;
use rusqlite::Connection;

mod migrations {
    refinery::embed_migrations!("migrations");
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
