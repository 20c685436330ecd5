//! How far a pattern of a rule that allows is from what it does not cover, and the word that stands between them, in a
//! sentence for a person. Nothing is decided here.

use std::cmp::Reverse;

use tree_sitter::Node;

use super::command_line::{CommandLine, SimpleCommand};
use super::command_pattern::CommandPattern;
use super::compiled::CompiledPattern;
use super::components::Care;
use super::danger::{self, Danger};
use super::doubt::Doubt;
use super::harmless::{is_harmless_assignment, is_harmless_export, is_harmless_redirection};
use super::names::base_name;
use super::parse;
use super::path::{Path, PathPattern};
use super::subject::{Form, Subject};
use super::url::{Url, UrlPattern};
use super::word::{self, LoopVariables, Word};
use super::word_pattern::WordPattern;
use crate::domain::pattern::Pattern;

/// How many characters of a text are quoted in a sentence.
const MAX_QUOTED_CHARS: usize = 80;

/// How many commands of a line a pattern is held against at a glance.
const MAX_GLANCED_COMMANDS: usize = 16;

/// What is said of a word that only the shell knows.
const UNKNOWN_WORD: &str = "one of its words is known only when it runs";

/// What is said of a command that does not run where its line begins.
pub(in crate::domain) const ELSEWHERE: &str = "it runs in another directory than the line begins in";

/// How far a pattern is from something: the nearest is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain) enum Distance {
    /// It covers it, but for a doubt about the line or where a command runs.
    Covers,
    /// It begins as this does.
    Begins {
        /// For so many words or names.
        same: Reverse<usize>,
        /// So many of its own come after them.
        more: usize,
    },
    /// It covers another command of the line.
    OtherCommand,
    /// It is about another program, another place or something else entirely.
    Other,
}

/// What a pattern misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct PatternGap {
    pub(in crate::domain) distance: Distance,
    /// A sentence without its end.
    pub(in crate::domain) because: String,
}

/// A text in backquotes, as much of it as a sentence bears.
pub(in crate::domain) fn quoted(text: &str) -> String {
    let mut shown = text.chars().take(MAX_QUOTED_CHARS).collect::<String>();
    if shown.len() < text.len() {
        shown.push('…');
    }
    if shown.contains('`') { format!("`` {shown} ``") } else { format!("`{shown}`") }
}

fn does_not_cover(pattern: &Pattern, text: &str) -> String {
    format!("the pattern {} does not cover {}", quoted(pattern.as_str()), quoted(text))
}

impl CompiledPattern {
    /// How far this is from `subject` by what it begins with alone: how many of its first words or names are others, and how
    /// many are the same.
    pub(in crate::domain) fn glance(&self, subject: &Subject) -> (usize, Reverse<usize>) {
        let [command, path, url] = self.keys();
        let glanced = match &subject.form {
            Form::Command { line, .. } => command.and_then(|keys| {
                let commands = line.commands.iter().take(MAX_GLANCED_COMMANDS);
                commands.map(|command| glance(&keys, command.words.iter().filter_map(Word::known_text))).min()
            }),
            Form::Path { folded, .. } => {
                path.and_then(|keys| folded.iter().map(|path| glance(&keys, path.keys())).min())
            }
            Form::Url(found) => url.map(|keys| glance(&keys, found.keys())),
            Form::Text | Form::Whole | Form::Opaque => {
                let said = self.glob.literal_prefix();
                Some((
                    0,
                    Reverse(said.bytes().zip(subject.text.bytes()).take_while(|(one, other)| one == other).count()),
                ))
            }
        };
        glanced.unwrap_or((usize::MAX, Reverse(0)))
    }

    /// What this, as `pattern`, misses of the whole of `subject`, which is no command line and which it does not cover.
    pub(in crate::domain) fn gap_to_whole(&self, subject: &Subject, pattern: &Pattern) -> PatternGap {
        let (more, Reverse(same)) = self.glance(subject);
        let (least, because) = match &subject.form {
            Form::Path { paths, .. } => (1, self.path.as_ref().and_then(|own| path_gap(own, paths, &subject.text))),
            Form::Url(url) => (1, self.url.as_ref().and_then(|own| host_gap(own, url))),
            Form::Command { .. } | Form::Text | Form::Whole | Form::Opaque => (0, None),
        };
        let distance = if same > least { Distance::Begins { same: Reverse(same), more } } else { Distance::Other };
        PatternGap { distance, because: because.unwrap_or_else(|| does_not_cover(pattern, &subject.text)) }
    }

    /// What this, as `pattern`, misses of a line that is one command; `None` where it allows it.
    pub(super) fn gap_to_line(&self, line: &str, pattern: &Pattern) -> Option<String> {
        let read = CommandLine::read(line);
        match (read.doubt, read.commands.as_slice()) {
            (Some(doubt), _) => Some(shown_doubt(doubt, line).map_or(doubt, |(doubt, _)| doubt).to_string()),
            (None, commands) => {
                commands.iter().find_map(|command| self.gap_to_command(command, pattern)).map(|gap| gap.because)
            }
        }
    }

