//! Programs for sed and awk: which of them only look at lines and print them.

use super::permits::walk;
use super::word::{Known, Word};

/// The words of a sed command that hold a script which is not plain.
pub(super) fn of_sed(words: &[Word]) -> Vec<usize> {
    let mut scripts = Vec::new();
    let mut operands = Vec::new();
    let mut has_script = false;
    let mut is_behind = false;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        match text.strip_prefix('-').filter(|letters| !letters.is_empty() && !is_behind) {
            // Some take an empty word after `-i` for its value.
            None if text.is_empty() => {}
            None => operands.push(at),
            Some("-") => is_behind = true,
            Some(letters) => match sed_option(letters) {
                SedOption::Plain => {}
                SedOption::Number => at += 1,
                SedOption::NextIsScript => {
                    has_script = true;
                    at += 1;
                    scripts.extend(words.get(at).map(|word| (at, word.text.as_str(), word.known)));
                }
                SedOption::Script(script) => {
                    has_script = true;
                    scripts.push((at, script, word.known));
                }
            },
        }
        at += 1;
    }
    if !has_script {
        scripts.extend(operands.first().map(|at| (*at, words[*at].text.as_str(), words[*at].known)));
    }
    let dangerous = scripts.into_iter().filter(|(_, text, known)| *known != Known::Literally || !is_plain_sed(text));
    dangerous.map(|(at, ..)| at).collect()
}

enum SedOption<'w> {
    Plain,
    Number,
    NextIsScript,
    Script(&'w str),
}

/// What an option of sed brings with it; `letters` stand behind its dash. Whatever is not known may be a script.
fn sed_option(letters: &str) -> SedOption<'_> {
    const LONG: &[&str] = &[
        "quiet",
        "silent",
        "regexp-extended",
        "separate",
        "unbuffered",
        "null-data",
        "posix",
        "debug",
        "sandbox",
        "in-place",
        "follow-symlinks",
        "line-length",
        "zero-terminated",
        "help",
        "version",
    ];
    if let Some(long) = letters.strip_prefix('-') {
        return match long.split_once('=') {
            None if long == "expression" => SedOption::NextIsScript,
            None if long == "line-length" => SedOption::Number,
            None if LONG.contains(&long) => SedOption::Plain,
            Some(("expression", script)) => SedOption::Script(script),
            Some(("in-place" | "line-length", _)) => SedOption::Plain,
            _ => SedOption::Script(long),
        };
    }
    for (at, letter) in letters.char_indices() {
        let rest = &letters[at + letter.len_utf8()..];
        match letter {
            'n' | 'E' | 'r' | 's' | 'u' | 'z' => {}
            'i' => return SedOption::Plain,
            'l' if rest.is_empty() => return SedOption::Number,
            'l' => return SedOption::Plain,
            'e' if rest.is_empty() => return SedOption::NextIsScript,
            'e' => return SedOption::Script(rest),
            _ => return SedOption::Script(letters),
        }
    }
    SedOption::Plain
}

/// Whether a script of sed prints, deletes, quits, substitutes, branches and the like, and neither runs anything nor reads
/// or writes a file.
fn is_plain_sed(script: &str) -> bool {
    let mut reader = Reader { rest: script };
    while !reader.rest.is_empty() {
        if reader.sed_command().is_none() {
            return false;
        }
    }
    true
}

