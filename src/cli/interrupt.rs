//! Ctrl-C and its like, heard beside whatever a command waits for.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};

/// What a command was waiting for.
pub(super) enum Heard<T> {
    /// The work is done.
    Done(T),
    /// A signal asked the process to end.
    Signal(SignalKind),
}

/// Hears signals from here on, instead of being ended by them.
pub(super) struct Interrupts<T> {
    sender: Sender<Heard<T>>,
    heard: Receiver<Heard<T>>,
}

impl<T: Send + 'static> Interrupts<T> {
    pub(super) fn new() -> io::Result<Self> {
        let (sender, heard) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (ready, began) = channel();
        thread::spawn({
            let sender = sender.clone();
            move || runtime.block_on(listen(sender, ready))
        });
        began.recv().map_err(io::Error::other)??;
        Ok(Self { sender, heard })
    }

    /// Does the work in a thread of its own, which is left to itself when the process ends.
    pub(super) fn start(&self, work: impl FnOnce() -> T + Send + 'static) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            // This fails only when the receiver is gone.
            let _ = sender.send(Heard::Done(work()));
        });
    }

    /// The next thing that happens.
    pub(super) fn next(&self) -> io::Result<Heard<T>> {
        self.heard.recv().map_err(io::Error::other)
    }

    /// The next thing that happens; `None` where nothing has until `end`.
    pub(super) fn next_until(&self, end: Option<Instant>) -> io::Result<Option<Heard<T>>> {
        let Some(end) = end else { return self.next().map(Some) };
        match self.heard.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(heard) => Ok(Some(heard)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(error @ RecvTimeoutError::Disconnected) => Err(io::Error::other(error)),
        }
    }
}

async fn listen<T>(sender: Sender<Heard<T>>, ready: Sender<io::Result<()>>) {
    let kinds = (SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup());
    let listening = (signal(kinds.0), signal(kinds.1), signal(kinds.2));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = listening else {
        let _ = ready.send(Err(io::Error::other("signals cannot be heard")));
        return;
    };
    let _ = ready.send(Ok(()));
    loop {
        let kind = tokio::select! {
            _ = interrupt.recv() => kinds.0,
            _ = terminate.recv() => kinds.1,
            _ = hangup.recv() => kinds.2,
        };
        if sender.send(Heard::Signal(kind)).is_err() {
            return;
        }
    }
}
