//! A PostgreSQL of a test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::cluster::{HeldTurn, scripted, up};
use crate::harness::{Process, countersign};

/// A server, which is stopped and removed when this is dropped.
pub(super) struct Postgres {
    data: PathBuf,
    folder: TempDir,
    url: String,
}

impl Postgres {
    /// Brings one up; `None` where PostgreSQL is not installed.
    pub(super) fn up() -> Option<Self> {
        // A name short enough for a socket.
        let folder = TempDir::with_prefix_in("csgnpg", "/tmp").unwrap();
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        let url = up(&mut with("", "up", &data))?;
        Some(Self { data, folder, url })
    }

    /// Starts it again with these settings.
    pub(super) fn again(&self, settings: &str) {
        self.stop();
        let up = with(settings, "up", &self.data).output().unwrap();
        assert!(up.status.success(), "{up:?}");
    }

    /// Stops it, whoever is connected.
    pub(super) fn stop(&self) {
        let stopped = self
            .as_owner()
            .arg(self.program("pg_ctl"))
            .arg("-D")
            .arg(&self.data)
            .args(["-m", "fast", "-s", "-w", "stop"])
            .status();
        assert!(stopped.unwrap().success());
    }

    /// Has its owner own a file, and nobody else read it.
    pub(super) fn give(&self, file: &Path) {
        let given = Command::new("chown").arg(format!("--reference={}", self.data.display())).arg(file).status();
        assert!(given.unwrap().success());
    }

    fn as_owner(&self) -> Command {
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&self.data).unwrap());
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), "--clear-groups".to_owned()]);
        command
    }

    /// A program beside the one that runs.
    fn program(&self, name: &str) -> PathBuf {
        let process = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        let process = process.lines().next().unwrap();
        std::fs::read_link(format!("/proc/{process}/exe")).unwrap().with_file_name(name)
    }

    /// A folder of the test's own.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// The URL of a database for a role.
    pub(super) fn url(&self, role: &str, database: &str) -> String {
        let place = self.url.split_once('@').unwrap().1.rsplit_once('/').unwrap().0;
        format!("postgres://{role}@{place}/{database}")
    }

    /// Runs statements as the administrator; what they answer.
    pub(super) fn sql(&self, database: &str, statements: &str) -> String {
        self.psql(&self.url("postgres", database), &["-c", statements])
    }

    /// Runs psql.
    pub(super) fn psql(&self, url: &str, arguments: &[&str]) -> String {
        let answer = Command::new(self.program("psql"))
            .arg(url)
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1"])
            .args(arguments)
            .output();
        let answer = answer.unwrap();
        assert!(answer.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8(answer.stdout).unwrap().trim_end().to_owned()
    }

    /// Takes the turn of a program that writes, and keeps it until that is dropped.
    pub(super) fn turn(&self) -> HeldTurn {
        HeldTurn::by(Command::new(self.program("psql")).arg(self.url("postgres", "postgres")).arg("-qAtX"))
    }

    /// The errors that it has told in its log.
    pub(super) fn errors(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.data.join("log")).unwrap();
        log.lines().filter(|line| line.contains("ERROR:")).map(str::to_owned).collect()
    }

    /// Serves a database as a role.
    pub(super) fn serve(&self, role: &str, database: &str) -> Process {
        Process::spawn(
            self.serving(&self.url(role, database))
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped()),
        )
    }

    /// The command for that.
    pub(super) fn serving(&self, url: &str) -> Command {
        let mut command = countersign();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--db", url, "--key-file"])
            .arg(self.folder().join("test.key"));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = scripted("down", &self.data).output();
    }
}

/// The same with these settings.
fn with(settings: &str, action: &str, data: &Path) -> Command {
    let mut command = scripted(action, data);
    command.env("PG_SETTINGS", format!("-c fsync=off {settings}"));
    command
}

/// What a command says on stdout; it has to succeed.
#[track_caller]
pub(super) fn said(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What a command is refused with as wrong usage.
#[track_caller]
pub(super) fn misused(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let why = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{command:?}: {why}");
    why
}
