//! A second reading of command lines, to hold the matcher's against: a few rules of the shell's language, character by
//! character, without a grammar. Whatever it does not know it does not read.

use std::iter::Peekable;
use std::str::Chars;

/// One command: its words without their quotes, the program first; `None` for a word that is known only when it runs.
pub(crate) type Command = Vec<Option<String>>;

/// The commands of `line` in their order; `None` where this reader does not know what a shell would run.
pub(crate) fn commands(line: &str) -> Option<Vec<Command>> {
    let mut reader =
        Reader { rest: line.chars().peekable(), found: Vec::new(), command: Vec::new(), next: Next::Program };
    reader.line()?;
    Some(reader.found)
}

/// Variables that may be set in front of a command.
const REPORTING: &[&str] = &["CI=", "NO_COLOR=", "RUST_BACKTRACE=", "LANG=", "LC_ALL=", "DEBUG=", "TZ="];

/// What the next word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A program, or a word of the shell's language.
    Program,
    /// A word of the command that has begun.
    Word,
    /// The variable of a loop.
    LoopVariable,
    /// What comes after it: `in`, or nothing.
    In,
    /// The words that a loop goes through.
    LoopWord,
    /// The name of a function.
    FunctionName,
    /// A word between double brackets.
    TestWord,
}

struct Reader<'l> {
    rest: Peekable<Chars<'l>>,
    found: Vec<Command>,
    command: Command,
    next: Next,
}

struct Word {
    text: String,
    is_known: bool,
    is_quoted: bool,
}

