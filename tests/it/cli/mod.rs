//! The command line, with the real binary.

mod ask;
mod away;
mod completions;
mod connect;
mod credentials;
mod demo;
mod ids;
mod lists;
mod people;
mod pipes;
mod rows;
mod rules;
mod run;
mod serve;
mod service;
mod snapshots;
mod standing;
mod strange;
mod typed;
mod watch;
mod why;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use countersign::domain::enums::Role;
use serde_json::Value;

use crate::harness::{Client, TestServer, countersign};

/// The command line, speaking to `client`'s server with its token.
pub(crate) fn command(client: &Client, arguments: &[&str]) -> Command {
    let mut command = countersign();
    command.env("COUNTERSIGN_URL", &client.url).env("COUNTERSIGN_TOKEN", client.token.as_ref().unwrap());
    command.env("PATH", "/usr/bin:/bin").args(arguments);
    command
}

/// What a command that ends with this exit code says on stdout and on stderr.
#[track_caller]
fn ends(code: i32, command: &mut Command) -> (String, String) {
    told(code, command.output().unwrap())
}

#[track_caller]
fn told(code: i32, output: Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// What a command that succeeds says on stdout.
#[track_caller]
pub(crate) fn says(client: &Client, arguments: &[&str]) -> String {
    ends(0, &mut command(client, arguments)).0
}

/// The one sentence of a command that ends with this exit code.
#[track_caller]
fn complains(code: i32, client: &Client, arguments: &[&str]) -> String {
    let (_, sentence) = ends(code, &mut command(client, arguments));
    assert!(sentence.starts_with("countersign: ") && sentence.trim_end().lines().count() == 1, "{sentence:?}");
    sentence
}

/// The JSON that a command prints.
#[track_caller]
fn json_of(client: &Client, arguments: &[&str]) -> Value {
    serde_json::from_str(&says(client, arguments)).unwrap()
}

/// A command that waits for an answer.
struct Asking {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Asking {
    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// The same, once it has said that what it asked is registered.
    fn begin(command: &mut Command) -> Self {
        let mut asking = Self::spawn(command);
        let mut line = String::new();
        asking.stderr.read_line(&mut line).unwrap();
        let waits = ["waiting for approval: ", "waiting for an answer: "];
        assert!(waits.iter().any(|waits| line.starts_with(waits)), "{line:?}");
        asking
    }

    /// How it ends: with this exit code, and with what on stdout and on stderr.
    #[track_caller]
    fn ends(mut self, code: i32) -> (String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut stderr).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{stdout}{stderr}");
        (stdout, stderr)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server, an agent and a person.
fn fixture() -> (TestServer, Client, Client) {
    let server = TestServer::with(&["--default-ttl", "none"]);
    let (agent, ada) = (server.client("builder", Role::Agent), server.client("ada", Role::Approver));
    (server, agent, ada)
}
