//! `POST /v1/interactions`.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, START, TestServer, confirmation, question, responses, secret};
use crate::routes::{DIGEST, everything, full_confirmation, full_question, full_secret};

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
    for (full, kind, expires_at) in [
        (full_confirmation(), "confirmation", "2030-01-01T00:01:00.000Z"),
        (full_secret(), "secret", "2030-01-01T01:00:00.000Z"),
        (full_question(), "question", "2030-01-02T00:00:00.000Z"),
    ] {
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
            "metadata": metadata, kind: shown, "resolution": null, "claim": null});
        assert_eq!(answer.body, expected);
        let row = format!("SELECT kind, status, registered_by, tool_name FROM interactions WHERE request_id = '{id}'");
        let tool = if kind == "confirmation" { json!("shell") } else { Value::Null };
        assert_eq!(server.sql(&row), [[json!(kind), json!("pending"), json!("builder"), tool]]);
        let told = server.sql(&format!("SELECT event, principal FROM audit_events WHERE request_id = '{id}'"));
        assert_eq!(told, [[json!("interaction.registered"), json!("builder")]]);
    }
    assert_eq!(server.sql("SELECT pending_count FROM principals"), [[json!(3)]]);
}

#[test]
fn what_is_left_out_gets_the_defaults_of_the_contract() {
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
    assert_eq!(server.sql("SELECT pending_count FROM principals"), [[json!(1)]]);
}

#[test]
fn an_id_that_is_taken_is_a_conflict_that_shows_nothing_of_what_took_it() {
    let server = TestServer::start();
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    agent.register(&confirmation("r"));
    let changed = |place: &str, value: Value| {
        let mut body = confirmation("r");
        match body.pointer_mut(place) {
            Some(old) => *old = value,
            None => body[place.trim_start_matches('/')] = value,
        }
        body
    };
    let before = everything(&server);
    let conflict = other.post(REGISTER, &confirmation("r"));
    assert_eq!(conflict.refusal(), (409, "request_id_conflict"));
    for (client, body) in [
        (&other, secret("r")),
        (&agent, secret("r")),
        (&agent, question("r")),
        (&agent, changed("/confirmation/input/command", json!("make deploy "))),
        (&agent, changed("/confirmation/toolName", json!("Shell"))),
        (&agent, changed("/confirmation/scopeOptions", json!([]))),
        (&agent, changed("/conversationId", json!("another"))),
        (&agent, changed("/conversationId", Value::Null)),
        (&agent, changed("/metadata", json!({"a": 1}))),
        (&agent, changed("/expiresAt", json!("2030-01-02T00:00:00.000Z"))),
    ] {
        let answer = client.post(REGISTER, &body);
        assert_eq!((answer.status, &answer.text), (409, &conflict.text), "{body}");
    }
    for shown in ["builder", "make", "shell", "conversation", "pending"] {
        assert!(!conflict.text.contains(shown), "{}", conflict.text);
    }
    assert_eq!(everything(&server), before);
}

#[test]
fn a_deadline_is_one_moment_in_the_future() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let before = everything(&server);
    for deadline in [
        json!({"expiresInMs": 1000, "expiresAt": "2030-01-01T01:00:00.000Z"}),
        json!({"expiresInMs": 0}),
        json!({"expiresInMs": u64::MAX}),
        json!({"expiresAt": START}),
        json!({"expiresAt": "2030-01-01T00:00:00.0009Z"}),
        json!({"expiresAt": "2029-12-31T23:59:59.999Z"}),
        json!({"expiresAt": "2030-01-01T01:00:00+02:00"}),
    ] {
        let mut body = secret("s");
        body.as_object_mut().unwrap().extend(deadline.as_object().unwrap().clone());
        assert_eq!(agent.post(REGISTER, &body).refusal(), (400, "malformed_request"), "{deadline}");
    }
    assert_eq!(everything(&server), before);
    for (id, given, shown) in [
        ("a", json!({"expiresInMs": 1}), "2030-01-01T00:00:00.001Z"),
        ("b", json!({"expiresAt": "2030-01-01T02:00:00.001+02:00"}), "2030-01-01T00:00:00.001Z"),
        ("c", json!({"expiresAt": "2030-01-01T00:00:01.2349999Z"}), "2030-01-01T00:00:01.234Z"),
        ("d", json!({"expiresAt": "9999-12-31T23:59:59.999Z"}), "9999-12-31T23:59:59.999Z"),
    ] {
        let mut body = secret(id);
        body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        assert_eq!(agent.register(&body)["expiresAt"], shown, "{given}");
    }
}

#[test]
fn a_member_of_another_kind_or_none_is_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let before = everything(&server);
    let whole = [confirmation("r"), secret("r"), question("r")];
    for body in &whole {
        let kind = body["kind"].as_str().unwrap();
        let mut bare = body.clone();
        bare.as_object_mut().unwrap().remove(kind);
        assert_eq!(agent.post(REGISTER, &bare).refusal(), (400, "malformed_request"), "{kind} without its member");
        for other in whole.iter().filter(|other| other["kind"] != *kind) {
            let member = other["kind"].as_str().unwrap();
            for mut mixed in [body.clone(), bare.clone()] {
                mixed[member] = other[member].clone();
                assert_eq!(agent.post(REGISTER, &mixed).refusal(), (400, "malformed_request"), "{kind} with {member}");
            }
        }
    }
    assert_eq!(everything(&server), before);
}

