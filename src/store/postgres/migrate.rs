//! Bringing a schema up to date: by one process at a time, and only while nothing is served from it.

use std::sync::Arc;

use tokio_postgres::Client;

use super::connect::{Alone, Connection, Connector, SCHEMA};
use super::error::store_error;
use crate::store::OpenError;

mod embedded {
    refinery::embed_migrations!("migrations/postgres");
}

/// The lock under which the schema is made and changed.
const MIGRATING: i64 = 0x6373_676e_0002;

/// Where refinery keeps the versions that were applied.
const VERSIONS: &str = "countersign.refinery_schema_history";

/// The last version that this program knows.
fn known_version() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(|it| i64::from(it.version())).max().unwrap_or(0)
}

/// The version of the schema; `None` where there is none.
pub(super) async fn version(client: &Client) -> Result<Option<i64>, OpenError> {
    let there = format!("SELECT to_regclass('{VERSIONS}') IS NOT NULL");
    if !client.query_one(&there, &[]).await.map_err(store_error)?.get::<_, bool>(0) {
        return Ok(None);
    }
    let version = format!("SELECT max(version)::bigint FROM {VERSIONS}");
    Ok(client.query_one(&version, &[]).await.map_err(store_error)?.get(0))
}

/// Checks that the schema is there, and that of this program.
pub(super) async fn check(client: &Client, connector: &Connector) -> Result<(), OpenError> {
    let (database, known) = (connector.shown().to_owned(), known_version());
    match version(client).await? {
        None => Err(OpenError::NoSchema(database)),
        Some(found) if found > known => {
            Err(OpenError::OtherSchema { database, found, known, advice: "use the newer program" })
        }
        Some(found) if found < known => {
            Err(OpenError::OtherSchema { database, found, known, advice: "start a server of this version on it first" })
        }
        Some(_) => Ok(()),
    }
}

/// Makes the schema where there is none, and applies what it lacks, for which all servers have to be stopped.
pub(super) async fn migrate(connection: &mut Connection, connector: &Connector) -> Result<(), OpenError> {
    let client = &connection.client;
    client.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATING})")).await.map_err(store_error)?;
    let found = version(client).await?;
    if found.is_some_and(|found| found < known_version()) {
        connection.keep_away(Alone::Yes, connector).await?;
    }
    if found.is_none_or(|found| found < known_version()) {
        client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}")).await.map_err(store_error)?;
        let runner = embedded::migrations::runner().set_grouped(true);
        let migrated = runner.run_async(&mut connection.client).await;
        migrated.map_err(|error| OpenError::Migration(Arc::new(error)))?;
    }
    // The connection goes on as one of many: what kept servers away is given up with the lock of the migration.
    connection.client.batch_execute("SELECT pg_advisory_unlock_all()").await.map_err(store_error)?;
    check(&connection.client, connector).await
}
