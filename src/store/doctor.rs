//! Looks a database over, beside servers or without one, and writes nothing: what only its kind can have wrong, what its tables say of
//! each other, what searches pass over, and the chain of its history.

use std::fmt;
use std::ops::ControlFlow;

use super::invariants::{INVARIANTS, ROWS_OF_OTHERS};
use super::sql::{Sql, Stored};
use super::{OpenError, ReadTx, Result, audit_log, postgres, sqlite};
use crate::config::Location;
use crate::domain::chain::{UnverifiedEvent, verify};

/// How many rows that break a check are named.
pub(super) const NAMED: usize = 5;

/// One check, and what it found.
#[derive(Debug)]
pub struct Checked {
    /// What is to hold, in a few words.
    pub name: String,
    /// Whether what it finds can only be a row that another program has changed by SQL: a backup then holds what the database
    /// holds, and is as good as it.
    pub is_of_rows: bool,
    /// What breaks it: the first few; none where all is well.
    pub found: Vec<String>,
}

/// What an examination has found.
#[derive(Debug)]
pub struct Examined {
    /// Every check that was made.
    pub checks: Vec<Checked>,
    /// What is good to know and breaks nothing.
    pub notes: Vec<String>,
}

/// How far an examination has come.
#[derive(Clone, Copy, Debug)]
pub enum Step<'s> {
    /// This check is being made.
    Check(&'s str),
    /// The signature of this block was looked at.
    Signature(i64),
    /// The chain was followed to this event.
    Event(i64),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) => write!(f, "checking: {name}"),
            Self::Signature(block) => write!(f, "checking what searches pass over: block {block}"),
            Self::Event(seq) => write!(f, "checking the chain: event {seq}"),
        }
    }
}

/// Makes every check on a database and tells `progress` of each. What is no database of ours, or of another schema, is refused.
///
/// # Errors
///
/// If there is no database, or it cannot be opened.
pub fn examine(location: &Location, progress: &dyn Fn(Step<'_>)) -> std::result::Result<Examined, OpenError> {
    match location {
        Location::File(path) => Ok(Examined { checks: sqlite::examine(path, progress)?, notes: Vec::new() }),
        Location::Postgres(url) => postgres::examine(url, progress),
    }
}

impl Checked {
    /// A check of something; where it cannot be made, that is itself a finding.
    pub(super) fn new(name: &str, found: Result<Vec<String>>) -> Self {
        Self {
            is_of_rows: false,
            name: name.to_owned(),
            found: found.unwrap_or_else(|error| vec![format!("it cannot be checked: {error}")]),
        }
    }
}

/// What the tables say of each other.
pub(super) fn invariants<'a>(sql: Sql<'a>, progress: &'a dyn Fn(Step<'_>)) -> impl Iterator<Item = Checked> + 'a {
    INVARIANTS.iter().map(move |(name, breaks)| {
        progress(Step::Check(name));
        Checked { is_of_rows: ROWS_OF_OTHERS.contains(name), ..Checked::new(name, breaking(sql, breaks)) }
    })
}

/// That every signature is what its interactions come to: then no search passes over what it is to find, and none finds what
/// is forgotten.
pub(super) fn signatures(tx: &ReadTx<'_>, progress: &dyn Fn(Step<'_>)) -> Checked {
    let wrong = tx.wrong_signatures(|block| progress(Step::Signature(block)));
    let wrong = wrong.map(|wrong| wrong.iter().take(NAMED).map(|block| format!("search block {block}")).collect());
    Checked::new("searches pass over exactly what they may", wrong)
}

/// That the history is whole.
pub(super) fn chain(sql: Sql<'_>, progress: &dyn Fn(Step<'_>)) -> Checked {
    let events = audit_log::events(sql).inspect(|event| {
        if let Ok(UnverifiedEvent { seq: Some(seq), .. }) = event {
            progress(Step::Event(*seq));
        }
    });
    let chain = verify(events, None);
    Checked::new(
        "the history is a whole chain",
        chain.map(|chain| chain.err().iter().map(ToString::to_string).collect()),
    )
}

/// The first few rows of a query of one column.
pub(super) fn breaking(sql: Sql<'_>, query: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    // A database that is far away sends no more of them than are named.
    sql.each(&format!("SELECT * FROM ({query}) AS found LIMIT {}", NAMED + 1), &[], |row| {
        if found.len() == NAMED {
            found.push("and more".to_owned());
            return Ok(ControlFlow::Break(()));
        }
        found.push(match row.stored(0)? {
            Stored::Text(text) => text.to_owned(),
            Stored::Integer(number) => number.to_string(),
            Stored::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Stored::Null | Stored::Strange => "?".to_owned(),
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
