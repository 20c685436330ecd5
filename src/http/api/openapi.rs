//! `GET /openapi.json`: the description of the interface (OpenAPI 3.1), made from the handlers and their types.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{
    cancel, claim, confirm, events, health, interactions, login_links, metrics, outcome, question, register, secret,
    supersede, trust_rules,
};
use crate::http::error::Problem;
use crate::http::extract::NoQuery;

/// Every call; a test compares it with the table of routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "countersign",
        description = "Where AI agents' questions wait, durably, for a person's answer.",
        license(name = "MIT", identifier = "MIT")
    ),
    paths(
        register::register,
        interactions::list,
        interactions::get,
        cancel::cancel,
        claim::claim,
        outcome::report,
        secret::take,
        supersede::supersede,
        confirm::confirm,
        secret::give,
        question::answer,
        interactions::pending,
        trust_rules::make,
        trust_rules::list,
        trust_rules::preview,
        trust_rules::get,
        trust_rules::revoke,
        events::list,
        events::feed,
        health::alive,
        health::ready,
        metrics::metrics,
        login_links::make,
    ),
    components(schemas(Problem)),
    tags(
        (name = "agents", description = "Register, wait, cancel, claim: one's own"),
        (name = "approvers", description = "See and resolve what is pending"),
        (name = "trust rules", description = "Standing decisions"),
        (name = "everyone", description = "The history, and how the server is"),
    )
)]
struct Interface;

/// The calls that need no token.
const OPEN: &[&str] = &["/healthz"];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The description is made of this program's own types: it is JSON.
    let mut document = serde_json::to_value(Interface::openapi()).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({"token": {"type": "http", "scheme": "bearer"}});
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    let refusal =
        |description: &str| json!({"description": description, "content": {"application/json": {"schema": problem}}});
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        for operation in operations.as_object_mut().into_iter().flat_map(|operations| operations.values_mut()) {
            operation["responses"]["4XX"] = refusal("Refused; the code says why");
            operation["responses"]["5XX"] = refusal("Not possible now; with Retry-After where it may be later");
            if let Some(schema) = operation.pointer_mut("/requestBody/content/application~1json/schema") {
                not_null(schema);
            }
            if !OPEN.contains(&path.as_str()) {
                operation["security"] = json!([{"token": []}]);
            }
        }
    }
    refine(&mut document["components"]["schemas"]);
    document
});

/// A body may be left out, but it is not null.
fn not_null(schema: &mut Value) {
    let choices = schema["oneOf"].as_array();
    if let Some(given) = choices.and_then(|choices| choices.iter().find(|choice| choice["type"] != "null")) {
        *schema = given.clone();
    }
}

/// What is so of a value as a whole, which the type of no member says.
fn refine(schemas: &mut Value) {
    let given = |name: &str| json!({"properties": {name: {"not": {"type": "null"}}}, "required": [name]});
    let none = |name: &str| json!({"not": given(name)});
    let all = |parts: &[Value]| json!({"allOf": parts});
    let is = |name: &str, value: Value| json!({"properties": {name: {"const": value}}, "required": [name]});

    let kinds = ["confirmation", "secret", "question"];
    let only = |own: &str| {
        let others = kinds.iter().filter(|kind| **kind != own).map(|other| none(other));
        all(&[is("kind", own.into()), given(own)].into_iter().chain(others).collect::<Vec<_>>())
    };
    schemas["RegisterBody"]["oneOf"] = kinds.map(only).to_vec().into();
    schemas["RegisterBody"]["not"] = all(&[given("expiresInMs"), given("expiresAt")]);
    schemas["Entry"]["anyOf"] =
        json!([{"properties": {"options": {"minItems": 1}}}, is("freeTextAllowed", true.into())]);

    let skipped = is("skipped", true.into());
    let says = json!({"anyOf": [given("optionId"), given("text")]});
    schemas["Response"]["oneOf"] =
        json!([all(&[skipped.clone(), none("optionId"), none("text")]), all(&[json!({"not": skipped}), says]),]);

    let rule = [given("selectedPattern"), given("selectedScope")];
    schemas["ConfirmBody"]["oneOf"] = json!([all(&rule), {"not": {"anyOf": rule}}]);
    schemas["ConfirmBody"]["not"] = all(&[is("decision", "deny".into()), given("updatedInput")]);
    let from_request = all(&[given("requestId"), none("toolName"), json!({"not": is("decision", "ask".into())})]);
    schemas["RuleBody"]["oneOf"] = json!([from_request, all(&[given("toolName"), none("requestId")])]);

    // What one variant lets pass another may, too: they differ in what they name.
    for name in ["Pending", "ResolutionView"] {
        schemas[name]["anyOf"] = schemas[name]["oneOf"].take();
        schemas[name].as_object_mut().map(|schema| schema.remove("oneOf"));
    }
}

/// The whole description, indented.
#[must_use]
pub fn openapi() -> String {
    format!("{:#}\n", *DOCUMENT)
}

/// The whole description.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

pub(crate) async fn json(NoQuery: NoQuery) -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi()).into_response()
}
