//! For tests: an empty database of this version in memory, and how SQLite answers a query on it.

use rusqlite::Connection;

use super::migrate::migrate;

/// A database of its own.
pub(in crate::store) fn database() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    migrate(&mut conn).unwrap();
    conn
}

/// The steps of the plan, in order. The values do not matter to it.
pub(in crate::store) fn plan(query: &str) -> Vec<String> {
    steps(query).into_iter().map(|step| step.detail).collect()
}

/// The instructions of SQLite's machine that a statement is made of. The values do not matter to it.
pub(in crate::store) fn instructions(statement: &str) -> Vec<String> {
    let conn = database();
    let mut statement = conn.prepare(&format!("EXPLAIN {statement}")).unwrap();
    let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
    let instructions = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(1));
    instructions.unwrap().map(Result::unwrap).collect()
}

/// One step of a plan.
pub(in crate::store) struct Step {
    pub(in crate::store) id: i64,
    pub(in crate::store) parent: i64,
    pub(in crate::store) detail: String,
}

/// The steps of the plan, with what each is a part of.
pub(in crate::store) fn steps(query: &str) -> Vec<Step> {
    let conn = database();
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(nothing), |row| {
        Ok(Step { id: row.get(0)?, parent: row.get(1)?, detail: row.get(3)? })
    });
    steps.unwrap().map(Result::unwrap).collect()
}
