//! Keeps the write-ahead log short without holding up the writer: what p99 is made of is moved to another thread.
//!
//! Once the log is long, that thread copies it into the database, again and again until little is left that was written
//! meanwhile; the writer then copies that little between two commits, and its next commit begins the log anew. Should
//! the thread not keep up, the writer does all of it, so that the log is bounded either way.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;

use super::Result;

/// The pages of log, 4 KiB each, after which the thread begins: 16 MiB.
const LONG_PAGES: i32 = 4096;

/// The pages of log at which the writer waits for no thread: 48 MiB.
const TOO_LONG_PAGES: i32 = 3 * LONG_PAGES;

/// The pages that the writer may be left to copy itself: 1 MiB.
const LITTLE_PAGES: i64 = 256;

/// How many times the thread goes over the log: each time there is less left, or it will never catch up.
const PASSES: u32 = 4;

thread_local! {
    /// How many pages the log held after the last commit of this thread: SQLite tells them to a hook without a state.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// The thread beside the writer.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    /// Whether it has left little to do.
    caught_up: Arc<AtomicBool>,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own. It ends with the checkpointer.
    pub(super) fn start(conn: Connection) -> io::Result<Self> {
        // One call waits while another is answered; more would say nothing new.
        let (wake, woken) = sync_channel(1);
        let caught_up = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&caught_up);
        thread::Builder::new().name("checkpointer".to_owned()).spawn(move || run(&conn, &woken, &told))?;
        Ok(Self { wake, caught_up })
    }

    /// Has SQLite tell how long the log is after each commit of `conn`, on whose thread [`Checkpointer::after_commit`] is
    /// called.
    pub(super) fn watch(conn: &Connection) {
        conn.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(pages);
            Ok(())
        }));
    }

    /// To be called by the writer between two commits.
    pub(super) fn after_commit(&self, conn: &Connection) {
        let pages = LOG_PAGES.get();
        let done = if self.caught_up.swap(false, Ordering::AcqRel) || pages >= TOO_LONG_PAGES {
            checkpoint(conn).map(|_| ())
        } else {
            if pages >= LONG_PAGES {
                // It is full when the thread has been called already.
                let _ = self.wake.try_send(());
            }
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the write-ahead log could not be shortened; it is tried again");
        }
    }
}

fn run(conn: &Connection, woken: &Receiver<()>, caught_up: &AtomicBool) {
    while woken.recv().is_ok() {
        for _ in 0..PASSES {
            match checkpoint(conn) {
                Ok(left) if left > LITTLE_PAGES => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "the write-ahead log could not be shortened; it is tried again");
                    break;
                }
            }
        }
        caught_up.store(true, Ordering::Release);
    }
}

/// Copies what no reader stands in the way of; how many pages of log are left to copy.
fn checkpoint(conn: &Connection) -> Result<i64> {
    let mut statement = conn.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(statement.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))?)
}
