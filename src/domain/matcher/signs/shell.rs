//! A walk through a line: its commands and redirections in the order of the text, each with where it runs.

use std::ops::Range;

use tree_sitter::Node;

use super::Sign;
use super::arguments::Argument;
use super::calls::{Calls, Input};
use super::ground::{CONNECTIONS, Ground};
use super::hosts;
use crate::domain::matcher::doubt::Doubt;
use crate::domain::matcher::line_walk::each_node;
use crate::domain::matcher::parse;

/// Parts of a line that leave the rest of it where it was.
const SCOPES: &[&str] =
    &["command_substitution", "function_definition", "pipeline", "process_substitution", "subshell"];

/// Reads `text`, which begins on `ground`.
pub(super) fn read(text: &str, ground: Ground, calls: &mut Calls<'_>) {
    // A line of plain words is one call, of which the grammar would say no more.
    if let Some(words) = parse::plain_words(text) {
        let words = words.map(Argument::literal).collect::<Vec<_>>();
        return calls.run(&words, &mut ground.clone(), &Input::default());
    }
    let Some(tree) = parse::tree(text) else { return calls.findings.doubt(Doubt::TooMuch) };
    if tree.root_node().has_error() {
        return calls.findings.doubt(Doubt::Syntax);
    }
    let mut walk = Walk { text, ground, scopes: Vec::new(), piped: Vec::new(), calls };
    each_node(tree.root_node().walk(), |node| walk.visit(node));
}

struct Walk<'t, 'c, 'f> {
    text: &'t str,
    ground: Ground,
    /// The parts that the walk is in, each with its end and where it was before.
    scopes: Vec<(usize, Ground)>,
    /// Where the input is a pipe.
    piped: Vec<Range<usize>>,
    calls: &'c mut Calls<'f>,
}

impl<'t> Walk<'t, '_, '_> {
    fn source(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn visit(&mut self, node: Node<'_>) {
        while let Some((_, before)) = self.scopes.pop_if(|(end, _)| *end <= node.start_byte()) {
            self.ground = before;
        }
        if SCOPES.contains(&node.kind()) {
            self.scopes.push((node.end_byte(), self.ground.clone()));
        }
        match node.kind() {
            "pipeline" => {
                let first = node.child(0).map_or(node.end_byte(), |first| first.end_byte());
                self.piped.push(first..node.end_byte());
            }
            "file_redirect" => self.redirection(node),
            "command" => self.command(node),
            _ => {}
        }
    }

    fn redirection(&mut self, node: Node<'_>) {
        let Some(to) = node.child_by_field_name("destination") else { return };
        let operator = self.text.get(node.start_byte()..to.start_byte()).unwrap_or_default();
        let to = Argument::read(self.source(to));
        let Some(path) = to.whole() else {
            if operator.contains('>') && self.ground.is_outside_below(&to.text) {
                self.calls.findings.name(Sign::WritesOutside, format!("{}…", to.text));
            }
            return;
        };
        if let Some(host) = CONNECTIONS.iter().find_map(|beginning| path.strip_prefix(beginning)) {
            return hosts::reach(host.split('/').next().unwrap_or(host), self.calls.findings);
        }
        let is_descriptor = operator.trim_end().ends_with('&') && path.bytes().all(|c| c.is_ascii_digit() || c == b'-');
        if operator.contains('>') && !is_descriptor {
            self.calls.findings.write(path, &self.ground);
        }
    }

    fn command(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let apart = ["variable_assignment", "file_redirect", "heredoc_redirect", "herestring_redirect"];
        let words = node.children(&mut cursor).filter(|child| !apart.contains(&child.kind()));
        let words = words.map(|child| Argument::read(self.source(child))).collect::<Vec<_>>();
        let start = node.start_byte();
        let input =
            Input { is_pipe: self.piped.iter().any(|range| range.contains(&start)), documents: self.documents(node) };
        self.calls.run(&words, &mut self.ground, &input);
    }

    /// The texts that the command reads which come with it, each where all of it is known.
    fn documents(&self, node: Node<'_>) -> Vec<Option<String>> {
        let mut found = self.documents_below(node);
        let mut last = node;
        while let Some(parent) = last.parent() {
            let is_last = parent.end_byte() == last.end_byte();
            match parent.kind() {
                "redirected_statement" => found.extend(self.documents_below(parent)),
                "pipeline" | "list" if is_last => {}
                _ => break,
            }
            last = parent;
        }
        found
    }

    fn documents_below(&self, node: Node<'_>) -> Vec<Option<String>> {
        let mut cursor = node.walk();
        let redirections = node.children(&mut cursor);
        redirections.filter_map(|redirection| self.document(redirection)).collect()
    }

    fn document(&self, redirection: Node<'_>) -> Option<Option<String>> {
        match redirection.kind() {
            "herestring_redirect" => {
                let word = Argument::read(self.source(redirection).trim_start_matches("<<<").trim());
                Some(word.is_whole.then_some(word.text))
            }
            "heredoc_redirect" => {
                let mut cursor = redirection.walk();
                let mut parts = redirection.children(&mut cursor);
                let is_quoted =
                    parts.any(|part| part.kind() == "heredoc_start" && self.source(part).contains(['\'', '"', '\\']));
                let mut cursor = redirection.walk();
                let mut parts = redirection.children(&mut cursor);
                let body = parts.find(|part| part.kind() == "heredoc_body").map_or("", |body| self.source(body));
                Some((is_quoted || !body.contains(['$', '`', '\\'])).then(|| body.to_owned()))
            }
            _ => None,
        }
    }
}
