//! Databases of the PostgreSQL of all tests, each of them with the tables and alone with its test.
//!
//! The tables are made once, in a template. Each test has a copy of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use countersign::clock::SystemClock;
use countersign::config::Location;
use countersign::store::{OpenError, with_write_tx};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::cluster::{self, TURN, locked};

/// Functions that the statements of tests use, and that PostgreSQL has by other names.
const FUNCTIONS: &str = "CREATE FUNCTION public.hex(bytes bytea) RETURNS text IMMUTABLE RETURN upper(encode(bytes, 'hex')); \
     CREATE FUNCTION public.unhex(digits text) RETURNS bytea IMMUTABLE RETURN decode(digits, 'hex'); \
     CREATE FUNCTION public.randomblob(length int) RETURNS bytea VOLATILE \
         RETURN substr(sha256(convert_to(gen_random_uuid()::text, 'UTF8')), 1, length); \
     CREATE FUNCTION public.zeroblob(length int) RETURNS bytea IMMUTABLE RETURN decode(repeat('00', length), 'hex')";

/// A server, and what speaks with it.
struct Postgres {
    runtime: Runtime,
    url: String,
    template: String,
    /// A connection for each database that was asked something.
    clients: Mutex<HashMap<PathBuf, Arc<Client>>>,
}

static POSTGRES: LazyLock<Postgres> = LazyLock::new(Postgres::find);

/// Makes a database that has the name of a folder; its URL.
pub(super) fn create(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let template = &POSTGRES.template;
    POSTGRES.of_server(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\""));
    with_name(&POSTGRES.url, name)
}

/// Removes a database, whoever is still connected to it.
pub(super) fn remove(db: &Path) {
    POSTGRES.clients.lock().unwrap().remove(db);
    POSTGRES.of_server(&format!("DROP DATABASE \"{}\" WITH (FORCE)", name_in(db)));
}

/// The name of a database in its URL.
pub(super) fn name_in(db: &Path) -> &str {
    let url = db.to_str().unwrap();
    let url = url.split('?').next().unwrap();
    url.rsplit('/').next().unwrap()
}

/// The URL of another database of the same server.
fn with_name(url: &str, name: &str) -> PathBuf {
    let (database, settings) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = database.rsplit_once('/').unwrap();
    let mark = if settings.is_empty() { "" } else { "?" };
    format!("{server}/{name}{mark}{settings}").into()
}

/// The rows of a query. Numbers are numbers, and truth is 0 or 1.
pub(super) fn sql(db: &Path, query: &str) -> Vec<Vec<Value>> {
    let client = POSTGRES.client(db);
    POSTGRES.runtime.block_on(async {
        let statement = client.prepare(query).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let types = statement.columns().iter().map(|column| column.type_().clone()).collect::<Vec<_>>();
        // As text: so what has no type in Rust, such as a sum, is read like everything else.
        let answers = client.simple_query(query).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let rows = answers
            .iter()
            .filter_map(|answer| if let SimpleQueryMessage::Row(row) = answer { Some(row) } else { None });
        rows.map(|row| types.iter().enumerate().map(|(at, of)| value(of, row.get(at))).collect()).collect()
    })
}

fn value(of: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    match *of {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::FLOAT8 => {
            text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).unwrap()
        }
        Type::BOOL => i64::from(text == "t").into(),
        Type::BYTEA => text.strip_prefix("\\x").unwrap().into(),
        _ => text.into(),
    }
}

/// Runs statements; the error in PostgreSQL's words, and in SQLite's where a constraint did not hold.
pub(super) fn write_sql(db: &Path, sql: &str) -> Result<(), String> {
    let client = POSTGRES.client(db);
    POSTGRES.runtime.block_on(async {
        let Err(error) = client.batch_execute(sql).await else { return Ok(()) };
        client.batch_execute("ROLLBACK").await.unwrap();
        let error = error.as_db_error().unwrap();
        let constraint = CONSTRAINTS.iter().find(|(state, _)| state == error.code());
        Err(constraint.map_or_else(String::new, |(_, words)| format!("{words} constraint failed: ")) + error.message())
    })
}

