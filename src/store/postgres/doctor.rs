//! Looks over a database of PostgreSQL. PostgreSQL enforces its constraints itself, for as long as they and the triggers are there and
//! nobody has gone around them: so that is what is checked, beside what the tables say of each other.

use std::collections::BTreeSet;

use super::direct::Session;
use super::grants::{self, OWNER, SERVER};
use super::migrate;
use super::probe::{REPLICATION, replication_of};
use crate::config::PostgresUrl;
use crate::store::doctor::{Checked, Examined, NAMED, Step, breaking, chain, invariants, signatures};
use crate::store::sql::Sql;
use crate::store::{OpenError, Result};

/// What an examination may use to compare large tables.
const SETTINGS: &str = "SET work_mem = '256MB'";

/// What is to hold of the schema, and the query for what does not.
const OF_THE_SCHEMA: [(&str, &str); 5] = [
    (
        "every trigger is enabled, those of foreign keys too",
        "SELECT tgname || ' on ' || tgrelid::regclass FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid \
         WHERE relnamespace = 'countersign'::regnamespace AND tgenabled NOT IN ('O', 'A')",
    ),
    (
        "every constraint holds for every row",
        "SELECT conname || ' on ' || conrelid::regclass FROM pg_constraint \
         WHERE connamespace = 'countersign'::regnamespace AND NOT convalidated",
    ),
    (
        "every index can be used",
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class AS c ON c.oid = indrelid \
         WHERE relnamespace = 'countersign'::regnamespace AND NOT (indisvalid AND indisready AND indislive)",
    ),
    (
        "text is compared byte by byte",
        "SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid JOIN pg_collation AS l ON l.oid = attcollation \
         WHERE relnamespace = 'countersign'::regnamespace AND relkind = 'r' AND relname <> 'refinery_schema_history' \
         AND attnum > 0 AND NOT attisdropped AND collname <> 'C'",
    ),
    (
        "one role owns everything",
        "SELECT relname || ' is of ' || pg_get_userbyid(relowner) FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace \
         WHERE nspname = 'countersign' AND relkind IN ('r', 'v') AND relowner <> nspowner",
    ),
];

/// The foreign keys, each as a query for the rows that refer to one that is not there.
const FOREIGN_KEYS: &str = "SELECT format('SELECT %L || %I || %L FROM %s WHERE %I IS NOT NULL AND NOT EXISTS (SELECT FROM %s AS one WHERE one.%I = %s.%I)', \
       conrelid::regclass || ' ', a.attname, ' to ' || confrelid::regclass, conrelid::regclass, a.attname, \
       confrelid::regclass, b.attname, conrelid::regclass, a.attname) \
     FROM pg_constraint JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1] \
     JOIN pg_attribute AS b ON b.attrelid = confrelid AND b.attnum = confkey[1] \
     WHERE contype = 'f' AND connamespace = 'countersign'::regnamespace ORDER BY conname";

/// Every thing of the schema that has a name in a migration: its kind, and its name.
const THINGS: &str = "SELECT CASE relkind WHEN 'r' THEN 'table ' WHEN 'i' THEN 'index ' ELSE 'view ' END || relname FROM pg_class \
     WHERE relnamespace = 'countersign'::regnamespace AND relkind IN ('r', 'i', 'v') AND relname NOT LIKE 'refinery_%' \
     AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = pg_class.oid AND contype IN ('p', 'u', 'x')) \
     UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid \
     WHERE relnamespace = 'countersign'::regnamespace AND NOT tgisinternal \
     UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'countersign'::regnamespace";

