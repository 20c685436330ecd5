//! Reads whose connection is lost in the middle of an answer: the server does them on the next one, and the client gets its answer.

use super::cluster::Cluster;
use super::proxy::{Fault, Mode, Place, Proxy};
use crate::harness::{Client, confirmation, until};
use crate::run::Run;

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let reads = run.amount(20, 400);
    let cluster = Cluster::new("up");
    let proxy = Proxy::before(&cluster.primary());
    let server = cluster.servers.serve(&Cluster::url(&[proxy.address.to_string()]), "head-0");
    let direct = Cluster::url(&[cluster.primary().display().to_string()]);
    let agent = Client::new(&server.url, &Cluster::token(&direct, "builder", "agent"));
    agent.register(&confirmation("read"));
    for _ in 0..reads {
        let before = proxy.done();
        proxy.arm(Fault { mode: Mode::LoseAnswer, place: Place::Read(1) });
        assert_eq!(agent.look("read")["status"], "pending");
        until(|| proxy.done() > before);
    }
    vec![("reads beside a connection that was cut", reads.to_string())]
}