/// What SQLite calls the constraints that PostgreSQL tells of by these codes.
const CONSTRAINTS: [(SqlState, &str); 4] = [
    (SqlState::CHECK_VIOLATION, "CHECK"),
    (SqlState::FOREIGN_KEY_VIOLATION, "FOREIGN KEY"),
    (SqlState::NOT_NULL_VIOLATION, "NOT NULL"),
    (SqlState::UNIQUE_VIOLATION, "UNIQUE"),
];

/// The rows of each table, as PostgreSQL copies them in binary.
pub(super) fn copied(db: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let client = POSTGRES.client(db);
    let tables = sql(db, TABLES).into_iter().flatten().map(|name| name.as_str().unwrap().to_owned());
    let copy = |table: String| {
        let bytes = POSTGRES.runtime.block_on(async {
            let rows = client.copy_out(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await.unwrap();
            rows.try_fold(Vec::new(), |bytes, more| async move { Ok([&bytes[..], &more].concat()) }).await.unwrap()
        });
        (table.into(), bytes)
    };
    tables.map(copy).collect()
}

/// The names of all tables.
pub(super) const TABLES: &str = "SELECT table_name FROM information_schema.tables \
     WHERE table_schema = 'countersign' AND table_type = 'BASE TABLE' ORDER BY table_name";

/// The turn of a program that writes: no server has its own until it is over.
pub(crate) struct Turn(Client);

impl Turn {
    pub(super) fn begin(db: &Path) -> Self {
        let client = POSTGRES.connect(db.to_str().unwrap());
        let lock = format!("BEGIN; SELECT pg_advisory_xact_lock({TURN})");
        POSTGRES.runtime.block_on(client.batch_execute(&lock)).unwrap();
        Self(client)
    }

    pub(super) fn change(&self, sql: &str) {
        POSTGRES.runtime.block_on(self.0.batch_execute(sql)).unwrap();
    }

    pub(super) fn end(self) {
        self.change("COMMIT");
    }
}

impl Postgres {
    fn find() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = cluster::postgres().unwrap().to_owned();
        let postgres = Self { runtime, url, template: template_name(), clients: Mutex::default() };
        postgres.make_template();
        postgres
    }

    fn client(&self, db: &Path) -> Arc<Client> {
        let mut clients = self.clients.lock().unwrap();
        if let Some(client) = clients.get(db).filter(|client| !client.is_closed()) {
            return Arc::clone(client);
        }
        let client = Arc::new(self.connect(db.to_str().unwrap()));
        clients.insert(db.to_owned(), Arc::clone(&client));
        client
    }

    fn connect(&self, url: &str) -> Client {
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
                .batch_execute("SET search_path = countersign, public; SET client_min_messages = error")
                .await
                .unwrap();
            client
        })
    }

    /// Runs a statement about databases.
    fn of_server(&self, statement: &str) {
        let client = self.client(Path::new(&self.url));
        self.runtime.block_on(client.batch_execute(statement)).unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    /// Makes the template where there is none for this schema: under another name until it is whole.
    fn make_template(&self) {
        let _only_one = locked("template");
        let template = &self.template;
        let client = self.client(Path::new(&self.url));
        let sought = "SELECT 1 FROM pg_database WHERE datname = $1";
        if self.runtime.block_on(client.query_opt(sought, &[template])).unwrap().is_some() {
            return;
        }
        let unfinished = format!("{template}_unfinished");
        self.of_server(&format!("DROP DATABASE IF EXISTS \"{unfinished}\" WITH (FORCE)"));
        self.of_server(&format!("CREATE DATABASE \"{unfinished}\" TEMPLATE template0"));
        let url = with_name(&self.url, &unfinished);
        let location = Location::Postgres(Box::new(url.to_str().unwrap().parse().unwrap()));
        let made: Result<(), OpenError> = with_write_tx(&location, &SystemClock::default(), |_| Ok(()));
        made.unwrap();
        let client = self.connect(url.to_str().unwrap());
        self.runtime.block_on(client.batch_execute(FUNCTIONS)).unwrap();
        drop(client);
        self.of_server(&format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{template}\""));
    }
}

mod embedded {
    refinery::embed_migrations!("migrations/postgres");
}

/// The template has the schema in its name, as the program has it: another schema has another one.
fn template_name() -> String {
    let mut schema = Sha256::new();
    embedded::migrations::runner().get_migrations().iter().for_each(|it| schema.update(it.checksum().to_be_bytes()));
    schema.update(FUNCTIONS);
    format!("countersign_{}", &hex::encode(schema.finalize())[..16])
}
