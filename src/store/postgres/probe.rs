//! What a server is checked for before anything is kept in it: what it does counts, and not what it says that it is.

use std::fmt;

use tokio_postgres::{Client, Row};

use super::connect::{Connection, Connector};
use super::error::{POOLED, store_error};
use super::grants;
use crate::store::OpenError;

/// The first version whose words the schema and the statements use.
const OLDEST: i32 = 14_00_00;

/// How often a connection is looked at for whether it stays the same.
const LOOKS: usize = 3;

/// What a commit waits for beside the primary's own disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replication {
    /// So many standbys have it, too.
    Standbys(u32),
    /// Nothing else.
    None,
    /// A managed service replicates below PostgreSQL, or not at all.
    Unknown,
}

impl fmt::Display for Replication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standbys(1) => write!(f, "commits wait for 1 standby"),
            Self::Standbys(number) => write!(f, "commits wait for {number} standbys"),
            Self::None => write!(f, "commits wait for no standby: a failover may lose what was acknowledged"),
            Self::Unknown => {
                write!(f, "whether commits wait for a standby is not known: the provider of the database says it")
            }
        }
    }
}

/// Looks at the server by a connection and a second one.
pub(super) async fn probe(first: &Connection, connector: &Connector) -> Result<(), OpenError> {
    let first = &first.client;
    settings(first, connector).await?;
    // The whole connection: it ends with what carries its messages.
    let second = connector.connect().await?;
    is_one_session(first, &second.client, connector).await?;
    locks_out(first, &second.client, connector).await
}

/// The settings that everything else depends on.
async fn settings(client: &Client, connector: &Connector) -> Result<(), OpenError> {
    let settings = "SELECT current_setting('server_version_num')::integer, current_setting('server_version'), \
         current_setting('server_encoding'), pg_is_in_recovery()";
    let row = one(client, settings).await?;
    let (number, version, encoding): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
    if number < OLDEST {
        return Err(connector.unfit(format!("it is PostgreSQL {version}, and 14 or later is needed")));
    }
    if encoding != "UTF8" {
        let how = "make a new one with `createdb --encoding=UTF8 --template=template0`";
        return Err(connector.unfit(format!("its encoding is {encoding}, and UTF8 is needed: {how}")));
    }
    if row.get(3) {
        return Err(connector.unfit("it is a standby: name the primary"));
    }
    Ok(())
}

/// A connection has to be one session, whatever goes between: locks, prepared statements and notices belong to one.
async fn is_one_session(first: &Client, second: &Client, connector: &Connector) -> Result<(), OpenError> {
    let pooled = || connector.unfit(POOLED);
    let process = "SELECT pg_backend_pid()";
    let own = one(first, process).await?.get::<_, i32>(0);
    let key = random_key()?;
    let is_locked: bool = one(first, &format!("SELECT pg_try_advisory_lock({key})")).await?.get(0);
    for _ in 0..LOOKS {
        // A proxy that gives sessions away has given the one of the lock to somebody else, or does so now.
        second.batch_execute("BEGIN").await.map_err(|error| match error.as_db_error() {
            // One that gives each statement another session takes none that begins a transaction.
            Some(_) => pooled(),
            None => store_error(error).into(),
        })?;
        let other = one(second, process).await?.get::<_, i32>(0);
        let is_same = one(first, process).await?.get::<_, i32>(0) == own;
        second.batch_execute("ROLLBACK").await.map_err(store_error)?;
        if other == own || !is_same {
            return Err(pooled());
        }
    }
    let is_kept: bool = one(first, &format!("SELECT pg_advisory_unlock({key})")).await?.get(0);
    if is_locked && is_kept { Ok(()) } else { Err(pooled()) }
}

