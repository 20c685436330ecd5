//! What the writer's thread commits with: one engine for each kind of database.

use std::time::Duration;

use tokio::sync::watch;

use super::error::Disk;
use super::news::News;
use super::sql::Sql;
use super::{Generation, Result, Wants};
use crate::clock::Timestamp;
use crate::domain::chain::Head;

/// What others have committed since the last transaction of this connection.
pub(super) enum Others {
    /// Nothing.
    Nothing,
    /// Something.
    Anything,
    /// What these events tell of.
    News(Vec<News>),
}

/// How far the rows have come that the writer numbers itself, and what is kept behind them.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    /// The number of the newest interaction; 0 where there is none.
    pub(super) interactions: i64,
    /// The last event whose owner `own_events` tells.
    pub(super) own_events: i64,
    /// The last interaction that `principals` counts.
    pub(super) stored_bytes: i64,
}

/// What a transaction begins with.
pub(super) struct Turn {
    pub(super) others: Others,
    /// The time, where it is not that of this machine.
    pub(super) now: Option<Timestamp>,
    /// How far the rows have come, where that is known.
    pub(super) reached: Option<Reached>,
    /// How long others were waited for, where there are such.
    pub(super) waited: Option<Duration>,
}

/// A connection that writes, and what it takes for a commit of it to last. The writer's thread owns it.
pub(super) trait Engine: Send {
    /// Becomes true when what is committed may no longer last, whatever finds that out.
    fn failed(&self) -> watch::Receiver<bool>;

    /// Is called once, on the thread that commits.
    fn start(&mut self);

    /// Begins a transaction for work that reads first what is `wanted`: nobody else commits until it is over.
    ///
    /// # Errors
    ///
    /// If it cannot be begun, or the database is no longer the one that it was.
    fn begin(&mut self, wanted: &[&Wants]) -> Result<Turn>;

    /// Asks at once for what more pieces of work will read.
    ///
    /// # Errors
    ///
    /// An error of the database.
    fn ask_for(&mut self, wanted: &[&Wants]) -> Result<()>;

    /// The most pieces of work that share one commit: bounds how long the first of them waits for the last.
    fn largest_group(&self) -> usize;

    /// The version of the tokens as the transaction has found them: until it is over, nobody else changes them.
    fn token_generation(&self) -> Generation;

    /// The statements of the transaction.
    fn sql(&self) -> Sql<'_>;

    /// Whether the transaction can still be committed: some failures undo all of it.
    fn is_open(&self) -> bool;

    /// A number that grows with every row that is changed.
    fn changes(&self) -> u64;

    /// Marks this place, for [`Engine::undo_part`]. The mark before is given up.
    ///
    /// # Errors
    ///
    /// An error of the database.
    fn mark(&mut self) -> Result<()>;

    /// Undoes what was written since the mark.
    ///
    /// # Errors
    ///
    /// An error of the database.
    fn undo_part(&mut self) -> Result<()>;

    /// Commits what ends the chain with `end`, where that is known; once this returns `true`, what was written lasts. `false` where a
    /// statement has failed, which is not known before where statements are sent together.
    ///
    /// # Errors
    ///
    /// An error of the database; [`Engine::after`] is then called.
    fn commit(&mut self, end: Option<Head>) -> Result<bool>;

    /// Is told what the last commit ended with: the end of the chain, where that is known, and whether tokens have changed.
    fn committed(&mut self, head: Option<Head>, has_changed_tokens: bool);

    /// Leaves no transaction open.
    ///
    /// # Errors
    ///
    /// An error of the database, after which that is not certain.
    fn roll_back(&mut self) -> Result<()>;

    /// Whether the work of a transaction that has failed so may run again: nothing of it was committed, and it may go well now.
    fn may_run_again(&self, error: &super::Error) -> bool;

    /// Leaves no transaction open after an error; says whether what is stored is still known.
    fn after(&mut self, error: &super::Error) -> Disk;

    /// Whether a commit that is done may be acknowledged.
    fn may_acknowledge(&self) -> bool;

    /// What is to be done between two commits.
    fn between_commits(&mut self) -> Disk;

    /// Has nothing that was wiped stand in any file any more, if no reader is in the way; whether it has. With `waits` it waits
    /// for this server's own readers.
    fn remove_wiped(&mut self, waits: bool) -> bool;

    /// Puts everything in its place before the connection is closed.
    ///
    /// # Errors
    ///
    /// An error of the database, or [`super::Error::Closed`] where nothing may be acknowledged any more.
    fn close(&mut self) -> Result<()>;
}
