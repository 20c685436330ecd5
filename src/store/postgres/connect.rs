//! Connections to PostgreSQL, each with the settings that the store relies on.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{no_connection, store_error};
use super::tls::encryption;
use crate::config::PostgresUrl;
use crate::store::{Error, OpenError};

/// The schema that everything is in.
pub(super) const SCHEMA: &str = "countersign";

/// What is locked for as long as a server uses the database, shared with other servers; alone by what keeps servers away.
const SERVING: i64 = 0x6373_676e_0003;

/// For how long a host may be silent before it is asked whether it is there, and how long each of its addresses has to take a
/// connection.
const SILENCE: Duration = Duration::from_secs(3);

/// How long the database may owe an answer before all connections to it are given up: where its processes stand still, the machine
/// goes on to say that it is there.
pub(super) const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// How often it is then asked: Linux's own 75 seconds would keep whoever waits for an answer of a machine that is gone for as long.
const PROBE: Duration = Duration::from_secs(1);

/// How long nothing that was sent to it may be acknowledged, so that a probe or two may be lost.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// What every connection is set to, whatever the defaults of the database are. A commit is on the disk, and on the standbys that the
/// primary waits for, before it is told of.
const SETTINGS: &str = "SET search_path = countersign; SET synchronous_commit = on; SET standard_conforming_strings = on; \
     SET TimeZone = 'UTC'; SET client_min_messages = warning; SET default_transaction_isolation = 'read committed'; \
     SET default_transaction_read_only = off; SET default_transaction_deferrable = off; \
     SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 5000";

/// Whether servers are kept away from the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    Yes,
    No,
}

/// What a connection has told beside its answers.
#[derive(Default)]
pub(super) struct Heard {
    /// A warning came: a commit that it came with may be on no standby.
    pub(super) warning: AtomicBool,
    /// Another one has rung.
    pub(super) rung: Notify,
    /// The process of PostgreSQL that serves the connection, where that is known.
    pub(super) process: AtomicI32,
}

/// A connection.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) heard: Arc<Heard>,
    pub(super) driver: Driver,
}

