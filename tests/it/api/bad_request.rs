//! What can be wrong around a body: paths, queries, methods, headers, sizes. Each is refused, in the documented shape, and
//! changes nothing.

use serde_json::json;

use crate::api::routes::{Call, Fixture};
use crate::harness::confirmation;

const BODY_LIMIT: usize = 1024 * 1024;

fn with_bodies(fixture: &Fixture) -> Vec<Call> {
    fixture.calls().into_iter().filter(|call| call.body.is_some()).collect()
}

#[test]
fn an_id_in_a_path_is_held_to_the_same_rules_as_in_a_body() {
    let long = "x".repeat(129);
    let ids = ["%00", "a%00b", "c%00", "a%0a", "%2e", "%2e%2e", "%20", "c%2Fcancel", "%ff", "%C3%A9", &long];
    Fixture::new().unchanged_by(|fixture| {
        for call in fixture.calls().into_iter().filter(|call| call.route.contains('{')) {
            let (before, rest) = call.route.split_once('{').unwrap();
            let after = rest.split_once('}').unwrap().1;
            // The name of a view is a person's own word.
            for id in ids.into_iter().filter(|id| *id != "%C3%A9" || !call.route.contains("{name}")) {
                let broken = Call { path: format!("{before}{id}{after}"), ..call_like(&call) };
                let answer = broken.send(&fixture.admin);
                assert_eq!(answer.refusal(), (400, "malformed_request"), "{} {}", broken.method, broken.path);
            }
        }
    });
}

fn call_like(call: &Call) -> Call {
    Call { path: call.path.clone(), body: call.body.clone(), ..*call }
}

#[test]
fn what_is_not_a_path_of_ours_is_told_in_our_shape() {
    let paths = [
        "/v1",
        "/v1/",
        "/v2/interactions",
        "/v1/interactions/",
        "/v1/interactions/c/",
        "/v1/interactions/c/approve",
        "//v1/interactions",
        "/V1/interactions",
        "/v1/interactions/c%2fcancel/x",
        "/v1/confirm/",
        "/healthz/",
        "/%00",
    ];
    Fixture::new().unchanged_by(|fixture| {
        for path in paths {
            for method in ["GET", "POST", "DELETE"] {
                let answer = fixture.admin.try_send(method, path, &[], None).unwrap();
                assert_eq!(answer.refusal(), (404, "unknown_path"), "{method} {path}");
            }
        }
    });
}

#[test]
fn a_method_that_a_path_does_not_take_is_refused_with_those_that_it_takes() {
    Fixture::new().unchanged_by(|fixture| {
        let calls = fixture.calls();
        for call in &calls {
            let taken = |method: &str| calls.iter().any(|other| other.route == call.route && other.method == method);
            for method in
                ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"].into_iter().filter(|m| !taken(m))
            {
                let answer = fixture.admin.try_send(method, &call.path, &[], None).unwrap();
                assert_eq!(answer.refusal(), (405, "method_not_allowed"), "{method} {}", call.path);
                let allowed = answer.headers["allow"].to_str().unwrap().split(',').collect::<Vec<_>>();
                for method in ["GET", "POST", "DELETE"] {
                    assert_eq!(allowed.contains(&method), taken(method), "{}: {allowed:?}", call.path);
                }
            }
        }
        let answer = fixture.admin.post_nothing("/healthz");
        assert_eq!(
            (answer.refusal(), &answer.headers["allow"]),
            ((405, "method_not_allowed"), &"GET,HEAD".parse().unwrap())
        );
    });
}

