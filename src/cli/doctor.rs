//! `countersign doctor`: is all well with a database?

use std::io::{self, Write};

use super::progress::Progress;
use crate::clock::{Clock, SystemClock, TOLD_AHEAD_MS};
use crate::config::{Database, Location};
use crate::present::COVERS_LESS;
use crate::service::active;
use crate::store::{Examined, examine, with_read_tx};

/// The database is not in order; what is wrong with it has been printed.
#[derive(Debug, thiserror::Error)]
#[error("{broken} of {checks} checks found something wrong")]
pub(super) struct NotWell {
    broken: usize,
    checks: usize,
}

/// Prints a line for each check, and one where the machine's clock is behind the database.
pub(super) fn doctor(database: &Database) -> Result<(), super::Failure> {
    let location = database.location()?;
    let progress = Progress::start();
    let Examined { checks, notes } = examine(&location, &|step| progress.show(|| step.to_string()))?;
    drop(progress);
    let mut out = io::stdout().lock();
    for check in &checks {
        match check.found.as_slice() {
            [] => writeln!(out, "ok      {}", check.name)?,
            // Quoted: a terminal obeys what a text holds.
            found => writeln!(out, "BROKEN  {}: {found:?}", check.name)?,
        }
    }
    let more = [clock_note(&location), shrink_note(&location), rules_note(&location)];
    for note in notes.into_iter().chain(more.into_iter().flatten()) {
        writeln!(out, "note    {note}")?;
    }
    let broken = checks.iter().filter(|check| !check.found.is_empty()).count();
    if broken == 0 { Ok(()) } else { Err(NotWell { broken, checks: checks.len() }.into()) }
}

/// What there is to say of a file that does not shrink when something is forgotten.
fn shrink_note(location: &Location) -> Option<String> {
    let can_shrink = with_read_tx(location, |tx| tx.can_shrink()).ok()?;
    let note = "the file was made by an earlier version and does not shrink by itself: \
         with the server stopped, `countersign forget --vacuum` writes it anew";
    (!can_shrink).then(|| note.to_owned())
}

/// What there is to say of rules that cover less than when they were made.
fn rules_note(location: &Location) -> Option<String> {
    let now = SystemClock::default().now();
    let rules = with_read_tx(location, |tx| active(tx, now)).ok()?;
    let less = rules.iter().filter(|rule| rule.covers_less()).count();
    (less > 0).then(|| format!("{less} rules: each {COVERS_LESS}; `countersign rules list` has them"))
}

/// What there is to say of the machine's clock: `None` where it is not behind, or the history cannot be read, of which a
/// check tells.
fn clock_note(location: &Location) -> Option<String> {
    let last = with_read_tx(location, |tx| tx.highest_time()).ok().flatten()?;
    let now = SystemClock::default().now();
    let is_behind = last.millis_since(now) > TOLD_AHEAD_MS;
    is_behind.then(|| {
        format!(
            "the last event is of {last}, and this machine's clock says {now}: a server goes on from the later time"
        )
    })
}
