//! The table `audit_events`: append-only, written in the same transaction as every change, each row chained to the one
//! before.

use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::page::{Cursor, InOrder, LOOKED_THROUGH, ListPage, PAGE_BYTES, Page, Rows};
use super::sql::{Row, values};
use super::where_clause::WhereClause;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{AuditEvent, Event, NewAuditEvent};
use crate::domain::chain::{AuditContent, Head, SALT_BYTES, SaltedText, joined};
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
        "SELECT seq, at_ms, event, request_id, rule_id, principal, detail, hash, t.text FROM "
    };
}

/// What was written in them.
macro_rules! texts {
    () => {
        " LEFT JOIN texts AS t ON t.told_in = seq"
    };
}

const EVENTS: &str = concat!(columns!(), "audit_events", texts!());

/// The events of one owner, found by its index: whatever happens to others costs nothing here. The latest are not in it yet.
const OWN_EVENTS: &str = concat!(columns!(), "own_events CROSS JOIN audit_events ON seq = event_seq", texts!());

pub(super) const INSERT: &str = "INSERT INTO audit_events (seq, at_ms, event, request_id, rule_id, principal, detail, hash, \
     text_digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// How many events are entered in `own_events` at once: so many are looked through for an owner, and so many share its pages.
const ENTERED_AT_ONCE: i64 = 128;

/// The most events that one commit enters, where another program has left more.
const MOST_ENTERED: i64 = 8 * ENTERED_AT_ONCE;

/// Which way a list goes.
#[derive(Clone, Copy)]
enum Order {
    OldestFirst,
    NewestFirst,
}

/// Where events are looked for.
#[derive(Clone, Copy)]
enum Among {
    /// In the history itself, row by row or by the index of its requests.
    All,
    /// In what `own_events` has of one owner.
    Entered,
}

impl Among {
    const fn select(self) -> &'static str {
        match self {
            Self::All => EVENTS,
            Self::Entered => OWN_EVENTS,
        }
    }

    const fn tail(self, order: Order) -> &'static str {
        match (self, order) {
            (Self::All, Order::OldestFirst) => "ORDER BY seq LIMIT ?",
            (Self::All, Order::NewestFirst) => "ORDER BY seq DESC LIMIT ?",
            (Self::Entered, Order::OldestFirst) => "ORDER BY event_seq LIMIT ?",
            (Self::Entered, Order::NewestFirst) => "ORDER BY event_seq DESC LIMIT ?",
        }
    }
}

/// The events between two others, without these.
#[derive(Clone, Copy)]
struct Window {
    after: i64,
    before: i64,
}

