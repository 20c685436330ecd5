//! What can go wrong below the protocol.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::chain::Head;

/// What lies below a failure, for the log: the driver's own error, of a type that callers do not learn.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// What the store could not do. Every caller whose work shared the transaction gets a clone.
///
/// The variants are kinds of failure and name no driver, so that callers decide by them whatever database is behind.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no room; nothing has changed, and a later attempt may succeed.
    #[error("the disk is full")]
    Full,
    /// The disk did not take a write; nothing has changed, and a later attempt may succeed.
    #[error("the disk failed: {0}")]
    Failed(Source),
    /// A sync of the disk failed. Only the next start can tell whether anything has changed.
    #[error("a sync of the disk failed: {0}")]
    Unknown(Source),
    /// A failure of other work in the same group undid the whole group; nothing has changed.
    #[error("the transaction was undone by a failure of the disk")]
    Undone,
    /// The database's server does not answer, or not now; nothing has changed.
    #[error("the database cannot be reached: {0}")]
    Unavailable(Source),
    /// The database's server went away at a commit; whether anything has changed is not known.
    #[error("the database went away at a commit, and whether that was done is not known: {0}")]
    Doubtful(Source),
    /// Another process holds the database; nothing has changed.
    #[error("another process holds the database")]
    Busy,
    /// No connection for reading became free in time.
    #[error("no reader of the database became free: {0}")]
    NoReader(Source),
    /// A read went on for longer than it may.
    #[error("a read took too long and was stopped")]
    TooSlow,
    /// More is queued than can be done in good time; nothing has changed.
    #[error("too much is queued")]
    Overloaded,
    /// More of one principal is queued than may be; nothing has changed.
    #[error("too much of one principal is queued: {limit}")]
    OverShare {
        /// How much may be.
        limit: usize,
    },
    /// The writer has ended: nothing more is acknowledged.
    #[error("the store is closed")]
    Closed,
    /// A row that this program cannot have written.
    #[error("{table} holds something that this program did not write, at {key}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row or column.
        key: String,
    },
    /// Any other failure of the database.
    #[error("the database failed: {0}")]
    Internal(Source),
}

/// Whether the writer may go on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    /// It holds what was acknowledged.
    Trusted,
    /// After a failed sync, what is on the disk is known only once it is read again.
    Unknown,
}

/// Why a database was not opened. It has not been touched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server has it.
    #[error("another countersign server is using {}; stop it first, or give this one another --db", .0.display())]
    InUse(PathBuf),
    /// A server uses it by another name, or its lock file is no longer where it was.
    #[error(
        "a countersign server uses {}, but not by this name, or its lock file or its write-ahead log was removed: use the name that the server was started with, or restart the server; nothing was changed", .0.display()
    )]
    UsedByAnotherName(PathBuf),
    /// It has several hard links.
    #[error(
        "{} has more than one name (hard links), and what is committed may lie beside another one: remove the other names, or use a copy", .0.display()
    )]
    Linked(PathBuf),
    /// It was there, and is gone.
    #[error(
        "{} is missing or empty, and a database was there: put it back, or restore a backup; to begin with a new one, remove {}.lock first", .0.display(), .0.display()
    )]
    Vanished(PathBuf),
    /// It is no database of ours.
    #[error("{} is not a countersign database: {}", .0.display(), .1)]
    NotOurs(PathBuf, &'static str),
    /// It is damaged.
    #[error("{} is damaged ({}); it was left as it is: restore a backup, or look at it with sqlite3", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// It cannot be written.
    #[error("{} is read-only, and countersign has to write to it", .0.display())]
    ReadOnly(PathBuf),
    /// A later version made it.
    #[error("{} has schema version {}, and this countersign knows only up to {}: use the newer program", .path.display(), .found, .known)]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version that this program knows.
        known: i64,
    },
    /// An earlier version made it, and a running server has it.
    #[error("{} has an older schema and a running server: restart that server with this program first", .0.display())]
    TooOldToShare(PathBuf),
    /// An earlier version made it, and what was asked needs the schema of this one.
    #[error("{} has an older schema: start the server on it once with this program first", .0.display())]
    TooOld(PathBuf),
    /// There is none, and what was asked needs one.
    #[error("there is no database {}: name its file with --db, or make it with the first start of `countersign serve`", .0.display())]
    Missing(PathBuf),
    /// The directory that it is to lie in could not be made.
    #[error("the directory {} cannot be made{}: name a file in another one with --db", .0.display(), why_no_directory(.1))]
    Directory(PathBuf, io::Error),
    /// A file could not be made, read or written.
    #[error("{}", why_no_file(.0, .1))]
    File(PathBuf, io::Error),
    /// The database's server does not answer, or does not let us in.
    #[error("the database {database} cannot be reached: {why}")]
    NoServer {
        /// The database.
        database: String,
        /// What stands in the way, as the sentence goes on.
        why: String,
    },
    /// The database's server, the role there, or the way to it is not one that can be used.
    #[error("the database {database} cannot be used: {why}")]
    Unfit {
        /// The database.
        database: String,
        /// What is wrong, as the sentence goes on.
        why: String,
    },
    /// Servers use it.
    #[error("countersign servers are using {0}; stop them first")]
    Served(String),
    /// A command works on it alone.
    #[error("a countersign command is working on {0} alone; wait until it is done")]
    KeptAway(String),
    /// The database is there, and nothing of ours is in it.
    #[error("there is no countersign in {0}: the first start of `countersign serve` makes it")]
    NoSchema(String),
    /// A later or an earlier version made what is in it.
    #[error("{database} has schema version {found}, and this countersign works with {known}: {advice}")]
    OtherSchema {
        /// The database.
        database: String,
        /// Its version.
        found: i64,
        /// The version that this program works with.
        known: i64,
        /// What to do.
        advice: &'static str,
    },
    /// What it had acknowledged is gone.
    #[error(
        "{database} does not hold event {known}, which this server had seen: what came after event {left} is lost, by a failover or because a backup was restored. {}Look for it where it may still be; to go on with what is left, start once with --accept-loss {known}", another_loss(accepted.as_deref())
    )]
    Lost {
        /// The database.
        database: String,
        /// The last event that was seen.
        known: Head,
        /// The number of the last event that is there of those before it.
        left: i64,
        /// The loss that was accepted, which is another one.
        accepted: Option<Box<Head>>,
    },
    /// A migration failed; it left nothing behind.
    #[error("the database could not be brought up to date: {0}")]
    Migration(Source),
    /// The system refused a thread, or the lock file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Whatever else.
    #[error(transparent)]
    Store(#[from] Error),
}

fn another_loss(accepted: Option<&Head>) -> String {
    accepted.map(|given| format!("It is another loss than {given}, which is accepted. ")).unwrap_or_default()
}

/// What keeps a directory from being made, as the sentence goes on.
fn why_no_directory(error: &io::Error) -> String {
    if [io::ErrorKind::AlreadyExists, io::ErrorKind::NotADirectory].contains(&error.kind()) {
        ", since a file is in its place".to_owned()
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        ", since this user may not write there".to_owned()
    } else {
        format!(" ({error})")
    }
}

/// What keeps a file from being used, and what is needed.
fn why_no_file(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match (error.kind(), path.parent()) {
        (io::ErrorKind::PermissionDenied, Some(folder)) => format!(
            "this user may not read and write {shown}, which the database needs: let it write in {folder}, or name another file with --db",
            folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.display()
        ),
        _ => format!("{shown}: {error}"),
    }
}
