//! What the role of a server has to be able to do, and what it is not to be able to do: both are as `migrations/postgres/roles.sql`
//! says it.

/// The file, which an administrator runs.
const ROLES: &str = include_str!("../../../migrations/postgres/roles.sql");

/// The role of servers in that file.
pub(super) const SERVER: &str = "countersign";

/// The role that owns everything in that file.
pub(super) const OWNER: &str = "countersign_owner";

/// A right to change a table, or one of its columns.
#[derive(Debug, PartialEq, Eq)]
struct Grant {
    right: String,
    table: String,
    /// Empty: all of them.
    column: String,
}

/// What the file grants to servers, beside the right to read everything.
fn grants() -> Vec<Grant> {
    let words = ROLES.lines().filter(|line| !line.starts_with("--")).flat_map(str::split_whitespace);
    let text = words.collect::<Vec<_>>().join(" ");
    let to_servers = format!(" TO {SERVER}");
    let statements = text.split(';').filter_map(|statement| {
        let grant = statement.trim().strip_prefix("GRANT ")?.strip_suffix(&to_servers)?;
        grant.split_once(" ON ").filter(|(_, tables)| !tables.starts_with("ALL "))
    });
    let mut grants = Vec::new();
    for (right, tables) in statements {
        let (right, columns) = right.split_once(" (").unwrap_or((right, ""));
        for (table, column) in
            tables.split(", ").flat_map(|table| columns.split(", ").map(move |column| (table, column)))
        {
            let column = column.trim_end_matches(')');
            grants.push(Grant { right: right.to_owned(), table: table.to_owned(), column: column.to_owned() });
        }
    }
    grants
}

/// The same as rows of SQL: `right`, `of_table` and `of_column`.
fn granted() -> String {
    let rows = grants().into_iter().map(|Grant { right, table, column }| format!("('{right}', '{table}', '{column}')"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!("(VALUES {rows}) AS granted (of_right, of_table, of_column)")
}

/// The query for what `role`, an expression, may not do and has to.
pub(super) fn missing(role: &str) -> String {
    format!(
        "SELECT 'SELECT on ' || relname FROM pg_class WHERE relnamespace = 'countersign'::regnamespace AND relkind IN ('r', 'v') \
         AND NOT has_table_privilege({role}, oid, 'SELECT') \
         UNION ALL SELECT of_right || ' on ' || of_table || coalesce(' (' || nullif(of_column, '') || ')', '') FROM {granted} \
         WHERE NOT CASE WHEN of_column = '' THEN has_table_privilege({role}, 'countersign.' || of_table, of_right) \
         ELSE has_column_privilege({role}, 'countersign.' || of_table, of_column, of_right) END",
        granted = granted()
    )
}

/// The query for what `role` may do and is not to: with it, somebody who has the password of a server could rewrite the history.
pub(super) fn excess(role: &str) -> String {
    format!(
        "SELECT of_right || ' on ' || relname FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS of_right \
         WHERE relnamespace = 'countersign'::regnamespace AND relkind = 'r' AND has_table_privilege({role}, pg_class.oid, of_right) \
         AND NOT EXISTS (SELECT FROM {granted} WHERE of_table = relname AND granted.of_right = of_right.of_right AND of_column = '') \
         UNION ALL SELECT 'UPDATE on ' || relname || ' (' || attname || ')' FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
         WHERE relnamespace = 'countersign'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped \
         AND has_column_privilege({role}, pg_class.oid, attnum, 'UPDATE') AND NOT has_table_privilege({role}, pg_class.oid, 'UPDATE') \
         AND NOT EXISTS (SELECT FROM {granted} WHERE of_table = relname AND of_column = attname)",
        granted = granted()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_to_servers_is_read() {
        let grants = grants();
        let has = |right: &str, table: &str, column: &str| {
            grants.iter().any(|grant| (&*grant.right, &*grant.table, &*grant.column) == (right, table, column))
        };
        assert!(has("INSERT", "audit_events", "") && has("INSERT", "trust_rules", ""), "{grants:?}");
        assert!(has("UPDATE", "interactions", "status") && has("UPDATE", "interactions", "resolution"), "{grants:?}");
        assert!(has("UPDATE", "channels", "removed_by") && has("DELETE", "texts", ""), "{grants:?}");
        assert!(grants.iter().all(|grant| grant.table != "audit_events" || grant.right == "INSERT"), "{grants:?}");
        let statements = ROLES.matches("TO countersign;").count();
        let read = grants.iter().map(|grant| (&grant.right, (grant.right == "UPDATE").then_some(&grant.table)));
        // One more grants the right to read.
        assert_eq!(read.collect::<std::collections::BTreeSet<_>>().len() + 1, statements);
    }
}
