//! One input of the fuzzer, and what must hold of it: the fuzzer and the test that replays its corpus call the same function.
//!
//! An input is a letter for what the subject is, a pattern, a zero byte and a subject, so that the corpus,
//! `tests/corpus/fuzzed.txt`, can be read and written by hand.

use countersign::domain::enums::RuleDecision;
use countersign::domain::matcher::Doubt;

use super::asked::{Asked, Decided, Kind, rules};
use super::shell;

/// A program that no pattern is to let run.
const CANARY: &str = "CANARY";

/// The inputs of the corpus, each with the number of its line.
pub(crate) fn corpus() -> impl Iterator<Item = (usize, Vec<u8>)> {
    let lines = include_str!("../corpus/fuzzed.txt").lines().zip(1..);
    lines.filter(|(line, _)| !line.starts_with('#')).map(|(line, number)| (number, unescaped(line)))
}

fn unescaped(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.as_bytes();
    loop {
        let (byte, after) = match rest {
            [] => return bytes,
            [b'\\', b'x', high, low, after @ ..] => (hex_digit(*high) * 16 + hex_digit(*low), after),
            [b'\\', b'\\', after @ ..] => (b'\\', after),
            [b'\\', ..] => panic!("{line:?} holds an unknown escape"),
            [byte, after @ ..] => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
}

fn hex_digit(digit: u8) -> u8 {
    let value = char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    value.unwrap_or_else(|| panic!("{:?} is no hexadecimal digit", char::from(digit)))
}

/// Panics where the matcher does what it never may.
pub(crate) fn check(input: &[u8]) {
    let Some((kind, pattern, text)) = parts(input) else {
        return;
    };
    let Some(asked) = Asked::new(kind, &text) else {
        return;
    };
    let allowing = rules(RuleDecision::Allow, &[&pattern]);
    let denying = rules(RuleDecision::Deny, &[&pattern]);
    let allowed = asked.decided_by(&allowing);
    let denied = asked.decided_by(&denying);
    is_stable(kind, &asked, &text, [(&allowing, &allowed), (&denying, &denied)]);
    for offer in asked.offers() {
        assert!(asked.is_allowed_by(&rules(RuleDecision::Allow, &[&offer])), "{offer:?} was offered for {text:?}");
    }
    if matches!(allowed, Decided::Allow(_)) {
        assert_ne!(denied, Decided::Open, "{pattern:?} allows {text:?} and does not deny it");
        if kind == Kind::Command {
            runs_nothing_else(&pattern, &text);
        }
    }
}

fn parts(input: &[u8]) -> Option<(Kind, String, String)> {
    let (kind, rest) = input.split_first()?;
    let kind = match kind {
        b'p' => Kind::Path,
        b'u' => Kind::Url,
        b't' => Kind::Text,
        b'o' => Kind::Own,
        _ => Kind::Command,
    };
    let at = rest.iter().position(|byte| *byte == 0)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((kind, text(&rest[..at]), text(&rest[at + 1..])))
}

/// The same question gets the same answer again. Only what takes the parser too long may take it a little less another time.
fn is_stable(kind: Kind, asked: &Asked, text: &str, answers: [(&countersign::domain::rule_set::RuleSet, &Decided); 2]) {
    let again = Asked::new(kind, text).unwrap_or_else(|| panic!("{text:?} was a subject a moment ago"));
    if asked.doubt() == Some(Doubt::TooMuch) || again.doubt() == Some(Doubt::TooMuch) {
        return;
    }
    assert_eq!(asked.doubt(), again.doubt(), "{text:?}");
    for (rules, decided) in answers {
        assert_eq!(again.decided_by(rules), *decided, "{text:?}");
    }
}

/// Of a line that is allowed: another command behind it is not, and every program in it is one that the pattern begins with.
fn runs_nothing_else(pattern: &str, line: &str) {
    let allowing = rules(RuleDecision::Allow, &[pattern]);
    if Asked::command(CANARY).is_allowed_by(&allowing) {
        return;
    }
    // Behind a comment there is only more of it, but for the next line.
    let joints: &[&str] = if line.contains('#') { &["\n"] } else { &[" ; ", " && ", " | ", "\n", "&"] };
    for joint in joints {
        let longer = format!("{line}{joint}{CANARY}");
        assert!(!Asked::command(&longer).is_allowed_by(&allowing), "{pattern:?} allows {longer:?}");
    }
    let Some(program) = pattern.split([' ', '\t']).next().filter(|first| first.bytes().all(|b| b.is_ascii_lowercase()))
    else {
        return;
    };
    // To the letter a pattern may be anything, understood or not.
    if line == pattern {
        return;
    }
    let commands =
        shell::commands(line).unwrap_or_else(|| panic!("{pattern:?} allows {line:?}, which cannot be parsed"));
    for command in commands {
        let first = command.first().and_then(Option::as_deref);
        // For a limited time it is the same command.
        let is_limited = first == Some("timeout") && command.iter().flatten().any(|word| word == program);
        assert!(
            matches!(first, Some("[")) || first == Some(program) || is_limited,
            "{pattern:?} allows {line:?}, which runs {first:?}"
        );
    }
}
