//! The ceiling of the disk: the same durable rows with no HTTP, no queue and no other thread, in groups as large as the
//! server's could be at the load that the targets speak of.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use crate::Result;
use crate::ledger::{self, Registration};
use crate::plan::{Pace, TARGET_CONNECTIONS};
use crate::requests::Ids;

const BODY: &str = r#"{"toolName":"shell","input":{"command":"cargo test --workspace --all-features -- --include-ignored --test-threads 2","description":"Run the whole test suite","timeoutMs":600000},"riskLevel":"medium","workingDir":"/home/ada/projects/countersign"}"#;

/// Pairs per second.
pub(crate) fn measure(db: &Path, pace: Pace) -> Result<f64> {
    let mut connection = ledger::create(db)?;
    let ids = Ids::starting_now();
    groups_for(&mut connection, &ids, pace.warm_up)?;
    groups_for(&mut connection, &ids, pace.window)
}

/// Commits group after group for so long; gives pairs per second.
fn groups_for(connection: &mut Connection, ids: &Ids, time: Duration) -> Result<f64> {
    let started = Instant::now();
    let mut pairs = 0_u32;
    while started.elapsed() < time {
        pairs += group(connection, ids)?;
    }
    Ok(f64::from(pairs) / started.elapsed().as_secs_f64())
}

/// One group of registrations and one of confirmations: two commits, since no approver confirms what was not answered yet.
fn group(connection: &mut Connection, ids: &Ids) -> Result<u32> {
    let request_ids: Vec<String> = (0..TARGET_CONNECTIONS).map(|_| ids.text(ids.next())).collect();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for request_id in &request_ids {
        let new = Registration { request_id, conversation_id: "conversation", tool_name: "shell", body: BODY };
        ledger::register(&transaction, &new)?;
    }
    transaction.commit()?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut settled = 0;
    for request_id in &request_ids {
        settled += u32::from(ledger::confirm(&transaction, request_id, "allow")?);
    }
    transaction.commit()?;
    Ok(settled)
}
