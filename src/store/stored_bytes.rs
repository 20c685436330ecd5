//! How much each principal has stored on the day on which it last registered something: the columns `stored_day` and
//! `stored_bytes` of `principals`, which are written for many registrations at once. What was registered since is in the
//! writer's memory, and found out from its rows when the server starts.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::sql::{Sql, values};
use super::{Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::id::PrincipalName;
use crate::domain::interaction::Body;

/// What an interaction takes beside its content and metadata, in the tables, their indexes and the history.
const BYTES_BESIDE: usize = 1024;

/// The bytes of a body as [`stored_bytes`] counts them, of `interaction_bodies AS b`: none where it is forgotten.
macro_rules! body_bytes {
    () => {
        "coalesce(octet_length(b.body) + octet_length(b.metadata), 0)"
    };
}

pub(super) use body_bytes;

/// How many registrations are entered in `principals` at once.
const ENTERED_AT_ONCE: i64 = 128;

/// Returns how many bytes an interaction counts for that is stored with this body.
#[must_use]
pub const fn stored_bytes(body: &Body) -> u64 {
    (body.bytes + BYTES_BESIDE) as u64
}

/// What one principal has stored on one day.
#[derive(Clone, Copy, Debug)]
struct Day {
    day: i64,
    bytes: u64,
}

impl Day {
    fn add(&mut self, more: Self) {
        let before = if self.day == more.day { self.bytes } else { 0 };
        *self = Self { day: more.day, bytes: before + more.bytes };
    }
}

/// What was registered since `principals` was last brought up to date.
#[derive(Debug)]
pub(super) struct StoredBytes {
    /// The last interaction that `principals` counts.
    through: i64,
    /// Of those that have registered since: what they have stored altogether.
    days: HashMap<PrincipalName, Day>,
}

impl StoredBytes {
    fn read(sql: Sql<'_>) -> Result<Self> {
        let through = sql.one("SELECT number FROM kept_through WHERE what = 'stored_bytes'", values![])?;
        let mut stored = Self { through, days: HashMap::new() };
        // What is forgotten counts as nothing but its row.
        let registered = concat!(
            "SELECT i.registered_by, i.created_at_ms, ",
            body_bytes!(),
            " + ?2 FROM interactions AS i LEFT JOIN interaction_bodies AS b USING (interaction_id) \
             WHERE i.interaction_id > ?1 ORDER BY i.interaction_id"
        );
        sql.each(registered, values![through, BYTES_BESIDE], |row| {
            let (name, at, bytes): (_, Timestamp, _) = (row.get(0)?, row.get(1)?, row.get(2)?);
            stored.add(sql, &name, Day { day: at.day(), bytes })?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(stored)
    }

    /// The last interaction that `principals` counts.
    pub(super) const fn through(&self) -> i64 {
        self.through
    }

    /// Counts what others have registered, whose body has so many bytes.
    pub(super) fn count(&mut self, sql: Sql<'_>, name: &PrincipalName, at: Timestamp, bytes: u64) -> Result<()> {
        self.add(sql, name, Day { day: at.day(), bytes: bytes + BYTES_BESIDE as u64 })
    }

    fn of(&self, sql: Sql<'_>, name: &PrincipalName) -> Result<Option<Day>> {
        if let Some(day) = self.days.get(name) {
            return Ok(Some(*day));
        }
        let day = "SELECT stored_day, stored_bytes FROM principals WHERE name = ?1";
        sql.row(day, values![name], |row| Ok(Day { day: row.get(0)?, bytes: row.get(1)? }))
    }

    fn add(&mut self, sql: Sql<'_>, name: &PrincipalName, more: Day) -> Result<()> {
        if let Some(day) = self.days.get_mut(name) {
            day.add(more);
            return Ok(());
        }
        let mut day = self.of(sql, name)?.unwrap_or(Day { bytes: 0, ..more });
        day.add(more);
        self.days.insert(name.clone(), day);
        Ok(())
    }

    /// Brings `principals` up to date.
    fn enter(&mut self, sql: Sql<'_>, through: i64) -> Result<()> {
        for (name, Day { day, bytes }) in self.days.drain() {
            let update = "UPDATE principals SET stored_day = ?2, stored_bytes = ?3 WHERE name = ?1";
            sql.write(update, values![name, day, bytes])?;
        }
        sql.write("UPDATE kept_through SET number = ?1 WHERE what = 'stored_bytes'", values![through])?;
        self.through = through;
        Ok(())
    }
}

impl WriteTx<'_> {
    /// Returns how many bytes a principal has stored on the day of this transaction.
    pub fn stored_today(&mut self, name: &PrincipalName) -> Result<u64> {
        let today = self.now.day();
        let sql = self.sql;
        let stored = self.stored()?.of(sql, name)?;
        Ok(stored.filter(|stored| stored.day == today).map_or(0, |stored| stored.bytes))
    }

    /// Counts what a principal has stored with the interaction of this row, on the day of this transaction.
    pub(super) fn count_stored(&mut self, name: &PrincipalName, row: i64, bytes: u64) -> Result<()> {
        let (sql, day) = (self.sql, self.now.day());
        let stored = self.stored()?;
        stored.add(sql, name, Day { day, bytes })?;
        if row - stored.through >= ENTERED_AT_ONCE { stored.enter(sql, row) } else { Ok(()) }
    }

    /// What was registered since `principals` was last brought up to date; to be asked for before the first row of this
    /// transaction, which it would count once more.
    pub(super) fn stored(&mut self) -> Result<&mut StoredBytes> {
        let stored = match self.cache.stored.take() {
            Some(stored) => stored,
            None => StoredBytes::read(self.sql)?,
        };
        Ok(self.cache.stored.insert(stored))
    }
}