    /// What this, as `pattern`, misses of one command of a line; `None` where it allows it.
    pub(in crate::domain) fn gap_to_command(&self, command: &SimpleCommand, pattern: &Pattern) -> Option<PatternGap> {
        let Some(own) = &self.command else {
            let because = does_not_cover(pattern, &command.shown());
            return Some(PatternGap { distance: Distance::Other, because });
        };
        if own.allows(command) {
            return None;
        }
        let as_limited = command.limited().map(|limited| own.gap(&limited, pattern));
        std::iter::once(own.gap(command, pattern)).chain(as_limited).min_by_key(|gap| gap.distance)
    }
}

/// How many of `keys` are others than what `said` begins with, and how many are the same.
fn glance<'k>(keys: &[&str], said: impl Iterator<Item = &'k str>) -> (usize, Reverse<usize>) {
    let same = keys.iter().zip(said).take_while(|(key, said)| **key == *said).count();
    (keys.len() - same, Reverse(same))
}

/// The hidden name in a path that no wildcard stands for.
fn path_gap(own: &PathPattern, paths: &[Path], text: &str) -> Option<String> {
    let is_hidden = |name: &&str| name.starts_with('.') && !matches!(*name, "." | "..");
    let name = text.split('/').find(is_hidden).filter(|_| paths.iter().any(|path| own.matches(path, Care::Caution)))?;
    Some(format!("{} begins with a dot, and no `*` stands for that", quoted(name)))
}

/// The host of a URL, where the pattern is about another.
fn host_gap(own: &UrlPattern, url: &Url) -> Option<String> {
    let (said, found) = (own.keys().nth(1)?, url.keys().nth(1)?);
    (said != found).then(|| format!("the rule is about the host {}, and this is {}", quoted(said), quoted(found)))
}

impl CommandPattern {
    /// What this misses of a command that it does not allow.
    fn gap(&self, command: &SimpleCommand, pattern: &Pattern) -> PatternGap {
        match self.covering(&command.words) {
            None => self.word_gap(&command.words, pattern),
            Some(covering) => {
                let distance = Distance::Begins { same: Reverse(covering.len()), more: 0 };
                PatternGap { distance, because: self.hidden_gap(command, &covering) }
            }
        }
    }

    /// The first word that no part of this covers.
    fn word_gap(&self, words: &[Word], pattern: &Pattern) -> PatternGap {
        let mut at = 0;
        for (place, part) in self.words.iter().enumerate() {
            if matches!(part, WordPattern::Options) {
                at += words.get(at..).unwrap_or_default().iter().take_while(|word| word.is_option()).count();
                continue;
            }
            let begins = Distance::Begins { same: Reverse(at), more: self.words.len() - place };
            let said = self.said(place, part, pattern);
            let (distance, because) = match (words.get(at), words.get(at).and_then(Word::known_text)) {
                (None, _) => (begins, format!("{} of the pattern is missing", quoted(&said))),
                (Some(_), None) => (begins, UNKNOWN_WORD.to_owned()),
                (Some(_), Some(text)) if part.covers(text, Care::Allowing) => {
                    at += 1;
                    continue;
                }
                (Some(_), Some(text)) if place == 0 => {
                    (Distance::Other, format!("it runs {}, and the rule is about {}", quoted(text), quoted(&said)))
                }
                (Some(word), Some(text)) if word.is_option() && part.spelled() == 0 => {
                    (begins, format!("{} is an option, and no `*` stands for one", quoted(text)))
                }
                (Some(_), Some(text)) => {
                    (begins, format!("{} stands where the pattern says {}", quoted(text), quoted(&said)))
                }
            };
            return PatternGap { distance, because };
        }
        let further = words.get(at).and_then(Word::known_text);
        let because =
            further.map_or_else(|| UNKNOWN_WORD.to_owned(), |text| format!("{} is a further word", quoted(text)));
        PatternGap { distance: Distance::Begins { same: Reverse(at), more: 0 }, because }
    }

    /// A word of this as the pattern writes it, where it stands there without quotes.
    fn said(&self, place: usize, part: &WordPattern, pattern: &Pattern) -> String {
        let written = pattern.as_str().split(' ').collect::<Vec<_>>();
        let is_plain = written.len() == self.words.len() || written.len() == self.words.len() + 1;
        match (part, written.get(place).filter(|_| is_plain)) {
            (WordPattern::Literal(literal), _) => literal.clone(),
            (WordPattern::Any, _) => "*".to_owned(),
            (WordPattern::Options, _) => "--*".to_owned(),
            (WordPattern::Unread(glob), None) => glob.source(),
            (WordPattern::Glob { .. } | WordPattern::Url { .. } | WordPattern::Unread(_), Some(written)) => {
                (*written).to_owned()
            }
            (WordPattern::Glob { prefix, .. } | WordPattern::Url { prefix, .. }, None) => format!("{prefix}*"),
        }
    }

