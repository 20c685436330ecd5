//! What must hold of the matcher for every rule and every subject. The cases are the same ones in every run.

mod anything;
mod injection;
mod offers;
mod options;
mod order;
mod parts;
mod quoting;

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Characters and words that mean something to a shell, and some that mean nothing.
const META: &[&str] = &[
    ";",
    "&",
    "|",
    "&&",
    "||",
    "|&",
    "\n",
    "(",
    ")",
    "<",
    ">",
    ">>",
    ">|",
    "<<",
    "<<<",
    "<(",
    ">(",
    "&>",
    ">&",
    "2>&1",
    "<>",
    "$(",
    "$((",
    "((",
    "))",
    "`",
    "${",
    "$",
    "{",
    "}",
    "!",
    "#",
    "\\",
    "\\\n",
    "'",
    "\"",
    "$'",
    "$\"",
    "*",
    "?",
    "[",
    "]",
    "[[",
    "]]",
    "~",
    "=",
    "+=",
    ",",
    ":",
    "%",
    "^",
    ";;",
    ";&",
    "\r",
    "\t",
    " ",
    "-",
    "--",
    "$HOME",
    "$IFS",
    "${IFS}",
    "$x",
    "$1",
    "$?",
    "$@",
    "if",
    "then",
    "else",
    "fi",
    "for i in",
    "do",
    "done",
    "while",
    "until",
    "case",
    "esac",
    "in",
    "function f",
    "f()",
    "coproc",
    "time",
    "eval",
    "exec",
    "source",
    ".",
    "env",
    "sudo",
    "A=b",
    "/dev/null",
    "> /dev/null",
    "EOF",
    "{a,b}",
    "{1..3}",
    "\u{a0}",
    "\u{200b}",
    "é",
];

/// Holds `law` against so many cases.
fn always<S: Strategy<Value: Debug>>(cases: u32, strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(broken) = TestRunner::new_with_rng(config, rng).run(strategy, law) {
        panic!("{broken}");
    }
}

/// Pieces in any order, with and without blanks between them.
fn soup(pieces: impl Strategy<Value = &'static str> + 'static) -> impl Strategy<Value = String> {
    let piece = prop_oneof![3 => pieces, 2 => select(META), 1 => select(vec!["a", "x/y", "-l", "CANARY"])];
    let joint = prop_oneof![Just(" "), Just(" "), Just("")];
    prop::collection::vec((piece, joint), 0..10)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, joint)| [piece, joint]).collect())
}
