//! `countersign acp`: between an editor and its agent.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Client, Database, Process, TestServer, countersign, sql, token, until};

/// An agent that says these lines, waits for as many answers as it is told to, keeps them, and ends with 7.
const AGENT: &str = r#"
cat "$1/says"
count=$(cat "$1/hears")
while [ "$count" -gt 0 ]; do
    IFS= read -r line || exit 8
    printf '%s\n' "$line" >> "$1/heard"
    count=$((count - 1))
done
exit 7
"#;

/// A proxy with such an agent behind it, and the editor's side of it.
struct Proxied {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    directory: TempDir,
}

impl Proxied {
    fn start(url: &str, token: &str, flags: &[&str], says: &[String], hears: usize) -> Self {
        let directory = TempDir::new().unwrap();
        let file = |name: &str| directory.path().join(name);
        std::fs::write(file("agent"), AGENT).unwrap();
        std::fs::write(file("says"), says.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        std::fs::write(file("hears"), hears.to_string()).unwrap();
        let mut command = countersign();
        command.arg("acp").args(flags).args(["--", "/bin/sh"]).args([file("agent"), directory.path().to_owned()]);
        command.env("PATH", "/usr/bin:/bin").env("COUNTERSIGN_URL", url).env("COUNTERSIGN_TOKEN", token);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout, directory }
    }

    fn on(server: &TestServer, flags: &[&str], says: &[String], hears: usize) -> Self {
        Self::start(&server.url, server.agent("builder").token.as_ref().unwrap(), flags, says, hears)
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.stdin, "{message}").unwrap();
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Waits for its end: the exit code, and what the agent heard.
    fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let code = self.child.wait().unwrap().code();
        (code, heard(self.directory.path()))
    }

    fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn heard(directory: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(directory.join("heard")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn permission(id: u64, call: Value) -> String {
    let options = json!([
        {"optionId": "proceed_always", "name": "Always", "kind": "allow_always"},
        {"optionId": "proceed_once", "name": "Once", "kind": "allow_once"},
        {"optionId": "cancel", "name": "No", "kind": "reject_once"},
    ]);
    let params = json!({"sessionId": "s 1", "toolCall": call, "options": options});
    json!({"jsonrpc": "2.0", "id": id, "method": "session/request_permission", "params": params}).to_string()
}

fn shell(id: u64) -> String {
    permission(
        id,
        json!({"toolCallId": format!("call_{id}"), "kind": "execute", "rawInput": {"command": format!("touch {id}")}}),
    )
}

fn selected(heard: &Value) -> &str {
    heard["result"]["outcome"]["optionId"].as_str().unwrap_or_else(|| panic!("nothing is selected: {heard}"))
}

fn pending(server: &TestServer) -> Vec<String> {
    let rows = server.sql("SELECT request_id FROM interactions WHERE status = 'pending' ORDER BY interaction_id");
    rows.into_iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

/// The id of the only request, once it waits.
fn waiting(server: &TestServer) -> String {
    server.until_waiting(1);
    let [id] = pending(server).try_into().unwrap();
    id
}

#[test]
fn a_request_for_permission_is_answered_and_all_else_passes_through_as_it_is() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let says = [
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentInfo":{"name":"gemini","version":"0.61.0"}}}"#.to_owned(),
        "{ this is  no JSON".to_owned(),
        r#"{"jsonrpc":"2.0",  "method":"session/update","params":{"sessionId":"s 1","update":{"sessionUpdate":"agent_message_chunk"}}}"#
            .to_owned(),
        shell(1),
        r#"{"jsonrpc":"2.0","id":2,"method":"fs/read_text_file","params":{}}"#.to_owned(),
    ];
    let mut proxied = Proxied::on(&server, &[], &says, 2);
    for line in [&says[0], &says[1], &says[2], &says[4]] {
        assert_eq!(proxied.next_line().trim_end_matches('\n'), line);
    }
    let id = waiting(&server);
    let asked = ada.look(&id);
    let confirmation = &asked["confirmation"];
    assert_eq!(
        (&confirmation["toolName"], &confirmation["input"], &confirmation["inputEditsAllowed"]),
        (&json!("execute"), &json!({"command": "touch 1"}), &json!(false))
    );
    assert_eq!((&asked["origin"]["client"], &confirmation["toolUseId"]), (&json!("gemini 0.61.0"), &json!("call_1")));
    ada.confirm(&id, "allow").expect(200);
    until(|| heard(&proxied.path()).len() == 1);
    assert!(!ada.look(&id)["claim"].is_null());
    proxied.write(&json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
    let (code, heard) = proxied.ended();
    assert_eq!(
        (code, selected(&heard[0]), &heard[0]["id"], &heard[1]["id"]),
        (Some(7), "proceed_once", &json!(1), &json!(2))
    );
}

#[test]
fn what_is_rejected_or_expires_selects_a_rejection() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let proxied = Proxied::on(&server, &[], &[shell(1)], 1);
    ada.confirm(&waiting(&server), "deny").expect(200);
    assert_eq!(selected(&proxied.ended().1[0]), "cancel");

    let proxied = Proxied::on(&server, &[], &[shell(2)], 1);
    waiting(&server);
    server.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(selected(&proxied.ended().1[0]), "cancel");

    let proxied = Proxied::on(&server, &["--within", "1ms"], &[shell(3)], 1);
    assert_eq!(selected(&proxied.ended().1[0]), "cancel");
}

#[test]
fn an_answer_that_came_too_late_is_there_for_the_same_call() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let late = permission(1, json!({"toolCallId": "call_1", "kind": "execute", "rawInput": {"command": "ls"}}));
    assert_eq!(selected(&Proxied::on(&server, &["--within", "1ms"], &[late], 1).ended().1[0]), "cancel");
    let [id] = pending(&server).try_into().unwrap();
    ada.confirm(&id, "allow").expect(200);
    let again = permission(1, json!({"toolCallId": "call_9", "kind": "execute", "rawInput": {"command": "ls"}}));
    assert_eq!(selected(&Proxied::on(&server, &[], &[again], 1).ended().1[0]), "proceed_once");
}

#[test]
fn only_a_cancelled_turn_is_answered_as_cancelled_and_its_request_is_withdrawn() {
    let server = TestServer::start();
    let mut proxied = Proxied::on(&server, &[], &[shell(1)], 2);
    let id = waiting(&server);
    let ada = server.approver("ada");
    proxied.write(&json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "s 1"}}));
    let (code, heard) = proxied.ended();
    let outcomes = heard.iter().map(|heard| &heard["result"]["outcome"]["outcome"]).collect::<Vec<_>>();
    assert!(outcomes.contains(&&json!("cancelled")) && heard.iter().any(|heard| heard["method"] == "session/cancel"));
    assert_eq!(code, Some(7));
    until(|| ada.look(&id)["status"] == "cancelled");
}

