//! The table `audit_events`: append-only, written in the same transaction as every change.

use rusqlite::{OptionalExtension, params};
use serde_json::value::RawValue;

use super::conditions::Conditions;
use super::{Page, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{AuditEvent, NewAuditEvent};
use crate::domain::id::{PrincipalName, RequestId, RuleId};

/// Which events a list shows: those that match every member that is given.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// About which interaction.
    pub request_id: Option<RequestId>,
    /// About which rule, or by which.
    pub rule_id: Option<RuleId>,
    /// By whom.
    pub principal: Option<PrincipalName>,
    /// Only about interactions that this principal registered: what an agent may see.
    pub visible_to: Option<PrincipalName>,
}

const EVENTS: &str = "SELECT seq, at_ms, event, request_id, rule_id, principal, detail FROM audit_events";

impl EventFilter {
    fn conditions(&self) -> Conditions<'_> {
        Conditions::default()
            .when("request_id = ?", self.request_id.as_ref())
            .when("rule_id = ?", self.rule_id.as_ref())
            .when("principal = ?", self.principal.as_ref())
            .when(
                "EXISTS (SELECT 1 FROM interactions AS i \
                 WHERE i.request_id = audit_events.request_id AND i.registered_by = ?)",
                self.visible_to.as_ref(),
            )
    }
}

impl ReadTx<'_> {
    /// A page of the events that match, newest first.
    pub fn audit_events(&self, filter: &EventFilter, page: Page) -> Result<Vec<AuditEvent>> {
        let conditions = filter.conditions().when("seq < ?", page.before.as_ref());
        self.events(conditions, "ORDER BY seq DESC LIMIT ?", page.limit)
    }

    /// The events that match and came after `seq`, oldest first, at most `limit`.
    pub fn audit_events_after(&self, seq: i64, filter: &EventFilter, limit: u32) -> Result<Vec<AuditEvent>> {
        self.events(filter.conditions().when("seq > ?", Some(&seq)), "ORDER BY seq LIMIT ?", limit)
    }

    fn events(&self, conditions: Conditions<'_>, tail: &str, limit: u32) -> Result<Vec<AuditEvent>> {
        let (sql, values) = conditions.query(EVENTS, tail, &limit);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let events = statement.query_map(values.as_slice(), |row| {
            let detail = RawValue::from_string(row.get(6)?).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error))
            })?;
            Ok(AuditEvent {
                seq: row.get(0)?,
                at: row.get(1)?,
                event: row.get(2)?,
                request_id: row.get(3)?,
                rule_id: row.get(4)?,
                principal: row.get(5)?,
                detail,
            })
        })?;
        Ok(events.collect::<rusqlite::Result<_>>()?)
    }

    /// The last event's place; 0 before the first.
    pub fn last_seq(&self) -> Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM audit_events")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The highest time in the database: that of its last event, for every change has one and time only grows.
    pub(super) fn highest_time(&self) -> Result<Option<Timestamp>> {
        let mut statement = self.conn.prepare_cached("SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1")?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?)
    }
}

impl WriteTx<'_> {
    /// Appends one event, at this transaction's time.
    pub fn append_audit(&mut self, event: NewAuditEvent<'_>) -> Result<()> {
        let detail = event.detail.map(|detail| detail.to_string());
        self.conn
            .prepare_cached(
                "INSERT INTO audit_events (at_ms, event, request_id, rule_id, principal, detail) \
                 VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, '{}'))",
            )?
            .execute(params![self.now, event.event, event.request_id, event.rule_id, event.principal, detail])?;
        self.committed.last_seq = Some(self.conn.last_insert_rowid());
        Ok(())
    }
}
