//! Work that may take long: beside the threads that serve everybody, and in turns, so that who brings much of it waits for
//! itself.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::Result;
use crate::domain::id::PrincipalName;
use crate::store;

/// Who may do such work now. Each principal has one turn of its own, and those who have it queue for the few that there are in
/// all: so each of them waits for one piece of work of every other at most.
pub(super) struct LongWork {
    all: Arc<Semaphore>,
    each: Arc<Each>,
}

/// The turn of each principal that has it or waits for it.
#[derive(Debug, Default)]
struct Each(Mutex<HashMap<PrincipalName, Arc<Semaphore>>>);

/// The one turn that a principal has, until it is dropped.
#[derive(Debug)]
pub(super) struct OwnTurn {
    /// There until it is given back.
    permit: Option<OwnedSemaphorePermit>,
    principal: PrincipalName,
    each: Arc<Each>,
}

impl LongWork {
    /// Leaves one of the machine's cores to all else, where there are several.
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self { all: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))), each: Arc::default() }
    }

    /// Does `work` for `principal` when it is its turn. Once begun it is done, though nobody waits for it any more. The
    /// principal's own turn ends when it is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        principal: &PrincipalName,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, OwnTurn)> {
        let (own, of_all) = self.turns(principal).await?;
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(of_all);
            (done, own)
        });
        worked.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The server ends.
            Err(_) => store::Error::Closed.into(),
        })
    }

    async fn turns(&self, principal: &PrincipalName) -> Result<(OwnTurn, OwnedSemaphorePermit)> {
        let own = self.each.of(principal);
        let closed = |_: AcquireError| store::Error::Closed;
        let permit = own.acquire_owned().await.map_err(closed)?;
        let own = OwnTurn { permit: Some(permit), principal: principal.clone(), each: Arc::clone(&self.each) };
        let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(closed)?;
        Ok((own, of_all))
    }
}

impl Each {
    fn of(&self, principal: &PrincipalName) -> Arc<Semaphore> {
        Arc::clone(self.turns().entry(principal.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<PrincipalName, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OwnTurn {
    fn drop(&mut self) {
        self.permit.take();
        let mut turns = self.each.turns();
        // Whoever waits for it has it, too.
        if turns.get(&self.principal).is_some_and(|own| Arc::strong_count(own) == 1) {
            turns.remove(&self.principal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_turn_lasts_until_it_is_dropped() {
        let work = LongWork::new();
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

    #[tokio::test(flavor = "multi_thread")]
    async fn who_brings_much_of_it_waits_for_itself() {
        let work = Arc::new(LongWork { all: Arc::new(Semaphore::new(1)), each: Arc::default() });
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
        let waiting = |who: &PrincipalName| work.each.turns().get(who).map_or(0, |own| Arc::strong_count(own) - 1);
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
        assert!(work.each.turns().is_empty());
    }
}
