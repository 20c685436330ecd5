//! What the writer's thread commits with: one engine for each kind of database.

use tokio::sync::watch;

use super::error::Disk;
use super::sql::Sql;
use super::{Generation, Result};
use crate::domain::chain::Head;

/// A connection that writes, and what it takes for a commit of it to last. The writer's thread owns it.
pub(super) trait Engine: Send {
    /// Becomes true when what is committed may no longer last, whatever finds that out.
    fn failed(&self) -> watch::Receiver<bool>;

    /// Is called once, on the thread that commits.
    fn start(&mut self);

    /// Begins a transaction: nobody else commits until it is over.
    ///
    /// # Errors
    ///
    /// If it cannot be begun, or the database is no longer the one that it was.
    fn begin(&mut self) -> Result<()>;

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

    /// Commits; once this returns, what was written lasts.
    ///
    /// # Errors
    ///
    /// An error of the database; [`Engine::roll_back`] is then called.
    fn commit(&mut self) -> Result<()>;

    /// Is told what the last commit ended with: the end of the chain, where that is known, and whether tokens have changed.
    fn committed(&mut self, head: Option<Head>, has_changed_tokens: bool);

    /// Leaves no transaction open.
    ///
    /// # Errors
    ///
    /// An error of the database, after which that is not certain.
    fn roll_back(&mut self) -> Result<()>;

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
