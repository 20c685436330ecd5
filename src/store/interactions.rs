//! The tables `interactions` and `interaction_bodies`: the hot and the cold half of an interaction.

use super::claims::{claim_columns, claim_from, outcome_text};
use super::pending::Change;
use super::sql::{Row, values};
use super::stored_bytes::stored_bytes;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::Outcome;
use crate::domain::id::{ConversationId, PrincipalName, RequestId};
use crate::domain::interaction::{
    Body, Detail, Forgetting, Interaction, Record, Resolution, ResolvedBy, Status, System, Wiping,
};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Content, Remains};

/// The columns that [`interaction_from`] reads, in its order.
macro_rules! hot_columns {
    () => {
        "i.interaction_id, i.request_id, i.kind, i.status, i.conversation_id, i.tool_name, i.registered_by, \
         i.created_at_ms, i.expires_at_ms, i.resolved_at_ms, i.resolved_by_principal, i.resolved_by_rule, \
         i.resolved_by_system, i.resolution, i.claim_within_ms, t.text, t.unshown"
    };
}

/// The tables of [`hot_columns`].
macro_rules! hot_tables {
    () => {
        " FROM interactions AS i LEFT JOIN texts AS t ON t.interaction_id = i.interaction_id AND t.about = 'resolution'"
    };
}

/// An interaction with its body, its claim, the wiping of its secret and its forgetting; [`record_from`] reads it.
macro_rules! records {
    () => {
        concat!(
            "SELECT ",
            hot_columns!(),
            ", b.body, b.metadata, b.content_sha256, b.traceparent, b.origin, ",
            claim_columns!(),
            ", s.wiped_by, s.wiped_at_ms, f.forgotten_at_ms, f.forgotten_by, f.content_sha256, f.input_digest, f.risk_level",
            hot_tables!(),
            " LEFT JOIN interaction_bodies AS b ON b.interaction_id = i.interaction_id \
             LEFT JOIN claims AS c ON c.interaction_id = i.interaction_id ",
            outcome_text!(),
            " LEFT JOIN sealed_secrets AS s ON s.interaction_id = i.interaction_id \
             LEFT JOIN forgettings AS f ON f.interaction_id = i.interaction_id"
        )
    };
}

/// The number of the one with this id, and the id.
pub(super) const NUMBER: &str = "SELECT interaction_id, request_id FROM interactions WHERE request_id = ?1";

/// The one with this id, without what was asked.
pub(super) const INTERACTION: &str = concat!("SELECT ", hot_columns!(), hot_tables!(), " WHERE i.request_id = ?1");

/// All of them.
pub(super) const RECORDS: &str = records!();

/// The one in this row.
pub(super) const RECORD: &str = concat!(records!(), " WHERE i.interaction_id = ?1");

pub(super) const INSERT: &str = "INSERT INTO interactions (interaction_id, request_id, kind, status, conversation_id, tool_name, \
     registered_by, created_at_ms, expires_at_ms, claim_within_ms) VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7, ?8, ?9)";

pub(super) const INSERT_BODY: &str = "INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256, traceparent, \
     tool_use_sha256, origin) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// What the columns of a body hold beside its own members: made of it beside the writer's thread.
#[derive(Clone, Debug)]
pub struct BodyColumns {
    /// The content as JSON.
    pub content: String,
    /// Where the agent says that it comes from, as JSON.
    pub origin: Option<String>,
    /// The digest of the one use of a tool that it names.
    pub tool_use_sha256: Option<[u8; 32]>,
}

/// How many of the latest registrations of the same use of a tool are looked through for one that is open: a use is
/// registered a few times, and a registration is to be short.
const TOOL_USES: u32 = 100;

/// What the columns of a resolution hold, in their order; the last has its facts, what was written and what is not shown.
type ResolutionColumns =
    (Status, Option<Timestamp>, Option<PrincipalName>, Option<String>, Option<String>, [Option<String>; 3]);

