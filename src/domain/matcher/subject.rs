//! What patterns are held against: a confirmation's subject, read as what it is.

use serde_json::Value;

use super::characters;
use super::command_line::{CommandLine, SimpleCommand};
use super::doubt::Doubt;
use super::nested::{Reached, reached};
use super::path::{self, Path};
use super::url::Url;
use super::word::Word;
use crate::domain::content::Confirmation;

/// The subject of one confirmation, taken apart once and compared with any number of rules.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(super) text: String,
    pub(super) form: Form,
    /// What else the input says, to which only rules that deny or ask listen.
    pub(super) beside: Vec<Form>,
    pub(super) doubt: Option<Doubt>,
}

/// What a subject is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Command {
        line: CommandLine,
        /// Everything that it runs, for rules that deny or ask.
        reached: Vec<Reached>,
    },
    Path(Vec<Path>),
    Url(Url),
    /// Anything else: the canonical JSON of an input.
    Text,
    /// What could not be read: it is only ever itself.
    Opaque,
}

/// The members of an input that subjects are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Command,
    Path,
    Url,
}

/// In the order in which they are looked for.
const MEMBERS: &[(&str, Member)] =
    &[("command", Member::Command), ("file_path", Member::Path), ("path", Member::Path), ("url", Member::Url)];

impl Subject {
    /// The subject of `confirmation`.
    #[must_use]
    pub fn of(confirmation: &Confirmation) -> Self {
        let text = confirmation.subject_text();
        let input = confirmation.input.tree();
        let members = MEMBERS.iter().filter_map(|(name, member)| Some((*member, input.get(*name)?)));
        let members = members.filter(|(_, value)| !value.is_null()).collect::<Vec<_>>();
        let told = |value: &Value| value.as_str() == Some(&text);
        let read = |member, text: &str| read(member, text, confirmation.working_dir.as_deref());
        let (form, doubt) = match members.iter().find(|(_, value)| told(value)) {
            Some((member, _)) => read(*member, &text),
            // An agent's own words: a command until the contrary is plain.
            None if !members.is_empty() || confirmation.input.canonical() == text => (Form::Text, None),
            None if text.contains("://") && Url::parse(&text).is_ok() => read(Member::Url, &text),
            None => read(Member::Command, &text),
        };
        let beside = members.iter().filter(|(_, value)| !told(value)).map(|(member, value)| match value {
            Value::String(text) => read(*member, text).0,
            Value::Array(words) => arguments(words),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Form::Text,
        });
        let beside = beside.collect::<Vec<_>>();
        let absolute = if !characters::are_plain(&text) {
            Some(Doubt::Characters)
        } else if input.iter().any(sets_environment) {
            Some(Doubt::Environment)
        } else if says_more(input) {
            Some(Doubt::MoreThanSubject)
        } else if beside.is_empty() {
            None
        } else if members.len() > beside.len() {
            Some(Doubt::MoreThanSubject)
        } else {
            // A command that is a list of words is told by its canonical JSON, and an agent's own words by nothing.
            (confirmation.input.canonical() != text).then_some(Doubt::NotTheInput)
        };
        Self { text, form, beside, doubt: absolute.or(doubt) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Why no pattern with a wildcard may allow this, if so.
    #[must_use]
    pub const fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Its simple commands, where it is a command line.
    pub(super) fn commands(&self) -> &[SimpleCommand] {
        match &self.form {
            Form::Command { line, .. } => &line.commands,
            Form::Path(_) | Form::Url(_) | Form::Text | Form::Opaque => &[],
        }
    }
}

fn read(member: Member, text: &str, working_dir: Option<&str>) -> (Form, Option<Doubt>) {
    let plain_line = || if characters::are_plain_line(text) { Ok(()) } else { Err(Doubt::Characters) };
    let read = match member {
        Member::Command => {
            let line = CommandLine::read(text);
            let doubt = line.doubt;
            return (Form::Command { reached: reached(&line), line }, doubt);
        }
        Member::Path => plain_line().and_then(|()| path::readings(text, working_dir)).map(Form::Path),
        Member::Url => plain_line().and_then(|()| Url::parse(text)).map(Form::Url),
    };
    match read {
        Ok(form) => (form, None),
        Err(doubt) => (Form::Opaque, Some(doubt)),
    }
}

/// A command that is given as a list: its words are known, whatever is in them.
fn arguments(words: &[Value]) -> Form {
    let words = words.iter().map(|word| word.as_str().map_or_else(Word::unknown, Word::literal)).collect::<Vec<_>>();
    if words.is_empty() {
        return Form::Text;
    }
    let line = CommandLine { commands: vec![SimpleCommand { words }], ..CommandLine::default() };
    Form::Command { reached: reached(&line), line }
}

/// A member's name without the ways in which names are written.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a member sets what a command runs in, so that the command does not say all.
fn sets_environment((name, value): (&String, &Value)) -> bool {
    let name = plain_name(name);
    let is_empty = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    let sets =
        name.starts_with("env") || name.contains("dangerous") || matches!(name.as_str(), "shell" | "stdin" | "sudo");
    sets && !is_empty
}

/// Whether a member says what a subject says, under another name than those that subjects are made of.
fn says_more(input: &serde_json::Map<String, Value>) -> bool {
    const NAMES: &[&str] = &[
        "cmd",
        "command",
        "commands",
        "dest",
        "destination",
        "file",
        "filename",
        "filepath",
        "files",
        "newpath",
        "notebookpath",
        "oldpath",
        "path",
        "paths",
        "script",
        "uri",
        "url",
        "urls",
    ];
    let is_known = |name: &str| MEMBERS.iter().any(|(known, _)| *known == name);
    input.iter().any(|(name, value)| !value.is_null() && !is_known(name) && NAMES.contains(&plain_name(name).as_str()))
        && input.keys().any(|name| is_known(name))
}

/// The directories that an input itself names for its command.
pub(in crate::domain) fn directories(confirmation: &Confirmation) -> impl Iterator<Item = &str> {
    const NAMES: &[&str] = &["cwd", "dir", "directory", "workdir", "workingdir", "workingdirectory"];
    let members = confirmation.input.tree().iter().filter(|(name, _)| NAMES.contains(&plain_name(name).as_str()));
    members.filter_map(|(_, value)| value.as_str())
}
