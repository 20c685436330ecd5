//! A command line, taken apart into simple commands.

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::{Node, TreeCursor};

use super::danger;
use super::doubt::Doubt;
use super::harmless::{is_harmless_redirection, is_loop_variable, is_plain_test};
use super::parse;
use super::word::{self, Known, Word};

/// One simple command: a program and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct SimpleCommand {
    /// The program first; never empty.
    pub(super) words: Vec<Word>,
}

/// Everything that a command line runs, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// Its simple commands, in their order: all of them must be allowed.
    pub(super) commands: Vec<SimpleCommand>,
    /// Commands inside words and here-documents: looked at only by rules that deny or ask.
    pub(super) hidden: Vec<SimpleCommand>,
    /// Texts that a shell in it reads as commands.
    pub(super) scripts: Vec<String>,
    /// Why no wildcard may allow it, if so: the first thing found.
    pub(super) doubt: Option<Doubt>,
}

impl SimpleCommand {
    /// The name that its program is known by: without directories, in lower case, without a version; empty where it is not
    /// known.
    pub(super) fn program(&self) -> String {
        danger::program_name(&self.words)
    }
}

impl CommandLine {
    /// Takes `text` apart.
    pub(super) fn read(text: &str) -> Self {
        parse::plain_words(text).map_or_else(|| Self::of_tree(text), |words| Self::plain(words.map(Word::literal)))
    }

    /// One command whose words are all known.
    fn plain(words: impl Iterator<Item = Word>) -> Self {
        let command = SimpleCommand { words: words.collect() };
        let doubt = danger::changes_shell(&command.program()).then_some(Doubt::ShellChanger);
        Self { commands: vec![command], doubt, ..Self::default() }
    }

    /// Whatever the grammar says.
    fn of_tree(text: &str) -> Self {
        let Some(tree) = parse::tree(text) else {
            return Self { doubt: Some(Doubt::TooMuch), ..Self::default() };
        };
        let root = tree.root_node();
        let mut walk = Walk {
            text,
            line: Self::default(),
            loop_variables: HashSet::new(),
            functions: Vec::new(),
            inside: 0,
            seen: 0,
        };
        if root.has_error() {
            walk.doubt(Doubt::Syntax);
        }
        walk.all(root.walk());
        walk.gap(walk.seen..text.len());
        if walk.line.commands.is_empty() {
            walk.doubt(Doubt::Syntax);
        }
        walk.line
    }
}

/// What is to be done with what a node holds.
enum Below {
    /// Each node below it counts.
    Enter,
    /// It has been read whole: below it only commands are of interest.
    Skim,
}

/// A walk through the syntax tree in the order of the text.
struct Walk<'t> {
    text: &'t str,
    line: CommandLine,
    loop_variables: HashSet<&'t str>,
    /// The functions that the line defines, each with where its definition ends.
    functions: Vec<(&'t str, usize)>,
    /// Up to here the text belongs to something that has been read whole.
    inside: usize,
    /// Up to here every byte is accounted for.
    seen: usize,
}

impl<'t> Walk<'t> {
    fn doubt(&mut self, doubt: Doubt) {
        self.line.doubt.get_or_insert(doubt);
    }

