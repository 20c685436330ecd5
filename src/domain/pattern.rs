//! What a trust rule covers: patterns, scopes, and the subjects that they are held against.
//!
//! In a pattern `*` stands for any run of characters and everything else for itself; it is anchored at both ends, and a
//! pattern that is the subject to the letter always covers it. A rule that *allows* is held to more: where `*` could
//! hide a second command, a way out of a directory or another host, it does not cover, and a person is asked.

use serde::{Deserialize, Serialize};

use super::content::Confirmation;

/// Declares a text of a person's that must not be empty and must not hold NUL, which SQLite and C would read as its end.
macro_rules! plain_text {
    ($(#[$about:meta])* $name:ident, $what:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                if text.is_empty() || text.contains('\0') {
                    return Err(concat!("a ", $what, " is not empty and holds no NUL"));
                }
                Ok(Self(text))
            }
        }
    };
}

plain_text! {
    /// Which subjects a trust rule covers.
    Pattern, "pattern"
}

plain_text! {
    /// Where a trust rule applies: `everywhere`; a directory (it begins with `/`) and all below it; or any other string,
    /// which must be one of the scopes that the request itself offers.
    Scope, "scope"
}

/// What a subject is, as far as its confirmation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// A command line, or a text of the agent's own that may well be one.
    Command,
    /// A path in a file system.
    Path,
    /// A URL.
    Url,
    /// The canonical JSON of an input.
    Json,
}

/// What patterns are held against, and what it is.
#[derive(Clone, Debug)]
pub struct Subject {
    text: String,
    nature: Nature,
}

