//! The table `snoozes`: what people have put off for themselves. No event tells of it: it decides nothing.

use super::sql::values;
use super::{ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::id::{PrincipalName, RequestId};

impl ReadTx<'_> {
    /// What `owner` has put off beyond `now` and still waits, with when it comes back: the first to come back first.
    pub fn snoozes(&self, owner: &PrincipalName, now: Timestamp) -> Result<Vec<(RequestId, Timestamp)>> {
        self.sql.rows(
            "SELECT i.request_id, z.until_ms FROM snoozes AS z JOIN interactions AS i USING (interaction_id) \
             WHERE z.owner = ?1 AND z.until_ms > ?2 AND i.status = 'pending' ORDER BY z.until_ms, i.request_id",
            values![owner, now],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }
}

impl WriteTx<'_> {
    /// Puts an interaction off for one person, in place of what was said before; what has come back is forgotten.
    pub fn snooze(&mut self, owner: &PrincipalName, request_id: &RequestId, until: Timestamp) -> Result<()> {
        self.sql.write("DELETE FROM snoozes WHERE owner = ?1 AND until_ms <= ?2", values![owner, self.now])?;
        let sql = "INSERT INTO snoozes (owner, interaction_id, until_ms) \
                   SELECT ?1, interaction_id, ?3 FROM interactions WHERE request_id = ?2 \
                   ON CONFLICT (owner, interaction_id) DO UPDATE SET until_ms = excluded.until_ms";
        self.sql.write(sql, values![owner, request_id, until])
    }
}
