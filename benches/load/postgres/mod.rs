//! Servers on PostgreSQL: one beside what PostgreSQL does by itself and beside SQLite, several that share one database, and one on a
//! primary whose every commit waits for a standby. Everything that is compared is measured in turn, round after round.
//!
//! [`cluster`] starts and removes PostgreSQL; [`pgbench`], [`servers`] and [`between`] are the measurements; [`figures`] says what
//! follows from them, and [`report`] prints it and keeps it.

mod between;
mod cluster;
mod figures;
mod pgbench;
mod report;
mod servers;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use self::cluster::Cluster;
use self::pgbench::Sent;
pub(crate) use self::report::Report;
use self::servers::{One, Several};
use crate::drive::Measured;
use crate::plan::{Plan, TARGET_CONNECTIONS};
use crate::process::Site;
use crate::run::progress;
use crate::waiters::Waiters;
use crate::{Result, RunArguments};

/// The numbers of connections at which several servers are held against one.
const SHARED: [usize; 2] = [TARGET_CONNECTIONS, 256];
/// How many servers are several.
const SERVERS: [usize; 2] = [2, 3];

/// What one round brought.
struct Round {
    levels: Vec<Level>,
    /// Two and three servers that each have as many connections as one has.
    full: [Several; 2],
    /// One server on a primary with a standby.
    standby: One,
    /// Statements that one server sends for a write.
    statements: f64,
    waiters: Waiters,
    /// Transactions a second of a server that nobody asks anything.
    idle: f64,
    /// The longest request around each rule that another server makes, with ten thousand rules and with none.
    changes: [Vec<Duration>; 2],
}

/// What was measured with one number of connections.
struct Level {
    connections: usize,
    /// Writes per second of pgbench, in one statement each and between BEGIN and COMMIT.
    statement: f64,
    transaction: f64,
    one: One,
    /// The same server on SQLite, and its work for a request.
    sqlite: (Measured, Duration),
    /// Two and three servers that share as many connections, at the numbers in [`SHARED`].
    several: Option<[Several; 2]>,
}

/// After how long so many rounds are given up: a round takes some four minutes, and a busy machine more.
pub(crate) fn longest(rounds: usize) -> Result<Duration> {
    const ROUND: Duration = Duration::from_secs(15 * 60);
    Ok(ROUND * u32::try_from(rounds)?)
}

/// Starts PostgreSQL twice, once with a standby, and measures.
pub(crate) async fn measure(arguments: &RunArguments, plan: &Plan) -> Result<Report> {
    let site = Site::new(arguments)?;
    let folder = tempfile::Builder::new().prefix("pg-").tempdir_in(arguments.parent()?)?;
    // PostgreSQL does not run as root: whoever it runs as has to pass through.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    progress("starting PostgreSQL, and another with a standby")?;
    let alone = Cluster::alone(folder.path().join("alone")).await?;
    let paired = Cluster::with_standby(folder.path().join("paired")).await?;
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        let place = Place { site: &site, alone: &alone, paired: &paired, plan };
        rounds.push(place.round(&format!("round {number} of {}", plan.rounds)).await?);
    }
    Ok(Report { version: alone.version.clone(), rounds })
}

/// Where a round takes place.
struct Place<'p> {
    site: &'p Site,
    alone: &'p Cluster,
    paired: &'p Cluster,
    plan: &'p Plan,
}

impl Place<'_> {
    async fn round(&self, name: &str) -> Result<Round> {
        let Self { site, alone, paired, plan } = *self;
        let mut levels = Vec::with_capacity(plan.levels.len());
        for &connections in plan.levels {
            progress(&format!("{name}, {connections} connections"))?;
            levels.push(self.level(connections).await?);
        }
        progress(&format!("{name}, a standby"))?;
        let standby = servers::one(site, paired, TARGET_CONNECTIONS, plan.pace).await?;
        progress(&format!("{name}, counting statements"))?;
        let statements = servers::statements(site, alone, TARGET_CONNECTIONS, plan.pace).await?;
        progress(&format!("{name}, full queues"))?;
        let full =
            [self.several(SERVERS[0], TARGET_CONNECTIONS).await?, self.several(SERVERS[1], TARGET_CONNECTIONS).await?];
        progress(&format!("{name}, waiters at another server"))?;
        let waiters = between::waiters(site, alone, plan).await?;
        progress(&format!("{name}, an idle server"))?;
        let idle = between::idle(site, alone, plan.idle).await?;
        progress(&format!("{name}, rules that another server makes"))?;
        let [with, without] = [
            between::changes(site, alone, true, plan.rule_changes).await?,
            between::changes(site, alone, false, plan.rule_changes).await?,
        ];
        Ok(Round { levels, full, standby, statements, waiters, idle, changes: [with, without] })
    }

    async fn level(&self, connections: usize) -> Result<Level> {
        let Self { site, alone, plan, .. } = *self;
        let by_itself =
            async |sent| pgbench::measure(site, alone, sent, connections, plan.pace.warm_up + plan.pace.window).await;
        let sqlite = servers::on_sqlite(site, connections, plan.pace).await?;
        let transaction = by_itself(Sent::Transaction).await?;
        let statement = by_itself(Sent::OneStatement).await?;
        let one = servers::one(site, alone, connections, plan.pace).await?;
        let several = if SHARED.contains(&connections) {
            let [two, three] = SERVERS.map(|servers| (servers, connections / servers));
            Some([self.several(two.0, two.1).await?, self.several(three.0, three.1).await?])
        } else {
            None
        };
        Ok(Level { connections, statement, transaction, one, sqlite, several })
    }

    /// So many servers with so many connections each.
    async fn several(&self, servers: usize, each: usize) -> Result<Several> {
        servers::several(self.site, self.alone, &vec![each; servers], self.plan.pace).await
    }
}
