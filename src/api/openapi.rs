//! The description of the interface (OpenAPI 3.1), made from the table of calls and the types that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use super::*;
use crate::dialects::{aap::*, humanlayer::*, vellum::*};
use crate::domain::enums::{HookClient, Kind};
use crate::domain::id::{AssistantId, ChannelId, ConversationId, RequestId, RuleId};
use crate::domain::saved_view::ViewName;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut description = Description::default();
    description.schema::<ErrorBody>();
    describe_calls(&mut description);
    let mut schemas = description.schemas.into_iter().collect::<Map<_, _>>();
    refine(&mut schemas);
    let_absent_be_null(&mut schemas, &description.paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "countersign",
            "description": "Where AI agents' questions wait, durably, for a person's answer.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": description.paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "tags": [
            {"name": "agents", "description": "Register, wait, cancel, claim: one's own"},
            {"name": "approvers", "description": "See and resolve what is pending"},
            {"name": "trust rules", "description": "Standing decisions"},
            {"name": "channels", "description": "Where notices of what waits go"},
            {"name": "dialects", "description": "The calls of other programs: AAP, HumanLayer's SDKs, Vellum's clients"},
            {"name": "history and health", "description": "The history, log-in links, and the state of the server"},
        ],
    })
});

/// What is collected from the table.
#[derive(Default)]
struct Description {
    paths: Map<String, Value>,
    schemas: BTreeMap<String, Value>,
}

impl Description {
    /// A reference to the schema of a type, which is collected with all that it names.
    fn schema<T: ToSchema>(&mut self) -> Value {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        for (name, schema) in found {
            self.schemas.entry(name).or_insert_with(|| as_json(&schema));
        }
        json!({"$ref": format!("#/components/schemas/{}", T::name())})
    }

    fn json_content<T: ToSchema>(&mut self) -> Value {
        json!({"application/json": {"schema": self.schema::<T>()}})
    }

    /// How a call tells a refusal: those of some dialects in their own shape.
    fn refusal_content(&mut self, call: Call) -> Value {
        match call.path() {
            path if path.starts_with("/aap/") => self.json_content::<AapErrorBody>(),
            path if path.starts_with("/v1/assistants/") => self.json_content::<VellumErrorBody>(),
            _ => self.json_content::<ErrorBody>(),
        }
    }

    fn path_parameter<T: ToSchema>(&mut self, name: &str) -> Value {
        let (name, about) = match name {
            "rule_id" => ("ruleId", "The rule"),
            "channel_id" => ("channelId", "The channel"),
            "client" => ("client", "The client"),
            "name" => ("name", "The view"),
            "conversation_id" => ("conversationId", "The conversation"),
            "assistant_id" => ("assistantId", "Any name"),
            "id" => ("id", "The request"),
            "call_id" => ("callId", "The call, or the contact"),
            _ => ("requestId", "The interaction"),
        };
        json!({"name": name, "in": "path", "description": about, "required": true, "schema": self.schema::<T>()})
    }

    fn query_parameters<T: IntoParams>(&mut self) -> Vec<Value> {
        T::into_params(|| None).iter().map(|parameter| serde_json::to_value(parameter).unwrap_or_default()).collect()
    }

    fn add(&mut self, call: Call, mut operation: Value) {
        if call.needs_token() {
            operation["security"] = json!([{"token": []}]);
        }
        let refusal = self.refusal_content(call);
        let responses = &mut operation["responses"];
        responses["4XX"] = json!({"description": "Refused; the code says why", "content": refusal});
        let later = "Not possible now; with Retry-After where it may be later";
        responses["5XX"] = json!({"description": later, "content": refusal});
        let operations = self.paths.entry(call.path()).or_insert_with(|| json!({}));
        operations[call.method().to_lowercase()] = operation;
    }
}

/// A schema of this program's own types is JSON.
fn as_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

