//! The patterns and scopes that are offered for a lasting rule, narrowest first, and whether an agent's own offer may stand
//! beside them.

use std::collections::BTreeMap;

use super::compiled::as_command;
use super::glob::{Glob, escape};
use super::programs::SUBCOMMANDS;
use super::subject::{Form, Subject};
use super::{CompiledPattern, Pattern, Scope};
use super::{names, path::Path};
use crate::domain::kinds::{AllowlistOption, Confirmation, ScopeOption};
use crate::domain::members::{Members, Pointer, pinned};

/// How many names of members a label has.
const NAMED: usize = 4;

/// Members that are what a file holds, in whole or in part.
const CONTENTS: &[&str] = &[
    "code_edit",
    "content",
    "diff",
    "edits",
    "file_text",
    "insert_line",
    "insert_text",
    "newString",
    "new_source",
    "new_str",
    "new_string",
    "oldString",
    "old_str",
    "old_string",
    "replaceAll",
    "replace_all",
];

/// What a rule for one file and any content of it is called.
const ANY_CONTENT: &str = "any content of this file";

/// Why an agent's own offer is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferFault {
    /// It does not cover the request that it comes with.
    DoesNotCover,
    /// It is more than one step wider than what is offered here.
    TooWide,
}

impl Subject {
    /// Patterns of at most `max_bytes` for this subject, narrowest first, each with the members that it leaves as they are.
    /// Each covers this very input; none is offered for what no rule may allow.
    #[must_use]
    pub fn offers(&self, max_bytes: usize) -> Vec<AllowlistOption> {
        let Some(members) = self.own_members().filter(|_| !self.doubt.is_some_and(super::Doubt::is_absolute)) else {
            return Vec::new();
        };
        let exact = (self.this(), escape(&self.text));
        let wider = match &self.form {
            Form::Command { .. } => self.wider_command().into_iter().collect(),
            Form::Path { .. } => wider_path(&self.text, self.is_joined).into_iter().collect(),
            Form::Url(_) => wider_urls(&self.text),
            Form::Whole => vec![("any call of this tool".to_owned(), Members::ANY.to_owned())],
            Form::Text | Form::Opaque => Vec::new(),
        };
        let free = self.free.iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
        let description = (!members.is_empty())
            .then(|| format!("{} as now", names(&members.iter().map(|(pointer, _)| pointer).collect::<Vec<_>>())));
        let kept = (!members.is_empty()).then_some(members);
        let very =
            self.very_members().map(|members| (("this very input".to_owned(), exact.1.clone()), Some(members), None));
        let others = std::iter::once(exact).chain(wider).map(|(label, pattern)| {
            let label = match free.as_slice() {
                [] => label,
                _ if label == ANY_CONTENT => label,
                [one] => format!("{label}, whatever {} says", one.name()),
                several => format!("{label}, whatever {} say", names(several)),
            };
            ((label, pattern), kept.clone(), description.clone())
        });
        let options = very.into_iter().chain(others).filter_map(|((label, pattern), members, description)| {
            let pattern = Pattern::try_from(pattern).ok().filter(|pattern| pattern.as_str().len() <= max_bytes)?;
            self.is_covered_by(&pattern).then_some(AllowlistOption { label, description, pattern, members })
        });
        options.collect()
    }

    /// The members that a rule made from this speaks of where nothing is said of them: each as it is now, but for those that
    /// are free. `None` where they are more than a rule may speak of.
    #[must_use]
    pub fn own_members(&self) -> Option<Members> {
        let others = self.others.iter().map(|(pointer, value)| (pointer.clone(), pinned(value)));
        let mut members = others.collect::<BTreeMap<_, _>>();
        for (twin, value) in &self.twins {
            if !members.keys().any(|pointer| pointer.covers(twin)) {
                members.insert(twin.clone(), pinned(value));
            }
        }
        Members::new(members).ok()
    }

    /// The same with those that are free: of this very input. `None` where nothing is free.
    fn very_members(&self) -> Option<Members> {
        if self.free.is_empty() {
            return None;
        }
        let all = self.others.iter().chain(&self.free).map(|(pointer, value)| (pointer.clone(), pinned(value)));
        Members::new(all.collect()).ok()
    }

    /// What the narrowest pattern is called.
    fn this(&self) -> String {
        let has_contents = self.free.iter().any(|(pointer, _)| is_content(pointer));
        match &self.form {
            _ if self.free.is_empty() => "this very input",
            Form::Command { .. } => "this command",
            Form::Path { .. } if has_contents => ANY_CONTENT,
            Form::Path { .. } => "this path",
            Form::Url(_) => "this URL",
            Form::Text | Form::Whole | Form::Opaque => "this subject",
        }
        .to_owned()
    }

    /// Whether a rule with this pattern covers the subject.
    fn is_covered_by(&self, pattern: &Pattern) -> bool {
        let glob = Glob::new(pattern.as_str());
        // What is this to the letter needs no reading.
        if glob.literal() == Some(self.text.as_str()) {
            return true;
        }
        if self.doubt.is_some() {
            return false;
        }
        match self.commands() {
            [] => CompiledPattern::new(pattern).allows_whole(self),
            // Every registration comes here: the pattern is read only as what it is held against.
            commands => as_command(pattern.as_str(), &glob).is_some_and(|pattern| {
                commands.iter().all(|command| command.is_safe_here() && pattern.allows(command))
            }),
        }
    }

