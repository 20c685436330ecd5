//! A primary that is killed, and a standby in its place: with commits that wait for it nothing is lost; without, every server
//! notices.

use std::path::Path;

use super::clients::Crowd;
use super::cluster::Cluster;
use crate::harness::cluster::scripted;
use crate::harness::{Client, confirmation, until};
use crate::run::Run;

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let (failovers, losses) = (run.amount(1, 200), run.amount(1, 5));
    for _ in 0..failovers {
        replaced(run);
    }
    for _ in 0..losses {
        lost();
    }
    vec![
        ("primaries killed and replaced", failovers.to_string()),
        ("acknowledged writes lost", "0".to_owned()),
        ("planted losses", losses.to_string()),
        ("noticed by every server", losses.to_string()),
    ]
}

/// The standby is synchronous, as `scripts/postgres pair` makes it.
fn replaced(run: &Run) {
    let cluster = Cluster::new("pair");
    let direct = cluster.direct();
    let servers = [0, 1].map(|at| cluster.serve(&direct, &format!("head-{at}")));
    let (agent, approver) = (Cluster::token(&direct, "builder", "agent"), Cluster::token(&direct, "ada", "approver"));
    let urls = servers.iter().map(|server| server.url.as_str()).collect::<Vec<_>>();
    let crowd = Crowd::new(&urls, [&agent, &approver], run.seed);
    let waiter = Client::new(urls[0], &agent);
    waiter.register(&confirmation("across"));
    let waiting = waiter.wait_in_background("across");
    crowd.while_running(8, || {
        until(|| crowd.told.len() > 50);
        kill(&cluster.primary());
        promote(&cluster.standby());
        let before = crowd.told.len();
        until(|| crowd.told.len() > before + 50);
    });
    Client::new(urls[1], &approver).confirm("across", "allow").expect(200);
    let answered = waiting.join().unwrap().expect(200).body;
    assert_eq!(answered["status"], "approved", "{answered}");
    crowd.told.check(&cluster.standby());
    drop(servers);
    Cluster::check(&cluster.standby());
}

/// The standby is no longer waited for and has stopped, so that what is acknowledged then is lost with the primary.
fn lost() {
    let cluster = Cluster::new("pair");
    let direct = cluster.direct();
    let mut servers = [0, 1].map(|at| cluster.serve(&direct, &format!("head-{at}")));
    let (agent, _) = (Cluster::token(&direct, "builder", "agent"), Cluster::token(&direct, "ada", "approver"));
    Cluster::psql(&cluster.primary(), "ALTER SYSTEM SET synchronous_standby_names = ''");
    Cluster::psql(&cluster.primary(), "SELECT pg_reload_conf()");
    control(&cluster.standby(), &["stop", "-m", "fast"]);
    let client = Client::new(&servers[0].url, &agent);
    client.register(&confirmation("lost"));
    // Both have seen it.
    let seen =
        |server: &crate::harness::Process| Client::new(&server.url, &agent).get("/v1/interactions/lost").status == 200;
    assert!(seen(&servers[0]) && seen(&servers[1]));
    let newest = Cluster::psql(&cluster.primary(), "SELECT max(seq) FROM audit_events").remove(0);
    for at in 0..2 {
        let head = cluster.head(&format!("head-{at}"));
        until(|| std::fs::read_to_string(&head).is_ok_and(|text| text.contains(&format!(" {newest}:"))));
    }
    kill(&cluster.primary());
    start_alone(&cluster.standby());
    for server in &mut servers {
        let (status, _, said) = server.ended();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains("lost"), "{said}");
    }
    // A new start is refused as well, until somebody says that the loss is accepted.
    let mut refused = cluster.command(&direct, "head-0");
    let refused = refused.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let accepted = said.trim().rsplit_once("--accept-loss ").unwrap().1;
    let mut again = cluster.command(&direct, "head-0");
    let server = crate::harness::Process::spawn(again.args(["--accept-loss", accepted]));
    assert_eq!(Client::new(&server.url, &agent).get("/v1/interactions/lost").status, 404);
    drop(server);
    let told = Cluster::psql(&cluster.standby(), "SELECT count(*) FROM audit_events WHERE event = 'history.lost'");
    assert_eq!(told, ["1"]);
}

/// Kills a PostgreSQL with all its processes, as a machine that is switched off would.
fn kill(folder: &Path) {
    control(folder, &["stop", "-m", "immediate"]);
}

fn promote(folder: &Path) {
    control(folder, &["promote", "-w"]);
}

/// Starts what was a standby as a primary.
fn start_alone(folder: &Path) {
    std::fs::remove_file(folder.join("standby.signal")).unwrap();
    let socket = format!("-c listen_addresses='' -c unix_socket_directories='{}'", folder.display());
    control(folder, &["start", "-w", "-l", &folder.join("log").display().to_string(), "-o", &socket]);
}

/// `pg_ctl`, as the user that PostgreSQL runs as.
fn control(folder: &Path, arguments: &[&str]) {
    let done = scripted("control", folder).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
