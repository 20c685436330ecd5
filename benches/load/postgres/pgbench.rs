//! What PostgreSQL does by itself with as many clients: pgbench changes a row by its key, in one statement or between BEGIN and
//! COMMIT.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::cluster::{Cluster, connect};
use crate::Result;
use crate::process::Site;

/// Rows of the table.
const ROWS: u32 = 100_000;

/// Connecting takes of the time as well: where it takes all, more time is given, up to this.
const LONGEST_TIME: Duration = Duration::from_secs(60);

/// What is sent for a write.
#[derive(Clone, Copy)]
pub(super) enum Sent {
    OneStatement,
    Transaction,
}

impl Sent {
    fn script(self) -> String {
        let (begin, commit) = match self {
            Self::OneStatement => ("", ""),
            Self::Transaction => ("BEGIN;\n", "COMMIT;\n"),
        };
        format!("\\set id random(1, {ROWS})\n{begin}UPDATE counters SET number = number + 1 WHERE id = :id;\n{commit}")
    }
}

/// Transactions per second, over a time that is rounded up to seconds.
pub(super) async fn measure(site: &Site, cluster: &Cluster, sent: Sent, clients: usize, time: Duration) -> Result<f64> {
    let (name, url) = cluster.make().await?;
    connect(&url)
        .await?
        .batch_execute(&format!(
            "CREATE TABLE counters (id int PRIMARY KEY, number int NOT NULL);
             INSERT INTO counters SELECT id, 0 FROM generate_series(1, {ROWS}) AS id;"
        ))
        .await?;
    connect(&url).await?.batch_execute("VACUUM ANALYZE counters").await?;
    let room = site.room()?;
    let script = room.path().join("write.sql");
    std::fs::write(&script, sent.script())?;
    let mut given = time;
    let rate = loop {
        if let Some(rate) = run(cluster, &script, clients, given, &url).await? {
            break rate;
        }
        given *= 2;
        if given > LONGEST_TIME {
            return Err("pgbench has made no transaction in its time".into());
        }
    };
    cluster.remove(&name).await?;
    Ok(rate)
}

/// Nothing where there was no time for any transaction.
async fn run(cluster: &Cluster, script: &Path, clients: usize, time: Duration, url: &str) -> Result<Option<f64>> {
    let threads = clients.min(std::thread::available_parallelism().map_or(1, usize::from));
    let mut command = cluster.program("pgbench");
    command.args(["--no-vacuum", "--protocol=prepared", "--file"]).arg(script);
    command.arg(format!("--client={clients}")).arg(format!("--jobs={threads}"));
    command.arg(format!("--time={}", time.as_millis().div_ceil(1_000))).arg(url);
    let output =
        tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()).await??;
    if !output.status.success() {
        return Err(format!("pgbench ended with {}", output.status).into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let rate = printed.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next());
    Ok(rate.map(str::parse).transpose()?)
}