struct Reader<'s> {
    rest: &'s str,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn skip(&mut self, is_skipped: impl Fn(char) -> bool) -> usize {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(is_skipped);
        before - self.rest.len()
    }

    fn takes(&mut self, c: char) -> bool {
        self.rest.strip_prefix(c).map(|rest| self.rest = rest).is_some()
    }

    fn blanks(&mut self) {
        self.skip(|c| matches!(c, ' ' | '\t'));
    }

    /// Up to `end`, which a backslash hides; no bracket may be open there: sed and sed do not agree whether it counts.
    fn until(&mut self, end: char) -> Option<()> {
        let mut in_bracket = false;
        loop {
            match self.take()? {
                '\\' => {
                    self.take()?;
                }
                '\n' => return None,
                c if c == end => return (!in_bracket).then_some(()),
                '[' if in_bracket && self.rest.starts_with([':', '.', '=']) => {
                    let kind = self.take()?;
                    self.rest = self.rest.split_once(&format!("{kind}]"))?.1;
                }
                '[' if !in_bracket => {
                    in_bracket = true;
                    self.takes('^');
                    self.takes(']');
                }
                ']' => in_bracket = false,
                _ => {}
            }
        }
    }

    fn sed_address(&mut self) -> Option<bool> {
        let first = self.rest.chars().next();
        match first {
            Some('0'..='9') => {
                self.skip(|c| c.is_ascii_digit());
                if self.takes('~') {
                    self.skip(|c| c.is_ascii_digit());
                }
            }
            Some('$') => {
                self.take();
            }
            Some('+' | '~') => {
                self.take();
                (self.skip(|c| c.is_ascii_digit()) > 0).then_some(())?;
            }
            Some('/') => {
                self.take();
                self.until('/')?;
                self.skip(|c| matches!(c, 'I' | 'M'));
            }
            Some('\\') => {
                self.take();
                let end = self.take().filter(|end| !end.is_alphanumeric() && !matches!(end, '\\' | '\n'))?;
                self.until(end)?;
                self.skip(|c| matches!(c, 'I' | 'M'));
            }
            _ => return Some(false),
        }
        Some(true)
    }

    fn sed_command(&mut self) -> Option<()> {
        self.skip(|c| matches!(c, ' ' | '\t' | '\n' | ';'));
        if self.rest.is_empty() {
            return Some(());
        }
        if self.sed_address()? {
            self.blanks();
            if self.takes(',') {
                self.blanks();
                self.sed_address()?.then_some(())?;
            }
        }
        self.skip(|c| matches!(c, ' ' | '\t' | '!'));
        match self.take()? {
            '{' | '}' => return Some(()),
            'p' | 'd' | 'D' | 'P' | '=' | 'h' | 'H' | 'g' | 'G' | 'x' | 'n' | 'N' | 'z' => {}
            'q' | 'Q' | 'l' => {
                self.blanks();
                self.skip(|c| c.is_ascii_digit());
            }
            's' => {
                let end = self.take().filter(|end| !matches!(end, '\\' | '\n'))?;
                self.until(end)?;
                self.sed_replacement(end)?;
                self.skip(|c| c.is_ascii_digit() || matches!(c, 'g' | 'p' | 'i' | 'I' | 'm' | 'M'));
            }
            'y' => {
                let end = self.take().filter(|end| !matches!(end, '\\' | '\n'))?;
                self.sed_replacement(end)?;
                self.sed_replacement(end)?;
            }
            ':' | 'b' | 't' | 'T' => {
                self.blanks();
                self.skip(|c| c.is_ascii_alphanumeric() || c == '_');
            }
            // A text up to the end of its line, or to the end of the last line that does not end in a backslash.
            'a' | 'i' | 'c' => return self.sed_text(),
            '#' => {
                self.skip(|c| c != '\n');
                return Some(());
            }
            _ => return None,
        }
        self.blanks();
        (self.rest.is_empty() || self.rest.starts_with([';', '\n', '}'])).then_some(())
    }

    /// Up to `end`: a bracket is nothing special here.
    fn sed_replacement(&mut self, end: char) -> Option<()> {
        loop {
            match self.take()? {
                '\\' => {
                    self.take()?;
                }
                '\n' => return None,
                c if c == end => return Some(()),
                _ => {}
            }
        }
    }

    /// One line of text: with more of them it is not agreed where it ends.
    fn sed_text(&mut self) -> Option<()> {
        let text = std::mem::take(&mut self.rest);
        let text = text.strip_prefix("\\\n").unwrap_or(text);
        (!text.contains('\n') && !text.ends_with('\\')).then_some(())
    }
}

/// The word of an awk command that holds its program, where that is not plain.
pub(super) fn of_awk(words: &[Word]) -> Vec<usize> {
    let program = walk("awk", words).operands.first().copied();
    let is_plain = |at: &usize| words[*at].known_text().is_some_and(is_plain_awk);
    program.into_iter().filter(|at| !is_plain(at)).collect()
}

/// What stood last in a program of awk: it says whether a slash divides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A value: a slash behind it divides.
    Value,
    /// `++` or `--`: what a slash is behind it depends.
    Step,
    /// Something after which a statement goes on in the next line.
    Open,
    /// Anything else.
    Other,
}

/// Words of awk that are no values.
const AWK_WORDS: &[&str] = &[
    "print", "printf", "return", "in", "if", "else", "while", "for", "do", "delete", "exit", "next", "case", "switch",
    "func", "function",
];

