//! Connections to PostgreSQL, each with the settings that the store relies on.

use std::sync::Arc;

use tokio_postgres::{Client, Config, NoTls};

use super::error::store_error;
use crate::store::OpenError;

/// The schema that everything is in.
pub(super) const SCHEMA: &str = "countersign";

/// What every connection is set to, whatever the defaults of the database are. A commit is on the disk, and on the standbys that the
/// primary waits for, before it is told of.
const SETTINGS: &str = "SET search_path = countersign; SET synchronous_commit = on; SET standard_conforming_strings = on; \
     SET TimeZone = 'UTC'; SET client_min_messages = warning";

/// Opens a connection.
pub(super) async fn connect(config: &Config) -> Result<Client, OpenError> {
    let (client, connection) = config.connect(NoTls).await.map_err(|error| OpenError::NoServer(Arc::new(error)))?;
    tokio::spawn(async move {
        // Whoever uses the client is told as well.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the database has ended");
        }
    });
    client.batch_execute(SETTINGS).await.map_err(store_error)?;
    Ok(client)
}
