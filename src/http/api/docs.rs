//! `GET /docs`: the description of the interface as a page for people. No script, and nothing from elsewhere.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api::{document, openapi, openapi_at};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::NoQuery;

/// A page may have this very stylesheet, and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    /// What stands before each path of a link.
    base: String,
    about: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

struct Group {
    name: String,
    about: String,
    calls: Vec<Call>,
}

struct Call {
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Member>,
    body: Option<Kind>,
    responses: Vec<(String, String, Option<Kind>)>,
}

struct Schema {
    name: String,
    about: String,
    words: Vec<String>,
    members: Vec<Member>,
}

struct Member {
    name: String,
    kind: Kind,
    required: bool,
    about: String,
}

/// What a value is: words, and the schema that they lead to.
struct Kind {
    text: String,
    link: Option<String>,
}

pub(crate) async fn page(State(app): State<App>, NoQuery: NoQuery) -> Result<Response, Problem> {
    let html = read(document(), app.http.base()).render().map_err(|_| Problem::internal())?;
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    Ok((headers, html).into_response())
}

/// `GET /openapi.json`; it names the server's URL where that is known.
pub(crate) async fn json(State(app): State<App>, NoQuery: NoQuery) -> Response {
    let text = match &app.http.public_url {
        Some(url) => openapi_at(&url.to_string()),
        None => openapi(),
    };
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

pub(crate) async fn style(NoQuery: NoQuery) -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../../templates/docs.css")).into_response()
}

fn read(document: &Value, base: &str) -> Page {
    let groups = members(&document["tags"]).map(|tag| {
        let name = text(&tag["name"]);
        Group { calls: calls(document, &name), about: text(&tag["description"]), name }
    });
    let schemas = entries(&document["components"]["schemas"]).map(|(name, schema)| read_schema(name, schema));
    Page {
        base: base.to_owned(),
        about: text(&document["info"]["description"]),
        groups: groups.collect(),
        schemas: schemas.collect(),
    }
}

fn calls(document: &Value, group: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for (path, operations) in entries(&document["paths"]) {
        for (method, operation) in entries(operations).filter(|(_, operation)| operation["tags"][0] == group) {
            let parameters = members(&operation["parameters"]).map(|parameter| Member {
                name: text(&parameter["name"]),
                kind: kind(&parameter["schema"]),
                required: parameter["required"] == true,
                about: text(&parameter["description"]),
            });
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let responses = entries(&operation["responses"]).map(|(status, response)| {
                let content = entries(&response["content"]).next();
                (status.clone(), text(&response["description"]), content.map(|(_, content)| kind(&content["schema"])))
            });
            calls.push(Call {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(&operation["summary"]),
                parameters: parameters.collect(),
                body: (!body.is_null()).then(|| kind(body)),
                responses: responses.collect(),
            });
        }
    }
    calls
}

fn read_schema(name: &str, schema: &Value) -> Schema {
    let required = members(&schema["required"]).map(text).collect::<Vec<_>>();
    let own = entries(&schema["properties"]);
    let variants = members(&schema["oneOf"]).flat_map(|variant| entries(&variant["properties"]));
    // A member that several variants have is one member.
    let all: BTreeMap<_, _> = variants.filter(|_| schema["properties"].is_null()).chain(own).collect();
    let listed = all.into_iter().map(|(name, member)| Member {
        name: name.clone(),
        kind: kind(member),
        required: required.contains(name),
        about: text(&member["description"]),
    });
    Schema {
        name: name.to_owned(),
        about: text(&schema["description"]),
        words: members(&schema["enum"]).map(text).collect(),
        members: listed.collect(),
    }
}

fn kind(schema: &Value) -> Kind {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return Kind { text: name.to_owned(), link: Some(name.to_owned()) };
    }
    if !schema["items"].is_null() {
        let Kind { text, link } = kind(&schema["items"]);
        return Kind { text: format!("list of {text}"), link };
    }
    let choices = members(&schema["oneOf"]).filter(|choice| choice["type"] != "null").map(kind).collect::<Vec<_>>();
    if !choices.is_empty() {
        let link = choices.iter().find_map(|choice| choice.link.clone());
        let texts = choices.into_iter().map(|choice| choice.text).collect::<Vec<_>>();
        return Kind { text: texts.join(" or "), link };
    }
    let plain = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().map(text).filter(|name| name != "null").collect::<Vec<_>>().join(" or "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "anything".to_owned(),
    };
    let format = schema["format"].as_str().map_or_else(String::new, |format| format!(", {format}"));
    Kind { text: plain + &format, link: None }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
