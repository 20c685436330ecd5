//! From one database to another, of either kind: all rows, in one file of JSON Lines.
//!
//! The first line is a [`Header`], then comes every row as an array, behind the name of its table, and the last line has the SHA-256 of
//! all that is before it. Tables have a fixed order, and rows that of their keys, so that two databases which hold the same
//! give the same file but for the time in it. `docs/reference/export.md` describes the format for other programs.

mod export;
mod file;
mod import;
mod tables;

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::export::{export, export_to};
pub use self::file::check;
pub use self::import::import;
pub(super) use self::import::is_empty;
use super::{Checked, Error, OpenError};
use crate::clock::Timestamp;
use crate::domain::chain::{Broken, Head};

/// The version of the format.
const FORMAT: i64 = 1;

/// The first line of a file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    /// That it is one of ours: always `export`.
    countersign: String,
    /// The version of the format.
    format: i64,
    /// The version of the schema.
    schema: i64,
    /// When the file was written: the one thing in which files of the same rows differ.
    written_at: Timestamp,
    /// The end of the chain.
    head: String,
    /// The tables, in their order.
    tables: Vec<TableOfFile>,
}

/// A table, as the header has it.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
struct TableOfFile {
    name: String,
    /// How many rows of it follow.
    rows: u64,
    /// Its columns, as each row has them.
    columns: Vec<String>,
    /// Those of them that hold bytes, which stand as base64.
    base64: Vec<String>,
}

/// What was moved.
#[derive(Debug)]
pub struct Moved {
    /// How many rows.
    pub rows: u64,
    /// The end of the chain.
    pub head: Head,
    /// What is to be said of the rows: they are moved as they were.
    pub warnings: Vec<String>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub enum MovingStep<'s> {
    /// So many lines of the file were read, to find out whether it is whole.
    Checked(u64),
    /// So many rows of a table are moved, of how many there are.
    Rows(&'static str, u64, u64),
    /// What was moved is examined.
    Examined(super::Step<'s>),
}

impl fmt::Display for MovingStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checked(lines) => write!(f, "checking the file: line {lines}"),
            Self::Rows(table, done, all) => write!(f, "{table}: row {done} of {all}"),
            Self::Examined(step) => step.fmt(f),
        }
    }
}

/// Why nothing was moved. Nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum MovingError {
    /// A database that cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database that cannot be read or written.
    #[error(transparent)]
    Store(#[from] Error),
    /// The file cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(io::Error),
    /// This user may not write where the file is to be.
    #[error("there is no directory {}, or this user may not write in it: name a file in another one", .0.display())]
    NoDirectory(PathBuf),
    /// A file that is there is never written over.
    #[error("{} is there already: an export is a new file", .0.display())]
    ExportExists(PathBuf),
    /// The file cannot be read.
    #[error("{} cannot be read: {}", .0.display(), .1)]
    Read(PathBuf, io::Error),
    /// It is something else.
    #[error("this is no file that `countersign export` wrote: {0}")]
    NotOurs(String),
    /// A later program wrote it.
    #[error("the file has format {0}, and this countersign reads {FORMAT}: use the newer program")]
    OtherFormat(i64),
    /// It has the tables of another version.
    #[error("the file has schema version {found}, and this countersign has {known}: {advice}")]
    OtherSchema {
        /// Its version.
        found: i64,
        /// That of this program.
        known: i64,
        /// What to do.
        advice: &'static str,
    },
    /// Its last line is missing.
    #[error("the file has no end: it was cut, or not written whole")]
    Cut,
    /// It is not what was written.
    #[error("the file is not as it was written: its SHA-256 is another one")]
    Altered,
    /// A line that cannot be one of its lines.
    #[error("line {line} of the file: {why}")]
    Line {
        /// Which one.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The database could not take a row.
    #[error("the database does not take {table} before line {line} of the file: {error}")]
    Refused {
        /// The table.
        table: &'static str,
        /// The line up to which the rows were read.
        line: u64,
        /// Why.
        error: Error,
    },
    /// There is something in the database.
    #[error(
        "{0} is not empty: a database is imported into a new file or into a database of PostgreSQL with nothing of countersign in it"
    )]
    NotEmpty(String),
    /// There is a file already.
    #[error("{} is there already: a database is imported into a new file", .0.display())]
    Exists(PathBuf),
    /// The chain does not hold.
    #[error("the chain of the history is broken: {0}")]
    Broken(Broken),
    /// The history ends elsewhere.
    #[error("the history ends with {found}, and the file says {told}")]
    OtherHead {
        /// Where it ends.
        found: Head,
        /// Where the file says that it ends.
        told: String,
    },
    /// The rows are not in order.
    #[error("what the file holds is not in order ({0}): see `countersign doctor` on the database that it comes from")]
    Unsound(String),
}

/// What is to be said of the rows, as they are moved: what only a row breaks that another program has changed by SQL.
///
/// # Errors
///
/// [`MovingError::Unsound`] where anything else was found.
pub(super) fn sound(checks: impl IntoIterator<Item = Checked>) -> Result<Vec<String>, MovingError> {
    let mut warnings = Vec::new();
    for check in checks.into_iter().filter(|check| !check.found.is_empty()) {
        let said = format!("{}: {}", check.name, check.found.join(", "));
        if !check.is_of_rows {
            return Err(MovingError::Unsound(said));
        }
        warnings.push(said);
    }
    Ok(warnings)
}
