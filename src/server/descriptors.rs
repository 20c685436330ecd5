//! How many files and connections the process may have open: as many as the system allows, not as it begins with.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::http::DESCRIPTORS_BESIDE;

/// The database's connections, the logs and whatever else is open beside clients' connections, with room to spare.
const OWN: usize = 256;

/// Raises the limit as far as it goes; how many of the connections that were asked for it is enough for.
pub(super) fn make_room_for(connections: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let Some(limit) = (if raised { maximum } else { current }) else { return connections };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    limit.saturating_sub(OWN + DESCRIPTORS_BESIDE).clamp(1, connections)
}