/// Makes every check, and tells `progress` of each.
pub(in crate::store) fn examine(
    url: &PostgresUrl,
    progress: &dyn Fn(Step<'_>),
) -> std::result::Result<Examined, OpenError> {
    let session = Session::open(url)?;
    session.run(SETTINGS)?;
    let sql = session.sql();
    let look = |name: &str, find: &dyn Fn() -> Result<Vec<String>>| {
        progress(Step::Check(name));
        Checked::new(name, find())
    };
    let mut checks = vec![
        look("the schema is that of its version", &|| differences(sql)),
        look("the functions are those of its version", &|| other_functions(sql)),
        look("the constraints are those of its version", &|| missing_constraints(sql)),
        look("the migrations are those of its version", &|| other_migrations(sql)),
    ];
    checks.extend(OF_THE_SCHEMA.iter().map(|(name, query)| look(name, &|| breaking(sql, query))));
    checks.push(look("no row refers to one that is not there", &|| dangling(sql)));
    let notes = [roles(sql, &mut |name, find| checks.push(look(name, find)))?, settings(sql)?, waits(sql)?];
    checks.extend(invariants(sql, progress));
    // What goes on beside it is not to come between a block and its signature.
    checks.push(session.read(|tx| Ok(signatures(tx, progress)))?);
    checks.push(chain(sql, progress));
    Ok(Examined { checks, notes: notes.into_iter().flatten().collect() })
}

/// What its commits wait for.
fn waits(sql: Sql<'_>) -> Result<Option<String>> {
    sql.row(REPLICATION, &[], |row| Ok(replication_of(&row.get::<String>(0)?, row.get(1)?).to_string()))
}

/// What is in the schema and in no migration, or the other way round.
fn differences(sql: Sql<'_>) -> Result<Vec<String>> {
    let is = sql.rows(THINGS, &[], |row| row.get::<String>(0))?.into_iter().collect::<BTreeSet<_>>();
    let should = made(&migrate::texts());
    let missing = should.difference(&is).map(|name| format!("{name} is missing"));
    let more = is.difference(&should).map(|name| format!("{name} does not belong there"));
    Ok(first(missing.chain(more)))
}

/// What the statements of migrations make, by kind and name.
fn made(text: &str) -> BTreeSet<String> {
    let named = text.lines().filter_map(|line| {
        let (kind, rest) = line.strip_prefix("CREATE ")?.trim_start_matches("UNIQUE ").split_once(' ')?;
        let name = rest.trim_start().split([' ', '(']).next()?;
        Some(format!("{} {name}", kind.to_ascii_lowercase()))
    });
    named.collect()
}

/// Functions whose bodies are in no migration.
fn other_functions(sql: Sql<'_>) -> Result<Vec<String>> {
    let bodies =
        "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'countersign'::regnamespace ORDER BY proname";
    let bodies = sql.rows(bodies, &[], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
    let text = migrate::texts();
    Ok(first(
        bodies
            .into_iter()
            .filter(|(_, body)| !text.contains(body.trim()))
            .map(|(name, _)| format!("{name} is another one")),
    ))
}

/// Whether there are as many constraints of each kind as in the migrations.
fn missing_constraints(sql: Sql<'_>) -> Result<Vec<String>> {
    let text = migrate::texts();
    let code =
        text.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (kind, words, name) in
        [("c", "CHECK (", "CHECKs"), ("f", " REFERENCES ", "foreign keys"), ("p", "PRIMARY KEY", "primary keys")]
    {
        let count = format!(
            "SELECT count(*) FROM pg_constraint JOIN pg_class AS c ON c.oid = conrelid WHERE contype = '{kind}' \
             AND connamespace = 'countersign'::regnamespace AND relname NOT LIKE 'refinery_%'"
        );
        let (is, should) = (sql.one::<i64>(&count, &[])?, code.matches(words).count());
        if usize::try_from(is) != Ok(should) {
            found.push(format!("there are {is} {name}, and {should} are to be"));
        }
    }
    Ok(found)
}

/// The migrations that the database tells of, where they are not those of this program.
fn other_migrations(sql: Sql<'_>) -> Result<Vec<String>> {
    let told = "SELECT 'V' || version || ' ' || name || ' ' || checksum FROM countersign.refinery_schema_history ORDER BY version";
    let is = sql.rows(told, &[], |row| row.get::<String>(0))?;
    Ok(if is == migrate::names() { Vec::new() } else { is })
}

/// Rows that refer to one that is not there.
fn dangling(sql: Sql<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for query in sql.rows(FOREIGN_KEYS, &[], |row| row.get::<String>(0))? {
        found.extend(breaking(sql, &query)?);
    }
    Ok(first(found.into_iter()))
}

/// Looks at something, and notes what it finds under this name.
type Look<'l> = dyn FnMut(&str, &dyn Fn() -> Result<Vec<String>>) + 'l;

/// Whether the roles are as roles.sql has them; what there is to say where they are not those.
fn roles(sql: Sql<'_>, look: &mut Look<'_>) -> Result<Option<String>> {
    let owner: String =
        sql.one("SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'countersign'", &[])?;
    if owner != OWNER {
        return Ok(Some(format!(
            "{owner} owns the tables, and who has its password can turn off what guards the history: roles.sql gives servers a role \
             that cannot"
        )));
    }
    let server = format!("'{SERVER}'");
    look("servers may do what they have to", &|| breaking(sql, &grants::missing(&server)));
    look("servers may do nothing else", &|| breaking(sql, &grants::excess(&server)));
    Ok(None)
}

/// What settings make less safe than it may seem.
fn settings(sql: Sql<'_>) -> Result<Option<String>> {
    let query = "SELECT string_agg(name || ' is ' || setting, ', ') FROM pg_settings \
         WHERE name IN ('fsync', 'full_page_writes', 'data_checksums') AND setting <> 'on'";
    let off: Option<String> = sql.one(query, &[])?;
    Ok(off.map(|off| format!("{off}: PostgreSQL may lose or damage rows in a crash, or not notice that a disk did")))
}

/// The first few.
fn first(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = found.take(NAMED + 1).collect::<Vec<_>>();
    if found.len() > NAMED {
        found[NAMED] = "and more".to_owned();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_migration_makes_is_read_from_its_statements() {
        let made = made(
            "CREATE TABLE a (\n    b text\n);\nCREATE UNIQUE INDEX c     ON a (b);\nCREATE FUNCTION d(e text) RETURNS text\n-- CREATE VIEW f\n",
        );
        assert_eq!(made.into_iter().collect::<Vec<_>>(), ["function d", "index c", "table a"]);
    }
}
