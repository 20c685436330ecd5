//! `/aap/v1`: the Agent Approval Protocol, as its Gate speaks it.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Database, Process, TestServer, race, token};

/// What a Gate submits, to the letter.
const SUBMISSION: &str = r#"{"agent_reasoning":"tests are green","arguments":{"command":"make deploy","n":1.50,"big":18446744073709551615},"context":{"call_id":"run1:call_1","framework":"langgraph","resume":{"framework":"langgraph","thread_id":"a|b"}},"timeout":"10m","tool":"shell"}"#;

const KEY: &str = "6a88becd593817245a75715eb40f08a6e0946549bb5ccc9d3c0cc1e2e9af539f";

fn submit(client: &Client, key: &str, body: &str) -> Answer {
    let headers = [("idempotency-key", key), ("content-type", "application/json")];
    client.try_send("POST", "/aap/v1/requests", &headers, Some(body.as_bytes())).unwrap()
}

fn submitted(client: &Client, key: &str) -> String {
    submit(client, key, SUBMISSION).expect(201).body["id"].as_str().unwrap().to_owned()
}

fn get(client: &Client, id: &str) -> Answer {
    client.get(&format!("/aap/v1/requests/{id}"))
}

fn consume(client: &Client, id: &str, key: &str) -> Answer {
    // Without a body and without a content type, as the client sends it.
    let headers = [("idempotency-key", key)];
    client.try_send("POST", &format!("/aap/v1/requests/{id}/consume"), &headers, Some(b"")).unwrap()
}

fn report(client: &Client, id: &str, body: &Value) -> Answer {
    client.post(&format!("/aap/v1/requests/{id}/outcome"), body)
}

/// What the client holds every request to.
fn check_form(request: &Value) {
    fn no_nulls(value: &Value, free: bool) {
        match value {
            Value::Null => assert!(free, "a null"),
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                no_nulls(member, free || ["arguments", "context"].contains(&name.as_str()));
            }),
            Value::Array(items) => items.iter().for_each(|item| no_nulls(item, free)),
            Value::String(text) => assert!(free || !text.is_empty(), "an empty text"),
            Value::Bool(_) | Value::Number(_) => {}
        }
    }
    no_nulls(request, false);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let members = [
        "id",
        "tool",
        "server",
        "arguments",
        "timeout",
        "agent_reasoning",
        "context",
        "status",
        "created_at",
        "deadline_at",
        "decision",
        "consumption",
    ];
    assert!(names(request).is_subset(&known(&members)), "{request}");
    assert!(uuid::Uuid::parse_str(request["id"].as_str().unwrap()).is_ok());
    let status = request["status"].as_str().unwrap();
    assert_eq!(request.get("decision").is_none(), status == "pending", "{request}");
    if let Some(decision) = request.get("decision") {
        assert!(names(decision).is_subset(&known(&["status", "note", "decided_at", "expires_at"])));
        assert_eq!(decision["status"], status);
        assert_eq!(decision.get("expires_at").is_some(), status == "approved", "{request}");
    }
    for time in ["created_at", "deadline_at"] {
        assert!(request[time].as_str().unwrap().ends_with('Z'), "{request}");
    }
}

