//! What is moved: every table with its columns, in an order in which each row finds those that it refers to, and in which each
//! trigger holds: what people said of an interaction comes before the forgetting of it, and an interaction before its claim.

use super::TableOfFile;

/// A table of both databases.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its columns, in the order of the schema; a generated one is none.
    pub(super) columns: &'static [Typed],
    /// How many of the first columns are its key.
    pub(super) key: usize,
}

/// A column.
pub(super) struct Typed {
    pub(super) name: &'static str,
    pub(super) is: Is,
}

/// What a column holds, or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Integer,
    Text,
    Bytes,
}

/// The table that a new database has rows in: each is brought up to date in its place.
pub(super) const KEPT_THROUGH: &str = "kept_through";

macro_rules! tables {
    ($($name:ident[$key:literal]: $($column:ident $is:ident),+;)+) => {
        &[$(Table {
            name: stringify!($name),
            columns: &[$(Typed { name: stringify!($column), is: Is::$is }),+],
            key: $key,
        }),+]
    };
}

/// The tables.
#[rustfmt::skip]
pub(super) const TABLES: &[Table] = tables! {
    principals[1]: name Text, role Text, created_at_ms Integer, stored_day Integer, stored_bytes Integer;
    tokens[1]: token_id Text, token_sha256 Bytes, principal Text, created_at_ms Integer, revoked_at_ms Integer;
    trust_rules[1]: rule_number Integer, rule_id Text, kind Text, status Text, tool_name Text, pattern Text, scope Text, decision Text,
        allow_high_risk Integer, created_at_ms Integer, created_by Text, created_from Text, expires_at_ms Integer, max_uses Integer,
        use_count Integer, last_used_at_ms Integer, revoked_at_ms Integer, revoked_by Text, name Text, revision Integer, members Text,
        agent Text, execution_target Text, reason Text, is_before_parts Integer;
    interactions[1]: interaction_id Integer, request_id Text, kind Text, status Text, conversation_id Text, tool_name Text,
        registered_by Text, created_at_ms Integer, expires_at_ms Integer, resolved_at_ms Integer, resolved_by_principal Text,
        resolved_by_rule Text, resolved_by_system Text, resolution Text, claim_within_ms Integer;
    interaction_bodies[1]: interaction_id Integer, body Text, metadata Text, content_sha256 Bytes, traceparent Text, origin Text,
        tool_use_sha256 Bytes;
    texts[1]: told_in Integer, interaction_id Integer, about Text, salt Bytes, text Text, unshown Text;
    forgettings[1]: interaction_id Integer, forgotten_at_ms Integer, forgotten_by Text, content_sha256 Bytes, input_digest Text,
        risk_level Text;
    sealed_secrets[1]: interaction_id Integer, service Text, field Text, delivery Text, key_id Text, sealed Bytes, take_id Text,
        taken_at_ms Integer, wipe_at_ms Integer, wiped_by Text, wiped_at_ms Integer;
    secret_takings[2]: interaction_id Integer, take_id Text, taken_at_ms Integer;
    claims[1]: interaction_id Integer, claim_id Text, claimed_at_ms Integer, outcome Text, outcome_at_ms Integer, withdrawn_by Text,
        withdrawn_at_ms Integer;
    tool_calls[1]: interaction_id Integer, asked_sha256 Bytes, kept_at_ms Integer, taken_at_ms Integer;
    tool_call_joins[1]: call_sha256 Bytes, interaction_id Integer;
    audit_events[1]: seq Integer, at_ms Integer, event Text, request_id Text, rule_id Text, principal Text, detail Text,
        text_digest Bytes, former_hash Bytes, hash Bytes;
    own_events[2]: owner Text, event_seq Integer;
    kept_through[1]: what Text, number Integer;
    login_links[1]: code_sha256 Bytes, token_id Text, created_at_ms Integer, expires_at_ms Integer, used_at_ms Integer;
    sessions[1]: session_id Text, session_sha256 Bytes, token_id Text, created_at_ms Integer, expires_at_ms Integer,
        ended_at_ms Integer, browser Text;
    channels[1]: channel_number Integer, channel_id Text, name Text, owner Text, kind Text, host Text, wishes Text, key_id Text,
        sealed Bytes, session_id Text, created_at_ms Integer, spoke_at_ms Integer, sent_at_ms Integer, failed_at_ms Integer,
        failure Text, disabled_at_ms Integer, disabled_why Text, removed_at_ms Integer, removed_by Text;
    notices[1]: notice_number Integer, notice_id Text, channel_number Integer, about Text, interaction_id Integer, risk_level Text,
        status Text, gathered_in Integer, created_at_ms Integer, next_at_ms Integer, held_until_ms Integer, tried_at_ms Integer,
        failures Integer, failure Text, ended_at_ms Integer;
    push_keys[1]: push_key_number Integer, public_key Bytes, key_id Text, sealed Bytes, created_at_ms Integer;
    search_blocks[1]: block Integer, signature Bytes;
    saved_views[1]: view_number Integer, owner Text, name Text, query Text, created_at_ms Integer;
    snoozes[2]: owner Text, interaction_id Integer, until_ms Integer;
};

impl Table {
    /// The names of its columns, as a statement lists them.
    pub(super) fn names(&self) -> String {
        let names = self.columns.iter().map(|column| column.name);
        names.collect::<Vec<_>>().join(", ")
    }

    /// How a file describes it.
    pub(super) fn described(&self, rows: u64) -> TableOfFile {
        let with = |bytes: bool| self.columns.iter().filter(move |column| !bytes || column.is == Is::Bytes);
        let names = |bytes| with(bytes).map(|column| column.name.to_owned()).collect();
        TableOfFile { name: self.name.to_owned(), rows, columns: names(false), base64: names(true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::{Sql, values};
    use crate::store::sqlite::in_memory::database;

    /// Every table of a database but that of its migrations.
    fn tables(sql: Sql<'_>) -> Vec<String> {
        let all = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'refinery_schema_history' ORDER BY name";
        sql.rows(all, values![], |row| row.get(0)).unwrap()
    }

    #[test]
    fn every_table_is_moved_with_every_column_that_is_not_generated() {
        let database = database();
        let sql = Sql::from(&database);
        let mut names = TABLES.iter().map(|table| table.name.to_owned()).collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, tables(sql));
        for table in TABLES {
            let columns =
                "SELECT name || ' ' || type || ' ' || pk FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
            let is: Vec<String> = sql.rows(columns, values![table.name], |row| row.get(0)).unwrap();
            let should = table.columns.iter().enumerate().map(|(at, column)| {
                let key = if at < table.key { at + 1 } else { 0 };
                let of = match column.is {
                    Is::Integer => "INTEGER",
                    Is::Text => "TEXT",
                    Is::Bytes => "BLOB",
                };
                format!("{} {of} {key}", column.name)
            });
            assert_eq!(is, should.collect::<Vec<_>>(), "{}", table.name);
        }
    }

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        let database = database();
        let place = |name: &str| TABLES.iter().position(|table| table.name == name).unwrap();
        for table in TABLES {
            let parents = "SELECT \"table\" FROM pragma_foreign_key_list(?1)";
            let parents: Vec<String> =
                Sql::from(&database).rows(parents, values![table.name], |row| row.get(0)).unwrap();
            for parent in parents {
                assert!(place(&parent) < place(table.name), "{} before {parent}", table.name);
            }
        }
    }
}
