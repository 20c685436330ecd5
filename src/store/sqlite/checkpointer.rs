//! Keeps the write-ahead log short without holding up the writer: the slowest part of its work is moved to another thread.
//!
//! Once the log is long, that thread copies it into the database, again and again until little is left that was written
//! meanwhile, and syncs the database, which SQLite leaves to whoever copies the last page; the writer then copies that little
//! between two commits, and its next commit begins the log anew. Should the thread not keep up, the writer does all of it.
//! A log begins anew only in a moment without readers, and readers that never pause would leave none: so the writer then
//! holds them back with the barrier, and the log is bounded.
//!
//! The thread also looks from time to time whether the files of the database are where and what they were, as the writer
//! does before it acknowledges a commit. Where one is not, the store ends as after a failed sync.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::connection::{BUSY_TIMEOUT, ServingConnection, configure};
use super::held_files::{Displaced, HeldFiles, State};
use super::pool::ReadBarrier;
use crate::domain::chain::Head;
use crate::store::error::Disk;
use crate::store::known_head::KnownHead;
use crate::store::sql::Sql;
use crate::store::{Error, Result};

/// The pages of log, 4 KiB each, after which the thread begins: 16 MiB.
const LONG_PAGES: i32 = 4096;

/// The pages of log at which the writer waits for no thread: 48 MiB.
const TOO_LONG_PAGES: i32 = 3 * LONG_PAGES;

/// The pages of log that only another process can have brought about, by reading for long: 64 MiB.
const HELD_PAGES: i32 = 4 * LONG_PAGES;

/// The bytes of a page.
const PAGE_BYTES: i64 = 4096;

/// The pages that the writer may be left to copy itself: 1 MiB.
const LITTLE_PAGES: i64 = 256;

/// How many times the thread goes over the log: each time there is less left, or it will never catch up.
const PASSES: u32 = 4;

/// How long a file may be gone, while nothing is written, before the server notices.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

thread_local! {
    /// How many pages the log held after the last commit of this thread: SQLite tells them to a hook without a state.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };

    /// Whether a commit of this thread has written to the log since it was last asked.
    static HAS_WRITTEN: Cell<bool> = const { Cell::new(false) };
}