/// A refusal, in the shape of the protocol.
#[track_caller]
fn refused(answer: &Answer) -> (u16, &str) {
    let error = answer.body["error"].as_object().unwrap_or_else(|| panic!("{answer:?}"));
    let names = error.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(names, ["code", "message", "request_id", "type"], "{answer:?}");
    assert_eq!(answer.body.as_object().unwrap().len(), 1);
    assert_eq!(error["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    answer.refusal()
}

#[test]
fn a_call_is_submitted_approved_consumed_and_reported() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let request = submit(&agent, KEY, SUBMISSION).expect(201);
    check_form(&request.body);
    assert!(request.text.contains(r#""arguments":{"command":"make deploy","n":1.50,"big":18446744073709551615}"#));
    assert!(request.text.contains(r#""resume":{"framework":"langgraph","thread_id":"a|b"}"#));
    let id = request.body["id"].as_str().unwrap();
    let seen = agent.look(id);
    assert_eq!(seen["confirmation"]["toolName"], "shell");
    assert_eq!(
        (&seen["confirmation"]["toolUseId"], &seen["confirmation"]["reason"]),
        (&json!("run1:call_1"), &json!("tests are green"))
    );
    assert_eq!(
        (&seen["expiresAt"], &seen["confirmation"]["inputEditsAllowed"]),
        (&json!("2030-01-01T00:10:00.000Z"), &json!(false))
    );
    assert_eq!(seen["origin"], json!({"client": "langgraph (AAP)", "sessionId": "a|b"}));
    assert_eq!(seen["conversationId"].as_str().unwrap().len(), 64, "it has characters that no id has");
    assert_eq!(refused(&consume(&agent, id, "k")), (409, "not_approved"));
    assert_eq!(refused(&report(&agent, id, &json!({"status": "failed"}))), (409, "not_consumed"));
    server.advance(Duration::from_secs(1));
    ada.post("/v1/confirm", &json!({"requestId": id, "decision": "allow", "comment": "go on"})).expect(200);
    let approved = get(&agent, id).expect(200).body;
    check_form(&approved);
    let decision = json!({"status": "approved", "note": "go on", "decided_at": "2030-01-01T00:00:01.000Z", "expires_at": "2030-01-01T00:05:01.000Z"});
    assert_eq!(approved["decision"], decision);
    let consumed = consume(&agent, id, "2c5c1d1e").expect(200).body;
    check_form(&consumed);
    assert_eq!(consumed["consumption"], json!({"consumed_at": "2030-01-01T00:00:01.000Z"}));
    assert_eq!(agent.look(id)["claim"]["claimId"], "2c5c1d1e");
    server.unchanged(|| {
        assert_eq!(consume(&agent, id, "2c5c1d1e").expect(200).body, consumed);
        assert_eq!(refused(&consume(&agent, id, "another")), (409, "already_consumed"));
        assert_eq!(refused(&agent.delete(&format!("/aap/v1/requests/{id}"))), (409, "already_terminal"));
    });
    let reported = report(&agent, id, &json!({"status": "succeeded", "note": "done"})).expect(200).body;
    check_form(&reported);
    let outcome = json!({"status": "succeeded", "note": "done", "reported_at": "2030-01-01T00:00:01.000Z"});
    assert_eq!(reported["consumption"]["outcome"], outcome);
    server.unchanged(|| {
        assert_eq!(report(&agent, id, &json!({"status": "succeeded", "note": "done"})).expect(200).body, reported);
        assert_eq!(refused(&report(&agent, id, &json!({"status": "failed"}))), (409, "outcome_conflict"));
        assert_eq!(refused(&report(&agent, id, &json!({"status": "succeeded"}))), (409, "outcome_conflict"));
    });
}

#[test]
fn the_same_key_and_body_find_the_request_and_another_body_is_a_conflict() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let first = submit(&agent, KEY, SUBMISSION).expect(201);
    // The order of members and white space do not count.
    let value: Value = serde_json::from_str(SUBMISSION).unwrap();
    server.advance(Duration::from_secs(5));
    server.unchanged(|| {
        assert_eq!(submit(&agent, KEY, SUBMISSION).expect(200).text, first.text);
        assert_eq!(submit(&agent, KEY, &format!("{value:#}")).expect(200).text, first.text);
        for (name, other) in [
            ("tool", json!("other")),
            ("server", json!("ops")),
            ("timeout", json!("11m")),
            ("agent_reasoning", json!("so")),
            ("arguments", json!({"command": "make deploy", "n": 1.51})),
            ("context", json!({"call_id": "run1:call_2"})),
        ] {
            let mut changed = value.clone();
            changed[name] = other;
            assert_eq!(refused(&submit(&agent, KEY, &changed.to_string())), (409, "idempotency_conflict"), "{name}");
        }
    });
    let second = submit(&agent, "another", SUBMISSION).expect(201);
    assert_ne!(second.body["id"], first.body["id"], "another key asks again");
    let others = submit(&server.agent("other"), KEY, SUBMISSION).expect(201);
    assert_ne!(others.body["id"], first.body["id"], "a key is its principal's own");
    ada.confirm(first.body["id"].as_str().unwrap(), "deny").expect(200);
    let denied = submit(&agent, KEY, SUBMISSION).expect(200).body;
    check_form(&denied);
    assert_eq!(denied["status"], "denied");
    assert!(denied["decision"].get("note").is_none(), "a note that was not given is absent");
}

#[test]
fn what_was_submitted_is_found_word_by_word_after_the_server_was_killed() {
    let db = Database::new();
    let (agent, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let server = Process::serve(&db, &[]);
    let client = Client::new(&server.url, &agent);
    let first = submit(&client, KEY, SUBMISSION).expect(201);
    server.kill();
    let server = Process::serve(&db, &["--aap-claim-within", "7m"]);
    let (client, ada) = (Client::new(&server.url, &agent), Client::new(&server.url, &ada));
    assert_eq!(submit(&client, KEY, SUBMISSION).expect(200).text, first.text);
    let id = first.body["id"].as_str().unwrap();
    let waiting = std::thread::spawn({
        let (client, path) = (client.clone(), format!("/aap/v1/requests/{id}?wait=25s"));
        move || client.get(&path)
    });
    ada.confirm(id, "allow").expect(200);
    let approved = waiting.join().unwrap().expect(200).body;
    check_form(&approved);
    assert_eq!(consume(&client, id, "once").expect(200).body["status"], "approved");
    server.kill();
    let server = Process::serve(&db, &[]);
    let client = Client::new(&server.url, &agent);
    assert_eq!(consume(&client, id, "once").expect(200).body["decision"], approved["decision"]);
    assert_eq!(refused(&consume(&client, id, "twice")), (409, "already_consumed"));
}

#[test]
fn a_wait_is_answered_when_the_request_is_decided() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let id = submitted(&agent, KEY);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| agent.get(&format!("/aap/v1/requests/{id}?wait=25s")));
        server.until_waiting(1);
        ada.post("/v1/confirm", &json!({"requestId": id, "decision": "deny", "comment": "not now"})).expect(200);
        let denied = waiting.join().unwrap().expect(200).body;
        check_form(&denied);
        assert_eq!(denied["decision"]["note"], "not now");
    });
    let path = |query: &str| format!("/aap/v1/requests/{id}?{query}");
    agent.get(&path("wait=0s")).expect(200);
    for bad in
        ["wait=", "wait=25", "wait=soon", "wait=301s", "wait=-1s", "wait=1s&wait=1s", "waitMs=1000", "wait=25s&x=1"]
    {
        assert_eq!(refused(&agent.get(&path(bad))), (400, "malformed_request"), "{bad}");
    }
}

/// Else a few agents that wait would keep all others out.
#[test]
fn a_request_that_waits_takes_nobodys_turn() {
    let server = TestServer::with(&["--max-in-flight", "1", "--max-in-flight-per-principal", "1"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let id = submitted(&agent, KEY);
    std::thread::scope(|scope| {
        let waits = [(); 2].map(|()| scope.spawn(|| agent.get(&format!("/aap/v1/requests/{id}?wait=25s"))));
        server.until_waiting(2);
        get(&agent, &id).expect(200);
        ada.confirm(&id, "deny").expect(200);
        for wait in waits {
            assert_eq!(wait.join().unwrap().expect(200).body["status"], "denied");
        }
    });
}

#[test]
fn every_end_has_its_word() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let status = |id: &str| {
        let request = get(&agent, id).expect(200).body;
        check_form(&request);
        request["status"].clone()
    };
    let cancelled = submitted(&agent, "1");
    let gone = agent.delete(&format!("/aap/v1/requests/{cancelled}")).expect(200).body;
    assert_eq!((&gone["status"], status(&cancelled)), (&json!("cancelled"), json!("cancelled")));
    agent.delete(&format!("/aap/v1/requests/{cancelled}")).expect(200);
    let superseded = submitted(&agent, "2");
    let conversation = agent.look(&superseded)["conversationId"].as_str().unwrap().to_owned();
    ada.post_nothing(&format!("/v1/conversations/{conversation}/supersede")).expect(200);
    assert_eq!(status(&superseded), "cancelled");
    let expired = submitted(&agent, "3");
    server.advance(Duration::from_secs(600));
    assert_eq!(status(&expired), "expired");
    assert_eq!(get(&agent, &expired).body["decision"]["decided_at"], "2030-01-01T00:10:00.000Z");
    assert_eq!(refused(&consume(&agent, &expired, "k")), (409, "not_approved"));
    let rule = json!({"toolName": "shell", "pattern": "make *", "members": {"": "*"}, "scope": "everywhere", "decision": "deny"});
    let rule = ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"]["ruleId"].clone();
    let ruled = submit(&agent, "4", SUBMISSION).expect(201).body;
    check_form(&ruled);
    assert_eq!(
        (&ruled["status"], &ruled["decision"]["note"]),
        (&json!("denied"), &json!(format!("denied by trust rule {}", rule.as_str().unwrap())))
    );
}

#[test]
fn an_approval_that_ran_out_or_was_taken_back_is_consumed_no_more() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let [late, withdrawn] = ["1", "2"].map(|key| submitted(&agent, key));
    for id in [&late, &withdrawn] {
        ada.confirm(id, "allow").expect(200);
    }
    ada.post_nothing(&format!("/v1/interactions/{withdrawn}/withdraw")).expect(200);
    server.advance(Duration::from_secs(300));
    server.unchanged(|| {
        assert_eq!(refused(&consume(&agent, &withdrawn, "k")), (409, "approval_expired"));
        assert_eq!(refused(&consume(&agent, &late, "k")), (409, "approval_expired"));
    });
    let shorter = TestServer::with(&["--claim-within", "1m", "--aap-claim-within", "2m"]);
    let agent = shorter.agent("builder");
    let id = submitted(&agent, KEY);
    shorter.approver("ada").confirm(&id, "allow").expect(200);
    assert_eq!(get(&agent, &id).body["decision"]["expires_at"], "2030-01-01T00:01:00.000Z", "the shorter of both");
}

#[test]
fn of_two_that_consume_at_once_one_does() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let id = submitted(&agent, KEY);
    server.approver("ada").confirm(&id, "allow").expect(200);
    let act = |key: &'static str| {
        let (agent, id) = (agent.clone(), id.clone());
        Box::new(move || consume(&agent, &id, key).status) as Box<dyn FnOnce() -> u16 + Send>
    };
    let mut statuses = race(vec![act("a"), act("b"), act("c")]);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}

