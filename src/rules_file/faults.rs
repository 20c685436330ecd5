//! What is wrong with a text that is no rules file, in sentences: which line, which rule, which of its examples.

use std::fmt;

use serde_path_to_error::{Path, Segment};

use super::RulesFile;

/// What is wrong with one member of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    line: usize,
    /// The rule by its name, or by its number where it has none.
    rule: Option<String>,
    /// The member of the rule, such as `match[1].input`.
    member: String,
    /// A sentence.
    problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        if !self.member.is_empty() && !self.problem.starts_with(&self.member) {
            write!(f, "{}: ", self.member)?;
        }
        f.write_str(&self.problem)
    }
}

/// How a time is written.
const TIME: &str = "a time is written as in RFC 3339, for example 2030-01-31T12:00:00.000Z";

/// How much of a file is repeated where it is wrong, in bytes.
const MAX_FOUND: usize = 64;

/// In how many letters a word may differ from one that is meant.
const MAX_TYPOS: usize = 2;

/// Reads `text`; the outer error is one of TOML's own grammar.
pub(super) fn read(text: &str) -> Result<Result<RulesFile, Fault>, Box<toml::de::Error>> {
    let line = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        1 + text.get(..start).unwrap_or(text).matches('\n').count()
    };
    let parsed = match toml::Deserializer::parse(text) {
        Ok(parsed) => parsed,
        Err(error) if ["invalid date", "invalid time"].iter().any(|start| error.message().starts_with(start)) => {
            let problem = format!("{TIME}: {}", error.message());
            return Ok(Err(Fault { line: line(&error), rule: None, member: String::new(), problem }));
        }
        Err(error) => return Err(Box::new(error)),
    };
    Ok(serde_path_to_error::deserialize(parsed).map_err(|error| {
        let (rule, mut members) = place(error.path(), text);
        let (message, is_in_rule) = (error.inner().message(), rule.is_some());
        let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        if unknown.is_some() && members.last().map(String::as_str) == unknown {
            members.pop();
        }
        let mut problem = problem(message, unknown, &members, is_in_rule);
        let found = error.inner().span().and_then(|span| text.get(span)).filter(|found| found.len() <= MAX_FOUND);
        if let (Some(found), true) = (found, message.starts_with("expected one of")) {
            problem = format!("{problem}, and not {:?}", found.trim_matches(['"', '\'']));
        }
        Fault { line: line(error.inner()), rule, member: joined(&members), problem }
    }))
}

/// The rule that `path` leads through, and what follows: names, and numbers in brackets.
fn place(path: &Path, text: &str) -> (Option<String>, Vec<String>) {
    let mut segments = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("[{index}]"),
        Segment::Map { key } => key.clone(),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => "?".to_owned(),
    });
    let names = segments.by_ref().take(2).collect::<Vec<_>>();
    match names.as_slice() {
        [list, number] if list == "rule" => {
            let number = number.trim_matches(['[', ']']).parse().unwrap_or_default();
            (Some(name_of(text, number)), segments.collect())
        }
        _ => (None, names),
    }
}

/// What the rule with this number calls itself.
fn name_of(text: &str, number: usize) -> String {
    let table = text.parse::<toml::Table>().ok();
    let rule = table.as_ref().and_then(|table| table.get("rule")?.get(number)?.get("name")?.as_str());
    // Quoted: a terminal obeys what a text holds.
    rule.map_or_else(|| format!("number {}", number + 1), |name| format!("{name:?}"))
}

fn joined(members: &[String]) -> String {
    members.iter().fold(String::new(), |text, member| match text.is_empty() || member.starts_with('[') {
        true => text + member,
        false => text + "." + member,
    })
}

fn problem(message: &str, unknown: Option<&str>, members: &[String], is_in_rule: bool) -> String {
    let is_example = members.first().is_some_and(|list| list == "match" || list == "not_match");
    let what = match (is_example, is_in_rule) {
        (true, _) => "an example",
        (false, true) => "a rule",
        (false, false) => "a rules file",
    };
    if let Some(unknown) = unknown {
        let known = message.split('`').skip(3).step_by(2).collect::<Vec<_>>();
        let meant = meant(unknown, &known).map_or_else(String::new, |meant| format!(", did you mean {meant}?"));
        let hint = if is_example && meant.is_empty() { "; the members of a call stand in its input" } else { "" };
        return format!("{what} has no {unknown}{meant} (it may have {}{hint})", known.join(", "));
    }
    if let Some(missing) = message.strip_prefix("missing field ") {
        let missing = missing.trim_matches('`');
        let needed = if is_example {
            "an example in a table has an input, such as { command = \"git log\" }"
        } else {
            "a rule has a name, a tool_name, a pattern, a scope and a decision"
        };
        return format!("{missing} is missing: {needed}");
    }
    match members.last().map(String::as_str) {
        Some("expires_at") if !message.starts_with(TIME) => format!("{TIME}: {message}"),
        Some("input") => format!("an input is a table, such as {{ command = \"git log\" }}: {message}"),
        _ => message.to_owned(),
    }
}

/// The one of `known` that is the same but for its spelling.
fn meant<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let unknown = plain(unknown);
    let distance = |name: &str| typos(&unknown, &plain(name));
    let nearest = known.iter().copied().min_by_key(|name| distance(name))?;
    (distance(nearest) <= MAX_TYPOS && distance(nearest) < unknown.len()).then_some(nearest)
}

/// In how many letters two words differ.
fn typos(one: &str, other: &str) -> usize {
    let mut row = (0..=other.chars().count()).collect::<Vec<_>>();
    for (at, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, b) in other.chars().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_meant_where_few_letters_differ() {
        let known = ["working_dir", "risk_level", "agent", "expires_at"];
        for (unknown, expected) in [
            ("workingDir", Some("working_dir")),
            ("workdir", None),
            ("expiresAt", Some("expires_at")),
            ("agnet", Some("agent")),
            ("risklevel", Some("risk_level")),
            ("host", None),
        ] {
            assert_eq!(meant(unknown, &known), expected, "{unknown}");
        }
    }
}
