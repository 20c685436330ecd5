//! Notices that ended long ago: they are deleted, so that the table `notices` does not grow for ever.

use std::ops::ControlFlow;

use super::outbox::AT_ONCE;
use super::sql::values;
use super::{ReadTx, Result, WriteTx};
use crate::clock::Timestamp;

/// How long what has ended is kept, in milliseconds: 30 days.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

impl ReadTx<'_> {
    /// Whether there are notices that ended long before `now`.
    pub fn has_old_notices(&self, now: Timestamp) -> Result<bool> {
        Ok(!self.old_notices(now, 1)?.is_empty())
    }

    /// The rows of notices that ended long before `now`, at most so many. What is pending stays: whoever was told of it may have to
    /// hear of its end, and so does a notice in which it was gathered.
    fn old_notices(&self, now: Timestamp, most: u32) -> Result<Vec<i64>> {
        let Some(before) = now.as_millis().checked_sub_unsigned(KEPT_MS).and_then(Timestamp::from_millis) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT notice_number, n.created_at_ms > ?1, n.ended_at_ms <= ?1 AND i.status IS DISTINCT FROM 'pending' \
             AND NOT EXISTS (SELECT 1 FROM notices AS inside WHERE inside.gathered_in = n.notice_number) \
             FROM notices AS n LEFT JOIN interactions AS i USING (interaction_id) ORDER BY notice_number";
        let mut old = Vec::new();
        self.sql.each(sql, values![before], |row| {
            if row.get(1)? || old.len() >= most as usize {
                return Ok(ControlFlow::Break(()));
            }
            if row.get::<Option<bool>>(2)? == Some(true) {
                old.push(row.get(0)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(old)
    }
}

impl WriteTx<'_> {
    /// Deletes notices that ended long ago, some of them; whether there may be more.
    pub fn delete_old_notices(&self) -> Result<bool> {
        let old = self.old_notices(self.now, AT_ONCE)?;
        for number in &old {
            self.sql.write("DELETE FROM notices WHERE notice_number = ?1", values![number])?;
        }
        Ok(old.len() >= AT_ONCE as usize)
    }
}
