//! What patterns are held against: a confirmation's subject, read as what it is.

use serde_json::Value;

use super::characters;
use super::command_line::{CommandLine, SimpleCommand};
use super::doubt::Doubt;
use super::nested::{Reached, reached};
use super::path::{self, Path};
use super::place;
use super::url::Url;
use super::word::Word;
use crate::domain::kinds::Confirmation;

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
    Path {
        /// Every way to say it.
        paths: Vec<Path>,
        /// The same as file systems may take them.
        folded: Vec<Path>,
    },
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

/// The longest path or URL that is looked into, in bytes: as long as a path may be on most systems.
const MAX_BYTES: usize = 4096;

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
        let is_subject = |value: &Value| value.as_str() == Some(&text);
        let read = |member, text: &str| read(member, text, confirmation.working_dir.as_deref());
        let named_by = members.iter().find(|(_, value)| is_subject(value)).map(|(member, _)| *member);
        // The canonical input says all that there is.
        let is_whole_input = named_by.is_none() && confirmation.input.canonical() == text;
        let (form, doubt) = match named_by {
            Some(member) => read(member, &text),
            // An agent's own words: a command until the contrary is plain.
            None if !members.is_empty() || is_whole_input => (Form::Text, None),
            None if text.contains("://") && Url::parse(&text).is_ok() => read(Member::Url, &text),
            None => read(Member::Command, &text),
        };
        let beside = members.iter().filter(|(_, value)| !is_subject(value)).map(|(member, value)| match value {
            Value::String(text) => read(*member, text).0,
            Value::Array(words) => arguments(words),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Form::Text,
        });
        let beside = beside.collect::<Vec<_>>();
        let elsewhere = |dir: &str| confirmation.working_dir.as_deref() != Some(dir);
        let is_relative = !text.starts_with('/') && matches!(form, Form::Path { .. });
        let doubt = doubt.or((is_relative && directories(confirmation).any(elsewhere)).then_some(Doubt::Path));
        let absolute = if !characters::are_plain(&text) {
            Some(Doubt::Characters)
        } else if is_whole_input {
            None
        } else if input.iter().any(sets_environment) {
            Some(Doubt::Environment)
        } else if input.iter().any(|member| says_more(member, &text, false)) {
            Some(Doubt::MoreThanSubject)
        } else if beside.is_empty() {
            None
        } else {
            // A command that is a list of words is is_subject by its canonical JSON, and an agent's own words by nothing.
            Some(if named_by.is_some() { Doubt::MoreThanSubject } else { Doubt::NotTheInput })
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
            Form::Path { .. } | Form::Url(_) | Form::Text | Form::Opaque => &[],
        }
    }
}

fn read(member: Member, text: &str, working_dir: Option<&str>) -> (Form, Option<Doubt>) {
    let plain_line = || match characters::are_plain_line(text) {
        _ if text.len() > MAX_BYTES => Err(Doubt::TooMuch),
        true => Ok(()),
        false => Err(Doubt::Characters),
    };
    let read = match member {
        Member::Command => {
            let mut line = CommandLine::read(text);
            place::mark(&mut line, working_dir);
            let reached = reached(&line);
            let too_much = reached.iter().any(|reached| reached.is_too_much).then_some(Doubt::TooMuch);
            let doubt = line.doubt.or(too_much);
            return (Form::Command { reached, line }, doubt);
        }
        Member::Path => plain_line().and_then(|()| path::readings(text, working_dir)).map(as_paths),
        Member::Url => plain_line().and_then(|()| Url::parse(text)).map(Form::Url),
    };
    match read {
        Ok(form) => (form, None),
        Err(doubt) => (Form::Opaque, Some(doubt)),
    }
}

fn as_paths(paths: Vec<Path>) -> Form {
    Form::Path { folded: paths.iter().map(Path::folded).collect(), paths }
}

/// A command that is given as a list: its words are known, whatever is in them.
fn arguments(words: &[Value]) -> Form {
    let words = words.iter().map(|word| word.as_str().map_or_else(Word::unknown, Word::literal)).collect::<Vec<_>>();
    if words.is_empty() {
        return Form::Text;
    }
    let line = CommandLine { commands: vec![SimpleCommand::new(words)], ..CommandLine::default() };
    Form::Command { reached: reached(&line), line }
}

/// A member's name without the ways in which names are written.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a member, or one inside it, sets what a command runs in, so that the command does not say all.
fn sets_environment((name, value): (&String, &Value)) -> bool {
    let name = plain_name(name);
    let is_empty = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    let sets = name.starts_with("env") || name.contains("dangerous") || ENVIRONMENT.contains(&name.as_str());
    (sets && !is_empty) || inside(value).any(sets_environment)
}

/// Members that set what a command runs in, beside `env` and whatever is said to be dangerous.
const ENVIRONMENT: &[&str] = &["executable", "interpreter", "shell", "shellpath", "stdin", "sudo", "variables"];

/// Members that say what a subject says, under other names than those that subjects are made of.
const ALSO_SUBJECTS: &[&str] = &[
    "args",
    "argv",
    "code",
    "commands",
    "dest",
    "destination",
    "endpoint",
    "exec",
    "files",
    "hooks",
    "paths",
    "proxy",
    "renameto",
    "run",
    "saveto",
    "steps",
    "symlinktarget",
    "target",
    "targets",
    "urls",
];

/// How the names of such members end.
const SUBJECT_ENDINGS: &[&str] = &[
    "cmd",
    "code",
    "command",
    "dir",
    "directory",
    "endpoint",
    "file",
    "filename",
    "host",
    "path",
    "proxy",
    "query",
    "script",
    "sql",
    "uri",
    "url",
];

/// Members that say where a command runs.
const DIRECTORIES: &[&str] = &[
    "basedir",
    "basepath",
    "cwd",
    "dir",
    "directory",
    "dirpath",
    "projectdir",
    "root",
    "workdir",
    "workingdir",
    "workingdirectory",
];

/// Whether a member, or one inside it, says what a subject says, and not what `subject` says.
fn says_more((name, value): (&String, &Value), subject: &str, is_inside: bool) -> bool {
    let plain = plain_name(name);
    let is_known = MEMBERS.iter().any(|(known, _)| known == name) && !is_inside;
    let is_text = !matches!(value, Value::Number(_) | Value::Bool(_));
    let is_directory = DIRECTORIES.contains(&plain.as_str());
    let ends_so = is_text && !is_directory && SUBJECT_ENDINGS.iter().any(|ending| plain.ends_with(ending));
    let says = ALSO_SUBJECTS.contains(&plain.as_str()) || (ends_so && !is_known);
    (says && !value.is_null() && value.as_str() != Some(subject))
        || inside(value).any(|member| says_more(member, subject, true))
}

/// The members of an object, and of the objects in a list.
fn inside(value: &Value) -> Box<dyn Iterator<Item = (&String, &Value)> + '_> {
    match value {
        Value::Object(members) => Box::new(members.iter()),
        Value::Array(items) => Box::new(items.iter().flat_map(inside)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Box::new(std::iter::empty()),
    }
}

/// The directories that an input itself names for its command.
pub(in crate::domain) fn directories(confirmation: &Confirmation) -> impl Iterator<Item = &str> {
    let members = confirmation.input.tree().iter().filter(|(name, _)| DIRECTORIES.contains(&plain_name(name).as_str()));
    members.filter_map(|(_, value)| value.as_str())
}
