//! Codex's trust: a hook that it does not trust is skipped without a word. Its own server of applications is asked which hooks there
//! are and told to trust ours, as its `/hooks` does; what it trusts by is never worked out here.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::Failure;
use crate::connect::{Client, Means, starts_hook};

/// How long Codex may take for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A hook of ours that Codex knows of.
pub(super) struct Hook {
    key: String,
    hash: String,
    pub(super) event: String,
    pub(super) is_trusted: bool,
}

/// Codex's server of applications, over its standard streams.
struct Server {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<Value>,
    last_id: u64,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::Other(format!("Codex did not say which hooks it trusts: {why}; its own /hooks shows and trusts them"))
}

impl Server {
    fn start(means: &Means) -> Result<Self, Failure> {
        let mut child = Command::new("codex")
            .arg("app-server")
            .current_dir(&means.project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no standard streams"));
        };
        let (said, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(message) = serde_json::from_str(&line)
                    && said.send(message).is_err()
                {
                    return;
                }
            }
        });
        let mut server = Self { child, stdin, answers, last_id: 0 };
        let client = json!({"name": "countersign", "title": "countersign", "version": env!("CARGO_PKG_VERSION")});
        server.call("initialize", &json!({"clientInfo": client}))?;
        server.send(&json!({"method": "initialized"}))?;
        Ok(server)
    }

    fn send(&mut self, message: &Value) -> Result<(), Failure> {
        writeln!(self.stdin, "{message}").and_then(|()| self.stdin.flush()).map_err(failed)
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.last_id += 1;
        self.send(&json!({"id": self.last_id, "method": method, "params": params}))?;
        loop {
            let answer = match self.answers.recv_timeout(PATIENCE) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => return Err(failed(format!("no answer to {method}"))),
                Err(RecvTimeoutError::Disconnected) => return Err(failed("it has ended")),
            };
            if answer.get("id").and_then(Value::as_u64) != Some(self.last_id) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                let message = error.get("message").and_then(Value::as_str).unwrap_or("an error without words");
                return Err(failed(message));
            }
            return Ok(answer.get("result").cloned().unwrap_or_default());
        }
    }

    /// Our hooks, as Codex sees them in `directory`.
    fn hooks(&mut self, directory: &Path) -> Result<Vec<Hook>, Failure> {
        let listed = self.call("hooks/list", &json!({"cwds": [directory]}))?;
        let mut found = Vec::new();
        gather(&listed, &mut found);
        Ok(found)
    }
}

/// Finds our hooks wherever they stand in the answer: it has them by directory.
fn gather(value: &Value, found: &mut Vec<Hook>) {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(key), Some(hash)) = (text("key"), text("currentHash")) {
        if starts_hook(value) {
            let event = text("eventName").unwrap_or_else(|| key.clone());
            found.push(Hook { key, hash, event, is_trusted: text("trustStatus").as_deref() == Some("trusted") });
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(members) => members.values().for_each(|member| gather(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Our hooks that Codex knows of.
pub(super) fn hooks(means: &Means) -> Result<Vec<Hook>, Failure> {
    Server::start(means)?.hooks(&means.project)
}

/// Has Codex trust our hooks, and looks whether it does; the events of those that it trusts.
pub(super) fn trust(means: &Means) -> Result<Vec<String>, Failure> {
    let mut server = Server::start(means)?;
    let hooks = server.hooks(&means.project)?;
    if hooks.is_empty() {
        return Err(failed(format!("it has found none of {}", Client::Codex.label())));
    }
    let trusted = hooks.iter().map(|hook| (hook.key.clone(), json!({"trusted_hash": hook.hash})));
    let value = Value::Object(trusted.collect::<Map<_, _>>());
    let edit = json!({"keyPath": "hooks.state", "value": value, "mergeStrategy": "upsert"});
    server.call("config/batchWrite", &json!({"edits": [edit], "reloadUserConfig": true}))?;
    let after = server.hooks(&means.project)?;
    match after.iter().find(|hook| !hook.is_trusted) {
        Some(hook) => Err(failed(format!("it still does not trust that of {}", hook.event))),
        None => Ok(after.into_iter().map(|hook| hook.event).collect()),
    }
}
