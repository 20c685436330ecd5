//! Rings that nobody hears: what one server commits reaches the other all the same.

use super::cluster::Cluster;
use super::proxy::Proxy;
use crate::harness::{Client, confirmation, until};
use crate::run::Run;

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let answers = run.amount(5, 100);
    let cluster = Cluster::new("up");
    let proxy = Proxy::losing_rings(&cluster.primary());
    let direct = Cluster::url(&[cluster.primary().display().to_string()]);
    let unheard = cluster.servers.serve(&Cluster::url(&[proxy.address.to_string()]), "head-0");
    let other = cluster.servers.serve(&direct, "head-1");
    let (agent, approver) = (Cluster::token(&direct, "builder", "agent"), Cluster::token(&direct, "ada", "approver"));
    let [asks, looks] = [&agent, &approver].map(|token| Client::new(&other.url, token));
    let decides = Client::new(&unheard.url, &approver);
    for number in 0..answers {
        let id = format!("unheard-{number}");
        asks.register(&confirmation(&id));
        let waiting = asks.wait_in_background(&id);
        until(|| looks.get("/metrics").expect(200).text.contains("countersign_waiters 1\n"));
        let lost = proxy.lost_rings();
        decides.confirm(&id, "allow").expect(200);
        until(|| proxy.lost_rings() > lost);
        until(|| waiting.is_finished());
        let answered = waiting.join().unwrap().expect(200).body;
        assert_eq!(answered["status"], "approved", "{answered}");
    }
    vec![("answers that came though no ring was heard", answers.to_string())]
}