/// Whether a program of awk only computes and prints: it runs nothing, and neither reads nor writes a file of its choice.
/// `>` writes in a `print` outside of parentheses only, and `|` is a pipe unless it is doubled.
fn is_plain_awk(program: &str) -> bool {
    let mut reader = Reader { rest: program };
    let mut last = Last::Other;
    let mut depth = 0_usize;
    // Whether a `print` goes on, and how deep it began.
    let mut printing = None;
    while let Some(c) = reader.take() {
        last = match c {
            ' ' | '\t' => last,
            '\n' if last == Last::Open || printing.is_some_and(|began| depth > began) => last,
            '\n' | ';' | '}' | '{' => {
                printing = None;
                Last::Other
            }
            '#' => {
                reader.skip(|c| c != '\n');
                last
            }
            '"' if reader.sed_replacement('"').is_some() => Last::Value,
            '/' if last == Last::Value => Last::Other,
            '/' if last != Last::Step && reader.until('/').is_some() => Last::Value,
            '(' => {
                depth += 1;
                Last::Other
            }
            ')' => {
                depth = depth.saturating_sub(1);
                Last::Value
            }
            ']' => Last::Value,
            ',' => Last::Open,
            '|' if reader.takes('|') => Last::Open,
            '&' if reader.takes('&') => Last::Open,
            '>' if printing.is_none_or(|began| depth > began) => Last::Other,
            '+' if reader.takes('+') => Last::Step,
            '-' if reader.takes('-') => Last::Step,
            '?' | ':' => Last::Open,
            '+' | '-' | '*' | '%' | '^' | '=' | '!' | '<' | '~' | '$' | '[' => Last::Other,
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') => {
                let from = reader.rest;
                let length = reader.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                let word = format!("{c}{}", &from[..length]);
                match word.as_str() {
                    "system" | "getline" => return false,
                    "print" | "printf" => printing = printing.or(Some(depth)),
                    _ => {}
                }
                if AWK_WORDS.contains(&word.as_str()) { Last::Other } else { Last::Value }
            }
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sed_script_does_is_looked_at() {
        for script in [
            "1,5p",
            "$d",
            "s/a/b/g",
            "s/a\\/b/c/",
            "/x/p",
            "/a/,/b/d",
            "3q",
            "s|a|b|",
            "$!d",
            "1,5p;10,20p",
            "s/a/b/; s/c/d/",
            "s,a,b,",
            "/^\\s*$/d",
            "10,20{p}",
            "10,20{p;q}",
            "y/abc/ABC/",
            "/x/{n;d;}",
            ":a;N;$!ba;s/\\n/ /g",
            "1~2p",
            "\\,x,p",
            "/a/I,+3p",
            "$=",
            "5q1",
            "i hello",
            "/x/a more",
            "s/[a-z]*//2g",
            "s/[[:space:]]*$//",
            "# comment",
            "",
        ] {
            assert!(is_plain_sed(script), "{script}");
        }
        for script in [
            "1e id",
            "w out",
            "s/a/b/e",
            "s/a/b/w out",
            "r /etc/passwd",
            "1,5p;w x",
            "s/a/b/;e",
            "p\nw x",
            "1W x",
            "R x",
            "{w x",
            "s/[/]/e/w x",
            "$!{e id}",
            "/x/w y",
            "s,a,b,ge",
            "s/a/b/ w x",
            "e",
            "i x\nw y",
            "y/a/b/w x",
            "s/a",
            "v;e",
            "/a/,/b/e id",
            "\\,x,w y",
            "p;}w x",
            "a x\\",
            "b x;w y",
            ":a w x\nw x",
            "s/[]/]/;s/w x/b/",
            "s/[[:alpha:]/]/;s/w x/b/",
        ] {
            assert!(!is_plain_sed(script), "{script}");
        }
    }

    #[test]
    fn what_an_awk_program_does_is_looked_at() {
        for program in [
            "{print $1}",
            "NR>=10 && NR<=20",
            "{print $2}",
            "$3 > 5",
            "{ if ($1 > 2) print $2 }",
            "/a|b/",
            "/a/ || /b/",
            "{ print ($1 > 2) }",
            "BEGIN { FS=\",\" } { s += $2 } END { print s/NR }",
            "{ printf \"%s > %s\\n\", $1, $2 }",
            "NR==FNR { a[$1]; next } $1 in a",
            "{ print length($0) }",
            "$0 ~ /x>y/ { n++ } END { print n }",
            "!seen[$0]++",
            "{ gsub(/\\//, \"-\"); print }",
            "{ print toupper(substr($1, 1, 1)) substr($1, 2) } # a > b",
        ] {
            assert!(is_plain_awk(program), "{program}");
        }
        for program in [
            "BEGIN{system(\"id\")}",
            "{print > \"x\"}",
            "{print >> \"x\"}",
            "{print | \"sh\"}",
            "{print($1) > \"x\"}",
            "\"id\" | getline x",
            "{ getline < \"/etc/passwd\" }",
            "@load \"x\"",
            "{ @f() }",
            "{ print $1,\n$2 > \"x\" }",
            "{ print \"a\" |& \"sh\" }",
            "{ print /[/]/ > \"x\" }",
            "{ print a ? b : c > \"x\" }",
            "{ x++ /1/ 2 }",
            "{ print `id` }",
            "{ print \"",
            "{ for (;;) print $1 > $2 }",
            "{print (1)(2) > \"x\"}",
        ] {
            assert!(!is_plain_awk(program), "{program}");
        }
    }
}
