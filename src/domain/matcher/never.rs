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
                "a pattern is one command: quotes that close, no `&&`, `|`, `;` or redirection; make a rule for each command"
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

/// Why a rule with this pattern never matches a tool whose subject is read as `read`, if so; nothing is known of a tool
/// without a profile.
#[must_use]
pub fn never_matches(pattern: &Pattern, decision: RuleDecision, read: Option<Read>) -> Option<NeverMatches> {
    if decision == RuleDecision::Allow && !characters::are_plain(pattern.as_str()) {
        return Some(NeverMatches::Characters);
    }
    CompiledPattern::new(pattern).never_read_as(read?, decision)
}
