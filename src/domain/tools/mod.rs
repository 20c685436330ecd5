//! Tool profiles: what is known of a tool. `tools.toml` is the table, `shape` what is done without an entry, `reading` what
//! one of them says of an input.

mod names;
mod reading;
mod shape;

use std::sync::LazyLock;

use serde::Deserialize;
use toml::Spanned;

pub(super) use self::names::{plain_name, says_directory, says_more, says_more_below};
pub use self::reading::{Reading, Said};
use super::enums::string_enum;
use super::id::ToolName;
use super::members::Pointer;

string_enum! {
    /// How the subject of a tool is read.
    Read {
        /// A line of shell; a list of words is such a line, too.
        Command = "command",
        /// A list of words, no shell; a string is a line of shell.
        Argv = "argv",
        /// A list of lines of shell, one after the other; a string is one line.
        Commands = "commands",
        /// A path.
        Path = "path",
        /// A URL.
        Url = "url",
        /// A text that is compared as a whole.
        Text = "text",
        /// The whole input.
        Whole = "whole",
    }
}

string_enum! {
    /// How a call of a tool is shown.
    #[derive(Default)]
    View {
        /// A command.
        Command = "command",
        /// What changes in a file.
        Edit = "edit",
        /// A patch of one or several files.
        Patch = "patch",
        /// A file as it will be.
        Write = "write",
        /// A request over the network.
        Request = "request",
        /// Words to somebody.
        Message = "message",
        /// Questions.
        Question = "question",
        /// A plan.
        Plan = "plan",
        /// What is on a screen.
        Image = "image",
        /// Its members.
        #[default]
        Json = "json",
    }
}

/// What is known of a tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The tool's names; `*` stands for any characters.
    name: Spanned<Vec<String>>,
    /// Where the subject is: the first of these that is there.
    #[serde(default)]
    subject: Vec<Pointer>,
    /// Of what the subject is made, with a slash between the parts: the first has to be there.
    #[serde(default)]
    join: Vec<Pointer>,
    /// What the subject is where it is not there.
    #[serde(default)]
    default: Option<String>,
    /// How it is read.
    read: Read,
    /// Those of `subject` that are read as a text, whatever `read` says.
    #[serde(default)]
    text: Vec<Pointer>,
    /// What says where it runs, beside the members whose names say so.
    #[serde(default)]
    directory: Vec<Pointer>,
    /// What a person who says "always" leaves free.
    #[serde(default)]
    free: Vec<Pointer>,
    /// How it is shown.
    #[serde(default)]
    view: View,
    /// The members that come first, in this order.
    #[serde(default)]
    order: Vec<String>,
}

/// A file of profiles.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tool: Vec<Profile>,
}

/// Why a text is no file of profiles: the line, the member, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {member}: {problem}")]
pub struct ProfileError {
    /// The line, from 1.
    pub line: usize,
    /// The member, as a path such as `tool[0].read`.
    pub member: String,
    /// A sentence.
    pub problem: String,
}

/// The profiles that a server goes by.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    /// Those of its owner.
    own: Vec<Profile>,
}

static BUILT_IN: LazyLock<Vec<Profile>> = LazyLock::new(|| parse(include_str!("tools.toml")).unwrap_or_default());

static ALONE: Profiles = Profiles { own: Vec::new() };

impl Profiles {
    /// Those that every server has, and no others.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &ALONE
    }

    /// The built-in ones, after those of `text`, which come first.
    ///
    /// # Errors
    ///
    /// If it is no file of profiles.
    pub fn with(text: &str) -> Result<Self, ProfileError> {
        Ok(Self { own: parse(text)? })
    }

    /// All of them, in the order in which they are looked through.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.own.iter().chain(BUILT_IN.iter())
    }

    /// What is known of a tool by its name: an owner's profile before a built-in one, a name before a name with stars.
    #[must_use]
    pub fn find(&self, tool: &ToolName) -> Option<&Profile> {
        let among = |profiles: &'_ [Profile]| -> Option<usize> {
            let exact = profiles.iter().position(|profile| profile.names().any(|name| name == tool.as_str()));
            exact.or_else(|| {
                profiles.iter().position(|profile| profile.names().any(|name| is_like(tool.as_str(), name)))
            })
        };
        match among(&self.own) {
            Some(at) => self.own.get(at),
            None => among(&BUILT_IN).and_then(|at| BUILT_IN.get(at)),
        }
    }

    /// How a call of this tool is shown, and which members come first.
    #[must_use]
    pub fn view(&self, tool: &ToolName) -> (View, &[String]) {
        self.find(tool).map_or((View::default(), &[]), |profile| (profile.view, &profile.order))
    }
}

