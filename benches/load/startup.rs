//! How soon a server with a long past answers: from exec, after a clean stop and after a kill in the middle of load.

use std::time::{Duration, Instant};

use crate::Result;
use crate::client::Connection;
use crate::drive::drive;
use crate::plan::{Pace, Plan, TARGET_CONNECTIONS};
use crate::process::{Database, Server, Site};
use crate::requests::get;
use crate::run::progress;

/// How long a server is loaded before it is killed: enough for a WAL of some length.
const LOAD_BEFORE_KILL: Duration = Duration::from_secs(1);

/// A start for each number, in turn.
pub(crate) struct Startup {
    pub(crate) after_stop: Vec<FirstAnswers>,
    pub(crate) after_kill: Vec<FirstAnswers>,
}

/// Since exec.
#[derive(Clone, Copy)]
pub(crate) struct FirstAnswers {
    /// `GET /healthz`.
    pub(crate) alive: Duration,
    /// A listing with a token, right after it: this one has read the database.
    pub(crate) authenticated: Duration,
}

pub(crate) async fn measure(site: &Site, plan: &Plan, database: &Database) -> Result<Startup> {
    let mut startup = Startup { after_stop: vec![], after_kill: vec![] };
    for start in 1..=plan.starts {
        progress(&format!("start {start} of {}", plan.starts))?;
        let server = site.countersign(database).await?;
        server.stop().await?;
        let (server, answers) = start_and_ask(site, database).await?;
        startup.after_stop.push(answers);
        kill_in_the_middle(server, database).await?;
        let (server, answers) = start_and_ask(site, database).await?;
        startup.after_kill.push(answers);
        server.stop().await?;
    }
    Ok(startup)
}

async fn start_and_ask(site: &Site, database: &Database) -> Result<(Server, FirstAnswers)> {
    let server = site.countersign(database).await?;
    let mut connection = Connection::open(server.address).await?;
    let alive = connection.exchange(&get("/healthz", None)).await?;
    let alive_at = Instant::now();
    let listed = connection.exchange(&get("/v1/interactions?limit=1", Some(&database.approver))).await?;
    let listed_at = Instant::now();
    if (alive, listed) != (200, 200) {
        return Err(format!("the first answers were {alive} and {listed}").into());
    }
    let answers = FirstAnswers { alive: alive_at - server.started, authenticated: listed_at - server.started };
    Ok((server, answers))
}

async fn kill_in_the_middle(server: Server, database: &Database) -> Result<()> {
    let target = database.target(&server);
    let endless = Pace { warm_up: LOAD_BEFORE_KILL * 10, window: Duration::ZERO };
    tokio::select! {
        early = drive(&target, TARGET_CONNECTIONS, endless) => return early.map(|_| ()),
        () = tokio::time::sleep(LOAD_BEFORE_KILL) => {}
    }
    server.kill();
    Ok(())
}
