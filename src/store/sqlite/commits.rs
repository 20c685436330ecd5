//! Tells the commits of the server's own writer from those of other processes, so that what requests keep in memory is
//! read anew as soon as another process has committed, and only then.
//!
//! SQLite counts the commits of all processes in the index of the write-ahead log. The writer looks at the count twice: in
//! each transaction, where nobody else can commit, and after its own commit. A request looks at it once and compares.
//! What fits nothing that the writer has seen counts as another process's: to read too often is harmless.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use super::held_files::{HeldFiles, State};

/// A version of what other processes may have changed: equal only while none of them has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Generation(Version);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// Since the writer last found another process's commit, there were only its own.
    Known(u64),
    /// This very state, of which the writer does not know yet.
    Exactly(State),
}

/// What the writer has seen.
#[derive(Clone, Copy)]
struct Seen {
    /// How many times the tokens may have changed.
    generation: u64,
    state: State,
}

/// The commits to one database, seen by its server.
pub(in crate::store) struct Commits {
    files: Arc<HeldFiles>,
    seen: RwLock<Seen>,
}

impl Commits {
    /// Begins to tell them apart.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read.
    pub(super) fn watch(files: Arc<HeldFiles>) -> io::Result<Self> {
        let seen = RwLock::new(Seen { generation: 0, state: files.state()? });
        Ok(Self { files, seen })
    }

    /// The version at this moment. Every commit that any process was told of before is in it.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read.
    pub(in crate::store) fn generation(&self) -> io::Result<Generation> {
        let state = self.files.state()?;
        let seen = self.seen();
        let is_known = seen.state == state;
        Ok(Generation(if is_known { Version::Known(seen.generation) } else { Version::Exactly(state) }))
    }

    /// To be called by the writer in a transaction that keeps others from committing, before its first write.
    ///
    /// # Errors
    ///
    /// If the index of the write-ahead log cannot be read, or a file was cut short or written over.
    pub(super) fn begun(&self) -> io::Result<()> {
        let state = self.files.check_those_there().map_err(|displaced| {
            self.files.give_up(&displaced);
            io::Error::other(displaced)
        })??;
        let seen = self.seen();
        if seen.state != state {
            self.set(Seen { generation: seen.generation + 1, state });
        }
        Ok(())
    }

    /// The version in the writer's transaction, once [`Commits::begun`] has looked.
    pub(super) fn generation_begun(&self) -> Generation {
        Generation(Version::Known(self.seen().generation))
    }

    /// To be called by the writer after a commit that has written. `has_changed_tokens` makes it count as another process's.
    pub(super) fn committed(&self, has_changed_tokens: bool) {
        let seen = self.seen();
        // Another process may have committed already, or the index may not be readable: then the next transaction, or
        // request, finds a state that it does not know.
        if let Ok(state) = self.files.state()
            && state.commits == seen.state.commits.wrapping_add(1)
        {
            self.set(Seen { generation: seen.generation + u64::from(has_changed_tokens), state });
        }
    }

    fn seen(&self) -> Seen {
        *self.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, seen: Seen) {
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}
