//! How a query is written, and the sentences that refuse what is none.

use std::mem::discriminant;
use std::str::FromStr;

use super::{ByRule, LONGEST_QUERY, MOST_TERMS, Name, NameField, Query, Standing, Term, What, quoted};
use crate::domain::enums::{Kind, Outcome, RiskLevel};
use crate::domain::interaction::Status;

/// The fields, each with what it compares.
pub const FIELDS: [(&str, &str); 12] = [
    ("agent", "the agent that asked"),
    ("tool", "the tool of a confirmation"),
    ("in", "the conversation"),
    ("id", "the request's own id"),
    ("is", "where it stands: a status, `open` (pending) or `decided` (approved, rejected or answered)"),
    ("kind", "what it asks for: `confirmation`, `secret` or `question`"),
    ("risk", "the risk of a confirmation: `low`, `medium` or `high`"),
    ("by", "the person or agent that resolved it"),
    ("rule", "the trust rule that decided it, by its id or name; `none` or `any`"),
    ("since", "asked then or later: a time, a day in UTC, or how long ago"),
    ("until", "asked before then"),
    ("expires", "its deadline is before then: a time, a day in UTC, or how far ahead"),
];

/// Every field that is understood, for a sentence.
fn known() -> String {
    FIELDS.map(|(field, _)| format!("{field}:")).join(", ")
}

/// Words between others in the queries of other programs.
const NOT_UNDERSTOOD: [&str; 3] = ["AND", "OR", "NOT"];

/// What stands between two queries of which each has to find it.
pub(super) const EACH: &str = "&";

/// Straight quotation marks, and those that telephones write.
const QUOTATION_MARKS: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];

/// A part of a query before it is understood.
struct Part<'q> {
    /// As it was written.
    written: &'q str,
    is_negated: bool,
    field: Option<String>,
    value: String,
    is_quoted: bool,
    /// Whether a star stands at its end.
    is_starred: bool,
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST_QUERY {
            return Err(format!("a query has at most {LONGEST_QUERY} characters"));
        }
        if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return Err("a query has no control characters".to_owned());
        }
        let (mut query, mut rest, mut number) = (Self::default(), text.trim_start(), 0);
        while !rest.is_empty() {
            let (part, after) = part(rest)?;
            if part.written == EACH {
                number = query.terms.last().map_or(0, |last| last.part + 1);
            } else {
                query.add(Term { part: number, ..term(&part)? }, part.written)?;
            }
            rest = after.trim_start();
        }
        // What is kept and put into links is the query as it is written in one way, which may be longer.
        if query.to_string().chars().count() > LONGEST_QUERY {
            return Err(format!("a query has at most {LONGEST_QUERY} characters, with all its quotation marks"));
        }
        Ok(query)
    }
}

impl Query {
    fn add(&mut self, term: Term, written: &str) -> Result<(), String> {
        let comes_twice = self.terms.iter().any(|other| {
            let is_time = matches!(term.what, What::Since(_) | What::Until(_) | What::Expires(_));
            is_time
                && discriminant(&other.what) == discriminant(&term.what)
                && other.part == term.part
                && *other != term
        });
        if comes_twice {
            return Err(format!("{written}: since:, until: and expires: stand in a query once each"));
        }
        if !self.terms.contains(&term) {
            self.terms.push(term);
        }
        if self.terms.len() > MOST_TERMS {
            return Err(format!("a query has at most {MOST_TERMS} words and fields"));
        }
        Ok(())
    }
}

