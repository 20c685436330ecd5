//! A pattern, read once as everything that it can be.

use super::command_line::SimpleCommand;
use super::command_pattern::{CommandPattern, Likeness};
use super::components::Care;
use super::glob::{self, Glob, Reach};
use super::path::PathPattern;
use super::subject::{Form, Subject};
use super::url::UrlPattern;
use crate::domain::pattern::Pattern;

/// A pattern, ready to be held against subjects.
#[derive(Clone, Debug)]
pub struct CompiledPattern {
    text: String,
    /// The one text that it covers, where it has no wildcard.
    exact: Option<String>,
    command: Option<CommandPattern>,
    path: Option<PathPattern>,
    url: Option<UrlPattern>,
    glob: Glob,
}

/// In JSON a `*` stays inside one string.
const JSON: Reach = Reach::Narrow { forbidden: &['"', '\\'] };

impl CompiledPattern {
    /// Reads `pattern`.
    #[must_use]
    pub fn new(pattern: &Pattern) -> Self {
        let text = pattern.as_str();
        let exact = glob::exact(text);
        Self {
            text: text.to_owned(),
            // What is a star here and a wildcard to a shell's quoting is only itself.
            command: CommandPattern::parse(text).filter(|command| exact.is_none() || !command.has_wildcards()),
            path: PathPattern::parse(text),
            url: UrlPattern::parse(text),
            glob: Glob::new(text),
            exact,
        }
    }

    /// What an index may go by, as each thing that a subject can be.
    pub(super) fn keys(&self) -> [Option<Vec<&str>>; 3] {
        [
            self.command.as_ref().map(|command| command.literal_words().collect()),
            self.path.as_ref().map(|path| path.keys().collect()),
            self.url.as_ref().map(|url| url.keys().collect()),
        ]
    }

    /// The one text that it covers, where it has no wildcard.
    pub(super) fn exact_text(&self) -> Option<&str> {
        self.exact.as_deref()
    }

    /// Whether this is `subject` to the letter.
    pub(in crate::domain) fn is(&self, subject: &Subject) -> bool {
        self.exact.as_ref() == Some(&subject.text)
    }

    /// Whether this allows the whole of `subject`, which is no command line.
    pub(in crate::domain) fn allows_whole(&self, subject: &Subject) -> bool {
        match &subject.form {
            Form::Path(paths) => {
                self.path.as_ref().is_some_and(|path| paths.iter().any(|found| path.matches(found, Care::Allowing)))
            }
            Form::Url(url) => self.url.as_ref().is_some_and(|pattern| pattern.matches(url, Care::Allowing)),
            Form::Text => self.glob.matches(&subject.text, JSON),
            Form::Command { .. } | Form::Opaque => false,
        }
    }

    /// Whether this allows one command of a line.
    pub(in crate::domain) fn allows_command(&self, command: &SimpleCommand) -> bool {
        self.command.as_ref().is_some_and(|pattern| pattern.allows(command))
    }

    /// What this says to `subject` and to everything that is said beside it, for a rule that denies or asks.
    pub(in crate::domain) fn resembles(&self, subject: &Subject) -> Likeness {
        if self.is(subject) {
            return Likeness::Certain;
        }
        let forms = std::iter::once(&subject.form).chain(&subject.beside);
        forms.map(|form| self.resembles_form(form, &subject.text)).max().unwrap_or(Likeness::No)
    }

    fn resembles_form(&self, form: &Form, text: &str) -> Likeness {
        match form {
            Form::Command { reached, .. } => self.command.as_ref().map_or(Likeness::No, |pattern| {
                let commands = reached.iter().flat_map(|reached| reached.commands());
                commands.map(|words| pattern.resembles(words)).max().unwrap_or(Likeness::No)
            }),
            Form::Path(paths) => self.path.as_ref().map_or(Likeness::No, |pattern| {
                let (covers, folded) = (|path| pattern.matches(path, Care::Caution), self.folded_path());
                match paths.iter().any(covers) {
                    true => Likeness::Certain,
                    // Some file systems do not tell upper from lower case.
                    false
                        if folded
                            .is_some_and(|p| paths.iter().any(|path| p.matches(&path.folded(), Care::Caution))) =>
                    {
                        Likeness::Possible
                    }
                    false => Likeness::No,
                }
            }),
            Form::Url(url) if self.url.as_ref().is_some_and(|pattern| pattern.matches(url, Care::Caution)) => {
                Likeness::Certain
            }
            Form::Text | Form::Opaque if self.glob.matches(text, Reach::Wide) => Likeness::Certain,
            Form::Url(_) | Form::Text | Form::Opaque => Likeness::No,
        }
    }

    fn folded_path(&self) -> Option<PathPattern> {
        PathPattern::parse(&self.text.to_lowercase())
    }
}
