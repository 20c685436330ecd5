//! PostgreSQL under Patroni: however its primary is replaced, in order or by force, what clients were told is so, and an agent that
//! waited before is answered after.

mod member;
mod members;
mod owner;

use std::time::Duration;

use serde_json::json;

use self::member::Member;
use self::members::Members;
use super::clients::Crowd;
use super::cluster::Cluster;
use super::lost::Lost;
use crate::harness::outside::Held;
use crate::harness::{Client, Process, confirmation};
use crate::run::{Found, Run};

/// How the primary is replaced, in turn: every second time in order.
const WAYS: [Way; 4] = [Way::InOrder, Way::Killed, Way::InOrder, Way::Frozen];

/// How often that is done.
const CHANGES: usize = 20;

/// A way in which a primary is replaced by another member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `patronictl switchover`, to the member that commits wait for.
    InOrder,
    /// All its processes are killed, and come back once another one has its place.
    Killed,
    /// All its processes stand still until then, with every connection to them.
    Frozen,
}

impl Way {
    /// Has the primary, which is the member of this number, replaced.
    fn replace(self, members: &mut Members, primary: usize) {
        match self {
            Self::InOrder => {
                let next = &members.all[members.find("sync_standby").unwrap()].name;
                members.control(&[
                    "switchover",
                    "--force",
                    "--primary",
                    &members.all[primary].name,
                    "--candidate",
                    next,
                ]);
            }
            Self::Killed => members.all[primary].kill(),
            Self::Frozen => members.all[primary].freeze(),
        }
        members.until_replaced(primary);
    }
}

pub(crate) fn prove(run: &Run) -> Found {
    if !run.long {
        return Found::Skipped("a failover of Patroni's takes half a minute: it is tried in the long form".to_owned());
    }
    if let Some(why) = members::missing() {
        return Found::Skipped(why);
    }
    let mut members = Members::new();
    let replaced = replaced(run, &mut members);
    Found::Held([replaced, lost(&mut members)].concat())
}

/// Servers on the members, and tokens of an agent and of an approver.
fn served(members: &Members) -> ([Process; 2], [String; 2]) {
    let url = members.url();
    let running = [0, 1].map(|at| members.servers.serve(&url, &format!("head-{at}")));
    (running, [("builder", "agent"), ("ada", "approver")].map(|(name, role)| Cluster::token(&url, name, role)))
}

/// Every commit waits for a standby, whatever is away.
fn replaced(run: &Run, members: &mut Members) -> Vec<(&'static str, String)> {
    let (running, [agent, approver]) = served(members);
    let urls = running.each_ref().map(|server| server.url.as_str());
    let crowd = Crowd::new(&urls, [&agent, &approver], run.seed);
    let mut done = Vec::with_capacity(CHANGES);
    crowd.while_running(8, || {
        for (number, way) in WAYS.into_iter().cycle().take(CHANGES).enumerate() {
            *crowd.told.longest.lock().unwrap() = Duration::ZERO;
            across(&crowd, members, way, number);
            done.push((way, *crowd.told.longest.lock().unwrap()));
        }
    });
    crowd.told.check(members.primary());
    for server in running {
        let said = server.terminate().2;
        // That the database is away for a while is no error of the server.
        assert!(!said.contains(r#""level":"ERROR""#), "{said}");
    }
    Cluster::check(members.primary());
    let of = |way| done.iter().filter(move |(other, _)| *other == way);
    let count = |way| of(way).count().to_string();
    let longest = |way| format!("{} ms", of(way).map(|(_, waited)| waited.as_millis()).max().unwrap());
    vec![
        ("switchovers", count(Way::InOrder)),
        ("longest wait of a client", longest(Way::InOrder)),
        ("primaries killed", count(Way::Killed)),
        ("longest wait then", longest(Way::Killed)),
        ("primaries frozen", count(Way::Frozen)),
        ("longest wait then", longest(Way::Frozen)),
        ("requests that were told to be done", crowd.told.len().to_string()),
        ("lost, or done twice", "0".to_owned()),
        ("long-polls answered on the next primary", CHANGES.to_string()),
    ]
}

/// An agent begins to wait before the primary is replaced, is answered after, and the members are whole again.
fn across(crowd: &Crowd<'_>, members: &mut Members, way: Way, number: usize) {
    let id = format!("across-{number}");
    // One server has the wait, the other one the decision.
    let urls = [0, 1].map(|at| crowd.urls[(number / WAYS.len() + at) % 2].lock().unwrap().clone());
    let agent = Client::new(&urls[0], crowd.tokens[0]);
    let [observer, approver] = urls.each_ref().map(|url| Client::new(url, crowd.tokens[1]));
    agent.register(&confirmation(&id));
    let mut polling = Held::poll(&urls[0], crowd.tokens[0], &id);
    // It waits once the row was read, and an agent's reads follow one another.
    members.until(|| observer.get("/metrics").text.contains("countersign_waiters 1\n"));
    agent.look(&id);
    let primary = members.find("leader").unwrap();
    way.replace(members, primary);
    let told = crowd.told.len();
    members.until(|| crowd.told.len() > told + 50);
    approver.confirm(&id, "allow").expect(200);
    assert_eq!(polling.body()["status"], "approved", "{id}");
    members.all.iter_mut().filter(|member| !member.is_there()).for_each(Member::come_back);
    members.until_whole();
}

/// No commit waits any more, and the standbys are away: what is acknowledged then is lost with the primary.
fn lost(members: &mut Members) -> Vec<(&'static str, String)> {
    let (running, [agent, _]) = served(members);
    let url = members.url();
    members.set(&json!({"synchronous_mode": false, "synchronous_mode_strict": false}));
    let before = members.find("leader").unwrap();
    let primary = members.all[before].folder.clone();
    members.until(|| Cluster::psql(&primary, "SHOW synchronous_standby_names") == [""]);
    let standbys = (0..members.all.len()).filter(|at| *at != before).collect::<Vec<_>>();
    standbys.iter().for_each(|at| members.all[*at].kill());
    let lost = Lost { servers: &members.servers, url: &url, agent: &agent };
    lost.acknowledge(&running, &primary);
    members.all[before].kill();
    standbys.iter().for_each(|at| members.all[*at].start());
    members.until_replaced(before);
    let lost = Lost { servers: &members.servers, url: &url, agent: &agent };
    lost.check_noticed(running, members.primary());
    vec![("planted losses without a synchronous standby", "1".to_owned()), ("noticed by every server", "1".to_owned())]
}
