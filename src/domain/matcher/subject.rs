//! What patterns are held against: a confirmation's subject, read as what it is, and what its input says beside it.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::characters;
use super::command_line::{CommandLine, SimpleCommand};
use super::danger;
use super::doubt::Doubt;
use super::nested::{self, Reached};
use super::path::{self, Path};
use super::place;
use super::url::Url;
use super::word::Word;
use crate::domain::kinds::Confirmation;
use crate::domain::members::Pointer;
use crate::domain::tools::{Profiles, Reading, Said, plain_name, says_directory, says_more, says_more_below};

/// The subject of one confirmation, taken apart once and compared with any number of rules.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(super) text: String,
    pub(super) form: Form,
    /// What else the input says, to which only rules that deny or ask listen.
    pub(super) beside: Vec<Form>,
    pub(super) doubt: Option<Doubt>,
    /// The subject as it was before there were profiles, where it was another.
    pub(super) before: Option<String>,
    /// What the input says beside the subject, the directory and what is free: each has to be spoken of.
    pub(super) others: Vec<(Pointer, Value)>,
    /// What looks like another subject, wherever it stands: each has to be named.
    pub(super) twins: Vec<(Pointer, Value)>,
    /// What is free, and there.
    pub(super) free: Vec<(Pointer, Value)>,
    /// Where it is the whole input: the members that a rule has to speak of whose pattern leaves all of it open.
    pub(super) within: Within,
    /// The directories that the input names for its command.
    pub(super) directories: Vec<String>,
    /// Whether it is a path whose parts come from several members.
    pub(super) is_joined: bool,
}

/// The members of an input that is the subject as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Within {
    /// Each has to be spoken of.
    pub(super) others: Vec<(Pointer, Value)>,
    /// What looks like a subject of its own: each has to be named.
    pub(super) twins: Vec<(Pointer, Value)>,
}

/// What a subject is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Command {
        line: CommandLine,
        /// Everything that it runs, for rules that deny or ask: looked for once one of them stands.
        reached: OnceLock<Vec<Reached>>,
    },
    Path {
        /// Every way to say it.
        paths: Vec<Path>,
        /// The same as file systems may take them.
        folded: Vec<Path>,
        /// Whether the tool looks at all that is below.
        searches: bool,
    },
    Url(Url),
    /// A text of the input's.
    Text,
    /// The canonical JSON of all of the input.
    Whole,
    /// What could not be read: it is only ever itself.
    Opaque,
}

impl Form {
    /// Whether it is compared as a text, from end to end.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Whole | Self::Opaque)
    }

    /// Everything that a command line runs, as far as it can be read; of anything else nothing.
    pub(super) fn reached(&self) -> &[Reached] {
        match self {
            Self::Command { line, reached } => reached.get_or_init(|| nested::reached(line)),
            Self::Path { .. } | Self::Url(_) | Self::Text | Self::Whole | Self::Opaque => &[],
        }
    }
}

/// The longest path or URL that is looked into, in bytes: as long as a path may be on most systems.
const MAX_BYTES: usize = 4096;

/// How many texts beside the subject are read for rules that deny or ask.
const MAX_BESIDE: usize = 32;

impl Subject {
    /// The subject of `confirmation`, by the profiles that every server has.
    #[must_use]
    pub fn of(confirmation: &Confirmation) -> Self {
        Self::by(confirmation, Profiles::built_in())
    }

