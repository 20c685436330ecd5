//! A walk through the tree of a command line.

use std::ops::Range;

use tree_sitter::{Node, TreeCursor};

use super::command_line::{CommandLine, SimpleCommand};
use super::document;
use super::doubt::Doubt;
use super::harmless::{
    is_harmless_assignment, is_harmless_comment, is_harmless_export, is_harmless_redirection, is_loop_variable,
    is_plain_test,
};
use super::parse;
use super::word::{self, Known, LoopVariables, Word};

/// How many commands one line may have more because loops have several values; with more of them no value is known.
const MAX_ITERATIONS: usize = 128;

/// Builtins that set a variable by its name, that of a loop perhaps.
const SET_VARIABLES: &[&str] = &["getopts", "mapfile", "read", "readarray", "sysread", "vared", "zparseopts"];

/// Builtins that do so with an option, `-v` or `-p`.
const SET_VARIABLES_WITH_OPTIONS: &[&str] = &["printf", "wait"];

/// What is to be done with what a node holds.
enum Below {
    /// Each node below it counts.
    Enter,
    /// It has been read whole: below it only commands are of interest.
    Skim,
}

/// A walk through the syntax tree in the order of the text.
pub(super) struct Walk<'t> {
    text: &'t str,
    line: CommandLine,
    /// The variables of loops, each with its values where they are known.
    loops: Vec<(&'t str, Option<Vec<String>>)>,
    /// How many commands there are more for the values of loops.
    iterations: usize,
    /// Whether the line defines a function: then no name of a program is known to mean that program.
    defines_functions: bool,
    /// The functions that the line defines so far, each with where it stands.
    functions: Vec<(&'t str, Range<usize>)>,
    /// The programs of its commands, each with where it stands.
    calls: Vec<(String, usize)>,
    /// Where the input is a pipe.
    piped: Vec<Range<usize>>,
    /// Up to here the text belongs to something that has been read whole.
    inside: usize,
    /// Up to here every byte is accounted for.
    seen: usize,
}

impl<'t> Walk<'t> {
    /// What `text` runs, as far as the grammar says.
    pub(super) fn through(text: &'t str) -> CommandLine {
        let Some(tree) = parse::tree(text) else {
            return CommandLine { doubt: Some(Doubt::TooMuch), ..CommandLine::default() };
        };
        let root = tree.root_node();
        let mut walk = Self {
            text,
            line: CommandLine::default(),
            loops: Vec::new(),
            iterations: 0,
            defines_functions: has_function(root),
            functions: Vec::new(),
            calls: Vec::new(),
            piped: Vec::new(),
            inside: 0,
            seen: 0,
        };
        if root.has_error() {
            walk.doubt(Doubt::Syntax);
        }
        each_node(root.walk(), |node| walk.visit(node));
        walk.gap(walk.seen..text.len());
        if walk.line.commands.is_empty() {
            walk.doubt(Doubt::Syntax);
        }
        walk.functions_call_none();
        walk.loops_keep_their_values();
        walk.line
    }

    fn doubt(&mut self, doubt: Doubt) {
        self.line.doubt.get_or_insert(doubt);
    }

    fn source(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
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
            "pipeline" => {
                let first = node.child(0).map_or(node.end_byte(), |first| first.end_byte());
                self.piped.push(first..node.end_byte());
                Ok(Below::Enter)
            }
            "while_statement" | "for_statement" | "function_definition" => {
                self.line.repeats = true;
                Ok(Below::Enter)
            }
            // To a shell, a brace that touches what follows is the beginning of a program's name.
            "compound_statement"
                if source.strip_prefix('{').is_some_and(|rest| !rest.starts_with([' ', '\t', '\n'])) =>
            {
                Err(Doubt::Syntax)
            }
            // And so is an exclamation mark that touches what follows.
            "negated_command" if source.strip_prefix('!').is_some_and(|rest| !rest.starts_with([' ', '\t'])) => {
                Err(Doubt::Syntax)
            }
            // Some shells run a program of their own for it: `cat`, or a pager.
            "redirected_statement" if node.child_by_field_name("body").is_none() => Err(Doubt::Redirection),
            "program"
            | "list"
            | "negated_command"
            | "subshell"
            | "compound_statement"
            | "do_group"
            | "if_statement"
            | "elif_clause"
            | "else_clause"
            | "redirected_statement"
            | "command"
            | "command_name" => Ok(Below::Enter),
            ";" | "&&" | "||" | "|" | "|&" | "&" | "\n" | "(" | ")" | "{" | "}" | "!" | "do" | "done" | "for"
            | "in" | "while" | "until" | "if" | "then" | "elif" | "else" | "fi" | "function" => Ok(Below::Enter),
            "comment" if self.begins_its_line(node) || is_harmless_comment(source) => Ok(Below::Skim),
            "comment" => Err(Doubt::Comment),
            "file_redirect" => self.redirection(node).map(|()| Below::Skim),
            "heredoc_redirect" if self.is_plain_document(node) => {
                self.read_document(node);
                Ok(Below::Skim)
            }
            "heredoc_redirect" | "herestring_redirect" => Err(Doubt::HereDocument),
            "test_command" if is_plain_test(source) => Ok(Below::Skim),
            "variable_name" if is_loop_variable(node, source) => {
                self.begin_loop(node, source);
                Ok(Below::Skim)
            }
            "declaration_command" if is_harmless_export(source) => {
                let words = source.split_ascii_whitespace().map(Word::literal).collect();
                self.line.hidden.push(SimpleCommand::new(words));
                Ok(Below::Skim)
            }
            "variable_assignment" | "variable_assignments" | "declaration_command" | "unset_command" => {
                Err(Doubt::Assignment)
            }
            // The name of a function, of which its own body must not make use.
            "word" if node.parent().is_some_and(|parent| parent.kind() == "function_definition") => {
                let range = node.parent().map_or(0..0, |parent| parent.byte_range());
                self.functions.push((source, range));
                word::read(source, &self.loop_variables()).map(|_| Below::Skim)
            }
            // The words of a loop.
            "word" | "string" | "raw_string" | "concatenation" | "number" | "simple_expansion" | "expansion" => {
                word::read(source, &self.loop_variables()).map(|_| Below::Skim)
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

    /// The variables of the loops so far, of which no value is known.
    fn loop_variables(&self) -> LoopVariables<'t> {
        self.loops.iter().map(|(name, _)| (*name, None)).collect()
    }

    /// A `for` begins: the values of its variable are known where all of them are written out.
    fn begin_loop(&mut self, node: Node<'_>, name: &'t str) {
        let values = node.parent().and_then(|statement| {
            let mut cursor = statement.walk();
            let written = statement.children_by_field_name("value", &mut cursor);
            let values = written.map(|value| word::read(self.source(value), &LoopVariables::new()).ok());
            // What a shell splits or expands once more is none that is known.
            let is_plain =
                |text: &str| !text.is_empty() && !text.contains([' ', '\t', '\n', '*', '?', '[', '\\', '~', '=']);
            let known = |word: Word| match word.known {
                Known::Literally => is_plain(&word.text).then_some(word.text),
                // The names of files below a directory that is written out.
                Known::NoOption => Some(word.text),
                Known::Names | Known::Nothing => None,
            };
            values.map(|word| word.and_then(known)).collect::<Option<Vec<_>>>()
        });
        let values = values.filter(|values| !values.is_empty());
        match self.loops.iter_mut().find(|(other, _)| *other == name) {
            Some((_, other)) => *other = None,
            None => self.loops.push((name, values)),
        }
    }

    /// The values of the variables in `source`, together, for each turn of the loops around it.
    fn turns(&mut self, source: &str) -> Vec<LoopVariables<'t>> {
        let is_used = |name: &str| source.contains(&format!("${name}")) || source.contains(&format!("${{{name}}}"));
        let used = self.loops.iter().filter(|(name, values)| values.is_some() && is_used(name)).collect::<Vec<_>>();
        let turns =
            used.iter().fold(1_usize, |turns, (_, values)| turns.saturating_mul(values.as_ref().map_or(1, Vec::len)));
        let unknown = self.loop_variables();
        if used.is_empty() || turns.saturating_add(self.iterations) > MAX_ITERATIONS {
            return vec![unknown];
        }
        self.iterations += turns;
        let mut found = vec![unknown];
        for (name, values) in used {
            let with = |turn: &LoopVariables<'t>, value: &String| {
                let mut turn = turn.clone();
                turn.insert(*name, Some(value.clone()));
                turn
            };
            found = found.iter().flat_map(|turn| values.iter().flatten().map(|value| with(turn, value))).collect();
        }
        found
    }

    /// Reads a simple command with all its words, once for each turn of the loops around it.
    fn command(&mut self, node: Node<'_>, hidden: bool) {
        for turn in self.turns(self.source(node)) {
            self.command_in_turn(node, hidden, &turn);
        }
    }

    fn command_in_turn(&mut self, node: Node<'_>, hidden: bool, turn: &LoopVariables<'t>) {
        let mut doubt = None;
        let mut words = Vec::new();
        let mut end = None;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                // No words of the command.
                "herestring_redirect" | "heredoc_redirect" => doubt = doubt.or(Some(Doubt::HereDocument)),
                "variable_assignment" if is_harmless_assignment(self.source(child)) => {
                    if !hidden {
                        self.skim(child);
                    }
                }
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
                    let source = self.source(child);
                    // A function could be called `cat`.
                    let text = document::text(source).filter(|_| !self.defines_functions);
                    let word = text.map_or_else(|| word::read(source, turn), |text| Ok(Word::literal(text)));
                    // Which program it is has to be written.
                    if words.is_empty() && source.contains('$') {
                        doubt = doubt.or(Some(Doubt::Expansion));
                    }
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
        let start = node.start_byte();
        let reads_pipe = self.piped.iter().any(|range| range.contains(&start));
        let mut command = SimpleCommand::new(words);
        command.reads_pipe = reads_pipe;
        command.is_sourced = command.sources_one();
        if command.words.is_empty() {
            self.doubt(Doubt::Syntax);
        } else if hidden {
            self.line.hidden.push(command);
        } else {
            let program = command.words.first().and_then(Word::known_text).unwrap_or_default();
            self.calls.push((program.to_owned(), start));
            if command.changes_shell() {
                doubt = doubt.or(Some(Doubt::ShellChanger));
            }
            self.line.commands.push(command);
        }
        if let Some(doubt) = doubt {
            self.doubt(doubt);
        }
    }

    /// A function in which one of the line's functions is called may go on forever; one that is called in a pipe reads it.
    fn functions_call_none(&mut self) {
        let is_inside = |at: &usize| self.functions.iter().any(|(_, range)| range.contains(at));
        let calls_one =
            |(program, at): &(String, usize)| is_inside(at) && self.functions.iter().any(|(name, _)| name == program);
        if self.calls.iter().any(calls_one) {
            self.doubt(Doubt::Construct);
        }
        if !self.functions.is_empty() && !self.piped.is_empty() {
            self.line.commands.iter_mut().for_each(|command| command.reads_pipe = true);
        }
    }

    /// The values of loops are what is written only where nothing else sets their variables.
    fn loops_keep_their_values(&mut self) {
        let sets = |command: &SimpleCommand| {
            let program = command.program();
            let has_option = || command.words.iter().any(|word| word.text.starts_with('-'));
            SET_VARIABLES.contains(&program.as_str())
                || (SET_VARIABLES_WITH_OPTIONS.contains(&program.as_str()) && has_option())
        };
        if self.iterations > 0 && self.line.commands.iter().any(sets) {
            self.doubt(Doubt::Expansion);
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

    /// Whether a here-document is taken as it is written, belongs to one simple command, and ends its line.
    fn is_plain_document(&self, node: Node<'_>) -> bool {
        let command = node.parent().and_then(|statement| statement.child(0));
        let is_simple = |kind: &str| matches!(kind, "command" | "list" | "pipeline");
        command.is_some_and(|command| is_simple(command.kind()) && command.end_byte() == self.seen)
            && self.loops.is_empty()
            && !self.defines_functions
            && document::is_whole(self.source(node))
    }

    /// Gives the here-document to the command that stands before it, and a lone dash, which the grammar leaves out there.
    fn read_document(&mut self, node: Node<'_>) {
        let gap = self.text.get(self.seen..node.start_byte()).unwrap_or_default();
        let has_dash =
            gap.trim_matches([' ', '\t']) == "-" && gap.starts_with([' ', '\t']) && gap.ends_with([' ', '\t']);
        if let Some(command) = self.line.commands.last_mut() {
            command.reads_document = true;
            if has_dash {
                command.words.push(Word::literal("-"));
                self.seen = node.start_byte();
            }
        }
        self.line.scripts.push(self.source(node).to_owned());
    }

    /// Keeps what a here-document or a here-string holds, for a shell that may read it.
    fn script(&mut self, node: Node<'_>) {
        match node.kind() {
            "heredoc_body" => self.line.scripts.push(self.source(node).to_owned()),
            "herestring_redirect" => {
                let word = self.source(node).trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches("<<<");
                if let Ok(word) = word::read(word.trim(), &self.loop_variables()) {
                    self.line.scripts.push(word.text);
                }
            }
            _ => {}
        }
    }
}

/// Visits the nodes in the order of the text. Without recursion: a tree may be as deep as its text is long.
pub(super) fn each_node(mut cursor: TreeCursor<'_>, mut visit: impl FnMut(Node<'_>)) {
    loop {
        visit(cursor.node());
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

/// Whether a function is defined anywhere below `root`.
fn has_function(root: Node<'_>) -> bool {
    let mut found = false;
    each_node(root.walk(), |node| found |= node.kind() == "function_definition");
    found
}
