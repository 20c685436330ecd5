//! `POST /v1/interactions`.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::routes::{DIGEST, everything};
use crate::harness::{KINDS, START, TestServer, altered, confirmation, secret};

const REGISTER: &str = "/v1/interactions";

/// The confirmation `request_id` with this input, to the letter, in place of the usual one.
fn with_input(request_id: &str, tool: &str, input: &str) -> String {
    let mut body = confirmation(request_id);
    body["confirmation"]["toolName"] = json!(tool);
    body["confirmation"]["input"] = json!("HERE");
    body.to_string().replace("\"HERE\"", input)
}

#[test]
fn every_kind_is_stored_and_shown_with_everything_that_was_said() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    server.approver("ada");
    for (full, kind) in KINDS.iter().map(|kind| ((kind.full)(), kind.name)) {
        let expires_at = match kind {
            "confirmation" => "2030-01-01T00:01:00.000Z",
            "secret" => "2030-01-01T01:00:00.000Z",
            _ => "2030-01-02T00:00:00.000Z",
        };
        let answer = agent.post(REGISTER, &full).expect(201);
        let id = full["requestId"].as_str().unwrap();
        assert_eq!(answer.headers["location"], format!("/v1/interactions/{id}"));
        assert_eq!(agent.look(id), answer.body);
        let mut shown = full[kind].clone();
        if kind == "confirmation" {
            shown["inputDigest"] = json!(DIGEST);
        }
        if kind == "question" {
            shown["entries"][1]["freeTextAllowed"] = json!(true);
        }
        let metadata = full.get("metadata").cloned().unwrap_or_else(|| json!({}));
        let expected = json!({"requestId": id, "kind": kind, "status": "pending", "conversationId": "conversation",
            "registeredBy": "builder", "createdAt": START, "expiresAt": expires_at, "resolvedAt": null,
            "claimExpiresAt": null, "metadata": metadata, kind: shown, "resolution": null, "claim": null});
        let more = json!({"acknowledgements": ["high_risk"], "origin": full["origin"]});
        let expected = if kind == "confirmation" { altered(expected, &more) } else { expected };
        assert_eq!(answer.body, expected);
        let row = format!("SELECT kind, status, registered_by, tool_name FROM interactions WHERE request_id = '{id}'");
        let tool = if kind == "confirmation" { json!("shell") } else { Value::Null };
        assert_eq!(server.sql(&row), [[json!(kind), json!("pending"), json!("builder"), tool]]);
        let told = server.sql(&format!("SELECT event, principal FROM audit_events WHERE request_id = '{id}'"));
        assert_eq!(told, [[json!("interaction.registered"), json!("builder")]]);
    }
    assert_eq!(server.count("interactions WHERE status = 'pending' AND registered_by = 'builder'"), KINDS.len() as u64);
}

#[test]
fn what_is_left_out_gets_the_documented_defaults() {
    let agent_of = |server: &TestServer| server.agent("builder");
    let server = TestServer::start();
    let agent = agent_of(&server);
    let least = json!({"kind": "confirmation", "confirmation": {"toolName": "t", "input": {}}});
    let shown = agent.register(&least);
    let body = &shown["confirmation"];
    assert_eq!((&body["riskLevel"], &body["persistentDecisionsAllowed"]), (&json!("medium"), &json!(true)));
    assert_eq!((&body["inputEditsAllowed"], &shown["conversationId"]), (&json!(false), &Value::Null));
    let least = json!({"kind": "secret", "secret": {"service": "s", "field": "f", "label": "l"}});
    assert_eq!(agent.register(&least)["secret"]["allowOneTimeSend"], true);
    for (flags, expires_at) in [
        (vec![], json!("2030-01-02T00:00:00.000Z")),
        (vec!["--default-ttl", "none"], Value::Null),
        (vec!["--default-ttl", "90s"], json!("2030-01-01T00:01:30.000Z")),
    ] {
        let server = TestServer::with(&flags);
        assert_eq!(agent_of(&server).register(&secret("s"))["expiresAt"], expires_at, "{flags:?}");
        let written = server.sql("SELECT expires_at_ms IS NULL FROM interactions");
        assert_eq!(written, [[json!(i64::from(expires_at.is_null()))]]);
    }
}

#[test]
fn an_id_that_the_server_makes_is_a_new_uuid_v7_each_time() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let mut nameless = secret("s");
    nameless.as_object_mut().unwrap().remove("requestId");
    let ids = [1, 2, 3].map(|_| {
        let answer = agent.post(REGISTER, &nameless).expect(201);
        let id = answer.body["requestId"].as_str().unwrap().to_owned();
        assert_eq!(answer.headers["location"], format!("/v1/interactions/{id}"));
        let shape = id.split('-').map(str::len).collect::<Vec<_>>();
        assert_eq!((shape, &id[14..15]), (vec![8, 4, 4, 4, 12], "7"), "{id}");
        assert!("89ab".contains(&id[19..20]) && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{id}");
        id
    });
    assert!(ids[0] < ids[1] && ids[1] < ids[2], "later ids are not behind: {ids:?}");
}