/// The first part of a text that begins with one, and what comes after.
fn part(text: &str) -> Result<(Part<'_>, &str), String> {
    if text.starts_with("--") {
        let word = text.split_whitespace().next().unwrap_or(text);
        return Err(format!("{word}: one minus sign leaves out what has a word; write \"{word}\" to find it"));
    }
    let after_sign = text.strip_prefix('-');
    let from_name = after_sign.unwrap_or(text);
    if from_name.is_empty() || from_name.starts_with(char::is_whitespace) {
        return Err("a minus sign stands right before the word that is to be left out".to_owned());
    }
    let name = field_name(from_name);
    let from_value = name.map_or(from_name, |name| &from_name[name.len() + 1..]);
    let (value, is_quoted, after) = match from_value.chars().next().filter(|c| QUOTATION_MARKS.contains(c)) {
        Some(mark) => {
            let (value, after) = phrase(from_value, mark)?;
            (value, true, after)
        }
        None => {
            let end = from_value.find(char::is_whitespace).unwrap_or(from_value.len());
            (from_value[..end].to_owned(), false, &from_value[end..])
        }
    };
    let (is_starred, after) = match after.strip_prefix('*') {
        Some(after) if is_quoted => (true, after),
        _ => (false, after),
    };
    let written = &text[..text.len() - after.len()];
    if is_quoted && !after.is_empty() && !after.starts_with(char::is_whitespace) {
        return Err(format!("{written}: a blank comes after a closing quotation mark"));
    }
    if !is_quoted && value.contains(QUOTATION_MARKS) {
        return Err(format!("{written}: quotation marks stand around the whole of a phrase; inside of one write \\\""));
    }
    let field = name.map(str::to_ascii_lowercase);
    let mut part = Part { written, is_negated: after_sign.is_some(), field, value, is_quoted, is_starred };
    if !is_quoted && part.value.len() > 1 && part.value.ends_with('*') {
        part.value.pop();
        part.is_starred = true;
    }
    Ok((part, after))
}

/// The name of a field, where a text begins with one and a colon. An address on the web does not, nor does a path on a drive.
fn field_name(text: &str) -> Option<&str> {
    let (name, value) = text.split_once(':')?;
    let is_name = name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_name && !value.starts_with("//")).then_some(name)
}

/// What stands between quotation marks, and what comes after them.
fn phrase(text: &str, mark: char) -> Result<(String, &str), String> {
    let mut phrase = String::new();
    let mut rest = text[mark.len_utf8()..].chars();
    while let Some(c) = rest.next() {
        if c == '"' || (mark != '"' && QUOTATION_MARKS.contains(&c)) {
            return Ok((phrase, rest.as_str()));
        }
        let escaped = rest.clone().next().filter(|next| c == '\\' && matches!(next, '"' | '\\'));
        phrase.push(escaped.unwrap_or(c));
        if escaped.is_some() {
            rest.next();
        }
    }
    Err(format!("{text}: the closing quotation mark is missing"))
}

/// Whether a text can be written as a word, without quotation marks.
pub(super) fn is_a_word(text: &str) -> bool {
    is_without_marks(text)
        && !text.starts_with('-')
        && (text.len() == 1 || !text.ends_with('*'))
        && field_name(text).is_none()
        && !NOT_UNDERSTOOD.contains(&text)
        && text != EACH
}

/// Whether a text can be written as the value of a field, without quotation marks.
pub(super) fn is_a_value(text: &str) -> bool {
    is_without_marks(text) && !text.contains('*')
}

fn is_without_marks(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace) && !text.contains(QUOTATION_MARKS)
}

fn term(part: &Part<'_>) -> Result<Term, String> {
    let Part { written, is_negated, .. } = *part;
    let what = match part.field.as_deref() {
        None => What::Text(text(part)?),
        Some("agent") => What::Name(NameField::Agent, name(part)?),
        Some("tool") => What::Name(NameField::Tool, name(part)?),
        Some("in") => What::Name(NameField::In, name(part)?),
        Some("by") => What::Name(NameField::By, name(part)?),
        Some("id") => What::Name(NameField::Id, name(part)?),
        Some("is") => What::Is(standing(part)?),
        Some("kind") => What::Kind(word(part, &words(Kind::ALL.iter().map(|kind| kind.as_str())))?),
        Some("risk") => What::Risk(word(part, &words(RiskLevel::ALL.iter().map(|risk| risk.as_str())))?),
        Some("rule") => What::Rule(by_rule(part)?),
        Some("since" | "until" | "expires") if is_negated => {
            return Err(format!("{written}: a time is not left out; write until: in place of -since:"));
        }
        Some("since") => What::Since(moment(part)?),
        Some("until") => What::Until(moment(part)?),
        Some("expires") => What::Expires(moment(part)?),
        Some("for") => {
            return Err(format!(
                "{written}: for: is kept for requests that are assigned to a person, which there are none of"
            ));
        }
        Some(other) => {
            return Err(format!(
                "{written}: {other}: is no field; the fields are {}. To look for it as it stands, write {}",
                known(),
                quoted(written.strip_prefix('-').unwrap_or(written))
            ));
        }
    };
    Ok(Term { part: 0, is_negated, what })
}

