//! Writing a database into a file.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use super::file::{Lines, Value, append};
use super::tables::{TABLES, Table};
use super::{FORMAT, Header, Moved, MovingError, MovingStep};
use crate::clock::Timestamp;
use crate::config::Location;
use crate::files::directory_of;
use crate::store::direct::with_snapshot;
use crate::store::draft::{Draft, remove_left_drafts};
use crate::store::sql::{Bind, Sql, values};
use crate::store::{Error, ReadTx, sqlite};

/// How many bytes are written at once.
const BUFFER: usize = 1 << 18;

/// How many bytes of rows are read at once, about, and between how many rows that lies: a database that is far away answers with all
/// of them.
const CHUNK_BYTES: usize = 4 << 20;
const CHUNK_ROWS: (usize, usize) = (16, 1024);

/// Writes everything that is in a database, as of one moment, beside servers or without one.
///
/// # Errors
///
/// If the database cannot be read, or `out` cannot be written.
pub fn export(
    location: &Location,
    out: impl Write,
    now: Timestamp,
    progress: &dyn Fn(MovingStep<'_>),
) -> Result<Moved, MovingError> {
    with_snapshot(location, |sql| write(sql, out, now, progress))?
}

/// The same, into the new file `to`, which is its owner's alone and on the disk when it gets its name.
///
/// # Errors
///
/// The same, and if there is such a file. No file is left then.
pub fn export_to(
    location: &Location,
    to: &Path,
    now: Timestamp,
    progress: &dyn Fn(MovingStep<'_>),
) -> Result<Moved, MovingError> {
    if to.symlink_metadata().is_ok() {
        return Err(MovingError::ExportExists(to.to_owned()));
    }
    let directory = directory_of(to);
    remove_left_drafts(directory);
    let draft = Draft::make(to).map_err(|error| {
        let none = [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        if none.contains(&error.kind()) {
            MovingError::NoDirectory(directory.to_owned())
        } else {
            MovingError::Write(error)
        }
    })?;
    let moved = export(location, BufWriter::with_capacity(BUFFER, draft.file()), now, progress)?;
    draft.give_name(to).map_err(|error| {
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        if is_there { MovingError::ExportExists(to.to_owned()) } else { MovingError::Write(error) }
    })?;
    Ok(moved)
}

fn write(
    sql: Sql<'_>,
    out: impl Write,
    written_at: Timestamp,
    progress: &dyn Fn(MovingStep<'_>),
) -> Result<Moved, MovingError> {
    let head = ReadTx::new(sql).audit_head()?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let rows = sql.one(&format!("SELECT count(*) FROM {}", table.name), values![])?;
        tables.push(table.described(rows));
    }
    let counts: Vec<u64> = tables.iter().map(|table| table.rows).collect();
    let (countersign, schema) = ("export".to_owned(), sqlite::known_version());
    let header = Header { countersign, format: FORMAT, schema, written_at, head: head.to_string(), tables };
    let mut lines = Lines::new(out);
    let mut line = serde_json::to_string(&header).map_err(|error| MovingError::Write(error.into()))?;
    lines.write(&mut line)?;
    for (table, count) in TABLES.iter().zip(&counts) {
        let mut rows = Rows { sql, table, after: Vec::new(), limit: CHUNK_ROWS.0 };
        let mut done = 0;
        while rows.write_chunk(&mut lines)? {
            done += rows.limit as u64;
            progress(MovingStep::Rows(table.name, done.min(*count), *count));
        }
    }
    lines.end()?;
    Ok(Moved { rows: counts.iter().sum(), head, warnings: Vec::new() })
}

/// The rows of a table, a chunk at a time.
struct Rows<'c> {
    sql: Sql<'c>,
    table: &'c Table,
    /// The key of the last row that was read; nothing before the first.
    after: Vec<Value>,
    /// How many rows the next chunk has.
    limit: usize,
}

impl Rows<'_> {
    /// Writes the next rows; whether there may be more.
    fn write_chunk<W: Write>(&mut self, lines: &mut Lines<W>) -> Result<bool, MovingError> {
        let Self { sql, table, ref after, limit } = *self;
        let (mut count, mut bytes, mut last) = (0, 0, Vec::new());
        let (mut line, mut failed) = (String::new(), None);
        let limit_value = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut values: Vec<&dyn Bind> = after.iter().map(|value| value as &dyn Bind).collect();
        values.push(&limit_value);
        sql.each(&chunk(table, !after.is_empty()), &values, |row| {
            line.clear();
            line.push_str("[\"");
            line.push_str(table.name);
            line.push('"');
            last.clear();
            for (place, column) in table.columns.iter().enumerate() {
                let stored = row.stored(place)?;
                let strange = || Error::Corrupt { table: table.name, key: column.name.to_owned() };
                line.push(',');
                append(&mut line, stored).ok_or_else(strange)?;
                if place < table.key {
                    last.push(Value::found(stored).ok_or_else(strange)?);
                }
            }
            line.push(']');
            count += 1;
            bytes += line.len();
            match lines.write(&mut line) {
                Ok(()) => Ok(ControlFlow::Continue(())),
                Err(error) => {
                    failed = Some(error);
                    Ok(ControlFlow::Break(()))
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let may_have_more = count == limit;
        if let Some(bytes_of_row) = bytes.checked_div(count) {
            (self.after, self.limit) = (last, (CHUNK_BYTES / bytes_of_row.max(1)).clamp(CHUNK_ROWS.0, CHUNK_ROWS.1));
        }
        Ok(may_have_more)
    }
}

/// The statement that reads a chunk: the values are the key of the last row before it, unless it is the first, and how many rows.
fn chunk(table: &Table, is_later: bool) -> String {
    let keys = table.columns[..table.key].iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let places = vec!["?"; table.key].join(", ");
    let condition = if is_later { format!(" WHERE ({keys}) > ({places})") } else { String::new() };
    format!("SELECT {} FROM {}{condition} ORDER BY {keys} LIMIT ?", table.names(), table.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::plan;

    #[test]
    fn every_chunk_is_found_by_the_key() {
        for table in TABLES {
            for is_later in [false, true] {
                let plan = plan(&chunk(table, is_later));
                assert!(plan.len() == 1 && !plan[0].contains("TEMP B-TREE"), "{} {plan:?}", table.name);
                assert!(plan[0].starts_with("SEARCH") == is_later, "{} {plan:?}", table.name);
            }
        }
    }
}
