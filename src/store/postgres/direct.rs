//! A connection of a command, beside servers or without one.

use std::result::Result as StdResult;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::connect::{Alone, Connection, Connector};
use super::migrate::{check, migrate};
use super::probe::probe;
use super::writing::{Ended, Writing};
use crate::clock::Clock;
use crate::config::PostgresUrl;
use crate::store::sql::Sql;
use crate::store::writer_cache::WriterCache;
use crate::store::{Error, OpenError, ReadTx, Result, WriteTx};

/// A transaction that may read for long, and reads in the order of keys without sorting.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off";

/// A connection, and the threads that serve it.
pub(in crate::store) struct Session {
    pub(super) writing: Writing,
    /// The database as it is shown.
    shown: String,
    // Dropped last: what it serves has ended by then.
    _runtime: Runtime,
}

impl Session {
    /// Opens a database, and makes its tables where there are none.
    pub(in crate::store) fn make(url: &PostgresUrl) -> StdResult<Self, OpenError> {
        Self::connected(url, Alone::No, true)
    }

    /// Opens a database that is there.
    pub(in crate::store) fn open(url: &PostgresUrl) -> StdResult<Self, OpenError> {
        Self::connected(url, Alone::No, false)
    }

    /// Opens a database that is there, and keeps servers away for as long as this lives.
    pub(in crate::store) fn alone(url: &PostgresUrl) -> StdResult<Self, OpenError> {
        Self::connected(url, Alone::Yes, false)
    }

    fn connected(url: &PostgresUrl, alone: Alone, makes: bool) -> StdResult<Self, OpenError> {
        let runtime = threads()?;
        let connector = Connector::new(url)?;
        let connection = runtime.block_on(async {
            let mut connection = connector.connect().await?;
            if makes || alone == Alone::Yes {
                probe(&connection, &connector).await?;
            }
            if makes {
                migrate(&mut connection, &connector).await?;
            } else {
                check(&connection.client, &connector).await?;
            }
            connection.keep_away(alone, &connector).await?;
            Ok::<_, OpenError>(connection)
        })?;
        Ok(Self::new(connection, &connector, runtime))
    }

    pub(super) fn new(connection: Connection, connector: &Connector, runtime: Runtime) -> Self {
        let shown = connector.shown().to_owned();
        Self { writing: Writing::new(connection, runtime.handle().clone()), shown, _runtime: runtime }
    }

    /// Runs `work` in a turn of its own; it waits for those of others.
    pub(in crate::store) fn write<T, E: From<Error>>(
        &self,
        clock: &dyn Clock,
        work: impl FnOnce(&mut WriteTx<'_>) -> StdResult<T, E>,
    ) -> StdResult<T, E> {
        let begun = self.writing.begin(None, &[])?;
        clock.follow(begun.now);
        if let Some(highest) = begun.highest {
            clock.never_before(highest);
        }
        let mut cache = WriterCache::default();
        let done = work(&mut WriteTx::new(self.sql(), &mut cache, clock.now()));
        match done {
            Ok(done) => {
                self.commit()?;
                // Servers notice at once; without this they do within a moment.
                self.writing.ring()?;
                Ok(done)
            }
            Err(error) => {
                self.writing.roll_back()?;
                Err(error)
            }
        }
    }

    pub(super) fn commit(&self) -> Result<()> {
        match self.writing.commit() {
            Ended::Committed => Ok(()),
            Ended::Refused => Err(Error::Undone),
            Ended::InDoubt => Err(Error::Doubtful(Arc::new(std::io::Error::other("the connection was lost")))),
        }
    }

    /// Runs `work` on one consistent state.
    pub(in crate::store) fn read<T>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T>) -> Result<T> {
        self.writing.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let done = work(&ReadTx::new(self.sql()));
        self.writing.roll_back()?;
        done
    }

    /// Runs `read` on one consistent state, for however long it takes.
    pub(in crate::store) fn snapshot<T>(&self, read: impl FnOnce(Sql<'_>) -> T) -> Result<T> {
        self.writing.run(SNAPSHOT)?;
        let done = read(self.sql());
        self.writing.roll_back()?;
        Ok(done)
    }

    /// Its statements: outside of a transaction each reads by itself.
    pub(in crate::store) fn sql(&self) -> Sql<'_> {
        Sql::Postgres(self.writing.statements())
    }

    /// Runs a statement that answers nothing.
    pub(super) fn run(&self, statement: &str) -> Result<()> {
        self.writing.run(statement)
    }

    /// Writes the tables anew, without what deleted rows took. PostgreSQL lets their owner do that, and passes over them with a mere
    /// warning for others.
    pub(in crate::store) fn vacuum(&self) -> StdResult<(), OpenError> {
        let owned = "SELECT string_agg(format('%s', c.oid::regclass), ', '), bool_and(pg_has_role(relowner, 'USAGE')), current_user::text \
             FROM pg_class AS c WHERE relnamespace = 'countersign'::regnamespace AND relkind = 'r'";
        let owned = self
            .sql()
            .row(owned, &[], |row| Ok((row.get::<String>(0)?, row.get::<bool>(1)?, row.get::<String>(2)?)))?;
        let Some((tables, is_owner, role)) = owned else { return Ok(()) };
        if !is_owner {
            let why = format!("the role {role} does not own the tables, and only their owner can write them anew");
            return Err(OpenError::Unfit { database: self.shown.clone(), why });
        }
        Ok(self.writing.run(&format!("VACUUM (FULL, ANALYZE) {tables}"))?)
    }
}

/// What serves a connection.
pub(super) fn threads() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("database").enable_all().build()
}
