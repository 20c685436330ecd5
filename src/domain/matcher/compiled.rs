//! A pattern, read once as everything that it can be.

use super::command_line::SimpleCommand;
use super::command_pattern::{CommandPattern, Likeness};
use super::components::Care;
use super::glob::{self, Glob, Reach};
use super::never::NeverMatches;
use super::path::{Path, PathPattern};
use super::subject::{Form, Subject};
use super::url::{Url, UrlPattern};
use crate::domain::enums::RuleDecision;
use crate::domain::pattern::Pattern;
use crate::domain::tools::Read;

/// A pattern, ready to be held against subjects.
#[derive(Clone, Debug)]
pub struct CompiledPattern {
    pub(super) command: Option<CommandPattern>,
    pub(super) path: Option<PathPattern>,
    /// The same as file systems may take it.
    folded_path: Option<PathPattern>,
    pub(super) url: Option<UrlPattern>,
    /// The same in lower case.
    folded_url: Option<UrlPattern>,
    pub(super) glob: Glob,
    /// What a wildcard stands for where the subject is a text.
    reach_in_text: Reach,
}

/// Whether a name in `text` is `..`: no wildcard stands for a way out of a directory.
pub(super) fn climbs(text: &str) -> bool {
    text.split(['/', '\\', '"']).any(|name| name == "..")
}

/// In JSON a `*` stays inside one string.
const JSON: Reach = Reach::Narrow { forbidden: &['"', '\\'] };

/// The pattern `text` as one of commands. What is a star here and a wildcard to a shell's quoting is only itself.
pub(super) fn as_command(text: &str, glob: &Glob) -> Option<CommandPattern> {
    CommandPattern::parse(text).filter(|command| glob.literal().is_none() || !command.has_wildcards())
}

impl CompiledPattern {
    /// Reads `pattern`.
    #[must_use]
    pub fn new(pattern: &Pattern) -> Self {
        let text = pattern.as_str();
        let glob = Glob::new(text);
        Self {
            command: as_command(text, &glob),
            path: PathPattern::parse(text),
            folded_path: PathPattern::parse(text).and(PathPattern::folded(text)),
            url: UrlPattern::parse(text),
            folded_url: UrlPattern::parse(&text.to_lowercase()),
            reach_in_text: glob::reach_in_text(text, JSON),
            glob,
        }
    }

    /// What an index for rules that deny or ask may go by where this is a command.
    pub(super) fn own_words(&self) -> Option<Vec<&str>> {
        self.command.as_ref().map(|command| command.own_words().collect())
    }

    /// What an index may go by, as each thing that a subject can be.
    pub(super) fn keys(&self) -> [Option<Vec<&str>>; 3] {
        [
            self.command.as_ref().map(|command| command.literal_words().collect()),
            self.folded_path.as_ref().map(|path| path.keys().collect()),
            self.url.as_ref().map(|url| url.keys().collect()),
        ]
    }

    /// The one text that it covers, where it has no wildcard.
    pub(super) fn exact_text(&self) -> Option<&str> {
        self.glob.literal()
    }

    /// What is in every text that this is about; `None` where nothing is, or it is about URLs, which may be written otherwise.
    pub(super) fn needed_text(&self) -> Option<&str> {
        self.glob.longest_literal().filter(|_| !self.glob.has_text("://"))
    }

    /// Whether this is `subject` to the letter.
    pub(in crate::domain) fn is(&self, subject: &Subject) -> bool {
        self.exact_text() == Some(subject.text.as_str())
    }

    /// Whether this allows the whole of `subject`, which is no command line.
    pub(in crate::domain) fn allows_whole(&self, subject: &Subject) -> bool {
        match &subject.form {
            Form::Path { paths, .. } => {
                self.path.as_ref().is_some_and(|path| paths.iter().any(|found| path.matches(found, Care::Allowing)))
            }
            Form::Url(url) => self.url.as_ref().is_some_and(|pattern| pattern.matches(url, Care::Allowing)),
            // `*` is any text, and for the whole input any call of the tool.
            Form::Text | Form::Whole if self.glob.is_star() => true,
            Form::Text => self.allows_text(&subject.text),
            Form::Whole => !climbs(&subject.text) && self.glob.matches(&subject.text, JSON),
            Form::Command { .. } | Form::Opaque => false,
        }
    }

