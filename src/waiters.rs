//! The requests that wait for an interaction to be resolved. They are woken after the COMMIT, and only then.
//!
//! A request registers first and reads the row after that, so that a resolution between the two is not missed. Dropping
//! the [`Waiter`] removes it, which also happens when a client disconnects.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use countersign::domain::enums::Role;
//! use countersign::domain::principal::Principal;
//! use countersign::waiters::Waiters;
//!
//! let waiters = Waiters::new(100, 10);
//! let agent = Principal { name: "builder".parse()?, role: Role::Agent };
//! let request_id = "deploy-1".parse()?;
//! let mut waiter = waiters.register(&agent, &request_id).expect("there is room");
//! // Another task resolves the interaction and commits.
//! waiters.wake(&request_id);
//! waiter.woken().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::domain::enums::Role;
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;

/// All requests that wait, with the limits on them.
#[derive(Debug)]
pub struct Waiters {
    limit: usize,
    limit_per_principal: usize,
    registry: Mutex<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    /// The waiters of each interaction, each with the number that tells it from the others.
    waiting: HashMap<RequestId, Vec<(u64, oneshot::Sender<()>)>>,
    /// How many these are in all.
    count: usize,
    /// How many waiters of each principal are not dropped yet, woken or not.
    per_principal: HashMap<PrincipalName, usize>,
    next_number: u64,
}

/// One request that waits.
#[derive(Debug)]
pub struct Waiter {
    waiters: Arc<Waiters>,
    principal: PrincipalName,
    request_id: RequestId,
    number: u64,
    woken: oneshot::Receiver<()>,
}

impl Waiters {
    /// Allows at most `limit` waiters of agents, and `limit_per_principal` of each principal.
    #[must_use]
    pub fn new(limit: usize, limit_per_principal: usize) -> Arc<Self> {
        Arc::new(Self { limit, limit_per_principal, registry: Mutex::default() })
    }

    /// Registers a waiter for an interaction: from here on no wake-up is missed.
    ///
    /// # Errors
    ///
    /// If there are as many waiters as there may be; only agents count against the limit on all.
    pub fn register(self: &Arc<Self>, principal: &Principal, request_id: &RequestId) -> Result<Waiter, Refused> {
        let (wake, woken) = oneshot::channel();
        let mut registry = self.registry();
        // However many agents wait, people may, too.
        if registry.count >= self.limit && principal.role == Role::Agent {
            return Err(Refused::TooManyWaiters { limit: self.limit });
        }
        let own = registry.per_principal.entry(principal.name.clone()).or_default();
        if *own >= self.limit_per_principal {
            return Err(Refused::TooManyOwnWaiters { limit: self.limit_per_principal });
        }
        *own += 1;
        let number = registry.next_number;
        registry.next_number += 1;
        registry.count += 1;
        registry.waiting.entry(request_id.clone()).or_default().push((number, wake));
        drop(registry);
        let (waiters, principal, request_id) = (Arc::clone(self), principal.name.clone(), request_id.clone());
        Ok(Waiter { waiters, principal, request_id, number, woken })
    }

    /// Wakes all waiters of an interaction.
    pub fn wake(&self, request_id: &RequestId) {
        let mut registry = self.registry();
        let woken = registry.waiting.remove(request_id).unwrap_or_default();
        registry.count -= woken.len();
        drop(registry);
        for (_, wake) in woken {
            // A waiter that is being dropped at this moment needs no waking.
            let _ = wake.send(());
        }
    }

    /// Returns how many waiters there are that have not been woken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.registry().count
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // Nothing in this file can panic halfway through a change.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Ends once the interaction is resolved.
    pub async fn woken(&mut self) {
        // The sender goes away unused only with the whole registry.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut registry = self.waiters.registry();
        if let Entry::Occupied(mut own) = registry.per_principal.entry(self.principal.clone()) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
        let Entry::Occupied(mut waiting) = registry.waiting.entry(self.request_id.clone()) else {
            return;
        };
        let before = waiting.get().len();
        waiting.get_mut().retain(|(number, _)| *number != self.number);
        let left = before - waiting.get().len();
        if waiting.get().is_empty() {
            waiting.remove();
        }
        registry.count -= left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enums::Role;

    fn id(text: &str) -> RequestId {
        text.parse().unwrap()
    }

    fn agent(name: &str) -> Principal {
        Principal { name: name.parse().unwrap(), role: Role::Agent }
    }

    #[tokio::test]
    async fn a_wake_up_before_the_wait_is_not_lost() {
        let waiters = Waiters::new(10, 10);
        let mut waiter = waiters.register(&agent("ada"), &id("a")).unwrap();
        let mut other = waiters.register(&agent("ada"), &id("b")).unwrap();
        waiters.wake(&id("a"));
        waiter.woken().await;
        assert!(other.woken.try_recv().is_err());
        assert_eq!(waiters.count(), 1);
    }

    #[test]
    fn a_waiter_that_leaves_makes_room() {
        let waiters = Waiters::new(2, 2);
        let first = waiters.register(&agent("ada"), &id("a")).unwrap();
        let second = waiters.register(&agent("ada"), &id("a")).unwrap();
        assert_eq!(waiters.register(&agent("ada"), &id("b")).unwrap_err(), Refused::TooManyWaiters { limit: 2 });
        drop(first);
        assert_eq!(waiters.count(), 1);
        waiters.wake(&id("a"));
        drop(second);
        assert_eq!(waiters.count(), 0);
        assert!(waiters.registry().waiting.is_empty());
        assert!(waiters.registry().per_principal.is_empty());
    }

    #[test]
    fn however_many_agents_wait_people_may() {
        let waiters = Waiters::new(1, 1);
        let _agents = waiters.register(&agent("ada"), &id("a")).unwrap();
        assert_eq!(waiters.register(&agent("bob"), &id("a")).unwrap_err(), Refused::TooManyWaiters { limit: 1 });
        let person = Principal { role: Role::Approver, ..agent("carol") };
        let _persons = waiters.register(&person, &id("a")).unwrap();
        assert_eq!(waiters.register(&person, &id("a")).unwrap_err(), Refused::TooManyOwnWaiters { limit: 1 });
    }

    #[test]
    fn one_principal_leaves_room_for_others() {
        let waiters = Waiters::new(3, 2);
        let _first = waiters.register(&agent("ada"), &id("a")).unwrap();
        let second = waiters.register(&agent("ada"), &id("a")).unwrap();
        assert_eq!(waiters.register(&agent("ada"), &id("b")).unwrap_err(), Refused::TooManyOwnWaiters { limit: 2 });
        let _bobs = waiters.register(&agent("bob"), &id("b")).unwrap();
        drop(second);
        waiters.register(&agent("ada"), &id("b")).unwrap();
    }
}
