//! Putting what is in a file into an empty database.

use std::io::BufRead;

use super::file::{Reader, Value, row};
use super::tables::{KEPT_THROUGH, TABLES, Table};
use super::{FORMAT, Header, Moved, MovingError, MovingStep};
use crate::config::Location;
use crate::domain::chain::{Head, UnverifiedEvent, verify};
use crate::store::direct::{Filled, fill_empty};
use crate::store::sql::{Bind, Sql, values};
use crate::store::{Error, ReadTx, Step, audit_log, sqlite};

/// How many rows one statement inserts, and how many bytes may wait for it.
const BATCH_ROWS: usize = 64;
const BATCH_BYTES: usize = 1 << 20;

/// Fills an empty database with what is in a file: a new file of SQLite, or a database of PostgreSQL with nothing of ours in it. No
/// server can use it before all of it is there, was examined, and has the head that the file tells.
///
/// # Errors
///
/// If the file is not whole or of another version, the database is not empty or cannot be written, or what the file holds is not in
/// order. Nothing is left behind then.
pub fn import(
    location: &Location,
    input: impl BufRead,
    progress: &dyn Fn(MovingStep<'_>),
) -> Result<Moved, MovingError> {
    let shown = location.to_string();
    let fill = |sql: Sql<'_>| Import { sql, lines: Reader::new(input), progress }.run(&shown);
    let Filled { done, warnings } = fill_empty(location, fill, &|step| progress(MovingStep::Examined(step)))?;
    Ok(Moved { warnings, ..done })
}

/// A file that is being put into the transaction of a database.
struct Import<'i, R> {
    sql: Sql<'i>,
    lines: Reader<R>,
    progress: &'i dyn Fn(MovingStep<'_>),
}

impl<R: BufRead> Import<'_, R> {
    fn run(mut self, database: &str) -> Result<Moved, MovingError> {
        let header = self.header()?;
        if !is_empty(self.sql)? {
            return Err(MovingError::NotEmpty(database.to_owned()));
        }
        for (table, described) in TABLES.iter().zip(&header.tables) {
            self.fill(table, described.rows)?;
        }
        if self.lines.next()?.is_some() {
            return Err(self.lines.wrong("there are more rows than the first line tells of"));
        }
        self.sql.gather_statistics(&TABLES.iter().map(|table| table.name).collect::<Vec<_>>())?;
        let head = self.chain()?;
        if head.to_string() != header.head {
            return Err(MovingError::OtherHead { found: head, told: header.head });
        }
        let rows = header.tables.iter().map(|table| table.rows).sum();
        Ok(Moved { rows, head, warnings: Vec::new() })
    }

    /// The first line, which has to be that of a file with the tables of this version.
    fn header(&mut self) -> Result<Header, MovingError> {
        let line = self.lines.next()?.ok_or_else(|| MovingError::NotOurs("it is empty".to_owned()))?;
        let not_ours = |error: serde_json::Error| MovingError::NotOurs(error.to_string());
        // What a later format has in its first line is not known.
        let first: serde_json::Value = serde_json::from_str(line).map_err(not_ours)?;
        if first["countersign"] != "export" {
            return Err(MovingError::NotOurs("its first line does not say so".to_owned()));
        }
        match first["format"].as_i64() {
            Some(FORMAT) => {}
            other => return Err(MovingError::OtherFormat(other.unwrap_or_default())),
        }
        let (found, known) = (first["schema"].as_i64().unwrap_or_default(), sqlite::known_version());
        if found > known {
            return Err(MovingError::OtherSchema { found, known, advice: "use the newer program" });
        }
        if found < known {
            let advice = "import it with the version that wrote it, and start this one on that database";
            return Err(MovingError::OtherSchema { found, known, advice });
        }
        let header: Header = serde_json::from_value(first).map_err(not_ours)?;
        let described = header.tables.iter().zip(TABLES).all(|(told, table)| *told == table.described(told.rows));
        if !described || header.tables.len() != TABLES.len() {
            return Err(MovingError::NotOurs("its tables are not those of its version".to_owned()));
        }
        Ok(header)
    }

    fn fill(&mut self, table: &'static Table, count: u64) -> Result<(), MovingError> {
        let mut batch = Batch::new(table);
        for done in 0..count {
            let line = match self.lines.next()? {
                Some(line) => row(line, table),
                None => Err(format!("{count} rows of {} were to be there, and {done} are", table.name)),
            };
            let values = line.map_err(|why| self.lines.wrong(why))?;
            self.check_nul(table, &values)?;
            batch.add(values);
            if batch.is_full() || done + 1 == count {
                let line = self.lines.number;
                let written = batch.write(self.sql);
                written.map_err(|error| MovingError::Refused { table: table.name, line, error })?;
                (self.progress)(MovingStep::Rows(table.name, done + 1, count));
            }
        }
        Ok(())
    }

    /// PostgreSQL holds no text with a NUL in it.
    fn check_nul(&self, table: &Table, values: &[Value]) -> Result<(), MovingError> {
        if !matches!(self.sql, Sql::Postgres(_)) {
            return Ok(());
        }
        let nul = table
            .columns
            .iter()
            .zip(values)
            .find(|(_, value)| matches!(value, Value::Text(text) if text.contains('\0')));
        nul.map_or(Ok(()), |(column, _)| {
            Err(self
                .lines
                .wrong(format!("{}.{} has a NUL in its text, which PostgreSQL cannot hold", table.name, column.name)))
        })
    }

    /// The end of the chain, which has to be whole.
    fn chain(&self) -> Result<Head, MovingError> {
        let events = audit_log::events(self.sql).inspect(|event| {
            if let Ok(UnverifiedEvent { seq: Some(seq), .. }) = event {
                (self.progress)(MovingStep::Examined(Step::Event(*seq)));
            }
        });
        verify(events, None)?.map_err(MovingError::Broken)
    }
}

