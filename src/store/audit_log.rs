//! The audit log as it stands in the file, trusted in nothing: for commands that verify or export it.
//!
//! It is read in short transactions of some thousand rows each, so that the write-ahead log of a running server is not
//! held however long the audit log is. A log that only grows looks the same through them as through one transaction.

use std::borrow::Cow;

use super::Result;
use super::sql::{Column, Row, Sql, Stored, values};
use crate::domain::chain::{AuditContent, SALT_BYTES, SaltedText, UnverifiedEvent, Writing};

/// How many rows one transaction reads.
const CHUNK: i64 = 2_000;

/// The names of the columns of an event's content, in their order in every query here.
pub(super) const COLUMNS: [&str; 6] = ["at_ms", "event", "request_id", "rule_id", "principal", "detail"];

/// The query for one chunk, which seeks its first row: reading all of a history takes a time that is linear in its length.
fn chunk_query() -> String {
    format!(
        "SELECT {}, seq, hash, text_digest, former_hash, t.salt, t.text \
         FROM audit_events LEFT JOIN texts AS t ON t.told_in = seq WHERE seq >= ?1 ORDER BY seq LIMIT {CHUNK}",
        COLUMNS.join(", ")
    )
}

/// Every event that `sql` sees, in order.
pub(super) fn events(sql: Sql<'_>) -> Events<'_> {
    Events { sql, chunk: Vec::new().into_iter(), next: i64::MIN, is_done: false }
}

/// The events of an audit log, one chunk in memory at a time.
pub struct Events<'c> {
    sql: Sql<'c>,
    chunk: std::vec::IntoIter<UnverifiedEvent>,
    /// The first `seq` that the next chunk may hold.
    next: i64,
    is_done: bool,
}

impl Iterator for Events<'_> {
    type Item = Result<UnverifiedEvent>;

    fn next(&mut self) -> Option<Result<UnverifiedEvent>> {
        if self.chunk.len() == 0 && !self.is_done {
            match self.read() {
                Ok(chunk) => self.chunk = chunk.into_iter(),
                Err(error) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
            }
        }
        self.chunk.next().map(Ok)
    }
}

impl Events<'_> {
    fn read(&mut self) -> Result<Vec<UnverifiedEvent>> {
        let chunk = self.sql.rows(&chunk_query(), values![self.next], event_from)?;
        let next = chunk.last().and_then(|last| last.seq).and_then(|last| last.checked_add(1));
        self.is_done = chunk.len() < CHUNK as usize || next.is_none();
        self.next = next.unwrap_or(self.next);
        Ok(chunk)
    }
}

fn event_from(row: &Row<'_>) -> Result<UnverifiedEvent> {
    let mut values = [Stored::Null; COLUMNS.len()];
    for (column, value) in values.iter_mut().enumerate() {
        *value = row.stored(column)?;
    }
    let hash = row.get(COLUMNS.len() + 1).ok();
    let [digest, former, salt, text] = [2, 3, 4, 5].map(|column| row.stored(COLUMNS.len() + column));
    let content = complete(content(values), digest?, former?, salt?, text?);
    Ok(UnverifiedEvent { seq: Some(row.get(COLUMNS.len())?), content, hash, previous: None })
}

/// The content with what was written and what it was before, from the columns of both rows.
fn complete(
    content: std::result::Result<AuditContent<'static>, String>,
    digest: Stored<'_>,
    former: Stored<'_>,
    salt: Stored<'_>,
    text: Stored<'_>,
) -> std::result::Result<AuditContent<'static>, String> {
    fn read<T: Column>(value: Stored<'_>, name: &str) -> std::result::Result<Option<T>, String> {
        Option::read(value).map_err(|_| format!("its {name} is none"))
    }
    let content = content?;
    let text = read::<[u8; SALT_BYTES]>(salt, "salt")?.zip(read::<String>(text, "text")?);
    let text = text.map(|(salt, text)| SaltedText { salt, text: text.into() });
    let writing = match (read(digest, "text_digest")?, text) {
        (Some(digest), text) => Some(Writing { digest, text }),
        (None, None) => None,
        (None, Some(_)) => return Err("it has a text, and no digest of one".to_owned()),
    };
    Ok(AuditContent { writing, former: read(former, "former_hash")?, ..content })
}

/// The content of an event from the columns of its row, or which of them holds something else.
pub(super) fn content(values: [Stored<'_>; COLUMNS.len()]) -> std::result::Result<AuditContent<'static>, String> {
    fn column<T: Column>(values: &[Stored<'_>], column: usize) -> std::result::Result<T, String> {
        T::read(values[column]).map_err(|_| format!("its {} is none", COLUMNS[column]))
    }
    let optional = |index| Ok::<_, String>(column::<Option<String>>(&values, index)?.map(Cow::Owned));
    Ok(AuditContent {
        at: column(&values, 0)?,
        event: column::<String>(&values, 1)?.into(),
        request_id: optional(2)?,
        rule_id: optional(3)?,
        principal: optional(4)?,
        detail: column::<String>(&values, 5)?.into(),
        writing: None,
        former: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::plan;

    #[test]
    fn a_chunk_of_the_history_is_found_without_reading_what_is_before_it() {
        let plan = plan(&chunk_query());
        assert_eq!(plan[0], "SEARCH audit_events USING INTEGER PRIMARY KEY (rowid>?)");
        assert!(plan[1..].iter().all(|step| step.starts_with("SEARCH t USING INTEGER PRIMARY KEY")), "{plan:?}");
    }
}
