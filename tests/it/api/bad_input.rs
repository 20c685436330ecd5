//! Bodies that are not what a route takes: each is refused, in the documented shape, and changes nothing.
//!
//! The walks begin from a body in which every field is given and which would succeed, and break one thing of it, so that
//! nothing but the broken thing can be the reason of the refusal.

use serde_json::{Map, Value, json};

use crate::api::routes::{Call, Fixture};
use crate::harness::{Answer, Client, full_confirmation, full_question, full_secret};

/// Does it with every call of the fixture that takes a body, all on one server, which must not change.
fn walk_bodies(it: impl Fn(&Client, &Call, &Value)) {
    Fixture::new().unchanged_by(|fixture| {
        for call in fixture.calls() {
            if let Some(body) = &call.body {
                it(&fixture.admin, &call, body);
            }
        }
    });
}

/// The same, but for bodies that are others' to shape: what is not known of an event is passed over or denied.
fn walk_own_bodies(it: impl Fn(&Client, &Call, &Value)) {
    walk_bodies(|client, call, body| {
        if call.route != "/v1/hooks/{client}" {
            it(client, call, body);
        }
    });
}

#[track_caller]
fn assert_malformed(answer: &Answer, call: &Call, broken: &str) {
    let place = format!("{} {} with {}", call.method, call.path, broken.chars().take(300).collect::<String>());
    assert_eq!(answer.status, 400, "{place}: {answer:?}");
    assert_eq!(answer.code(), "malformed_request", "{place}");
}

/// The JSON pointers of everything in `body`, but not below what is the agent's own to shape.
pub(super) fn places(body: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(place) = found.get(next).cloned() {
        next += 1;
        if is_free(&place) {
            continue;
        }
        match body.pointer(&place) {
            Some(Value::Object(members)) => found.extend(members.keys().map(|key| format!("{place}/{key}"))),
            Some(Value::Array(items)) => found.extend((0..items.len()).map(|index| format!("{place}/{index}"))),
            _ => {}
        }
    }
    found.split_off(1)
}

fn is_free(place: &str) -> bool {
    const FREE: [&str; 9] =
        ["/input", "/metadata", "/updatedInput", "/arguments", "/context", "/kwargs", "/channel", "/state", "/params"];
    FREE.iter().any(|free| place.ends_with(free))
}

pub(super) fn replaced(body: &Value, place: &str, by: &Value) -> String {
    let mut broken = body.clone();
    *broken.pointer_mut(place).unwrap() = by.clone();
    broken.to_string()
}

/// Sends `call` with each of the values at each of the fields that bear one of the names.
fn walk_fields(names: &[&str], values: &[Value]) {
    walk_bodies(|client, call, body| {
        for place in places(body).iter().filter(|place| names.contains(&place.rsplit('/').next().unwrap())) {
            for value in values {
                let broken = replaced(body, place, value);
                assert_malformed(&call.send_text(client, broken.as_bytes()), call, &broken);
            }
        }
    });
}

#[test]
fn a_body_that_is_not_one_json_object_is_never_taken_for_one() {
    let not_objects: [&[u8]; 14] = [
        b"{",
        b"[]",
        b"[{}]",
        b"null",
        b"7",
        b"\"text\"",
        b"{} {}",
        b"{}x",
        b"{,}",
        b"{'a':1}",
        b"\xef\xbb\xbf{}",
        b"{\"requestId\":\"\xff\xfe\"}",
        b"\0",
        b"{\"a\":1,}",
    ];
    walk_bodies(|client, call, body| {
        for broken in not_objects {
            assert_malformed(&call.send_text(client, broken), call, &String::from_utf8_lossy(broken));
        }
        let whole = body.to_string();
        for cut in [whole.len() - 1, whole.len() / 2] {
            assert_malformed(&call.send_text(client, &whole.as_bytes()[..cut]), call, "half of itself");
        }
        if !call.optional_body {
            assert_malformed(&call.send_text(client, b""), call, "nothing");
            assert_malformed(&call.send_text(client, b"{}"), call, "{}");
        }
    });
}

