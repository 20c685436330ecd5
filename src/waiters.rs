//! Who waits for which interaction, and how they are woken: after the COMMIT, and only then.
//!
//! Whoever waits enters first and looks at the row after that, so that a resolution between the look and the wait is
//! not missed. Leaving is dropping the [`Waiter`], which is also what happens when a client goes away.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::domain::enums::Role;
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;

/// Everybody who waits.
#[derive(Debug)]
pub struct Waiters {
    limit: usize,
    limit_of_each: usize,
    registry: Mutex<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    /// Those who wait for each interaction, by the number that tells them apart.
    waiting: HashMap<RequestId, Vec<(u64, oneshot::Sender<()>)>>,
    /// How many that is altogether.
    count: usize,
    /// How many each principal has brought that have not left, woken or not.
    of_each: HashMap<PrincipalName, usize>,
    next_number: u64,
}

/// One who waits.
#[derive(Debug)]
pub struct Waiter {
    waiters: Arc<Waiters>,
    principal: PrincipalName,
    request_id: RequestId,
    number: u64,
    woken: oneshot::Receiver<()>,
}

impl Waiters {
    /// A registry for at most `limit`, and `limit_of_each` principal.
    #[must_use]
    pub fn new(limit: usize, limit_of_each: usize) -> Arc<Self> {
        Arc::new(Self { limit, limit_of_each, registry: Mutex::default() })
    }

    /// Begins to wait for an interaction: from here on no wake-up is missed.
    pub fn register(self: &Arc<Self>, principal: &Principal, request_id: &RequestId) -> Result<Waiter, Refused> {
        let (wake, woken) = oneshot::channel();
        let mut registry = self.registry();
        // However many agents wait, people may.
        if registry.count >= self.limit && principal.role == Role::Agent {
            return Err(Refused::TooManyWaiters { limit: self.limit });
        }
        let own = registry.of_each.entry(principal.name.clone()).or_default();
        if *own >= self.limit_of_each {
            return Err(Refused::TooManyOwnWaiters { limit: self.limit_of_each });
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

    /// Wakes everybody who waits for an interaction.
    pub fn wake(&self, request_id: &RequestId) {
        let mut registry = self.registry();
        let woken = registry.waiting.remove(request_id).unwrap_or_default();
        registry.count -= woken.len();
        drop(registry);
        for (_, wake) in woken {
            // One who is leaving at this moment needs no waking.
            let _ = wake.send(());
        }
    }

    /// How many wait.
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
        if let Entry::Occupied(mut own) = registry.of_each.entry(self.principal.clone()) {
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
    fn whoever_leaves_makes_room() {
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
        assert!(waiters.registry().of_each.is_empty());
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