    /// Whether this allows a text: where it is about a URL or an address, one that is such a one and nothing else; no second
    /// statement of a query.
    fn allows_text(&self, text: &str) -> bool {
        if self.glob.has_text("://") {
            let url = Url::parse(text);
            return url.is_ok_and(|url| self.url.as_ref().is_some_and(|pattern| pattern.matches(&url, Care::Allowing)));
        }
        let is_like = !climbs(text) && self.glob.matches(text, self.reach_in_text);
        is_like && !glob::has_more_statements(&self.glob.source(), text)
    }

    /// Why this is no subject that is read as `read`, if so. Without a wildcard it may be one to the letter.
    pub(super) fn never_read_as(&self, read: Read, decision: RuleDecision) -> Option<NeverMatches> {
        let allows = decision == RuleDecision::Allow;
        if self.exact_text().is_some() || (self.is_star() && !allows) {
            return None;
        }
        match (read, &self.command) {
            (Read::Command | Read::Argv | Read::Commands, None) => Some(NeverMatches::Command),
            (Read::Command | Read::Argv | Read::Commands, Some(command)) => {
                (allows && command.is_unread()).then_some(NeverMatches::Word)
            }
            (Read::Path, _) => self.path.is_none().then_some(NeverMatches::Path),
            (Read::Url, _) => self.url.is_none().then_some(NeverMatches::Url),
            (Read::Text, _) => (allows && self.glob.has_text("://") && self.url.is_none()).then_some(NeverMatches::Url),
            (Read::Whole, _) => None,
        }
    }

    /// Whether this is one `*` and nothing else.
    pub(in crate::domain) fn is_star(&self) -> bool {
        self.glob.is_star()
    }

    /// Whether this says something to what the subject was before there were profiles, for a rule that denies or asks.
    pub(in crate::domain) fn resembles_before(&self, subject: &Subject) -> bool {
        subject.before.as_deref().is_some_and(|before| self.glob.matches(before, Reach::Wide))
    }

    /// Whether this allows one command of a line.
    pub(in crate::domain) fn allows_command(&self, command: &SimpleCommand) -> bool {
        self.command.as_ref().is_some_and(|pattern| pattern.allows(command))
    }

    /// What this says to `subject` and to everything that is said beside it, for a rule that denies or asks.
    pub(in crate::domain) fn resembles(&self, subject: &Subject) -> Likeness {
        if self.is(subject) || self.is_star() {
            return Likeness::Certain;
        }
        let forms = std::iter::once(&subject.form).chain(&subject.beside);
        forms.map(|form| self.resembles_form(form, &subject.text)).max().unwrap_or(Likeness::No)
    }

    fn resembles_form(&self, form: &Form, text: &str) -> Likeness {
        match form {
            Form::Command { .. } => self.command.as_ref().map_or(Likeness::No, |pattern| {
                let commands = form.reached().iter().flat_map(|reached| &reached.commands);
                commands.map(|spoken| pattern.resembles(spoken)).max().unwrap_or(Likeness::No)
            }),
            Form::Path { paths, folded, searches } => self.path.as_ref().map_or(Likeness::No, |pattern| {
                if paths.iter().any(|path| pattern.concerns(path)) {
                    return Likeness::Certain;
                }
                // Some file systems do not tell upper from lower case, nor one spelling of a letter from another.
                let may_be = |pattern: &PathPattern| {
                    let is_found = |path: &Path| *searches && pattern.may_be_below(path);
                    folded.iter().any(|path| pattern.concerns(path) || pattern.may_concern(path) || is_found(path))
                };
                if self.folded_path.as_ref().is_some_and(may_be) { Likeness::Possible } else { Likeness::No }
            }),
            Form::Url(url) if self.url.as_ref().is_some_and(|pattern| pattern.matches(url, Care::Caution)) => {
                Likeness::Certain
            }
            Form::Url(url) if self.folded_url.as_ref().is_some_and(|pattern| pattern.resembles(url)) => {
                Likeness::Possible
            }
            Form::Text | Form::Whole | Form::Opaque if self.glob.matches(text, Reach::Wide) => Likeness::Certain,
            Form::Url(_) | Form::Text | Form::Whole | Form::Opaque => Likeness::No,
        }
    }
}