#[test]
fn a_blind_retry_finds_what_it_registered_before_however_it_is_written() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let first = r#"{"requestId":"r","kind":"confirmation","conversationId":"x","expiresInMs":5000,"metadata":{"a":1,"b":[2]},
        "confirmation":{"toolName":"shell","input":{"command":"ls","n":1e2}}}"#;
    let registered = agent.post_text(REGISTER, first).expect(201).text;
    let before = everything(&server);
    server.advance(Duration::from_secs(1));
    for again in [
        first.to_owned(),
        first.replace("5000", "9000"),
        first.replace(r#""expiresInMs":5000,"#, ""),
        r#" { "confirmation" : {"input":{ "n":100.0 , "\u0063ommand":"l\u0073"}, "toolName":"shell","riskLevel":"medium"},
            "metadata":{ "b" : [2.0],"a":1}, "conversationId":"x", "kind":"confirmation", "requestId":"r" } "#
            .to_owned(),
    ] {
        let answer = agent.post_text(REGISTER, &again).expect(200);
        assert_eq!(answer.text, registered, "as it was written first");
        assert!(!answer.headers.contains_key("location"), "nothing was created");
    }
    assert_eq!(everything(&server), before);
    server.approver("ada").confirm("r", "deny").expect(200);
    let answer = agent.post_text(REGISTER, first).expect(200);
    assert_eq!((&answer.body["status"], &answer.body["resolution"]["decision"]), (&json!("rejected"), &json!("deny")));
}

#[test]
fn metadata_that_is_left_out_is_the_same_as_none() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let mut with_none = secret("s");
    with_none["metadata"] = json!({});
    agent.register(&secret("s"));
    agent.post(REGISTER, &with_none).expect(200);
}

#[test]
fn a_retry_after_the_deadline_hears_that_it_expired() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let mut brief = secret("s");
    brief["expiresAt"] = json!("2030-01-01T00:00:05.000Z");
    agent.register(&brief);
    server.advance(Duration::from_secs(5));
    let again = agent.post(REGISTER, &brief).expect(200).body;
    assert_eq!((&again["status"], &again["resolvedAt"]), (&json!("expired"), &brief["expiresAt"]));
    assert_eq!(again["resolution"]["resolvedBy"], json!({"system": "expired"}));
    let told = "SELECT event FROM audit_events WHERE request_id = 's' ORDER BY seq";
    assert_eq!(server.sql(told), [[json!("interaction.registered")], [json!("interaction.expired")]]);
}

#[test]
fn retries_at_the_same_moment_register_one_interaction() {
    const COUNT: usize = 8;
    let server = TestServer::start();
    let agent = server.agent("builder");
    let together = Arc::new(Barrier::new(COUNT));
    let threads = [(); COUNT].map(|()| {
        let (agent, together) = (agent.clone(), Arc::clone(&together));
        std::thread::spawn(move || {
            together.wait();
            agent.post(REGISTER, &secret("s")).status
        })
    });
    let mut statuses = threads.map(|thread| thread.join().unwrap());
    statuses.sort_unstable();
    assert_eq!((&statuses[..COUNT - 1], statuses[COUNT - 1]), ([200; COUNT - 1].as_slice(), 201));
    assert_eq!(server.sql("SELECT count(*) FROM audit_events WHERE request_id = 's'"), [[json!(1)]]);
    assert_eq!(server.count("interactions WHERE status = 'pending'"), 1);
}

#[test]
fn patterns_are_held_against_the_documented_subject() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for (index, (given, input, subject)) in [
        (Some("mine"), r#"{"command":"ls"}"#, "mine"),
        (None, r#"{"url":"u","path":"p","file_path":"f","command":"c"}"#, "c"),
        (None, r#"{"url":"u","path":"p","file_path":"f"}"#, "f"),
        (None, r#"{"url":"u","path":"p"}"#, "p"),
        (None, r#"{"url":"u","other":1}"#, "u"),
        (None, r#"{"command":["ls","a b"],"url":"u"}"#, "ls 'a b'"),
        (None, r#"{"command":["bash","-lc","a && b"]}"#, "a && b"),
        (None, r#"{"command":[1],"url":"u"}"#, "u"),
        (None, r#"{"filePath":"f","file":"g"}"#, "f"),
        (
            None,
            r#"{"b":1.0, "a":{"d":9007199254740993,"c":"\u00e9"}}"#,
            r#"{"a":{"c":"é","d":9007199254740993},"b":1}"#,
        ),
        (None, "{}", "{}"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("r{index}");
        let mut body: Value = serde_json::from_str(&with_input(&id, "shell", "{}")).unwrap();
        if let Some(given) = given {
            body["confirmation"]["subject"] = json!(given);
        }
        let text = body.to_string().replace(r#""input":{}"#, &format!(r#""input":{input}"#));
        assert_eq!(agent.post_text(REGISTER, &text).expect(201).body["confirmation"]["subject"], subject, "{input}");
        let stored = server.sql(&format!("SELECT subject FROM v_pending WHERE request_id = '{id}'"));
        assert_eq!(stored, [[json!(subject)]]);
    }
}
