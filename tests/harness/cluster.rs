//! What `scripts/postgres` does for tests, and a turn in other hands than a server's.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// The number of the lock that a turn has.
pub(crate) const TURN: i64 = 0x6373_676e_0001;

/// Where tests keep what outlives them.
pub(super) const TARGET: &str = env!("CARGO_TARGET_TMPDIR");

/// `scripts/postgres`, which makes a PostgreSQL for tests, stops it and asks it.
pub(crate) fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres"))
}

/// One of its actions, and the folder that it is about.
pub(crate) fn scripted(action: &str, folder: &Path) -> Command {
    let mut command = script();
    command.arg(action).arg(folder);
    command
}

/// The URL of the PostgreSQL in which tests make databases: that of `COUNTERSIGN_TEST_POSTGRES`, whose role may do so, or one that the
/// first test brings up in `target/tmp/postgres`, and that `scripts/postgres down target/tmp/postgres` takes away. It syncs nothing: to
/// drop a database has everything synced, which would take longer than the tests, and none of them is of what a crash leaves.
///
/// `None`, and a line that says so, where PostgreSQL is not installed.
pub(crate) fn postgres() -> Option<&'static str> {
    static URL: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("COUNTERSIGN_TEST_POSTGRES").ok().or_else(brought_up));
    URL.as_deref()
}

fn brought_up() -> Option<String> {
    let _only_one = locked("postgres");
    up(scripted("up", &Path::new(TARGET).join("postgres")).env("PG_SETTINGS", "-c fsync=off"))
}

/// Has one brought up; its URL, or `None`, and a line that says so, where PostgreSQL is not installed.
pub(crate) fn up(command: &mut Command) -> Option<String> {
    let up = command.output().unwrap();
    let said = String::from_utf8_lossy(&up.stderr);
    if said.contains("is not installed") {
        writeln!(std::io::stderr().lock(), "left out: {}", said.trim_end()).unwrap();
        return None;
    }
    assert!(up.status.success(), "{said}");
    Some(String::from_utf8(up.stdout).unwrap().trim_end().to_owned())
}

/// Keeps other processes of the tests away until it is dropped.
pub(super) fn locked(what: &str) -> File {
    std::fs::create_dir_all(TARGET).unwrap();
    let file = File::create(Path::new(TARGET).join(format!("{what}.lock"))).unwrap();
    file.lock().unwrap();
    file
}

/// The turn of a program that writes, in the hands of a psql until this is dropped.
pub(crate) struct HeldTurn(Child);

impl HeldTurn {
    /// Takes it, by a psql that prints rows and nothing else.
    pub(crate) fn by(psql: &mut Command) -> Self {
        let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        writeln!(psql.stdin.as_mut().unwrap(), "BEGIN; SELECT 'taken' FROM pg_advisory_xact_lock({TURN});").unwrap();
        let mut line = String::new();
        BufReader::new(psql.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "taken\n");
        Self(psql)
    }
}

impl Drop for HeldTurn {
    fn drop(&mut self) {
        // At the end of what it is told, psql ends.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
