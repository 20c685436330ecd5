//! The log of refusals: of one kind, to one client, the first has a line at once, and further ones are counted and told once a
//! second. So no client fills the log, and none is left out of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::id::PrincipalName;

/// How often refusals that were counted are told.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// How many kinds and clients are told apart in that time; the clients of any more are counted together.
const MOST_APART: usize = 1024;

/// A client, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refused {
    /// The holder of a token.
    Principal(PrincipalName),
    /// A stranger from this address; none on a Unix socket.
    Address(Option<IpAddr>),
    /// Others, of whom there are too many.
    Others,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(name) => name.fmt(f),
            Self::Address(Some(address)) => address.fmt(f),
            Self::Address(None) => f.write_str("the socket"),
            Self::Others => f.write_str("others"),
        }
    }
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) status: u16,
    pub(crate) code: Option<&'static str>,
    pub(crate) client: Refused,
}

/// The refusals that were not told yet.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog {
    /// Each kind of the last second.
    counts: Mutex<HashMap<Kind, Count>>,
}

/// What came of a kind since the last time that all were told.
#[derive(Debug)]
struct Count {
    /// How many there were that have no line yet.
    untold: u64,
    /// Whether there was any, told or not.
    is_recent: bool,
}

impl RefusalLog {
    /// Counts a refusal; whether it is the first of its kind, which is told at once.
    pub(crate) fn is_first(&self, mut kind: Kind) -> bool {
        let mut counts = self.counts();
        if counts.len() >= MOST_APART && !counts.contains_key(&kind) {
            kind.client = Refused::Others;
        }
        match counts.entry(kind) {
            Entry::Vacant(new) => {
                new.insert(Count { untold: 0, is_recent: true });
                true
            }
            Entry::Occupied(mut seen) => {
                let count = seen.get_mut();
                *count = Count { untold: count.untold + 1, is_recent: true };
                false
            }
        }
    }

    /// Tells what was counted since the last time, and forgets the kinds of which there was none since then.
    pub(crate) fn tell(&self) {
        let mut told = Vec::new();
        self.counts().retain(|kind, count| {
            let Count { untold, is_recent } = std::mem::replace(count, Count { untold: 0, is_recent: false });
            if untold > 0 {
                told.push((kind.clone(), untold));
            }
            is_recent
        });
        for (Kind { status, code, client }, count) in told {
            match status {
                ..500 => tracing::info!(status, code, %client, count, "refused again"),
                500.. => tracing::warn!(status, code, %client, count, "failed again"),
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Kind, Count>> {
        // Nothing in this file can panic halfway through a change.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_comes_just_before_all_are_told_is_still_the_first_of_the_next() {
        let log = RefusalLog::default();
        let again = || log.is_first(Kind { status: 401, code: None, client: Refused::Others });
        assert!(again());
        log.tell();
        assert!(!again());
        log.tell();
        log.tell();
        assert!(again());
    }

    #[test]
    fn however_many_clients_there_are_the_log_is_bounded() {
        let log = RefusalLog::default();
        let from = |address: u32| {
            log.is_first(Kind {
                status: 401,
                code: None,
                client: Refused::Address(Some(IpAddr::from(address.to_be_bytes()))),
            })
        };
        let first = (0..100_000).filter(|address| from(*address)).count();
        assert_eq!(first, MOST_APART + 1);
        log.tell();
        assert!(!from(0) || log.counts().len() <= 2, "what was told and did not come again is forgotten");
        log.tell();
        log.tell();
        assert!(log.counts().is_empty());
    }
}
