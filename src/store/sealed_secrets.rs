//! The table `sealed_secrets`: values that people gave, sealed before they come here.

use super::page::{Cursor, ListPage};
use super::sql::{Column, values};
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::enums::Delivery;
use crate::domain::id::{PrincipalName, RequestId, SecretName, TakeId};
use crate::domain::secret_value::SealedValue;

/// A secret as it is stored.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    /// What becomes of it.
    pub delivery: Delivery,
    /// The value; `None` once it is wiped.
    pub value: Option<SealedValue>,
    /// Who took a one-time value, and when.
    pub taken: Option<(TakeId, Timestamp)>,
    /// Whether a person wiped it.
    pub is_wiped: bool,
}

impl ReadTx<'_> {
    /// The value that was given for a request which was answered, as this very transaction has seen.
    pub fn found_sealed(&self, request_id: &RequestId) -> Result<StoredSecret> {
        let missing = || Error::Corrupt { table: "sealed_secrets", key: request_id.to_string() };
        self.sealed(request_id)?.ok_or_else(missing)
    }

    /// The value that was given for a request.
    pub fn sealed(&self, request_id: &RequestId) -> Result<Option<StoredSecret>> {
        let sql = "SELECT s.delivery, s.key_id, s.sealed, s.take_id, s.taken_at_ms, s.wiped_at_ms IS NOT NULL \
             FROM sealed_secrets AS s JOIN interactions AS i USING (interaction_id) WHERE i.request_id = ?1";
        self.sql.row(sql, values![request_id], |row| {
            let key_id: String = row.get(1)?;
            let bytes: Option<Vec<u8>> = row.get(2)?;
            let taken = row.get::<Option<TakeId>>(3)?.zip(row.get::<Option<Timestamp>>(4)?);
            let value = bytes.map(|bytes| SealedValue { key_id, bytes });
            Ok(StoredSecret { delivery: row.get(0)?, value, taken, is_wiped: row.get(5)? })
        })
    }

    /// The keys that seal something here.
    pub fn keys_in_use(&self) -> Result<Vec<String>> {
        let sql = "SELECT key_id FROM sealed_secrets WHERE sealed IS NOT NULL UNION \
             SELECT key_id FROM channels WHERE sealed IS NOT NULL UNION SELECT key_id FROM push_keys ORDER BY 1";
        self.sql.rows(sql, values![], |row| row.get(0))
    }

    /// The key that all servers on a shared database seal with; `None` before the first of them has started.
    pub fn shared_key(&self) -> Result<Option<String>> {
        Ok(self.sql.value::<Option<String>>("SELECT key_id FROM about", values![])?.flatten())
    }

    /// The next `limit` requests from `after` on, in the order of registration, whose values are kept.
    pub fn sealed_after(&self, after: Option<Cursor>, limit: u32) -> Result<ListPage<(RequestId, SealedValue)>> {
        self.sealed_page(
            "SELECT s.interaction_id, i.request_id, s.key_id, s.sealed \
             FROM sealed_secrets AS s JOIN interactions AS i USING (interaction_id) \
             WHERE s.sealed IS NOT NULL AND s.interaction_id > ?1 ORDER BY s.interaction_id LIMIT ?2",
            after,
            limit,
        )
    }

    /// What is sealed, chunk by chunk: `sql` selects the row's number, its id, the key and the seal, after `?1` at most `?2`.
    pub(super) fn sealed_page<Id: Column>(
        &self,
        sql: &str,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<ListPage<(Id, SealedValue)>> {
        let mut next = None;
        let rows = self.sql.rows(sql, values![after.map_or(0, Cursor::row), limit], |row| {
            next = Some(Cursor::at(row.get(0)?));
            Ok((row.get(1)?, SealedValue { key_id: row.get(2)?, bytes: row.get(3)? }))
        })?;
        Ok(ListPage { rows, next })
    }
}

