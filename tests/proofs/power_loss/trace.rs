//! What strace has written down: one line a call, or two where another thread's came in between.

use std::collections::HashMap;

/// One call of the server's. Where it began and ended are numbers of lines: the order of everything.
pub(super) struct Call<'t> {
    pub(super) thread: &'t str,
    pub(super) begun: usize,
    pub(super) ended: usize,
    pub(super) name: &'t str,
    arguments: String,
    pub(super) result: i64,
}

/// The calls of a trace that went well, in the order in which they began. Lines are counted from `first`.
pub(super) fn calls(trace: &str, first: usize) -> Vec<Call<'_>> {
    let mut unfinished: HashMap<&str, (usize, &str, &str)> = HashMap::new();
    let mut calls = Vec::new();
    for (line, text) in (first..).zip(trace.lines()) {
        let Some((thread, said)) = text.split_once(' ') else { continue };
        let said = said.trim_start();
        if let Some(resumed) = said.strip_prefix("<... ") {
            let (_, rest) = resumed.split_once(" resumed>").unwrap();
            let (begun, name, start) = unfinished.remove(thread).unwrap();
            calls.extend(call(thread, (begun, line), name, format!("{start}{rest}")));
        } else if let Some((name, rest)) = said.split_once('(').filter(|_| !said.starts_with(['-', '+'])) {
            match rest.strip_suffix("<unfinished ...>") {
                Some(start) => {
                    unfinished.insert(thread, (line, name, start.trim_end()));
                }
                None => calls.extend(call(thread, (line, line), name, rest.to_owned())),
            }
        }
    }
    calls.sort_by_key(|call| call.begun);
    calls
}

/// `None` for a call that failed, which has changed nothing, or that never came back.
fn call<'t>(thread: &'t str, (begun, ended): (usize, usize), name: &'t str, rest: String) -> Option<Call<'t>> {
    let (arguments, result) = rest.rsplit_once(") ")?;
    let result = result.trim_start().strip_prefix("= ")?;
    let digits = result.split(|c: char| !c.is_ascii_digit()).next()?;
    let result = digits.parse().ok()?;
    Some(Call { thread, begun, ended, name, arguments: arguments.to_owned(), result })
}

impl Call<'_> {
    /// The file descriptor that comes first, if one does.
    pub(super) fn descriptor(&self) -> Option<u32> {
        self.arguments.split_once('<')?.0.parse().ok()
    }

    /// What that stands for: the path under which a file was opened, or a socket.
    pub(super) fn file(&self) -> Option<String> {
        self.descriptor()?;
        let (_, rest) = self.arguments.split_once('<')?;
        Some(text(rest.split_once('>')?.0))
    }

    /// The first string among the arguments, whole.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.string(0).map(unescaped).unwrap_or_default()
    }

    /// One of the strings among the arguments, where it is text.
    pub(super) fn path(&self, number: usize) -> String {
        self.string(number).map(text).unwrap_or_default()
    }

    fn string(&self, number: usize) -> Option<&str> {
        self.arguments.split('"').nth(1 + 2 * number)
    }

    /// The last argument, a number.
    pub(super) fn last_number(&self) -> usize {
        self.arguments.rsplit(", ").next().unwrap().parse().unwrap()
    }
}

fn text(escaped: &str) -> String {
    String::from_utf8(unescaped(escaped)).unwrap()
}

/// Every byte is `\xHH` in a string; what is not escaped stands for itself.
fn unescaped(escaped: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    let (mut bytes, mut rest) = (Vec::with_capacity(escaped.len() / 4), escaped.as_bytes());
    loop {
        rest = match rest {
            [] => return bytes,
            [b'\\', b'x', high, low, rest @ ..] => {
                bytes.push(16 * digit(*high) + digit(*low));
                rest
            }
            [plain, rest @ ..] => {
                bytes.push(*plain);
                rest
            }
        };
    }
}
