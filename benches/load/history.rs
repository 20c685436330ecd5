//! Whether a long past slows the server down: the same load on a file with few old rows and on one with many, in turn.

use countersign::clock::Timestamp;

use crate::Result;
use crate::drive::drive;
use crate::fill::{Pending, STEP_MS, fill};
use crate::ledger::now_ms;
use crate::plan::{Plan, TARGET_CONNECTIONS};
use crate::process::{Database, Site};
use crate::run::progress;

/// Pairs per second of each round.
pub(crate) struct History {
    pub(crate) small: Vec<f64>,
    pub(crate) large: Vec<f64>,
}

/// The large file stays the same over the rounds, since a few rows more make no difference to it; the small one is made anew.
pub(crate) async fn measure(site: &Site, plan: &Plan, large: &Database) -> Result<History> {
    let mut history = History { small: vec![], large: vec![] };
    for round in 1..=plan.rounds {
        progress(&format!("history, round {round} of {}", plan.rounds))?;
        let small = filled(site, plan.small_history_rows, Pending::None).await?;
        history.small.push(pairs_per_second(site, plan, &small).await?);
        history.large.push(pairs_per_second(site, plan, large).await?);
    }
    Ok(history)
}

/// A database with so many resolved interactions, the last of them a moment ago.
pub(crate) async fn filled(site: &Site, rows: u64, pending: Pending) -> Result<Database> {
    let begun = now_ms() - i64::try_from(rows + 1)? * STEP_MS;
    let database = site.database_of(Timestamp::from_millis(begun).ok_or("too long ago")?)?;
    let path = database.file()?.to_owned();
    tokio::task::spawn_blocking(move || fill(&path, rows, pending)).await??;
    Ok(database)
}

async fn pairs_per_second(site: &Site, plan: &Plan, database: &Database) -> Result<f64> {
    let server = site.countersign(database).await?;
    let measured = drive(&database.target(&server), TARGET_CONNECTIONS, plan.pace).await?;
    // Stopped, not killed: the next round shall not pay for this one's WAL.
    server.stop().await?;
    Ok(measured.pairs_per_second)
}
