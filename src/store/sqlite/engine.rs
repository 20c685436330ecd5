//! The engine of SQLite: its one connection that writes, and the checkpointer beside it.

use std::sync::Arc;

use tokio::sync::watch;

use super::checkpointer::Checkpointer;
use super::commits::Commits;
use super::connection::ServingConnection;
use crate::domain::chain::Head;
use crate::store::engine::{Engine, Others, Turn};
use crate::store::error::Disk;
use crate::store::sql::{Sql, values};
use crate::store::{Error, Generation, Result, Version, Wants};

/// A larger group would let the first of its work wait for too long.
const LARGEST_GROUP: usize = 1024;

/// The connection that writes, with what watches over its log and its commits.
pub(in crate::store) struct SqliteEngine {
    conn: ServingConnection,
    checkpointer: Checkpointer,
    commits: Arc<Commits>,
    /// Whether there is a savepoint.
    is_marked: bool,
    /// What SQLite said last of the changes of others.
    changes_of_others: i64,
}

impl SqliteEngine {
    /// What is read on the connection from here on is read again once others have written.
    pub(super) fn new(conn: ServingConnection, checkpointer: Checkpointer, commits: Arc<Commits>) -> Result<Self> {
        let mut engine = Self { conn, checkpointer, commits, is_marked: false, changes_of_others: 0 };
        engine.others()?;
        Ok(engine)
    }

    fn others(&mut self) -> Result<Others> {
        // Asked for in every transaction; SQLite reads it as the statement runs.
        let changes = self.sql().one("PRAGMA data_version", values![])?;
        let before = std::mem::replace(&mut self.changes_of_others, changes);
        Ok(if before == changes { Others::Nothing } else { Others::Anything })
    }

    fn execute(&self, statement: &str) -> Result<()> {
        self.sql().execute(statement, values![]).map(drop)
    }

    /// Gives up the mark, if there is one.
    fn release(&mut self) -> Result<()> {
        if std::mem::take(&mut self.is_marked) { self.execute("RELEASE work") } else { Ok(()) }
    }
}

impl Engine for SqliteEngine {
    fn failed(&self) -> watch::Receiver<bool> {
        self.checkpointer.failed()
    }

    fn start(&mut self) {
        Checkpointer::watch(&self.conn);
    }

    fn begin(&mut self, _wanted: &[&Wants]) -> Result<Turn> {
        self.is_marked = false;
        self.execute("BEGIN IMMEDIATE")?;
        self.commits.begun().map_err(|error| {
            tracing::error!(%error, "the database's files are not as they were left");
            Error::Closed
        })?;
        Ok(Turn { others: self.others()?, now: None, reached: None, waited: None })
    }

    fn ask_for(&mut self, _wanted: &[&Wants]) -> Result<()> {
        Ok(())
    }

    fn largest_group(&self) -> usize {
        LARGEST_GROUP
    }

    fn token_generation(&self) -> Generation {
        Generation(Version::Sqlite(self.commits.generation_begun()))
    }

    fn sql(&self) -> Sql<'_> {
        Sql::from(&*self.conn)
    }

    fn is_open(&self) -> bool {
        !self.conn.is_autocommit()
    }

    fn changes(&self) -> u64 {
        self.conn.total_changes()
    }

    fn mark(&mut self) -> Result<()> {
        self.release()?;
        self.execute("SAVEPOINT work")?;
        self.is_marked = true;
        Ok(())
    }

    fn undo_part(&mut self) -> Result<()> {
        self.execute("ROLLBACK TO work")
    }

    fn commit(&mut self, _end: Option<Head>) -> Result<bool> {
        self.release()?;
        self.execute("COMMIT")?;
        Ok(true)
    }

    fn committed(&mut self, head: Option<Head>, has_changed_tokens: bool) {
        head.into_iter().for_each(|head| self.checkpointer.committed(head));
        if Checkpointer::has_written() {
            self.commits.committed(has_changed_tokens);
        }
    }

    fn roll_back(&mut self) -> Result<()> {
        if self.is_open() { self.execute("ROLLBACK") } else { Ok(()) }
    }

    fn may_run_again(&self, _: &Error) -> bool {
        false
    }

    fn after(&mut self, error: &Error) -> Disk {
        let rolled_back = self.roll_back().is_ok();
        match error {
            Error::Full | Error::Failed(_) | Error::Busy | Error::Undone if rolled_back => Disk::Trusted,
            Error::Full
            | Error::Failed(_)
            | Error::Unknown(_)
            | Error::TooSlow
            | Error::Busy
            | Error::Unavailable(_)
            | Error::Doubtful(_)
            | Error::Undone
            | Error::Corrupt { .. }
            | Error::Closed
            | Error::NoReader(_)
            | Error::Overloaded
            | Error::OverShare { .. }
            | Error::Internal(_) => Disk::Unknown,
        }
    }

    fn may_acknowledge(&self) -> bool {
        self.checkpointer.may_acknowledge(&self.conn)
    }

    fn between_commits(&mut self) -> Disk {
        self.checkpointer.after_commit(&self.conn)
    }

    fn remove_wiped(&mut self, waits: bool) -> bool {
        self.checkpointer.empty_log(&self.conn, waits)
    }

    fn close(&mut self) -> Result<()> {
        if !self.may_acknowledge() {
            return Err(Error::Closed);
        }
        Ok(self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }
}
