//! Whatever a pattern and a subject are, something sensible is decided: what the fuzzer holds them to, for words that a fuzzer
//! takes long to come upon.

use proptest::prelude::*;
use proptest::sample::select;

use super::{META, always, soup};
use crate::matching::fuzzed;

fn texts() -> impl Strategy<Value = String> {
    let words =
        &["git", "log", "rm", "ls", "sh -c", "'rm x'", "/srv", "a/b", "https://example.com/a", "**", "\0", "é", "🦀"];
    prop_oneof![
        3 => soup(select(&words[..])),
        1 => any::<String>(),
        1 => prop::collection::vec(select(META), 0..30).prop_map(|pieces| pieces.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

fn check(kind: &str, pattern: &str, text: &str) {
    fuzzed::check(format!("{kind}{pattern}\0{text}").as_bytes());
}

#[test]
fn no_pattern_and_no_subject_makes_the_matcher_panic_or_contradict_itself() {
    let kinds = select(&["c", "p", "u", "t", "o"][..]);
    always(2000, &(kinds, texts(), texts()), |(kind, pattern, text)| {
        check(kind, &pattern, &text);
        // A pattern that is the text, or nearly: else most of them have nothing to do with each other.
        check(kind, &text, &text);
        check(kind, &format!("{text}*"), &text);
        check(kind, &text.replace(' ', " * "), &text);
        Ok(())
    });
}