    fn source(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Without recursion: a tree may be as deep as its text is long.
    fn all(&mut self, mut cursor: TreeCursor<'_>) {
        loop {
            self.visit(cursor.node());
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    fn visit(&mut self, node: Node<'_>) {
        let skimming = node.start_byte() < self.inside;
        if node.kind() == "command" {
            self.command(node, skimming);
        }
        if skimming {
            self.script(node);
            return;
        }
        if node.child_count() == 0 {
            self.gap(self.seen..node.start_byte());
            self.seen = self.seen.max(node.end_byte());
        }
        match self.structure(node) {
            Ok(Below::Enter) => {}
            Ok(Below::Skim) => self.skim(node),
            Err(doubt) => {
                self.doubt(doubt);
                self.script(node);
            }
        }
    }

    /// What stands between two tokens must be nothing to a shell.
    fn gap(&mut self, range: Range<usize>) {
        let gap = self.text.get(range).unwrap_or_default();
        let joins = gap.contains("\\\n") && !gap.starts_with([' ', '\t', '\n']);
        if joins || gap.replace("\\\n", "").contains(|c| !matches!(c, ' ' | '\t' | '\n')) {
            self.doubt(Doubt::Continuation);
        }
    }

    fn skim(&mut self, node: Node<'_>) {
        self.gap(self.seen..node.start_byte());
        self.inside = node.end_byte();
        self.seen = self.seen.max(node.end_byte());
    }

    /// What a node outside of commands and words means.
    fn structure(&mut self, node: Node<'_>) -> Result<Below, Doubt> {
        if node.is_error() || node.is_missing() {
            return Err(Doubt::Syntax);
        }
        let source = self.source(node);
        match node.kind() {
            "program"
            | "list"
            | "pipeline"
            | "negated_command"
            | "subshell"
            | "compound_statement"
            | "do_group"
            | "if_statement"
            | "elif_clause"
            | "else_clause"
            | "while_statement"
            | "for_statement"
            | "function_definition"
            | "redirected_statement"
            | "command"
            | "command_name" => Ok(Below::Enter),
            ";" | "&&" | "||" | "|" | "|&" | "&" | "\n" | "(" | ")" | "{" | "}" | "!" | "do" | "done" | "for"
            | "in" | "while" | "until" | "if" | "then" | "elif" | "else" | "fi" | "function" => Ok(Below::Enter),
            "comment" if self.begins_its_line(node) => Ok(Below::Skim),
            "comment" => Err(Doubt::Comment),
            "file_redirect" => self.redirection(node).map(|()| Below::Skim),
            "heredoc_redirect" | "herestring_redirect" => Err(Doubt::HereDocument),
            "test_command" if is_plain_test(source) => Ok(Below::Skim),
            "variable_name" if is_loop_variable(node, source) => {
                self.loop_variables.insert(source);
                Ok(Below::Skim)
            }
            "variable_assignment" | "variable_assignments" | "declaration_command" | "unset_command" => {
                Err(Doubt::Assignment)
            }
            // The name of a function, of which its own body must not make use.
            "word" if node.parent().is_some_and(|parent| parent.kind() == "function_definition") => {
                let end = node.parent().map_or(0, |parent| parent.end_byte());
                self.functions.push((source, end));
                word::read(source, &self.loop_variables).map(|_| Below::Skim)
            }
            // The words of a loop.
            "word" | "string" | "raw_string" | "concatenation" | "number" | "simple_expansion" | "expansion" => {
                word::read(source, &self.loop_variables).map(|_| Below::Skim)
            }
            "command_substitution" | "process_substitution" => Err(Doubt::Substitution),
            _ => Err(Doubt::Construct),
        }
    }

    fn begins_its_line(&self, node: Node<'_>) -> bool {
        let before = self.text.get(..node.start_byte()).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim_start_matches([' ', '\t']).is_empty() && !before.trim_end_matches([' ', '\t']).ends_with("\\\n")
    }

    /// Reads a simple command with all its words.
    fn command(&mut self, node: Node<'_>, hidden: bool) {
        let mut doubt = None;
        let mut words = Vec::new();
        let mut end = None;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                // No words of the command.
                "herestring_redirect" | "heredoc_redirect" => doubt = doubt.or(Some(Doubt::HereDocument)),
                "variable_assignment" => doubt = doubt.or(Some(Doubt::Assignment)),
                "file_redirect" if hidden => {}
                "file_redirect" => match self.redirection(child) {
                    Ok(()) => self.skim(child),
                    Err(found) => doubt = doubt.or(Some(found)),
                },
                _ => {
                    let apart = end.is_none_or(|end: usize| {
                        let gap = self.text.get(end..child.start_byte()).unwrap_or_default();
                        gap.starts_with([' ', '\t']) && !gap.replace("\\\n", "").contains('\n')
                    });
                    let word = word::read(self.source(child), &self.loop_variables);
                    // `{fd}>file` sets a variable, and `22>file` means one thing here and another there.
                    let rest = self.text.get(child.end_byte()..).unwrap_or_default();
                    let apart = apart && !rest.starts_with(['<', '>']);
                    doubt = doubt.or(word.as_ref().err().copied()).or((!apart).then_some(Doubt::Syntax));
                    words.push(word.unwrap_or_else(|_| Word::unknown()));
                    if !hidden {
                        self.skim(child);
                    }
                }
            }
            end = Some(child.end_byte());
        }
        if words.first().is_none_or(|program| program.known != Known::Literally) {
            doubt = doubt.or(Some(Doubt::Expansion));
        }
        let command = SimpleCommand { words };
        if command.words.is_empty() {
            self.doubt(Doubt::Syntax);
        } else if hidden {
            self.line.hidden.push(command);
        } else {
            let program = command.words.first().and_then(Word::known_text).unwrap_or_default();
            if self.functions.iter().any(|(name, end)| *name == program && node.start_byte() < *end) {
                doubt = doubt.or(Some(Doubt::Construct));
            }
            if danger::changes_shell(&command.program()) {
                doubt = doubt.or(Some(Doubt::ShellChanger));
            }
            self.line.commands.push(command);
        }
        if let Some(doubt) = doubt {
            self.doubt(doubt);
        }
    }

    /// Refuses a redirection that is not harmless, and one that touches what stands beside it.
    fn redirection(&self, node: Node<'_>) -> Result<(), Doubt> {
        let before = self.text.get(..node.start_byte()).unwrap_or_default();
        let after = self.text.get(node.end_byte()..).unwrap_or_default();
        let is_apart = before.chars().next_back().is_none_or(|c| " \t\n;|&(){}".contains(c))
            && after.chars().next().is_none_or(|c| " \t\n;|&)".contains(c));
        if is_apart && is_harmless_redirection(self.source(node)) { Ok(()) } else { Err(Doubt::Redirection) }
    }

    /// Keeps what a here-document or a here-string holds, for a shell that may read it.
    fn script(&mut self, node: Node<'_>) {
        match node.kind() {
            "heredoc_body" => self.line.scripts.push(self.source(node).to_owned()),
            "herestring_redirect" => {
                let word = self.source(node).trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches("<<<");
                if let Ok(word) = word::read(word.trim(), &self.loop_variables) {
                    self.line.scripts.push(word.text);
                }
            }
            _ => {}
        }
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