macro_rules! operations {
    ($(
        #[doc = $summary:literal]
        $call:ident $name:ident $operation:literal $tag:literal: $method:ident $path:literal ($($param:ident: $param_type:ty),*)
            $(, query $query:ty)? $(, body $body:ty)? $(, optional body $optional:ty)?
            => $form:ident $answer:tt
            { $($status:literal $when:literal $(+ $header:literal $holds:literal)?;)+ }
            else { $($refused:literal $codes:literal;)* }
    )+) => {
        /// Describes every call of the table.
        fn describe_calls(description: &mut Description) {
            $({
                let mut operation = json!({
                    "tags": [$tag], "summary": $summary.trim(), "operationId": $operation, "responses": {},
                });
                let mut parameters: Vec<Value> = Vec::new();
                $(parameters.push(description.path_parameter::<$param_type>(stringify!($param)));)*
                $(parameters.extend(description.query_parameters::<$query>());)?
                if let Call::AapSubmit | Call::AapConsume = Call::$call {
                    parameters.push(json!({
                        "name": "Idempotency-Key", "in": "header", "description": "Names it, so that it can be repeated",
                        "required": true, "schema": {"type": "string", "pattern": "^[!-~]+$", "maxLength": LONGEST_KEY},
                    }));
                }
                if let Call::FollowAuditEvents | Call::VellumEvents = Call::$call {
                    parameters.push(json!({
                        "name": "Last-Event-ID", "in": "header", "description": "Go on after this event", "required": false,
                        "schema": {"type": ["integer", "null"], "format": "int64", "minimum": 0},
                    }));
                }
                if !parameters.is_empty() {
                    operation["parameters"] = parameters.into();
                }
                $(operation["requestBody"] = json!({"content": description.json_content::<$body>(), "required": true});)?
                $(operation["requestBody"] = json!({
                    "description": "May be left out, or be `{}`; a body of white space counts as left out",
                    "content": description.json_content::<$optional>(),
                });)?
                let mut content = operations!(@content description $form $answer);
                if let Call::ListInteractions = Call::$call {
                    content["text/csv"] = json!({"schema": {"type": "string"}});
                    content["application/jsonl"] = json!({"schema": {"type": "string"}});
                }
                $({
                    let response = &mut operation["responses"][stringify!($status)];
                    *response = json!({"description": $when});
                    // What is only taken is answered with nothing.
                    if stringify!($status) != "202" {
                        response["content"] = content.clone();
                    }
                    $(response["headers"][$header] = json!({"description": $holds, "schema": {"type": "string"}});)?
                })+
                $(operation["responses"][stringify!($refused)] =
                    json!({"description": $codes, "content": description.refusal_content(Call::$call)});)*
                description.add(Call::$call, operation);
            })+
        }
    };
    (@content $description:ident json ($answer:ty)) => {
        $description.json_content::<$answer>()
    };
    (@content $description:ident dialect ($answer:ty)) => {
        $description.json_content::<$answer>()
    };
    (@content $description:ident text ($media_type:literal)) => {
        json!({$media_type: {"schema": {"type": "string"}}})
    };
}

routes::routes!(operations);