#[test]
fn a_body_that_does_not_say_that_it_is_json_is_not_read_as_json() {
    let types = ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json", "", "\u{e9}"];
    Fixture::new().unchanged_by(|fixture| {
        for call in with_bodies(fixture) {
            let body = call.body.as_ref().unwrap().to_string();
            let send = |headers: &[(&str, &str)]| {
                let headers = [call.headers, headers].concat();
                fixture.admin.try_send(call.method, &call.path, &headers, Some(body.as_bytes())).unwrap()
            };
            for content_type in types {
                let answer = send(&[("content-type", content_type)]);
                assert_eq!(answer.refusal(), (415, "unsupported_media_type"), "{} {content_type}", call.path);
            }
            if !call.optional_body {
                assert_eq!(send(&[]).refusal(), (415, "unsupported_media_type"), "{} without one", call.path);
            }
        }
    });
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read_as_anything() {
    Fixture::new().unchanged_by(|fixture| {
        for call in with_bodies(fixture) {
            let body = call.body.as_ref().unwrap().to_string();
            let large = format!("{body}{}", " ".repeat(BODY_LIMIT + 1 - body.len()));
            let answer = call.send_text(&fixture.admin, large.as_bytes());
            assert_eq!(answer.refusal(), (413, "body_too_large"), "{}", call.path);
            let garbage = call.send_text(&fixture.admin, &vec![b'x'; BODY_LIMIT + 1]);
            assert_eq!(garbage.refusal(), (413, "body_too_large"), "{}", call.path);
        }
        let mut large = confirmation("large");
        large["confirmation"]["input"] = json!({"command": "x".repeat(256 * 1024)});
        let answer = fixture.admin.post("/v1/interactions", &large);
        assert_eq!((answer.refusal(), &answer.body["field"]), ((413, "input_too_large"), &json!("confirmation.input")));
        let edited = json!({"requestId": "c", "decision": "allow", "updatedInput": large["confirmation"]["input"]});
        let answer = fixture.admin.post("/v1/confirm", &edited);
        assert_eq!((answer.refusal(), &answer.body["field"]), ((413, "input_too_large"), &json!("updatedInput")));
    });
}

#[test]
fn a_body_just_below_the_limit_is_read() {
    let fixture = Fixture::new();
    let body = json!({"requestId": "c", "decision": "deny"}).to_string();
    let padded = format!("{body}{}", " ".repeat(BODY_LIMIT - body.len()));
    fixture.admin.post_text("/v1/confirm", &padded).expect(200);
}

#[test]
fn headers_over_the_limit_are_refused_wherever_they_come_in() {
    Fixture::new().unchanged_by(|fixture| {
        let large = "x".repeat(16 * 1024);
        for call in fixture.calls() {
            let answer = call.send_with(&fixture.admin, &[("x-large", &large)]);
            assert_eq!(answer.refusal(), (431, "headers_too_large"), "{} {}", call.method, call.path);
        }
        let answer = fixture.server.anonymous().get(&format!("/healthz?{large}"));
        assert_eq!(answer.refusal(), (431, "headers_too_large"));
    });
}

#[test]
fn a_query_that_is_not_what_a_list_takes_is_refused() {
    let lists = [
        "/v1/interactions",
        "/v1/pending-interactions",
        "/v1/pending-interactions?conversationId=conversation",
        "/v1/trust-rules",
        "/v1/audit-events",
    ];
    let queries = [
        "limit=501",
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1e1",
        "limit=4294967297",
        "limit=1&limit=1",
        "cursor=",
        "cursor=!",
        "cursor=-1",
        "cursor=0",
        "cursor=x",
        "cursor=AAAA",
        "cursor=zzzzzzzzzzzzzz",
        "cursor=a%00",
        "Limit=1",
        "surprise=1",
    ];
    Fixture::new().unchanged_by(|fixture| {
        for list in lists {
            for query in queries {
                let path = format!("{list}{}{query}", if list.contains('?') { '&' } else { '?' });
                assert_eq!(fixture.admin.get(&path).refusal(), (400, "malformed_request"), "{path}");
            }
        }
        for path in [
            "/v1/interactions?status=open",
            "/v1/interactions?status=",
            "/v1/interactions?kind=prompt",
            "/v1/interactions?conversationId=a%20b",
            "/v1/interactions?toolName=%00",
            "/v1/interactions?principal=",
            "/v1/interactions?status=pending&status=pending",
            "/v1/pending-interactions?conversationId=",
            "/v1/trust-rules?status=pending",
            "/v1/trust-rules?toolName=",
            "/v1/audit-events?requestId=a%00",
            "/v1/audit-events?ruleId=..",
            "/v1/audit-events?principal=%0a",
            "/v1/interactions/c?waitMs=300001",
            "/v1/interactions/c?waitMs=-1",
            "/v1/interactions/c?waitMs=1.5",
            "/v1/interactions/c?waitMs=",
            "/v1/interactions/c?waitMs=99999999999999999999",
            "/v1/interactions/c?wait=1",
        ] {
            assert_eq!(fixture.admin.get(path).refusal(), (400, "malformed_request"), "{path}");
        }
        for last in ["", "-1", "x", "1.0", "99999999999999999999"] {
            let answer = fixture.admin.try_send("GET", "/v1/events", &[("last-event-id", last)], None).unwrap();
            assert_eq!(answer.refusal(), (400, "malformed_request"), "{last:?}");
        }
    });
}

#[test]
fn a_query_where_none_is_taken_is_not_silently_ignored() {
    Fixture::new().unchanged_by(|fixture| {
        for call in fixture.calls() {
            let asked = Call { path: format!("{}?surprise=1", call.path), ..call_like(&call) };
            // The feed would never end: a header that it refuses, too, but later, ends it where the query does not.
            let headers: &[_] = if call.is_feed() { &[("last-event-id", "none")] } else { &[] };
            let answer = asked.send_with(&fixture.admin, headers);
            assert_eq!(answer.refusal(), (400, "malformed_request"), "{} {}", asked.method, asked.path);
            assert!(answer.text.contains("surprise"), "{answer:?}");
        }
    });
}

/// A cursor is of one list and of this server: a made-up one would show a page that nobody asked for.
#[test]
fn a_cursor_of_another_list_is_refused() {
    let fixture = Fixture::new();
    let admin = &fixture.admin;
    let rule =
        |pattern: &str| json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": "ask"});
    for number in 0..2 {
        admin.register(&confirmation(&format!("page-{number}")));
        admin.post("/v1/trust-rules", &rule(&format!("ls {number}"))).expect(201);
    }
    let lists = ["/v1/interactions", "/v1/pending-interactions", "/v1/trust-rules", "/v1/audit-events"];
    for own in lists {
        let page = admin.get(&format!("{own}?limit=1")).expect(200).body;
        let cursor = page["nextCursor"].as_str().unwrap();
        for list in lists {
            let answer = admin.get(&format!("{list}?cursor={cursor}"));
            if list == own {
                answer.expect(200);
            } else {
                assert_eq!((answer.refusal(), &answer.body["field"]), ((400, "malformed_request"), &json!("cursor")));
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_query_or_a_path_names_its_field() {
    let fixture = Fixture::new();
    for (path, field, says) in [
        ("/v1/interactions?limit=x", "limit", "a whole number"),
        ("/v1/interactions?limit=", "limit", "a whole number"),
        ("/v1/interactions?limit=4294967297", "limit", "a whole number"),
        ("/v1/interactions?limit=0", "limit", "1 to 500"),
        ("/v1/interactions?cursor=x", "cursor", "the nextCursor"),
        ("/v1/interactions?conversationId=a%20b", "conversationId", "an id is"),
        ("/v1/interactions/c?waitMs=1.5", "waitMs", "a whole number"),
        ("/v1/interactions?surprise=1", "surprise", "unknown field"),
        ("/v1/interactions/a%20b", "requestId", "an id is"),
        ("/v1/trust-rules/a%20b", "ruleId", "an id is"),
    ] {
        let body = fixture.admin.get(path).expect(400).body;
        let sentence = body["error"].as_str().unwrap();
        assert_eq!(body["field"], field, "{path}: {sentence}");
        assert!(sentence.contains(says) && !sentence.contains("deserialize"), "{path}: {sentence}");
    }
}

#[test]
fn half_a_surrogate_pair_is_told_by_its_name() {
    let fixture = Fixture::new();
    let whole = confirmation("c-pair").to_string();
    for half in ["\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\ud83d"] {
        for at in ["make deploy", "conversation", "shell"] {
            let text = whole.replacen(&format!("\"{at}\""), &format!("\"{half}\""), 1);
            assert_ne!(text, whole);
            let answer = fixture.admin.post_text("/v1/interactions", &text);
            assert_eq!(answer.refusal(), (400, "malformed_request"), "{text}");
            assert!(answer.body["error"].as_str().unwrap().contains("half a surrogate pair"), "{half}: {answer:?}");
        }
    }
    let paired = whole.replacen("\"make deploy\"", "\"\\ud83d\\ude00\"", 1);
    fixture.admin.post_text("/v1/interactions", &paired).expect(201);
}
