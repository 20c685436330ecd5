//! Bringing a schema up to date: by one process at a time, and only while nothing is served from it.

use std::sync::Arc;

use tokio_postgres::Client;

use super::connect::SCHEMA;
use super::error::store_error;
use crate::store::OpenError;

mod embedded {
    refinery::embed_migrations!("migrations/postgres");
}

/// The lock under which the schema is made and changed.
const MIGRATING: i64 = 0x6373_676e_0002;

/// Makes the schema where there is none, and applies what it lacks.
pub(super) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    let lock = format!("SELECT pg_advisory_lock({MIGRATING}); CREATE SCHEMA IF NOT EXISTS {SCHEMA}");
    client.batch_execute(&lock).await.map_err(store_error)?;
    let migrated = embedded::migrations::runner().set_grouped(true).run_async(client).await;
    client.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATING})")).await.map_err(store_error)?;
    migrated.map(drop).map_err(|error| OpenError::Migration(Arc::new(error)))
}
