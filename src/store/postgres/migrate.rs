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

/// The text of all migrations.
pub(super) fn texts() -> String {
    let runner = embedded::migrations::runner();
    runner.get_migrations().iter().filter_map(|it| it.sql()).collect::<Vec<_>>().join("\n")
}

/// Their names and checksums, in order.
pub(super) fn names() -> Vec<String> {
    let runner = embedded::migrations::runner();
    let names = runner.get_migrations().iter().map(|it| format!("V{} {} {}", it.version(), it.name(), it.checksum()));
    names.collect()
}

/// The version of the schema; `None` where there is none.
async fn version(client: &Client, connector: &Connector) -> Result<Option<i64>, OpenError> {
    let may = format!(
        "SELECT current_user::text, CASE WHEN to_regnamespace('{SCHEMA}') IS NOT NULL THEN has_schema_privilege('{SCHEMA}', 'USAGE') END"
    );
    let may = client.query_one(&may, &[]).await.map_err(store_error)?;
    let (role, may): (String, Option<bool>) = (may.get(0), may.get(1));
    let no_rights = || connector.unfit(format!("the role {role} has no rights on the schema {SCHEMA}: run roles.sql"));
    match may {
        None => return Ok(None),
        Some(false) => return Err(no_rights()),
        Some(true) => {}
    }
    let may = format!("SELECT has_table_privilege(to_regclass('{VERSIONS}')::oid, 'SELECT')");
    match client.query_one(&may, &[]).await.map_err(store_error)?.get(0) {
        None => return Ok(None),
        Some(false) => return Err(no_rights()),
        Some(true) => {}
    }
    let version = format!("SELECT max(version)::bigint FROM {VERSIONS}");
    Ok(client.query_one(&version, &[]).await.map_err(store_error)?.get(0))
}

/// Makes the schema where there is none; that the role may change what is in it.
async fn make_schema(client: &Client, connector: &Connector, found: Option<i64>) -> Result<(), OpenError> {
    let may = format!(
        "SELECT current_user::text, has_database_privilege(current_database(), 'CREATE'), n.nspname IS NOT NULL, \
         pg_has_role(n.nspowner, 'USAGE'), pg_get_userbyid(n.nspowner)::text \
         FROM (SELECT) AS one LEFT JOIN pg_namespace AS n ON n.nspname = '{SCHEMA}'"
    );
    let row = client.query_one(&may, &[]).await.map_err(store_error)?;
    let (role, may_make, is_there): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if !is_there {
        let advice = "as an administrator, GRANT CREATE ON DATABASE to it, or start a server once as a role that may";
        let why =
            || connector.unfit(format!("there is no countersign in it, and the role {role} may not make it: {advice}"));
        if !may_make {
            return Err(why());
        }
        return Ok(client.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await.map_err(store_error)?);
    }
    if row.get::<_, Option<bool>>(3) == Some(true) {
        return Ok(());
    }
    let owner: String = row.get(4);
    let advice = format!("stop all servers, and start one of this version as {owner} once");
    Err(connector.unfit(match found {
        None => format!("the schema {SCHEMA} in it is empty, and is of {owner}, not of {role}: {advice}"),
        Some(_) => {
            format!("its schema has to be brought up to date, which {role} may not, since it is of {owner}: {advice}")
        }
    }))
}

/// Checks that the schema is there, and that of this program.
pub(super) async fn check(client: &Client, connector: &Connector) -> Result<(), OpenError> {
    let (database, known) = (connector.shown().to_owned(), known_version());
    match version(client, connector).await? {
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
    let found = version(client, connector).await?;
    if found.is_some_and(|found| found < known_version()) {
        connection.keep_away(Alone::Yes, connector).await?;
    }
    if found.is_none_or(|found| found < known_version()) {
        make_schema(client, connector, found).await?;
        let runner = embedded::migrations::runner().set_grouped(true);
        let migrated = runner.run_async(&mut connection.client).await;
        migrated.map_err(|error| OpenError::Migration(Arc::new(error)))?;
    }
    // The connection goes on as one of many: what kept servers away is given up with the lock of the migration.
    connection.client.batch_execute("SELECT pg_advisory_unlock_all()").await.map_err(store_error)?;
    check(&connection.client, connector).await
}
