//! The SQL that shows the same rows as a page, in the database's own shell.

use super::text::{Markup, escape_untrusted};
use crate::http::App;
use crate::store::CopyableQuery;

/// What the section shows.
pub(super) struct Sql {
    pub(super) shell: &'static str,
    pub(super) text: Markup,
}

impl Sql {
    /// The query for the shell of the database that is served.
    pub(super) fn of(app: &App, query: &CopyableQuery<'_>) -> Self {
        let shell = app.service.shell();
        Self { shell: shell.name(), text: escape_untrusted(&query.sql(shell)) }
    }
}
