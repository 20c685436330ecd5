//! Connections that are lost, at every moment of a turn: what clients were told is done, and nothing is done twice.

use super::clients::Crowd;
use super::cluster::Cluster;
use super::proxy::{FAULTS, Proxy};
use crate::harness::until;
use crate::run::Run;
use crate::seeded_rng::SeededRng;

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let faults = run.amount(24, 600);
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
    let mut rng = SeededRng::of_part(run.seed, 77);
    crowd.while_running(8, || {
        for _ in 0..faults {
            let proxy = &proxies[rng.below(2)];
            let before = proxy.done();
            proxy.arm(rng.pick(&FAULTS));
            until(|| proxy.done() > before);
        }
    });
    crowd.told.check(&cluster.primary());
    drop(servers);
    Cluster::check(&cluster.primary());
    vec![
        ("connections lost or delayed", faults.to_string()),
        ("requests that were told to be done", crowd.told.len().to_string()),
        ("asked again", crowd.told.repeated.lock().unwrap().to_string()),
        ("lost, or done twice", "0".to_owned()),
    ]
}
