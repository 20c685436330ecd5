//! What a profile, or the shape of an input, says of one call.

use serde_json::{Map, Value};

use super::{Profile, Profiles, Read, shape};
use crate::domain::canonical::{canonical_object, canonical_text};
use crate::domain::id::ToolName;
use crate::domain::members::{Pointer, value_text};

/// A subject, as what it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A line of shell, or several.
    Line(String),
    /// Words, which no shell reads.
    Words(Vec<String>),
    /// A path.
    Path(String),
    /// A path that begins in no directory: its parts come from several members.
    Joined(String),
    /// A URL.
    Url(String),
    /// A text.
    Text(String),
    /// What cannot be read as it should be: only ever itself.
    Unreadable(String),
    /// The whole input.
    Whole(String),
}

/// What is known of one call.
#[derive(Clone, Debug)]
pub struct Reading<'p> {
    /// The subject.
    pub said: Said,
    /// Where it stands in the input; nowhere where it is the whole input.
    pub subject: Vec<Pointer>,
    profile: Option<&'p Profile>,
}

/// Shells that read the one text behind `-c`.
const SHELLS: &[&str] = &["ash", "bash", "dash", "ksh", "sh", "zsh"];

impl Profiles {
    /// What is known of a call of `tool` with `input`.
    #[must_use]
    pub fn read(&self, tool: &ToolName, input: &Map<String, Value>) -> Reading<'_> {
        let profile = self.find(tool);
        if let Some(reading) = profile.and_then(|profile| profile.reading(input)) {
            return reading;
        }
        let shaped = shape::SUBJECTS.iter().find_map(|(name, read)| {
            let said = said(*read, input.get(*name)?)?;
            Some(Reading { said, subject: vec![Pointer::root().child(name)], profile: None })
        });
        shaped.unwrap_or_else(|| Reading {
            said: Said::Whole(canonical_object(input)),
            subject: Vec::new(),
            profile: None,
        })
    }
}

impl Profile {
    /// `None` where its subject is not there: then this call is of another tool than the one that is known.
    fn reading(&self, input: &Map<String, Value>) -> Option<Reading<'_>> {
        let of = |said, subject| Some(Reading { said, subject, profile: Some(self) });
        if self.read == Read::Whole {
            return of(Said::Whole(canonical_object(input)), Vec::new());
        }
        if self.is_joined() {
            let parts = self.join.iter().map_while(|pointer| Some((pointer.clone(), pointer.find(input)?.as_str()?)));
            let (pointers, parts): (Vec<_>, Vec<_>) = parts.unzip();
            return if parts.is_empty() { None } else { of(joined(self.read, &parts), pointers) };
        }
        let mut alternatives = self.subject.iter();
        let found = alternatives
            .find_map(|pointer| Some((said(self.read_at(pointer), pointer.find(input)?)?, pointer.clone())));
        match (found, &self.default) {
            (Some((said, pointer)), _) => of(said, vec![pointer]),
            (None, Some(default)) => of(said(self.read, &Value::from(default.as_str()))?, Vec::new()),
            (None, None) => None,
        }
    }
}

/// Reads the value of a subject; `None` for what is none.
fn said(read: Read, value: &Value) -> Option<Said> {
    let text = || value.as_str().map(str::to_owned);
    let strings = || {
        let items = value.as_array().filter(|items| !items.is_empty())?;
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    };
    match read {
        Read::Command | Read::Argv => text().map(Said::Line).or_else(|| strings().map(words)),
        Read::Commands => text().map(Said::Line).or_else(|| strings().map(|lines| Said::Line(lines.join("\n")))),
        Read::Path => text().map(Said::Path),
        Read::Url => text().map(Said::Url),
        Read::Text => (!value.is_null()).then(|| Said::Text(value_text(value))),
        Read::Whole => None,
    }
}

/// A list of words; the line that a shell reads where it is nothing but a shell with that line.
fn words(words: Vec<String>) -> Said {
    let is_flags = |flags: &str| {
        flags
            .strip_prefix('-')
            .is_some_and(|letters| letters.ends_with('c') && letters.chars().all(|c| "ceilux".contains(c)))
    };
    match words.as_slice() {
        [shell, flags, line] if is_shell(shell) && is_flags(flags) => Said::Line(line.clone()),
        [shell, login, flags, line] if is_shell(shell) && login == "-l" && is_flags(flags) => Said::Line(line.clone()),
        _ => Said::Words(words),
    }
}

fn is_shell(program: &str) -> bool {
    let name = ["/bin/", "/usr/bin/"].iter().find_map(|directory| program.strip_prefix(directory));
    SHELLS.contains(&name.unwrap_or(program))
}

/// Parts with a slash between them. Where a part has one itself, what stands in which part is not plain any more.
fn joined(read: Read, parts: &[&str]) -> Said {
    let text = parts.join("/");
    let is_plain = |part: &&str| !part.is_empty() && !part.contains('/') && !matches!(*part, "." | "..");
    let (last, before) = parts.split_last().map_or(("", &[][..]), |(last, before)| (*last, before));
    let is_last_plain = !last.starts_with('/') && !last.split('/').any(|name| matches!(name, "." | ".."));
    if !before.iter().all(is_plain) || !is_last_plain || (parts.len() == 1 && !is_plain(&last)) {
        let parts = parts.iter().map(|part| Value::from(*part)).collect::<Vec<_>>();
        return Said::Unreadable(canonical_text(&Value::Array(parts)));
    }
    if read == Read::Path { Said::Joined(text) } else { Said::Text(text) }
}

