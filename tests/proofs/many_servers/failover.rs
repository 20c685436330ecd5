//! A primary that is killed, and a standby in its place: with commits that wait for it nothing is lost; without, every server
//! notices.

use std::path::Path;

use super::clients::Crowd;
use super::cluster::Cluster;
use super::lost::Lost;
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
    let servers = [0, 1].map(|at| cluster.servers.serve(&direct, &format!("head-{at}")));
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
    let running = [0, 1].map(|at| cluster.servers.serve(&direct, &format!("head-{at}")));
    let agent = Cluster::token(&direct, "builder", "agent");
    Cluster::psql(&cluster.primary(), "ALTER SYSTEM SET synchronous_standby_names = ''");
    Cluster::psql(&cluster.primary(), "SELECT pg_reload_conf()");
    control(&cluster.standby(), &["stop", "-m", "fast"]);
    let lost = Lost { servers: &cluster.servers, url: &direct, agent: &agent };
    lost.acknowledge(&running, &cluster.primary());
    kill(&cluster.primary());
    start_alone(&cluster.standby());
    lost.check_noticed(running, &cluster.standby());
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
