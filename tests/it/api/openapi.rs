//! The description of the interface, and its page for people.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::routes::Fixture;
use crate::harness::{TestServer, countersign};

const CHECKED_IN: &str = include_str!("../../../docs/reference/openapi.json");

#[test]
fn the_description_that_is_checked_in_is_the_one_that_is_served_and_printed() {
    let printed = countersign().arg("openapi").output().unwrap();
    let served = TestServer::start().anonymous().get("/openapi.json").expect(200);
    assert_eq!(served.headers["content-type"], "application/json");
    assert_eq!(served.text.as_bytes(), printed.stdout);
    assert!(served.text == CHECKED_IN, "write it anew: cargo run -- openapi > docs/reference/openapi.json");
}

#[test]
fn every_call_is_described_once_with_its_status_and_no_other_call_is() {
    let document: Value = serde_json::from_str(CHECKED_IN).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut described = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            assert!(
                names.insert(operation["operationId"].as_str().unwrap()),
                "{} is there twice",
                operation["operationId"]
            );
        }
    }
    let mut routed = BTreeSet::from([("GET".to_owned(), "/healthz".to_owned())]);
    for call in Fixture::new().calls() {
        let operation = &document["paths"][call.route][call.method.to_lowercase()];
        assert!(operation["responses"].get(call.status.to_string()).is_some(), "{} {}", call.method, call.route);
        assert_eq!(operation["requestBody"].is_object(), call.body.is_some(), "{} {}", call.method, call.route);
        routed.insert((call.method.to_owned(), call.route.to_owned()));
    }
    assert_eq!(described, routed);
}

#[test]
fn every_member_of_every_answer_is_described() {
    let document: Value = serde_json::from_str(CHECKED_IN).unwrap();
    let fixture = Fixture::new();
    for call in fixture.calls().iter().filter(|call| !call.is_feed() && call.route != "/metrics") {
        let answer = call.send(&fixture.admin);
        let response = &document["paths"][call.route][call.method.to_lowercase()]["responses"];
        let described = response.get(answer.status.to_string()).unwrap_or(&response["4XX"]);
        let schema = &described["content"]["application/json"]["schema"];
        check(&document, schema, &answer.body, &format!("{} {}", call.method, call.path));
    }
}

/// Panics where `value` has a member that `schema` does not know, or lacks one that it requires.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str().map(|reference| reference.rsplit('/').next().unwrap()) {
        return check(document, &document["components"]["schemas"][name], value, place);
    }
    if let Some(variants) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let fits = |variant: &Value| std::panic::catch_unwind(|| check(document, variant, value, place)).is_ok();
        assert!(variants.iter().any(fits), "{place}: {value} is none of {variants:?}");
        return;
    }
    match value {
        Value::Null => assert!(
            schema["type"] == "null" || schema["type"].as_array().is_some_and(|types| types.contains(&"null".into())),
            "{place}: null"
        ),
        Value::Array(items) => {
            let types = schema["type"].as_array().map_or_else(|| vec![&schema["type"]], |types| types.iter().collect());
            assert!(types.contains(&&Value::from("array")), "{place}: {schema}");
            items.iter().for_each(|item| check(document, &schema["items"], item, place));
        }
        Value::Object(members) => {
            let Some(properties) = schema["properties"].as_object() else { return };
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(members.contains_key(name.as_str().unwrap()), "{place}: {name} is missing");
            }
            for (name, member) in members.iter().filter(|(name, _)| !is_extra(place, name)) {
                let known = properties.get(name).unwrap_or_else(|| panic!("{place}.{name} is not described"));
                check(document, known, member, &format!("{place}.{name}"));
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Refusals have members of their own, each with its code.
fn is_extra(place: &str, name: &str) -> bool {
    !place.contains('.') && ["field", "status", "retryAfterMs"].contains(&name)
}

#[test]
fn the_page_for_people_needs_nothing_from_elsewhere_and_no_script() {
    let server = TestServer::start();
    let page = server.anonymous().get("/docs").expect(200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"), "{policy}");
    for path in ["/v1/confirm", "/v1/trust-rules/{ruleId}", "TrustRuleView", "selectedPattern", "transient_send"] {
        assert!(page.text.contains(path), "{path} is not on the page");
    }
    for foreign in ["<script", "style=", "http://", "https://", "//"] {
        assert!(!page.text.contains(foreign), "{foreign}");
    }
    let style = server.anonymous().get("/docs/style.css").expect(200);
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    for path in ["/docs", "/docs/style.css", "/openapi.json"] {
        assert_eq!(server.anonymous().post(path, &Value::Null).refusal(), (405, "method_not_allowed"), "{path}");
        assert_eq!(server.anonymous().get(&format!("{path}?token=x")).refusal(), (400, "malformed_request"), "{path}");
    }
}

#[test]
fn every_reference_of_the_description_leads_to_a_schema() {
    fn references<'d>(part: &'d Value, found: &mut Vec<&'d str>) {
        match part {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document: Value = serde_json::from_str(&countersign::api::openapi()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