fn interaction_from(row: &Row<'_>) -> Result<Interaction> {
    let request_id: RequestId = row.get(1)?;
    let detail = [row.get(13)?, row.get(15)?, row.get(16)?];
    let columns = (row.get(3)?, row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?, detail);
    let corrupt = || Error::Corrupt { table: "interactions", key: request_id.to_string() };
    let resolution = resolution_from(columns).ok_or_else(corrupt)?;
    Ok(Interaction {
        kind: row.get(2)?,
        conversation_id: row.get(4)?,
        tool_name: row.get(5)?,
        registered_by: row.get(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        claim_within_ms: row.get(14)?,
        resolution,
        request_id,
    })
}

/// `None` for what no row of ours can hold.
fn resolution_from(columns: ResolutionColumns) -> Option<Option<Resolution>> {
    let (outcome, at, by, detail) = match columns {
        (Status::Pending, None, None, None, None, [None, None, None]) => return Some(None),
        (Status::Resolved(outcome), Some(at), Some(name), None, None, detail) => {
            (outcome, at, ResolvedBy::Principal(name), detail)
        }
        (Status::Resolved(outcome), Some(at), None, Some(rule), None, detail) => {
            (outcome, at, ResolvedBy::TrustRule(rule.parse().ok()?), detail)
        }
        (Status::Resolved(outcome @ Outcome::Expired), Some(at), None, None, Some(_), detail) => {
            (outcome, at, ResolvedBy::System(System::Expired), detail)
        }
        _ => return None,
    };
    let [facts, text, unshown] = detail.map(|json| match json {
        Some(json) => serde_json::from_str::<Detail>(&json).ok(),
        None => Some(Detail::default()),
    });
    let (Detail { comment, .. }, Detail { updated_input, responses, .. }) = (text?, unshown?);
    let detail = Detail { comment, updated_input, responses, ..facts? };
    Some(Some(Resolution { outcome, by, at, detail }))
}

pub(super) fn record_from(row: &Row<'_>) -> Result<Record> {
    let interaction = interaction_from(row)?;
    let forgotten_at: Option<Timestamp> = row.get(31)?;
    let body = if forgotten_at.is_some() { remains(&interaction, row)? } else { body_from(&interaction, row)? };
    let claim = claim_from(row, 22)?;
    let wiping = row.get::<Option<PrincipalName>>(29)?.zip(row.get(30)?).map(|(by, at)| Wiping { by, at });
    let by = row.get(32)?;
    let forgetting = forgotten_at.map(|at| Forgetting { by, at });
    Ok(Record { interaction, body, claim, wiping, forgetting })
}

fn body_from(interaction: &Interaction, row: &Row<'_>) -> Result<Body> {
    let (Some(content), Some(metadata)) = (row.text(17)?, row.text(18)?) else {
        return Err(no_body(&interaction.request_id));
    };
    let corrupt = |_| no_body(&interaction.request_id);
    Ok(Body {
        bytes: content.len() + metadata.len(),
        content: Content::from_json(interaction.kind, content).map_err(corrupt)?,
        metadata: JsonObject::from_json(metadata).map_err(corrupt)?,
        content_sha256: row.get(19)?,
        traceparent: row.get(20)?,
        origin: row.text(21)?.map(serde_json::from_str).transpose().map_err(corrupt)?,
    })
}

/// What remains of the body of an interaction that is forgotten.
fn remains(interaction: &Interaction, row: &Row<'_>) -> Result<Body> {
    let risk_level = row.text(35)?.map(str::parse).transpose();
    let remains = Remains {
        kind: interaction.kind,
        tool_name: interaction.tool_name.clone(),
        risk_level: risk_level.map_err(|_| no_body(&interaction.request_id))?,
        input_digest: row.get(34)?,
    };
    Ok(Body {
        bytes: 0,
        content: Content::Forgotten(remains),
        metadata: JsonObject::default(),
        content_sha256: row.get(33)?,
        traceparent: None,
        origin: None,
    })
}

/// The body of an interaction that is there is missing, or not what its kind asks.
fn no_body(id: &RequestId) -> Error {
    Error::Corrupt { table: "interaction_bodies", key: id.to_string() }
}

impl ReadTx<'_> {
    /// The interaction with this id, without what was asked.
    pub fn interaction(&self, id: &RequestId) -> Result<Option<Interaction>> {
        self.sql.row(INTERACTION, values![id], interaction_from)
    }

    /// The interaction with this id, with everything that belongs to it.
    pub fn record(&self, id: &RequestId) -> Result<Option<Record>> {
        // Nearly every registration is new: that costs the short statement alone.
        let Some(row) = self.sql.value::<i64>(NUMBER, values![id])? else { return Ok(None) };
        self.sql.row(RECORD, values![row], record_from)
    }

    /// An interaction that was found in this very transaction, with everything that belongs to it.
    pub fn found_record(&self, id: &RequestId) -> Result<Record> {
        self.record(id)?.ok_or_else(|| no_body(id))
    }

    /// What an interaction asked that was found in this very transaction, in the shape of its kind.
    pub fn found_content<T: TryFrom<Content>>(&self, id: &RequestId) -> Result<T> {
        T::try_from(self.found_record(id)?.body.content).map_err(|_| no_body(id))
    }

    /// The newest interaction about this use of a tool that is pending, or approved and still to be claimed, at `now`.
    pub fn open_tool_use(&self, tool_use_sha256: &[u8; 32], now: Timestamp) -> Result<Option<Record>> {
        let found = self.sql.value::<RequestId>(
            "SELECT i.request_id FROM (SELECT interaction_id FROM interaction_bodies \
               WHERE tool_use_sha256 = ?1 ORDER BY interaction_id DESC LIMIT ?3) AS same \
             JOIN interactions AS i USING (interaction_id) LEFT JOIN claims AS c USING (interaction_id) \
             WHERE (i.status = 'pending' AND (i.expires_at_ms IS NULL OR i.expires_at_ms > ?2)) \
               OR (i.status = 'approved' AND c.interaction_id IS NULL \
                   AND (i.claim_expires_at_ms IS NULL OR i.claim_expires_at_ms > ?2)) \
             ORDER BY i.interaction_id DESC LIMIT 1",
            values![tool_use_sha256, now, TOOL_USES],
        )?;
        found.map(|id| self.found_record(&id)).transpose()
    }

    /// What is pending of one principal, oldest first; at most `limit`.
    pub fn pending_of(&self, name: &PrincipalName, limit: u32) -> Result<Vec<Interaction>> {
        let sql = concat!(
            "SELECT ",
            hot_columns!(),
            hot_tables!(),
            " WHERE i.status = 'pending' AND i.registered_by = ?1 ORDER BY i.interaction_id LIMIT ?2"
        );
        self.sql.rows(sql, values![name, limit], interaction_from)
    }

    /// Everything that is pending in a conversation, oldest first; of one principal, or of all.
    pub fn pending_in(&self, conversation: &ConversationId, of: Option<&PrincipalName>) -> Result<Vec<Interaction>> {
        let sql = concat!(
            "SELECT ",
            hot_columns!(),
            hot_tables!(),
            " WHERE i.status = 'pending' AND i.conversation_id = ?1 \
             AND (i.registered_by = ?2 OR ?2 IS NULL) ORDER BY i.interaction_id"
        );
        self.sql.rows(sql, values![conversation, of], interaction_from)
    }

    /// The next moment at which something else than an interaction's deadline is to happen by itself: a deadline of a rule, or
    /// the wiping of a secret.
    pub fn next_deadline_beside_pending(&self) -> Result<Option<Timestamp>> {
        let first = |sql: &str| self.sql.value::<Timestamp>(sql, values![]);
        let deadlines = [
            first(
                "SELECT expires_at_ms FROM trust_rules WHERE status = 'active' AND expires_at_ms IS NOT NULL ORDER BY 1 LIMIT 1",
            )?,
            first(
                "SELECT wipe_at_ms FROM sealed_secrets WHERE sealed IS NOT NULL AND wipe_at_ms IS NOT NULL ORDER BY 1 LIMIT 1",
            )?,
        ];
        Ok(deadlines.into_iter().flatten().min())
    }
}

