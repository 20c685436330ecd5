//! What agents ask in the tests, and how people answer.

use serde_json::{Value, json};

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
