//! What agents ask in the tests, and how people answer: every kind, once.

use serde_json::{Value, json};

/// A kind of interaction, for the tests that go through all of them.
pub(crate) struct AnyKind {
    pub(crate) name: &'static str,
    /// The id that one of it has where there is one of each.
    pub(crate) id: &'static str,
    /// A registration under this id that says no more than it has to.
    pub(crate) registration: fn(&str) -> Value,
    /// One with every field that there is.
    pub(crate) full: fn() -> Value,
    /// Members of its content, each with a value that is refused.
    pub(crate) refused: fn() -> Vec<(&'static str, Value)>,
    /// Where it is resolved.
    pub(crate) path: &'static str,
    /// The body that resolves a registration.
    pub(crate) answer: fn(&str) -> Value,
    /// One with every field that there is, and a registration that it resolves.
    pub(crate) full_answer: fn(&str) -> Value,
    pub(crate) answerable: fn(&str) -> Value,
}

/// Every kind, in the order of the program's own list.
pub(crate) const KINDS: &[AnyKind] = &[
    AnyKind {
        name: "confirmation",
        id: "c",
        registration: confirmation,
        full: full_confirmation,
        refused: refused_of_confirmation,
        path: "/v1/confirm",
        answer: |id| json!({"requestId": id, "decision": "allow"}),
        full_answer: |id| {
            json!({"requestId": id, "decision": "allow", "comment": "go on", "updatedInput": {"command": "make test"},
                "selectedPattern": "make *", "selectedScope": "everywhere", "acknowledged": ["high_risk"]})
        },
        answerable: |id| altered(confirmation(id), &json!({"confirmation": {"inputEditsAllowed": true}})),
    },
    AnyKind {
        name: "secret",
        id: "s",
        registration: secret,
        full: full_secret,
        refused: refused_of_secret,
        path: "/v1/secret",
        answer: |id| json!({"requestId": id, "value": "v"}),
        full_answer: |id| json!({"requestId": id, "value": "hunter2", "delivery": "store"}),
        answerable: secret,
    },
    AnyKind {
        name: "question",
        id: "q",
        registration: question,
        full: full_question,
        refused: refused_of_question,
        path: "/v1/question-response",
        answer: |id| json!({"requestId": id, "responses": responses()}),
        full_answer: |id| {
            let mut said = responses();
            said[0]["skipped"] = json!(false);
            said.as_array_mut().unwrap().push(json!({"questionId": "shades", "optionIds": ["dark", "pale"]}));
            json!({"requestId": id, "responses": said})
        },
        answerable: |id| {
            let mut shades = question(id);
            shades["question"]["entries"].as_array_mut().unwrap().push(several("shades"));
            shades
        },
    },
];

/// A registration, or any JSON object, with these members in place of its own, objects member by member.
pub(crate) fn altered(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        let old = value[name].take();
        value[name] = if old.is_object() && change.is_object() { altered(old, change) } else { change.clone() };
    }
    value
}

/// A confirmation of the tool `shell` that offers the pattern `make *` and the scopes `everywhere` and `/repo`.
pub(crate) fn confirmation(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "kind": "confirmation",
        "conversationId": "conversation",
        "confirmation": {
            "toolName": "shell",
            "input": {"command": "make deploy"},
            "workingDir": "/repo",
            "allowlistOptions": [{"label": "any make", "pattern": "make *"}],
            "scopeOptions": [{"label": "everywhere", "scope": "everywhere"}, {"label": "here", "scope": "/repo"}],
        },
    })
}

pub(crate) fn secret(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "kind": "secret",
        "conversationId": "conversation",
        "secret": {"service": "forge", "field": "token", "label": "The forge's token"},
    })
}

/// A question with the entries `colour` (red or blue) and `why` (free text).
pub(crate) fn question(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "kind": "question",
        "conversationId": "conversation",
        "question": {"entries": [
            {"questionId": "colour", "text": "Which?", "options": [
                {"optionId": "red", "label": "Red"}, {"optionId": "blue", "label": "Blue"}]},
            {"questionId": "why", "text": "Why?", "options": [], "freeTextAllowed": true},
        ]},
    })
}

