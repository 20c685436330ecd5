//! `countersign watch`, as a person uses it: on a terminal, key by key.

mod answering;
mod editing;
mod finding;
mod grace;
mod lasting;

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::terminal::Terminal;
use crate::harness::{Client, Database, Process, altered, confirmation, countersign, token};

/// A server with an agent, and a person who watches.
struct Fixture {
    db: Database,
    server: Process,
    agent: Client,
    approver: String,
}

impl Fixture {
    fn new() -> Self {
        let db = Database::new();
        let (agent, approver) = (token(&db, "build-agent", "agent"), token(&db, "ada", "approver"));
        std::fs::write(db.folder().join("token"), &approver).unwrap();
        let server = Process::serve(&db, &["--credentials-file", "none"]);
        let agent = Client::new(&server.url, &agent);
        Self { db, server, agent, approver }
    }

    fn path(&self) -> &Path {
        self.db.folder()
    }

    /// A terminal in which `watch` runs and sends what is decided at once, once it shows what waits.
    fn watch(&self) -> Terminal {
        self.watch_with(&["--grace", "0"])
    }

    /// The same with more flags.
    fn watch_with(&self, flags: &[&str]) -> Terminal {
        self.watch_in(flags, &[])
    }

    /// The same with variables of the environment.
    fn watch_in(&self, flags: &[&str], environment: &[(&str, &str)]) -> Terminal {
        let mut command = countersign();
        command.env("PATH", "/usr/bin:/bin").envs(environment.iter().copied());
        command.arg("watch").args(flags);
        command.args(["--credentials-file", "none", "--url", &self.server.url, "--token-file"]);
        let terminal = Terminal::run(command.arg(self.path().join("token")));
        terminal.shows(" countersign ");
        terminal
    }

    /// The interaction once it is resolved.
    fn resolved(&self, request_id: &str) -> Value {
        let found = self.agent.get(&format!("/v1/interactions/{request_id}?waitMs=20000")).expect(200).body;
        assert_ne!(found["status"], "pending");
        found
    }
}

/// A confirmation with this command.
fn shell(request_id: &str, command: &str) -> Value {
    altered(confirmation(request_id), &json!({"confirmation": {"input": {"command": command}}}))
}

/// What the screen says when a key would decide on this kind of card.
const READY: &str = " a  approve";
