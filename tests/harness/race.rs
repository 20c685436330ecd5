//! Races: threads that are let go at the same moment.

use std::sync::Barrier;

use countersign::domain::enums::Role;

use super::{Client, TestServer};

/// One thread's part in a race.
pub(crate) type Act<'a, T> = Box<dyn FnOnce() -> T + Send + 'a>;

/// Runs each act in a thread of its own, all let go at once; what they came back with, in their order.
pub(crate) fn race<'a, T: Send + 'a>(acts: impl IntoIterator<Item = Act<'a, T>>) -> Vec<T> {
    let acts = acts.into_iter().collect::<Vec<_>>();
    let gate = Barrier::new(acts.len());
    let gate = &gate;
    std::thread::scope(|scope| {
        let run = |act: Act<'a, T>| {
            scope.spawn(move || {
                gate.wait();
                act()
            })
        };
        let threads = acts.into_iter().map(run).collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

impl TestServer {
    /// So many principals of one role: `approver-0`, `approver-1` and so on.
    pub(crate) fn crowd(&self, count: usize, role: Role) -> Vec<Client> {
        (0..count).map(|number| self.client(&format!("{role}-{number}"), role)).collect()
    }
}
