//! What a rule says of the members of an input beside its subject, held against an input.

use serde_json::{Map, Value};

use super::characters;
use super::command_pattern::Likeness;
use super::compiled::{CompiledPattern, climbs};
use super::components::Care;
use super::glob::{self, Glob, Reach};
use super::subject::{Subject, Within};
use super::url::{Url, UrlPattern};
use crate::domain::canonical::canonical_object;
use crate::domain::members::{Members, Pointer, value_text};
use crate::domain::tools::plain_name;

/// In JSON a `*` stays inside one string.
const JSON: Reach = Reach::Narrow { forbidden: &['"', '\\'] };

impl Members {
    /// The first member of `input` that this, of a rule that allows, does not cover: one that is named and says something
    /// else, one that is not spoken of, or one that looks like another subject and is not named. `None`: it covers all that
    /// is beside `subject`, and all that is in it where that is the whole input and `pattern` leaves it open.
    pub(in crate::domain) fn missed(
        &self,
        subject: &Subject,
        pattern: &CompiledPattern,
        input: &Map<String, Value>,
    ) -> Option<Pointer> {
        let is_open = pattern.is_star() && !self.is_empty();
        let (others, twins) = match &subject.within {
            Within { others, twins } if subject.is_whole() && is_open => (others, twins),
            _ => (&subject.others, &subject.twins),
        };
        let is_other = |(pointer, pattern): &(&Pointer, &str)| !covers_at(pattern, pointer, input);
        if let Some((pointer, _)) = self.iter().find(is_other) {
            return Some(pointer.clone());
        }
        let uncovered = others.iter().find_map(|(pointer, value)| self.uncovered(pointer, value));
        let twins = || twins.iter().map(|(twin, _)| twin);
        uncovered.or_else(|| twins().find(|twin| !self.names(twin)).cloned())
    }

    /// The first value at `pointer` or below it that is not spoken of.
    fn uncovered(&self, pointer: &Pointer, value: &Value) -> Option<Pointer> {
        if self.iter().any(|(above, _)| above.covers(pointer)) {
            return None;
        }
        // Only what is spoken of further down makes it worth looking there.
        if !self.iter().any(|(below, _)| pointer.covers(below)) {
            return Some(pointer.clone());
        }
        match value {
            Value::Object(members) => {
                members.iter().find_map(|(name, value)| self.uncovered(&pointer.child(name), value))
            }
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(number, item)| self.uncovered(&pointer.child(&number.to_string()), item))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(pointer.clone()),
        }
    }

    /// Whether what looks like another subject is named: itself, or as a part of something that is said to the letter.
    fn names(&self, twin: &Pointer) -> bool {
        self.iter().any(|(pointer, pattern)| {
            pointer == twin || (pointer.covers(twin) && Glob::new(pattern).literal().is_some())
        })
    }

    /// What this, of a rule that denies or asks, says to `input`: nothing is left out that it does not speak of.
    pub(in crate::domain) fn resembles(&self, input: &Map<String, Value>) -> Likeness {
        let said = self.iter().map(|(pointer, pattern)| resembles_at(pattern, pointer, input));
        said.min().unwrap_or(Likeness::Certain)
    }
}

/// Whether `pattern` covers what stands at `pointer`. What is not there is covered by what covers anything alone.
fn covers_at(pattern: &str, pointer: &Pointer, input: &Map<String, Value>) -> bool {
    if pattern == Members::ANY {
        return true;
    }
    match pointer.find(input) {
        Some(value) => covers(pattern, value),
        None if pointer.as_str().is_empty() => covers_text(pattern, &canonical_object(input), JSON),
        None => false,
    }
}

fn covers(pattern: &str, value: &Value) -> bool {
    let reach = if value.is_object() || value.is_array() { JSON } else { Reach::Wide };
    covers_text(pattern, &value_text(value), reach)
}

