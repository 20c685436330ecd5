//! The lines of a file: written and read with the digest of all of them, and the values in them.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::tables::{Is, Table};
use super::{MovingError, MovingStep};
use crate::store::sql::{Bind, Bound, Stored};

/// How the last line begins.
const LAST: &str = r#"{"sha256":""#;

/// Writes lines, and at last the digest of them.
pub(super) struct Lines<W> {
    out: W,
    digest: Sha256,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, digest: Sha256::new() }
    }

    /// Writes a line; `text` has no line break.
    pub(super) fn write(&mut self, text: &mut String) -> Result<(), MovingError> {
        text.push('\n');
        self.digest.update(text.as_bytes());
        self.out.write_all(text.as_bytes()).map_err(MovingError::Write)
    }

    /// Writes the last line.
    pub(super) fn end(mut self) -> Result<(), MovingError> {
        let digest = hex::encode(self.digest.finalize());
        writeln!(self.out, "{LAST}{digest}\"}}").and_then(|()| self.out.flush()).map_err(MovingError::Write)
    }
}

/// Reads lines, up to the last one, which has to have the digest of all before it and nothing behind it.
pub(super) struct Reader<R> {
    input: R,
    digest: Sha256,
    line: Vec<u8>,
    /// The number of the line that was read last.
    pub(super) number: u64,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, digest: Sha256::new(), line: Vec::new(), number: 0 }
    }

    /// The next line; `None` where the last one was read, and all before it is as it was written.
    pub(super) fn next(&mut self) -> Result<Option<&str>, MovingError> {
        self.read()?;
        if !self.line.ends_with(b"\n") {
            return Err(MovingError::Cut);
        }
        if self.line.starts_with(LAST.as_bytes()) {
            let digest = hex::encode(self.digest.clone().finalize());
            let is_whole = self.line == format!("{LAST}{digest}\"}}\n").as_bytes();
            self.read()?;
            return if is_whole && self.line.is_empty() { Ok(None) } else { Err(MovingError::Altered) };
        }
        self.digest.update(&self.line);
        let text = &self.line[..self.line.len() - 1];
        std::str::from_utf8(text).map(Some).map_err(|_| self.wrong("it is no text"))
    }

    fn read(&mut self) -> Result<(), MovingError> {
        self.line.clear();
        self.number += 1;
        self.input
            .read_until(b'\n', &mut self.line)
            .map_err(|error| MovingError::Read(PathBuf::from("the file"), error))?;
        Ok(())
    }

    /// What is wrong with the line that was read last.
    pub(super) fn wrong(&self, why: impl Into<String>) -> MovingError {
        MovingError::Line { line: self.number, why: why.into() }
    }
}

/// Finds out whether a file is whole, to the last byte, before anything is done with it.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(input: impl BufRead, progress: &dyn Fn(MovingStep<'_>)) -> Result<(), MovingError> {
    let mut lines = Reader::new(input);
    loop {
        match lines.next().map(|line| line.is_some()) {
            Ok(true) => progress(MovingStep::Checked(lines.number)),
            Ok(false) => return Ok(()),
            // The first line tells whether it was meant to be one.
            Err(MovingError::Cut) if lines.number == 1 => {
                return Err(MovingError::NotOurs("it has no first line".to_owned()));
            }
            Err(MovingError::Line { .. }) => return Err(MovingError::Altered),
            Err(error) => return Err(error),
        }
    }
}

/// A value of a row.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Bind for Value {
    fn bind(&self) -> Bound<'_> {
        match self {
            Self::Null => Bound::Null,
            Self::Integer(number) => Bound::Integer(*number),
            Self::Text(text) => text.bind(),
            Self::Bytes(bytes) => bytes.bind(),
        }
    }
}

impl Value {
    /// A value as it was found; `None` for what is never written.
    pub(super) fn found(stored: Stored<'_>) -> Option<Self> {
        Some(match stored {
            Stored::Null => Self::Null,
            Stored::Integer(number) => Self::Integer(number),
            Stored::Text(text) => Self::Text(text.to_owned()),
            Stored::Blob(bytes) => Self::Bytes(bytes.to_owned()),
            Stored::Strange => return None,
        })
    }

    /// About how many bytes it takes.
    pub(super) const fn size(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn read(value: serde_json::Value, is: Is) -> Result<Self, &'static str> {
        match (value, is) {
            (serde_json::Value::Null, _) => Ok(Self::Null),
            (serde_json::Value::Number(number), Is::Integer) => {
                number.as_i64().map(Self::Integer).ok_or("a number that no column holds")
            }
            (serde_json::Value::String(text), Is::Text) => Ok(Self::Text(text)),
            (serde_json::Value::String(text), Is::Bytes) => {
                STANDARD.decode(text).map(Self::Bytes).map_err(|_| "bytes that are no base64")
            }
            (_, Is::Integer) => Err("something where a number was to be"),
            (_, Is::Text) => Err("something where a text was to be"),
            (_, Is::Bytes) => Err("something where base64 was to be"),
        }
    }
}

/// Appends a value to the line of a row; `None` for one that is never written.
pub(super) fn append(line: &mut String, value: Stored<'_>) -> Option<()> {
    match value {
        Stored::Null => line.push_str("null"),
        Stored::Integer(number) => line.push_str(&number.to_string()),
        Stored::Text(text) => line.push_str(&serde_json::to_string(text).ok()?),
        Stored::Blob(bytes) => {
            line.push('"');
            STANDARD.encode_string(bytes, line);
            line.push('"');
        }
        Stored::Strange => return None,
    }
    Some(())
}

/// The values of a line, which is to be a row of `table`.
pub(super) fn row(line: &str, table: &Table) -> Result<Vec<Value>, String> {
    let mut values = Vec::<serde_json::Value>::deserialize(&mut serde_json::Deserializer::from_str(line))
        .map_err(|error| format!("it is no row: {error}"))?
        .into_iter();
    match values.next() {
        Some(serde_json::Value::String(name)) if name == table.name => {}
        _ => return Err(format!("it is no row of {}", table.name)),
    }
    if values.len() != table.columns.len() {
        return Err(format!("a row of {} has {} columns", table.name, table.columns.len()));
    }
    let read = table.columns.iter().zip(values);
    read.map(|(column, value)| Value::read(value, column.is).map_err(|why| format!("{}: {why}", column.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Lines::new(&mut out);
        for line in lines {
            writer.write(&mut (*line).to_owned()).unwrap();
        }
        writer.end().unwrap();
        out
    }

    fn is_whole(file: &[u8]) -> bool {
        check(file, &|_| {}).is_ok()
    }

    #[test]
    fn no_byte_can_be_another_or_missing_or_more() {
        let file = written(&[r#"{"countersign":"export"}"#, r#"["tokens","é"]"#, r#"["tokens","b"]"#]);
        assert!(is_whole(&file));
        for at in 0..file.len() {
            for flip in [1, 0x20, 0x80] {
                let mut altered = file.clone();
                altered[at] ^= flip;
                assert!(!is_whole(&altered), "byte {at}");
            }
            assert!(!is_whole(&file[..at]), "cut at {at}");
            let mut more = file.clone();
            more.insert(at, b'\n');
            assert!(!is_whole(&more), "more at {at}");
        }
        assert!(!is_whole(&[&file[..], b"\n"].concat()));
    }
}
