//! The protocol over streamable HTTP: both ways to begin, headers, and who may call.

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{NEW, call, failure, meta, only_id, send, text};
use crate::harness::{Answer, Client, TestServer};

const TOOLS: [&str; 6] = ["approve", "hook", "ask", "request_approval", "request_secret", "check"];

fn names(tools: &Value) -> Vec<&str> {
    tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

/// A message as a client sends it that has shaken hands.
fn old(client: &Client, version: Option<&str>, message: &Value) -> Answer {
    let mut headers = vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    headers.extend(version.map(|version| ("mcp-protocol-version", version)));
    client.try_send("POST", "/mcp", &headers, Some(message.to_string().as_bytes())).unwrap()
}

#[test]
fn a_client_without_a_handshake_discovers_lists_and_calls() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let discovered = send(&agent, "server/discover", json!({})).expect(200).body["result"].clone();
    assert_eq!(discovered["resultType"], "complete");
    assert!(discovered["supportedVersions"].as_array().unwrap().contains(&NEW.into()), "{discovered}");
    assert!(discovered["capabilities"]["tools"].is_object() && discovered["ttlMs"].is_u64(), "{discovered}");
    let listed = send(&agent, "tools/list", json!({})).expect(200).body["result"].clone();
    assert_eq!((names(&listed["tools"]), &listed["resultType"]), (TOOLS.to_vec(), &json!("complete")));
    let refused = call(&agent, "check", &json!({"request_id": "nothing"}));
    assert!(failure(&refused).contains("no such interaction"), "{refused}");
    assert_eq!(refused["resultType"], "complete");
}

#[test]
fn a_client_with_the_old_handshake_is_answered_in_its_own_revision() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for version in ["2025-11-25", "2025-06-18"] {
        let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {"elicitation": {"form": {}, "url": {}}},
            "clientInfo": {"name": "codex-mcp-client", "version": "0.171.0"}}});
        let answer = old(&agent, None, &initialize).expect(200);
        assert_eq!(answer.body["result"]["protocolVersion"], version);
        assert_eq!(answer.body["result"]["serverInfo"]["name"], "countersign");
        assert!(!answer.headers.contains_key("mcp-session-id"));
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(old(&agent, Some(version), &initialized).expect(202).text, "");
        let list =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {"progressToken": 0}}});
        let listed = old(&agent, Some(version), &list).expect(200).body["result"].clone();
        assert_eq!((names(&listed["tools"]), listed.get("resultType")), (TOOLS.to_vec(), None));
        let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
        assert_eq!(old(&agent, Some(version), &ping).expect(200).body["result"], json!({}));
        let check = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
            "params": {"name": "check", "arguments": {"request_id": "nothing"}}});
        let checked = old(&agent, Some(version), &check).expect(200).body;
        assert_eq!((&checked["id"], &checked["result"]["isError"]), (&json!(3), &json!(true)));
    }
}

/// Whoever asks for a revision that is not there is told those that are.
#[test]
fn an_unknown_revision_is_refused_with_those_that_are_spoken() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let mut unknown = meta();
    unknown["io.modelcontextprotocol/protocolVersion"] = "2031-01-01".into();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": unknown}});
    let headers =
        [("content-type", "application/json"), ("mcp-protocol-version", "2031-01-01"), ("mcp-method", "tools/list")];
    let answer = agent.try_send("POST", "/mcp", &headers, Some(body.to_string().as_bytes())).unwrap().expect(400);
    assert_eq!(answer.body["error"]["code"], -32022);
    assert!(answer.body["error"]["data"]["supported"].as_array().unwrap().contains(&NEW.into()), "{answer:?}");
}

#[test]
fn headers_that_say_another_thing_than_the_body_are_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": "Which?"}, "_meta": meta()}})
    .to_string();
    let right = [("mcp-protocol-version", NEW), ("mcp-method", "tools/call"), ("mcp-name", "ask")];
    for (wrong, value) in [
        ("mcp-protocol-version", Some("2025-11-25")),
        ("mcp-protocol-version", None),
        ("mcp-method", Some("tools/list")),
        ("mcp-method", None),
        ("mcp-name", Some("check")),
        ("mcp-name", None),
    ] {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(right.iter().filter(|(name, _)| *name != wrong));
        headers.extend(value.map(|value| (wrong, value)));
        server.unchanged(|| {
            let answer = agent.try_send("POST", "/mcp", &headers, Some(body.as_bytes())).unwrap();
            assert_eq!((answer.status, &answer.body["error"]["code"]), (400, &json!(-32020)), "{wrong} {value:?}");
        });
    }
}

#[test]
fn only_those_who_may_register_may_call() {
    let server = TestServer::start();
    for role in [Role::Approver, Role::Auditor] {
        let answer = send(&server.client(role.as_str(), role), "tools/list", json!({}));
        assert_eq!(answer.refusal(), (403, "forbidden"));
    }
    assert_eq!(send(&server.anonymous(), "tools/list", json!({})).refusal(), (401, "unauthenticated"));
}