fn text(part: &Part<'_>) -> Result<String, String> {
    if part.value.trim().is_empty() {
        return Err(format!("{}: there is nothing between the quotation marks", part.written));
    }
    if !part.is_quoted && NOT_UNDERSTOOD.contains(&part.value.as_str()) {
        return Err(format!(
            "{0}: all words of a query have to be there, and a minus sign leaves one out; to look for it as it stands, write \"{0}\"",
            part.value
        ));
    }
    Ok(part.value.clone())
}

fn name(part: &Part<'_>) -> Result<Name, String> {
    let (field, written) = (part.field.as_deref().unwrap_or_default(), part.written);
    if part.value.trim().is_empty() || (!part.is_quoted && part.value == "*") {
        return Err(format!("{written}: {field}: is followed by a name or its beginning, as in {field}:a"));
    }
    if !part.is_quoted && part.value.contains('*') {
        return Err(format!("{written}: a star stands at the end of a name, for what it begins with"));
    }
    Ok(Name { text: part.value.clone(), is_whole: part.is_quoted && !part.is_starred })
}

fn by_rule(part: &Part<'_>) -> Result<ByRule, String> {
    let word = part.value.to_ascii_lowercase();
    let is_a_word = !part.is_quoted && !part.is_starred;
    Ok(match word.as_str() {
        "none" if is_a_word => ByRule::None,
        "any" if is_a_word => ByRule::Any,
        _ => ByRule::Named(name(part)?),
    })
}

fn standing(part: &Part<'_>) -> Result<Standing, String> {
    let statuses = Outcome::ALL.iter().map(|outcome| Status::Resolved(*outcome).as_str());
    let known = words(["pending", "open", "decided"].into_iter().chain(statuses));
    Ok(match part.value.to_ascii_lowercase().as_str() {
        "open" => Standing::Status(Status::Pending),
        "decided" => Standing::Decided,
        _ => Standing::Status(word(part, &known)?),
    })
}