/// What carries the messages of a connection: with it, the connection ends at once, whatever is being waited for.
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    /// How each of the hosts is reached.
    configs: Vec<Config>,
    /// Which of them was the primary when that was looked for last: the next connection begins there.
    primary: Arc<AtomicUsize>,
    tls: Option<MakeRustlsConnect>,
    url: PostgresUrl,
    /// The database as it is shown: without its password.
    shown: String,
    /// What carries the connections that there are.
    drivers: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Connector {
    /// Reads the URL, and the files that it names.
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, OpenError> {
        let shown = url.to_string();
        let unfit = |why: String| OpenError::Unfit { database: shown.clone(), why };
        // The driver says which setting is wrong, and not what it was.
        let configs = url.each().map(|host| Config::from_str(&host.pairs())).collect::<Result<Vec<_>, _>>();
        let mut configs =
            configs.map_err(|error| unfit(error.source().map(ToString::to_string).unwrap_or_default()))?;
        let tls = encryption(url).map_err(unfit)?;
        for config in &mut configs {
            config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
            config.target_session_attrs(TargetSessionAttrs::ReadWrite).application_name("countersign");
            config.keepalives_idle(SILENCE).keepalives_interval(PROBE).tcp_user_timeout(UNACKNOWLEDGED);
            if config.get_connect_timeout().is_none() {
                config.connect_timeout(SILENCE);
            }
        }
        Ok(Self { configs, primary: Arc::default(), tls, url: url.clone(), shown, drivers: Arc::default() })
    }

    /// The database as it is shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Why the database cannot be used, as the sentence goes on.
    pub(super) fn unfit(&self, why: impl Into<String>) -> OpenError {
        OpenError::Unfit { database: self.shown.clone(), why: why.into() }
    }

    /// Whether the network can read what goes to the database.
    pub(super) fn is_readable_underway(&self) -> bool {
        self.tls.is_none() && self.url.leaves_the_machine()
    }

    /// Waits for an answer. Where none comes for too long, all connections are given up, and each request on them fails: the next ones
    /// lead to the host that is the primary by then.
    pub(super) async fn answered<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if let Ok(answer) = timeout(LONGEST_ANSWER, answer).await {
            return answer;
        }
        self.give_up();
        Err(Error::Unavailable(Arc::new(io::Error::new(io::ErrorKind::TimedOut, NO_ANSWER))))
    }

    /// Gives up all connections that there are.
    pub(super) fn give_up(&self) {
        let there = self.drivers().drain(..).filter(|driver| !driver.is_finished()).inspect(AbortHandle::abort).count();
        if there > 0 {
            tracing::warn!(database = self.shown, there, "the database is silent: all connections to it are given up");
        }
    }

    fn drivers(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.drivers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection to the primary: to the first host that is one, from the one on that was it last.
    pub(super) async fn connect(&self) -> Result<Connection, OpenError> {
        let known = self.primary.load(Ordering::Relaxed);
        let mut refused = Vec::new();
        for (at, config) in self.configs.iter().enumerate().cycle().skip(known).take(self.configs.len()) {
            match timeout(longest(config).await, self.connect_to(config)).await {
                Ok(Ok(connection)) => {
                    self.primary.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Err(error)) => refused.push((at, error)),
                Err(_) => refused.push((at, self.cannot_be_reached(NO_ANSWER))),
            }
        }
        Err(self.unreached(refused))
    }

    fn cannot_be_reached(&self, why: impl Into<String>) -> OpenError {
        OpenError::NoServer { database: self.shown.clone(), why: why.into() }
    }

    /// That none of the hosts is of use: each with its own reason, in the order of the URL.
    fn unreached(&self, mut refused: Vec<(usize, OpenError)>) -> OpenError {
        if let [_] = refused.as_slice() {
            return refused.remove(0).1;
        }
        refused.sort_by_key(|(at, _)| *at);
        let told = self.url.hosts().iter().zip(refused).map(|((host, _), (_, error))| {
            let why = if let OpenError::NoServer { why, .. } = error { why } else { error.to_string() };
            format!("{host}: {why}")
        });
        self.cannot_be_reached(told.collect::<Vec<_>>().join("; "))
    }

    async fn connect_to(&self, config: &Config) -> Result<Connection, OpenError> {
        let connection = match &self.tls {
            Some(tls) => self.connect_with(config, tls.clone()).await?,
            None => self.connect_with(config, NoTls).await?,
        };
        connection.client.batch_execute(SETTINGS).await.map_err(store_error)?;
        Ok(connection)
    }

    async fn connect_with<T>(&self, config: &Config, tls: T) -> Result<Connection, OpenError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connected = config.connect(tls).await;
        let connected = connected.map_err(|error| self.cannot_be_reached(no_connection(&error, &self.url)));
        let (client, mut connection) = connected?;
        let heard = Arc::new(Heard::default());
        let told = Arc::clone(&heard);
        let driver = tokio::spawn(async move {
            loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    // Before the answer that it comes with is given to whoever waits for that.
                    Some(Ok(AsyncMessage::Notice(notice))) => {
                        tracing::warn!(%notice, "the database warns");
                        told.warning.store(true, Ordering::Release);
                    }
                    Some(Ok(AsyncMessage::Notification(ring)))
                        if ring.process_id() != told.process.load(Ordering::Relaxed) =>
                    {
                        told.rung.notify_one();
                    }
                    Some(Ok(_)) => {}
                    // Whoever uses the client is told as well.
                    Some(Err(error)) => return tracing::debug!(%error, "a connection to the database has ended"),
                    None => return,
                }
            }
        });
        let mut drivers = self.drivers();
        drivers.retain(|driver| !driver.is_finished());
        drivers.push(driver.abort_handle());
        drop(drivers);
        Ok(Connection { client, heard, driver: Driver(driver) })
    }
}

const NO_ANSWER: &str = "it does not answer";

/// How long it takes at most to connect to a host: the driver gives each of its addresses a time to take the connection, and one that
/// took it and says nothing has as long again.
async fn longest(config: &Config) -> Duration {
    let each = config.get_connect_timeout().copied().unwrap_or(SILENCE);
    let addresses = match (config.get_hosts(), config.get_ports()) {
        ([Host::Tcp(name)], [port]) if config.get_hostaddrs().is_empty() => {
            tokio::net::lookup_host((name.as_str(), *port)).await.map_or(1, Iterator::count)
        }
        _ => 1,
    };
    each * u32::try_from(addresses).unwrap_or(1).saturating_add(1)
}

impl Connection {
    /// Takes the lock that keeps servers away, or the one by which a server is known to be there, for as long as this lives.
    pub(super) async fn keep_away(&self, alone: Alone, connector: &Connector) -> Result<(), OpenError> {
        match alone {
            Alone::Yes if !self.took("pg_try_advisory_lock").await? => Err(OpenError::Served(connector.shown.clone())),
            Alone::Yes | Alone::No => Ok(()),
        }
    }

    /// Takes the lock of a server, which several have at once.
    pub(super) async fn serve(&self, connector: &Connector) -> Result<(), OpenError> {
        if self.took("pg_try_advisory_lock_shared").await? {
            Ok(())
        } else {
            Err(OpenError::KeptAway(connector.shown.clone()))
        }
    }

    async fn took(&self, function: &str) -> Result<bool, OpenError> {
        let row = self.client.query_one(&format!("SELECT {function}({SERVING})"), &[]).await.map_err(store_error)?;
        Ok(row.get(0))
    }
}
