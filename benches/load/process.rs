//! Where the measurements take place, and the servers as child processes: started, asked for their memory, stopped or killed.
//! Whatever way a measurement ends, dropping a [`Server`] kills it and dropping a [`Database`] removes its files.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use countersign::clock::{ManualClock, Timestamp};
use countersign::config::Location;
use countersign::domain::enums::Role;
use countersign::domain::id::TokenId;
use countersign::domain::principal::Principal;
use countersign::store::{TokenHash, WriteTx, with_write_tx};
use countersign::tokens;
use tempfile::TempDir;

use crate::drive::Target;
use crate::requests::Wire;
use crate::{Result, RunArguments};

/// How long a server may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory on a real disk, and the programs to start in it.
#[derive(Clone)]
pub(crate) struct Site {
    dir: Arc<TempDir>,
    countersign: PathBuf,
    /// This very program, which is also the naive server and the echo.
    this: PathBuf,
}

impl Site {
    pub(crate) fn new(arguments: &RunArguments) -> Result<Self> {
        let parent = arguments.parent()?;
        let countersign = arguments.server.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_countersign")));
        let dir = tempfile::Builder::new().prefix("load-").tempdir_in(parent)?;
        Ok(Self { dir: Arc::new(dir), countersign, this: std::env::current_exe()? })
    }

    /// The same place with another server.
    pub(crate) fn with(&self, countersign: &Path) -> Self {
        Self { countersign: countersign.to_owned(), ..self.clone() }
    }

    /// A directory for one measurement.
    pub(crate) fn room(&self) -> Result<TempDir> {
        Ok(tempfile::tempdir_in(self.dir.path())?)
    }

    /// A new database of countersign in a file, with an agent and an approver.
    pub(crate) fn database(&self) -> Result<Database> {
        let room = self.room()?;
        let place = Place::File(room.path().join("countersign.db"));
        self.peopled(Database::of_nobody(place, room))
    }

