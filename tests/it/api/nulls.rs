//! An optional member that is `null` is as if it were absent, in every body and wherever in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::routes::{Call, Fixture};
use crate::harness::Answer;

const DESCRIPTION: &str = include_str!("../../../docs/reference/openapi.json");

/// An optional member: the pointer of the object that it is in, its name, and what it is called in the description.
type Member = (String, String, (String, String));

/// What the description says of a schema that is named.
fn schema_of(document: &Value, reference: &Value) -> Option<(String, Value)> {
    let variants = reference["oneOf"].as_array().cloned().unwrap_or_default();
    let named =
        [reference.clone()].into_iter().chain(variants).find_map(|it| it["$ref"].as_str().map(str::to_owned))?;
    let name = named.rsplit('/').next()?.to_owned();
    Some((name.clone(), document["components"]["schemas"][&name].clone()))
}

/// The optional members of `schema`, with the place of each in `body`, and of everything below it.
fn optional_members(document: &Value, (name, schema): (String, Value), body: &Value, place: &str) -> Vec<Member> {
    let mut found = Vec::new();
    for (member, about) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = schema["required"].as_array().is_some_and(|names| names.contains(&member.as_str().into()));
        if !is_required && about["readOnly"] != true {
            found.push((place.to_owned(), member.clone(), (name.clone(), member.clone())));
        }
        let below = &body[member];
        let place = format!("{place}/{member}");
        if let (Some(named), true) = (schema_of(document, about), below.is_object()) {
            found.extend(optional_members(document, named, below, &place));
        }
        let items = [about].into_iter().chain(about["oneOf"].as_array().into_iter().flatten()).map(|it| &it["items"]);
        let named = items.filter_map(|items| schema_of(document, items)).next();
        for (index, item) in below.as_array().into_iter().flatten().enumerate().filter(|(_, item)| item.is_object()) {
            found.extend(optional_members(document, named.clone().unwrap(), item, &format!("{place}/{index}")));
        }
    }
    found
}

/// The names of all optional members of the schemas that a body refers to.
fn described(document: &Value, reference: &Value, seen: &mut BTreeSet<String>, into: &mut BTreeSet<(String, String)>) {
    match reference {
        Value::Object(members) => {
            if let Some((name, schema)) = schema_of(document, reference).filter(|(name, _)| seen.insert(name.clone())) {
                for (member, about) in schema["properties"].as_object().into_iter().flatten() {
                    let required = schema["required"].as_array().cloned().unwrap_or_default();
                    if !required.contains(&member.as_str().into()) && about["readOnly"] != true {
                        into.insert((name.clone(), member.clone()));
                    }
                }
                described(document, &schema, seen, into);
            }
            members.values().for_each(|member| described(document, member, seen, into));
        }
        Value::Array(items) => items.iter().for_each(|item| described(document, item, seen, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What an answer says, without the ids and secrets that the server made up.
fn said(answer: &Answer) -> (u16, Value) {
    fn scrub(value: &mut Value) {
        match value {
            Value::String(text) if uuid::Uuid::parse_str(text).is_ok() || text.starts_with("whsec_") => {
                *text = "made up".to_owned();
            }
            Value::Object(members) => members.values_mut().for_each(scrub),
            Value::Array(items) => items.iter_mut().for_each(scrub),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut body = answer.body.clone();
    scrub(&mut body);
    (answer.status, body)
}

fn send(call: &Call, body: &Value) -> Answer {
    call.send_text(&Fixture::new().admin, body.to_string().as_bytes())
}

#[test]
fn null_is_as_if_it_were_absent_in_every_optional_member_of_every_body() {
    let document: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let (mut tried, mut all, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for call in Fixture::new().calls() {
        let Some(body) = &call.body else { continue };
        let operation = &document["paths"][call.route][call.method.to_lowercase()];
        let reference = &operation["requestBody"]["content"]["application/json"]["schema"];
        described(&document, reference, &mut seen, &mut all);
        let named = schema_of(&document, reference).unwrap();
        for (place, member, name) in optional_members(&document, named, body, "") {
            // The same of every call: once is enough.
            if !tried.insert((name, call.path.clone())) {
                continue;
            }
            let (mut without, mut with_null) = (body.clone(), body.clone());
            without.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(&member);
            with_null.pointer_mut(&place).unwrap()[&member] = Value::Null;
            let (absent, null) = (send(&call, &without), send(&call, &with_null));
            assert_eq!(said(&null), said(&absent), "{} {}: {place}/{member}", call.method, call.path);
        }
    }
    let tried = tried.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert_eq!(all.difference(&tried).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
    assert!(tried.len() > 45, "{tried:?}");
}

#[test]
fn the_description_says_of_every_optional_member_of_a_body_that_it_may_be_null() {
    let document: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let (mut all, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            described(&document, &operation["requestBody"], &mut seen, &mut all);
        }
    }
    let is_null = |about: &Value| {
        about["type"] == "null" || about["type"].as_array().is_some_and(|types| types.contains(&"null".into()))
    };
    for (name, member) in all {
        let about = &document["components"]["schemas"][&name]["properties"][&member];
        let variants = about["oneOf"].as_array().into_iter().flatten();
        assert!([about].into_iter().chain(variants).any(is_null), "{name}.{member}: {about}");
    }
}