/// A wildcard stands for nothing that does not show, and for no way out of a directory.
fn covers_text(pattern: &str, text: &str, reach: Reach) -> bool {
    let glob = Glob::new(pattern);
    match glob.literal() {
        Some(literal) => literal == text,
        None => {
            let reach = glob::reach_in_text(pattern, reach);
            let is_plain = !climbs(text) && characters::are_plain(text) && !glob::has_more_statements(pattern, text);
            is_plain && leads_where(pattern, text) && glob.matches(text, reach)
        }
    }
}

/// Whether a text is one URL with the scheme, host and port that `pattern` says, where that begins as one.
fn leads_where(pattern: &str, text: &str) -> bool {
    let has_url = pattern.split_once("://").is_some_and(|(scheme, _)| !scheme.contains([' ', '"', '/']));
    let is_there = |url: Url| UrlPattern::parse(pattern).is_some_and(|pattern| pattern.is_at(&url, Care::Allowing));
    !has_url || Url::parse(text).is_ok_and(is_there)
}

/// The same for a rule that denies or asks: a member under another spelling of its name, or a value in another case, is
/// perhaps what it is about.
fn resembles_at(pattern: &str, pointer: &Pointer, input: &Map<String, Value>) -> Likeness {
    if pattern == Members::ANY {
        return Likeness::Certain;
    }
    let matches = |text: &str| Glob::new(pattern).matches(text, Reach::Wide);
    let may_match =
        |value: &Value| Glob::new(&pattern.to_lowercase()).matches(&value_text(value).to_lowercase(), Reach::Wide);
    let found = pointer.find(input);
    let is_it = match found {
        Some(value) => matches(&value_text(value)),
        None => pointer.as_str().is_empty() && matches(&canonical_object(input)),
    };
    if is_it {
        return Likeness::Certain;
    }
    let plain = plain_name(&pointer.name());
    let is_spelling = |name: &str| plain_name(name) == plain;
    let may_be =
        found.is_some_and(may_match) || input.iter().any(|(name, value)| is_spelling(name) && may_match(value));
    if may_be { Likeness::Possible } else { Likeness::No }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::kinds::Confirmation;

    fn missed(members: Value, input: Value) -> Option<String> {
        missed_by("x*", members, input)
    }

    fn missed_by(pattern: &str, members: Value, input: Value) -> Option<String> {
        let pattern = CompiledPattern::new(&pattern.parse().unwrap());
        let members: Members = serde_json::from_value(members).unwrap();
        let asked = json!({"toolName": "mine", "input": input}).to_string();
        let asked: Confirmation = serde_json::from_str(&asked).unwrap();
        let subject = Subject::of(&asked);
        members.missed(&subject, &pattern, asked.input.tree()).map(|pointer| pointer.as_str().to_owned())
    }

    #[test]
    fn every_member_beside_the_subject_has_to_be_spoken_of() {
        let some = |pointer: &str| Some(pointer.to_owned());
        let rows = [
            (json!({}), json!({"command": "ls"}), None),
            (json!({}), json!({"command": "ls", "description": "d", "timeout": 5}), None),
            (json!({}), json!({"command": "ls", "timeout": "5"}), some("/timeout")),
            (json!({}), json!({"command": "ls", "x": null}), some("/x")),
            (json!({"/x": "1"}), json!({"command": "ls", "x": 1}), None),
            (json!({"/x": "1"}), json!({"command": "ls", "x": 1, "y": 2}), some("/y")),
            (json!({"/x": "1"}), json!({"command": "ls"}), some("/x")),
            (json!({"/x": "*"}), json!({"command": "ls"}), None),
            (json!({"": "*"}), json!({"command": "ls", "x": 1, "y": {"z": [2]}}), None),
            (json!({"": "*", "/x": "1"}), json!({"command": "ls", "x": 2}), some("/x")),
            (json!({"/y": "*"}), json!({"command": "ls", "y": {"z": [2]}}), None),
            (json!({"/y/z": "*"}), json!({"command": "ls", "y": {"z": [2]}}), None),
            (json!({"/y/z": "*"}), json!({"command": "ls", "y": {"z": 2, "w": 3}}), some("/y/w")),
            (json!({"/y": "{\"z\":[2]}"}), json!({"command": "ls", "y": {"z": [2]}}), None),
            (json!({"/y": "{\"z\":[2]}"}), json!({"command": "ls", "y": {"z": [3]}}), some("/y")),
            (json!({"/x": "a*"}), json!({"command": "ls", "x": "ab/c"}), None),
            (json!({"/x": "a*"}), json!({"command": "ls", "x": "a/../b"}), some("/x")),
            (json!({"/x": "a*"}), json!({"command": "ls", "x": "a\u{200b}"}), some("/x")),
            (json!({"/x": "a\\*"}), json!({"command": "ls", "x": "a*"}), None),
            (json!({"/x": "https://a.test/*"}), json!({"command": "ls", "x": "https://a.test/b/c?d"}), None),
            (
                json!({"/x": "https://a.test*"}),
                json!({"command": "ls", "x": "https://a.test.evil.example/"}),
                some("/x"),
            ),
            (
                json!({"/x": "https://a.test/*"}),
                json!({"command": "ls", "x": "https://a.test/ https://b.test/"}),
                some("/x"),
            ),
            (json!({"/x": "https://*a.test/*"}), json!({"command": "ls", "x": "https://b.test/?.a.test/"}), some("/x")),
            (json!({"/x": "see https://a.test*"}), json!({"command": "ls", "x": "see https://a.test/b"}), None),
            (json!({"/to": "*@a.test"}), json!({"command": "ls", "to": "ann.b+c@a.test"}), None),
            (json!({"/to": "ann@*"}), json!({"command": "ls", "to": "ann@b.test"}), None),
            (json!({"/to": "[\"*@a.test\"]"}), json!({"command": "ls", "to": ["ann@a.test"]}), None),
            (json!({"/to": "@bob *"}), json!({"command": "ls", "to": "@bob come, please"}), None),
            (json!({"/to": "*@a.test"}), json!({"command": "ls", "to": "x@evil.example, ann@a.test"}), some("/to")),
            (json!({"/to": "*@a.test"}), json!({"command": "ls", "to": "x@evil.example\nann@a.test"}), some("/to")),
            (json!({"/to": "*@a.test"}), json!({"command": "ls", "to": "x@evil.example;ann@a.test"}), some("/to")),
            (json!({"/to": "*@a.test"}), json!({"command": "ls", "to": "x%evil.example@a.test"}), some("/to")),
            (
                json!({"/to": "<*@a.test>"}),
                json!({"command": "ls", "to": "<x@evil.example> <ann@a.test>"}),
                some("/to"),
            ),
            (json!({"/to": "ann@*.test"}), json!({"command": "ls", "to": "ann@evil.example,b@a.test"}), some("/to")),
            (json!({"/to": "*@*.a.test"}), json!({"command": "ls", "to": "ann@evil.example#.a.test"}), some("/to")),
            (json!({"/my_sql": "select *"}), json!({"command": "ls", "my_sql": "select 1;\n"}), None),
            (
                json!({"/my_sql": "select *"}),
                json!({"command": "ls", "my_sql": "select 1; drop table x"}),
                some("/my_sql"),
            ),
            (json!({"/my_sql": "select *; select *"}), json!({"command": "ls", "my_sql": "select 1; select 2"}), None),
            (json!({"/q": "select *;"}), json!({"command": "ls", "q": "select 1; drop table x;"}), some("/q")),
            (json!({"/q": "select *"}), json!({"command": "ls", "q": "select 1\nGO\ndrop table x"}), some("/q")),
            (json!({"/q": "see *"}), json!({"command": "ls", "q": "see a; b"}), None),
            (json!({"/q": "*@bob*"}), json!({"command": "ls", "q": "hi @bob, how are you"}), None),
            (json!({"/q": "* <*@a.test>"}), json!({"command": "ls", "q": "Ann B <ann@a.test>"}), None),
            // What looks like another subject is named, or it is asked about.
            (json!({"": "*"}), json!({"command": "ls", "shell_command": "id"}), some("/shell_command")),
            (json!({"": "*", "/shell_command": "*"}), json!({"command": "ls", "shell_command": "id"}), None),
            (json!({"/o": "*"}), json!({"command": "ls", "o": {"postCmd": "id"}}), some("/o/postCmd")),
            (json!({"/o": "{\"postCmd\":\"id\"}"}), json!({"command": "ls", "o": {"postCmd": "id"}}), None),
            // All of it is the subject.
            (json!({}), json!({"a": 1, "to_file": "x"}), None),
        ];
        for (members, input, expected) in rows {
            assert_eq!(missed(members.clone(), input.clone()), expected, "{members} {input}");
        }
    }

    #[test]
    fn a_star_over_the_whole_input_with_members_covers_no_member_that_they_do_not_speak_of() {
        let rows = [
            (json!({"/amount": "5"}), json!({"amount": 5}), None),
            (json!({"/amount": "5"}), json!({"amount": "5"}), None),
            (json!({"/amount": "5"}), json!({"amount": 50}), Some("/amount")),
            (json!({"/amount": "5"}), json!({"amount": 5, "destination": "x"}), Some("/destination")),
            (json!({"/amount": "5"}), json!({"amount": 5, "description": "x"}), Some("/description")),
            (json!({"/amount": "5"}), json!({"amount": 5, "sudo": true}), Some("/sudo")),
            (json!({"/amount": "5", "/sudo": "*"}), json!({"amount": 5, "sudo": true}), None),
            (json!({"/amount": "5", "": "*"}), json!({"amount": 5, "note": {"a": [1]}}), None),
            (json!({"/amount": "5", "": "*"}), json!({"amount": 5, "target_host": "x"}), Some("/target_host")),
            (
                json!({"/amount": "5", "/to": "*"}),
                json!({"amount": 5, "to": {"a": {"post_command": "x"}}}),
                Some("/to/a/post_command"),
            ),
            (json!({"": "*"}), json!({"amount": 5}), None),
            (json!({}), json!({"amount": 5, "destination": "x", "sudo": true}), None),
        ];
        for (members, input, expected) in rows {
            let found = missed_by("*", members.clone(), input.clone());
            assert_eq!(found.as_deref(), expected, "{members} {input}");
        }
        // A pattern over the JSON speaks of all of it itself.
        assert_eq!(missed_by("{\"amount\":*}", json!({"/amount": "5"}), json!({"amount": 5})), None);
    }

    #[test]
    fn a_rule_that_denies_is_about_what_its_members_may_be() {
        let says = |members: Value, input: Value| {
            let members: Members = serde_json::from_value(members).unwrap();
            members.resembles(input.as_object().unwrap())
        };
        assert_eq!(says(json!({}), json!({"env": "prod"})), Likeness::Certain);
        assert_eq!(says(json!({"/env": "prod*"}), json!({"env": "prod-1", "x": 1})), Likeness::Certain);
        assert_eq!(says(json!({"/env": "prod"}), json!({"env": "Prod"})), Likeness::Possible);
        assert_eq!(says(json!({"/env": "prod"}), json!({"ENV": "prod"})), Likeness::Possible);
        assert_eq!(says(json!({"/env": "prod"}), json!({"env": "test"})), Likeness::No);
        assert_eq!(says(json!({"/env": "prod"}), json!({})), Likeness::No);
        assert_eq!(says(json!({"/n": "true"}), json!({"n": true})), Likeness::Certain);
    }
}