impl Reader<'_> {
    fn line(&mut self) -> Option<()> {
        while let Some(c) = self.rest.peek().copied() {
            match c {
                ' ' | '\t' => self.skip(),
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => self.redirection()?,
                '&' => {
                    self.skip();
                    match self.rest.peek() {
                        Some('>') => self.redirection()?,
                        Some('&') => {
                            self.skip();
                            self.end()?;
                        }
                        _ => self.end()?,
                    }
                }
                '|' => {
                    self.skip();
                    let _ = self.rest.next_if(|c| matches!(c, '|' | '&'));
                    self.end()?;
                }
                ';' => {
                    self.skip();
                    if matches!(self.rest.peek(), Some(';' | '&')) {
                        return None;
                    }
                    self.end()?;
                }
                '\n' | ')' => {
                    self.skip();
                    self.end()?;
                }
                '(' => self.parenthesis()?,
                _ => {
                    if self.is_joined_line() {
                        continue;
                    }
                    let word = self.word()?;
                    self.take(word)?;
                }
            }
        }
        self.end()
    }

    fn skip(&mut self) {
        self.rest.next();
    }

    /// A backslash before the end of a line: both are nothing.
    fn is_joined_line(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        let is_joined = ahead.next() == Some('\\') && ahead.next() == Some('\n');
        if is_joined {
            self.rest = ahead;
        }
        is_joined
    }

    fn end(&mut self) -> Option<()> {
        match self.next {
            Next::LoopVariable | Next::FunctionName | Next::TestWord => return None,
            Next::Program | Next::Word | Next::In | Next::LoopWord => {}
        }
        if !self.command.is_empty() {
            self.found.push(std::mem::take(&mut self.command));
        }
        self.next = Next::Program;
        Some(())
    }

    /// A subshell begins, or the name before it is a function's.
    fn parenthesis(&mut self) -> Option<()> {
        self.skip();
        if self.next == Next::Word && self.command.len() == 1 {
            while self.rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
            self.rest.next_if_eq(&')')?;
            self.command.clear();
            self.next = Next::Program;
            return Some(());
        }
        (self.next == Next::Program && self.rest.peek() != Some(&'(')).then_some(())
    }

    fn redirection(&mut self) -> Option<()> {
        let operator = self.rest.next()?;
        if self.rest.peek() == Some(&'(') || (operator == '<' && matches!(self.rest.peek(), Some('<' | '>'))) {
            return None;
        }
        let to_descriptor = self.rest.next_if_eq(&'&').is_some();
        if !to_descriptor {
            let _ = self.rest.next_if(|c| matches!(c, '>' | '|'));
        }
        while self.rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let target = self.word()?;
        let is_descriptor = target.text == "-" || (target.text.len() == 1 && target.text.parse::<u8>().is_ok());
        let is_harmless = if to_descriptor { is_descriptor } else { target.text == "/dev/null" };
        (is_harmless && target.is_known).then_some(())
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word { text: String::new(), is_known: true, is_quoted: false };
        let mut has_brace = false;
        while let Some(c) = self.rest.peek().copied() {
            match c {
                ' ' | '\t' | '\n' | ';' | '|' | '&' | '<' | '>' | '(' | ')' => break,
                '`' => return None,
                '$' => self.dollar(&mut word)?,
                '\\' => {
                    self.skip();
                    word.is_quoted = true;
                    match self.rest.next()? {
                        '\n' => {}
                        c => word.text.push(c),
                    }
                }
                '\'' => {
                    self.skip();
                    word.is_quoted = true;
                    self.single_quotes(&mut word)?;
                }
                '"' => {
                    self.skip();
                    word.is_quoted = true;
                    self.double_quotes(&mut word)?;
                }
                c => {
                    self.skip();
                    has_brace |= c == '{';
                    word.is_known &= !matches!(c, '*' | '?' | '[') && (c != '~' || !word.text.is_empty());
                    word.text.push(c);
                }
            }
        }
        word.is_known &= !has_brace || !(word.text.contains(',') || word.text.contains(".."));
        // A number before a redirection is a descriptor.
        let is_number = !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_quoted;
        if is_number && matches!(self.rest.peek(), Some('<' | '>')) {
            self.redirection()?;
            return Some(Word { text: String::new(), is_known: true, is_quoted: false });
        }
        Some(word)
    }

    fn single_quotes(&mut self, word: &mut Word) -> Option<()> {
        loop {
            match self.rest.next()? {
                '\'' => return Some(()),
                c => word.text.push(c),
            }
        }
    }

    fn double_quotes(&mut self, word: &mut Word) -> Option<()> {
        loop {
            match self.rest.peek()? {
                '"' => {
                    self.skip();
                    return Some(());
                }
                '`' => return None,
                '$' => self.dollar(word)?,
                '\\' => {
                    self.skip();
                    match self.rest.next()? {
                        '\n' => {}
                        c @ ('$' | '`' | '"' | '\\') => word.text.push(c),
                        c => word.text.extend(['\\', c]),
                    }
                }
                _ => word.text.extend(self.rest.next()),
            }
        }
    }

    /// A variable by its name alone, or a dollar sign.
    fn dollar(&mut self, word: &mut Word) -> Option<()> {
        self.skip();
        word.text.push('$');
        let in_braces = self.rest.next_if_eq(&'{').is_some();
        let mut is_variable = false;
        while self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_').is_some() {
            is_variable = true;
        }
        if in_braces {
            self.rest.next_if_eq(&'}')?;
            is_variable.then_some(())?;
        }
        if !is_variable {
            match self.rest.peek() {
                Some('?' | '#' | '$' | '!') => {
                    self.skip();
                    is_variable = true;
                }
                Some('(' | '[' | '\'' | '@' | '*' | '-' | '{') => return None,
                _ => {}
            }
        }
        word.is_known &= !is_variable;
        Some(())
    }

    fn take(&mut self, word: Word) -> Option<()> {
        if word.text.is_empty() && !word.is_quoted {
            return Some(());
        }
        let is_plain = word.is_known && !word.is_quoted;
        let text = if is_plain { word.text.as_str() } else { "" };
        match self.next {
            Next::Program => match text {
                "if" | "then" | "elif" | "else" | "fi" | "while" | "until" | "do" | "done" | "}" | "!" => {}
                "for" => self.next = Next::LoopVariable,
                "function" => self.next = Next::FunctionName,
                "case" | "select" => return None,
                _ if word.text == "{" && !word.is_quoted => {}
                _ if word.text == "[[" && !word.is_quoted => self.next = Next::TestWord,
                _ if word.text == "[" && !word.is_quoted => self.begin(Some("[".to_owned())),
                // A variable that changes nothing but how a program reports.
                _ if word.is_known && REPORTING.iter().any(|name| word.text.starts_with(name)) => {}
                // A program that is known only when it runs, or a variable that is set.
                _ if !word.is_known || word.text.contains('=') => return None,
                _ => self.begin(Some(word.text)),
            },
            Next::Word => self.command.push(word.is_known.then_some(word.text)),
            Next::LoopVariable => self.next = Next::In,
            Next::In if text == "in" => self.next = Next::LoopWord,
            Next::In if text == "do" => self.next = Next::Program,
            Next::In => return None,
            Next::LoopWord => {}
            Next::FunctionName => {
                self.command = vec![Some(word.text)];
                self.next = Next::Word;
                while self.rest.next_if(|c| matches!(c, ' ' | '\t' | '\n')).is_some() {}
                if self.rest.peek() != Some(&'(') {
                    self.command.clear();
                    self.next = Next::Program;
                }
            }
            Next::TestWord if text == "]]" => self.next = Next::Program,
            Next::TestWord => {}
        }
        Some(())
    }

    fn begin(&mut self, program: Option<String>) {
        self.command.push(program);
        self.next = Next::Word;
    }
}
