//! Requests that are made to take long, and rules that make the most of it.

use countersign::domain::enums::RuleDecision;
use countersign::domain::rule_set::RuleSet;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

use super::asked::{Asked, Kind, rule};

/// Sizes in bytes: about as many words of one letter, and of several, as are looked into; the longest line that is; and what an
/// agent can send at most by default.
pub(crate) const SIZES: [usize; 4] = [1024, 2 * 1024, 4 * 1024, 64 * 1024];

/// A request that is made to take long.
pub(crate) struct Hostile {
    pub(crate) name: String,
    kind: Kind,
    text: String,
}

/// What is repeated: its name, what stands before it, and it itself.
const REPEATED: &[(&str, &str, &str)] = &[
    ("pipes", "", "a|"),
    ("conjunctions", "", "a&&"),
    ("lines", "", "ls\n"),
    ("empty lines", "ls", "\n"),
    ("blanks", "ls", " "),
    ("words", "ls", " a"),
    ("options", "git", " -c"),
    ("long options", "git log", " --o"),
    ("stars", "ls", " *"),
    ("stars in a word", "ls ", "*"),
    ("defaults", "", "${x:-"),
    ("braced variables", "", "${HOME}"),
    ("tests", "", "[[ "),
    ("brackets", "", "[ "),
    ("arithmetic", "", "$(("),
    ("arithmetic commands", "", "(("),
    ("substitutions", "", "$("),
    ("process substitutions", "cat ", "<("),
    ("subshells", "", "("),
    ("groups", "", "{ "),
    ("negations", "", "! "),
    ("backquotes", "", "`"),
    ("backslashes", "ls ", "\\"),
    ("escaped backquotes", "", "\\`"),
    ("single quotes", "ls ", "'"),
    ("double quotes", "ls ", "\""),
    ("one quote that never ends", "ls '", "a"),
    ("ansi quotes", "ls ", "$'a'"),
    ("dollars", "ls ", "$"),
    ("braces", "ls ", "{"),
    ("brace expansions", "ls ", "{a,"),
    ("brace ranges", "ls ", "{1..9}"),
    ("closing braces", "", "}"),
    ("here-documents", "", "cat <<A\n"),
    ("here-documents of one command", "cat", " <<A"),
    ("here-strings", "cat", " <<<a"),
    ("redirections", "ls", " >a"),
    ("redirections to nowhere", "ls", " 2>/dev/null"),
    ("assignments", "", "a=b "),
    ("array assignments", "", "a=("),
    ("comments", "", "#"),
    ("comment lines", "", "# a\n"),
    ("ifs", "", "if a; then "),
    ("loops", "", "for a in b; do "),
    ("whiles", "", "while a; do "),
    ("cases", "", "case a in a) "),
    ("functions", "", "f() { "),
    ("wrappers", "", "sudo "),
    ("environments", "", "env A=b "),
    ("timeouts", "", "timeout 5 "),
    ("wrappers of options", "sudo", " -u"),
    ("scripts", "", "sh -c \"a;b\" "),
    ("scripts beside each other", "sh", " 'a b'"),
    ("many scripts", "", "sh -c 'a b';"),
    ("evaluations", "eval", " \"a;b\""),
    ("arguments", "xargs", " -I{} a"),
    ("executions", "find .", " -exec a {} ;"),
    ("one long word", "", "a"),
    ("slashes", "", "/"),
    ("dots", "", "../"),
    ("going up and down", "", "a/../"),
    ("deep paths", "", "/a"),
    ("accents", "ls ", "é"),
    ("emoji", "ls ", "🦀"),
    ("cyrillic letters", "ls ", "а"),
    ("joiners", "ls ", "\u{200d}"),
    ("combining marks", "ls a", "\u{301}"),
    ("sed scripts", "sed s/", "a\\/"),
    ("percents", "https://example.com/", "%61"),
    ("labels", "https://", "a."),
    ("queries", "https://example.com/?", "a&"),
    ("colons", "https://example.com", ":1"),
    ("many schemes", "", "a://"),
];

/// Texts in texts: each a script of the one around it.
fn nested_scripts(bytes: usize) -> String {
    let mut text = "rm a".to_owned();
    while text.len() * 2 + 16 < bytes {
        text = format!("sh -c \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text
}

/// A shell with as many different scripts as fit.
fn different_scripts(bytes: usize) -> String {
    let mut text = String::new();
    for number in 0.. {
        let script = format!("sh -c 'a{number} | b';");
        if text.len() + script.len() > bytes {
            break;
        }
        text.push_str(&script);
    }
    text
}

/// Every hostile request of at most `bytes`.
pub(crate) fn requests(bytes: usize) -> Vec<Hostile> {
    let mut requests = Vec::new();
    let mut add = |name: &str, kind: Kind, text: &str| {
        requests.push(Hostile { name: format!("{name}, {kind:?}, {} bytes", text.len()), kind, text: text.to_owned() });
    };
    for (name, before, unit) in REPEATED {
        let text = format!("{before}{}", unit.repeat((bytes - before.len()) / unit.len()));
        for kind in [Kind::Command, Kind::Path, Kind::Url, Kind::Text] {
            add(name, kind, &text);
        }
        // The same for a shell that reads it, and for rules that look behind wrappers.
        let script = format!("sh -c '{before}{}'", unit.repeat((bytes - before.len() - 8) / unit.len()));
        add(&format!("{name} in a script"), Kind::Command, &script);
    }
    add("nested scripts", Kind::Command, &nested_scripts(bytes));
    add("different scripts", Kind::Command, &different_scripts(bytes));
    requests
}

/// What the patterns begin with.
const PROGRAMS: [&str; 10] = ["ls", "git", "sh", "sudo", "find", "cat", "xargs", "rm", "a", "*"];

/// Patterns full of wildcards, and `ordinary` that begin as hostile requests do.
pub(crate) fn rules(ordinary: usize) -> RuleSet {
    let mut patterns = Vec::new();
    for program in PROGRAMS {
        patterns.extend((0..ordinary / PROGRAMS.len()).map(|number| format!("{program} a{number} *")));
        patterns.extend([format!("{program} * x"), format!("{program} {}", "* ".repeat(100).trim_end())]);
        patterns.push(format!("{program} {}", "*a".repeat(100)));
        patterns.push(format!("{program} {}", "a*".repeat(100)));
    }
    patterns.extend(
        ["/**/a/**/b", "/**/**/**/x", "**/a*a*a*b", "https://*.example.com/**/a*b", "*", "**"].map(str::to_owned),
    );
    patterns.extend(["*a".repeat(300), "**/a/".repeat(100), "*\"a".repeat(100)]);
    let rules = patterns.iter().enumerate().filter_map(|(number, pattern)| {
        let decisions = [RuleDecision::Deny, RuleDecision::Ask, RuleDecision::Allow];
        rule(decisions[number % decisions.len()], pattern)
    });
    rules.collect()
}

impl Hostile {
    /// How long this thread works to read the request, to decide it and to make offers for it.
    pub(crate) fn cost(&self, rules: &RuleSet) -> Duration {
        let start = spent();
        if let Some(asked) = Asked::new(self.kind, &self.text) {
            let _ = asked.decided_by(rules);
            let _ = asked.offers();
        }
        spent().saturating_sub(start)
    }
}

fn spent() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}
