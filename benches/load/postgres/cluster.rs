//! A PostgreSQL of the benchmark's own, in a folder of its own, which `scripts/postgres` starts and removes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use crate::Result;
use crate::process::{Database, Site, worked};

/// Room for the most clients of pgbench, beside those who count.
const SETTINGS: &str = "-c max_connections=400";

/// How long the connections of a server that has ended may last.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first version that counts syncs of the WAL with those of other files.
const COUNTS_WITH_FILES: i32 = 180_000;

/// A running PostgreSQL; dropping it stops and removes it, with its standby.
pub(super) struct Cluster {
    /// Of the database `postgres`, in which nothing is measured.
    url: String,
    client: Client,
    /// Where its programs are.
    programs: PathBuf,
    pub(super) version: String,
    version_number: i32,
    databases: AtomicU32,
    folder: Folder,
}

/// What PostgreSQL has counted since it was made.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    /// Committed in one database.
    pub(super) transactions: f64,
    /// Of everything.
    pub(super) wal_syncs: f64,
    pub(super) wal_bytes: f64,
}

impl Cluster {
    /// Starts one by itself.
    pub(super) async fn alone(folder: PathBuf) -> Result<Self> {
        Self::start("up", folder).await
    }

    /// Starts one with a standby that every commit waits for.
    pub(super) async fn with_standby(folder: PathBuf) -> Result<Self> {
        Self::start("pair", folder).await
    }

    async fn start(action: &str, folder: PathBuf) -> Result<Self> {
        let folder = Folder(folder);
        let url = script(action, &folder.0)?;
        let client = connect(&url).await?;
        let setting = async |name: &str| -> Result<String> {
            Ok(client.query_one("SELECT current_setting($1)", &[&name]).await?.get(0))
        };
        let version = setting("server_version").await?;
        let version_number = setting("server_version_num").await?.parse()?;
        let programs: String =
            client.query_one("SELECT setting FROM pg_config WHERE name = 'BINDIR'", &[]).await?.get(0);
        let programs = PathBuf::from(programs);
        Ok(Self { url, client, programs, version, version_number, databases: AtomicU32::new(0), folder })
    }

    /// A program of this version.
    pub(super) fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    /// Makes an empty database; gives its name and its URL.
    pub(super) async fn make(&self) -> Result<(String, String)> {
        let name = format!("bench_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (server, _) = self.url.rsplit_once('/').ok_or("a URL without a database")?;
        let url = format!("{server}/{name}");
        // Nobody pays for what was written before.
        self.client.batch_execute("CHECKPOINT").await?;
        Ok((name, url))
    }

    /// A new database of countersign, with an agent and an approver.
    pub(super) async fn database(&self, site: &Site) -> Result<Database> {
        let (_, url) = self.make().await?;
        site.database_at(url).await
    }

    /// Removes one, so that nothing of it is vacuumed or written while the next one is measured.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        Ok(self.client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    /// What was counted. A connection tells what it has done once in a while, and all of it when it ends: so what is counted around
    /// a server is counted before its start and after its end, and this waits until none is left.
    pub(super) async fn counters(&self, database: &Database) -> Result<Counters> {
        self.deserted(database.name()?).await?;
        let transactions = "SELECT xact_commit::float8 FROM pg_stat_database WHERE datname = $1";
        let transactions = self.client.query_one(transactions, &[&database.name()?]).await?.get(0);
        let wal = if self.version_number < COUNTS_WITH_FILES {
            "SELECT wal_sync::float8, wal_bytes::float8 FROM pg_stat_wal"
        } else {
            "SELECT (SELECT sum(fsyncs)::float8 FROM pg_stat_io WHERE object = 'wal'), wal_bytes::float8 FROM pg_stat_wal"
        };
        let wal = self.client.query_one(wal, &[]).await?;
        Ok(Counters { transactions, wal_syncs: wal.get(0), wal_bytes: wal.get(1) })
    }

    /// From now on, what is said in a database is written to the log, without its values.
    pub(super) async fn log_statements(&self, database: &Database) -> Result<()> {
        let name = database.name()?;
        let settings = format!(
            "ALTER DATABASE {name} SET log_statement = 'all'; ALTER DATABASE {name} SET log_parameter_max_length = 0"
        );
        Ok(self.client.batch_execute(&settings).await?)
    }

    /// How many statements a process has written to the log.
    pub(super) fn logged(&self, process: u32) -> Result<usize> {
        let log = std::fs::read(self.folder.0.join("log"))?;
        let of_process = format!("[{process}] LOG:  ");
        let told = String::from_utf8_lossy(&log);
        let lines = told.lines().filter_map(|line| line.split_once(&of_process));
        Ok(lines.filter(|(_, what)| ["statement: ", "execute "].iter().any(|begin| what.starts_with(begin))).count())
    }

    /// Waits until nobody is connected to a database.
    async fn deserted(&self, name: &str) -> Result<()> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
            if self.client.query_one(connected, &[&name]).await?.get::<_, i64>(0) == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("somebody stays connected to {name}").into())
    }

    /// How long each process has worked that serves countersign's connections to a database.
    pub(super) async fn worked(&self, database: &Database) -> Result<HashMap<u32, Duration>> {
        let processes = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name = 'countersign'";
        let processes = self.client.query(processes, &[&database.name()?]).await?;
        let mut times = HashMap::with_capacity(processes.len());
        for process in processes {
            let process = u32::try_from(process.get::<_, i32>(0))?;
            // One may have ended meanwhile.
            if let Ok(time) = worked(process) {
                times.insert(process, time);
            }
        }
        Ok(times)
    }
}

/// A connection whose errors its user is told.
pub(super) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Removed with all that runs in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What went wrong before has been told, and this one leaves nothing running.
        let _ = script("down", &self.0);
    }
}

/// Runs `scripts/postgres`; gives what it prints.
fn script(action: &str, folder: &Path) -> Result<String> {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres"));
    command.env("PG_SETTINGS", SETTINGS).stdin(Stdio::null());
    let output = command.arg(action).arg(folder).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into())
    }
}
