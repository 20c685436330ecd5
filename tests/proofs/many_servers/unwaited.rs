//! A standby that is away: nobody is told what it does not have, neither who asked for it nor who asks again, and not when its
//! wait is given up, of which PostgreSQL warns before it calls the commit done.

use super::cluster::Cluster;
use crate::harness::{Client, confirmation, until};
use crate::run::Run;

/// The connections whose COMMIT waits for a standby.
const WAITING: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'";

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let given_up = run.amount(2, 20);
    let cluster = Cluster::new("up");
    let psql = |statements: &str| Cluster::psql(&cluster.primary(), statements);
    let url = Cluster::url(&[cluster.primary().display().to_string()]);
    let server = cluster.servers.serve(&url, "head-0");
    let agent = Client::new(&server.url, &Cluster::token(&url, "builder", "agent"));
    let wait_for = |standbys: &str| {
        psql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{standbys}'"));
        psql("SELECT pg_reload_conf()");
    };
    for number in 0..given_up {
        let id = format!("unwaited-{number}");
        wait_for("one_that_is_away");
        let asking = std::thread::spawn({
            let (agent, asked) = (agent.clone(), confirmation(&id));
            move || agent.post("/v1/interactions", &asked)
        });
        let mut waiting = Vec::new();
        until(|| {
            waiting = psql(WAITING);
            !waiting.is_empty()
        });
        psql(&format!("SELECT pg_cancel_backend({})", waiting[0]));
        // The server looks for what it has committed, in a turn that waits for a standby as well.
        until(|| asking.is_finished() || psql(WAITING).iter().any(|process| *process != waiting[0]));
        assert!(!asking.is_finished(), "it was told to be done, and is on no standby: {:?}", asking.join());
        wait_for("");
        asking.join().unwrap().expect(201);
        assert_eq!(agent.look(&id)["status"], "pending");
    }
    let other = cluster.servers.serve(&url, "head-1");
    let others = Client::new(&other.url, agent.token.as_deref().unwrap());
    // What has written nothing is answered from rows that may be on no standby.
    wait_for("one_that_is_away");
    let again = std::thread::spawn({
        let (agent, asked) = (agent.clone(), confirmation("unwaited-0"));
        move || agent.post("/v1/interactions", &asked)
    });
    until(|| again.is_finished() || !psql(WAITING).is_empty());
    assert!(!again.is_finished(), "it was told what may be on no standby: {:?}", again.join());
    wait_for("");
    again.join().unwrap().expect(200);
    // However long it takes, and however often it is asked again, at whichever server.
    wait_for("one_that_is_away");
    for tried in 0..2 {
        for asking in [&agent, &others] {
            let answer = asking.post("/v1/interactions", &confirmation("away"));
            assert_eq!(answer.status, 503, "{tried}: {:?}", answer.body);
            assert_eq!(asking.get("/v1/interactions/away").status, 404, "{tried}");
        }
    }
    wait_for("");
    for asking in [&agent, &others] {
        let answer = asking.post("/v1/interactions", &confirmation("away"));
        assert!([200, 201].contains(&answer.status), "{:?}", answer.body);
    }
    drop((server, other));
    Cluster::check(&cluster.primary());
    vec![("commits whose wait for a standby was given up", given_up.to_string())]
}
