//! `countersign mcp`: the protocol over standard input and output, whatever becomes of the server meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio as Piped};

use serde_json::{Value, json};

use super::{failure, meta, only_id, text};
use crate::harness::{Client, Database, Process, TestServer, countersign, sql, token, until};

/// The real binary, and its client's side of it.
struct Stdio {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Stdio {
    fn start(url: &str, token: &str, flags: &[&str]) -> Self {
        let mut command = countersign();
        command.arg("mcp").args(flags).env("COUNTERSIGN_URL", url).env("COUNTERSIGN_TOKEN", token);
        let mut child = command.stdin(Piped::piped()).stdout(Piped::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    fn send(&mut self, id: u64, method: &str, mut params: Value) {
        if params.get("_meta").is_none() {
            params["_meta"] = meta();
        }
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
    }

    fn call(&mut self, id: u64, tool: &str, arguments: &Value) {
        self.send(id, "tools/call", json!({"name": tool, "arguments": arguments}));
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The result with this id, which comes next.
    #[track_caller]
    fn result(&mut self, id: u64) -> Value {
        let next = self.next();
        assert_eq!(next["id"], id, "{next}");
        next["result"].clone()
    }

    /// Closes its standard input; its exit code.
    fn close(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn on(server: &TestServer, flags: &[&str]) -> Stdio {
    Stdio::start(&server.url, server.agent("builder").token.as_ref().unwrap(), flags)
}

#[test]
fn it_starts_and_lists_its_tools_without_a_server() {
    let mut stdio = Stdio::start(NOWHERE, "token", &["--within", "1ms"]);
    stdio.send(1, "server/discover", json!({}));
    let discovered = stdio.result(1);
    assert_eq!(
        (&discovered["resultType"], &discovered["serverInfo"]["name"]),
        (&json!("complete"), &json!("countersign"))
    );
    assert_eq!(discovered["_meta"]["io.modelcontextprotocol/serverInfo"], discovered["serverInfo"]);
    stdio.send(2, "tools/list", json!({}));
    let listed = stdio.result(2);
    assert_eq!((listed["tools"].as_array().unwrap().len(), &listed["resultType"]), (6, &json!("complete")));
    stdio.call(3, "ask", &json!({"question": "Which?"}));
    assert!(failure(&stdio.result(3)).contains("cannot be reached"));
    stdio.call(4, "approve", &json!({"tool_name": "Bash", "input": {"command": "ls"}}));
    let denied: Value = serde_json::from_str(text(&stdio.result(4))).unwrap();
    assert_eq!(denied["behavior"], "deny");
    assert!(denied["message"].as_str().unwrap().contains("cannot be reached"), "{denied}");
    assert_eq!(stdio.close(), Some(0));
}

#[test]
fn it_lists_the_same_tools_as_the_server() {
    let server = TestServer::start();
    let listed =
        super::send(&server.agent("other"), "tools/list", json!({})).expect(200).body["result"]["tools"].clone();
    let mut stdio = on(&server, &[]);
    stdio.send(1, "tools/list", json!({}));
    assert_eq!(stdio.result(1)["tools"], listed);
}

#[test]
fn the_old_handshake_is_answered_in_the_revision_that_is_asked_for() {
    for (asked, answered) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
    ] {
        let mut stdio = Stdio::start(NOWHERE, "token", &[]);
        let client = json!({"name": "gemini-cli-mcp-client", "version": "0.61.0"});
        let params = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": client});
        stdio.write(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).to_string());
        assert_eq!(stdio.result(0)["protocolVersion"], answered);
        stdio.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        stdio.write(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
        let listed = stdio.result(1);
        assert_eq!((listed["tools"].as_array().unwrap().len(), listed.get("resultType")), (6, None));
    }
}

/// Nothing that comes in ends it before its client closes standard input.
#[test]
fn what_is_no_message_is_refused_and_nothing_else_happens() {
    let mut stdio = Stdio::start(NOWHERE, "token", &[]);
    for (line, code) in [
        ("{", -32700),
        ("\u{0}", -32700),
        ("7", -32600),
        ("[]", -32600),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"steal"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"steal"}}"#, -32602),
        (r#"{"jsonrpc":"2.0"}"#, -32600),
    ] {
        stdio.write(line);
        assert_eq!(stdio.next()["error"]["code"], code, "{line}");
    }
    let large = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(9 * 1024 * 1024));
    stdio.write(&large);
    assert_eq!(stdio.next()["error"]["code"], -32600);
    let mut unknown = meta();
    unknown["io.modelcontextprotocol/protocolVersion"] = "2031-01-01".into();
    stdio.send(1, "tools/list", json!({"_meta": unknown}));
    assert_eq!(stdio.next()["error"]["code"], -32022);
    for ignored in
        ["", r#"{"jsonrpc":"2.0","id":"countersign-1","result":{}}"#, r#"{"jsonrpc":"2.0","method":"notifications/x"}"#]
    {
        stdio.write(ignored);
    }
    stdio.write(r#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#);
    let last = stdio.next();
    assert_eq!((&last["id"], &last["result"]), (&json!("last"), &json!({})));
    assert_eq!(stdio.close(), Some(0));
}

#[test]
fn arguments_reach_the_server_to_the_letter() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let mut stdio = on(&server, &[]);
    let arguments = r#"{"action":"pay","input":{"cents":18446744073709551615,"rate":1.50}}"#;
    let line = |id: u64, arguments: &str| {
        let meta = meta();
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"request_approval","arguments":{arguments},"_meta":{meta}}}}}"#
        )
    };
    stdio.write(&line(1, arguments));
    server.until_waiting(1);
    let id = only_id(&ada);
    assert!(ada.get(&format!("/v1/interactions/{id}")).text.contains(r#"{"cents":18446744073709551615,"rate":1.50}"#));
    ada.confirm(&id, "allow").expect(200);
    assert!(text(&stdio.result(1)).contains(r#"{"cents":18446744073709551615,"rate":1.50}"#));
    stdio.write(&line(2, r#"{"action":"ls","action":"rm"}"#));
    assert!(failure(&stdio.result(2)).contains("duplicate"));
}

/// A server that is killed while a call waits, and comes back: the call is answered all the same.
#[test]
fn a_call_outlives_its_server() {
    let db = Database::new();
    let server = Process::serve(&db, &[]);
    let url = server.url.clone();
    let (agent, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let mut stdio = Stdio::start(&url, &agent, &["--within", "10m"]);
    stdio.call(1, "ask", &json!({"question": "Which port?"}));
    stdio.call(2, "request_approval", &json!({"action": "deploy"}));
    let pending = || sql(&db, "SELECT request_id, kind FROM interactions WHERE status = 'pending' ORDER BY kind");
    until(|| pending().len() == 2);
    server.kill();
    let address = url.strip_prefix("http://").unwrap();
    let _server = Process::serve_on(address, &db, &[]);
    let ada = Client::new(&url, &ada);
    let [deploy, port] = pending().try_into().unwrap();
    ada.confirm(deploy[0].as_str().unwrap(), "allow").expect(200);
    let answer = json!({"requestId": port[0], "responses": [{"questionId": "q", "text": "80"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    let mut results = [stdio.next(), stdio.next()];
    results.sort_by_key(|result| result["id"].as_u64());
    assert_eq!(text(&results[0]["result"]), "80");
    assert!(text(&results[1]["result"]).starts_with("Approved"), "{results:?}");
    assert_eq!(sql(&db, "SELECT count(*) FROM interactions")[0][0], 2);
    // The same call once more is another one: the approval is used.
    stdio.call(3, "request_approval", &json!({"action": "deploy"}));
    until(|| pending().len() == 1);
    ada.confirm(pending()[0][0].as_str().unwrap(), "deny").expect(200);
    failure(&stdio.result(3));
}

#[test]
fn a_call_that_waits_too_long_is_told_that_its_answer_is_kept() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let mut stdio = on(&server, &["--within", "1ms"]);
    stdio.call(1, "ask", &json!({"question": "Which port?"}));
    let result = stdio.result(1);
    let id = only_id(&ada);
    assert!(text(&result).contains("Still waiting") && text(&result).contains(&id), "{result}");
    let answer = json!({"requestId": id, "responses": [{"questionId": "q", "text": "80"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    // The very same call finds it, once.
    stdio.call(2, "ask", &json!({"question": "Which port?"}));
    assert_eq!(text(&stdio.result(2)), "80");
    stdio.call(3, "ask", &json!({"question": "Which port?"}));
    assert!(text(&stdio.result(3)).contains("Still waiting"));
}

#[test]
fn of_a_call_that_its_client_cancels_nothing_more_is_heard() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let mut stdio = on(&server, &[]);
    stdio.call(1, "ask", &json!({"question": "Which port?"}));
    server.until_waiting(1);
    stdio.write(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    stdio.write(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#);
    assert_eq!(stdio.result(2), json!({}));
    let answer = json!({"requestId": only_id(&ada), "responses": [{"questionId": "q", "text": "80"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    stdio.call(3, "check", &json!({"request_id": "none"}));
    failure(&stdio.result(3));
}

#[test]
fn a_token_that_is_not_known_is_said_in_words_and_ends_nothing() {
    let server = TestServer::start();
    let mut stdio = Stdio::start(&server.url, "csgn_unknown", &[]);
    stdio.call(1, "ask", &json!({"question": "Which?"}));
    assert!(failure(&stdio.result(1)).contains("does not know the token"));
    let mut stdio = Stdio::start(&server.url, server.approver("ada").token.as_ref().unwrap(), &[]);
    stdio.call(1, "ask", &json!({"question": "Which?"}));
    assert!(failure(&stdio.result(1)).contains("role"));
    assert_eq!(stdio.close(), Some(0));
}

/// A client of the old revisions is asked by a request of the server's own, and its cancelled dialog is no answer.
#[test]
fn a_client_with_the_old_handshake_is_asked_to_open_the_inbox() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let mut stdio = on(&server, &["--within", "10m"]);
    let client = json!({"name": "codex-mcp-client", "title": "Codex", "version": "0.171.0"});
    let params = json!({"protocolVersion": "2025-06-18", "clientInfo": client,
        "capabilities": {"experimental": {"codex/auth-change": {}}, "elicitation": {"form": {}, "url": {}}}});
    stdio.write(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).to_string());
    stdio.result(0);
    let arguments = json!({"service": "forge", "field": "token", "label": "A token"});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "request_secret", "arguments": arguments, "_meta": {"progressToken": 0}}});
    stdio.write(&call.to_string());
    let asked = stdio.next();
    assert_eq!((&asked["method"], &asked["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    let id = only_id(&ada);
    assert!(asked["params"]["url"].as_str().unwrap().ends_with(&format!("/interactions/{id}")), "{asked}");
    stdio.write(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "cancel"}}).to_string());
    server.until_waiting(1);
    ada.post("/v1/secret", &json!({"requestId": id, "value": "hunter2"})).expect(200);
    let result = stdio.result(1);
    assert!(text(&result).contains("stored as forge/token"), "{result}");
    assert_eq!(result.get("resultType"), None);
    assert_eq!(ada.look(&id)["origin"]["client"], "codex-mcp-client 0.171.0");
}
