//! The engine of PostgreSQL: each transaction is a *turn*. Its first act is to take the one lock that all servers and commands on
//! this database share, so that the transactions that write follow one another as they do in one file.

use std::sync::Arc;

use tokio::sync::watch;

use super::Commits;
use super::session::{Statements, Writing};
use crate::domain::chain::Head;
use crate::store::engine::Engine;
use crate::store::error::Disk;
use crate::store::sql::Sql;
use crate::store::{Error, Generation, Result, Version};

/// The lock of a turn: the letters `csgn`, as a number that no other program is likely to use.
pub(super) const TURN: i64 = 0x6373_676e_0001;

/// The connection that writes.
pub(in crate::store) struct PostgresEngine {
    writing: Writing,
    commits: Arc<Commits>,
    is_open: bool,
    is_marked: bool,
    failed: watch::Sender<bool>,
}

impl PostgresEngine {
    pub(super) fn new(writing: Writing, commits: Arc<Commits>) -> Self {
        Self { writing, commits, is_open: false, is_marked: false, failed: watch::Sender::new(false) }
    }
}

impl Engine for PostgresEngine {
    fn failed(&self) -> watch::Receiver<bool> {
        self.failed.subscribe()
    }

    fn start(&mut self) {}

    fn begin(&mut self) -> Result<()> {
        (self.is_marked, self.is_open) = (false, true);
        self.writing.is_immediate.set(false);
        // In two statements, each of which sees what is committed as it begins: the second one what was while the first waited.
        self.writing.run(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({TURN})"))?;
        if self.writing.look_at_head()? {
            self.commits.changed();
        }
        Ok(())
    }

    fn token_generation(&self) -> Generation {
        Generation(Version::Postgres(self.commits.generation()))
    }

    fn sql(&self) -> Sql<'_> {
        Sql::Postgres(Statements::Writing(&self.writing))
    }

    fn is_open(&self) -> bool {
        self.is_open && !self.writing.is_closed()
    }

    fn changes(&self) -> u64 {
        self.writing.written.get()
    }

    fn mark(&mut self) -> Result<()> {
        self.writing.send()?;
        self.writing.is_immediate.set(true);
        let release = if std::mem::replace(&mut self.is_marked, true) { "RELEASE work; " } else { "" };
        self.writing.run(&format!("{release}SAVEPOINT work"))
    }

    fn undo_part(&mut self) -> Result<()> {
        self.writing.forget();
        self.writing.run("ROLLBACK TO work")
    }

    fn commit(&mut self) -> Result<()> {
        self.writing.send_with(Some("COMMIT"))?;
        self.is_open = false;
        Ok(())
    }

    fn committed(&mut self, head: Option<Head>, has_changed_tokens: bool) {
        self.writing.committed(head);
        if has_changed_tokens {
            self.commits.changed();
        }
    }

    fn roll_back(&mut self) -> Result<()> {
        self.writing.forget();
        if std::mem::take(&mut self.is_open) { self.writing.run("ROLLBACK") } else { Ok(()) }
    }

    fn may_acknowledge(&self) -> bool {
        !*self.failed.borrow()
    }

    fn between_commits(&mut self) -> Disk {
        Disk::Trusted
    }

    fn remove_wiped(&mut self, _waits: bool) -> bool {
        // What was wiped lies in dead rows until PostgreSQL takes them away by itself.
        true
    }

    fn close(&mut self) -> Result<()> {
        if self.may_acknowledge() { Ok(()) } else { Err(Error::Closed) }
    }
}
