//! `GET /openapi.json`: the description of the interface (OpenAPI 3.1), made from the handlers and their types.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::error::Problem;
use super::extract::NoQuery;
use super::{
    cancel, claim, confirm, events, health, interactions, metrics, outcome, question, register, secret, supersede,
    trust_rules,
};

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
        interactions::look,
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
        trust_rules::look,
        trust_rules::revoke,
        events::list,
        events::feed,
        health::alive,
        health::ready,
        metrics::metrics,
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
            if !OPEN.contains(&path.as_str()) {
                operation["security"] = json!([{"token": []}]);
            }
        }
    }
    refine(&mut document["components"]["schemas"]);
    document
});

/// What is so of a body as a whole, which no type of a member says.
fn refine(schemas: &mut Value) {
    let only = |own: &str| {
        let others = ["confirmation", "secret", "question"].into_iter().filter(|kind| *kind != own);
        let none = others.map(|other| (other.to_owned(), json!({"type": "null"}))).collect::<serde_json::Map<_, _>>();
        let mut properties = Value::Object(none);
        properties["kind"] = json!({"const": own});
        properties[own] = json!({"not": {"type": "null"}});
        json!({"properties": properties, "required": [own]})
    };
    schemas["RegisterBody"]["oneOf"] = json!([only("confirmation"), only("secret"), only("question")]);
    let given = |name: &str| json!({"properties": {name: {"not": {"type": "null"}}}, "required": [name]});
    let both = |one: &str, other: &str| json!({"allOf": [given(one), given(other)]});
    schemas["RegisterBody"]["not"] = both("expiresInMs", "expiresAt");
    schemas["RuleBody"]["oneOf"] = json!([given("requestId"), given("toolName")]);
    let selected = json!({"allOf": [given("selectedPattern"), given("selectedScope")]});
    let neither = json!({"not": {"anyOf": [given("selectedPattern"), given("selectedScope")]}});
    schemas["ConfirmBody"]["oneOf"] = json!([selected, neither]);
}

/// The whole description, indented.
#[must_use]
pub fn openapi() -> String {
    format!("{:#}\n", *DOCUMENT)
}

/// The whole description.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

pub(super) async fn json(NoQuery: NoQuery) -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi()).into_response()
}
