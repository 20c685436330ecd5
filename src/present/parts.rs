//! What a trust rule says beside its tool, its pattern and its scope, as names and values.

use crate::domain::enums::ExecutionTarget;
use crate::domain::id::PrincipalName;
use crate::domain::members::{Members, Pointer};

/// What is said of a rule that was made before members were looked at.
pub const COVERS_LESS: &str = "covers less than before: made before members were looked at";

/// Each part that is said, with what it says; the texts are a person's and not escaped.
#[must_use]
pub fn rule_parts(
    members: &Members,
    agent: Option<&PrincipalName>,
    target: Option<ExecutionTarget>,
) -> Vec<(String, String)> {
    let members = members.iter().map(|(pointer, pattern)| (member_name(pointer), member_says(pattern)));
    let agent = agent.map(|agent| ("agent".to_owned(), agent.to_string()));
    let target = target.map(|target| ("runs on".to_owned(), target.to_string()));
    members.chain(agent).chain(target).collect()
}

/// A member as a person reads it.
#[must_use]
pub fn member_name(pointer: &Pointer) -> String {
    if pointer.as_str().is_empty() { "anything else".to_owned() } else { format!("member {}", pointer.name()) }
}

fn member_says(pattern: &str) -> String {
    if pattern == Members::ANY { "whatever it says".to_owned() } else { format!("is {pattern}") }
}