/// What is so of a value as a whole, which the type of no member says.
fn refine(schemas: &mut Map<String, Value>) {
    let given = |name: &str| json!({"properties": {name: {"not": {"type": "null"}}}, "required": [name]});
    let none = |name: &str| json!({"not": given(name)});
    let all = |parts: &[Value]| json!({"allOf": parts});
    let is = |name: &str, value: Value| json!({"properties": {name: {"const": value}}, "required": [name]});

    let only = |own: &Kind| {
        let others = Kind::ALL.iter().filter(|kind| *kind != own).map(|other| none(other.as_str()));
        all(&[is("kind", own.as_str().into()), given(own.as_str())].into_iter().chain(others).collect::<Vec<_>>())
    };
    schemas["RegisterBody"]["oneOf"] = Kind::ALL.iter().map(only).collect();
    schemas["RegisterBody"]["not"] = all(&[given("expiresInMs"), given("expiresAt")]);
    schemas["Entry"]["anyOf"] =
        json!([{"properties": {"options": {"minItems": 1}}}, is("freeTextAllowed", true.into())]);

    let skipped = is("skipped", true.into());
    let ways = ["optionId", "optionIds", "text"];
    let only = |own: &str| {
        let others = ways.iter().filter(|way| **way != own).map(|other| none(other));
        all(&[json!({"not": skipped}), given(own)].into_iter().chain(others).collect::<Vec<_>>())
    };
    let passes_over = all(&std::iter::once(skipped.clone()).chain(ways.map(none)).collect::<Vec<_>>());
    schemas["Response"]["oneOf"] = ways.map(only).into_iter().chain([passes_over]).collect();

    let rule = [given("selectedPattern"), given("selectedScope")];
    schemas["ConfirmBody"]["oneOf"] = json!([all(&rule), {"not": {"anyOf": rule}}]);
    schemas["ConfirmBody"]["not"] = all(&[is("decision", "deny".into()), given("updatedInput")]);
    let from_request = all(&[given("requestId"), none("toolName"), json!({"not": is("decision", "ask".into())})]);
    schemas["RuleBody"]["oneOf"] = json!([from_request, all(&[given("toolName"), none("requestId")])]);

    let said = |kind: &str, own: &[&str], others: &[&str]| {
        let own = own.iter().map(|name| given(name));
        let others = others.iter().map(|name| none(name));
        all(&std::iter::once(is("kind", kind.into())).chain(own).chain(others).collect::<Vec<_>>())
    };
    schemas["VellumAnswerBody"]["oneOf"] = json!([
        said("submit", &["responses"], &["optionId", "text"]),
        said("close", &[], &["responses", "optionId", "text"]),
        said("option", &["optionId"], &["responses", "text"]),
        said("free_text", &["text"], &["responses", "optionId"]),
    ]);
    schemas["VellumResponse"]["oneOf"] = json!([
        said("option", &["optionId"], &["text"]),
        said("free_text", &["text"], &["optionId"]),
        said("skip", &[], &["optionId", "text"]),
    ]);

    // It has the members of another, which by itself lets no other member pass.
    let mut secret = schemas["SecretRequest"].clone();
    secret["properties"]["requestId"] = json!({"$ref": "#/components/schemas/RequestId"});
    if let Some(required) = secret["required"].as_array_mut() {
        required.push("requestId".into());
    }
    schemas["VellumSecret"] = secret;

    // What one variant lets pass another may, too: they differ in what they name.
    for name in ["ClaimView", "Pending", "ResolutionView", "VellumPending"] {
        schemas[name]["anyOf"] = schemas[name]["oneOf"].take();
        schemas[name].as_object_mut().map(|schema| schema.remove("oneOf"));
    }
}

/// Lets every optional member of what a request sends be null, which is as if it were absent.
fn let_absent_be_null(schemas: &mut Map<String, Value>, paths: &Map<String, Value>) {
    let mut bodies = Vec::new();
    for operation in paths.values().filter_map(Value::as_object).flat_map(Map::values) {
        collect_names(&operation["requestBody"], &mut bodies);
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = bodies.pop() {
        let Some(schema) = schemas.get_mut(&name).filter(|_| seen.insert(name.clone())) else { continue };
        collect_names(schema, &mut bodies);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let members = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
        for (_, member) in members.filter(|(name, _)| !required.contains(&Value::from(name.as_str()))) {
            if !may_be_null(member) {
                *member = json!({"oneOf": [{"type": "null"}, member.take()]});
            }
        }
    }
}

fn may_be_null(schema: &Value) -> bool {
    let is_null = |schema: &Value| {
        schema["type"] == "null" || schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()))
    };
    is_null(schema) || schema["oneOf"].as_array().is_some_and(|variants| variants.iter().any(is_null))
}

/// The names of the schemas that `value` refers to, wherever in it.
fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            names.extend(reference.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned));
            members.values().for_each(|member| collect_names(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The whole description, indented.
#[must_use]
pub fn openapi() -> String {
    format!("{:#}\n", *DOCUMENT)
}

/// The whole description, indented, of the server at `url`.
pub(crate) fn openapi_at(url: &str) -> String {
    let mut document = DOCUMENT.clone();
    document["servers"] = json!([{"url": url}]);
    format!("{document:#}\n")
}

/// The whole description.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}
