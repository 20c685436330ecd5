//! The table `saved_views`: the queries that people keep under names. No event tells of them: they decide nothing.

use super::sql::{Row, values};
use super::{Error, ReadTx, Result, WriteTx};
use crate::domain::id::PrincipalName;
use crate::domain::query::Query;
use crate::domain::saved_view::{SavedView, ViewName};

fn view_from(row: &Row<'_>) -> Result<SavedView> {
    let (name, query): (ViewName, String) = (row.get(0)?, row.get(1)?);
    let query = query.parse::<Query>().map_err(|_| Error::Corrupt { table: "saved_views", key: name.to_string() })?;
    Ok(SavedView { name, query, created_at: row.get(2)? })
}

impl ReadTx<'_> {
    /// The views of one person, in the order in which they were made.
    pub fn views(&self, owner: &PrincipalName) -> Result<Vec<SavedView>> {
        let sql = "SELECT name, query, created_at_ms FROM saved_views WHERE owner = ?1 ORDER BY view_number";
        self.sql.rows(sql, values![owner], view_from)
    }

    /// The view of this name.
    pub fn view(&self, owner: &PrincipalName, name: &ViewName) -> Result<Option<SavedView>> {
        let sql = "SELECT name, query, created_at_ms FROM saved_views WHERE owner = ?1 AND name = ?2";
        self.sql.row(sql, values![owner, name], view_from)
    }
}

impl WriteTx<'_> {
    /// Keeps a query under a name; one that has the name already is another query from then on, in its old place.
    pub fn keep_view(&mut self, owner: &PrincipalName, name: &ViewName, query: &Query) -> Result<()> {
        let sql = "INSERT INTO saved_views (view_number, owner, name, query, created_at_ms) \
                   VALUES ((SELECT coalesce(max(view_number), 0) + 1 FROM saved_views), ?1, ?2, ?3, ?4) \
                   ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query";
        self.sql.write(sql, values![owner, name, query.to_string(), self.now])
    }

    /// Deletes a view.
    pub fn delete_view(&mut self, owner: &PrincipalName, name: &ViewName) -> Result<()> {
        self.sql.write("DELETE FROM saved_views WHERE owner = ?1 AND name = ?2", values![owner, name])
    }
}
