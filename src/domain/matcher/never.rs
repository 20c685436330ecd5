//! Patterns that never match, and why: a person who makes a rule is told so.

use std::fmt;

use super::characters;
use super::compiled::CompiledPattern;
use crate::domain::enums::RuleDecision;
use crate::domain::pattern::Pattern;
use crate::domain::tools::Read;

/// Why a pattern covers no call of its tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeverMatches {
    /// It has characters that a person is always asked about.
    Characters,
    /// It is no simple command.
    Command,
    /// It has a word that looks like a URL with wildcards and is none.
    Word,
    /// It is no path.
    Path,
    /// It is no URL.
    Url,
}

impl fmt::Display for NeverMatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "a person is always asked about characters that it has",
            Self::Command => {
                "a pattern is one command in plain words: quotes that close, no `&&`, `|`, `;`, redirection, `$` or backquote, and it is no regular expression; make a rule for each command"
            }
            Self::Word => {
                "a URL with wildcards in a command is a scheme without wildcards and a plain host, such as http://localhost:*/**"
            }
            Self::Path => "a path with wildcards has no `..` and no drive letter, variable or backslash",
            Self::Url => {
                "a pattern of URLs begins with a scheme and a host, such as https://example.com/**, or https://*/** for any host"
            }
        })
    }
}

/// A plain line that a rule which allows with this pattern would seem to cover and does not, and why not, without its end: for
/// a tool whose subject is a command.
#[must_use]
pub fn missed_line(pattern: &Pattern, read: Option<Read>) -> Option<(String, String)> {
    let text = pattern.as_str();
    let is_command = matches!(read?, Read::Command | Read::Argv | Read::Commands);
    if !is_command || text == "*" || !text.contains('*') || text.contains(['\'', '"', '\\']) {
        return None;
    }
    let compiled = CompiledPattern::new(pattern);
    let shortest = text.strip_suffix(" *").unwrap_or(text);
    let lines = [shortest, text]
        .map(|text| text.replace("--*", "--x").replace(":*/", ":80/").replace("**", "x").replace('*', "x"));
    let missed = lines.map(|line| Some((compiled.gap_to_line(&line, pattern)?, line)));
    let [Some(_), Some((because, line))] = missed else { return None };
    Some((line, because))
}

/// Why a rule with this pattern never matches a tool whose subject is read as `read`, if so; nothing is known of a tool
/// without a profile.
#[must_use]
pub fn never_matches(pattern: &Pattern, decision: RuleDecision, read: Option<Read>) -> Option<NeverMatches> {
    if decision == RuleDecision::Allow && !characters::are_plain(pattern.as_str()) {
        return Some(NeverMatches::Characters);
    }
    CompiledPattern::new(pattern).never_read_as(read?, decision)
}
