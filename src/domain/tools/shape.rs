//! Tools of which nothing is known by name: the shape of the input says what the subject is.

use serde_json::Value;

use super::Read;
use super::names::plain_name;

/// In the order in which they are looked for.
pub(super) const SUBJECTS: &[(&str, Read)] = &[
    ("command", Read::Command),
    ("cmd", Read::Command),
    ("file_path", Read::Path),
    ("filePath", Read::Path),
    ("path", Read::Path),
    ("notebook_path", Read::Path),
    ("file", Read::Path),
    ("url", Read::Url),
];

/// Whether a member is free in every tool: a description, or how long it may take.
pub(super) fn is_free(name: &str, value: &Value) -> bool {
    let plain = plain_name(name);
    let is_time = ["timeout", "timeoutms", "timeoutmillis", "timeoutsec", "timeoutsecs", "timeoutseconds"];
    match value {
        Value::String(_) => plain == "description",
        Value::Number(_) => is_time.contains(&plain.as_str()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}