impl Profile {
    /// The tool's names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.as_ref().iter().map(String::as_str)
    }

    /// Where the subject is, or of what it is made.
    #[must_use]
    pub fn subject(&self) -> &[Pointer] {
        if self.join.is_empty() { &self.subject } else { &self.join }
    }

    /// Whether the subject is made of several members.
    #[must_use]
    pub const fn is_joined(&self) -> bool {
        !self.join.is_empty()
    }

    /// How the subject is read.
    #[must_use]
    pub const fn read(&self) -> Read {
        self.read
    }

    /// How the subject is read where it stands at `pointer`.
    #[must_use]
    pub fn read_at(&self, pointer: &Pointer) -> Read {
        if self.text.contains(pointer) { Read::Text } else { self.read }
    }

    /// What a person who says "always" leaves free.
    #[must_use]
    pub fn free(&self) -> &[Pointer] {
        &self.free
    }

    /// How it is shown.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }

    /// What is wrong with it, and in which member.
    fn fault(&self) -> Option<(&'static str, String)> {
        let has_subject = !self.subject.is_empty() || !self.join.is_empty();
        let all = self.subject.iter().chain(&self.join).chain(&self.directory).chain(&self.free);
        let is_both = |pointer: &&Pointer| self.subject().iter().any(|subject| subject.covers(pointer));
        if self.names().next().is_none() || self.names().any(str::is_empty) {
            Some(("name", "a profile has a name, or several".to_owned()))
        } else if all.clone().any(|pointer| pointer.as_str().is_empty()) {
            Some(("subject", "the whole input is no member: read it as `whole`".to_owned()))
        } else if !self.subject.is_empty() && !self.join.is_empty() {
            Some(("join", "a subject is one member or made of several: `subject` or `join`".to_owned()))
        } else if (self.read == Read::Whole) == has_subject {
            Some(("subject", "`whole` has no subject, and anything else has one".to_owned()))
        } else if self.is_joined() && !matches!(self.read, Read::Path | Read::Text) {
            Some(("read", "a subject that is made of several members is read as `path` or `text`".to_owned()))
        } else if self.text.iter().any(|pointer| !self.subject.contains(pointer)) {
            Some(("text", "what is read as a text is one of `subject`".to_owned()))
        } else {
            let both = self.free.iter().find(is_both)?;
            Some(("free", format!("{both} is the subject, which a pattern speaks of")))
        }
    }
}

/// Whether `name` is like `pattern`, in which `*` stands for any characters.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').collect::<Vec<_>>();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else {
            return false;
        };
        left = left.get(at + part.len()..).unwrap_or_default();
    }
    left.ends_with(last)
}

/// Reads a file of profiles.
fn parse(text: &str) -> Result<Vec<Profile>, ProfileError> {
    let line = |at: Option<usize>| 1 + text.get(..at.unwrap_or(0)).unwrap_or(text).matches('\n').count();
    let unread = |error: &toml::de::Error, member: String| ProfileError {
        line: line(error.span().map(|span| span.start)),
        member,
        problem: error.message().to_owned(),
    };
    let read = toml::Deserializer::parse(text).map_err(|error| unread(&error, "the file".to_owned()))?;
    let file: File =
        serde_path_to_error::deserialize(read).map_err(|error| unread(error.inner(), error.path().to_string()))?;
    for (number, profile) in file.tool.iter().enumerate() {
        if let Some((member, problem)) = profile.fault() {
            let line = line(Some(profile.name.span().start));
            return Err(ProfileError { line, member: format!("tool[{number}].{member}"), problem });
        }
    }
    Ok(file.tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_one_and_no_name_stands_in_it_twice() {
        let table = parse(include_str!("tools.toml")).unwrap();
        let names = table.iter().flat_map(Profile::names).collect::<Vec<_>>();
        assert!(names.len() > 80, "{}", names.len());
        for (number, name) in names.iter().enumerate() {
            assert!(!names[..number].contains(name), "{name}");
        }
    }

    #[test]
    fn a_name_comes_before_a_name_with_stars_and_the_owners_before_the_built_in() {
        let own = Profiles::with("[[tool]]\nname = [\"mcp__*\"]\nread = \"whole\"\nview = \"plan\"").unwrap();
        let view = |profiles: &Profiles, tool: &str| profiles.view(&tool.parse().unwrap()).0;
        let built_in = Profiles::built_in();
        assert_eq!(view(built_in, "mcp__github__create_issue"), View::Message);
        assert_eq!(view(built_in, "mcp__github__list_issues"), View::Json);
        assert_eq!(view(&own, "mcp__github__create_issue"), View::Plan);
        assert_eq!(view(&own, "Bash"), View::Command);
        for (name, pattern, expected) in [
            ("a__b__c", "a*b*c", true),
            ("abc", "a*c", true),
            ("ac", "a*b*c", false),
            ("abcd", "a*c", false),
            ("aba", "ab*ba", false),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn a_file_at_fault_is_refused_with_its_line_and_its_member() {
        for (text, line, member, problem) in [
            ("[[tool]]\nname = [\"a\"]\nread = \"comand\"\nsubject = [\"/a\"]", 3, "tool[0].read", "expected one of"),
            ("\n[[tool]]\nname = [\"a\"]\nread = \"whole\"\nfre = []", 5, "tool[0]", "unknown field `fre`"),
            (
                "[[tool]]\nname = [\"a\"]\nread = \"text\"\nsubject = [\"/a\"]\n[[tool]]\nname = []\nread = \"whole\"",
                6,
                "tool[1].name",
                "has a name",
            ),
            ("[[tool]]\nname = [\"a\"]\nread = \"path\"", 2, "tool[0].subject", "anything else has one"),
            ("[[tool]]\nname = [\"a\"]\nread = \"path\"\nsubject = [\"a\"]", 4, "tool[0].subject[0]", "JSON pointer"),
            (
                "[[tool]]\nname = [\"a\"]\nread = \"path\"\nsubject = [\"/a\"]\nfree = [\"/a/b\"]",
                2,
                "tool[0].free",
                "is the subject",
            ),
            (
                "[[tool]]\nname = [\"a\"]\nread = \"url\"\nsubject = [\"/a\"]\ntext = [\"/b\"]",
                2,
                "tool[0].text",
                "one of `subject`",
            ),
            ("[[tool]", 1, "the file", ""),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.member.starts_with(member) && error.problem.contains(problem), "{error}");
        }
    }
}
