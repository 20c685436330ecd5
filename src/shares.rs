//! Shares: how much each principal holds of what all share, so that one that asks for much leaves room for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::id::PrincipalName;

/// How much there is of something, and how it is shared.
#[derive(Clone, Copy, Debug)]
pub struct ShareLimits {
    /// How much there is in all.
    pub all: usize,
    /// How much of it one principal may hold.
    pub own: usize,
    /// How much each principal may hold however much the others do.
    pub assured: usize,
}

/// What principals hold of something that there is only so much of.
#[derive(Debug)]
pub struct Shares {
    limits: ShareLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    each: HashMap<PrincipalName, usize>,
}

/// Why there is no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// The principal holds as much as one may.
    Own {
        /// How much that is.
        limit: usize,
    },
    /// All of it is held.
    All {
        /// How much that is.
        limit: usize,
    },
}

/// What one principal holds, until it is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Arc<Shares>,
    principal: PrincipalName,
    amount: usize,
}

impl Shares {
    /// Shares what there is by these limits.
    ///
    /// ```
    /// use countersign::shares::{Exceeded, ShareLimits, Shares};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let places = Shares::new(ShareLimits { all: 3, own: 2, assured: 0 });
    /// let (builder, tester) = ("builder".parse()?, "tester".parse()?);
    /// let held = places.take(&builder, 2);
    /// assert_eq!(places.take(&builder, 1).unwrap_err(), Exceeded::Own { limit: 2 });
    /// assert!(places.take(&tester, 1).is_ok());
    /// # drop(held);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(limits: ShareLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    /// Gives `principal` so much.
    ///
    /// # Errors
    ///
    /// If that is more than there is for it.
    pub fn take(self: &Arc<Self>, principal: &PrincipalName, amount: usize) -> Result<Share, Exceeded> {
        let mut share = Share { shares: Arc::clone(self), principal: principal.clone(), amount: 0 };
        share.grow(amount)?;
        Ok(share)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing in this file can panic halfway through a change.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Gives its principal so much more.
    ///
    /// # Errors
    ///
    /// If that is more than there is for it; then nothing more is held than before.
    pub fn grow(&mut self, more: usize) -> Result<(), Exceeded> {
        let limits = self.shares.limits;
        let mut held = self.shares.held();
        let own = held.each.get(&self.principal).map_or(0, |own| *own).saturating_add(more);
        let all = held.all.saturating_add(more);
        if own > limits.assured {
            if own > limits.own {
                return Err(Exceeded::Own { limit: limits.own });
            }
            if all > limits.all {
                return Err(Exceeded::All { limit: limits.all });
            }
        }
        held.all = all;
        held.each.insert(self.principal.clone(), own);
        drop(held);
        self.amount += more;
        Ok(())
    }

    /// Who holds it.
    #[must_use]
    pub const fn principal(&self) -> &PrincipalName {
        &self.principal
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut held = self.shares.held();
        held.all -= self.amount;
        if let Some(own) = held.each.get_mut(&self.principal) {
            *own -= self.amount;
            if *own == 0 {
                held.each.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PrincipalName {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_given_back_is_there_for_others() {
        let shares = Shares::new(ShareLimits { all: 3, own: 2, assured: 0 });
        let mut first = shares.take(&name("ada"), 1).unwrap();
        first.grow(1).unwrap();
        assert_eq!(first.grow(1), Err(Exceeded::Own { limit: 2 }));
        let second = shares.take(&name("bob"), 1).unwrap();
        assert_eq!(shares.take(&name("carol"), 1).unwrap_err(), Exceeded::All { limit: 3 });
        drop(first);
        let third = shares.take(&name("carol"), 2).unwrap();
        drop((second, third));
        assert!(shares.held().each.is_empty() && shares.held().all == 0);
    }

    #[test]
    fn however_much_others_hold_each_has_what_it_is_assured_of() {
        let shares = Shares::new(ShareLimits { all: 2, own: 2, assured: 1 });
        let _all = shares.take(&name("ada"), 2).unwrap();
        let _own = shares.take(&name("bob"), 1).unwrap();
        assert_eq!(shares.take(&name("bob"), 1).unwrap_err(), Exceeded::All { limit: 2 });
    }
}
