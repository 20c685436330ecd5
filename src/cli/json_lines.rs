//! JSON-RPC with one message a line, as programs speak it over standard input and output.

use std::io::{self, BufRead, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::McpId;

/// The longest line that is read, in bytes: more than the largest body that a server takes by default.
pub(super) const LONGEST_LINE: usize = 8 * 1024 * 1024;

/// A message, as far as it matters here: a request, a notification or an answer.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(default)]
    pub(super) id: Option<McpId>,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default, borrow)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(super) result: Option<&'a RawValue>,
}

/// A line that came in.
pub(super) enum Line {
    /// Its bytes, with the line feed where it has one.
    Whole(Vec<u8>),
    /// The beginning of one that is too long.
    TooLong(Vec<u8>),
}

/// Reads the next line; of one that is longer than `longest` only the beginning. `None` at the end.
pub(super) fn next_line(from: &mut impl BufRead, longest: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    loop {
        let available = match from.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok((!line.is_empty()).then_some(Line::Whole(line)));
        }
        let end = available.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        let taken = end.unwrap_or(available.len()).min(longest - line.len());
        line.extend_from_slice(available.get(..taken).unwrap_or_default());
        from.consume(taken);
        if end == Some(taken) {
            return Ok(Some(Line::Whole(line)));
        }
        if line.len() >= longest {
            return Ok(Some(Line::TooLong(line)));
        }
    }
}

/// Passes over the rest of a line.
pub(super) fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    while let Some(Line::TooLong(_)) = next_line(from, LONGEST_LINE)? {}
    Ok(())
}

/// Where lines go that several threads write, each whole.
pub(super) struct Lines<W>(Mutex<W>);

impl<W: Write> Lines<W> {
    pub(super) const fn new(to: W) -> Self {
        Self(Mutex::new(to))
    }

    /// Writes one message as a line.
    pub(super) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.write(&line)
    }

    /// Writes bytes as they are.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(bytes)?;
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(line: Option<Line>) -> Option<String> {
        line.map(|line| match line {
            Line::Whole(bytes) => String::from_utf8(bytes).unwrap(),
            Line::TooLong(bytes) => format!("{}…", String::from_utf8(bytes).unwrap()),
        })
    }

    #[test]
    fn lines_come_whole_or_by_their_beginning() {
        let mut from = io::BufReader::with_capacity(3, &b"ab\n\nabcdefgh\nlast"[..]);
        assert_eq!(whole(next_line(&mut from, 5).unwrap()).as_deref(), Some("ab\n"));
        assert_eq!(whole(next_line(&mut from, 5).unwrap()).as_deref(), Some("\n"));
        assert_eq!(whole(next_line(&mut from, 5).unwrap()).as_deref(), Some("abcde…"));
        skip_line(&mut from).unwrap();
        assert_eq!(whole(next_line(&mut from, 5).unwrap()).as_deref(), Some("last"));
        assert_eq!(whole(next_line(&mut from, 5).unwrap()), None);
    }
}
