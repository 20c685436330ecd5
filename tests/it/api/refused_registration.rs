//! What `POST /v1/interactions` refuses of what is well written: ids that are taken, deadlines that cannot be, options
//! that cannot be told apart, and too much at once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::routes::everything;
use crate::harness::outside::{told, write_sql};
use crate::harness::{Client, KINDS, START, TestServer, confirmation, question, responses, secret};

const REGISTER: &str = "/v1/interactions";

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
        // The last millisecond of 9999, which no list could write down.
        json!({"expiresInMs": 251_508_844_799_999_u64}),
        json!({"expiresAt": "9999-12-31T23:59:59.999Z"}),
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
        ("d", json!({"expiresAt": "9999-12-30T21:59:59.999Z"}), "9999-12-30T21:59:59.999Z"),
    ] {
        let mut body = secret(id);
        body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        assert_eq!(agent.register(&body)["expiresAt"], shown, "{given}");
        assert_eq!(agent.get(REGISTER).expect(200).body["interactions"][0]["expiresAt"], shown, "{given}");
    }
}

#[test]
fn a_member_of_another_kind_or_none_is_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let before = everything(&server);
    let whole = KINDS.iter().map(|kind| (kind.registration)("r")).collect::<Vec<_>>();
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
    let refused = KINDS.iter().flat_map(|kind| (kind.refused)().into_iter().map(move |refused| (kind, refused)));
    for (kind, (field, value)) in refused {
        let (mut body, kind) = ((kind.registration)("r"), kind.name);
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
    assert_eq!(server.count("interactions WHERE status = 'pending'"), 0);
    agent.register(&secret("more"));
}

/// The server remembers how much is pending: what another program does to the file counts with the next registration.
#[test]
fn what_another_program_resolves_makes_room_at_once() {
    let server = TestServer::with(&["--max-pending", "1"]);
    let agent = server.agent("builder");
    agent.register(&secret("s"));
    assert_eq!(agent.post(REGISTER, &secret("more")).refusal(), (429, "too_many_pending"));
    let resolve = "UPDATE interactions SET status = 'cancelled', resolved_at_ms = created_at_ms, resolved_by_principal = 'builder'";
    write_sql(&server.db(), &format!("{resolve}; {}", told("interaction.cancelled", "'s'"))).unwrap();
    agent.register(&secret("more"));
    assert_eq!(agent.post(REGISTER, &secret("again")).refusal(), (429, "too_many_pending"));
}