impl Subject {
    /// The subject of `confirmation`.
    #[must_use]
    pub fn of(confirmation: &Confirmation) -> Self {
        let text = confirmation.subject.clone().unwrap_or_default();
        let is_input = |key| confirmation.input.string(key) == Some(&text);
        let nature = if is_input("command") {
            Nature::Command
        } else if confirmation.input.tree().contains_key("command") {
            // A command that is no string is beside what was taken for the subject: a pattern cannot see it.
            Nature::Json
        } else if is_input("file_path") || is_input("path") {
            Nature::Path
        } else if is_input("url") {
            Nature::Url
        } else if text == confirmation.input.canonical() {
            Nature::Json
        } else {
            Nature::Command
        };
        Self { text, nature }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Pattern {
    /// Whether this covers `subject`: what a rule that denies or asks goes by.
    #[must_use]
    pub fn covers(&self, subject: &Subject) -> bool {
        self.0 == subject.text || self.matches(&subject.text)
    }

    /// Whether this covers `subject` and nothing could hide behind a `*`: what a rule that allows goes by.
    #[must_use]
    pub fn covers_safely(&self, subject: &Subject) -> bool {
        self.0 == subject.text || (self.matches(&subject.text) && !self.could_hide(subject))
    }

    /// Anchored at both ends; every literal part is searched for once, so the time is linear in the subject.
    fn matches(&self, text: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else {
            return self.0 == text;
        };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(mut text) = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail)) else {
            return false;
        };
        for part in middle.split('*') {
            match text.find(part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        true
    }

    fn could_hide(&self, subject: &Subject) -> bool {
        let text = subject.text.as_str();
        if text.chars().any(char::is_control) {
            return true;
        }
        match subject.nature {
            Nature::Command => text.contains([';', '&', '|', '<', '>', '$', '`', '(', ')']),
            Nature::Path => text.split('/').any(|component| component == ".."),
            Nature::Url => {
                let head = self.0.split('*').next().unwrap_or_default();
                let names_its_host = head.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
                !names_its_host || text.contains(['\\', '%', '@']) || text.split('/').any(|component| component == "..")
            }
            // A `*` in JSON could reach into further members.
            Nature::Json => true,
        }
    }
}

impl Scope {
    /// The scope that covers every request.
    pub const EVERYWHERE: &str = "everywhere";

    /// Whether a request from `working_dir`, which itself offers `offered`, is in this scope.
    #[must_use]
    pub fn covers<'a>(&self, working_dir: Option<&str>, mut offered: impl Iterator<Item = &'a Self>) -> bool {
        if self.0 == Self::EVERYWHERE {
            return true;
        }
        if self.0.starts_with('/') {
            let inside = |dir: &str| match (components(&self.0), components(dir)) {
                (Some(scope), Some(dir)) => dir.starts_with(&scope),
                _ => false,
            };
            return working_dir.is_some_and(inside);
        }
        offered.any(|scope| scope == self)
    }
}

/// The components of an absolute path, `.` and `..` resolved without asking the file system; `None` for what is not
/// absolute or climbs above the root.
fn components(path: &str) -> Option<Vec<&str>> {
    let mut resolved = Vec::new();
    for component in path.strip_prefix('/')?.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                resolved.pop()?;
            }
            name => resolved.push(name),
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.to_owned().try_into().unwrap()
    }

    fn command(text: &str) -> Subject {
        Subject { text: text.to_owned(), nature: Nature::Command }
    }

    #[test]
    fn a_star_is_any_run_and_the_ends_are_anchored() {
        for (glob, text, covered) in [
            ("git *", "git status", true),
            ("git *", "git ", true),
            ("git *", "git", false),
            ("git *", "sudo git status", false),
            ("*.rs", "src/a.rs", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a**c", "ac", true),
            ("*", "", true),
            ("[a]", "a", false),
            ("[a]", "[a]", true),
        ] {
            assert_eq!(pattern(glob).covers(&command(text)), covered, "{glob} on {text}");
        }
    }

    #[test]
    fn a_rule_that_allows_never_covers_a_second_command_behind_a_star() {
        for hidden in
            ["git log && rm -rf /", "git log; id", "git log\nid", "git log $(id)", "git log `id`", "git log | sh"]
        {
            assert!(pattern("git *").covers(&command(hidden)));
            assert!(!pattern("git *").covers_safely(&command(hidden)), "{hidden}");
            assert!(pattern(hidden).covers_safely(&command(hidden)));
        }
        assert!(pattern("git *").covers_safely(&command("git log --oneline")));
    }

    #[test]
    fn a_rule_that_allows_never_covers_a_way_out_or_another_host() {
        let path = Subject { text: "/repo/../etc/passwd".to_owned(), nature: Nature::Path };
        assert!(!pattern("/repo/*").covers_safely(&path));
        let url = |text: &str| Subject { text: text.to_owned(), nature: Nature::Url };
        assert!(pattern("https://example.com/*").covers_safely(&url("https://example.com/a")));
        for hidden in ["https://example.com.evil.net/", "https://evil.net/?.example.com/", "https://example.com/../x"] {
            assert!(!pattern("https://example.com/*").covers_safely(&url(hidden)), "{hidden}");
            assert!(!pattern("https://*.example.com/*").covers_safely(&url(hidden)), "{hidden}");
        }
    }

    #[test]
    fn a_directory_covers_whole_components_only() {
        let scope = Scope::try_from("/srv/app".to_owned()).unwrap();
        for (dir, covered) in [
            ("/srv/app", true),
            ("/srv/app/sub", true),
            ("/srv//app/./sub", true),
            ("/srv/application", false),
            ("/srv/app/../other", false),
            ("/../srv/app", false),
            ("srv/app", false),
            ("/srv", false),
        ] {
            assert_eq!(scope.covers(Some(dir), [].iter()), covered, "{dir}");
        }
        assert!(!scope.covers(None, [].iter()));
    }

    #[test]
    fn any_other_scope_must_be_offered_by_the_request_itself() {
        let [team, other] = ["team-a", "team-b"].map(|text| Scope::try_from(text.to_owned()).unwrap());
        assert!(team.covers(None, [&team].into_iter()));
        assert!(!team.covers(Some("/team-a"), [&other].into_iter()));
    }
}
