//! The WHERE clause of a list, made of those members of a filter that are given. No other condition is in the SQL, so that
//! the indexes serve.

use std::borrow::Cow;

use super::sql::Bind;

/// Conditions and their values, in order.
#[derive(Default)]
pub(super) struct WhereClause<'v> {
    sql: Vec<Cow<'static, str>>,
    values: Vec<&'v dyn Bind>,
}

impl<'v> WhereClause<'v> {
    /// `condition` holds one `?`, for `value`; nothing is added where there is no value.
    pub(super) fn when<T: Bind>(mut self, condition: &'static str, value: Option<&'v T>) -> Self {
        if let Some(value) = value {
            self.sql.push(condition.into());
            self.values.push(value);
        }
        self
    }

    /// That `column` has one of these values; nothing is added where there are none.
    pub(super) fn when_any<T: Bind>(mut self, column: &'static str, values: &'v [T]) -> Self {
        let marks = vec!["?"; values.len()].join(", ");
        match values.len() {
            0 => return self,
            1 => self.sql.push(format!("{column} = ?").into()),
            _ => self.sql.push(format!("{column} IN ({marks})").into()),
        }
        self.values.extend(values.iter().map(|value| value as &dyn Bind));
        self
    }

    /// Conditions that hold a `?` for each of `values`, in order.
    pub(super) fn all_of(mut self, conditions: &[String], values: &'v [String]) -> Self {
        self.sql.extend(conditions.iter().cloned().map(Cow::Owned));
        self.values.extend(values.iter().map(|value| value as &dyn Bind));
        self
    }

    /// A condition without a value.
    pub(super) fn always(mut self, condition: &'static str) -> Self {
        self.sql.push(condition.into());
        self
    }

    /// `select` with these conditions and `tail`, which holds one `?` for `limit`; and the values of them all.
    pub(super) fn query(mut self, select: &str, tail: &str, limit: &'v dyn Bind) -> (String, Vec<&'v dyn Bind>) {
        self.values.push(limit);
        let conditions = if self.sql.is_empty() { "true".to_owned() } else { self.sql.join(" AND ") };
        (format!("{select} WHERE {conditions} {tail}"), self.values)
    }
}