/// What an agent does not repeat in its request is taken from what it said of the call before.
#[test]
fn the_input_is_what_the_agent_said_of_the_call_before() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let update = |update: Value| {
        json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s 1", "update": update}})
            .to_string()
    };
    let says = [
        update(
            json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "List", "kind": "execute", "status": "pending"}),
        ),
        update(json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "rawInput": {"command": "ls"}})),
        permission(1, json!({"toolCallId": "c"})),
    ];
    let proxied = Proxied::on(&server, &[], &says, 1);
    let id = waiting(&server);
    assert_eq!(ada.look(&id)["confirmation"]["input"], json!({"command": "ls"}));
    ada.confirm(&id, "allow").expect(200);
    assert_eq!(selected(&proxied.ended().1[0]), "proceed_once");

    let shown = json!({"toolCallId": "d", "title": "touch made", "kind": "execute", "content": []});
    let proxied = Proxied::on(&server, &[], &[permission(1, shown)], 1);
    let id = waiting(&server);
    assert_eq!(ada.look(&id)["confirmation"]["input"], json!({"title": "touch made", "content": []}));
    ada.confirm(&id, "deny").expect(200);
    proxied.ended();
}

#[test]
fn a_request_that_cannot_be_understood_allows_nothing() {
    let server = TestServer::start();
    let broken = [
        r#"{"jsonrpc":"2.0","id":1,"method":"session/request_permission"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"}}}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c","rawInput":{"a":1,"a":2}},"options":[{"optionId":"n","name":"N","kind":"reject_once"}]}}"#,
    ];
    let proxied = Proxied::on(&server, &[], &broken.map(str::to_owned), 3);
    let mut heard = proxied.ended().1;
    heard.sort_by_key(|heard| heard["id"].as_u64());
    assert_eq!((&heard[0]["error"]["code"], &heard[1]["error"]["code"]), (&json!(-32602), &json!(-32602)));
    assert_eq!(selected(&heard[2]), "n");
    assert_eq!(pending(&server), Vec::<String>::new());
}

#[test]
fn where_both_are_asked_the_first_answer_counts() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let answer = |id: u64| json!({"jsonrpc": "2.0", "id": id, "result": {"outcome": {"outcome": "selected", "optionId": "proceed_always"}}});

    let mut proxied = Proxied::on(&server, &["--mode", "ask-both"], &[shell(1)], 1);
    assert_eq!(proxied.next_line().trim_end(), shell(1));
    let id = waiting(&server);
    proxied.write(&answer(1));
    assert_eq!(proxied.ended().1, [answer(1)]);
    until(|| ada.look(&id)["status"] == "cancelled");

    let mut proxied = Proxied::on(&server, &["--mode", "ask-both"], &[shell(3), shell(4)], 2);
    server.until_waiting(2);
    let [first, second] = pending(&server).try_into().unwrap();
    let first_is_3 = ada.look(&first)["confirmation"]["input"]["command"] == "touch 3";
    let (three, four) = if first_is_3 { (first, second) } else { (second, first) };
    ada.confirm(&three, "deny").expect(200);
    until(|| heard(&proxied.path()).len() == 1);
    // Too late: the agent hears of it no more.
    proxied.write(&answer(3));
    ada.confirm(&four, "allow").expect(200);
    let heard = proxied.ended().1;
    assert_eq!((heard.len(), selected(&heard[0]), selected(&heard[1])), (2, "cancel", "proceed_once"));
}

#[test]
fn a_request_outlives_its_server() {
    let db = Database::new();
    let server = Process::serve(&db, &[]);
    let url = server.url.clone();
    let (agent, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let proxied = Proxied::start(&url, &agent, &[], &[shell(1)], 1);
    let pending = || sql(&db, "SELECT request_id FROM interactions WHERE status = 'pending'");
    until(|| pending().len() == 1);
    server.kill();
    let _server = Process::serve_on(url.strip_prefix("http://").unwrap(), &db, &[]);
    Client::new(&url, &ada).confirm(pending()[0][0].as_str().unwrap(), "allow").expect(200);
    let (code, heard) = proxied.ended();
    assert_eq!((code, selected(&heard[0])), (Some(7), "proceed_once"));
    assert_eq!(sql(&db, "SELECT count(*) FROM interactions")[0][0], 1);
}

#[test]
fn an_agent_that_cannot_be_started_is_said_so() {
    let started = countersign().args(["acp", "--", "/nowhere/agent"]).output().unwrap();
    assert_eq!(started.status.code(), Some(1));
    assert!(String::from_utf8(started.stderr).unwrap().contains("cannot be started"));
}
