//! Servers that are frozen in the middle of whatever they do, and servers that are killed: the others go on.

use std::sync::Mutex;
use std::time::Duration;

use super::clients::Crowd;
use super::cluster::Cluster;
use crate::harness::{Client, signal};
use crate::run::Run;
use crate::seeded_rng::SeededRng;

/// For how long a server is frozen.
const FROZEN: Duration = Duration::from_secs(3);

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let (freezes, kills) = (run.amount(1, 20), run.amount(4, 60));
    let cluster = Cluster::new("up");
    let direct = Cluster::url(&[cluster.primary().display().to_string()]);
    let mut servers = [0, 1].map(|at| cluster.servers.serve(&direct, &format!("head-{at}"))).map(Some);
    let (agent, approver) = (Cluster::token(&direct, "builder", "agent"), Cluster::token(&direct, "ada", "approver"));
    let urls = servers.iter().flatten().map(|server| server.url.clone()).collect::<Vec<_>>();
    let urls = urls.iter().map(String::as_str).collect::<Vec<_>>();
    let mut rng = SeededRng::of_part(run.seed, 78);

    // Nobody asks the server that is frozen: how long the other one keeps its clients waiting is what is measured.
    let crowd = Crowd::new(&urls[1..], [&agent, &approver], run.seed);
    let frozen = servers[0].as_ref().unwrap();
    let own = Client::new(&frozen.url, &agent);
    crowd.while_running(8, || {
        for _ in 0..freezes {
            // It has a turn now and then, and is frozen in one of them or between two.
            let asks = std::thread::spawn({
                let (own, id) = (own.clone(), format!("frozen-{}", rng.below(usize::MAX)));
                move || own.post("/v1/interactions", &crate::harness::confirmation(&id))
            });
            signal(frozen.id(), "STOP");
            #[expect(clippy::disallowed_methods, reason = "the silence is the fault")]
            std::thread::sleep(FROZEN);
            signal(frozen.id(), "CONT");
            let answer = asks.join().unwrap();
            assert!([201, 503].contains(&answer.status), "{answer:?}");
        }
    });
    crowd.told.check(&cluster.primary());
    let longest = *crowd.told.longest.lock().unwrap();

    let crowd = Crowd::new(&urls, [&agent, &approver], run.seed + 1);
    crowd.while_running(8, || {
        for kill in 0..kills {
            let at = rng.below(2);
            servers[at].take().unwrap().kill();
            let server = cluster.servers.serve(&direct, &format!("head-{at}"));
            set(&crowd.urls[at], &server.url);
            servers[at] = Some(server);
            // So that something happens between two of them.
            let before = crowd.told.len();
            crate::harness::until(|| crowd.told.len() > before + kill % 20);
        }
    });
    crowd.told.check(&cluster.primary());
    drop(servers);
    Cluster::check(&cluster.primary());
    vec![
        ("servers frozen for 3 s", freezes.to_string()),
        ("longest that the other kept a client waiting", format!("{} ms", longest.as_millis())),
        ("servers killed", kills.to_string()),
    ]
}

fn set(url: &Mutex<String>, to: &str) {
    to.clone_into(&mut url.lock().unwrap());
}