impl WriteTx<'_> {
    /// Says with which key servers on a shared database seal, where nobody has said so yet; with which they do.
    pub fn share_key(&mut self, key_id: &str) -> Result<Option<String>> {
        self.sql.write("UPDATE about SET key_id = ?1 WHERE key_id IS NULL", values![key_id])?;
        self.shared_key()
    }

    /// Says that they seal with another one from here on. A database that is not shared does not tell.
    pub fn replace_shared_key(&mut self, key_id: &str) -> Result<()> {
        if self.sql.is_shared() { self.sql.write("UPDATE about SET key_id = ?1", values![key_id]) } else { Ok(()) }
    }

    /// Keeps a value that was given for a request.
    pub fn insert_sealed(
        &mut self,
        request_id: &RequestId,
        (service, field): (&SecretName, &SecretName),
        delivery: Delivery,
        value: &SealedValue,
    ) -> Result<()> {
        self.sql.write(
            "INSERT INTO sealed_secrets (interaction_id, service, field, delivery, key_id, sealed) \
             SELECT interaction_id, ?2, ?3, ?4, ?5, ?6 FROM interactions WHERE request_id = ?1",
            values![request_id, service, field, delivery, value.key_id, value.bytes],
        )
    }

    /// Puts the same value, sealed anew, in the place of a sealed one.
    pub fn reseal(&mut self, request_id: &RequestId, value: &SealedValue) -> Result<()> {
        self.sql.write(
            "UPDATE sealed_secrets SET key_id = ?2, sealed = ?3 \
             WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1)",
            values![request_id, value.key_id, value.bytes],
        )
    }

    /// Marks a one-time value as taken; from `wipe_at` on it is gone.
    pub fn mark_taken(&mut self, request_id: &RequestId, take: &TakeId, wipe_at: Timestamp) -> Result<()> {
        self.sql.write_one(
            "UPDATE sealed_secrets SET take_id = ?2, taken_at_ms = ?3, wipe_at_ms = ?4 \
             WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1) \
             AND delivery = 'transient_send' AND take_id IS NULL",
            values![request_id, take, self.now, wipe_at],
            || Error::Corrupt { table: "sealed_secrets", key: request_id.to_string() },
        )?;
        self.set_deadline(Some(wipe_at));
        Ok(())
    }

    /// Writes down that a kept value was taken; `false` where the same taking is written down already.
    pub fn insert_taking(&mut self, request_id: &RequestId, take: &TakeId) -> Result<bool> {
        let changed = self.sql.execute(
            "INSERT INTO secret_takings (interaction_id, take_id, taken_at_ms) \
             SELECT interaction_id, ?2, ?3 FROM interactions WHERE request_id = ?1 ON CONFLICT DO NOTHING",
            values![request_id, take, self.now],
        )?;
        Ok(changed == 1)
    }

    /// Wipes a value for a person: it has to be there.
    pub fn wipe_sealed(&mut self, request_id: &RequestId, by: &PrincipalName) -> Result<()> {
        self.sql.write_one(
            "UPDATE sealed_secrets SET sealed = NULL, wiped_by = ?2, wiped_at_ms = ?3 \
             WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1) \
             AND sealed IS NOT NULL",
            values![request_id, by, self.now],
            || Error::Corrupt { table: "sealed_secrets", key: request_id.to_string() },
        )
    }

    /// Wipes the one-time values whose time has come; the requests that they were given for.
    pub fn wipe_taken(&mut self, limit: u32) -> Result<Vec<RequestId>> {
        let due: Vec<RequestId> = self.sql.rows(
            "SELECT i.request_id FROM sealed_secrets AS s JOIN interactions AS i USING (interaction_id) \
             WHERE s.sealed IS NOT NULL AND s.wipe_at_ms <= ?1 ORDER BY s.wipe_at_ms LIMIT ?2",
            values![self.now, limit],
            |row| row.get(0),
        )?;
        for request_id in &due {
            self.sql.write(
                "UPDATE sealed_secrets SET sealed = NULL \
                 WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1)",
                values![request_id],
            )?;
        }
        Ok(due)
    }
}
