//! How the store's statements run on a connection to SQLite: each is prepared once for a connection.

use std::borrow::Cow;
use std::ops::ControlFlow;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Params, ToSql, params_from_iter};

use crate::store::Result;
use crate::store::sql::{self, Bind, Bound, Sql, Stored, Values};

/// Of a file, how much stays free for what comes next: one part in so many.
const FREE_PART: i64 = 16;

/// The statements of one connection.
#[derive(Clone, Copy)]
pub(in crate::store) struct Statements<'c>(&'c Connection);

impl<'c> From<&'c Connection> for Sql<'c> {
    fn from(conn: &'c Connection) -> Self {
        Self::Sqlite(Statements(conn))
    }
}

impl Statements<'_> {
    pub(in crate::store) fn execute(self, statement: &str, values: Values<'_>) -> Result<usize> {
        Ok(self.0.prepare_cached(statement)?.execute(bound(values))?)
    }

    pub(in crate::store) fn each(
        self,
        statement: &str,
        values: Values<'_>,
        mut read: impl FnMut(&sql::Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(statement)?;
        let mut rows = statement.query(bound(values))?;
        while let Some(row) = rows.next()? {
            if read(&sql::Row::Sqlite(Row(row)))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(in crate::store) fn first<T>(
        self,
        statement: &str,
        values: Values<'_>,
        read: impl FnOnce(&sql::Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.0.prepare_cached(statement)?;
        let mut rows = statement.query(bound(values))?;
        rows.next()?.map(|row| read(&sql::Row::Sqlite(Row(row)))).transpose()
    }
}

/// What is asked of a file of SQLite alone. The values of these pragmas may be fixed as they are prepared: none is kept.
impl Statements<'_> {
    fn pragma(self, name: &str) -> Result<i64> {
        Ok(self.0.pragma_query_value(None, name, |row| row.get(0))?)
    }

    /// Writes the header anew, unchanged: an UPDATE to the same values would write nothing.
    pub(in crate::store) fn rewrite_header(self) -> Result<()> {
        Ok(self.0.pragma_update(None, "user_version", 0)?)
    }

    pub(in crate::store) fn excess_pages(self) -> Result<i64> {
        let excess = self.pragma("freelist_count")? - self.pragma("page_count")? / FREE_PART;
        Ok(if self.can_shrink()? { excess.max(0) } else { 0 })
    }

    pub(in crate::store) fn can_shrink(self) -> Result<bool> {
        Ok(self.pragma("auto_vacuum")? != 0)
    }

    pub(in crate::store) fn shrink(self, pages: u32) -> Result<()> {
        let step = self.excess_pages()?.min(i64::from(pages));
        // With a zero SQLite would give back all of them.
        if step > 0 {
            // Each row that is read gives back one page.
            let mut statement = self.0.prepare(&format!("PRAGMA incremental_vacuum({step})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(())
    }
}

/// A row that SQLite has found.
pub(in crate::store) struct Row<'r>(&'r rusqlite::Row<'r>);

impl Row<'_> {
    pub(in crate::store) fn name(&self, column: usize) -> &str {
        self.0.as_ref().column_name(column).unwrap_or("a column that is not there")
    }

    pub(in crate::store) fn stored(&self, column: usize) -> Result<Stored<'_>> {
        Ok(self.0.get_ref(column)?.into())
    }
}

impl<'r> From<ValueRef<'r>> for Stored<'r> {
    fn from(value: ValueRef<'r>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Text(text) => std::str::from_utf8(text).map_or(Self::Strange, Self::Text),
            ValueRef::Blob(bytes) => Self::Blob(bytes),
            ValueRef::Real(_) => Self::Strange,
        }
    }
}

fn bound<'v>(values: Values<'v>) -> impl Params + 'v {
    params_from_iter(values.iter().map(|value| Place(*value)))
}

/// A value in its place.
struct Place<'v>(&'v dyn Bind);

impl ToSql for Place<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0.bind() {
            Bound::Null => ToSqlOutput::Owned(Value::Null),
            Bound::Integer(number) => ToSqlOutput::Owned(Value::Integer(number)),
            Bound::Text(Cow::Borrowed(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Bound::Text(Cow::Owned(text)) => ToSqlOutput::Owned(Value::Text(text)),
            Bound::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
