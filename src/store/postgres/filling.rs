//! Filling a database in which there is nothing yet.

use std::iter;
use std::result::Result as StdResult;

use super::connect::{Alone, Connector, SCHEMA};
use super::direct::{Session, threads};
use super::error::store_error;
use super::migrate::{check, migrate, version};
use super::probe::probe;
use crate::config::PostgresUrl;
use crate::store::direct::Filled;
use crate::store::doctor::{invariants, signatures};
use crate::store::moving::{MovingError, is_empty, sound};
use crate::store::sql::Sql;
use crate::store::{OpenError, ReadTx, Result, Step};

/// It takes as long as it takes, while nobody else can write.
const WITHOUT_LIMIT: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL lock_timeout = 0; SET LOCAL work_mem = '256MB'";

/// What of ours was in a database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Not even the schema.
    Nothing,
    /// The schema, which may have tables.
    Schema,
}

impl Session {
    /// Has `fill` put into the database what belongs there, in one transaction, while servers are kept away. The tables are made where
    /// there are none, and what was made is removed again where it fails.
    ///
    /// # Errors
    ///
    /// The error of `fill`, or if the database cannot be written or servers use it.
    pub(in crate::store) fn fill_empty<T>(
        url: &PostgresUrl,
        fill: impl FnOnce(Sql<'_>) -> StdResult<T, MovingError>,
        progress: &dyn Fn(Step<'_>),
    ) -> StdResult<Filled<T>, MovingError> {
        let (session, before) = Self::to_be_filled(url)?;
        let filled = session.filled(fill, progress);
        if filled.is_err() && before == Before::Nothing {
            // Why it failed is what matters; an empty schema is filled by the next attempt.
            let _ = session.remove_empty();
        }
        filled
    }

    fn to_be_filled(url: &PostgresUrl) -> StdResult<(Self, Before), OpenError> {
        let runtime = threads()?;
        let connector = Connector::new(url)?;
        let (connection, before) = runtime.block_on(async {
            let mut connection = connector.connect().await?;
            probe(&connection, &connector).await?;
            let there = format!("SELECT to_regnamespace('{SCHEMA}') IS NOT NULL");
            let there = connection.client.query_one(&there, &[]).await.map_err(store_error)?;
            let before = if there.get(0) { Before::Schema } else { Before::Nothing };
            if version(&connection.client, &connector).await?.is_none() {
                migrate(&mut connection, &connector).await?;
            }
            // What an earlier version has made is none of ours to bring up to date.
            check(&connection.client, &connector).await?;
            connection.keep_away(Alone::Yes, &connector).await?;
            Ok::<_, OpenError>((connection, before))
        })?;
        Ok((Self::new(connection, &connector, runtime), before))
    }

    /// Its constraints have seen each row as it came: what is left to examine is what the tables say of each other.
    fn filled<T>(
        &self,
        fill: impl FnOnce(Sql<'_>) -> StdResult<T, MovingError>,
        progress: &dyn Fn(Step<'_>),
    ) -> StdResult<Filled<T>, MovingError> {
        self.writing.begin(None, &[])?;
        self.writing.run(WITHOUT_LIMIT)?;
        let sql = self.sql();
        let filled = fill(sql).and_then(|done| {
            let signatures = iter::once_with(|| signatures(&ReadTx::new(sql), progress));
            Ok(Filled { done, warnings: sound(invariants(sql, progress).chain(signatures))? })
        });
        match filled {
            Ok(filled) => {
                self.commit()?;
                Ok(filled)
            }
            Err(error) => {
                self.writing.roll_back()?;
                Err(error)
            }
        }
    }

    /// Removes the schema, unless a command has put something into it meanwhile.
    fn remove_empty(&self) -> Result<()> {
        self.writing.begin(None, &[])?;
        if is_empty(self.sql())? {
            self.writing.run(&format!("DROP SCHEMA {SCHEMA} CASCADE"))?;
        }
        self.commit()
    }
}
