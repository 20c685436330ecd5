//! One word of a command line, with its quotes resolved, as a shell of the POSIX family would.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

use super::doubt::Doubt;

/// What is known of a word before the command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All of it.
    Literally,
    /// Not what it is, but that it is one word and no option.
    NoOption,
    /// The names of files that end in some way; none of them is an option, unless a file is called like one.
    Names,
    /// Nothing: it may be any word, or several.
    Nothing,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word without its quotes; what is not known of it is a `*`.
    pub(super) text: String,
    pub(super) known: Known,
    /// Whether the shell looks for files that are called so: where there are none, it stays as it is written.
    pub(super) is_wildcard: bool,
}

impl Word {
    /// A word that is known.
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), known: Known::Literally, is_wildcard: false }
    }

    /// A word of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { text: "*".to_owned(), known: Known::Nothing, is_wildcard: false }
    }

    /// Whether it is an option, or may be.
    pub(super) fn is_option(&self) -> bool {
        self.known != Known::Nothing && self.text.len() > 1 && self.text.starts_with('-')
    }

    /// What it may be with `value` in the place of what is only known when it runs, where it is one word that is no option, and
    /// with a path in full in the place of a home directory.
    pub(super) fn with(&self, value: &str) -> Option<Self> {
        let is_open = self.known == Known::NoOption && self.text.contains('*');
        let (home, rest) = match self.text.strip_prefix('~') {
            Some(rest) => ("/home/x", rest),
            None if is_open => ("", self.text.as_str()),
            None => return None,
        };
        let rest = if is_open { rest.replace('*', value) } else { rest.to_owned() };
        Some(Self { text: format!("{home}{rest}"), ..*self })
    }

    /// The word, where it is known.
    pub(super) fn known_text(&self) -> Option<&str> {
        (self.known == Known::Literally).then_some(self.text.as_str())
    }
}

/// Variables whose values no agent chooses and no secret is in.
const HARMLESS: &[&str] = &["HOME", "HOSTNAME", "LANG", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHELL", "TMPDIR", "USER"];

/// Those of them that lead out of the directory, to a home directory or to where the shell was before.
const HOMES: &[&str] = &["HOME", "OLDPWD"];

/// The variables of loops, each with its value where that is known; a value with a `*` is no option, and more is not known.
pub(super) type LoopVariables<'t> = HashMap<&'t str, Option<String>>;

/// Reads one word as it is written; `loop_variables` are those of the loops around it.
pub(super) fn read(raw: &str, loop_variables: &LoopVariables<'_>) -> Result<Word, Doubt> {
    if !has_plain_braces(raw) {
        return Err(Doubt::Syntax);
    }
    let mut reader = Reader {
        rest: raw.chars().peekable(),
        word: Word::literal(String::with_capacity(raw.len())),
        loop_variables,
        quoted: false,
        in_bracket: false,
        begins_at_home: false,
        begins_here: false,
        is_names: is_names(raw),
    };
    reader.run()?;
    if reader.word.known == Known::Nothing && reader.is_names {
        reader.word.known = Known::Names;
    }
    // What only begins like the directory is another one beside it: `"$PWD-old"`.
    if reader.begins_here && !reader.word.text.starts_with("./") && reader.word.text != "." {
        reader.word.text.replace_range(..1, "*");
    }
    if !reader.begins_at_home && is_quoted_tilde(raw, &reader.word.text) {
        reader.word.text.insert_str(0, "./");
    }
    Ok(reader.word)
}

/// Whether a word that begins with a tilde has a quote or a backslash in front of its first slash: then it is a name in the
/// working directory, and not a home directory.
pub(super) fn is_quoted_tilde(raw: &str, text: &str) -> bool {
    text.starts_with('~') && raw.split('/').next().is_some_and(|prefix| prefix.contains(['\'', '"', '\\']))
}

/// Whether each brace of a word closes one or is closed in it, and stands where a brace is ordinary: `{}`, `{{.Name}}`,
/// `@{1}`, `^{tree}`, `%{http_code}` and `${HOME}`. Elsewhere some shells take what is in it for commands.
fn has_plain_braces(raw: &str) -> bool {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut before = None;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => {
                chars.next();
            }
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('{', None) => {
                let is_template =
                    (before.is_none_or(|c| c == '{' || c == '=') && chars.peek() == Some(&'{')) || before == Some('{');
                let is_empty = chars.peek() == Some(&'}');
                if !is_empty && !is_template && !matches!(before, Some('@' | '^' | '%' | '$')) {
                    // What makes several words of one is found as that.
                    return raw.contains(',') || raw.contains("..");
                }
                depth += 1;
            }
            ('}', None) => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
        before = Some(c);
    }
    depth == 0
}