    /// What a wildcard does not hide of a command whose words are all covered, in the order in which it is decided.
    fn hidden_gap(&self, command: &SimpleCommand, covering: &[Option<&WordPattern>]) -> String {
        let words = &command.words;
        let program = words.first().map_or("", |word| word.text.as_str());
        let has_wildcards = self.has_wildcards();
        if command.reads_document && !self.spells_input() {
            return "it carries a here-document, and the pattern has no `-` that says so".to_owned();
        }
        if command.is_sourced && has_wildcards {
            return format!("{} runs a script in the shell itself, which no `*` stands for", quoted(program));
        }
        let look = command.look();
        if look.is_wrapper && has_wildcards {
            return format!("{} runs what its words say, and no `*` stands for that", quoted(program));
        }
        let part = |word: usize| covering.get(word).copied().flatten();
        let spelled = |word: usize| part(word).map_or(0, WordPattern::spelled);
        let is_said = |word: usize| part(word).is_some_and(WordPattern::says_something);
        let says_colon = |word: usize| part(word).is_some_and(WordPattern::has_colon);
        let is_chosen = |word: usize| {
            let is_free = part(word).is_none_or(|part| matches!(part, WordPattern::Options));
            self.any_options && is_free && words.get(word).is_some_and(Word::is_option)
        };
        let is_seen = |danger: &&Danger| spelled(danger.word) < danger.bytes && !is_chosen(danger.word);
        if let Some(danger) = look.dangers.iter().filter(is_seen).min_by_key(|danger| danger.word) {
            return danger_said(*danger, words);
        }
        let undone = look.undone(words, spelled, is_said, says_colon).into_iter().min().and_then(|at| words.get(at));
        undone.map_or_else(
            || ELSEWHERE.to_owned(),
            |word| format!("{} may take back what the pattern spells", quoted(&word.text)),
        )
    }
}

/// Why a word has to be spelled.
fn danger_said(danger: Danger, words: &[Word]) -> String {
    let Some(word) = words.get(danger.word) else { return UNKNOWN_WORD.to_owned() };
    match word.known_text() {
        Some(program) if danger.word == 0 => format!("{} may run what comes through the pipe", quoted(program)),
        Some(text) if word.is_option() => format!("{} is an option that is not known to be harmless", quoted(text)),
        Some(text) => format!("{} may do more than the pattern says", quoted(text)),
        None => UNKNOWN_WORD.to_owned(),
    }
}

impl SimpleCommand {
    /// Its words as they can be read, one space apart.
    pub(in crate::domain) fn shown(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl Subject {
    /// Why no pattern with a wildcard may allow this, with the part of a line that it is about.
    pub(crate) fn doubt_said(&self) -> Option<String> {
        let doubt = self.doubt?;
        let found = match &self.form {
            Form::Command { .. } => shown_doubt(doubt, &self.text),
            Form::Path { .. } | Form::Url(_) | Form::Text | Form::Whole | Form::Opaque => None,
        };
        Some(found.map_or_else(|| doubt.to_string(), |(doubt, source)| format!("{doubt}: {}", quoted(source))))
    }
}

/// The doubt about a line with the part of it that raises it, where that can be shown. What stands between two words of a
/// command is taken for a word that goes on; what it is itself says more.
fn shown_doubt(doubt: Doubt, line: &str) -> Option<(Doubt, &str)> {
    let between = [Doubt::Assignment, Doubt::Redirection, Doubt::HereDocument];
    let meant = if doubt == Doubt::Continuation { between.as_slice() } else { std::slice::from_ref(&doubt) };
    meant.iter().find_map(|doubt| Some((*doubt, source_of(*doubt, line)?)))
}

/// The first part of a line that raises `doubt`, where it is one that can be shown.
fn source_of(doubt: Doubt, line: &str) -> Option<&str> {
    let tree = parse::tree(line)?;
    let mut open = vec![tree.root_node()];
    while let Some(node) = open.pop() {
        let source = line.get(node.byte_range()).unwrap_or_default();
        if raises(doubt, node, source) {
            // The grammar gives a redirection the words behind its file, too.
            let end = node.child_by_field_name("destination").map_or(node.end_byte(), |file| file.end_byte());
            return line.get(node.start_byte()..end);
        }
        let below = (0..node.child_count()).rev().filter_map(|at| node.child(at));
        open.extend(below);
    }
    None
}

fn raises(doubt: Doubt, node: Node<'_>, source: &str) -> bool {
    match (doubt, node.kind()) {
        (Doubt::Redirection, "file_redirect") => !is_harmless_redirection(source),
        (Doubt::Substitution, "command_substitution" | "process_substitution") => true,
        (Doubt::Expansion, "simple_expansion" | "expansion") => word::read(source, &LoopVariables::new()).is_err(),
        (Doubt::Assignment, "variable_assignment") => !is_harmless_assignment(source),
        (Doubt::Assignment, "declaration_command") => !is_harmless_export(source),
        (Doubt::Assignment, "unset_command") => true,
        (Doubt::HereDocument, "heredoc_redirect" | "herestring_redirect") => true,
        (Doubt::Comment, "comment") => true,
        (Doubt::ShellChanger, "command_name") => danger::changes_shell(&base_name(source)),
        _ => false,
    }
}
