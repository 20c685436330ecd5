//! The tables `tool_calls` and `tool_call_joins`: how a client's call of a tool finds its interaction again.

use super::sql::values;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::id::RequestId;
use crate::domain::interaction::Record;

/// How many of the latest interactions that ask the same are looked through for one that is open: a call is to be short.
const SAME_CALLS: u32 = 100;

/// The interaction of the same question that is pending, else approved and still to be claimed, or answered and not handed out.
const OPEN: &str = "SELECT i.request_id FROM (SELECT interaction_id, taken_at_ms FROM tool_calls \
       WHERE asked_sha256 = ?1 ORDER BY interaction_id DESC LIMIT ?3) AS same \
     JOIN interactions AS i USING (interaction_id) LEFT JOIN claims AS c USING (interaction_id) \
     WHERE (i.status = 'pending' AND (i.expires_at_ms IS NULL OR i.expires_at_ms > ?2)) \
       OR (i.status = 'approved' AND c.interaction_id IS NULL \
           AND (i.claim_expires_at_ms IS NULL OR i.claim_expires_at_ms > ?2)) \
       OR (i.status = 'answered' AND same.taken_at_ms IS NULL) \
     ORDER BY i.status = 'pending' DESC, i.interaction_id DESC LIMIT 1";

/// How many interactions have asked the same.
const COUNT: &str = "SELECT count(*) FROM tool_calls WHERE asked_sha256 = ?1";

impl ReadTx<'_> {
    /// The interaction that a call with this identity goes by, where it is not its own.
    pub fn joined_call(&self, call_sha256: &[u8; 32]) -> Result<Option<Record>> {
        let found = self.sql.value::<RequestId>(
            "SELECT i.request_id FROM tool_call_joins JOIN interactions AS i USING (interaction_id) WHERE call_sha256 = ?1",
            values![call_sha256],
        )?;
        found.map(|id| self.found_record(&id)).transpose()
    }

    /// The interaction that asks the same and is open at `now`: a pending one first, else one whose answer is not used.
    pub fn open_call(&self, asked_sha256: &[u8; 32], now: Timestamp) -> Result<Option<Record>> {
        let found = self.sql.value::<RequestId>(OPEN, values![asked_sha256, now, SAME_CALLS])?;
        found.map(|id| self.found_record(&id)).transpose()
    }

    /// How many interactions have asked the same.
    pub fn calls_asked(&self, asked_sha256: &[u8; 32]) -> Result<u64> {
        self.sql.one(COUNT, values![asked_sha256])
    }

    /// Whether a client's call has registered this and was not told that the answer is kept.
    pub fn is_dropped_call(&self, request_id: &RequestId) -> Result<bool> {
        self.sql.exists(
            "SELECT 1 FROM tool_calls JOIN interactions AS i USING (interaction_id) \
             WHERE i.request_id = ?1 AND kept_at_ms IS NULL",
            values![request_id],
        )
    }
}

impl WriteTx<'_> {
    /// Notes that a client's call has registered this interaction.
    pub fn insert_tool_call(&mut self, request_id: &RequestId, asked_sha256: &[u8; 32]) -> Result<()> {
        let sql = "INSERT INTO tool_calls (interaction_id, asked_sha256) \
             SELECT interaction_id, ?2 FROM interactions WHERE request_id = ?1";
        self.sql.write_one(sql, values![request_id, asked_sha256], || no_such(request_id))
    }

    /// Notes that the call of this identity goes by this interaction.
    pub fn join_call(&mut self, call_sha256: &[u8; 32], request_id: &RequestId) -> Result<()> {
        let sql = "INSERT INTO tool_call_joins (call_sha256, interaction_id) \
             SELECT ?1, interaction_id FROM interactions WHERE request_id = ?2 \
             ON CONFLICT (call_sha256) DO UPDATE SET interaction_id = excluded.interaction_id";
        self.sql.write_one(sql, values![call_sha256, request_id], || no_such(request_id))
    }

    /// Notes, once, that the client was told that the answer is kept.
    pub fn keep_call(&mut self, request_id: &RequestId) -> Result<()> {
        self.mark("kept_at_ms", request_id)
    }

    /// Notes, once, that the answers to a question were handed out.
    pub fn take_answers(&mut self, request_id: &RequestId) -> Result<()> {
        self.mark("taken_at_ms", request_id)
    }

    fn mark(&mut self, column: &str, request_id: &RequestId) -> Result<()> {
        let sql = format!(
            "UPDATE tool_calls SET {column} = ?2 WHERE {column} IS NULL \
             AND interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1)"
        );
        self.sql.write(&sql, values![request_id, self.now])
    }
}

fn no_such(request_id: &RequestId) -> Error {
    Error::Corrupt { table: "interactions", key: request_id.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::plan;

    #[test]
    fn a_call_reads_those_that_ask_the_same_alone() {
        for query in [OPEN, COUNT] {
            let steps = plan(query);
            assert!(steps.iter().any(|step| step.contains("INDEX tool_calls_asked (asked_sha256=?)")), "{steps:?}");
            assert!(steps.iter().all(|step| !step.starts_with("SCAN") || step == "SCAN same"), "{query}: {steps:?}");
        }
    }
}