/// One of the words that a field knows.
fn word<T: FromStr>(part: &Part<'_>, known: &str) -> Result<T, String> {
    let read = part.value.to_ascii_lowercase().parse();
    let field = part.field.as_deref().unwrap_or_default();
    read.map_err(|_| format!("{}: {field}: is followed by one of {known}", part.written))
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn moment(part: &Part<'_>) -> Result<crate::domain::moment::Moment, String> {
    part.value.trim().parse().map_err(|expected| format!("{}: {expected}", part.written))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<Query>().map(|query| query.to_string())
    }

    #[test]
    fn a_query_is_read_and_written_in_one_way() {
        for (typed, written) in [
            ("", ""),
            ("  kubectl\tprod\n", "kubectl prod"),
            ("kubectl kubectl", "kubectl"),
            ("Agent:claude-* TOOL:Bash", "agent:claude- tool:Bash"),
            ("agent:\"ci\"", "agent:\"ci\""),
            ("tool:\"web se\"*", "tool:\"web se\"*"),
            ("is:OPEN is:decided -is:expired", "is:pending is:decided -is:expired"),
            ("risk:High kind:secret", "risk:high kind:secret"),
            ("rule:none rule:any rule:01a2", "rule:none rule:any rule:01a2"),
            ("rule:\"none\" rule:none*", "rule:\"none\" rule:\"none\"*"),
            ("since:2h until:2030-01-31", "since:2h until:2030-01-31"),
            ("since:\"2 hours\"", "since:\"2 hours\""),
            ("expires:1h EXPIRES:1h", "expires:1h"),
            ("-word \"a  phrase\" -\"b c\"", "-word \"a  phrase\" -\"b c\""),
            ("\u{201c}von unterwegs\u{201d}", "\"von unterwegs\""),
            ("https://example.com/a?b=c 12:30 a.b:c C:\\x", "https://example.com/a?b=c 12:30 a.b:c C:\\x"),
            ("\"npm:test\" \"-rf\" \"OR\" \"ends*\"", "\"npm:test\" \"-rf\" \"OR\" \"ends*\""),
            ("kube* * 100% a_b", "kube * 100% a_b"),
            (r#""say \"hi\" C:\temp""#, r#""say \"hi\" C:\\temp""#),
            ("or and not", "or and not"),
            ("agent:a is:open & agent:b -is:open", "agent:a is:pending & agent:b -is:pending"),
            (" & a & & b & ", "a & b"),
            ("make && \"&\" a&b", "make && \"&\" a&b"),
            ("since:2h & since:3h", "since:2h & since:3h"),
        ] {
            assert_eq!(read(typed).as_deref(), Ok(written), "{typed}");
            assert_eq!(read(written).as_deref(), Ok(written), "{typed}");
        }
    }

    #[test]
    fn what_is_too_long_as_it_is_written_in_one_way_is_refused() {
        for typed in [format!("{}**", "x".repeat(LONGEST_QUERY - 2)), format!("\"{}\"", "\\a ".repeat(330))] {
            assert!(typed.chars().count() <= LONGEST_QUERY);
            assert!(read(&typed).unwrap_err().contains("at most 1000 characters"), "{typed}");
        }
        assert!(read(&"x".repeat(LONGEST_QUERY)).is_ok());
    }

    #[test]
    fn an_option_is_not_taken_for_what_is_left_out() {
        assert!(read("push --force").unwrap_err().starts_with("--force: "));
        assert_eq!(read("push \"--force\"").as_deref(), Ok("push \"--force\""));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_what_is_known() {
        for (typed, named, known) in [
            (
                "kubectl status:pending",
                "status:pending",
                "agent:, tool:, in:, id:, is:, kind:, risk:, by:, rule:, since:, until:, expires:",
            ),
            ("is:done", "is:done", "pending, open, decided, approved"),
            ("kind:thing", "kind:thing", "confirmation, secret, question"),
            ("risk:", "risk:", "low, medium, high"),
            ("since:yesterday", "since:yesterday", "90m, 7d"),
            ("expires:soon", "expires:soon", "90m, 7d"),
            ("-expires:2h", "-expires:2h", "until:"),
            ("expires:2h expires:3h", "expires:3h", "once"),
            ("-since:2h", "-since:2h", "until:"),
            ("since:2h since:3h", "since:3h", "once"),
            ("for:ada", "for:ada", "assigned"),
            ("agent:", "agent:", "beginning"),
            ("agent:*", "agent:*", "beginning"),
            ("agent:a*b", "agent:a*b", "end"),
            ("\"a b", "\"a b", "closing"),
            ("\"a\"b", "\"a\"", "blank"),
            ("it\"s", "it\"s", "quotation"),
            ("\"\"", "\"\"", "nothing"),
            ("a OR b", "OR", "minus"),
            ("a - b", "", "minus"),
            ("a\0b", "", "control"),
        ] {
            let said = read(typed).unwrap_err();
            assert!(said.contains(named) && said.contains(known), "{typed}: {said}");
        }
        assert!(read(&"x".repeat(LONGEST_QUERY + 1)).is_err());
        let many = |count: usize| (0..count).map(|at| format!("w{at}")).collect::<Vec<_>>().join(" ");
        assert!(read(&many(MOST_TERMS)).is_ok() && read(&many(MOST_TERMS + 1)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_so_that_the_same_is_read(typed in "\\PC{0,80}") {
            if let Ok(query) = typed.parse::<Query>() {
                prop_assert_eq!(query.to_string().parse::<Query>(), Ok(query));
            }
        }

        #[test]
        fn words_and_fields_in_any_order_are_read_again(
            typed in proptest::collection::vec("-?((agent|tool|in|id|by|rule|is|kind|risk|since|AGENT):)?(\"([a\\\\\" *:-]|é){0,6}\"|[a-c*\\\\:é“”-]{0,5}|pending|high|secret|none|2h)\\*?", 0..8)
        ) {
            if let Ok(query) = typed.join(" ").parse::<Query>() {
                prop_assert_eq!(query.to_string().parse::<Query>(), Ok(query));
            }
        }

        #[test]
        fn no_text_is_too_much(typed in proptest::collection::vec(any::<char>(), 0..1200)) {
            let _ = typed.into_iter().collect::<String>().parse::<Query>();
        }
    }
}
