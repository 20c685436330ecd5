//! Connections that are lost or silent for a while, at every question of a turn and beside it: what clients were told is done, and
//! nothing is done twice.

use super::clients::Crowd;
use super::cluster::Cluster;
use super::proxy::{Fault, Place, Proxy};
use crate::harness::{Client, until};
use crate::run::Run;
use crate::seeded_rng::SeededRng;

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let mut rng = SeededRng::of_part(run.seed, 77);
    let faults = if run.long { Fault::all().repeat(20) } else { rng.sample(Fault::all(), 15) };
    let cluster = Cluster::new("up");
    let proxies = [0, 1].map(|_| Proxy::before(&cluster.primary()));
    let servers = [0, 1].map(|at: usize| {
        let url = Cluster::url(&[proxies[at].address.to_string()]);
        cluster.servers.serve(&url, &format!("head-{at}"))
    });
    let direct = Cluster::url(&[cluster.primary().display().to_string()]);
    let (agent, approver) = (Cluster::token(&direct, "builder", "agent"), Cluster::token(&direct, "ada", "approver"));
    let urls = servers.iter().map(|server| server.url.as_str()).collect::<Vec<_>>();
    let crowd = Crowd::new(&urls, [&agent, &approver], run.seed);
    crowd.while_running(8, || {
        for fault in &faults {
            let at = rng.below(2);
            let before = proxies[at].done();
            proxies[at].arm(*fault);
            if let Place::Read(_) = fault.place {
                Client::new(urls[at], &approver).get("/v1/interactions?limit=1").expect(200);
            }
            until(|| proxies[at].done() > before);
        }
    });
    crowd.told.check(&cluster.primary());
    drop(servers);
    Cluster::check(&cluster.primary());
    vec![
        ("connections lost or delayed, each way at each question", faults.len().to_string()),
        ("requests that were told to be done", crowd.told.len().to_string()),
        ("asked again", crowd.told.repeated.lock().unwrap().to_string()),
        ("lost, or done twice", "0".to_owned()),
    ]
}
