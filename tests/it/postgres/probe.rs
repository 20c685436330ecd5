//! What a server does not start on.

use super::server::{Postgres, said};
use crate::harness::countersign;
use crate::harness::outside::refused;

#[test]
fn a_database_that_cannot_be_used_is_refused_in_a_sentence() {
    let Some(postgres) = Postgres::up() else { return };
    let refuses = |role: &str, database: &str, why: &str| {
        let said = refused(&mut postgres.serving(&postgres.url(role, database)));
        assert!(said.contains(why), "{said}");
    };
    refuses("postgres", "none", "database \"none\" does not exist: make it with `createdb`");
    refuses("nobody", "postgres", "role \"nobody\" does not exist");
    postgres.sql("postgres", "CREATE ROLE poor LOGIN");
    postgres.sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    refuses("postgres", "latin", "its encoding is LATIN1, and UTF8 is needed");
    refuses("poor", "postgres", "the role poor may not make it");
    for command in [&["token", "list"][..], &["doctor"], &["audit", "head"], &["rules", "export"]] {
        let said = refused(countersign().args(command).args(["--db", &postgres.url("postgres", "postgres")]));
        assert!(said.contains("the first start of `countersign serve` makes it"), "{said}");
    }
    let url = postgres.url("postgres", "postgres");
    said(countersign().args(["token", "create", "ada", "--role", "approver", "--db", &url]));
    refuses("poor", "postgres", "the role poor has no rights on the schema countersign: run roles.sql");
    postgres.sql(
        "postgres",
        "GRANT USAGE ON SCHEMA countersign TO poor; GRANT SELECT ON ALL TABLES IN SCHEMA countersign TO poor",
    );
    refuses("poor", "postgres", "lacks rights (INSERT on audit_events");
    postgres.sql(
        "postgres",
        "INSERT INTO countersign.refinery_schema_history SELECT 999, 'later', applied_on, checksum \
         FROM countersign.refinery_schema_history LIMIT 1",
    );
    refuses("postgres", "postgres", "has schema version 999");
    // What cannot write is no primary.
    postgres.again("-c default_transaction_read_only=on");
    refuses(
        "postgres",
        "postgres",
        "it takes no writes, since it is a standby or has default_transaction_read_only on: the primary is needed",
    );
}
