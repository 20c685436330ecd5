//! The real binary as a process of its own, to be killed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::Named as _;

/// The real binary, serving, as a process of its own. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Reads what it says there all the while.
    stderr: Option<JoinHandle<String>>,
    pub(crate) url: String,
}

/// The command line of the real binary, which finds and leaves nothing in the user's home.
pub(crate) fn countersign() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().env("COUNTERSIGN_CREDENTIALS_FILE", "none").stdin(Stdio::null());
    command
}

impl Process {
    /// Starts `serve` on `db` and reads the line that says where it listens; panics if there is none.
    pub(crate) fn serve(db: &Path, flags: &[&str]) -> Self {
        Self::serve_on("127.0.0.1:0", db, flags)
    }

    /// The same, where it is to listen at a certain address.
    pub(crate) fn serve_on(address: &str, db: &Path, flags: &[&str]) -> Self {
        let mut command = countersign();
        command.args(["serve", "--listen", address]).named(db).args(flags);
        Self::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::try_spawn(command).unwrap_or_else(|(status, line)| panic!("it said {line:?} and ended with {status}"))
    }

    /// The same; how it ended and what it said where it does not serve.
    pub(crate) fn try_spawn(command: &mut Command) -> Result<Self, (ExitStatus, String)> {
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().map(|stderr| std::thread::spawn(move || read(stderr)));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        match line.strip_prefix("listening on ").map(|url| url.trim_end().to_owned()) {
            Some(url) => Ok(Self { child, stdout, stderr, url }),
            None => Err((child.wait().unwrap(), line)),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how it ended, what else it said on stdout, and what it said on stderr.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String, String) {
        signal(self.child.id(), "TERM");
        self.ended()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> (ExitStatus, String, String) {
        let out = read(&mut self.stdout);
        let err = self.stderr.take().map(|stderr| stderr.join().unwrap());
        (self.child.wait().unwrap(), out, err.unwrap_or_default())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that comes until its end.
fn read(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

/// Sends a signal by its name.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A token made by the real binary.
pub(crate) fn token(db: &Path, name: &str, role: &str) -> String {
    let made = countersign().args(["token", "create", "--name", name, "--role", role]).named(db).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
}
