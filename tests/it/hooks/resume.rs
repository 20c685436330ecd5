//! `countersign resume`: sessions that ended while a question waited are woken, each once for each answer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::payloads::claude;
use crate::harness::{Client, TestServer, countersign, until};

struct Place {
    directory: TempDir,
    server: TestServer,
    agent: Client,
    ada: Client,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let server = TestServer::start();
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        Self { directory, server, agent, ada }
    }

    fn shop(&self) -> PathBuf {
        let shop = self.directory.path().join("shop");
        fs::create_dir_all(&shop).unwrap();
        shop.canonicalize().unwrap()
    }

    /// A question of a session that ended for it; its id.
    fn defer(&self, session: &str, command: &str) -> String {
        let mut event = claude("PreToolUse", session, command);
        event["tool_use_id"] = format!("toolu {command}").into();
        event["cwd"] = self.shop().to_str().unwrap().into();
        self.agent.post("/v1/hooks/claude-code?defer=true", &event).expect(200);
        let pending = self.ada.get("/v1/pending-interactions").expect(200).body["interactions"].take();
        pending[0]["requestId"].as_str().unwrap().to_owned()
    }

    /// The command, with a program in the place of Claude Code that notes how it is run and ends with this code.
    fn resume(&self, code: i32, arguments: &[&str]) -> Command {
        let (program, log) = (self.directory.path().join("claude"), self.directory.path().join("log"));
        fs::write(&program, format!("#!/bin/sh\necho \"$PWD $*\" >> {}\nexit {code}\n", log.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = countersign();
        command.env("COUNTERSIGN_URL", &self.agent.url).env("COUNTERSIGN_TOKEN", self.agent.token.as_ref().unwrap());
        command.env("HOME", self.directory.path()).env("PATH", "/usr/bin:/bin").env("COUNTERSIGN_CLAUDE", program);
        command.arg("resume").args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// How the program was run, in order.
    fn runs(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let shop = format!("{} ", self.shop().display());
        log.lines().map(|line| line.strip_prefix(&shop).unwrap().to_owned()).collect()
    }
}

#[test]
fn an_answer_wakes_its_session_once_in_its_directory() {
    let place = Place::new();
    let (yes, no) = (place.defer("session-1", "make"), place.defer("session-2", "make test"));
    place.defer("session-3", "make deploy");
    let once = |code: i32, more: &[&str]| {
        let output = place.resume(code, &[&["--once"], more].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    once(0, &[]);
    assert_eq!(place.runs(), Vec::<String>::new());
    place.ada.confirm(&yes, "allow").expect(200);
    place.ada.confirm(&no, "deny").expect(200);
    // It could not be woken: it is tried again.
    once(1, &[]);
    let mut first = place.runs();
    first.sort_unstable();
    assert_eq!(first, ["-p --resume=session-1", "-p --resume=session-2"]);
    once(0, &["--", "--output-format", "json"]);
    let mut second = place.runs().split_off(2);
    second.sort_unstable();
    assert_eq!(second, ["-p --resume=session-1 --output-format json", "-p --resume=session-2 --output-format json"]);
    once(0, &[]);
    assert_eq!(place.runs().len(), 4, "each is woken once");
}

#[test]
fn a_session_is_woken_as_its_answer_comes_and_what_is_used_wakes_none() {
    let place = Place::new();
    let used = place.defer("session-1", "make");
    place.ada.confirm(&used, "allow").expect(200);
    place.agent.post_nothing(&format!("/v1/interactions/{used}/claim")).expect(200);
    let waiting = place.defer("session-2", "make test");
    let mut following = place.resume(0, &[]).spawn().unwrap();
    place.server.until_waiting(1);
    place.ada.confirm(&waiting, "allow").expect(200);
    until(|| following.try_wait().unwrap().is_some());
    assert_eq!(place.runs(), ["-p --resume=session-2"]);
}

#[test]
fn what_is_no_session_is_never_handed_to_a_program() {
    let place = Place::new();
    for (number, session) in ["--dangerously-skip-permissions", "a b", "$(id)"].into_iter().enumerate() {
        let id = format!("forged-{number}");
        let forged: Value = json!({"requestId": id, "kind": "confirmation", "metadata": {"deferred": true},
            "origin": {"sessionId": session, "workingDir": place.shop().to_str().unwrap()},
            "confirmation": {"toolName": "Bash", "input": {"command": "make"}}});
        place.agent.register(&forged);
        place.ada.confirm(&id, "deny").expect(200);
    }
    assert!(place.resume(0, &["--once"]).status().unwrap().success());
    assert_eq!(place.runs(), Vec::<String>::new());
}