#[test]
fn a_field_of_the_wrong_type_is_never_bent_into_shape() {
    let wrong_for = |value: &Value| match value {
        // serde by itself takes {"allow": null} for "allow".
        Value::String(text) => vec![json!(7), json!(true), json!([]), json!({}), json!({text.as_str(): null})],
        Value::Number(_) => vec![json!("7"), json!(1.5), json!(-1), json!(true), json!([]), json!({})],
        Value::Bool(_) => vec![json!("true"), json!(1), json!([]), json!({})],
        Value::Array(_) => vec![json!("x"), json!(7), json!(true), json!({}), json!([7]), json!([[]])],
        Value::Object(_) => vec![json!("x"), json!(7), json!(true), json!([])],
        Value::Null => Vec::new(),
    };
    walk_own_bodies(|client, call, body| {
        // The id of a message of MCP is a text or a number: its own test has what is neither.
        for place in places(body).into_iter().filter(|place| place != "/id") {
            for wrong in wrong_for(body.pointer(&place).unwrap()) {
                let broken = replaced(body, &place, &wrong);
                assert_malformed(&call.send_text(client, broken.as_bytes()), call, &broken);
            }
        }
    });
}

/// serde by itself takes an array of a struct's fields, in their order, for the struct.
#[test]
fn an_array_is_never_taken_for_an_object() {
    let entry = json!(["colour", "Which?", [{"optionId": "red", "label": "Red"}], true]);
    let broken = [
        (full_confirmation(), "/confirmation/diff", json!(["/repo/a", "a", "b", false])),
        (full_confirmation(), "/confirmation/allowlistOptions/0", json!(["any make", null, "make *"])),
        (full_confirmation(), "/confirmation/scopeOptions/0", json!(["here", "/repo"])),
        (
            full_confirmation(),
            "/confirmation",
            json!(["shell", {"command": "ls"}, null, "low", null, null, null, null, null, null, [], [], true, false]),
        ),
        (full_secret(), "/secret", json!(["forge", "token", "label", null, null, null, [], [], true])),
        (full_question(), "/question", json!([[entry]])),
        (full_question(), "/question/entries/0", entry),
        (full_question(), "/question/entries/0/options/0", json!(["red", "Red", null])),
    ];
    Fixture::new().unchanged_by(|fixture| {
        for (body, place, array) in &broken {
            let answer = fixture.admin.post_text("/v1/interactions", &replaced(body, place, array));
            assert_eq!(answer.refusal(), (400, "malformed_request"), "{place}");
        }
        let answer =
            json!({"requestId": "q", "responses": [["colour", "red", null, false], ["why", null, "so", false]]});
        assert_eq!(fixture.admin.post("/v1/question-response", &answer).refusal(), (400, "malformed_request"));
    });
}

#[test]
fn a_misspelt_field_is_never_silently_ignored() {
    walk_own_bodies(|client, call, body| {
        for place in places(body).into_iter().chain([String::new()]) {
            let mut broken = body.clone();
            if let Some(Value::Object(members)) = broken.pointer_mut(&place).filter(|_| !is_free(&place)) {
                members.insert("surprise".to_owned(), json!(1));
                let answer = call.send_text(client, broken.to_string().as_bytes());
                assert_malformed(&answer, call, &broken.to_string());
                assert!(answer.text.contains("surprise"), "it does not say which: {answer:?}");
            }
        }
    });
}