/// Responses that answer [`question`].
pub(crate) fn responses() -> Value {
    json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": "I like it"}])
}

/// With every field that a confirmation may have.
pub(crate) fn full_confirmation() -> Value {
    let mut full = confirmation("new-c");
    full["expiresInMs"] = json!(60_000);
    full["metadata"] = json!({"note": "mine"});
    full["origin"] = origin();
    let body = json!({
        "riskLevel": "high", "toolUseId": "use", "executionTarget": "sandbox", "subject": "make deploy",
        "reason": "it is time", "persistentDecisionsAllowed": true, "inputEditsAllowed": true, "claimWithinMs": 60_000,
        "diff": {"filePath": "/repo/a", "oldContent": "a", "newContent": "b", "isNewFile": false},
    });
    for (name, value) in body.as_object().unwrap() {
        full["confirmation"][name] = value.clone();
    }
    full["confirmation"]["allowlistOptions"][0]["description"] = json!("whatever it makes");
    full
}

/// With every field that an origin may have.
pub(crate) fn origin() -> Value {
    json!({"client": "a client", "sessionId": "session 7", "repository": "git@forge.example:shop", "branch": "main",
        "workingDir": "/repo", "host": "build-1", "model": "a model", "title": "Fix <the> till"})
}

/// With every field that a secret may have.
pub(crate) fn full_secret() -> Value {
    let mut full = secret("new-s");
    full["expiresAt"] = json!("2030-01-01T01:00:00.000Z");
    full["secret"] = json!({
        "service": "forge", "field": "token", "label": "The forge's token", "description": "to push with",
        "placeholder": "forge_…", "purpose": "pushing", "allowedTools": ["git"], "allowedDomains": ["forge.example"],
        "allowOneTimeSend": true,
    });
    full
}

/// With every field that a question may have.
pub(crate) fn full_question() -> Value {
    let mut full = question("new-q");
    full["question"]["entries"][0]["freeTextAllowed"] = json!(false);
    full["question"]["entries"].as_array_mut().unwrap().push(several("shades"));
    full["question"]["entries"][0]["options"][0]["description"] = json!("as blood");
    full
}

/// An entry of a question of which several options may be chosen.
fn several(question_id: &str) -> Value {
    json!({"questionId": question_id, "header": "Shades", "text": "In which shades?", "multiSelect": true,
        "freeTextAllowed": false,
        "options": [{"optionId": "dark", "label": "Dark"}, {"optionId": "pale", "label": "Pale"}]})
}

fn refused_of_confirmation() -> Vec<(&'static str, Value)> {
    let (pattern, scope) = (json!({"label": "l", "pattern": "*"}), json!({"label": "l", "scope": "/"}));
    vec![
        ("allowlistOptions", json!([pattern, pattern])),
        ("allowlistOptions", json!([{"pattern": "*"}])),
        ("allowlistOptions", json!([{"label": "l"}])),
        ("allowlistOptions", json!([{"label": "l", "pattern": "x".repeat(1025)}])),
        ("scopeOptions", json!([scope, {"label": "other", "scope": "/"}])),
        ("scopeOptions", json!([{"scope": "/"}])),
        ("inputDigest", json!("sha256:425cad76a9a7ae82ad6217d9cdb51a6c779a0685a82df67b2acfb2e535a34b21")),
    ]
}

fn refused_of_secret() -> Vec<(&'static str, Value)> {
    vec![("label", json!(" "))]
}

fn refused_of_question() -> Vec<(&'static str, Value)> {
    let option = json!({"optionId": "o", "label": "l"});
    let entry = |id: &str, options: Value| json!({"questionId": id, "text": "?", "options": options});
    vec![
        ("entries", json!([])),
        ("entries", json!([entry("a", json!([option])), entry("a", json!([option]))])),
        ("entries", json!([entry("a", json!([option, option]))])),
        ("entries", json!([entry("a", json!([]))])),
        ("entries", json!([{"questionId": "a", "options": [option]}])),
        ("entries", json!([{"text": "?", "options": [option]}])),
    ]
}