    /// The subject of `confirmation`, by these profiles.
    #[must_use]
    pub fn by(confirmation: &Confirmation, profiles: &Profiles) -> Self {
        let input = confirmation.input.tree();
        let reading = profiles.read(&confirmation.tool_name, input);
        let read_text = reading.said.text();
        let text = confirmation.subject.clone().unwrap_or_else(|| read_text.clone());
        let is_whole_input = reading.is_whole() && text == read_text;
        let is_own_words = !is_whole_input && text != read_text;
        let mut rest = Rest::new(&reading, is_own_words.then_some(text.as_str()));
        rest.object(&Pointer::root(), input);
        let working_dir = confirmation.working_dir.as_deref();
        let start = place::start(working_dir, &rest.directories);
        let read = |said: &Said| read(said, working_dir, start.as_ref());
        let (mut form, doubt) = if is_whole_input {
            (Form::Whole, None)
        } else if !is_own_words {
            read(&reading.said)
        } else if !reading.is_whole() {
            (Form::Text, Some(Doubt::NotTheInput))
        } else if text.contains("://") && Url::parse(&text).is_ok() {
            // An agent's own words: a command until the contrary is plain.
            read(&Said::Url(text.clone()))
        } else {
            read(&Said::Line(text.clone()))
        };
        if let Form::Path { searches, .. } = &mut form {
            *searches = reading.searches();
        }
        let mut within = Within::default();
        if is_whole_input {
            within = Within { others: std::mem::take(&mut rest.others), twins: std::mem::take(&mut rest.twins) };
            rest.free.clear();
        }
        if is_own_words && !reading.is_whole() {
            rest.beside.insert(0, reading.said.clone());
        }
        let beside = rest.beside.iter().take(MAX_BESIDE).map(|said| read(said).0).collect();
        let elsewhere = rest.directories.iter().any(|dir| working_dir != Some(dir));
        let is_relative = !text.starts_with('/') && matches!(reading.said, Said::Path(_)) && !is_whole_input;
        let doubt = doubt.or((is_relative && elsewhere).then_some(Doubt::Path));
        let absolute = (!characters::are_plain(&text)).then_some(Doubt::Characters);
        let before = confirmation.subject_before_profiles();
        Self {
            before: (before != text).then_some(before),
            form,
            beside,
            doubt: absolute.or(doubt),
            others: rest.others,
            twins: rest.twins,
            free: rest.free,
            within,
            directories: rest.directories,
            is_joined: matches!(reading.said, Said::Joined(_)),
            text,
        }
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

    /// The members beside it that a rule has to speak of, with their values.
    #[must_use]
    pub fn others(&self) -> &[(Pointer, Value)] {
        &self.others
    }

    /// The members beside it that a person who says "always" leaves free.
    #[must_use]
    pub fn free(&self) -> &[(Pointer, Value)] {
        &self.free
    }

    /// Whether it is the whole input.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.form, Form::Whole)
    }

    /// Whether it was the same before there were profiles.
    pub(in crate::domain) const fn is_as_before(&self) -> bool {
        self.before.is_none()
    }

    /// The directories that the input names for its command.
    pub(in crate::domain) fn directories(&self) -> impl Iterator<Item = &str> {
        self.directories.iter().map(String::as_str)
    }

    /// Its simple commands, where it is a command line.
    pub(super) fn commands(&self) -> &[SimpleCommand] {
        match &self.form {
            Form::Command { line, .. } => &line.commands,
            Form::Path { .. } | Form::Url(_) | Form::Text | Form::Whole | Form::Opaque => &[],
        }
    }
}

/// Reads what is said as what it is; a command begins to run in `start`.
fn read(said: &Said, working_dir: Option<&str>, start: Option<&Path>) -> (Form, Option<Doubt>) {
    let plain_line = |text: &str| match text.len() <= MAX_BYTES {
        true if characters::are_plain_line(text) => Ok(()),
        true => Err(Doubt::Characters),
        false => Err(Doubt::TooMuch),
    };
    let read = match said {
        Said::Line(text) => return command(CommandLine::read(text), start),
        Said::Words(words) => return command(of_words(words), start),
        Said::Path(text) => plain_line(text).and_then(|()| path::readings(text, working_dir)).map(as_paths),
        Said::Joined(text) => plain_line(text).and_then(|()| path::readings(text, None)).map(as_paths),
        Said::Url(text) => plain_line(text).and_then(|()| Url::parse(text)).map(Form::Url),
        Said::Text(_) => Ok(Form::Text),
        Said::Whole(_) => Ok(Form::Whole),
        Said::Unreadable(_) => Err(Doubt::Path),
    };
    match read {
        Ok(form) => (form, None),
        Err(doubt) => (Form::Opaque, Some(doubt)),
    }
}

fn command(mut line: CommandLine, start: Option<&Path>) -> (Form, Option<Doubt>) {
    place::mark(&mut line, start);
    let reached = OnceLock::new();
    let is_too_much = nested::may_be_too_much(&line)
        && reached.get_or_init(|| nested::reached(&line)).iter().any(|reached| reached.is_too_much);
    let doubt = line.doubt.or(is_too_much.then_some(Doubt::TooMuch));
    (Form::Command { line, reached }, doubt)
}

fn as_paths(paths: Vec<Path>) -> Form {
    Form::Path { folded: paths.iter().map(Path::folded).collect(), paths, searches: false }
}

