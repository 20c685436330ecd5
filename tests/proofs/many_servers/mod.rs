//! Several servers on one PostgreSQL: whatever is lost between them and it, no answer is, and none is given twice.

mod clients;
mod cluster;
mod failover;
mod lost;
mod lost_answers;
mod mute;
pub(crate) mod patroni;
mod promises;
mod proxy;
mod reads;
mod servers;
mod silent;
mod starts;
mod stopped;
mod unheard;
mod unwaited;

use crate::run::{Found, Run};

pub(crate) fn prove(run: &Run) -> Found {
    if let Some(why) = cluster::missing() {
        return Found::Skipped(why);
    }
    let starts = starts::at_once(run);
    let promises = promises::kept(run);
    let lost = lost_answers::tried(run);
    let reads = reads::tried(run);
    let stopped = stopped::tried(run);
    let unheard = unheard::tried(run);
    let unwaited = unwaited::tried(run);
    let silent = silent::tried(run);
    let mute = mute::tried(run);
    Found::Held([starts, promises, lost, reads, stopped, unheard, unwaited, silent, mute].concat())
}

/// The machine of PostgreSQL is lost.
pub(crate) fn prove_failovers(run: &Run) -> Found {
    if let Some(why) = cluster::missing() {
        return Found::Skipped(why);
    }
    Found::Held(failover::tried(run))
}