#[test]
fn of_two_equal_keys_none_wins() {
    let twice = |body: &Value, place: &str, key: &str| {
        let mut marked = body.clone();
        let members: &mut Map<String, Value> = marked.pointer_mut(place).unwrap().as_object_mut().unwrap();
        members.insert("TWICE".to_owned(), members[key].clone());
        marked.to_string().replace("\"TWICE\"", &json!(key).to_string())
    };
    walk_bodies(|client, call, body| {
        for place in places(body).into_iter().chain([String::new()]) {
            let keys = body.pointer(&place).and_then(Value::as_object).into_iter().flat_map(Map::keys);
            for key in keys {
                let broken = twice(body, &place, key);
                assert_malformed(&call.send_text(client, broken.as_bytes()), call, &broken);
            }
        }
    });
    let deep = json!({"a": [{"b": {"c": 1}}]});
    let escaped = twice(&deep, "/a/0/b", "c").replacen("\"c\"", r#""\u0063""#, 1);
    walk_free_objects(&[twice(&deep, "/a/0/b", "c"), twice(&deep, "/a/0", "b"), escaped]);
}

/// Sends each of the texts as an input, as metadata and as an edited input.
fn walk_free_objects(texts: &[String]) {
    walk_bodies(|client, call, body| {
        for place in places(body).iter().filter(|place| is_free(place)) {
            for text in texts {
                let broken = replaced(body, place, &json!("HERE")).replace("\"HERE\"", text);
                assert_malformed(&call.send_text(client, broken.as_bytes()), call, &broken);
            }
        }
    });
}

#[test]
fn no_nesting_bomb_takes_the_server_down() {
    const LEVELS: usize = 100_000;
    let arrays = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(LEVELS), "}".repeat(LEVELS));
    walk_free_objects(&[format!("{{\"a\":{arrays}}}"), objects.clone(), format!("{{\"a\":{}", "[".repeat(LEVELS))]);
    walk_bodies(|client, call, body| {
        for bomb in [&arrays, &objects] {
            assert_malformed(&call.send_text(client, bomb.as_bytes()), call, "a bomb");
            for place in places(body).iter().filter(|place| !is_free(place)) {
                let broken = replaced(body, place, &json!("HERE")).replace("\"HERE\"", bomb);
                assert_malformed(&call.send_text(client, broken.as_bytes()), call, "a bomb");
            }
        }
    });
}

#[test]
fn an_id_that_a_path_or_sqlite_would_read_otherwise_is_refused() {
    let long = "x".repeat(129);
    let ids = ["", ".", "..", "a\0", "a\0b", "a\n", "\u{1b}[2J", "a b", "a/b", "a%00", "é", "\u{202e}a", &long];
    let names = ["requestId", "conversationId", "questionId", "optionId", "claimId", "takeId"];
    walk_fields(&names, &ids.map(Value::from));
}

#[test]
fn a_name_that_looks_like_another_is_refused() {
    let long = "x".repeat(257);
    let names = ["", " ", " shell", "shell ", "sh\0ell", "shell\n", "\u{7f}", "\u{85}", "\u{1b}[2J", &long];
    walk_fields(&["toolName", "service", "field"], &names.map(Value::from));
    walk_fields(&["pattern", "scope", "selectedPattern", "selectedScope"], &["", "a\0b"].map(Value::from));
}

#[test]
fn a_word_that_is_not_in_the_table_is_refused() {
    let words = ["", "Allow", "allow ", "true", "pending", "approved", "\0"].map(Value::from);
    walk_fields(&["kind", "decision", "riskLevel", "executionTarget", "delivery", "outcome"], &words);
    let deadlines = ["", "tomorrow", "2030-01-01", "2030-13-01T00:00:00Z", "1893456000000", "-000001-01-01T00:00:00Z"];
    walk_fields(&["expiresAt"], &deadlines.map(Value::from));
    walk_fields(&["expiresInMs", "maxUses"], &[json!(0), json!(-1), json!(1e300)]);
}

#[test]
fn an_empty_secret_is_not_given() {
    walk_fields(&["value"], &["", " ", "\t\r\n", "\u{a0}\u{2003}"].map(Value::from));
}

#[test]
fn a_pattern_longer_than_the_limit_is_refused_wherever_it_comes_in() {
    let long = json!("x".repeat(1025));
    walk_fields(&["selectedPattern", "pattern"], &[long]);
}
