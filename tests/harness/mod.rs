//! The harness: how tests start a server and speak with it.
//!
//! - [`TestServer`] is a real server inside the test's process, on a free port, with a temporary database and a clock that
//!   only the test moves ([`TestServer::advance`]). It stops when it is dropped. `TestServer::unchanged` fails where what
//!   it runs changes any row; [`TestServer::sql`] asks the database beside the server.
//! - [`Client`] speaks HTTP with one token: [`TestServer::agent`] and [`TestServer::approver`] make one for a principal,
//!   [`TestServer::anonymous`] one without a token. [`page::Browser`] is a client with a log-in, for the pages.
//! - [`Answer`] is what comes back: [`Answer::expect`] demands a status, [`Answer::refusal`] is the status and the code.
//! - [`confirmation`], [`secret`] and [`question`] make registrations; [`altered`] changes members of them. [`KINDS`] has
//!   every kind, for what holds of all.
//! - [`Process`] is the real binary as a process of its own, for what kills or restarts it; [`countersign`] is any command
//!   of it, and [`terminal::Terminal`] runs one in a terminal.
//! - [`receiver::Receiver`] is what notices are sent to.
//! - [`Database`] is the database of a test, in SQLite or in PostgreSQL, for what starts a [`Process`] on it.
//! - [`race`] lets threads go at the same moment, [`until`] gives way until a condition holds: no test sleeps.
//!
//! ```
//! let server = TestServer::start();
//! let (agent, ada) = (server.agent("builder"), server.approver("ada"));
//! agent.register(&confirmation("deploy"));
//! server.unchanged(|| assert_eq!(agent.confirm("deploy", "allow").refusal(), (403, "forbidden")));
//! ada.confirm("deploy", "allow").expect(200);
//! assert_eq!(agent.look("deploy")["status"], "approved");
//! ```

mod client;
pub(crate) mod cluster;
mod database;
pub(crate) mod feed;
pub(crate) mod killed;
pub(crate) mod old;
pub(crate) mod outside;
pub(crate) mod page;
mod postgres;
mod process;
mod race;
pub(crate) mod receiver;
mod requests;
pub(crate) mod terminal;
mod unchanged;
pub(crate) mod wire;
mod without_sweeper;

pub(crate) use self::client::{Answer, Client};
use self::database::READERS;
pub(crate) use self::database::{Database, Named, is_postgres, key_file, location};
pub(crate) use self::process::{Process, countersign, signal, token};
pub(crate) use self::race::{Act, race};
pub(crate) use self::requests::{
    AnyKind, KINDS, altered, confirmation, full_confirmation, full_question, full_secret, origin, question, responses,
    secret,
};
use self::without_sweeper::Sweeper;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Parser;
use countersign::clock::{Clock, ManualClock};
use countersign::config::Config;
use countersign::domain::enums::Role;
use countersign::domain::id::TokenId;
use countersign::domain::principal::Principal;
use countersign::server::{Error, Server};
use countersign::service::Service;
use countersign::store::{self, TokenHash, with_write_tx};
use countersign::tokens;
use rusqlite::types::Value as SqlValue;
use serde_json::Value;
use tokio::sync::oneshot;

