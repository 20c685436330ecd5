//! The grammar of the shell: a syntax tree of a command line, or none.
//!
//! The parser (tree-sitter-bash) is written in C and is given whatever an agent sends, so it is kept from what it is known to
//! stumble over: it sees ASCII only (every other character is a letter to it, as it is to a shell), here-documents with plain
//! names only, and no more text than it can parse in little time whatever the text is.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use rustix::time::{ClockId, clock_gettime};
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// The longest command line that is looked into, in bytes. Unclosed brackets cost the parser some 10 µs a byte.
const MAX_BYTES: usize = 4096;

/// How many characters with a meaning to the shell it may have: many pipes cost the parser the square of their number.
const MAX_OPERATORS: usize = 256;

/// How many blanks it may have, and how many quotes: what is known of a program is asked once a word, and once more for each
/// pair of words of some kinds. `cargo bench --bench hostile` shows what that comes to.
const MAX_BLANKS: usize = 512;
const MAX_QUOTES: usize = 1024;

/// How long the parser may take, by the clock of its thread's own work; it looks at it about once in half a millisecond.
const MAX_PARSE: Duration = Duration::from_millis(3);

/// The longest text that is parsed to be shown, and how long the parser may take for it: nothing is decided by that tree.
const MAX_SHOWN_BYTES: usize = 32 * 1024;
const MAX_SHOWN_PARSE: Duration = Duration::from_millis(15);

/// How often here-documents may begin, and with what: the parser keeps their names in a small buffer.
const MAX_HERE_DOCUMENTS: usize = 8;
static HERE_DOCUMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"<<-?[ \t]*(?:[A-Za-z0-9_]{1,32}|'[A-Za-z0-9_]{1,32}'|"[A-Za-z0-9_]{1,32}")(?:[\s|&;<>()]|$)"#).ok()
});

/// Words that mean something to the shell, or to its grammar, at some place of a line.
const RESERVED: &[&str] = &[
    "case", "coproc", "declare", "do", "done", "elif", "else", "esac", "export", "fi", "for", "function", "if", "in",
    "let", "local", "readonly", "select", "then", "time", "typeset", "unset", "unsetenv", "until", "while",
];

/// The words of a line that is one program with its words and nothing else, one space apart, each as plain as can be: what
/// the grammar says of it is known without asking.
pub(super) fn plain_words(text: &str) -> Option<impl Iterator<Item = &str>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,".contains(c);
    let is_word = |word: &str| {
        let name = word.strip_prefix("--").and_then(|option| option.split_once('='));
        let (name, value) = name.unwrap_or((word, ""));
        !name.is_empty() && name.chars().chain(value.chars()).all(is_plain) && !RESERVED.contains(&word)
    };
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || "./".contains(c));
    (begins && is_short(text) && text.split(' ').all(is_word)).then(|| text.split(' '))
}

/// Whether it is short enough to be looked into, by its bytes and by what each of them may cost.
fn is_short(text: &str) -> bool {
    let has_at_most = |most: usize, of: &[u8]| text.bytes().filter(|byte| of.contains(byte)).nth(most).is_none();
    text.len() <= MAX_BYTES
        && has_at_most(MAX_OPERATORS, b"|&;<>()$`{}[]\n")
        && has_at_most(MAX_BLANKS, b" \t")
        && has_at_most(MAX_QUOTES, b"\"'")
}

thread_local! {
    static PARSER: RefCell<Option<Parser>> = RefCell::new(bash());
}

fn bash() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    Some(parser)
}

/// The syntax tree of `text`; `None` where that is too much to look into. Its offsets are those of `text`.
pub(super) fn tree(text: &str) -> Option<Tree> {
    if is_short(text) { tree_within(text, MAX_PARSE) } else { None }
}

/// The same for a text that is only shown, and may be longer.
pub(super) fn tree_to_show(text: &str) -> Option<Tree> {
    if text.len() <= MAX_SHOWN_BYTES { tree_within(text, MAX_SHOWN_PARSE) } else { None }
}

fn tree_within(text: &str, most: Duration) -> Option<Tree> {
    if !has_plain_here_documents(text) {
        return None;
    }
    let ascii = text.bytes().map(|byte| if byte.is_ascii() && byte != 0 { byte } else { b'x' }).collect::<Vec<_>>();
    PARSER.with_borrow_mut(|parser| {
        let parser = parser.as_mut()?;
        let start = spent();
        let mut in_time = |_: &ParseState| match spent().saturating_sub(start) <= most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        let options = ParseOptions::new().progress_callback(&mut in_time);
        let tree = parser.parse_with_options(&mut |at, _| ascii.get(at..).unwrap_or_default(), None, Some(options));
        if tree.is_none() {
            parser.reset();
        }
        tree
    })
}

/// How long this thread has worked.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into().unwrap_or_default()
}

fn has_plain_here_documents(text: &str) -> bool {
    // `<<<` gives a word, not a document.
    let begun = text.replace("<<<", "").matches("<<").count();
    begun == 0
        || (begun <= MAX_HERE_DOCUMENTS
            && HERE_DOCUMENT.as_ref().is_some_and(|plain| plain.find_iter(text).count() == begun))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::RESERVED;

    /// A word that is plain, or nearly.
    pub(in crate::domain::matcher) fn word() -> impl Strategy<Value = String> {
        let known =
            ["git", "eval", "cd", "test", "true", "source", ".", "..", "-", "--", "*", "[", "!", "2", "/bin/sh"];
        let known = RESERVED.iter().chain(&known).map(|word| (*word).to_owned()).collect::<Vec<_>>();
        prop_oneof![
            1 => prop::sample::select(known),
            3 => "[a-c0-2A_./:@,%+-]{1,6}",
            1 => "-{1,3}[a-c]{0,3}=[a-c0-2/=+-]{0,3}",
            1 => "[ -~]{0,4}",
        ]
    }
}
