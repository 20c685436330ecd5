//! Countersign, the naive variant and the echo under the same load, at every number of connections, and the disk alone.
//! Each run starts with a new database, and all of them take turns, so that no one has the machine's better minutes.

use crate::Result;
use crate::disk;
use crate::drive::{Measured, drive};
use crate::plan::{Pace, Plan};
use crate::process::{Server, Site};
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
    pub(crate) naive: Vec<Measured>,
    pub(crate) echo: Vec<Measured>,
}

pub(crate) async fn measure(site: &Site, plan: &Plan) -> Result<Throughput> {
    let level =
        |connections: &usize| Level { connections: *connections, countersign: vec![], naive: vec![], echo: vec![] };
    let mut levels: Vec<Level> = plan.levels.iter().map(level).collect();
    let mut disk = Vec::new();
    for round in 1..=plan.rounds {
        for level in &mut levels {
            progress(&format!("throughput, round {round} of {}, {} connections", plan.rounds, level.connections))?;
            level.countersign.push(countersign(site, level.connections, plan.pace).await?);
            level.naive.push(naive(site, level.connections, plan.pace).await?);
            level.echo.push(echo(site, level.connections, plan.pace).await?);
        }
        disk.push(disk_alone(site, plan.pace).await?);
    }
    Ok(Throughput { levels, disk })
}

async fn countersign(site: &Site, connections: usize, pace: Pace) -> Result<Measured> {
    let database = site.database()?;
    let server = site.countersign(&database).await?;
    drive(&database.target(&server), connections, pace).await
}

async fn naive(site: &Site, connections: usize, pace: Pace) -> Result<Measured> {
    let room = site.room()?;
    let server = site.naive(room.path()).await?;
    without_tokens(&server, connections, pace).await
}

async fn echo(site: &Site, connections: usize, pace: Pace) -> Result<Measured> {
    let room = site.room()?;
    let server = site.echo(room.path()).await?;
    without_tokens(&server, connections, pace).await
}

/// Loads a server that checks no token: it still gets one, so that the requests are as long.
async fn without_tokens(server: &Server, connections: usize, pace: Pace) -> Result<Measured> {
    let token = "t".repeat(48);
    let target = crate::drive::Target { server: server.address, agent: token.clone(), approver: token };
    drive(&target, connections, pace).await
}

async fn disk_alone(site: &Site, pace: Pace) -> Result<f64> {
    let room = site.room()?;
    let db = room.path().join("disk.db");
    tokio::task::spawn_blocking(move || disk::measure(&db, pace)).await?
}