#[test]
fn foreign_pages_and_foreign_names_of_the_host_are_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).to_string();
    let with = |name: &str, value: &str| {
        let headers = [("content-type", "application/json"), (name, value)];
        agent.try_send("POST", "/mcp", &headers, Some(body.as_bytes())).unwrap()
    };
    assert_eq!(with("origin", "https://evil.example").refusal(), (403, "origin_not_allowed"));
    assert_eq!(with("host", "evil.example").refusal().0, 421);
    let own = server.url.clone();
    assert_eq!(with("origin", &own).expect(200).body["id"], 1);
}

#[test]
fn there_are_no_sessions_and_no_streams() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for method in ["GET", "DELETE"] {
        let headers = [("accept", "text/event-stream"), ("mcp-session-id", "1")];
        let answer = agent.try_send(method, "/mcp", &headers, None).unwrap();
        assert_eq!(answer.refusal(), (405, "method_not_allowed"));
        assert_eq!(answer.headers["allow"], "POST");
    }
}

#[test]
fn what_a_method_or_a_tool_is_not_is_said_in_the_protocols_own_way() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let answer = send(&agent, "resources/list", json!({}));
    assert!(answer.body["result"].is_object() || answer.body["error"]["code"] == -32601, "{answer:?}");
    let answer = send(&agent, "tools/steal", json!({}));
    assert_eq!(answer.body["error"]["code"], -32601, "{answer:?}");
    let answer = send(&agent, "tools/call", json!({"name": "steal", "arguments": {}}));
    assert_eq!(answer.body["error"]["code"], -32602, "{answer:?}");
}

#[test]
fn hostile_arguments_are_refused_and_register_nothing() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let meta = meta().to_string();
    let post = |arguments: &str| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"request_approval","arguments":{arguments},"_meta":{meta}}}}}"#
        );
        let headers = [
            ("content-type", "application/json"),
            ("mcp-protocol-version", NEW),
            ("mcp-method", "tools/call"),
            ("mcp-name", "request_approval"),
        ];
        agent.try_send("POST", "/mcp", &headers, Some(body.as_bytes())).unwrap()
    };
    server.unchanged(|| {
        let twice = post(r#"{"action":"ls","action":"rm -rf /"}"#);
        assert_eq!(twice.refusal(), (400, "malformed_request"));
        let hidden = post(r#"{"action":"ls","input":{"a":{"b":1,"b":2}}}"#);
        assert_eq!(hidden.refusal(), (400, "malformed_request"));
        let number = post(r#"{"action":"pay","input":{"cents":12345678901234567890123}}"#);
        assert_eq!(number.refusal(), (422, "number_out_of_range"));
        let deep = post(&format!(r#"{{"action":"ls","input":{{"a":{}{}}}}}"#, "[".repeat(500), "]".repeat(500)));
        assert_eq!(deep.refusal(), (400, "malformed_request"));
        assert_eq!(post(r#"["ls"]"#).refusal(), (400, "malformed_request"));
        let large = post(&format!(r#"{{"action":"ls","input":{{"a":"{}"}}}}"#, "x".repeat(300 * 1024)));
        assert!(failure(&large.expect(200).body["result"]).contains("input"));
        for wrong in
            [r#"{"action":7}"#, "{}", r#"{"action":"ls","riskLevel":"low"}"#, r#"{"action":"ls","request_id":"a b"}"#]
        {
            assert!(failure(&post(wrong).expect(200).body["result"]).contains("arguments"), "{wrong}");
        }
    });
}

#[test]
fn the_id_of_a_message_is_a_text_or_a_whole_number() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let post = |id: &Value| agent.post("/mcp", &json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
    for id in [json!("a"), json!(""), json!(0), json!(-1), json!(i64::MAX)] {
        assert_eq!(post(&id).expect(200).body["id"], id);
    }
    for id in [json!(true), json!([]), json!({}), json!(1.5), json!(u64::MAX)] {
        assert_eq!(post(&id).refusal(), (400, "malformed_request"), "{id}");
    }
}

/// A long wait holds no turn of those that requests take.
#[test]
fn calls_that_wait_leave_room_for_others() {
    let server = TestServer::with(&["--max-in-flight", "1", "--max-in-flight-per-principal", "1"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let waiting = {
        let agent = agent.clone();
        std::thread::spawn(move || call(&agent, "ask", &json!({"question": "Which?"})))
    };
    server.until_waiting(1);
    send(&agent, "tools/list", json!({})).expect(200);
    let answer = json!({"requestId": only_id(&ada), "responses": [{"questionId": "q", "text": "this"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    assert_eq!(text(&waiting.join().unwrap()), "this");
}
