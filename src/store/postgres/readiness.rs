//! Whether the database takes writes: asked on a connection of its own, for a commit waits for a standby as long as that is away, and
//! nothing else is to wait with it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::connect::{Connection, Connector};
use super::error::{store_error, unavailable};
use super::writing::WRITE_NOTHING;
use crate::store::{Error, Result};

/// For how long a write may be under way before the database counts as one that takes none.
const PATIENCE: Duration = Duration::from_secs(3);

/// What asks.
pub(super) struct Readiness {
    connector: Connector,
    /// `None` until somebody asks, and after a question that was not answered.
    connection: Mutex<Option<Connection>>,
}

impl Readiness {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, connection: Mutex::new(None) }
    }

    /// Makes the smallest write that lasts, in no turn. Who asks at the same time waits for the one before.
    pub(super) async fn probe(&self) -> Result<()> {
        let asked = async {
            let mut place = self.connection.lock().await;
            // Where this is given up, the connection goes with it.
            let connection = match place.take().filter(|connection| !connection.client.is_closed()) {
                Some(connection) => connection,
                None => self.connector.connect().await.map_err(unavailable)?,
            };
            connection.client.batch_execute(WRITE_NOTHING).await.map_err(store_error)?;
            *place = Some(connection);
            Ok(())
        };
        let silent = || Error::Unavailable(Arc::new(io::Error::other("a write was not done within three seconds")));
        tokio::time::timeout(PATIENCE, asked).await.map_err(|_| silent())?
    }
}