#[test]
fn options_that_cannot_be_told_apart_or_answered_are_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let before = everything(&server);
    let option = json!({"optionId": "o", "label": "l"});
    let entry = |id: &str, options: Value| json!({"questionId": id, "text": "?", "options": options});
    let entries = |entries: Value| ("question", "entries", entries);
    let (pattern, scope) = (json!({"label": "l", "pattern": "*"}), json!({"label": "l", "scope": "/"}));
    let long = json!([{"label": "l", "pattern": "x".repeat(1025)}]);
    for (kind, field, value) in [
        ("confirmation", "allowlistOptions", json!([pattern, pattern])),
        ("confirmation", "allowlistOptions", json!([{"pattern": "*"}])),
        ("confirmation", "allowlistOptions", json!([{"label": "l"}])),
        ("confirmation", "allowlistOptions", long),
        ("confirmation", "scopeOptions", json!([scope, {"label": "other", "scope": "/"}])),
        ("confirmation", "scopeOptions", json!([{"scope": "/"}])),
        ("confirmation", "inputDigest", json!(DIGEST)),
        ("secret", "label", json!(" ")),
        entries(json!([])),
        entries(json!([entry("a", json!([option])), entry("a", json!([option]))])),
        entries(json!([entry("a", json!([option, option]))])),
        entries(json!([entry("a", json!([]))])),
        entries(json!([{"questionId": "a", "options": [option]}])),
        entries(json!([{"text": "?", "options": [option]}])),
    ] {
        let mut body = match kind {
            "confirmation" => confirmation("r"),
            "secret" => secret("r"),
            _ => question("r"),
        };
        body[kind][field] = value;
        let answer = agent.post(REGISTER, &body);
        assert_eq!(answer.refusal(), (400, "malformed_request"), "{body}");
        let named = answer.body["field"].as_str().unwrap();
        assert!(named.starts_with(&format!("{kind}.{field}")), "{named} for {kind}.{field}");
    }
    assert_eq!(everything(&server), before);
    let mut one_option_in_two_entries = question("r");
    one_option_in_two_entries["question"]["entries"] =
        json!([entry("a", json!([option])), entry("b", json!([option]))]);
    agent.register(&one_option_in_two_entries);
}

#[test]
fn patterns_are_held_against_the_subject_that_the_contract_names() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for (index, (given, input, subject)) in [
        (Some("mine"), r#"{"command":"ls"}"#, "mine"),
        (None, r#"{"url":"u","path":"p","file_path":"f","command":"c"}"#, "c"),
        (None, r#"{"url":"u","path":"p","file_path":"f"}"#, "f"),
        (None, r#"{"url":"u","path":"p"}"#, "p"),
        (None, r#"{"url":"u","other":1}"#, "u"),
        (None, r#"{"command":["ls"],"url":"u"}"#, "u"),
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

#[test]
fn a_principal_with_too_much_pending_is_told_to_come_back_and_has_room_after_each_resolution() {
    let server = TestServer::with(&["--max-pending", "2"]);
    let (agent, other, ada) = (server.agent("builder"), server.agent("other"), server.approver("ada"));
    let full = |client: &Client, id: &str| {
        let before = everything(&server);
        let answer = client.post(REGISTER, &secret(id));
        assert_eq!(answer.refusal(), (429, "too_many_pending"));
        assert_eq!(
            (&answer.headers["retry-after"], &answer.body["retryAfterMs"]),
            (&"1".parse().unwrap(), &json!(1000))
        );
        assert_eq!(everything(&server), before);
    };
    agent.register(&secret("s"));
    agent.register(&question("q"));
    full(&agent, "more");
    full(&server.agent("builder"), "more");
    agent.post(REGISTER, &secret("s")).expect(200);
    other.register(&secret("theirs"));
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    let mut brief = confirmation("c");
    brief["expiresInMs"] = json!(1000);
    agent.register(&brief);
    full(&agent, "more");
    ada.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
    agent.register(&confirmation("c2"));
    full(&agent, "more");
    ada.confirm("c2", "deny").expect(200);
    agent.register(&secret("s2"));
    agent.post_nothing("/v1/interactions/s2/cancel").expect(200);
    agent.register(&secret("s3"));
    full(&agent, "more");
    server.advance(Duration::from_secs(1));
    assert_eq!(agent.look("c")["status"], "expired");
    agent.register(&secret("s4"));
    full(&agent, "more");
    ada.post_nothing("/v1/conversations/conversation/supersede").expect(200);
    assert_eq!(server.sql("SELECT sum(pending_count) FROM principals"), [[json!(0)]]);
    agent.register(&secret("more"));
}
