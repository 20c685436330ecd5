//! The tables `interactions` and `interaction_bodies`: the hot and the cold half of an interaction.

use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Row, params};

use super::claims::{claim_columns, claim_from};
use super::page::{Cursor, LOOKED_THROUGH, ListPage, PAGE_BYTES, Page};
use super::where_clause::WhereClause;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::{Kind, Outcome};
use crate::domain::id::{ConversationId, IdPrefix, PrincipalName, RequestId, ToolName};
use crate::domain::interaction::{Body, Detail, Interaction, Record, Resolution, ResolvedBy, Status, System, Wiping};
use crate::domain::json::JsonObject;
use crate::domain::kinds::Content;

/// The columns that [`interaction_from`] reads, in its order.
macro_rules! hot_columns {
    () => {
        "i.interaction_id, i.request_id, i.kind, i.status, i.conversation_id, i.tool_name, i.registered_by, \
         i.created_at_ms, i.expires_at_ms, i.resolved_at_ms, i.resolved_by_principal, i.resolved_by_rule, \
         i.resolved_by_system, i.resolution, i.claim_within_ms"
    };
}

/// An interaction with its body, its claim and the wiping of its secret; [`record_from`] reads it.
const RECORDS: &str = concat!(
    "SELECT ",
    hot_columns!(),
    ", b.body, b.metadata, b.content_sha256, b.traceparent, b.origin, ",
    claim_columns!(),
    ", s.wiped_by, s.wiped_at_ms \
     FROM interactions AS i JOIN interaction_bodies AS b USING (interaction_id) \
     LEFT JOIN claims AS c USING (interaction_id) LEFT JOIN sealed_secrets AS s USING (interaction_id)"
);

/// How many of the latest registrations of the same use of a tool are looked through for one that is open: a use is
/// registered a few times, and a registration is to be short.
const TOOL_USES: u32 = 100;

/// What an interaction takes beside its content and metadata, in the tables, their indexes and the history.
const BYTES_BESIDE: usize = 1024;

/// How much of each kind is pending, and since when.
const PENDING_BY_KIND: &str =
    "SELECT kind, count(*), min(created_at_ms) FROM interactions WHERE status = 'pending' GROUP BY kind";

/// Which interactions a list shows: those that match every member that is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Where they stand.
    pub status: Option<Status>,
    /// What they ask for.
    pub kind: Option<Kind>,
    /// Which conversation they belong to.
    pub conversation_id: Option<ConversationId>,
    /// Which tool they are about.
    pub tool_name: Option<ToolName>,
    /// Who registered them.
    pub registered_by: Option<PrincipalName>,
    /// What their ids begin with.
    pub id_prefix: Option<IdPrefix>,
}

impl Filter {
    /// Adds those members that every list compares in the same way.
    fn members<'v>(&'v self, conditions: WhereClause<'v>) -> WhereClause<'v> {
        conditions
            .when("i.kind = ?", self.kind.as_ref())
            .when("i.conversation_id = ?", self.conversation_id.as_ref())
            .when("i.tool_name = ?", self.tool_name.as_ref())
            .when("i.registered_by = ?", self.registered_by.as_ref())
    }
}

/// How a list is ordered, and where it ends.
const NEWEST_FIRST: &str = "ORDER BY i.interaction_id DESC LIMIT ?";

fn pending_confirmations_query() -> String {
    format!(
        "{RECORDS} WHERE i.status = 'pending' AND i.kind = 'confirmation' AND i.tool_name = ?1 \
         AND i.interaction_id > ?2 ORDER BY i.interaction_id"
    )
}

/// The rows of the queue, numbered within each principal: all first ones come before all second ones.
const QUEUE: &str = "SELECT interaction_id FROM (\
         SELECT interaction_id, expires_at_ms, row_number() OVER (\
             PARTITION BY registered_by ORDER BY expires_at_ms IS NULL, expires_at_ms, interaction_id) AS turn \
         FROM interactions WHERE status = 'pending' AND (?1 IS NULL OR registered_by = ?1)) \
     ORDER BY turn, expires_at_ms IS NULL, expires_at_ms, interaction_id LIMIT ?3 OFFSET ?2";