    /// The same, made at another time, with one more agent.
    pub(crate) fn database_of(&self, begun: Timestamp) -> Result<Database> {
        let room = self.room()?;
        let path = room.path().join("countersign.db");
        let [agent, other, approver] =
            [tokens::generate()?, tokens::generate()?, tokens::generate()?].map(|token| token.to_string());
        let holder = |token: &str, name: &str, role| -> Result<TokenHash> {
            let principal = Principal { name: name.parse()?, role };
            Ok(TokenHash { token_sha256: tokens::digest(token), principal })
        };
        let holders = [
            holder(&agent, "bench-agent", Role::Agent)?,
            holder(&other, "bench-other", Role::Agent)?,
            holder(&approver, "bench-approver", Role::Approver)?,
        ];
        let write = |tx: &mut WriteTx<'_>| -> Result<()> {
            Ok(holders.iter().try_for_each(|holder| tx.insert_token(&TokenId::generate(), holder).map(drop))?)
        };
        with_write_tx(&Location::File(path.clone()), &ManualClock::new(begun), write)?;
        Ok(Database { agent, approver, ..Database::of_nobody(Place::File(path), room) })
    }

    /// The same in an empty database of PostgreSQL, which the first start of a server makes countersign's.
    pub(crate) async fn database_at(&self, url: String) -> Result<Database> {
        let database = Database::of_nobody(Place::Postgres(url), self.room()?);
        self.countersign_with(&database, &["--no-first-tokens"]).await?.stop().await?;
        self.peopled(database)
    }

    fn peopled(&self, mut database: Database) -> Result<Database> {
        database.agent = self.token(&database, "bench-agent", "agent")?;
        database.approver = self.token(&database, "bench-approver", "approver")?;
        Ok(database)
    }

    pub(crate) fn token(&self, database: &Database, name: &str, role: &str) -> Result<String> {
        let output = Command::new(&self.countersign)
            .args(["token", "create", "--name", name, "--role", role, "--db"])
            .arg(database.place.given())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("token create ended with {}", output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Brings a file of rules into a database, made by its approver.
    pub(crate) fn import_rules(&self, database: &Database, file: &Path) -> Result<()> {
        let mut command = Command::new(&self.countersign);
        command.args(["rules", "import", "--by", "bench-approver", "--db"]).arg(database.place.given()).arg(file);
        let status = command.stdout(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(format!("rules import ended with {status}").into()) }
    }

    /// Runs a command of countersign's on a database, as far as it goes; how long it takes.
    pub(crate) fn command(&self, database: &Database, words: &[&str]) -> Result<Duration> {
        let mut command = Command::new(&self.countersign);
        command.args(words).arg("--db").arg(database.place.given());
        let started = Instant::now();
        let output = command.stdin(Stdio::null()).output()?;
        let took = started.elapsed();
        if output.status.success() {
            return Ok(took);
        }
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        Err(format!("{words:?} ended with {}: {said}", output.status).into())
    }

    pub(crate) async fn countersign(&self, database: &Database) -> Result<Server> {
        self.countersign_with(database, &[]).await
    }

    /// The same with further options. Several at once can serve a database of PostgreSQL.
    pub(crate) async fn countersign_with(&self, database: &Database, options: &[&str]) -> Result<Server> {
        let mut command = Command::new(&self.countersign);
        command.args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(database.place.given()).args(options);
        let name = format!("server-{}", database.servers.fetch_add(1, Ordering::Relaxed));
        if let Place::Postgres(_) = database.place {
            command.arg("--key-file").arg(database.room().join("countersign.key"));
            command.arg("--head-file").arg(database.room().join(&name).with_extension("head"));
        }
        Server::start(command, &database.room().join(name).with_extension("log")).await
    }

    pub(crate) async fn naive(&self, room: &Path) -> Result<Server> {
        let mut command = Command::new(&self.this);
        command.args(["naive", "--db"]).arg(room.join("naive.db"));
        Server::start(command, &room.join("naive.log")).await
    }

    pub(crate) async fn echo(&self, room: &Path) -> Result<Server> {
        let mut command = Command::new(&self.this);
        command.arg("echo");
        Server::start(command, &room.join("echo.log")).await
    }
}

/// Where a database of countersign is.
enum Place {
    File(PathBuf),
    /// At this URL.
    Postgres(String),
}

impl Place {
    /// What `--db` is given.
    fn given(&self) -> &OsStr {
        match self {
            Self::File(path) => path.as_os_str(),
            Self::Postgres(url) => OsStr::new(url),
        }
    }
}

/// A database of countersign and who may call the server on it.
pub(crate) struct Database {
    place: Place,
    pub(crate) agent: String,
    pub(crate) approver: String,
    /// How many servers were started on it.
    servers: AtomicU32,
    /// For its file, and for the files of its servers.
    room: TempDir,
}

impl Database {
    fn of_nobody(place: Place, room: TempDir) -> Self {
        Self { place, agent: String::new(), approver: String::new(), servers: AtomicU32::new(0), room }
    }

    /// A directory for what belongs to it.
    pub(crate) fn room(&self) -> &Path {
        self.room.path()
    }

    /// Its file; an error where it has none.
    pub(crate) fn file(&self) -> Result<&Path> {
        match &self.place {
            Place::File(path) => Ok(path),
            Place::Postgres(_) => Err("a database of PostgreSQL is no file".into()),
        }
    }

    /// Its name in PostgreSQL, the last part of its URL; an error where it is a file.
    pub(crate) fn name(&self) -> Result<&str> {
        match &self.place {
            Place::Postgres(url) => Ok(url.rsplit('/').next().unwrap_or_default()),
            Place::File(path) => Err(format!("{} is no database of PostgreSQL", path.display()).into()),
        }
    }

    pub(crate) fn target(&self, server: &Server) -> Target {
        let (agent, approver) = (self.agent.clone(), self.approver.clone());
        Target { server: server.address, agent, approver, wire: Wire::Interactions }
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Read just before the process was made.
    pub(crate) started: Instant,
    child: Child,
    /// Kept open, since a server must be free to print.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Returns when the server has said where it listens. Its log goes to a file and is shown if it does not come that far.
    async fn start(mut command: Command, log: &Path) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let started = Instant::now();
        let mut child = Guard(Some(command.spawn()?));
        let stdout = child.0.as_mut().and_then(|child| child.stdout.take()).ok_or("no stdout")?;
        let first_line = tokio::task::spawn_blocking(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            stdout.read_line(&mut line).map(|_| (line, stdout))
        });
        let (line, stdout) = tokio::time::timeout(PATIENCE, first_line).await???;
        let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            return Err(format!("the server did not start, and said: {line}{log}").into());
        };
        let child = child.0.take().ok_or("no child")?;
        Ok(Self { address, started, child, _stdout: stdout })
    }

    /// `VmRSS`: what of the process is in memory.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }

    /// How long the process has worked, see [`worked`].
    pub(crate) fn worked(&self) -> Result<Duration> {
        worked(self.child.id())
    }

    /// Asks the server to end, as a service manager does, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        if !asked.success() {
            return Err("the server was gone before it was stopped".into());
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) };
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the server did not stop".into())
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// How long a process has worked on all cores together, in itself and in the kernel.
pub(crate) fn worked(process: u32) -> Result<Duration> {
    /// A hundred a second, whatever the kernel's own: `man 5 proc`.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program stands in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks =
        fields.split_ascii_whitespace().skip(11).take(2).map(str::parse::<u32>).sum::<std::result::Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// A child that is not a [`Server`] yet.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    match child.kill() {
        // Only a child that was waited for already has nothing to wait for.
        Err(error) if error.kind() == ErrorKind::InvalidInput => {}
        Ok(()) | Err(_) => drop(child.wait()),
    }
}
