//! Which streams of events a commit wakes: those that may see one of its events.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::id::PrincipalName;
use crate::domain::principal::Principal;

/// The streams that wait for events.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// Changes with every event.
    all: watch::Sender<()>,
    /// Changes with every event about an interaction of its principal's own.
    own: Mutex<HashMap<PrincipalName, watch::Sender<()>>>,
}

impl Feeds {
    /// Returns what changes whenever there is an event that `principal` may see, from now on.
    pub(super) fn follow(&self, principal: &Principal) -> watch::Receiver<()> {
        match principal.sees_only() {
            Some(own) => self.own().entry(own.clone()).or_default().subscribe(),
            None => self.all.subscribe(),
        }
    }

    /// Wakes the streams of those that see everything, and of the principals whose interactions the events are about.
    pub(super) fn wake(&self, owners: &[PrincipalName]) {
        self.all.send_replace(());
        let mut own = self.own();
        for owner in owners {
            if own.get(owner).is_some_and(|woken| woken.send(()).is_err()) {
                // There is no stream of it any more.
                own.remove(owner);
            }
        }
    }

    fn own(&self) -> MutexGuard<'_, HashMap<PrincipalName, watch::Sender<()>>> {
        // Nothing in this file can panic halfway through a change.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enums::Role;

    #[test]
    fn a_stream_is_woken_by_what_it_may_see_and_by_nothing_else() {
        let feeds = Feeds::default();
        let principal = |name: &str, role| Principal { name: name.parse().unwrap(), role };
        let (builder, ada) = (principal("builder", Role::Agent), principal("ada", Role::Approver));
        let (mut own, mut all) = (feeds.follow(&builder), feeds.follow(&ada));
        feeds.wake(&["other".parse().unwrap()]);
        assert!(!own.has_changed().unwrap() && all.has_changed().unwrap());
        all.mark_unchanged();
        feeds.wake(&[]);
        assert!(!own.has_changed().unwrap() && all.has_changed().unwrap());
        feeds.wake(&["other".parse().unwrap(), builder.name.clone()]);
        assert!(own.has_changed().unwrap());
        own.mark_unchanged();
        drop(own);
        feeds.wake(std::slice::from_ref(&builder.name));
        assert!(feeds.own().is_empty());
    }
}
