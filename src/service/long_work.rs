//! Work that may take long: beside the threads that serve everybody, behind them where the machine has no core for both, and in
//! turns, so that who brings much of it waits for itself.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinError;

use super::Result;
use crate::domain::id::PrincipalName;
use crate::fair_queue::{FairQueue, Place};
use crate::store;

/// Who may do such work now: each principal one piece at a time, in turns where there are more of them than places.
pub(super) struct LongWork {
    turns: Arc<FairQueue>,
    /// There until this is dropped.
    threads: Option<Runtime>,
}

/// By how much the threads come after all others that want a core, as `nice` counts it: they get a tenth of what those get.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// How much a principal may have written of what is large: 4 MiB a second. By `cargo bench --bench load -- neighbour` the
/// writer would else be busy with it for most of the time.
const BYTES_PER_SECOND: u32 = 4 * 1024 * 1024;

impl LongWork {
    /// Leaves one of the machine's cores to all else, where there are several.
    pub(super) fn new() -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self::with_places(cores.saturating_sub(1).max(1))
    }

    fn with_places(places: usize) -> io::Result<Self> {
        let mut threads = Builder::new_current_thread();
        threads.thread_name("long-work").max_blocking_threads(places);
        // Elsewhere it would be that of the whole process.
        #[cfg(target_os = "linux")]
        threads.on_thread_start(|| {
            if let Err(error) = rustix::process::nice(NICENESS) {
                tracing::warn!(%error, "long work is done with the priority of all else");
            }
        });
        Ok(Self { turns: FairQueue::new(places, 1), threads: Some(threads.build()?) })
    }

    /// Does `work` for `principal` when it is its turn. Once begun it is done, though nobody waits for it any more. Until the
    /// turn is over, the next piece of this principal waits, and those of others do not.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        principal: &PrincipalName,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Turn)> {
        let mut place = self.turns.enter(&Some(principal.clone())).await.ok_or(store::Error::Closed)?;
        let threads = self.threads.as_ref().ok_or(store::Error::Closed)?;
        let worked = threads.spawn_blocking(move || {
            let done = work();
            place.leave_to_others();
            (done, place)
        });
        match worked.await.map_err(JoinError::try_into_panic) {
            Ok((done, place)) => {
                Ok((done, Turn { place: Some(place), rest: Duration::ZERO, runtime: Handle::current() }))
            }
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The server ends.
            Err(Err(_)) => Err(store::Error::Closed.into()),
        }
    }
}

/// A principal's turn, until it is dropped and a rest after it is over.
#[derive(Debug)]
pub(super) struct Turn {
    /// There until it is dropped.
    place: Option<Place>,
    rest: Duration,
    /// Where the rest is waited for: a turn may be dropped on any thread.
    runtime: Handle,
}

impl Turn {
    /// Has the principal rest after its turn for as long as `bytes` take at [`BYTES_PER_SECOND`].
    pub(super) fn rest_for(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.rest = Duration::from_secs(1) * bytes / BYTES_PER_SECOND;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (place, rest) = (self.place.take(), self.rest);
        if rest > Duration::ZERO {
            self.runtime.spawn(async move {
                tokio::time::sleep(rest).await;
                drop(place);
            });
        }
    }
}

impl Drop for LongWork {
    fn drop(&mut self) {
        // Without waiting for what is being done: nobody waits for it any more.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::{Mutex, mpsc};
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_turn_lasts_until_it_is_dropped() {
        let work = LongWork::new().unwrap();
        let [eve, bob] = ["eve", "bob"].map(|name| name.parse::<PrincipalName>().unwrap());
        let ((), turn) = work.run(&eve, || ()).await.unwrap();
        let mut second = pin!(work.run(&eve, || ()));
        for _ in 0..2 {
            assert!(second.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            work.run(&bob, || ()).await.unwrap();
        }
        drop(turn);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn who_brings_what_is_large_rests_after_it_and_nobody_else_does() {
        let work = LongWork::new().unwrap();
        let [eve, bob] = ["eve", "bob"].map(|name| name.parse::<PrincipalName>().unwrap());
        for (bytes, is_over) in [(1, true), (60 * usize::try_from(BYTES_PER_SECOND).unwrap(), false)] {
            let ((), mut turn) = work.run(&eve, || ()).await.unwrap();
            turn.rest_for(bytes);
            drop(turn);
            work.run(&bob, || ()).await.unwrap();
            let mut next = pin!(work.run(&eve, || ()));
            if is_over {
                next.await.unwrap();
            } else {
                assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_brings_much_of_it_waits_for_itself() {
        let work = Arc::new(LongWork::with_places(1).unwrap());
        let [eve, bob] = ["eve", "bob"].map(|name| name.parse::<PrincipalName>().unwrap());
        let (go, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let done = Arc::new(Mutex::new(Vec::new()));
        let start = |who: &PrincipalName| {
            let (work, who, held, done) = (Arc::clone(&work), who.clone(), Arc::clone(&held), Arc::clone(&done));
            tokio::spawn(async move {
                let name = who.to_string();
                let piece = move || {
                    held.lock().unwrap().recv().unwrap();
                    done.lock().unwrap().push(name);
                };
                work.run(&who, piece).await.unwrap();
            })
        };
        let waiting = |who: &PrincipalName| work.turns.known(&Some(who.clone()));
        let until = async |so: &(dyn Fn() -> bool + Sync)| {
            while !so() {
                tokio::task::yield_now().await;
            }
        };
        let mut tasks: Vec<_> = (0..5).map(|_| start(&eve)).collect();
        until(&|| waiting(&eve) == 5).await;
        tasks.push(start(&bob));
        until(&|| waiting(&bob) == 1).await;
        for _ in 0..6 {
            go.send(()).unwrap();
        }
        for task in tasks {
            task.await.unwrap();
        }
        // Of what eve brought, one piece was being done and no other stood before bob.
        let place = done.lock().unwrap().iter().position(|name| name == "bob");
        assert!(place.is_some_and(|place| place <= 2), "{:?}", done.lock().unwrap());
        assert!(work.turns.is_idle());
    }
}
