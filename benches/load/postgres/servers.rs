//! One server on a database of PostgreSQL, with what it costs; and several that share one.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::cluster::Cluster;
use crate::drive::{Measured, drive};
use crate::plan::Pace;
use crate::process::{Database, Server, Site};
use crate::{Result, throughput};

/// No server refuses what one agent and one approver send on so many connections: that is not what is measured here.
const NO_END: &[&str] = &["--max-in-flight", "1024", "--max-in-flight-per-principal", "1024"];

/// One server under load.
pub(super) struct One {
    pub(super) measured: Measured,
    /// What a request costs it, on all cores together.
    pub(super) worked: Duration,
    /// What a write costs the process of PostgreSQL that serves its writer.
    pub(super) backend_worked: Duration,
    /// Groups that it has committed, by its own count, and what they held.
    pub(super) turns_per_write: f64,
    /// Everything that was committed in the database, the reading and ringing, too.
    pub(super) transactions_per_write: f64,
    pub(super) wal_syncs_per_write: f64,
    pub(super) wal_bytes_per_write: f64,
}

/// Several at once, each with its own connections.
pub(super) struct Several {
    each: Vec<Measured>,
}

impl Several {
    /// Of all together.
    pub(super) fn pairs_per_second(&self) -> f64 {
        self.rates().sum()
    }

    /// The smallest share over the greatest.
    pub(super) fn evenness(&self) -> f64 {
        self.rates().fold(f64::INFINITY, f64::min) / self.rates().fold(0.0, f64::max)
    }

    /// Of a request to the server where it is longest.
    pub(super) fn p99(&self) -> Duration {
        self.each.iter().map(|measured| measured.request.p99).max().unwrap_or_default()
    }

    pub(super) fn refused(&self) -> usize {
        self.each.iter().map(|measured| measured.refused).sum()
    }

    fn rates(&self) -> impl Iterator<Item = f64> {
        self.each.iter().map(|measured| measured.pairs_per_second)
    }
}

/// Loads one server on a new database.
pub(super) async fn one(site: &Site, cluster: &Cluster, connections: usize, pace: Pace) -> Result<One> {
    let database = cluster.database(site).await?;
    let before = cluster.counters(&database).await?;
    let server = site.countersign_with(&database, NO_END).await?;
    let rested = cluster.worked(&database).await?;
    let (measured, worked) = throughput::loaded(&server, &database, connections, pace).await?;
    let loaded = cluster.worked(&database).await?;
    let (_, backend_worked) = busiest(&rested, &loaded).ok_or("PostgreSQL serves nobody")?;
    let turns = turns(&server, &database.approver).await?;
    server.stop().await?;
    let after = cluster.counters(&database).await?;
    cluster.remove(database.name()?).await?;
    let writes = f64::from(measured.exchanged.max(1));
    Ok(One {
        worked,
        backend_worked: backend_worked.div_f64(writes),
        turns_per_write: turns / writes,
        transactions_per_write: (after.transactions - before.transactions) / writes,
        wal_syncs_per_write: (after.wal_syncs - before.wal_syncs) / writes,
        wal_bytes_per_write: (after.wal_bytes - before.wal_bytes) / writes,
        measured,
    })
}

/// The process that serves the writer, which has worked most meanwhile, and for how long.
fn busiest(before: &HashMap<u32, Duration>, after: &HashMap<u32, Duration>) -> Option<(u32, Duration)> {
    let since =
        after.iter().map(|(process, time)| (*process, *time - before.get(process).copied().unwrap_or_default()));
    since.max_by_key(|(_, worked)| *worked)
}

/// How many statements the writer sends for a write, which PostgreSQL writes to its log in a stretch for that alone.
pub(super) async fn statements(site: &Site, cluster: &Cluster, connections: usize, pace: Pace) -> Result<f64> {
    let database = cluster.database(site).await?;
    cluster.log_statements(&database).await?;
    let server = site.countersign_with(&database, NO_END).await?;
    let measured = drive(&database.target(&server), connections, pace).await?;
    let processes = cluster.worked(&database).await?;
    server.stop().await?;
    let (writer, _) = busiest(&HashMap::new(), &processes).ok_or("PostgreSQL serves nobody")?;
    let statements = u32::try_from(cluster.logged(writer)?)?;
    cluster.remove(database.name()?).await?;
    Ok(f64::from(statements) / f64::from(measured.exchanged.max(1)))
}

/// How many groups a server has committed, as it says itself.
async fn turns(server: &Server, token: &str) -> Result<f64> {
    let (address, bearer) = (server.address, format!("Bearer {token}"));
    let metrics = tokio::task::spawn_blocking(move || {
        let asked = ureq::get(format!("http://{address}/metrics")).header("Authorization", bearer);
        asked.call()?.body_mut().read_to_string()
    });
    let metrics = metrics.await??;
    let count = metrics.lines().find_map(|line| line.strip_prefix("countersign_commit_group_size_count "));
    Ok(count.ok_or("the metrics say nothing of groups")?.trim().parse()?)
}

/// The same load on a file of SQLite.
pub(super) async fn on_sqlite(site: &Site, connections: usize, pace: Pace) -> Result<(Measured, Duration)> {
    let database = site.database()?;
    let server = site.countersign_with(&database, NO_END).await?;
    throughput::loaded(&server, &database, connections, pace).await
}

/// Loads several servers on one new database, each with so many connections.
pub(super) async fn several(site: &Site, cluster: &Cluster, connections: &[usize], pace: Pace) -> Result<Several> {
    let database = cluster.database(site).await?;
    let servers = start(site, &database, connections.len()).await?;
    let targets = servers.iter().map(|server| database.target(server)).collect::<Vec<_>>();
    let loads = targets.iter().zip(connections).map(|(target, connections)| drive(target, *connections, pace));
    let each = try_join_all(loads).await?;
    for server in servers {
        server.stop().await?;
    }
    cluster.remove(database.name()?).await?;
    Ok(Several { each })
}

/// Starts so many on one database.
pub(super) async fn start(site: &Site, database: &Database, servers: usize) -> Result<Vec<Server>> {
    let mut started = Vec::with_capacity(servers);
    for _ in 0..servers {
        started.push(site.countersign_with(database, NO_END).await?);
    }
    Ok(started)
}