/// What the columns of a resolution hold, in their order.
type ResolutionColumns =
    (Status, Option<Timestamp>, Option<PrincipalName>, Option<String>, Option<String>, Option<String>);

fn interaction_from(row: &Row<'_>) -> Result<Interaction> {
    let request_id: RequestId = row.get(1)?;
    let columns = (row.get(3)?, row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?);
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
        (Status::Pending, None, None, None, None, None) => return Some(None),
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
    let detail = match detail {
        Some(json) => serde_json::from_str::<Detail>(&json).ok()?,
        None => Detail::default(),
    };
    Some(Some(Resolution { outcome, by, at, detail }))
}

fn record_from(row: &Row<'_>) -> Result<Record> {
    let interaction = interaction_from(row)?;
    let (content, metadata) = (row.get_ref(15)?.as_str(), row.get_ref(16)?.as_str());
    let (content, metadata) = content.and_then(|content| Ok((content, metadata?))).map_err(rusqlite::Error::from)?;
    let origin = row.get_ref(19)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let corrupt = |_| no_body(&interaction.request_id);
    let body = Body {
        bytes: content.len() + metadata.len(),
        content: Content::from_json(interaction.kind, content).map_err(corrupt)?,
        metadata: JsonObject::from_json(metadata).map_err(corrupt)?,
        content_sha256: row.get(17)?,
        traceparent: row.get(18)?,
        origin: origin.map(serde_json::from_str).transpose().map_err(corrupt)?,
    };
    let claim = claim_from(row, 20)?;
    let wiping = row.get::<_, Option<PrincipalName>>(27)?.zip(row.get(28)?).map(|(by, at)| Wiping { by, at });
    Ok(Record { interaction, body, claim, wiping })
}

/// The body of an interaction that is there is missing, or not what its kind asks.
fn no_body(id: &RequestId) -> Error {
    Error::Corrupt { table: "interaction_bodies", key: id.to_string() }
}

/// Returns how many bytes an interaction counts for that is stored with this body.
#[must_use]
pub const fn stored_bytes(body: &Body) -> u64 {
    (body.bytes + BYTES_BESIDE) as u64
}

