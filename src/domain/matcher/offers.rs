//! The patterns and scopes that are offered for a lasting rule where the agent offers none: narrowest first.

use super::glob::{Glob, escape};
use super::programs::SUBCOMMANDS;
use super::subject::{Form, Subject};
use super::{CompiledPattern, Pattern, Scope};
use super::{danger, names, path::Path};
use crate::domain::kinds::{AllowlistOption, ScopeOption};

impl Subject {
    /// Patterns of at most `max_bytes` for this subject, narrowest first. Each covers this very subject; none is offered
    /// for what no rule may allow.
    #[must_use]
    pub fn offers(&self, max_bytes: usize) -> Vec<AllowlistOption> {
        if self.doubt.is_some_and(super::Doubt::is_absolute) {
            return Vec::new();
        }
        let exact = ("exactly this".to_owned(), escape(&self.text));
        let wider = match &self.form {
            Form::Command { .. } => self.wider_command().into_iter().collect(),
            Form::Path { .. } => wider_path(&self.text).into_iter().collect(),
            Form::Url(_) => wider_urls(&self.text),
            Form::Text | Form::Opaque => Vec::new(),
        };
        let options = std::iter::once(exact).chain(wider).filter_map(|(label, pattern)| {
            let pattern = Pattern::try_from(pattern).ok().filter(|pattern| pattern.as_str().len() <= max_bytes)?;
            self.is_allowed_by(&pattern).then_some(AllowlistOption { label, description: None, pattern })
        });
        options.collect()
    }

    fn is_allowed_by(&self, pattern: &Pattern) -> bool {
        // What is this to the letter needs no reading.
        if Glob::new(pattern.as_str()).literal() == Some(self.text.as_str()) {
            return true;
        }
        let pattern = CompiledPattern::new(pattern);
        let alone = matches!(self.commands(), [command] if pattern.allows_command(command));
        self.doubt.is_none() && (alone || pattern.allows_whole(self))
    }

    /// The program with its subcommand and any words: for one simple command of a program that has subcommands. What it is
    /// that a runner runs is named, too, and so is an option that keeps the command from doing harm.
    fn wider_command(&self) -> Option<(String, String)> {
        let [command] = self.commands() else {
            return None;
        };
        let words = command.words.iter().map(|word| word.known_text().unwrap_or_default()).collect::<Vec<_>>();
        let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_alphabetic()) && is_plain_word(word);
        let (program, subcommand) = (words.first()?, words.get(1).filter(|word| is_name(word))?);
        let deep = SUBCOMMANDS.get(names::base_name(program).as_str())?;
        let mut named = if deep.contains(subcommand) { 3 } else { 2 };
        words.get(2..named)?.iter().all(is_name).then_some(())?;
        match danger::inner(&command.words) {
            Some(inner) => named = named.max(inner + 1),
            None if RUN_THEIR_WORDS.contains(words.get(named - 1)?) => named += 1,
            None => {}
        }
        let look = danger::look(command);
        let guards = look.options.iter().filter(|option| option.sets.iter().any(|set| GUARDS.contains(&set.as_str())));
        named = named.max(guards.map(|option| option.value.unwrap_or(option.word) + 1).max().unwrap_or_default());
        let named = words.get(..named)?;
        let named = named.iter().all(|word| is_plain_word(word)).then(|| named.join(" "))?;
        Some((format!("{named}, with any words after it"), format!("{named} *")))
    }
}

/// Subcommands whose words are a program with its own, or a text that is run.
const RUN_THEIR_WORDS: &[&str] = &["dlx", "eval", "exec", "run", "x"];

/// What options set with which a command does no harm, or less: without its `no-`, where it has one.
const GUARDS: &[&str] = &[
    "act",
    "assumeno",
    "cached",
    "check",
    "check-only",
    "collect-only",
    "debug-check",
    "diff",
    "dry",
    "dry-run",
    "fix-dry-run",
    "just-print",
    "list",
    "noEmit",
    "noop",
    "op",
    "plan",
    "pretend",
    "preview",
    "recon",
    "refresh-only",
    "run",
    "simulate",
    "spider",
    "staged",
    "syntax-check",
    "validate",
    "what-if",
    "whatif",
];

/// Whether a shell reads `word` as it is written.
fn is_plain_word(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('~')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/+@%,=".contains(c))
}

/// The directory of a file: what is in it, and not below it.
fn wider_path(text: &str) -> Option<(String, String)> {
    let (directory, _) = text.rsplit_once('/').filter(|(directory, _)| !matches!(*directory, "" | "." | "~"))?;
    Some((format!("any file in {directory}"), format!("{}/*", escape(directory))))
}

/// What is beside a URL, and what is anywhere on its host.
fn wider_urls(text: &str) -> Vec<(String, String)> {
    let text = text.split(['?', '#']).next().unwrap_or(text);
    let Some((scheme, rest)) = text.split_once("://") else {
        return Vec::new();
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = format!("{scheme}://{authority}");
    let beside = text.rsplit_once('/').map(|(beside, _)| beside).filter(|beside| beside.len() > host.len());
    let beside = beside.map(|beside| (format!("anything beside it, in {beside}"), format!("{}/*", escape(beside))));
    beside.into_iter().chain([(format!("anything on {host}"), format!("{host}/**"))]).collect()
}

/// Scopes for a request from `working_dir`, narrowest first.
#[must_use]
pub fn scopes(working_dir: Option<&str>) -> Vec<ScopeOption> {
    let directory = working_dir.filter(|dir| Path::parse(dir).is_ok_and(|path| path.is_absolute() && !path.is_root()));
    let directory = directory.and_then(|dir| Scope::try_from(dir.to_owned()).ok());
    let here = directory.map(|scope| ScopeOption { label: format!("in {} and below", scope.as_str()), scope });
    let everywhere = Scope::try_from(Scope::EVERYWHERE.to_owned()).ok();
    let everywhere = everywhere.map(|scope| ScopeOption { label: "everywhere".to_owned(), scope });
    here.into_iter().chain(everywhere).collect()
}
