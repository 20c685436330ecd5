//! A host that takes connections and no longer says anything, as where its processes stand still: the servers go on with the next one.

use super::cluster::Cluster;
use super::proxy::Proxy;
use crate::harness::{Client, confirmation, until_within};
use crate::run::Run;

/// How long servers may take until they have left it, and then have connected to another.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let times = run.amount(1, 5);
    for time in 0..times {
        left(&format!("mute-{time}"));
    }
    vec![("hosts that fell mute", times.to_string())]
}

fn left(id: &str) {
    let cluster = Cluster::new("up");
    let proxy = Proxy::before(&cluster.primary());
    // Both lead to the same one, which would be the next primary.
    let direct = cluster.primary().display().to_string();
    let url = Cluster::url(&[proxy.address.to_string(), direct.clone()]);
    let direct = Cluster::url(&[direct]);
    let agent = Cluster::token(&direct, "builder", "agent");
    let server = cluster.servers.serve(&url, "head-0");
    let client = Client::new(&server.url, &agent);
    client.register(&confirmation("before"));
    proxy.fall_mute();
    until_within(PATIENCE, || [200, 201].contains(&client.post("/v1/interactions", &confirmation(id)).status));
    until_within(PATIENCE, || client.get("/readyz").status == 200);
    client.get(&format!("/v1/interactions/{id}")).expect(200);
    // Whoever is started now finds the other one as well.
    let other = cluster.servers.serve(&url, "head-1");
    let client = Client::new(&other.url, &agent);
    client.get("/readyz").expect(200);
    client.get(&format!("/v1/interactions/{id}")).expect(200);
    drop((server, other));
    Cluster::check(&cluster.primary());
}
