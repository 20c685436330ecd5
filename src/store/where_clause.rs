//! The WHERE clause of a list, made of those members of a filter that are given. No other condition is in the SQL, so that
//! the indexes serve.

use rusqlite::types::ToSql;

/// WhereClause and their values, in order.
#[derive(Default)]
pub(super) struct WhereClause<'v> {
    sql: Vec<&'static str>,
    values: Vec<&'v dyn ToSql>,
}

impl<'v> WhereClause<'v> {
    /// `condition` holds one `?`, for `value`; nothing is added where there is no value.
    pub(super) fn when<T: ToSql>(mut self, condition: &'static str, value: Option<&'v T>) -> Self {
        if let Some(value) = value {
            self.sql.push(condition);
            self.values.push(value);
        }
        self
    }

    /// A condition without a value.
    pub(super) fn always(mut self, condition: &'static str) -> Self {
        self.sql.push(condition);
        self
    }

    /// `select` with these conditions and `tail`, which holds one `?` for `limit`; and the values of them all.
    pub(super) fn query(mut self, select: &str, tail: &str, limit: &'v dyn ToSql) -> (String, Vec<&'v dyn ToSql>) {
        self.values.push(limit);
        let conditions = if self.sql.is_empty() { "true".to_owned() } else { self.sql.join(" AND ") };
        (format!("{select} WHERE {conditions} {tail}"), self.values)
    }
}