impl Said {
    /// The subject as a text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Line(text)
            | Self::Path(text)
            | Self::Joined(text)
            | Self::Url(text)
            | Self::Text(text)
            | Self::Unreadable(text)
            | Self::Whole(text) => text.clone(),
            Self::Words(words) => {
                // NUL alone cannot be quoted, and no program can be given it.
                shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
            }
        }
    }
}

impl Reading<'_> {
    /// Whether nothing beside the input as a whole is the subject.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.said, Said::Whole(_))
    }

    /// Whether the member at `pointer` is the subject, or a part of it.
    #[must_use]
    pub fn is_subject(&self, pointer: &Pointer) -> bool {
        self.subject.contains(pointer)
    }

    /// Whether the member at `pointer` is a command or a path that would be the subject if the one that is were not there.
    #[must_use]
    pub fn is_alternative(&self, pointer: &Pointer) -> bool {
        let is_other = |profile: &Profile| {
            !profile.is_joined()
                && profile.subject().contains(pointer)
                && matches!(profile.read_at(pointer), Read::Path | Read::Command | Read::Argv | Read::Commands)
        };
        !self.is_subject(pointer) && self.profile.is_some_and(is_other)
    }

    /// Whether the subject stands somewhere below `pointer`.
    #[must_use]
    pub fn leads_to_subject(&self, pointer: &Pointer) -> bool {
        !self.is_subject(pointer) && self.subject.iter().any(|subject| pointer.covers(subject))
    }

    /// Whether the profile itself says that this member is where it runs.
    #[must_use]
    pub fn is_directory(&self, pointer: &Pointer) -> bool {
        self.profile.is_some_and(|profile| profile.directory.contains(pointer))
    }

    /// Whether the profile itself calls this member free, whatever its name looks like.
    #[must_use]
    pub fn names_free(&self, pointer: &Pointer) -> bool {
        self.profile.is_some_and(|profile| profile.free.contains(pointer))
    }

    /// Whether the tool looks at all that is below its subject: one that looks somewhere where nothing is said does.
    #[must_use]
    pub fn searches(&self) -> bool {
        self.profile.is_some_and(|profile| profile.default.is_some())
    }

    /// Whether a person who says "always" leaves this member free.
    #[must_use]
    pub fn is_free(&self, pointer: &Pointer, value: &Value) -> bool {
        match self.profile {
            Some(profile) => profile.free.contains(pointer),
            // Nothing is known of the tool, and nothing of what its members mean.
            None if self.is_whole() => false,
            None => shape::is_free(&pointer.name(), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(tool: &str, input: Value) -> (Said, Vec<String>) {
        let input = input.as_object().cloned().unwrap();
        let reading = Profiles::built_in().read(&tool.parse().unwrap(), &input);
        (reading.said, reading.subject.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_call_is_read_as_the_profile_says_and_else_by_its_shape() {
        let line = |text: &str| Said::Line(text.to_owned());
        let rows = [
            ("Bash", json!({"command": "ls", "path": "/x"}), line("ls"), "/command"),
            ("exec_command", json!({"cmd": "ls"}), line("ls"), "/cmd"),
            ("shell", json!({"command": ["bash", "-lc", "git status"]}), line("git status"), "/command"),
            ("shell", json!({"command": ["/bin/sh", "-c", "a && b"]}), line("a && b"), "/command"),
            ("shell", json!({"command": ["git", "a b"]}), Said::Words(vec!["git".into(), "a b".into()]), "/command"),
            (
                "shell",
                json!({"command": ["/tmp/bash", "-c", "x"]}),
                Said::Words(vec!["/tmp/bash".into(), "-c".into(), "x".into()]),
                "/command",
            ),
            ("shell", json!({"path": "/x"}), Said::Path("/x".into()), "/path"),
            ("local_shell", json!({"action": {"command": ["ls"]}}), Said::Words(vec!["ls".into()]), "/action/command"),
            ("shell_call", json!({"action": {"commands": ["a", "b"]}}), line("a\nb"), "/action/commands"),
            ("str_replace_editor", json!({"command": "view", "path": "/x"}), Said::Path("/x".into()), "/path"),
            (
                "web_fetch",
                json!({"url": "https://a.test/../x", "prompt": "p"}),
                Said::Url("https://a.test/../x".into()),
                "/url",
            ),
            (
                "web_fetch",
                json!({"prompt": "read https://a.test/"}),
                Said::Text("read https://a.test/".into()),
                "/prompt",
            ),
            ("Grep", json!({"pattern": "x"}), Said::Path(".".into()), ""),
            (
                "mcp__github__x",
                json!({"owner": "a", "repo": "b", "path": "c/d"}),
                Said::Joined("a/b/c/d".into()),
                "/owner /repo /path",
            ),
            ("mcp__github__x", json!({"owner": "a", "repo": "b/c"}), Said::Joined("a/b/c".into()), "/owner /repo"),
            (
                "mcp__github__x",
                json!({"owner": "a/b", "repo": "c"}),
                Said::Unreadable(r#"["a/b","c"]"#.into()),
                "/owner /repo",
            ),
            (
                "mcp__github__x",
                json!({"owner": "a", "repo": "b", "path": "../c"}),
                Said::Unreadable(r#"["a","b","../c"]"#.into()),
                "/owner /repo /path",
            ),
            ("mine", json!({"filePath": "/a", "url": "u"}), Said::Path("/a".into()), "/filePath"),
            ("mine", json!({"command": {"a": 1}}), Said::Whole(r#"{"command":{"a":1}}"#.into()), ""),
        ];
        for (tool, input, said, subject) in rows {
            let (found, pointers) = read(tool, input.clone());
            assert_eq!((found, pointers.join(" ")), (said, subject.to_owned()), "{tool} {input}");
        }
        assert_eq!(Said::Words(vec!["git".into(), "a b*".into()]).text(), "git 'a b*'");
    }
}