    /// Why an agent's own offer for `asked` is left out; `None`: it stands.
    #[must_use]
    pub fn offer_fault(&self, asked: &Confirmation, offer: &AllowlistOption) -> Option<OfferFault> {
        let is_sure = !self.doubt.is_some_and(super::Doubt::is_absolute);
        let covers_members = match &offer.members {
            Some(members) => members.missed(self, &CompiledPattern::new(&offer.pattern), asked.input.tree()).is_none(),
            None => self.own_members().is_some(),
        };
        if !is_sure || !covers_members || !self.is_covered_by(&offer.pattern) {
            return Some(OfferFault::DoesNotCover);
        }
        self.is_too_wide(&offer.pattern, asked.working_dir.as_deref()).then_some(OfferFault::TooWide)
    }

    /// Whether a pattern that covers this is more than one step wider than the widest that is offered here: it leaves the
    /// program, the host, or more than one directory open.
    fn is_too_wide(&self, pattern: &Pattern, working_dir: Option<&str>) -> bool {
        if Glob::new(pattern.as_str()).literal().is_some() {
            return false;
        }
        let compiled = CompiledPattern::new(pattern);
        let [command, path, _] = compiled.keys();
        match &self.form {
            Form::Command { .. } => command.is_some_and(|words| words.is_empty()),
            Form::Path { paths, .. } => {
                // Both begin with where a path begins, and are as file systems may take them.
                let said = path.unwrap_or_default();
                let here = working_dir.and_then(|dir| Path::parse(dir).ok()).filter(|here| !here.is_root());
                let is_here = here
                    .map(|here| here.folded())
                    .is_some_and(|here| said.starts_with(&here.keys().collect::<Vec<_>>()));
                let least = paths.iter().map(|path| path.keys().count()).max().unwrap_or(0).saturating_sub(2);
                match pattern.as_str().starts_with(['/', '~']) {
                    true => !is_here && said.len() < least.max(2),
                    false => said.len() <= 1 && !paths.iter().any(Path::is_absolute),
                }
            }
            Form::Url(_) => {
                let authority = pattern.as_str().split_once("://").map_or("", |(_, rest)| rest);
                let host = authority.split(['/', ':']).next().unwrap_or_default();
                host == "*" || host.strip_prefix("*.").is_some_and(|below| !below.contains('.'))
            }
            Form::Text => compiled.is_star(),
            Form::Whole | Form::Opaque => false,
        }
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
        let look = command.look();
        match look.inner {
            Some(inner) => named = named.max(inner + 1),
            None if RUN_THEIR_WORDS.contains(words.get(named - 1)?) => named += 1,
            None => {}
        }
        let guards = look.options.iter().filter(|option| option.sets.iter().any(|set| GUARDS.contains(&set.as_ref())));
        named = named.max(guards.map(|option| option.value.unwrap_or(option.word) + 1).max().unwrap_or_default());
        let named = words.get(..named)?;
        let named = named.iter().all(|word| is_plain_word(word)).then(|| named.join(" "))?;
        Some((format!("{named}, with any words after it"), format!("{named} *")))
    }

    /// Scopes for this, narrowest first: each holds where it was asked.
    #[must_use]
    pub fn scopes(&self, working_dir: Option<&str>) -> Vec<ScopeOption> {
        let here =
            working_dir.and_then(|dir| Path::parse(dir).ok()).filter(|path| path.is_absolute() && !path.is_root());
        let holds =
            here.is_some_and(|here| self.directories().all(|dir| here.join(dir).is_ok_and(|there| there.is_in(&here))));
        let directory = working_dir.filter(|_| holds).and_then(|dir| Scope::try_from(dir.to_owned()).ok());
        let here = directory.map(|scope| ScopeOption { label: format!("in {} and below", scope.as_str()), scope });
        let everywhere = Scope::try_from(Scope::EVERYWHERE.to_owned()).ok();
        let everywhere = everywhere.map(|scope| ScopeOption { label: "everywhere".to_owned(), scope });
        here.into_iter().chain(everywhere).collect()
    }
}

/// Members by their names, for a sentence.
fn names(pointers: &[&Pointer]) -> String {
    let mut names = pointers.iter().take(NAMED).map(|pointer| pointer.name()).collect::<Vec<_>>();
    let more = pointers.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

fn is_content(pointer: &Pointer) -> bool {
    CONTENTS.contains(&pointer.name().as_str())
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
fn wider_path(text: &str, is_joined: bool) -> Option<(String, String)> {
    let (directory, _) = text.rsplit_once('/').filter(|(directory, _)| !matches!(*directory, "" | "." | "~"))?;
    let what = if is_joined { "anything" } else { "any file" };
    Some((format!("{what} in {directory}"), format!("{}/*", escape(directory))))
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