impl ReadTx<'_> {
    /// The interaction with this id, without what was asked.
    pub fn interaction(&self, id: &RequestId) -> Result<Option<Interaction>> {
        let sql = concat!("SELECT ", hot_columns!(), " FROM interactions AS i WHERE i.request_id = ?1");
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(interaction_from).transpose()
    }

    /// The interaction with this id, with everything that belongs to it.
    pub fn record(&self, id: &RequestId) -> Result<Option<Record>> {
        let mut statement = self.conn.prepare_cached(&format!("{RECORDS} WHERE i.request_id = ?1"))?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(record_from).transpose()
    }

    /// An interaction that was found in this very transaction, with everything that belongs to it.
    pub fn found_record(&self, id: &RequestId) -> Result<Record> {
        self.record(id)?.ok_or_else(|| no_body(id))
    }

    /// What an interaction asked that was found in this very transaction, in the shape of its kind.
    pub fn found_content<T: TryFrom<Content>>(&self, id: &RequestId) -> Result<T> {
        T::try_from(self.found_record(id)?.body.content).map_err(|_| no_body(id))
    }

    /// The newest interaction of `by` with this content that names its use of a tool, and is pending, or approved and
    /// still to be claimed, at `now`.
    pub fn open_tool_use(
        &self,
        by: &PrincipalName,
        content_sha256: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Record>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT i.request_id FROM (SELECT interaction_id FROM interaction_bodies \
               WHERE is_tool_use = 1 AND content_sha256 = ?1 ORDER BY interaction_id DESC LIMIT ?4) AS same \
             JOIN interactions AS i USING (interaction_id) LEFT JOIN claims AS c USING (interaction_id) \
             WHERE i.registered_by = ?2 AND ((i.status = 'pending' AND (i.expires_at_ms IS NULL OR i.expires_at_ms > ?3)) \
               OR (i.status = 'approved' AND c.interaction_id IS NULL \
                   AND (i.claim_expires_at_ms IS NULL OR i.claim_expires_at_ms > ?3))) \
             ORDER BY i.interaction_id DESC LIMIT 1",
        )?;
        let found = statement.query_row(params![content_sha256, by, now, TOOL_USES], |row| row.get::<_, RequestId>(0));
        found.optional()?.map(|id| self.found_record(&id)).transpose()
    }

    /// A page of the interactions that match; it ends early where it would take more memory than a page may, or has looked
    /// through as many rows as it may. It is in the order of ids where it is given the beginning of one and looks through
    /// what is over, too; otherwise the newest come first.
    pub fn records(&self, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        match (&filter.status, &filter.id_prefix) {
            (Some(Status::Pending), _) => self.pending_records(filter, page),
            (_, Some(prefix)) => self.records_beginning(prefix, filter, page),
            (_, None) => self.newest_records(filter, page),
        }
    }

    /// `pending` is spelt out in the SQL, so that an index of what is pending serves: the `+` keeps the index of all ids
    /// away, which would lead to everything that is over as well.
    fn pending_records(&self, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let (older_than, limit) = (page.before.map(Cursor::row), page.one_more());
        let ids_end = filter.id_prefix.as_ref().map(IdPrefix::end);
        let (sql, values) = filter
            .members(WhereClause::default().always("i.status = 'pending'"))
            .when("i.interaction_id < ?", older_than.as_ref())
            .when("+i.request_id >= ?", filter.id_prefix.as_ref())
            .when("+i.request_id < ?", ids_end.as_ref())
            .query(RECORDS, NEWEST_FIRST, &limit);
        self.page(&sql, &values, page.limit)
    }

    fn newest_records(&self, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let ((after, before), limit) = (page.window(self.last_interaction()?), page.one_more());
        let (sql, values) = filter
            .members(WhereClause::default())
            .when("i.interaction_id < ?", Some(&before))
            .when("i.interaction_id > ?", Some(&after))
            .when("i.status = ?", filter.status.as_ref())
            .query(RECORDS, NEWEST_FIRST, &limit);
        let mut found = self.page(&sql, &values, page.limit)?;
        if found.next.is_none() && after > 0 {
            found.next = Some(Cursor::at(after + 1));
        }
        Ok(found)
    }

    /// By the index of all ids; the cursor is the row of the last one that was looked at.
    fn records_beginning(&self, prefix: &IdPrefix, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let (after, limit, ids_end) = (page.before.map(Cursor::row), page.one_more(), prefix.end());
        let past = "i.request_id > (SELECT request_id FROM interactions WHERE interaction_id = ?)";
        let within = WhereClause::default()
            .when("i.request_id >= ?", Some(prefix))
            .when("i.request_id < ?", Some(&ids_end))
            .when(past, after.as_ref());
        let furthest = "SELECT i.interaction_id, i.request_id FROM interactions AS i";
        let skipped = LOOKED_THROUGH - 1;
        let (sql, values) = within.query(furthest, "ORDER BY i.request_id LIMIT 1 OFFSET ?", &skipped);
        let last: Option<(i64, RequestId)> = self
            .conn
            .prepare_cached(&sql)?
            .query_row(values.as_slice(), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (last_row, last_id) = last.unzip();
        let (sql, values) = filter
            .members(WhereClause::default())
            .when("i.request_id >= ?", Some(prefix))
            .when("i.request_id < ?", Some(&ids_end))
            .when(past, after.as_ref())
            .when("i.request_id <= ?", last_id.as_ref())
            .when("i.status = ?", filter.status.as_ref())
            .query(RECORDS, "ORDER BY i.request_id LIMIT ?", &limit);
        let mut found = self.page(&sql, &values, page.limit)?;
        found.next = found.next.or(last_row.map(Cursor::at));
        Ok(found)
    }

    /// The row of the newest interaction; 0 before the first.
    fn last_interaction(&self) -> Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT coalesce(max(interaction_id), 0) FROM interactions")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The position of the newest interaction, or before the first: all that is registered later is after it.
    pub fn newest_interaction(&self) -> Result<Cursor> {
        self.last_interaction().map(Cursor::at)
    }

    /// The pending confirmations of a tool, oldest first, from `after` on: as many as a page takes.
    pub fn pending_confirmations(&self, tool_name: &ToolName, after: Option<Cursor>) -> Result<ListPage<Record>> {
        self.page(&pending_confirmations_query(), params![tool_name, after.map_or(0, Cursor::row)], u32::MAX)
    }

    /// What is pending, of one principal or of all: principals take turns, and of each comes first what ends first, and last
    /// what waits forever. After `skip` of them at most `limit`, or as many as a page takes.
    pub fn queue(&self, of: Option<&PrincipalName>, skip: u64, limit: u32) -> Result<Vec<Record>> {
        let mut statement = self.conn.prepare_cached(QUEUE)?;
        let skip = i64::try_from(skip).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![of, skip, limit], |row| row.get::<_, i64>(0))?;
        let mut by_row = self.conn.prepare_cached(&format!("{RECORDS} WHERE i.interaction_id = ?1"))?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for row in rows {
            if bytes > PAGE_BYTES {
                break;
            }
            let record = by_row.query_row([row?], |row| Ok(record_from(row)))??;
            bytes += record.body.bytes;
            found.push(record);
        }
        Ok(found)
    }

    /// How many interactions are pending, of one principal or of all.
    pub fn count_of_pending(&self, of: Option<&PrincipalName>) -> Result<u64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) FROM interactions WHERE status = 'pending' AND (?1 IS NULL OR registered_by = ?1)",
        )?;
        Ok(statement.query_row([of], |row| row.get(0))?)
    }

    /// What is pending of one principal, oldest first; at most `limit`.
    pub fn pending_of(&self, name: &PrincipalName, limit: u32) -> Result<Vec<Interaction>> {
        let sql = concat!(
            "SELECT ",
            hot_columns!(),
            " FROM interactions AS i WHERE i.status = 'pending' AND i.registered_by = ?1 ORDER BY i.interaction_id LIMIT ?2"
        );
        self.interactions(sql, params![name, limit])
    }

    /// The rows that a query finds, until there are `limit` or they take more memory than a page may.
    fn page(&self, sql: &str, values: &[&dyn ToSql], limit: u32) -> Result<ListPage<Record>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let (mut found, mut bytes, mut last) = (ListPage::default(), 0, None);
        while let Some(row) = rows.next()? {
            if found.rows.len() == limit as usize || bytes > PAGE_BYTES {
                found.next = last;
                break;
            }
            let record = record_from(row)?;
            bytes += record.body.bytes;
            last = Some(Cursor::at(row.get(0)?));
            found.rows.push(record);
        }
        Ok(found)
    }

    /// Everything that is pending in a conversation, oldest first; of one principal, or of all.
    pub fn pending_in(&self, conversation: &ConversationId, of: Option<&PrincipalName>) -> Result<Vec<Interaction>> {
        let sql = concat!(
            "SELECT ",
            hot_columns!(),
            " FROM interactions AS i WHERE i.status = 'pending' AND i.conversation_id = ?1 \
             AND (?2 IS NULL OR i.registered_by = ?2) ORDER BY i.interaction_id"
        );
        self.interactions(sql, params![conversation, of])
    }

    /// What is pending though its deadline is not after `now`, the longest overdue first; at most `limit`.
    pub fn overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<Interaction>> {
        let sql = concat!(
            "SELECT ",
            hot_columns!(),
            " FROM interactions AS i WHERE i.status = 'pending' AND i.expires_at_ms <= ?1 ORDER BY i.expires_at_ms LIMIT ?2"
        );
        self.interactions(sql, params![now, limit])
    }

    fn interactions(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<Interaction>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut interactions = Vec::new();
        while let Some(row) = rows.next()? {
            interactions.push(interaction_from(row)?);
        }
        Ok(interactions)
    }

    /// How many interactions of each kind are pending, and since when the oldest of them is.
    pub fn pending_by_kind(&self) -> Result<Vec<(Kind, u64, Timestamp)>> {
        let mut statement = self.conn.prepare_cached(PENDING_BY_KIND)?;
        let counts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(counts.collect::<rusqlite::Result<_>>()?)
    }

    /// The next moment at which something is to happen by itself: a deadline of an interaction or of a rule, or the wiping
    /// of a secret.
    pub fn next_deadline(&self) -> Result<Option<Timestamp>> {
        let first = |sql: &str| -> Result<Option<Timestamp>> {
            Ok(self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
        };
        let deadlines = [
            first(
                "SELECT expires_at_ms FROM interactions WHERE status = 'pending' AND expires_at_ms IS NOT NULL ORDER BY 1 LIMIT 1",
            )?,
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
    /// Adds a pending interaction and the event that tells of it; `false` when its principal has `limit` pending already.
    /// `content` is the body's content as JSON, which the caller has written beside the writer's thread.
    pub fn insert_interaction(
        &mut self,
        interaction: &Interaction,
        body: &Body,
        content: &str,
        limit: u32,
    ) -> Result<bool> {
        if !self.count_pending(&interaction.registered_by, limit)? {
            return Ok(false);
        }
        let not_json = |_| no_body(&interaction.request_id);
        let origin = body.origin.as_ref().map(serde_json::to_string).transpose().map_err(not_json)?;
        self.conn
            .prepare_cached(
                "INSERT INTO interactions (request_id, kind, status, conversation_id, tool_name, registered_by, \
                 created_at_ms, expires_at_ms, claim_within_ms) VALUES (?1, ?2, 'pending', ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                interaction.request_id,
                interaction.kind,
                interaction.conversation_id,
                interaction.tool_name,
                interaction.registered_by,
                interaction.created_at,
                interaction.expires_at,
                interaction.claim_within_ms,
            ])?;
        self.conn
            .prepare_cached(
                "INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256, traceparent, is_tool_use, origin) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                self.conn.last_insert_rowid(),
                content,
                body.metadata.text(),
                body.content_sha256,
                body.traceparent,
                body.names_tool_use(interaction.conversation_id.as_ref()),
                origin
            ])?;
        self.count_stored(&interaction.registered_by, stored_bytes(body))?;
        self.set_deadline(interaction.expires_at);
        let event = NewAuditEvent::new(Event::Registered);
        self.append_audit(event.request(&interaction.request_id).principal(&interaction.registered_by))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query_plan::plan;

    #[test]
    fn what_is_pending_is_found_without_reading_what_is_over() {
        let (row, name, limit) = (1_i64, "builder".parse().unwrap(), 10);
        let filters = [
            Filter::default(),
            Filter { kind: Some(Kind::Question), ..Filter::default() },
            Filter { registered_by: Some(name), ..Filter::default() },
        ];
        let mut queries =
            vec![pending_confirmations_query(), PENDING_BY_KIND.to_owned(), "SELECT * FROM v_pending".to_owned()];
        for filter in &filters {
            for older_than in [None, Some(&row)] {
                let pending = WhereClause::default().always("i.status = 'pending'");
                let window = pending.when("i.interaction_id < ?", older_than);
                queries.push(filter.members(window).query(RECORDS, NEWEST_FIRST, &limit).0);
            }
        }
        for query in queries {
            let plan = plan(&query);
            assert!(plan[0].contains("USING INDEX interactions_pending"), "{query}: {plan:?}");
            // The views go through the characters that they escape.
            let of_rows = |step: &&String| {
                step.starts_with("SCAN") && !["SCAN escaped", "SCAN CONSTANT ROW"].contains(&step.as_str())
            };
            assert_eq!(plan[1..].iter().find(of_rows), None, "{query}: {plan:?}");
            assert!(plan.iter().all(|step| !step.contains("ORDER BY")), "{query}: {plan:?}");
        }
    }

    /// It is sorted, but only what is pending is.
    #[test]
    fn the_queue_reads_nothing_that_is_over() {
        let plan = plan(QUEUE);
        let reads: Vec<&String> = plan.iter().filter(|step| step.contains(" interactions")).collect();
        assert!(matches!(reads.as_slice(), [one] if one.contains("USING INDEX interactions_pending")), "{plan:?}");
    }
}
