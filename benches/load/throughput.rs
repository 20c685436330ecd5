//! Countersign, the naive variant, the echo and a peer, where one is named, under the same load, at every number of connections,
//! and the disk alone.
//! Each run starts with a new database, and all of them take turns, so that no one has the machine's better minutes.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Result;
use crate::disk;
use crate::drive::{Measured, Target, drive};
use crate::plan::{Pace, Plan};
use crate::process::{Database, Server, Site};
use crate::requests::Wire;
use crate::run::progress;

pub(crate) struct Throughput {
    pub(crate) levels: Vec<Level>,
    /// Pairs per second of each round.
    pub(crate) disk: Vec<f64>,
}

/// What was measured with one number of connections: a run of each for every round.
pub(crate) struct Level {
    pub(crate) connections: usize,
    pub(crate) countersign: Vec<Measured>,
    /// What a request costs countersign of all cores together, in each round.
    pub(crate) worked: Vec<Duration>,
    pub(crate) naive: Vec<Measured>,
    pub(crate) echo: Vec<Measured>,
    /// Nothing where none is named.
    pub(crate) peer: Vec<Measured>,
}

impl Level {
    /// Each server that was measured, with its runs.
    pub(crate) fn servers(&self) -> impl Iterator<Item = (&'static str, &[Measured])> {
        let servers: [(&str, &[Measured]); 4] =
            [("countersign", &self.countersign), ("naive", &self.naive), ("echo", &self.echo), ("peer", &self.peer)];
        servers.into_iter().filter(|(_, runs)| !runs.is_empty())
    }
}

pub(crate) async fn measure(site: &Site, plan: &Plan, peer: Option<SocketAddr>) -> Result<Throughput> {
    let level = |connections: &usize| Level {
        connections: *connections,
        countersign: vec![],
        worked: vec![],
        naive: vec![],
        echo: vec![],
        peer: vec![],
    };
    let mut levels: Vec<Level> = plan.levels.iter().map(level).collect();
    let mut disk = Vec::new();
    for round in 1..=plan.rounds {
        for level in &mut levels {
            progress(&format!("throughput, round {round} of {}, {} connections", plan.rounds, level.connections))?;
            let (measured, worked) = countersign(site, level.connections, plan.pace).await?;
            level.countersign.push(measured);
            level.worked.push(worked);
            level.naive.push(naive(site, level.connections, plan.pace).await?);
            level.echo.push(echo(site, level.connections, plan.pace).await?);
            if let Some(peer) = peer {
                let target = Target::without_tokens(peer, Wire::Promises);
                level.peer.push(drive(&target, level.connections, plan.pace).await?);
            }
        }
        disk.push(disk_alone(site, plan.pace).await?);
    }
    Ok(Throughput { levels, disk })
}

/// On a new database; also what a request has cost the server.
pub(crate) async fn countersign(site: &Site, connections: usize, pace: Pace) -> Result<(Measured, Duration)> {
    let database = site.database()?;
    let server = site.countersign(&database).await?;
    loaded(&server, &database, connections, pace).await
}

/// Loads a server; also what a request has cost it.
pub(crate) async fn loaded(
    server: &Server,
    database: &Database,
    connections: usize,
    pace: Pace,
) -> Result<(Measured, Duration)> {
    let before = server.worked()?;
    let measured = drive(&database.target(server), connections, pace).await?;
    let worked = (server.worked()? - before) / measured.exchanged.max(1);
    Ok((measured, worked))
}

async fn naive(site: &Site, connections: usize, pace: Pace) -> Result<Measured> {
    let room = site.room()?;
    let server = site.naive(room.path()).await?;
    drive(&Target::without_tokens(server.address, Wire::Interactions), connections, pace).await
}

async fn echo(site: &Site, connections: usize, pace: Pace) -> Result<Measured> {
    let room = site.room()?;
    let server = site.echo(room.path()).await?;
    drive(&Target::without_tokens(server.address, Wire::Interactions), connections, pace).await
}

async fn disk_alone(site: &Site, pace: Pace) -> Result<f64> {
    let room = site.room()?;
    let db = room.path().join("disk.db");
    tokio::task::spawn_blocking(move || disk::measure(&db, pace)).await?
}
