//! `countersign doctor`: is all well with a database?

use std::io::{self, Write};

use crate::config::Database;
use crate::store::examine;

/// The database is not in order; what is wrong with it has been printed.
#[derive(Debug, thiserror::Error)]
#[error("{broken} of {checks} checks found something wrong")]
pub(super) struct NotWell {
    broken: usize,
    checks: usize,
}

/// Prints a line for each check.
pub(super) fn doctor(database: &Database) -> Result<(), super::Failure> {
    let checks = examine(&database.path()?)?;
    let mut out = io::stdout().lock();
    for check in &checks {
        match check.found.as_slice() {
            [] => writeln!(out, "ok      {}", check.name)?,
            // Quoted: a terminal obeys what a text holds.
            found => writeln!(out, "BROKEN  {}: {found:?}", check.name)?,
        }
    }
    let broken = checks.iter().filter(|check| !check.found.is_empty()).count();
    if broken == 0 { Ok(()) } else { Err(NotWell { broken, checks: checks.len() }.into()) }
}