/// A command that is given as a list: its words are known, whatever is in them.
fn of_words(words: &[String]) -> CommandLine {
    let words = words.iter().map(Word::literal).collect::<Vec<_>>();
    let bytes = words.iter().map(|word| word.text.len()).sum::<usize>();
    let command = SimpleCommand::new(words);
    let changes = danger::changes_shell(&command.program()).then_some(Doubt::ShellChanger);
    let doubt = changes.or((bytes > MAX_BYTES).then_some(Doubt::TooMuch));
    CommandLine { commands: vec![command], doubt, ..CommandLine::default() }
}

/// A walk through an input, to what is there beside the subject.
struct Rest<'r> {
    reading: &'r Reading<'r>,
    /// The subject, where it is in the agent's own words: a member that says the very same is the subject.
    own_words: Option<&'r str>,
    others: Vec<(Pointer, Value)>,
    twins: Vec<(Pointer, Value)>,
    free: Vec<(Pointer, Value)>,
    directories: Vec<String>,
    beside: Vec<Said>,
}

impl<'r> Rest<'r> {
    const fn new(reading: &'r Reading<'r>, own_words: Option<&'r str>) -> Self {
        Self {
            reading,
            own_words,
            others: Vec::new(),
            twins: Vec::new(),
            free: Vec::new(),
            directories: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// The members at `at`, of which each counts by itself.
    fn object(&mut self, at: &Pointer, members: &Map<String, Value>) {
        for (name, value) in members {
            let pointer = at.child(name);
            let is_subject = value.as_str().is_some() && value.as_str() == self.own_words;
            if self.reading.is_subject(&pointer) || is_subject {
                continue;
            }
            if let (true, Value::Object(members)) = (self.reading.leads_to_subject(&pointer), value) {
                self.object(&pointer, members);
                continue;
            }
            if self.reading.is_alternative(&pointer) && !value.is_null() {
                // The tool may go by the one or by the other.
                if value.as_str() != Some(&self.reading.said.text()) {
                    self.twin(pointer.clone(), name, value);
                    self.others.push((pointer, value.clone()));
                }
                continue;
            }
            let says_where = says_directory(name) || self.reading.is_directory(&pointer);
            if let (true, Some(directory)) = (says_where, value.as_str()) {
                self.directories.push(directory.to_owned());
                if !self.reading.is_directory(&pointer) && self.is_beside(directory) {
                    self.twin(pointer.clone(), name, value);
                    self.others.push((pointer, value.clone()));
                }
                continue;
            }
            let is_free = self.reading.is_free(&pointer, value);
            if says_more(name, value) && !self.reading.names_free(&pointer) {
                self.twin(pointer.clone(), name, value);
            }
            self.inside(&pointer, value);
            let list = if is_free { &mut self.free } else { &mut self.others };
            list.push((pointer, value.clone()));
        }
    }

    /// Whether the subject is a path that is given in full, and not in `directory`.
    fn is_beside(&self, directory: &str) -> bool {
        let Said::Path(text) = &self.reading.said else {
            return false;
        };
        let is_in = |path: Path| Path::parse(directory).is_ok_and(|directory| path.is_in(&directory));
        text.starts_with('/') && !Path::parse(text).is_ok_and(is_in)
    }

    /// What is below a member: nothing in it is free by its name.
    fn inside(&mut self, at: &Pointer, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let pointer = at.child(name);
                    self.inside(&pointer, value);
                    if says_more_below(name, value) || (says_directory(name) && !value.is_null()) {
                        self.twin(pointer, name, value);
                    }
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    // Most items are texts, of which nothing is to be said.
                    if item.is_object() || item.is_array() {
                        self.inside(&at.child(&number.to_string()), item);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn twin(&mut self, pointer: Pointer, name: &str, value: &Value) {
        self.twins.push((pointer, value.clone()));
        if self.beside.len() < MAX_BESIDE {
            self.beside.extend(as_subject(name, value));
        }
    }
}

/// What a member says that looks like a subject, as what its name says that it is.
fn as_subject(name: &str, value: &Value) -> Option<Said> {
    let plain = plain_name(name);
    let ends_like = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    let words = |items: &[Value]| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    match value {
        Value::String(text) if ends_like(&["url", "uri", "endpoint"]) => Some(Said::Url(text.clone())),
        Value::String(text) if ends_like(&["path", "file", "filename", "dir", "directory", "folder"]) => {
            Some(Said::Path(text.clone()))
        }
        Value::String(text) if ends_like(&["command", "commandline", "cmd", "script", "run", "exec"]) => {
            Some(Said::Line(text.clone()))
        }
        Value::Array(items) if ends_like(&["command", "cmd", "argv"]) => {
            words(items).filter(|words| !words.is_empty()).map(Said::Words)
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
