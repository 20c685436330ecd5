//! A command line, taken apart into simple commands.

use std::sync::OnceLock;

use super::danger::{self, Look};
use super::doubt::Doubt;
use super::line_walk::Walk;
use super::names;
use super::parse;
use super::place::Here;
use super::word::{Known, Word};

/// One simple command: a program and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct SimpleCommand {
    /// The program first; never empty.
    pub(super) words: Vec<Word>,
    /// Whether its input is what another command of the line writes, or may be.
    pub(super) reads_pipe: bool,
    /// Whether the line has left the directory that it began in, or may have.
    pub(super) is_elsewhere: bool,
    /// Where it runs.
    pub(super) here: Here,
    /// Whether its input is a text that comes with it, taken as it is written.
    pub(super) reads_document: bool,
    /// Whether it runs a script in the shell itself, and nothing is known of what the others mean then.
    pub(super) is_sourced: bool,
    /// What is seen of its words, once something has looked.
    looked: Looked,
}

/// What was seen of a command's words, kept for every pattern that it is held against. It says nothing that the words do not,
/// so it is no part of what makes two commands the same, and a command that is made of another is looked at anew.
#[derive(Debug, Default)]
struct Looked(OnceLock<Look>);

impl Clone for Looked {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Looked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Looked {}

/// Everything that a command line runs, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// Its simple commands, in their order: all of them must be allowed.
    pub(super) commands: Vec<SimpleCommand>,
    /// Commands inside words and here-documents: looked at only by rules that deny or ask.
    pub(super) hidden: Vec<SimpleCommand>,
    /// Texts that a shell in it reads as commands.
    pub(super) scripts: Vec<String>,
    /// Whether some of it may run more than once, or in another order than it is written: a loop, or a function.
    pub(super) repeats: bool,
    /// Why no wildcard may allow it, if so: the first thing found.
    pub(super) doubt: Option<Doubt>,
}

impl SimpleCommand {
    /// A command that is alone in its line.
    pub(super) fn new(words: Vec<Word>) -> Self {
        Self {
            words,
            reads_pipe: false,
            is_elsewhere: false,
            here: Here::default(),
            reads_document: false,
            is_sourced: false,
            looked: Looked::default(),
        }
    }

    /// What is seen of its words; to be called once it is known where it runs.
    pub(super) fn look(&self) -> &Look {
        self.looked.0.get_or_init(|| danger::look(self))
    }

    /// The command that this measures, or runs for a limited time, and does nothing else: `time make`, `timeout 60 npm test`.
    pub(super) fn limited(&self) -> Option<Self> {
        if self.words.first()?.known_text()? == "time" {
            let program = self.words.get(1)?.known_text()?;
            return (!program.starts_with('-')).then(|| Self { words: self.words[1..].to_vec(), ..self.clone() });
        }
        let mut words = self.words.iter().skip(1);
        if self.words.first()?.known_text()? != "timeout" {
            return None;
        }
        let is_option = |text: &str| matches!(text, "--foreground" | "--preserve-status" | "-v" | "--verbose");
        let mut at = 1;
        let mut text = words.next()?.known_text()?;
        loop {
            if is_option(text) {
                at += 1;
            } else if matches!(text, "-k" | "-s" | "--kill-after" | "--signal") {
                words.next()?.known_text()?;
                at += 2;
            } else {
                break;
            }
            text = words.next()?.known_text()?;
        }
        let number = text.trim_end_matches(['s', 'm', 'h', 'd']);
        let is_duration = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let program = self.words.get(at + 1)?.known_text()?;
        let is_program = is_duration && !program.starts_with('-');
        is_program.then(|| Self { words: self.words[at + 1..].to_vec(), ..self.clone() })
    }

    /// Whether it only says yes or no, waits, or ends the line: whatever else the line does needs a rule.
    pub(in crate::domain) fn does_nothing(&self) -> bool {
        let mut words = self.words.iter().map(|word| word.known_text().filter(|_| word.known == Known::Literally));
        let program = words.next().flatten();
        match program {
            Some(":" | "true" | "false") => words.all(|word| word.is_some_and(|text| !text.starts_with('-'))),
            Some("exit" | "wait") => {
                let is_number = |text: &str| text.len() < 4 && text.bytes().all(|byte| byte.is_ascii_digit());
                self.words.len() < 3 && words.all(|word| word.is_some_and(is_number))
            }
            _ => false,
        }
    }

    /// Whether it does nothing but to run one script, whose name is written, in the shell itself.
    pub(super) fn sources_one(&self) -> bool {
        match self.words.as_slice() {
            [program, script] => {
                matches!(program.known_text(), Some("source" | "."))
                    && script.known_text().is_some_and(|text| !text.starts_with('-'))
            }
            _ => false,
        }
    }

    /// Whether it changes what the rest of the line means, unless a rule names all of it.
    pub(super) fn changes_shell(&self) -> bool {
        !self.is_sourced && danger::changes_shell(&self.program())
    }

    /// The name that its program is known by: without directories, in lower case, without a version; empty where it is not
    /// known.
    pub(super) fn program(&self) -> String {
        names::program_name(&self.words)
    }
}

impl CommandLine {
    /// Takes `text` apart.
    pub(super) fn read(text: &str) -> Self {
        parse::plain_words(text).map_or_else(|| Self::of_tree(text), |words| Self::plain(words.map(Word::literal)))
    }

    /// One command whose words are all known.
    fn plain(words: impl Iterator<Item = Word>) -> Self {
        let mut command = SimpleCommand::new(words.collect());
        command.is_sourced = command.sources_one();
        let doubt = command.changes_shell().then_some(Doubt::ShellChanger);
        Self { commands: vec![command], doubt, ..Self::default() }
    }

    /// Whatever the grammar says.
    fn of_tree(text: &str) -> Self {
        Walk::through(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::matcher::parse::tests::word;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_plain_line_is_read_as_the_grammar_reads_it(words in prop::collection::vec(word(), 1..6)) {
            let text = words.join(" ");
            prop_assert_eq!(CommandLine::read(&text), CommandLine::of_tree(&text));
        }
    }
}