#[test]
fn another_agents_request_and_what_was_registered_otherwise_are_not_there() {
    let server = TestServer::start();
    let (agent, spy, root) = (server.agent("builder"), server.agent("spy"), server.client("root", Role::Admin));
    let id = submitted(&agent, KEY);
    let mut registration = crate::harness::confirmation("0190a5d2-0000-7000-8000-000000000001");
    registration["conversationId"] = json!("other");
    agent.register(&registration);
    let own = registration["requestId"].as_str().unwrap();
    server.approver("ada").confirm(own, "allow").expect(200);
    server.unchanged(|| {
        for (client, id) in [(&spy, id.as_str()), (&root, &id), (&agent, own), (&agent, "nothing")] {
            for answer in [
                get(client, id),
                client.get(&format!("/aap/v1/requests/{id}?wait=1ms")),
                consume(client, id, "k"),
                client.delete(&format!("/aap/v1/requests/{id}")),
                report(client, id, &json!({"status": "succeeded"})),
            ] {
                assert_eq!(refused(&answer), (404, "not_found"));
            }
        }
    });
}

#[test]
fn what_is_no_submission_is_refused_and_changes_nothing() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    server.unchanged(|| {
        let plain = agent.post_text("/aap/v1/requests", SUBMISSION);
        assert_eq!(refused(&plain), (400, "missing_idempotency_key"));
        let twice = [("idempotency-key", "a"), ("idempotency-key", "b"), ("content-type", "application/json")];
        let twice = agent.try_send("POST", "/aap/v1/requests", &twice, Some(SUBMISSION.as_bytes())).unwrap();
        assert_eq!(refused(&twice), (400, "missing_idempotency_key"));
        for key in ["", "a b", &"k".repeat(257)] {
            assert_eq!(refused(&submit(&agent, key, SUBMISSION)), (400, "malformed_request"), "{key:?}");
        }
        let unknown = agent.post_nothing("/aap/v1/requests/0190a5d2-0000-7000-8000-000000000001/consume");
        assert_eq!(refused(&unknown), (400, "missing_idempotency_key"));
        for (find, put) in [
            (r#""timeout":"10m""#, r#""timeout":"10""#),
            (r#""timeout":"10m""#, r#""timeout":"0s""#),
            (r#""timeout":"10m""#, r#""timeout":600"#),
            (r#""timeout":"10m","#, ""),
            (r#""tool":"shell""#, r#""tool":"""#),
            (r#""tool":"shell""#, r#""tool":null"#),
            (r#""tool":"shell""#, r#""tool":"shell","tool":"shell""#),
            (r#""tool":"shell""#, r#""tool":"shell","surprise":1"#),
            (r#""tool":"shell""#, r#""tool":"shell","server":"""#),
            (r#""n":1.50"#, r#""n":1,"n":2"#),
            (r#""call_id":"run1:call_1""#, r#""call_id":1,"call_id":2"#),
        ] {
            let broken = SUBMISSION.replacen(find, put, 1);
            assert_ne!(broken, SUBMISSION);
            assert_eq!(refused(&submit(&agent, KEY, &broken)), (400, "malformed_request"), "{broken}");
        }
        let large = SUBMISSION.replace("make deploy", &"x".repeat(256 * 1024));
        assert_eq!(refused(&submit(&agent, KEY, &large)), (413, "input_too_large"));
        let huge = SUBMISSION.replace("make deploy", &"x".repeat(1024 * 1024));
        assert_eq!(refused(&submit(&agent, KEY, &huge)), (413, "body_too_large"));
        let inexact = SUBMISSION.replace("18446744073709551615", "18446744073709551616");
        assert_eq!(refused(&submit(&agent, KEY, &inexact)), (422, "number_out_of_range"));
        assert_eq!(refused(&agent.get("/aap/v1/nothing")), (404, "unknown_path"));
        assert_eq!(refused(&agent.get("/aap/v1/requests")), (405, "method_not_allowed"));
    });
    // A member that is null is as if it were absent, and is not said again.
    let with_nulls =
        r#"{"tool":"t","arguments":{"a":null},"timeout":"1m","server":null,"context":null,"agent_reasoning":null}"#;
    check_form(&submit(&agent, "nulls", with_nulls).expect(201).body);
}

#[test]
fn a_role_that_is_no_agent_submits_nothing_and_an_agent_decides_nothing() {
    let server = TestServer::start();
    let (agent, ada, eve) = (server.agent("builder"), server.approver("ada"), server.client("eve", Role::Auditor));
    let id = submitted(&agent, KEY);
    server.unchanged(|| {
        for client in [&ada, &eve] {
            assert_eq!(refused(&submit(client, "k", SUBMISSION)), (403, "forbidden"));
            assert_eq!(refused(&get(client, &id)), (403, "forbidden"));
            assert_eq!(refused(&consume(client, &id, "k")), (403, "forbidden"));
        }
        assert_eq!(refused(&get(&server.anonymous(), &id)), (401, "unauthenticated"));
        assert_eq!(agent.confirm(&id, "allow").refusal(), (403, "forbidden"));
    });
}

#[test]
fn a_tool_of_a_server_is_no_other_servers_to_a_rule() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule =
        json!({"toolName": "read", "pattern": "*", "members": {"": "*"}, "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    let of = |server: Value| json!({"tool": "read", "server": server, "arguments": {}, "timeout": "1m"}).to_string();
    assert_eq!(submit(&agent, "1", &of(json!(null))).expect(201).body["status"], "approved");
    let others = submit(&agent, "2", &of(json!("mail"))).expect(201).body;
    assert_eq!(
        (&others["status"], &others["tool"], &others["server"]),
        (&json!("pending"), &json!("read"), &json!("mail"))
    );
    assert_eq!(agent.look(others["id"].as_str().unwrap())["confirmation"]["toolName"], "mail/read");
}

#[test]
fn what_is_forgotten_is_not_there_and_its_key_asks_nothing_new() {
    let server = TestServer::start();
    let (agent, root) = (server.agent("builder"), server.client("root", Role::Admin));
    let id = submitted(&agent, KEY);
    server.approver("ada").confirm(&id, "deny").expect(200);
    root.post_nothing(&format!("/v1/interactions/{id}/forget")).expect(200);
    assert_eq!(refused(&get(&agent, &id)), (404, "not_found"));
    assert_eq!(submit(&agent, KEY, SUBMISSION).status / 100, 4);
}