/// Whether a word is a wildcard of the shell that stands for names with an ending, and nothing else: `*.rs`.
fn is_names(raw: &str) -> bool {
    let ending = raw.rsplit_once('.').map(|(_, ending)| ending);
    !raw.contains(['$', '\'', '"', '\\', '{', '`'])
        && raw.starts_with(['*', '?', '['])
        && ending.is_some_and(|ending| !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    word: Word,
    loop_variables: &'a LoopVariables<'a>,
    /// Whether it stands for names of files.
    is_names: bool,
    /// Whether some of it is in quotes: then it may be empty.
    quoted: bool,
    /// Whether it is between the brackets of a glob, which stand for one unknown character.
    in_bracket: bool,
    /// Whether a variable for a home directory stands in front.
    begins_at_home: bool,
    /// Whether it begins with the directory that the shell is in.
    begins_here: bool,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), Doubt> {
        while let Some(c) = self.rest.next() {
            match c {
                ']' if self.in_bracket => self.in_bracket = false,
                '\'' => self.single_quotes()?,
                '"' => self.double_quotes()?,
                '\\' => match self.rest.next() {
                    Some('\n') | None => return Err(Doubt::Continuation),
                    Some(c) => self.word.text.push(c),
                },
                '$' => self.variable(false)?,
                '*' | '?' | '[' => {
                    // A file may be called like an option; what follows a directory's name cannot be one.
                    let may_be_option = self.word.text.is_empty() || self.word.text.starts_with('-');
                    self.unknown(if may_be_option { Known::Nothing } else { Known::NoOption });
                    self.word.is_wildcard = true;
                    self.in_bracket |= c == '[' && self.rest.clone().any(|c| c == ']');
                }
                // What begins so is looked up in the path by some shells.
                '=' if self.word.text.is_empty() && !self.quoted => return Err(Doubt::Expansion),
                '{' if self.is_brace_expansion() => return Err(Doubt::Expansion),
                '#' if self.word.text.is_empty() && !self.quoted => return Err(Doubt::Comment),
                '`' => return Err(Doubt::Substitution),
                ';' | '|' | '&' | '<' | '>' | '(' | ')' | ' ' | '\t' | '\n' => return Err(Doubt::Syntax),
                c if !self.in_bracket => self.word.text.push(c),
                _ => {}
            }
        }
        if self.word.text.is_empty() && self.word.known == Known::Literally && !self.quoted {
            return Err(Doubt::Syntax);
        }
        Ok(())
    }

    /// A part that is known only when it runs: the word is known no better than its worst part.
    fn unknown(&mut self, known: Known) {
        // Many in a row are no more than one.
        if !self.word.text.ends_with('*') {
            self.word.text.push('*');
        }
        self.word.known = match (self.word.known, known) {
            (Known::Nothing | Known::Names, _) | (_, Known::Nothing | Known::Names) => Known::Nothing,
            (Known::NoOption, _) | (_, Known::NoOption) => Known::NoOption,
            (Known::Literally, Known::Literally) => Known::Literally,
        };
    }

    fn single_quotes(&mut self) -> Result<(), Doubt> {
        self.quoted = true;
        for c in self.rest.by_ref() {
            if c == '\'' {
                return Ok(());
            }
            self.word.text.push(c);
        }
        Err(Doubt::Syntax)
    }

    fn double_quotes(&mut self) -> Result<(), Doubt> {
        self.quoted = true;
        while let Some(c) = self.rest.next() {
            match c {
                '"' => return Ok(()),
                '`' => return Err(Doubt::Substitution),
                '$' => self.variable(true)?,
                '\\' => match self.rest.next() {
                    Some(c @ ('$' | '`' | '"' | '\\')) => self.word.text.push(c),
                    Some('\n') | None => return Err(Doubt::Continuation),
                    Some(c) => self.word.text.extend(['\\', c]),
                },
                c => self.word.text.push(c),
            }
        }
        Err(Doubt::Syntax)
    }

    /// What follows a dollar sign.
    fn variable(&mut self, in_quotes: bool) -> Result<(), Doubt> {
        let name = match self.rest.peek() {
            // Numbers: of the last status, of arguments, of processes.
            Some('?' | '#' | '$' | '!') => {
                self.rest.next();
                self.unknown(Known::NoOption);
                return self.no_modifier();
            }
            Some('{') => {
                self.rest.next();
                let name = self.name();
                if self.rest.next() != Some('}') {
                    return Err(Doubt::Expansion);
                }
                name
            }
            Some(c) if c.is_ascii_alphabetic() || *c == '_' => {
                let name = self.name();
                self.no_modifier()?;
                name
            }
            Some('(') => return Err(Doubt::Substitution),
            Some('"') if in_quotes => return self.dollar(),
            Some('\'' | '"' | '@' | '*' | '-' | '[' | '0'..='9') => return Err(Doubt::Expansion),
            Some(_) | None => return self.dollar(),
        };
        match self.loop_variables.get(name.as_str()) {
            // What a value without quotes is split at, and what is a wildcard in it, is none that is known.
            Some(Some(value)) if value.contains('*') => {
                self.unknown(if in_quotes { Known::NoOption } else { Known::Nothing });
            }
            Some(Some(value)) => self.word.text.push_str(value),
            Some(None) => {
                let can_be_option = !in_quotes || self.word.text.is_empty();
                self.unknown(if can_be_option { Known::Nothing } else { Known::NoOption });
            }
            // A home directory, whichever way it is written.
            None if HOMES.contains(&name.as_str()) && self.word.text.is_empty() => {
                self.unknown(if in_quotes { Known::NoOption } else { Known::Nothing });
                self.word.text.replace_range(.., "~");
                self.begins_at_home = true;
            }
            // The directory that the shell is in, whichever way it is written.
            None if in_quotes && name == "PWD" && self.word.text.is_empty() => {
                self.unknown(Known::NoOption);
                self.word.text.replace_range(.., ".");
                self.begins_here = true;
            }
            // Without quotes it may be several words.
            None if HARMLESS.contains(&name.as_str()) => {
                self.unknown(if in_quotes { Known::NoOption } else { Known::Nothing });
            }
            None => return Err(Doubt::Expansion),
        }
        Ok(())
    }

    /// Some shells take what follows a variable for an index, in which commands run, or for a modifier.
    fn no_modifier(&mut self) -> Result<(), Doubt> {
        if matches!(self.rest.peek(), Some('[' | ':')) { Err(Doubt::Expansion) } else { Ok(()) }
    }

    /// A dollar sign that is one.
    fn dollar(&mut self) -> Result<(), Doubt> {
        self.word.text.push('$');
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        name
    }

    /// Whether an opening brace makes several words of one, by what is in it: where it closes, or in the rest of the word.
    fn is_brace_expansion(&self) -> bool {
        let rest = self.rest.clone().collect::<String>();
        let is_revision = self.word.text.ends_with(['@', '^', '%', '$']) && !rest.contains('{');
        let inside = rest.split_once('}').map_or(rest.as_str(), |(inside, _)| if is_revision { inside } else { &rest });
        inside.contains(',') || inside.contains("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_alone(raw: &str) -> Result<Word, Doubt> {
        read(raw, &HashMap::from([("f", None), ("g", Some("a.rs".to_owned())), ("h", Some("src/*.rs".to_owned()))]))
    }

    #[test]
    fn quotes_and_backslashes_are_resolved() {
        for (raw, text) in [
            ("git", "git"),
            ("r\\m", "rm"),
            ("'r'\"m\"", "rm"),
            ("''", ""),
            ("\"a \\\"b\\\" \\n\"", "a \"b\" \\n"),
            ("'a\\b'", "a\\b"),
            ("HEAD@{1}", "HEAD@{1}"),
            ("HEAD@{1}..HEAD", "HEAD@{1}..HEAD"),
            ("@{u}..", "@{u}.."),
            ("v1^{tree}", "v1^{tree}"),
            ("{{.Names}}", "{{.Names}}"),
            ("x-$g", "x-a.rs"),
            ("{}", "{}"),
            ("a$", "a$"),
            ("\"$\"", "$"),
            ("'$(id)'", "$(id)"),
            ("a#b", "a#b"),
            ("'#'", "#"),
        ] {
            assert_eq!(read_alone(raw), Ok(Word::literal(text)), "{raw}");
        }
    }

    #[test]
    fn what_is_not_known_before_it_runs_is_not_taken_for_known() {
        for (raw, known) in [
            ("*", Known::Nothing),
            ("*.rs", Known::Names),
            ("**/*.rs", Known::Names),
            ("$f*.rs", Known::Nothing),
            ("\"$g\"", Known::Literally),
            ("-*", Known::Nothing),
            ("src/*.rs", Known::NoOption),
            ("\"$f\"", Known::Nothing),
            ("\"x$f\"", Known::NoOption),
            ("\"$h\"", Known::NoOption),
            ("$h", Known::Nothing),
            ("x$f", Known::Nothing),
            ("$HOME/x", Known::Nothing),
            ("\"$HOME/x\"", Known::NoOption),
            ("\"$PWD/x\"", Known::NoOption),
            ("\"$PWD-old/x\"", Known::NoOption),
            ("\"$?\"", Known::NoOption),
            ("$f/*", Known::Nothing),
        ] {
            assert_eq!(read_alone(raw).unwrap().known, known, "{raw}");
        }
        for raw in [
            "$x",
            "${HOME:-x}",
            "${!HOME}",
            "$@",
            "$1",
            "$'a'",
            "$\"a\"",
            "`id`",
            "$(id)",
            "\"$(id)\"",
            "{a,b}",
            "{1..3}",
            "@{a,b}",
            "@{1..3}",
            "{Remove-Item",
            "x}",
            "{id}",
            "a{id}",
            "a;b",
            "a b",
            "'a",
            "\"a",
            "a\\",
            "a\\\nb",
            "#a",
            "<(id)",
            "a>b",
            "",
        ] {
            assert!(read_alone(raw).is_err(), "{raw}");
        }
    }
}
