//! A line on a terminal that says how far a long command has come. It is on stderr, and gone when the command ends.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a command takes before it says how far it is, and between two times that it does.
const INTERVAL: Duration = Duration::from_secs(1);

/// The line; nothing where stderr is no terminal.
pub(super) struct Progress {
    /// When it was last written; `None` where there is no terminal.
    last: Option<Cell<Instant>>,
    is_shown: Cell<bool>,
}

impl Progress {
    pub(super) fn start() -> Self {
        let last = io::stderr().is_terminal().then(|| Cell::new(Instant::now()));
        Self { last, is_shown: Cell::new(false) }
    }

    /// Writes the line anew, if that is due. It is no error if it cannot be written.
    pub(super) fn show(&self, line: impl FnOnce() -> String) {
        if let Some(last) = self.last.as_ref().filter(|last| last.get().elapsed() >= INTERVAL) {
            last.set(Instant::now());
            self.is_shown.set(true);
            let _ = write!(io::stderr(), "\r\x1b[K{}", line());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown.get() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
