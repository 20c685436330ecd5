//! Empty databases of the tests' PostgreSQL, and what the views of both kinds of database show.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tokio::runtime::Builder;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::harness::cluster::postgres;

/// The views of both kinds of database.
const VIEWS: [&str; 9] = [
    "v_pending",
    "v_decisions",
    "v_unclaimed",
    "v_waiting_times",
    "v_events",
    "v_trust_rules",
    "v_rule_hits",
    "v_channels",
    "v_notices",
];

/// An empty database, which is gone when this is dropped.
pub(super) struct Database {
    name: String,
    url: PathBuf,
}

impl Database {
    /// `None`, and a line that says so, where there is no PostgreSQL.
    pub(super) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = postgres()?;
        let name = format!("moving_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        rows(server, &format!("CREATE DATABASE {name}"));
        let (of_server, _) = server.rsplit_once('/').unwrap();
        Some(Self { url: format!("{of_server}/{name}").into(), name })
    }

    /// As `--db` names it.
    pub(super) fn url(&self) -> &Path {
        &self.url
    }

    /// Whether there is anything of ours in it.
    pub(super) fn has_schema(&self) -> bool {
        let there = "SELECT to_regnamespace('countersign') IS NOT NULL";
        rows(self.url.to_str().unwrap(), there) == [["t"]]
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = postgres() {
            rows(server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// The rows of a query, as text.
fn rows(url: &str, query: &str) -> Vec<Vec<String>> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let answers = client.simple_query(query).await.unwrap();
        let text = |row: &tokio_postgres::SimpleQueryRow, at| row.get(at).unwrap_or("null").to_owned();
        let of = |answer: &SimpleQueryMessage| {
            let SimpleQueryMessage::Row(row) = answer else { return None };
            Some((0..row.len()).map(|at| text(row, at)).collect())
        };
        answers.iter().filter_map(of).collect()
    })
}

/// Every row of every view, of a database of either kind.
pub(super) fn views(db: &Path) -> BTreeMap<&'static str, Vec<Vec<String>>> {
    let name = db.to_str().unwrap();
    let of = |view| {
        let query = format!("SELECT * FROM {view}");
        if name.starts_with("postgres") {
            let separator = if name.contains('?') { '&' } else { '?' };
            rows(&format!("{name}{separator}options=-csearch_path%3Dcountersign"), &query)
        } else {
            rows_of_file(db, &query)
        }
    };
    VIEWS.iter().map(|view| (*view, of(view))).collect()
}

fn rows_of_file(db: &Path, query: &str) -> Vec<Vec<String>> {
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = conn.prepare(query).unwrap();
    let columns = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8(text.to_owned()).unwrap(),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|at| Ok(text(row.get_ref(at)?))).collect());
    rows.unwrap().map(Result::unwrap).collect()
}