/// The time at which every manual clock starts: 2030-01-01T00:00:00.000Z.
pub(crate) const START: &str = "2030-01-01T00:00:00.000Z";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// A server inside the test's process.
pub(crate) struct TestServer {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) url: String,
    database: Arc<Database>,
    sweeper: Sweeper,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With flags as on the command line.
    pub(crate) fn with(flags: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        Self::on(Arc::new(Database::new()), clock, flags, Sweeper::Runs)
    }

    fn on(database: Arc<Database>, clock: Arc<ManualClock>, flags: &[&str], sweeper: Sweeper) -> Self {
        let (db, key) = (database.name().to_str().unwrap(), key_file(database.name()));
        let mut fixed = vec!["countersign", "--db", db, "--key-file", key.to_str().unwrap()];
        let mut default = |flag, value| {
            if !flags.contains(&flag) {
                fixed.extend([flag, value])
            }
        };
        default("--listen", "127.0.0.1:0");
        if is_postgres() {
            default("--readers", READERS);
        }
        let config = Flags::try_parse_from(fixed.iter().chain(flags)).unwrap().config;
        let (started, ready) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn({
            let clock: Arc<dyn Clock> = clock.clone();
            move || {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                runtime.block_on(async {
                    let stop = async { stopped.await.unwrap_or(()) };
                    let server = Server::open(config, clock).await?;
                    started.send((server.url(), server.service())).unwrap();
                    match sweeper {
                        Sweeper::Runs => server.serve(stop).await,
                        Sweeper::Never => server.serve_without_sweeper(stop).await,
                    }
                })
            }
        });
        let (url, service) = ready.recv().unwrap();
        Self { clock, service, url, database, sweeper, stop: Some(stop), thread: Some(thread) }
    }

    /// Stops, as SIGTERM would, and starts again on the same database and clock.
    pub(crate) fn restart(self, flags: &[&str]) -> Self {
        let clock = self.clock.clone();
        self.restart_at(clock, flags)
    }

    /// The same, but the clock has been set meanwhile, forward or back.
    pub(crate) fn restart_at(mut self, clock: Arc<ManualClock>, flags: &[&str]) -> Self {
        self.stop_and_join().unwrap();
        let (database, sweeper) = (Arc::clone(&self.database), self.sweeper);
        // With the service goes the lock on the database.
        drop(self);
        Self::on(database, clock, flags, sweeper)
    }

    /// Stops; the database that is left.
    pub(crate) fn stopped(mut self) -> Arc<Database> {
        self.stop_and_join().unwrap();
        Arc::clone(&self.database)
    }

    /// Asks the server to stop, without waiting until it has.
    pub(crate) fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    fn stop_and_join(&mut self) -> Result<(), Error> {
        self.begin_stop();
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }

    /// The database as `--db` names it: a path, or a URL.
    pub(crate) fn db(&self) -> PathBuf {
        self.database.name().to_owned()
    }

    /// Moves time forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A client that speaks as a new principal, or with a new token of one that is there.
    pub(crate) fn client(&self, name: &str, role: Role) -> Client {
        Client::new(&self.url, &create_token(&self.db(), &*self.clock, name, role))
    }

    pub(crate) fn agent(&self, name: &str) -> Client {
        self.client(name, Role::Agent)
    }

    pub(crate) fn approver(&self, name: &str) -> Client {
        self.client(name, Role::Approver)
    }

    /// A client without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client::anonymous(&self.url)
    }

    /// What a query says of the database, as its own reader beside the server.
    pub(crate) fn sql(&self, query: &str) -> Vec<Vec<Value>> {
        sql(&self.db(), query)
    }

    /// The names of all tables.
    pub(crate) fn tables(&self) -> Vec<String> {
        let sqlite = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let names = self.sql(if is_postgres() { postgres::TABLES } else { sqlite });
        names.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Ends once so many requests wait: the event to await before whatever is to wake them.
    pub(crate) fn until_waiting(&self, count: usize) {
        until(|| self.service.waiting() == count);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let ended = self.stop_and_join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// Makes a token as `countersign token create` does.
pub(crate) fn create_token(db: &Path, clock: &dyn Clock, name: &str, role: Role) -> String {
    let token = tokens::generate().unwrap();
    let principal = Principal { name: name.parse().unwrap(), role };
    let holder = TokenHash { token_sha256: tokens::digest(&token), principal };
    let made: Result<(), store::OpenError> =
        with_write_tx(&location(db), clock, |tx| Ok(tx.insert_token(&TokenId::generate(), &holder)?));
    made.unwrap();
    token.to_string()
}

/// Asks again and again, giving way in between, until it is so; gives up after a time in which anything has happened
/// that will.
#[track_caller]
pub(crate) fn until(so: impl FnMut() -> bool) {
    until_within(Duration::from_secs(20), so);
}

/// The same for what may take longer.
#[track_caller]
pub(crate) fn until_within(patience: Duration, mut so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < patience, "it did not come to pass");
        std::thread::yield_now();
    }
}

/// The rows of a query, by a connection of its own.
pub(crate) fn sql(db: &Path, query: &str) -> Vec<Vec<Value>> {
    if database::is_url(db) {
        return postgres::sql(db, query);
    }
    let conn = rusqlite::Connection::open_with_flags(db, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    rows(&conn, query).unwrap()
}

/// The same, by a connection to a file that may be damaged.
pub(crate) fn rows(conn: &rusqlite::Connection, query: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = conn.prepare(query)?;
    let columns = statement.column_count();
    let rows =
        statement.query_map([], |row| (0..columns).map(|column| row.get::<_, SqlValue>(column).map(json_of)).collect());
    rows?.collect()
}

fn json_of(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => number.into(),
        SqlValue::Real(number) => number.into(),
        SqlValue::Text(text) => text.into(),
        SqlValue::Blob(bytes) => hex::encode(bytes).into(),
    }
}
