//! Databases without a server, or beside one: for the commands.

use super::audit_log::{self, Events};
use super::{Error, OpenError, ReadTx, Result, WriteTx, postgres, sqlite};
use crate::clock::Clock;
use crate::config::Location;
use crate::domain::chain::Head;

/// A database of either kind.
enum Either<S> {
    /// A file.
    Sqlite(S),
    /// A connection.
    Postgres(Box<postgres::Session>),
}

/// Runs `work` in a transaction of its own on a database, beside servers or without one, and makes the database where there is
/// none. It waits for other writers and blocks the thread.
///
/// # Errors
///
/// The error of `work`, or that of opening or writing the database.
pub fn with_write_tx<T, E>(
    location: &Location,
    clock: &dyn Clock,
    work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
) -> std::result::Result<T, E>
where
    E: From<Error> + From<OpenError>,
{
    match location {
        Location::File(path) => sqlite::with_write_tx(path, clock, work),
        Location::Postgres(url) => postgres::Session::make(url)?.write(clock, work),
    }
}

/// Runs `work` on one consistent state of an existing database, beside servers or without one.
///
/// # Errors
///
/// If there is no database, it cannot be opened, or `work` fails.
pub fn with_read_tx<T>(
    location: &Location,
    work: impl FnOnce(&ReadTx<'_>) -> Result<T>,
) -> std::result::Result<T, OpenError> {
    match location {
        Location::File(path) => sqlite::with_read_tx(path, work),
        Location::Postgres(url) => Ok(postgres::Session::open(url)?.read(work)?),
    }
}

/// An existing database beside servers or without one, for a command that writes more than once.
pub struct SharedDatabase(Either<sqlite::SharedDatabase>);

impl SharedDatabase {
    /// Opens an existing database, and brings a file up to date where no server uses it.
    ///
    /// # Errors
    ///
    /// If there is no database, or it cannot be opened.
    pub fn open(location: &Location) -> std::result::Result<Self, OpenError> {
        Ok(Self(match location {
            Location::File(path) => Either::Sqlite(sqlite::SharedDatabase::open(path)?),
            Location::Postgres(url) => Either::Postgres(Box::new(postgres::Session::open(url)?)),
        }))
    }

    /// Runs `work` in a transaction of its own; it waits for other writers.
    ///
    /// # Errors
    ///
    /// The error of `work`, or that of writing the database.
    pub fn write<T, E: From<Error>>(
        &self,
        clock: &dyn Clock,
        work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match &self.0 {
            Either::Sqlite(database) => database.write(clock, work),
            Either::Postgres(session) => session.write(clock, work),
        }
    }

    /// Runs `work` on one consistent state.
    ///
    /// # Errors
    ///
    /// The error of `work`, or that of reading the database.
    pub fn read<T>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T>) -> Result<T> {
        match &self.0 {
            Either::Sqlite(database) => database.read(work),
            Either::Postgres(session) => session.read(work),
        }
    }

    /// Has nothing that was wiped stand in a file any more; whether it has, which is not while another process reads for long.
    /// PostgreSQL clears its files by itself.
    ///
    /// # Errors
    ///
    /// If the log cannot be moved.
    pub fn empty_log(&self) -> Result<bool> {
        match &self.0 {
            Either::Sqlite(database) => database.empty_log(),
            Either::Postgres(_) => Ok(true),
        }
    }
}

/// An existing database that no server uses, nor can use while this lives.
pub struct ExclusiveDatabase(Either<sqlite::ExclusiveDatabase>);

impl ExclusiveDatabase {
    /// Takes the locks on a database, and brings a file up to date.
    ///
    /// # Errors
    ///
    /// If there is no database, a server uses it, or it cannot be opened.
    pub fn open(location: &Location) -> std::result::Result<Self, OpenError> {
        Ok(Self(match location {
            Location::File(path) => Either::Sqlite(sqlite::ExclusiveDatabase::open(path)?),
            Location::Postgres(url) => Either::Postgres(Box::new(postgres::Session::alone(url)?)),
        }))
    }

    /// Runs `work` in a transaction of its own.
    ///
    /// # Errors
    ///
    /// The error of `work`, or that of writing the database.
    pub fn write<T, E: From<Error>>(
        &self,
        clock: &dyn Clock,
        work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match &self.0 {
            Either::Sqlite(database) => database.write(clock, work),
            Either::Postgres(session) => session.write(clock, work),
        }
    }

    /// Has nothing that a transaction replaced stand in a file any more. PostgreSQL clears its files by itself.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] while another process reads; nothing is cleared then.
    pub fn checkpoint(&self) -> Result<()> {
        match &self.0 {
            Either::Sqlite(database) => database.checkpoint(),
            Either::Postgres(_) => Ok(()),
        }
    }

    /// Writes everything anew: nothing that was wiped is left, and it is as small as it can be. A file can shrink beside a server,
    /// too, from then on.
    ///
    /// # Errors
    ///
    /// If there is no room for it, or another process reads.
    pub fn vacuum(&self) -> std::result::Result<(), OpenError> {
        match &self.0 {
            Either::Sqlite(database) => Ok(database.vacuum()?),
            Either::Postgres(session) => session.vacuum(),
        }
    }
}

/// The audit log of a database, open for reading beside servers or without one.
pub struct AuditLog(Either<sqlite::AuditLog>);

impl AuditLog {
    /// Opens an existing database.
    ///
    /// # Errors
    ///
    /// If there is no database, it cannot be opened, or its schema is older than the chain.
    pub fn open(location: &Location) -> std::result::Result<Self, OpenError> {
        Ok(Self(match location {
            Location::File(path) => Either::Sqlite(sqlite::AuditLog::open(path)?),
            Location::Postgres(url) => Either::Postgres(Box::new(postgres::Session::open(url)?)),
        }))
    }

    /// Returns the end of its chain, as the last row has it.
    ///
    /// # Errors
    ///
    /// If the row cannot be read.
    pub fn head(&self) -> Result<Head> {
        ReadTx::new(self.sql()).audit_head()
    }

    /// Iterates over every event, in order.
    pub fn events(&self) -> Events<'_> {
        audit_log::events(self.sql())
    }

    fn sql(&self) -> super::sql::Sql<'_> {
        match &self.0 {
            Either::Sqlite(log) => log.sql(),
            Either::Postgres(session) => session.sql(),
        }
    }
}