/// Of two that ask for one lock, one gets it, and the other gets it after. Some databases that speak as PostgreSQL does give it to both.
async fn locks_out(first: &Client, second: &Client, connector: &Connector) -> Result<(), OpenError> {
    let key = random_key()?;
    let ask = format!("SELECT pg_try_advisory_xact_lock({key})");
    first.batch_execute("BEGIN").await.map_err(store_error)?;
    second.batch_execute("BEGIN").await.map_err(store_error)?;
    let is_taken: bool = one(first, &ask).await?.get(0);
    let is_shared: bool = one(second, &ask).await?.get(0);
    first.batch_execute("ROLLBACK").await.map_err(store_error)?;
    let is_free: bool = one(second, &ask).await?.get(0);
    second.batch_execute("ROLLBACK").await.map_err(store_error)?;
    if is_taken && !is_shared && is_free {
        Ok(())
    } else {
        Err(connector
            .unfit("its advisory locks keep nobody out, so servers would overwrite each other: use PostgreSQL itself"))
    }
}

/// That the role may do what a server does.
pub(super) async fn may_serve(client: &Client, connector: &Connector) -> Result<(), OpenError> {
    let query = format!("SELECT * FROM ({}) AS missing LIMIT 3", grants::missing("current_user"));
    let missing = client.query(&query, &[]).await.map_err(store_error)?;
    let missing = missing.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>();
    if missing.is_empty() {
        return Ok(());
    }
    let role: String = one(client, "SELECT current_user::text").await?.get(0);
    let missing = missing.join(", ");
    Err(connector
        .unfit(format!("the role {role} lacks rights ({missing}): run roles.sql again, or serve as another role")))
}

/// What commits wait for, and whether somebody manages the database who may have other means.
pub(super) const REPLICATION: &str = "SELECT current_setting('synchronous_standby_names'), \
     EXISTS (SELECT FROM pg_roles WHERE rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'alloydbsuperuser'))";

/// Says what its commits wait for: loudly, where that is nothing.
pub(super) async fn tell_replication(client: &Client, connector: &Connector) -> Result<(), OpenError> {
    let replication = replication(client).await?;
    match replication {
        Replication::None => tracing::warn!(database = connector.shown(), "{replication}"),
        Replication::Standbys(_) | Replication::Unknown => {
            tracing::info!(database = connector.shown(), "{replication}");
        }
    }
    Ok(())
}

/// What its commits wait for.
async fn replication(client: &Client) -> Result<Replication, OpenError> {
    let row = one(client, REPLICATION).await?;
    Ok(replication_of(row.get(0), row.get(1)))
}

/// The same, as the row of that query says it.
pub(super) fn replication_of(names: &str, is_managed: bool) -> Replication {
    let names = names.trim();
    if names.is_empty() {
        return if is_managed { Replication::Unknown } else { Replication::None };
    }
    // `ANY 2 (…)`, `FIRST 2 (…)` or `2 (…)`; without a number it is one.
    let before = names.split_once('(').map_or("", |(before, _)| before);
    let number = before.split_whitespace().last().and_then(|number| number.parse().ok());
    Replication::Standbys(number.unwrap_or(1))
}

/// Says loudly what makes a commit less than it seems, which is the administrator's to decide.
pub(super) async fn warn(client: &Client, connector: &Connector) -> Result<(), OpenError> {
    let row = one(client, "SELECT current_setting('fsync'), current_setting('full_page_writes')").await?;
    for (number, name) in ["fsync", "full_page_writes"].into_iter().enumerate() {
        if row.get::<_, &str>(number) != "on" {
            tracing::warn!(
                database = connector.shown(),
                "{name} is off: a crash of the database's machine can lose or damage everything"
            );
        }
    }
    if connector.is_readable_underway() {
        tracing::warn!(
            database = connector.shown(),
            "the connection to the database is not encrypted (sslmode=disable): the network can read and change what goes over it"
        );
    }
    Ok(())
}

async fn one(client: &Client, query: &str) -> Result<Row, OpenError> {
    Ok(client.query_one(query, &[]).await.map_err(store_error)?)
}

/// A lock that nobody else asks for: servers start at the same time.
fn random_key() -> Result<i64, OpenError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(i64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_standbys_a_commit_waits_for() {
        for (names, number) in
            [("*", 1), ("a, b", 1), ("2 (a, b, c)", 2), ("ANY 2 (a, b)", 2), ("FIRST 3 (*)", 3), ("any 1(a)", 1)]
        {
            assert_eq!(replication_of(names, false), Replication::Standbys(number), "{names}");
        }
        assert_eq!(replication_of("", false), Replication::None);
        assert_eq!(replication_of(" ", true), Replication::Unknown);
    }
}