impl EventFilter {
    fn conditions<'v>(&'v self, among: Among, window: &'v Window) -> WhereClause<'v> {
        let (is_own, after, before) = match among {
            Among::All => (
                "EXISTS (SELECT 1 FROM interactions AS i WHERE i.request_id = audit_events.request_id AND i.registered_by = ?)",
                "seq > ?",
                "seq < ?",
            ),
            Among::Entered => ("owner = ?", "event_seq > ?", "event_seq < ?"),
        };
        WhereClause::default()
            .when("request_id = ?", self.request_id.as_ref())
            .when("rule_id = ?", self.rule_id.as_ref())
            .when("principal = ?", self.principal.as_ref())
            .when(is_own, self.visible_to.as_ref())
            .when(before, Some(&window.before))
            .when(after, Some(&window.after))
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

fn event_from(row: &Row<'_>) -> Result<AuditEvent> {
    let (seq, facts): (i64, String) = (row.get(0)?, row.get(6)?);
    let detail = row.text(8)?.map(|text| joined(&facts, text)).unwrap_or(facts);
    let corrupt = |_| Error::Corrupt { table: "audit_events", key: seq.to_string() };
    Ok(AuditEvent {
        seq,
        at: row.get(1)?,
        event: row.get(2)?,
        request_id: row.get(3)?,
        rule_id: row.get(4)?,
        principal: row.get(5)?,
        detail: RawValue::from_string(detail).map_err(corrupt)?,
        hash: row.get(7)?,
    })
}

/// What a list has found so far.
#[derive(Default)]
struct Gathered {
    page: ListPage<AuditEvent>,
    bytes: usize,
}

impl ReadTx<'_> {
    /// A page of the events that match, newest first; it ends early where it would take more memory than a page may, or
    /// has looked through as many as it may.
    pub fn audit_events(&self, filter: &EventFilter, page: Page) -> Result<ListPage<AuditEvent>> {
        // The story of one request, or an agent's own, is found by its index, however long ago it was.
        let among = IN_ORDER.rows(self.sql, filter.since, filter.until)?;
        let most = if filter.is_indexed() { i64::MAX - 1 } else { LOOKED_THROUGH };
        let Rows { after, before } = page.window(among, most);
        let mut found = self.events(filter, Window { after, before }, Order::NewestFirst, page.limit)?;
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
        let window = Window { after: seq, before: i64::MAX };
        let found = self.events(&filter, window, Order::OldestFirst, limit)?;
        Ok((found.rows, found.next.map(Cursor::row)))
    }

    /// The events of a window that match, until there are `limit` or they take more memory than a page may.
    fn events(&self, filter: &EventFilter, window: Window, order: Order, limit: u32) -> Result<ListPage<AuditEvent>> {
        let mut found = Gathered::default();
        if filter.is_by_owner() {
            let after = self.own_events_through()?.max(window.after);
            let (entered, recent) = ((Among::Entered, window), (Among::All, Window { after, ..window }));
            let parts = match order {
                Order::OldestFirst => [entered, recent],
                Order::NewestFirst => [recent, entered],
            };
            for (among, window) in parts {
                self.gather(&mut found, filter, among, window, order, limit)?;
            }
        } else {
            self.gather(&mut found, filter, Among::All, window, order, limit)?;
        }
        Ok(found.page)
    }

    fn gather(
        &self,
        found: &mut Gathered,
        filter: &EventFilter,
        among: Among,
        window: Window,
        order: Order,
        limit: u32,
    ) -> Result<()> {
        if found.page.next.is_some() {
            return Ok(());
        }
        let (sql, values) = filter.conditions(among, &window).query(among.select(), among.tail(order), &limit);
        self.sql.each(&sql, &values, |row| {
            let event = event_from(row)?;
            found.bytes += event.detail.get().len();
            let seq = event.seq;
            found.page.rows.push(event);
            if found.page.rows.len() == limit as usize || found.bytes > PAGE_BYTES {
                found.page.next = Some(Cursor::at(seq));
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The last event whose owner `own_events` tells.
    fn own_events_through(&self) -> Result<i64> {
        self.sql.one("SELECT number FROM kept_through WHERE what = 'own_events'", values![])
    }

    /// The last event's place; 0 before the first.
    pub fn last_seq(&self) -> Result<i64> {
        self.sql.one(IN_ORDER.last, values![])
    }

    /// The end of the chain.
    pub fn audit_head(&self) -> Result<Head> {
        let sql = "SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1";
        let head = self.sql.row(sql, values![], |row| Ok(Head { seq: row.get(0)?, hash: row.get(1)? }))?;
        Ok(head.unwrap_or(Head::NONE))
    }

    /// The highest time in the database: that of its last event, for every change has one and time only grows.
    ///
    /// # Errors
    ///
    /// If the row cannot be read.
    pub fn highest_time(&self) -> Result<Option<Timestamp>> {
        self.sql.value("SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1", values![])
    }
}

impl WriteTx<'_> {
    /// Appends that events were lost, up to this one, and which is the last that is left.
    pub(super) fn note_loss(&mut self, lost: Head) -> Result<()> {
        let left = self.audit_head()?;
        let detail = serde_json::json!({"lost": lost.to_string(), "left": left.to_string()});
        self.append_audit(NewAuditEvent::new(Event::HistoryLost).detail(detail))
    }

    /// Appends one event, at this transaction's time, to the end of the chain.
    pub fn append_audit(&mut self, event: NewAuditEvent<'_>) -> Result<()> {
        let owner = event.request_id.map(|request_id| self.owner_of(request_id)).transpose()?.flatten();
        self.append_to_chain(event, None)?;
        self.committed.owners.extend(owner);
        Ok(())
    }

    /// Appends one event about an interaction of `owner`'s, and keeps beside its text what no event tells of.
    pub(super) fn append_own_audit(
        &mut self,
        event: NewAuditEvent<'_>,
        owner: &PrincipalName,
        unshown: Option<&str>,
    ) -> Result<()> {
        self.append_to_chain(event, unshown)?;
        self.committed.owners.push(owner.clone());
        Ok(())
    }

    fn append_to_chain(&mut self, event: NewAuditEvent<'_>, unshown: Option<&str>) -> Result<()> {
        let head = match self.cache.head {
            Some(head) => head,
            None => self.audit_head()?,
        };
        // An event with the last number that there is was written by another program and ends no chain.
        let corrupt = || Error::Corrupt { table: "audit_events", key: head.seq.to_string() };
        let seq = head.seq.checked_add(1).ok_or_else(corrupt)?;
        let text = event.text.as_ref().map(salted).transpose()?;
        let content = AuditContent {
            at: self.now,
            event: event.event.as_str().into(),
            request_id: event.request_id.map(|id| id.as_str().into()),
            rule_id: event.rule_id.map(|id| id.as_str().into()),
            principal: event.principal.map(|name| name.as_str().into()),
            detail: event.detail.as_ref().map_or(Cow::Borrowed("{}"), |detail| detail.to_string().into()),
            writing: text.map(Into::into),
            former: None,
        };
        let hash = content.hash(seq, head.hash);
        self.sql.write(
            INSERT,
            values![
                seq,
                content.at,
                content.event,
                content.request_id,
                content.rule_id,
                content.principal,
                content.detail,
                hash,
                content.writing.as_ref().map(|writing| writing.digest),
            ],
        )?;
        let text = content.writing.as_ref().and_then(|writing| writing.text.as_ref());
        if text.is_some() || unshown.is_some() {
            self.insert_text(&event, seq, text, unshown)?;
        }
        self.cache.head = Some(Head { seq, hash });
        self.committed.has_events = true;
        self.enter_own_events(seq)
    }

    /// Keeps what was written in an event, and what no event tells of, until it is forgotten.
    fn insert_text(
        &self,
        event: &NewAuditEvent<'_>,
        seq: i64,
        text: Option<&SaltedText<'_>>,
        unshown: Option<&str>,
    ) -> Result<()> {
        let about = if event.event == Event::OutcomeReported { "outcome" } else { "resolution" };
        let (salt, text) = text.map(|it| (it.salt, &*it.text)).unzip();
        self.sql.write(
            "INSERT INTO texts (told_in, interaction_id, about, salt, text, unshown) \
             SELECT ?2, interaction_id, ?3, ?4, ?5, ?6 FROM interactions WHERE request_id = ?1",
            values![event.request_id, seq, about, salt, text, unshown],
        )
    }

    fn owner_of(&self, request_id: &RequestId) -> Result<Option<PrincipalName>> {
        self.sql.value("SELECT registered_by FROM interactions WHERE request_id = ?1", values![request_id])
    }

    /// Enters the events up to the `newest` in `own_events`, once there are enough.
    fn enter_own_events(&mut self, newest: i64) -> Result<()> {
        let through = match self.cache.own_events_through {
            Some(through) => through,
            None => self.own_events_through()?,
        };
        let mut entered = through;
        if newest - through >= ENTERED_AT_ONCE {
            entered = newest.min(through + MOST_ENTERED);
            self.sql.write(
                "INSERT INTO own_events (owner, event_seq) SELECT i.registered_by, a.seq \
                 FROM audit_events AS a CROSS JOIN interactions AS i USING (request_id) WHERE a.seq > ?1 AND a.seq <= ?2",
                values![through, entered],
            )?;
            self.sql.write("UPDATE kept_through SET number = ?1 WHERE what = 'own_events'", values![entered])?;
        }
        self.cache.own_events_through = Some(entered);
        Ok(())
    }
}

/// A text with the random bytes that keep it from being guessed by its digest.
fn salted(text: &serde_json::Value) -> Result<SaltedText<'static>> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| Error::Internal(Arc::new(io::Error::other(error))))?;
    Ok(SaltedText { salt, text: text.to_string().into() })
}
