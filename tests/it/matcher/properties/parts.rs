//! What a rule says of the members beside the subject, for any input.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::always;
use countersign::clock::Timestamp;
use countersign::domain::enums::RuleDecision;
use countersign::domain::id::PrincipalName;
use countersign::domain::kinds::Confirmation;
use countersign::domain::matcher::Subject;
use countersign::domain::pattern::{Pattern, Scope};
use countersign::domain::rule_set::{MatchInput, RuleSet, RuleSetDecision};
use countersign::domain::trust_rule::{Parts, Terms, TrustRule};

const TOOLS: &[&str] =
    &["Bash", "Write", "MultiEdit", "shell", "local_shell", "mine", "mcp__github__get_file_contents", "mcp__slack__x"];

const NAMES: &[&str] = &[
    "command",
    "cmd",
    "file_path",
    "path",
    "url",
    "content",
    "description",
    "timeout",
    "host",
    "cwd",
    "owner",
    "repo",
    "edits",
    "env",
    "x",
    "post_command",
    "a/b",
    "",
];

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..9_u8).prop_map(Value::from),
        select(vec!["", "ls", "git log", "/srv/a", "https://a.test/x", "a*b", r"a\*", "true", "é"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((select(NAMES), inner), 0..3).prop_map(object),
        ]
    })
}

fn object(members: Vec<(&str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn inputs() -> impl Strategy<Value = (&'static str, Map<String, Value>)> {
    let members = prop::collection::vec((select(NAMES), values()), 0..5);
    (select(TOOLS), members.prop_map(|members| object(members).as_object().cloned().unwrap_or_default()))
}

fn asked(tool: &str, input: &Map<String, Value>) -> Result<Confirmation, TestCaseError> {
    let text = json!({"toolName": tool, "input": input, "workingDir": "/srv"}).to_string();
    serde_json::from_str(&text).map_err(|error| TestCaseError::fail(error.to_string()))
}

fn allows(rule: TrustRule, asked: &Confirmation) -> bool {
    let candidate = MatchInput {
        confirmation: asked,
        subject: &Subject::of(asked),
        registered_by: &PrincipalName::nobody(),
        conversation_id: None,
        own_rules_count: true,
    };
    matches!(RuleSet::from_iter([rule]).decide(&candidate, Timestamp::EPOCH, None), RuleSetDecision::Allow(_))
}

fn rule(asked: &Confirmation, pattern: Pattern, parts: Parts) -> Result<TrustRule, TestCaseError> {
    let scope = Scope::try_from("everywhere".to_owned()).map_err(TestCaseError::fail)?;
    let terms = Terms { parts, ..Terms::new(pattern, scope, RuleDecision::Allow) };
    Ok(TrustRule::new(asked.tool_name.clone(), terms, PrincipalName::nobody(), Timestamp::EPOCH))
}

#[test]
fn whatever_is_offered_covers_its_own_request_and_no_request_with_one_member_more() {
    always(3000, &(inputs(), select(NAMES), values()), |((tool, input), name, value)| {
        let first = asked(tool, &input)?;
        let subject = Subject::of(&first);
        for offer in subject.offers(1024) {
            let members = offer.members.clone().or_else(|| subject.own_members());
            let members = members.ok_or_else(|| TestCaseError::fail("no members"))?;
            let made = rule(&first, offer.pattern.clone(), Parts { members, ..Parts::default() })?;
            prop_assert!(allows(made.clone(), &first), "{:?} on {:?}", offer, input);
            // What is free may come, and any call of a tool is any call.
            let mut more = input.clone();
            let is_new = more.insert(name.to_owned(), value.clone()).is_none();
            let second = asked(tool, &more)?;
            let read = Subject::of(&second);
            let is_spoken_of = read.others().iter().any(|(pointer, _)| pointer.name() == name);
            if is_new && is_spoken_of && !read.is_whole() {
                prop_assert!(!allows(made, &second), "{:?} on {:?}", offer, more);
            }
        }
        Ok(())
    });
}
