//! The table `audit_events`: append-only, written in the same transaction as every change, each row chained to the one
//! before.

use std::borrow::Cow;

use rusqlite::{OptionalExtension, Row, params};
use serde_json::value::RawValue;

use super::page::{Cursor, LOOKED_THROUGH, ListPage, PAGE_BYTES, Page};
use super::where_clause::WhereClause;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{AuditEvent, NewAuditEvent};
use crate::domain::chain::{AuditContent, Head};
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

const EVENTS: &str = "SELECT seq, at_ms, event, request_id, rule_id, principal, detail, hash FROM audit_events";

impl EventFilter {
    fn conditions(&self) -> WhereClause<'_> {
        WhereClause::default()
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

fn event_from(row: &Row<'_>) -> rusqlite::Result<AuditEvent> {
    let detail = RawValue::from_string(row.get(6)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(AuditEvent {
        seq: row.get(0)?,
        at: row.get(1)?,
        event: row.get(2)?,
        request_id: row.get(3)?,
        rule_id: row.get(4)?,
        principal: row.get(5)?,
        detail,
        hash: row.get(7)?,
    })
}

impl ReadTx<'_> {
    /// A page of the events that match, newest first; it ends early where it would take more memory than a page may, or
    /// has looked through as many as it may.
    pub fn audit_events(&self, filter: &EventFilter, page: Page) -> Result<ListPage<AuditEvent>> {
        // The story of one request is found by its index, however long ago it was.
        let (after, before) = if filter.request_id.is_some() {
            (0, page.before.map_or(i64::MAX, Cursor::row))
        } else {
            page.window(self.last_seq()?)
        };
        let window = filter.conditions().when("seq < ?", Some(&before)).when("seq > ?", Some(&after));
        let mut found = self.events(window, "ORDER BY seq DESC LIMIT ?", page.limit)?;
        if found.next.is_none() && after > 0 {
            found.next = Some(Cursor::at(after + 1));
        }
        Ok(found)
    }

    /// The events that match and came after `seq`, oldest first, at most `limit`, of as many as a page may look through;
    /// and the `seq` to go on from, where there may be more.
    pub fn audit_events_after(
        &self,
        seq: i64,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<(Vec<AuditEvent>, Option<i64>)> {
        let last = seq.saturating_add(LOOKED_THROUGH);
        let window = filter.conditions().when("seq > ?", Some(&seq)).when("seq <= ?", Some(&last));
        let found = self.events(window, "ORDER BY seq LIMIT ?", limit)?;
        let next = match found.next {
            Some(next) => Some(next.row()),
            None if last < self.last_seq()? => Some(last),
            None => None,
        };
        Ok((found.rows, next))
    }

    fn events(&self, conditions: WhereClause<'_>, tail: &str, limit: u32) -> Result<ListPage<AuditEvent>> {
        let (sql, values) = conditions.query(EVENTS, tail, &limit);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        let (mut found, mut bytes) = (ListPage::default(), 0);
        while let Some(row) = rows.next()? {
            let event = event_from(row)?;
            bytes += event.detail.get().len();
            let seq = event.seq;
            found.rows.push(event);
            if found.rows.len() == limit as usize || bytes > PAGE_BYTES {
                found.next = Some(Cursor::at(seq));
                break;
            }
        }
        Ok(found)
    }

    /// The last event's place; 0 before the first.
    pub fn last_seq(&self) -> Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM audit_events")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The end of the chain.
    pub fn audit_head(&self) -> Result<Head> {
        let mut statement = self.conn.prepare_cached("SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1")?;
        let head = statement.query_row([], |row| Ok(Head { seq: row.get(0)?, hash: row.get(1)? })).optional()?;
        Ok(head.unwrap_or(Head::NONE))
    }

    /// The highest time in the database: that of its last event, for every change has one and time only grows.
    ///
    /// # Errors
    ///
    /// If the row cannot be read.
    pub fn highest_time(&self) -> Result<Option<Timestamp>> {
        let mut statement = self.conn.prepare_cached("SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1")?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?)
    }
}

impl WriteTx<'_> {
    /// Appends one event, at this transaction's time, to the end of the chain.
    pub fn append_audit(&mut self, event: NewAuditEvent<'_>) -> Result<()> {
        let head = match self.cache.head {
            Some(head) => head,
            None => self.audit_head()?,
        };
        // Somebody else's event at the end of all numbers is no end of a chain.
        let corrupt = || Error::Corrupt { table: "audit_events", key: head.seq.to_string() };
        let seq = head.seq.checked_add(1).ok_or_else(corrupt)?;
        let content = AuditContent {
            at: self.now,
            event: event.event.as_str().into(),
            request_id: event.request_id.map(|id| id.as_str().into()),
            rule_id: event.rule_id.map(|id| id.as_str().into()),
            principal: event.principal.map(|name| name.as_str().into()),
            detail: event.detail.map_or(Cow::Borrowed("{}"), |detail| detail.to_string().into()),
        };
        let hash = content.hash(seq, head.hash);
        self.conn
            .prepare_cached(
                "INSERT INTO audit_events (seq, at_ms, event, request_id, rule_id, principal, detail, hash) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                seq,
                content.at,
                content.event,
                content.request_id,
                content.rule_id,
                content.principal,
                content.detail,
                hash
            ])?;
        self.cache.head = Some(Head { seq, hash });
        self.committed.last_seq = Some(seq);
        Ok(())
    }
}
