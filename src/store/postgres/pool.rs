//! The connections that read: each is used for one short transaction at a time, which sees one state of the database.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2::ManageConnection;
use tokio::runtime::Handle;
use tokio_postgres::{Client, IsolationLevel};

use super::connect::{self, Connector, Driver};
use super::error::store_error;
use super::session::{Prepared, Reading, Statements, waited};
use crate::store::sql::Sql;
use crate::store::{Error, OpenError, ReadTx};

/// The connections.
#[derive(Clone)]
pub(in crate::store) struct Pool {
    connections: r2d2::Pool<Manager>,
    runtime: Handle,
}

struct Manager {
    connector: Connector,
    runtime: Handle,
    /// For how long one statement may read.
    longest: Duration,
}

/// A connection, and what it has prepared.
struct Connection {
    client: Client,
    prepared: Prepared,
    _driver: Driver,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = OpenError;

    fn connect(&self) -> Result<Connection, OpenError> {
        let (client, driver) = self.runtime.block_on(async {
            let connect::Connection { client, driver, .. } = self.connector.connect().await?;
            let limit = format!("SET statement_timeout = {}", self.longest.as_millis());
            client.batch_execute(&limit).await.map_err(store_error)?;
            Ok::<_, OpenError>((client, driver))
        })?;
        Ok(Connection { client, prepared: Prepared::default(), _driver: driver })
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), OpenError> {
        // No question is asked: that would cost as much as the use.
        if connection.client.is_closed() { Err(Error::Closed.into()) } else { Ok(()) }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.client.is_closed()
    }
}

/// How long a connection is waited for, each time.
const CONNECTING: Duration = Duration::from_secs(1);

/// How long a read waits for a database that is away.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the database has been away, as far as one read has seen.
#[derive(Default)]
struct Absence(Option<Instant>);

impl Absence {
    /// Whether the read goes on waiting for its end.
    fn may_last(&mut self) -> bool {
        self.0.get_or_insert_with(Instant::now).elapsed() < PATIENCE
    }
}

/// What keeps a connection from being made is told to whoever waits for one.
#[derive(Debug)]
struct Quiet;

impl r2d2::HandleError<OpenError> for Quiet {
    fn handle_error(&self, error: OpenError) {
        tracing::debug!(%error, "a reader could not be connected");
    }
}

impl Pool {
    /// Opens so many connections. None of their statements goes on for longer than `longest`.
    pub(super) fn open(connector: Connector, connections: u32, longest: Duration) -> Result<Self, OpenError> {
        let runtime = Handle::current();
        let manager = Manager { connector, runtime: runtime.clone(), longest };
        let pool = r2d2::Pool::builder().max_size(connections).error_handler(Box::new(Quiet));
        // Attempts to connect lie apart by half of this at most.
        let pool = pool.connection_timeout(CONNECTING);
        let connections =
            tokio::task::block_in_place(|| pool.build(manager)).map_err(|error| Error::NoReader(Arc::new(error)))?;
        Ok(Self { connections, runtime })
    }

    /// A connection; where the database is away, as soon as it is there again. There are as many as ever read at once, so none is
    /// waited for but for that reason.
    fn connected(&self, absence: &mut Absence) -> Result<r2d2::PooledConnection<Manager>, Error> {
        loop {
            match self.connections.get() {
                Ok(connection) => return Ok(connection),
                Err(_) if absence.may_last() => {}
                Err(error) => return Err(Error::Unavailable(Arc::new(error))),
            }
        }
    }

    /// Runs `work` in a transaction, and again where its connection is lost meanwhile; blocks the thread.
    pub(in crate::store) fn read<T, E: From<Error>>(self, work: impl Fn(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut absence = Absence::default();
        loop {
            let mut connection = self.connected(&mut absence)?;
            let Connection { client, prepared, .. } = &mut *connection;
            let begun = client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead);
            let transaction = match waited(&self.runtime, begun.start()).map_err(store_error) {
                Ok(transaction) => transaction,
                // The connection was lost while nobody used it: nothing has been read by it.
                Err(Error::Unavailable(_)) if absence.may_last() => continue,
                Err(error) => return Err(error.into()),
            };
            let reading = Reading { transaction, runtime: self.runtime.clone(), prepared, is_lost: Cell::new(false) };
            let done = work(&ReadTx::new(Sql::Postgres(Statements::Reading(&reading))));
            // The read was lost with its connection: the next one may lead to another primary.
            if done.is_err() && reading.is_lost.get() && absence.may_last() {
                continue;
            }
            // Nothing was written: how it ends makes no difference but to the connection, which is then closed.
            if let Err(error) = waited(&self.runtime, reading.transaction.rollback()) {
                tracing::debug!(%error, "a transaction that has read was not ended");
            }
            return done;
        }
    }
}
