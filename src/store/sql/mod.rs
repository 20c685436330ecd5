//! The seam between what the store asks and the database that answers: statements, values that are bound to their places, and
//! columns that are read.
//!
//! The files of the tables speak through [`Sql`] and name no driver. Their statements are in the dialect of SQLite.

use std::ops::ControlFlow;

mod values;

pub(super) use self::values::{Bind, Bound, Column, Stored, Values, values};
use super::{Error, Result, postgres, sqlite};

/// The statements of one connection, in whatever transaction it is.
#[derive(Clone, Copy)]
pub(super) enum Sql<'c> {
    /// On a connection to SQLite.
    Sqlite(sqlite::Statements<'c>),
    /// On a connection to PostgreSQL.
    Postgres(postgres::Statements<'c>),
}

impl Sql<'_> {
    /// Runs a statement that changes rows, however many.
    pub(super) fn write(self, sql: &str, values: Values<'_>) -> Result<()> {
        match self {
            Self::Sqlite(statements) => statements.execute(sql, values).map(drop),
            Self::Postgres(statements) => statements.write(sql, values, postgres::Change::Any),
        }
    }

    /// Runs a statement that changes exactly one row. Another number is the error `otherwise`: what was read in this very
    /// transaction says that there is one, and the two cannot differ.
    pub(super) fn write_one(self, sql: &str, values: Values<'_>, otherwise: impl FnOnce() -> Error) -> Result<()> {
        match self {
            Self::Sqlite(statements) if statements.execute(sql, values)? == 1 => Ok(()),
            Self::Sqlite(_) => Err(otherwise()),
            // It fails when it is sent.
            Self::Postgres(statements) => statements.write(sql, values, postgres::Change::One),
        }
    }

    /// Runs a statement that changes rows, where it is to be known how many: a database that is far away is asked at once.
    pub(super) fn execute(self, sql: &str, values: Values<'_>) -> Result<usize> {
        match self {
            Self::Sqlite(statements) => statements.execute(sql, values),
            Self::Postgres(statements) => statements.execute(sql, values),
        }
    }

    /// Whether servers share the database.
    pub(super) const fn is_shared(self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The smallest write: nothing that anybody reads is another afterwards.
    pub(super) fn write_nothing(self) -> Result<()> {
        match self {
            Self::Sqlite(statements) => statements.rewrite_header(),
            // Each turn leaves a line in the log.
            Self::Postgres(_) => Ok(()),
        }
    }

    /// How many free pages of the database's file are to be given back; none where it cannot shrink.
    pub(super) fn excess_pages(self) -> Result<i64> {
        match self {
            Self::Sqlite(statements) => statements.excess_pages(),
            // PostgreSQL gives back its pages by itself.
            Self::Postgres(_) => Ok(0),
        }
    }

    /// Whether the database's file can shrink without being written anew.
    pub(super) fn can_shrink(self) -> Result<bool> {
        match self {
            Self::Sqlite(statements) => statements.can_shrink(),
            Self::Postgres(_) => Ok(true),
        }
    }

    /// Gives back at most so many free pages.
    pub(super) fn shrink(self, pages: u32) -> Result<()> {
        match self {
            Self::Sqlite(statements) => statements.shrink(pages),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Lets the planner know how much is in these tables, where it does not look by itself.
    pub(super) fn gather_statistics(self, tables: &[&str]) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(statements) => statements.analyze(tables),
        }
    }

    /// Reads row by row, until `read` breaks off.
    pub(super) fn each(
        self,
        sql: &str,
        values: Values<'_>,
        read: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        match self {
            Self::Sqlite(statements) => statements.each(sql, values, read),
            Self::Postgres(statements) => statements.each(sql, values, read),
        }
    }

    /// Reads all rows.
    pub(super) fn rows<T>(
        self,
        sql: &str,
        values: Values<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, values, |row| {
            found.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Reads the first row, if there is one.
    pub(super) fn row<T>(
        self,
        sql: &str,
        values: Values<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self {
            Self::Sqlite(statements) => statements.first(sql, values, read),
            Self::Postgres(statements) => statements.first(sql, values, read),
        }
    }

    /// Reads the first column of the first row, if there is one.
    pub(super) fn value<T: Column>(self, sql: &str, values: Values<'_>) -> Result<Option<T>> {
        self.row(sql, values, |row| row.get(0))
    }

    /// Reads the one column of the one row that there always is: of an aggregate, say.
    pub(super) fn one<T: Column>(self, sql: &str, values: Values<'_>) -> Result<T> {
        let none = || Error::Corrupt { table: "the database", key: format!("a result without a row: {sql}") };
        self.value(sql, values)?.ok_or_else(none)
    }

    /// Whether there is a row.
    pub(super) fn exists(self, sql: &str, values: Values<'_>) -> Result<bool> {
        Ok(self.row(sql, values, |_| Ok(()))?.is_some())
    }
}

/// A row that was found.
pub(super) enum Row<'r> {
    /// By SQLite.
    Sqlite(sqlite::Row<'r>),
    /// By PostgreSQL.
    Postgres(postgres::Row<'r>),
}

impl Row<'_> {
    /// Reads a column; the first is 0.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] where it holds what this program did not write.
    pub(super) fn get<T: Column>(&self, column: usize) -> Result<T> {
        T::read(self.stored(column)?).map_err(|why| self.strange(column, &why))
    }

    /// The text in a column, without a copy; `None` where it is null.
    pub(super) fn text(&self, column: usize) -> Result<Option<&str>> {
        let stored = self.stored(column)?;
        let text = if let Stored::Null = stored { None } else { Some(stored.text()) };
        text.transpose().map_err(|why| self.strange(column, &why))
    }

    fn strange(&self, column: usize, why: &str) -> Error {
        let name = match self {
            Self::Sqlite(row) => row.name(column),
            Self::Postgres(row) => row.name(column),
        };
        Error::Corrupt { table: "the database", key: format!("{name} of a result: {why}") }
    }

    /// The value in a column as it is stored.
    pub(super) fn stored(&self, column: usize) -> Result<Stored<'_>> {
        match self {
            Self::Sqlite(row) => row.stored(column),
            Self::Postgres(row) => row.stored(column),
        }
    }
}