/// Whether a database holds nothing but what a new one does.
pub(in crate::store) fn is_empty(sql: Sql<'_>) -> Result<bool, Error> {
    for table in TABLES {
        let rows = match table.name {
            KEPT_THROUGH => "SELECT 1 FROM kept_through WHERE number > 0 LIMIT 1".to_owned(),
            name => format!("SELECT 1 FROM {name} LIMIT 1"),
        };
        if sql.exists(&rows, values![])? {
            return Ok(false);
        }
    }
    Ok(ReadTx::new(sql).audit_head()? == Head::NONE)
}

/// Rows that wait to be written together.
struct Batch {
    table: &'static Table,
    rows: usize,
    values: Vec<Value>,
    bytes: usize,
    /// The statement for one row, and for a whole batch.
    statements: [String; 2],
}

impl Batch {
    fn new(table: &'static Table) -> Self {
        let statements = [1, BATCH_ROWS].map(|rows| insert(table, rows));
        Self { table, rows: 0, values: Vec::new(), bytes: 0, statements }
    }

    fn add(&mut self, values: Vec<Value>) {
        self.rows += 1;
        self.bytes += values.iter().map(Value::size).sum::<usize>();
        self.values.extend(values);
    }

    const fn is_full(&self) -> bool {
        self.rows == BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    fn write(&mut self, sql: Sql<'_>) -> Result<(), Error> {
        let values: Vec<&dyn Bind> = self.values.iter().map(|value| value as &dyn Bind).collect();
        let [one, all] = &self.statements;
        if self.rows == BATCH_ROWS && self.table.name != KEPT_THROUGH {
            done(sql.execute(all, &values)?, self.rows)?;
        } else {
            for row in values.chunks(self.table.columns.len()) {
                done(sql.execute(one, row)?, 1)?;
            }
        }
        (self.rows, self.bytes) = (0, 0);
        self.values.clear();
        Ok(())
    }
}

/// A row that was not written is none that this program can have written.
fn done(written: usize, rows: usize) -> Result<(), Error> {
    let other = || Error::Corrupt { table: "the database", key: format!("{written} rows were written of {rows}") };
    (written == rows).then_some(()).ok_or_else(other)
}

/// The statement that writes rows of a table. A new database has its rows of `kept_through`: they are set.
fn insert(table: &Table, rows: usize) -> String {
    if table.name == KEPT_THROUGH {
        return "UPDATE kept_through SET number = ?2 WHERE what = ?1".to_owned();
    }
    let places = format!("({})", vec!["?"; table.columns.len()].join(", "));
    format!("INSERT INTO {} ({}) VALUES {}", table.name, table.names(), vec![places; rows].join(", "))
}