impl WriteTx<'_> {
    /// What is pending though its deadline is past, the longest overdue first; at most `limit`.
    pub fn overdue(&self, limit: usize) -> Result<Vec<Interaction>> {
        let ids = self.cache.pending.as_ref().map(|pending| pending.overdue(self.now, limit)).unwrap_or_default();
        let corrupt = |id: &RequestId| Error::Corrupt { table: "interactions", key: id.to_string() };
        ids.iter().map(|id| self.interaction(id)?.ok_or_else(|| corrupt(id))).collect()
    }

    /// Adds a pending interaction and the event that tells of it; `false` when its principal has `limit` pending already.
    pub fn insert_interaction(
        &mut self,
        interaction: &Interaction,
        body: &Body,
        columns: &BodyColumns,
        limit: u32,
    ) -> Result<bool> {
        let pending = self.cache.pending.as_ref().map_or(0, |pending| pending.count_of(&interaction.registered_by));
        if pending >= limit {
            return Ok(false);
        }
        // What is remembered of it is read before there is a row that it would count as well.
        self.stored()?;
        let row = match self.cache.last_interaction {
            Some(last) => last + 1,
            None => self.last_interaction()? + 1,
        };
        self.sql.write(
            INSERT,
            values![
                row,
                interaction.request_id,
                interaction.kind,
                interaction.conversation_id,
                interaction.tool_name,
                interaction.registered_by,
                interaction.created_at,
                interaction.expires_at,
                interaction.claim_within_ms,
            ],
        )?;
        self.sql.write(
            INSERT_BODY,
            values![
                row,
                columns.content,
                body.metadata.text(),
                body.content_sha256,
                body.traceparent,
                columns.tool_use_sha256,
                columns.origin,
            ],
        )?;
        self.cache.last_interaction = Some(row);
        self.count_stored(&interaction.registered_by, row, stored_bytes(body))?;
        self.committed.changes.push(Change::added(interaction));
        self.committed.registered += 1;
        self.set_deadline(interaction.expires_at);
        let event = NewAuditEvent::new(Event::Registered).request(&interaction.request_id);
        self.append_own_audit(event.principal(&interaction.registered_by), &interaction.registered_by, None)?;
        Ok(true)
    }
}