/// The thread beside the writer.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    /// Whether it has left little to do.
    caught_up: Arc<AtomicBool>,
    /// Whether a sync has failed, here or on the thread.
    failed: watch::Sender<bool>,
    barrier: ReadBarrier,
    files: Arc<HeldFiles>,
    committed: Arc<Mutex<Option<Head>>>,
    /// Whether a line of the log says already that another process holds the write-ahead log.
    said_held: Cell<bool>,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own, to which it gives its settings. It ends with the checkpointer. The readers pass through `barrier`.
    pub(super) fn start(conn: ServingConnection, barrier: ReadBarrier, files: Arc<HeldFiles>) -> io::Result<Self> {
        // One signal may wait while another is handled; more would add nothing.
        let (wake, woken) = sync_channel(1);
        let caught_up = Arc::new(AtomicBool::new(false));
        let failed = watch::Sender::new(false);
        let committed = Arc::new(Mutex::new(None));
        let thread = Thread {
            conn,
            caught_up: Arc::clone(&caught_up),
            failed: failed.clone(),
            barrier: Arc::clone(&barrier),
            files: Arc::clone(&files),
            committed: Arc::clone(&committed),
            known: KnownHead::default(),
            looked_at: None,
        };
        thread::Builder::new().name("checkpointer".to_owned()).spawn(move || thread.run(&woken))?;
        Ok(Self { wake, caught_up, failed, barrier, files, committed, said_held: Cell::new(false) })
    }

    /// Becomes true when a sync fails or a file is gone.
    pub(super) fn failed(&self) -> watch::Receiver<bool> {
        self.failed.subscribe()
    }

    /// Whether a commit of `conn` that is done may be acknowledged: no sync has failed, and every file is where it was.
    pub(super) fn may_acknowledge(&self, conn: &Connection) -> bool {
        end_if_displaced(conn, &self.files, &self.barrier, &self.failed);
        !self.has_failed()
    }

    fn has_failed(&self) -> bool {
        *self.failed.borrow()
    }

    /// To be told by the writer after a commit where the chain ends now: the thread does not look at every commit.
    pub(super) fn committed(&self, head: Head) {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    /// Whether the thread that calls has written to the log by a commit since it called last.
    pub(super) fn has_written() -> bool {
        HAS_WRITTEN.replace(false)
    }

    /// Has SQLite tell how long the log is after each commit of `conn`, on whose thread [`Checkpointer::after_commit`] is
    /// called.
    pub(super) fn watch(conn: &Connection) {
        conn.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(pages);
            HAS_WRITTEN.set(true);
            Ok(())
        }));
    }

    /// To be called by the writer between two commits.
    pub(super) fn after_commit(&self, conn: &Connection) -> Disk {
        let pages = LOG_PAGES.get();
        self.say_once_if_held(pages);
        if pages >= TOO_LONG_PAGES {
            // A reader that panicked has left nothing half done.
            let _shut = self.barrier.write().unwrap_or_else(PoisonError::into_inner);
            report(checkpoint(conn), &self.failed);
        } else if self.caught_up.swap(false, Ordering::AcqRel) {
            report(checkpoint(conn), &self.failed);
        } else if pages >= LONG_PAGES {
            // It is full when the thread has been signalled already.
            let _ = self.wake.try_send(());
        }
        if self.has_failed() { Disk::Unknown } else { Disk::Trusted }
    }

    /// Moves all of the log of the writer's `conn` into the database and empties it, without waiting for other processes;
    /// whether it did. With `waits` it waits for this server's readers.
    pub(super) fn empty_log(&self, conn: &Connection, waits: bool) -> bool {
        // A reader that panicked has left nothing half done.
        let shut = match waits {
            true => Some(self.barrier.write().unwrap_or_else(PoisonError::into_inner)),
            false => match self.barrier.try_write() {
                Ok(shut) => Some(shut),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            },
        };
        shut.is_some_and(|_shut| report(try_empty_log(conn), &self.failed).is_some_and(|is_empty| is_empty))
    }

    /// Warns, once and with the size, that another process reads for long: only an operator can end that.
    fn say_once_if_held(&self, pages: i32) {
        if pages < LONG_PAGES {
            self.said_held.set(false);
        } else if pages >= HELD_PAGES && !self.said_held.replace(true) {
            let bytes = i64::from(pages) * PAGE_BYTES;
            tracing::warn!(
                bytes,
                "another process has been reading the database for long; the write-ahead log grows until that ends"
            );
        }
    }
}

/// What the thread owns. The files are dropped last.
struct Thread {
    conn: ServingConnection,
    caught_up: Arc<AtomicBool>,
    failed: watch::Sender<bool>,
    barrier: ReadBarrier,
    files: Arc<HeldFiles>,
    /// What the writer has committed since the last look.
    committed: Arc<Mutex<Option<Head>>>,
    known: KnownHead,
    /// The state in which the end of the chain was last looked for.
    looked_at: Option<State>,
}

impl Thread {
    fn run(mut self, woken: &Receiver<()>) {
        if let Err(error) = configure(&self.conn) {
            tracing::error!(%error, "the write-ahead log cannot be kept short");
            self.failed.send_replace(true);
            return;
        }
        self.look();
        loop {
            match woken.recv_timeout(LOOK_INTERVAL) {
                Ok(()) => self.shorten(),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.has_failed() {
                return;
            }
        }
    }

    /// Looks whether the files are as they were, and, where something was committed since, whether what was there then is.
    fn look(&mut self) {
        self.end_if_displaced();
        let Ok(state) = self.files.state() else { return };
        if self.has_failed() || self.looked_at == Some(state) {
            return;
        }
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner).take();
        committed.into_iter().for_each(|head| self.known.set(head));
        match self.known.is_still_there(Sql::from(&*self.conn)) {
            Ok(true) => self.looked_at = Some(state),
            Ok(false) => self.end_refilled(),
            // It is looked for again.
            Err(Error::Busy) => {}
            Err(error) => {
                tracing::error!(%error, "the history cannot be read");
                self.end_refilled();
            }
        }
    }

