//! No agent can keep the matcher busy: whatever it sends, little work is done for it.

use std::time::Duration;

use crate::matching::asked;
use hostile::{SIZES, requests, rules};

#[path = "../../matching/hostile.rs"]
mod hostile;

/// Of the thread's own work, in a build without optimisation, on a machine that does other things: this is to notice work
/// that grows with the square of a text. What it takes in a release is measured by `cargo bench --bench hostile`.
const BOUND: Duration = Duration::from_millis(200);

/// How many rules there are beside those that are full of wildcards: few enough for such a build.
const ORDINARY: usize = 200;

#[test]
fn a_hostile_request_is_decided_with_little_work() {
    let rules = rules(ORDINARY);
    let mut slow = Vec::new();
    for request in SIZES.into_iter().flat_map(requests) {
        // The best of three: the first may pay for tables that are made once, and for another's use of the caches.
        let cost = (0..3).map(|_| request.cost(&rules)).find(|cost| *cost <= BOUND);
        if cost.is_none() {
            slow.push(request.name);
        }
    }
    assert!(slow.is_empty(), "these take longer than {BOUND:?}: {slow:#?}");
}
