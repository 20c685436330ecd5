//! SQLite: opening its file and keeping others away from it, connections, migrations, checkpoints, backups, the examination of a
//! file; and how the store's statements run on it. Nothing outside names rusqlite, r2d2 or refinery.

mod backup;
mod checkpointer;
mod commits;
mod connection;
mod direct;
mod doctor;
mod engine;
mod error;
mod held_files;
mod identify;
#[cfg(test)]
pub(super) mod in_memory;
mod lock;
mod migrate;
mod open;
mod pool;
mod statements;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use self::backup::{BackupError, Kept, backup, backup_and_keep};
use self::checkpointer::Checkpointer;
pub(super) use self::commits::Commits;
pub(super) use self::commits::Generation;
pub(super) use self::direct::{AuditLog, ExclusiveDatabase, SharedDatabase, with_read_tx, with_write_tx};
pub(super) use self::doctor::examine;
pub(super) use self::engine::SqliteEngine;
pub(super) use self::pool::Pool;
use self::pool::ReadBarrier;
pub(super) use self::statements::{Row, Statements};
use crate::store::OpenError;

/// A database that a server has opened.
pub(super) struct Opened {
    pub(super) engine: SqliteEngine,
    pub(super) readers: Pool,
    pub(super) commits: Arc<Commits>,
}

/// Opens the database at `path` for a server, makes it where there is none, and takes the locks on it. There are so many
/// `readers`, none of whose transactions goes on for longer than `longest_read`.
pub(super) async fn open(path: &Path, readers: u32, longest_read: Duration) -> Result<Opened, OpenError> {
    let open::Opened { writer, checkpointer, files } = open::for_serving(path).await?;
    let barrier = ReadBarrier::default();
    let readers = Pool::open(path, readers, Arc::clone(&barrier), longest_read, Arc::clone(&files))?;
    let commits = Arc::new(Commits::watch(Arc::clone(&files))?);
    let checkpointer = Checkpointer::start(checkpointer, barrier, files)?;
    let engine = SqliteEngine::new(writer, checkpointer, Arc::clone(&commits))?;
    Ok(Opened { engine, readers, commits })
}