    fn end_refilled(&self) {
        let displaced = Displaced::Refilled(self.files.database().to_owned());
        end(&displaced, &self.conn, &self.files, &self.barrier, &self.failed);
    }

    fn end_if_displaced(&self) {
        end_if_displaced(&self.conn, &self.files, &self.barrier, &self.failed);
    }

    fn has_failed(&self) -> bool {
        *self.failed.borrow()
    }

    fn shorten(&self) {
        for _ in 0..PASSES {
            self.end_if_displaced();
            if self.has_failed() {
                return;
            }
            if report(checkpoint(&self.conn), &self.failed).is_none_or(|left| left <= LITTLE_PAGES) {
                break;
            }
        }
        if let Err(error) = self.files.sync_database() {
            tracing::error!(%error, "the database could not be synced; no more writes are acknowledged");
            self.failed.send_replace(true);
            return;
        }
        self.caught_up.store(true, Ordering::Release);
    }
}

/// Ends the store where a file is no longer what and where it was.
fn end_if_displaced(conn: &Connection, files: &HeldFiles, barrier: &ReadBarrier, failed: &watch::Sender<bool>) {
    if let Err(displaced) = files.check() {
        end(&displaced, conn, files, barrier, failed);
    }
}

/// Ends the store. Where a file is gone, what was acknowledged is moved into the database that is held open, wherever that
/// is now; and the log is emptied, so that it is not taken for that of a database in the old one's place.
fn end(
    displaced: &Displaced,
    conn: &Connection,
    files: &HeldFiles,
    barrier: &ReadBarrier,
    failed: &watch::Sender<bool>,
) {
    tracing::error!(%displaced, "no more writes are acknowledged");
    files.give_up(displaced);
    match displaced {
        // What is missing cannot be moved, and what is there is not to be mixed with it.
        Displaced::CutShort(_) | Displaced::Overwritten(_) | Displaced::Refilled(_) => {}
        Displaced::Gone(_) => empty_log(conn, barrier),
    }
    failed.send_replace(true);
}

/// The writer may have committed since the thread has emptied the log: it empties it once more.
fn empty_log(conn: &Connection, barrier: &ReadBarrier) {
    // A reader that panicked has left nothing half done.
    let _shut = barrier.write().unwrap_or_else(PoisonError::into_inner);
    match conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)) {
        Ok(false) => tracing::info!("all that was acknowledged is in the database that the server had open"),
        Ok(true) => tracing::warn!("another process reads the database; the write-ahead log was not emptied"),
        Err(error) => tracing::error!(%error, "the write-ahead log could not be moved into the database"),
    }
}

/// Returns what a checkpoint did, if it succeeded. A failed sync ends the store; all else is tried again.
fn report<T>(done: Result<T>, failed: &watch::Sender<bool>) -> Option<T> {
    match done {
        Ok(left) => Some(left),
        Err(error @ Error::Unknown(_)) => {
            tracing::error!(%error, "a checkpoint failed; no more writes are acknowledged");
            failed.send_replace(true);
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log could not be shortened; will retry");
            None
        }
    }
}

/// Copies all of the log and empties it; whether nobody was in the way.
fn try_empty_log(conn: &Connection) -> Result<bool> {
    conn.busy_timeout(Duration::ZERO)?;
    let emptied = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!emptied?)
}

/// Copies all that no reader still needs; returns how many pages of log are left to copy.
fn checkpoint(conn: &Connection) -> Result<i64> {
    let mut statement = conn.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(statement.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))?)
}
