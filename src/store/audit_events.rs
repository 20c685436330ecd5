//! The table `audit_events`: append-only, written in the same transaction as every change, each row chained to the one
//! before.

use std::borrow::Cow;

use rusqlite::{OptionalExtension, Row, params};
use serde_json::value::RawValue;

use super::page::{Cursor, InOrder, LOOKED_THROUGH, ListPage, PAGE_BYTES, Page, Rows};
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
    /// Then or later.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The events are numbered in the order of their times.
const IN_ORDER: InOrder = InOrder {
    last: "SELECT coalesce(max(seq), 0) FROM audit_events",
    first_from: "SELECT seq, at_ms FROM audit_events WHERE seq >= ?1 ORDER BY seq LIMIT 1",
};

/// What [`event_from`] reads.
macro_rules! columns {
    () => {
        "SELECT seq, at_ms, event, request_id, rule_id, principal, detail, hash FROM "
    };
}

const EVENTS: &str = concat!(columns!(), "audit_events");

/// The events of one owner, found by its index: whatever happens to others costs nothing here.
const OWN_EVENTS: &str = concat!(columns!(), "own_events CROSS JOIN audit_events ON seq = event_seq");

/// A list of events, in which way it is found.
struct Search<'v> {
    select: &'static str,
    /// What it is limited and ordered by.
    after: &'static str,
    before: &'static str,
    oldest_first: &'static str,
    newest_first: &'static str,
    conditions: WhereClause<'v>,
}

impl EventFilter {
    fn search(&self) -> Search<'_> {
        let others = WhereClause::default()
            .when("request_id = ?", self.request_id.as_ref())
            .when("rule_id = ?", self.rule_id.as_ref())
            .when("principal = ?", self.principal.as_ref());
        if self.is_by_owner() {
            return Search {
                select: OWN_EVENTS,
                after: "event_seq > ?",
                before: "event_seq < ?",
                oldest_first: "ORDER BY event_seq LIMIT ?",
                newest_first: "ORDER BY event_seq DESC LIMIT ?",
                conditions: others.when("owner = ?", self.visible_to.as_ref()),
            };
        }
        let is_own = "EXISTS (SELECT 1 FROM own_events WHERE owner = ? AND event_seq = seq)";
        Search {
            select: EVENTS,
            after: "seq > ?",
            before: "seq < ?",
            oldest_first: "ORDER BY seq LIMIT ?",
            newest_first: "ORDER BY seq DESC LIMIT ?",
            conditions: others.when(is_own, self.visible_to.as_ref()),
        }
    }

    /// Whether the events are found by their owner; those of one request are fewer still.
    const fn is_by_owner(&self) -> bool {
        self.visible_to.is_some() && self.request_id.is_none()
    }

    /// Whether an index finds all that match, so that none is looked at in vain.
    const fn is_indexed(&self) -> bool {
        self.request_id.is_some() || (self.visible_to.is_some() && self.rule_id.is_none() && self.principal.is_none())
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
        // The story of one request, or an agent's own, is found by its index, however long ago it was.
        let among = IN_ORDER.rows(self.conn, filter.since, filter.until)?;
        let most = if filter.is_indexed() { i64::MAX - 1 } else { LOOKED_THROUGH };
        let Rows { after, before } = page.window(among, most);
        let search = filter.search();
        let window = search.conditions.when(search.before, Some(&before)).when(search.after, Some(&after));
        let mut found = self.events(search.select, window, search.newest_first, page.limit)?;
        if found.next.is_none() && after > among.after {
            found.next = Some(Cursor::at(after + 1));
        }
        Ok(found)
    }

    /// The events that came after `seq`, oldest first, at most `limit`: all, or those that are about `owner`'s own
    /// interactions; and the `seq` to go on from, where there may be more.
    pub fn audit_events_after(
        &self,
        seq: i64,
        owner: Option<&PrincipalName>,
        limit: u32,
    ) -> Result<(Vec<AuditEvent>, Option<i64>)> {
        let filter = EventFilter { visible_to: owner.cloned(), ..EventFilter::default() };
        let search = filter.search();
        let window = search.conditions.when(search.after, Some(&seq));
        let found = self.events(search.select, window, search.oldest_first, limit)?;
        Ok((found.rows, found.next.map(Cursor::row)))
    }

    fn events(
        &self,
        select: &str,
        conditions: WhereClause<'_>,
        tail: &str,
        limit: u32,
    ) -> Result<ListPage<AuditEvent>> {
        let (sql, values) = conditions.query(select, tail, &limit);
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
        let mut statement = self.conn.prepare_cached(IN_ORDER.last)?;
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
        // An event with the last number that there is was written by another program and ends no chain.
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
        self.committed.has_events = true;
        event.request_id.map_or(Ok(()), |request_id| self.insert_own_event(request_id, seq))
    }

    /// Notes that an event is about an interaction of its owner's.
    fn insert_own_event(&mut self, request_id: &RequestId, seq: i64) -> Result<()> {
        let mut owner = self.conn.prepare_cached("SELECT registered_by FROM interactions WHERE request_id = ?1")?;
        let owner: Option<PrincipalName> = owner.query_row([request_id], |row| row.get(0)).optional()?;
        let Some(owner) = owner else { return Ok(()) };
        let mut insert = self.conn.prepare_cached("INSERT INTO own_events (owner, event_seq) VALUES (?1, ?2)")?;
        insert.execute(params![owner, seq])?;
        self.committed.owners.push(owner);
        Ok(())
    }
}
