//! What one server notices of another on the same database: how soon its waiters hear, what a changed rule costs, and what it asks
//! PostgreSQL while nothing happens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::servers::start;
use crate::client::Connection;
use crate::drive::Target;
use crate::plan::Plan;
use crate::process::Site;
use crate::requests::{Ids, Request};
use crate::waiters::{Crowd, Waiters, agents};
use crate::{Result, rules};

/// How many wait, at most.
const WAITING: usize = 1_000;

/// Connections that load a server while a rule is changed at another.
const BUSY_CONNECTIONS: usize = 8;
/// How long a change may show.
const AROUND: Duration = Duration::from_millis(250);
/// How long two changes lie apart.
const BETWEEN_CHANGES: Duration = Duration::from_millis(500);

/// Interactions are resolved at one server, and their waiters are at another.
pub(super) async fn waiters(site: &Site, cluster: &Cluster, plan: &Plan) -> Result<Waiters> {
    let database = cluster.database(site).await?;
    let waiting = plan.waiters.min(WAITING);
    let agents = agents(site, &database, waiting)?;
    let servers = start(site, &database, 2).await?;
    let [asked, waited_at] = servers.as_slice() else { return Err("there are no two servers".into()) };
    let waiters = Crowd::waiting([asked, waited_at], &agents, waiting).await?;
    let waiters = waiters.wake(asked, &database, plan.wakes).await?;
    for server in servers {
        server.stop().await?;
    }
    cluster.remove(database.name()?).await?;
    Ok(waiters)
}

/// What an idle server has PostgreSQL do, in transactions a second.
pub(super) async fn idle(site: &Site, cluster: &Cluster, time: Duration) -> Result<f64> {
    let database = cluster.database(site).await?;
    // What a start and a stop take is known from one without a rest.
    let mut counted = vec![];
    for rest in [Duration::ZERO, time] {
        let before = cluster.counters(&database).await?;
        let server = site.countersign(&database).await?;
        tokio::time::sleep(rest).await;
        server.stop().await?;
        counted.push(cluster.counters(&database).await?.transactions - before.transactions);
    }
    cluster.remove(database.name()?).await?;
    let [short, long] = counted.as_slice() else { return Err("two were to be counted".into()) };
    Ok((long - short) / time.as_secs_f64())
}

/// The longest request at one server around each of so many rules that are made at another, on a database with ten thousand rules
/// or with none.
pub(super) async fn changes(site: &Site, cluster: &Cluster, has_rules: bool, count: u32) -> Result<Vec<Duration>> {
    let database = cluster.database(site).await?;
    if has_rules {
        rules::import(site, &database, "allow")?;
    }
    let servers = start(site, &database, 2).await?;
    let [changed_at, busy] = servers.as_slice() else { return Err("there are no two servers".into()) };
    let until = Instant::now() + BETWEEN_CHANGES * (count + 2);
    let mut connections = JoinSet::new();
    let ids = Arc::new(Ids::starting_now());
    for _ in 0..BUSY_CONNECTIONS {
        connections.spawn(keep_busy(database.target(busy), Arc::clone(&ids), until));
    }
    let mut make = Request::make_rule(&ids, &database.approver, rules::TOOL);
    let mut connection = Connection::open(changed_at.address).await?;
    let mut changes = vec![];
    for _ in 0..count {
        tokio::time::sleep(BETWEEN_CHANGES).await;
        changes.push(Instant::now());
        let status = connection.exchange(make.numbered(ids.next())).await?;
        if status != 201 {
            return Err(format!("a rule was answered with {status}").into());
        }
    }
    let mut requests = vec![];
    while let Some(seen) = connections.join_next().await {
        requests.extend(seen??);
    }
    for server in servers {
        server.stop().await?;
    }
    cluster.remove(database.name()?).await?;
    let longest = |change: &Instant| {
        let near = requests.iter().filter(|[from, to]| *from < *change + AROUND && *to > *change);
        near.map(|[from, to]| *to - *from).max().unwrap_or_default()
    };
    Ok(changes.iter().map(longest).collect())
}

/// Registers commands that rules might decide, and confirms them; gives when each request began and ended.
async fn keep_busy(target: Target, ids: Arc<Ids>, until: Instant) -> Result<Vec<[Instant; 2]>> {
    let mut connection = Connection::open(target.server).await?;
    let mut register = Request::register_command(&ids, &target.agent, rules::TOOL, rules::COMMAND);
    let mut confirm = Request::confirm(&ids, &target.approver);
    let mut seen = vec![];
    while Instant::now() < until {
        let number = ids.next();
        for (request, wanted) in [(&mut register, 201), (&mut confirm, 200)] {
            let from = Instant::now();
            let status = connection.exchange(request.numbered(number)).await?;
            seen.push([from, Instant::now()]);
            if status != wanted {
                return Err(format!("a request was answered with {status} instead of {wanted}").into());
            }
        }
    }
    Ok(seen)
}
