//! The lists of interactions: what matches, what is pending, and the queue that people look at.

use std::ops::ControlFlow;

use super::interactions::{RECORD, RECORDS, record_from};
use super::page::{
    COMPARED, Cursor, InOrder, LOOKED_THROUGH, ListPage, PAGE_BYTES, Page, READ_BYTES, Rows, SEARCHED_ROWS,
    SEARCHED_THROUGH, UNPACKED,
};
use super::query_sql::{Compared, Needed, RISK_OF_RECORD};
use super::search::{Found, Stretch};
use super::sql::{Bind, Values, values};
use super::where_clause::WhereClause;
use super::{Error, ReadTx, Result};
use crate::clock::Timestamp;
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{ConversationId, IdPrefix, PrincipalName, RequestId, ToolName};
use crate::domain::interaction::{Record, Status};
use crate::domain::query::{Query, Standing, What};

/// How much of each kind is pending, and since when.
const PENDING_BY_KIND: &str =
    "SELECT kind, count(*), min(created_at_ms) FROM interactions WHERE status = 'pending' GROUP BY kind";

/// Which interactions a list shows: those that match every member that is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Where they stand: in one of these, or anywhere where there are none.
    pub statuses: Vec<Status>,
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
    /// Registered then or later.
    pub since: Option<Timestamp>,
    /// Registered before.
    pub until: Option<Timestamp>,
    /// Their deadline is before.
    pub expires_before: Option<Timestamp>,
    /// Confirmations of this risk.
    pub risk: Option<RiskLevel>,
    /// Resolved by the principal of this name, or by the trust rule with this id.
    pub resolved_by: Option<PrincipalName>,
    /// What else is asked for; its times are in `since`, `until` and `expires_before`.
    pub query: Query,
}

impl Filter {
    /// These interactions, as far as `query` asks for them at `now`.
    #[must_use]
    pub fn narrowed_by(mut self, query: Query, now: Timestamp) -> Self {
        self.since = self.since.max(query.since(now));
        self.until = [self.until, query.until(now)].into_iter().flatten().min();
        self.expires_before = [self.expires_before, query.expires_before(now)].into_iter().flatten().min();
        let wanted = query.terms().iter().map(|term| (&term.what, term.is_negated));
        let is_open =
            |(what, is_negated)| matches!((what, is_negated), (&What::Is(Standing::Status(Status::Pending)), false));
        let standings = wanted.clone().filter(|(what, is_negated)| matches!(what, What::Is(_)) && !is_negated).count();
        // What is pending is found without reading what is over.
        if self.statuses.is_empty() && standings == 1 && wanted.clone().any(is_open) {
            self.statuses = vec![Status::Pending];
        }
        self.query = query;
        self
    }

    /// Whether only what is pending matches.
    fn is_pending(&self) -> bool {
        self.statuses == [Status::Pending]
    }

    /// How many rows a page looks through.
    fn looked_through(&self) -> i64 {
        match (self.query.is_empty(), self.query.reads_content() || self.compares_risk()) {
            (true, true) => UNPACKED,
            (true, false) => LOOKED_THROUGH,
            (false, true) => SEARCHED_ROWS,
            (false, false) => COMPARED,
        }
    }

    /// Whether a row is unpacked in SQL.
    fn compares_risk(&self) -> bool {
        self.risk.is_some() || self.query.terms().iter().any(|term| matches!(term.what, What::Risk(_)))
    }

    /// How many rows a query in SQL is asked for: all, where not each of them is in the page.
    fn most(&self, page: Page) -> i64 {
        if self.query.reads_content() { i64::MAX } else { page.one_more().into() }
    }

    /// Adds those members that every list compares in the same way.
    fn members<'v>(&'v self, compared: &'v Compared, conditions: WhereClause<'v>) -> WhereClause<'v> {
        conditions
            .all_of(&compared.conditions, &compared.values)
            .when("i.kind = ?", self.kind.as_ref())
            .when("i.conversation_id = ?", self.conversation_id.as_ref())
            .when("i.tool_name = ?", self.tool_name.as_ref())
            .when("i.registered_by = ?", self.registered_by.as_ref())
            .when("i.created_at_ms >= ?", self.since.as_ref())
            .when("i.created_at_ms < ?", self.until.as_ref())
            .when("+i.expires_at_ms < ?", self.expires_before.as_ref())
            .when("? IN (i.resolved_by_principal, i.resolved_by_rule)", self.resolved_by.as_ref())
            .when(
                "i.kind = 'confirmation' AND coalesce(f.risk_level, json_extract(b.body, '$.riskLevel')) = ?",
                self.risk.as_ref(),
            )
    }
}

/// The interactions are numbered in the order of their registration.
pub(super) const IN_ORDER: InOrder = InOrder {
    last: "SELECT coalesce(max(interaction_id), 0) FROM interactions",
    first_from: "SELECT interaction_id, created_at_ms FROM interactions WHERE interaction_id >= ?1 \
                 ORDER BY interaction_id LIMIT 1",
};

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
         FROM interactions WHERE status = 'pending' AND (registered_by = ?1 OR ?1 IS NULL) \
             AND interaction_id NOT IN (SELECT interaction_id FROM snoozes WHERE owner = ?4 AND until_ms > ?5)) AS queue \
     ORDER BY turn, expires_at_ms IS NULL, expires_at_ms, interaction_id LIMIT ?3 OFFSET ?2";

impl ReadTx<'_> {
    /// A page of the interactions that match; it ends early where it would take more memory than a page may, or has looked
    /// through as many rows as it may. It is in the order of ids where it is given the beginning of one and looks through
    /// what is over, too; otherwise the newest come first.
    pub fn records(&self, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        match &filter.id_prefix {
            _ if filter.is_pending() => self.pending_records(filter, page),
            Some(prefix) => self.records_beginning(prefix, filter, page),
            None => match Needed::of(&filter.query) {
                needed if needed.is_nothing() => self.newest_records(filter, page),
                needed => self.searched_records(&needed, filter, page),
            },
        }
    }

    /// `pending` is spelt out in the SQL, so that an index of what is pending serves: the `+` keeps the index of all ids
    /// away, which would lead to everything that is over as well.
    fn pending_records(&self, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let (older_than, limit) = (page.before.map(Cursor::row), filter.most(page));
        let ids_end = filter.id_prefix.as_ref().map(IdPrefix::end);
        let compared = Compared::of(&filter.query, RISK_OF_RECORD);
        let (sql, values) = filter
            .members(&compared, WhereClause::default().always("i.status = 'pending'"))
            .when("i.interaction_id < ?", older_than.as_ref())
            .when("+i.request_id >= ?", filter.id_prefix.as_ref())
            .when("+i.request_id < ?", ids_end.as_ref())
            .query(RECORDS, NEWEST_FIRST, &limit);
        self.page(&sql, &values, &filter.query, page.limit)
    }

    fn newest_records(&self, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let among = IN_ORDER.rows(self.sql, filter.since, filter.until)?;
        let (Rows { after, before }, limit) = (page.window(among, filter.looked_through()), filter.most(page));
        let after = match filter.compares_risk() {
            true => self.first_within(after + 1, before - 1, &mut READ_BYTES.clone())? - 1,
            false => after,
        };
        let compared = Compared::of(&filter.query, RISK_OF_RECORD);
        let (sql, values) = filter
            .members(&compared, WhereClause::default())
            .when("i.interaction_id < ?", Some(&before))
            .when("i.interaction_id > ?", Some(&after))
            .when_any("i.status", &filter.statuses)
            .query(RECORDS, NEWEST_FIRST, &limit);
        let mut found = self.page(&sql, &values, &filter.query, page.limit)?;
        if found.next.is_none() && after > among.after {
            found.next = Some(Cursor::at(after + 1));
        }
        Ok(found)
    }

    /// The newest first, block by block; a block is read where its signature may have what is needed, or it has none.
    fn searched_records(&self, needed: &Needed, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let among = IN_ORDER.rows(self.sql, filter.since, filter.until)?;
        let Rows { after, before } = page.window(among, i64::MAX / 2);
        let compared = Compared::of(&filter.query, RISK_OF_RECORD);
        let (first, last, limit) = (0_i64, 0_i64, i64::MAX);
        let (sql, values) = filter
            .members(&compared, WhereClause::default())
            .when_any("i.status", &filter.statuses)
            .when("i.interaction_id >= ?", Some(&first))
            .when("i.interaction_id <= ?", Some(&last))
            .query(RECORDS, NEWEST_FIRST, &limit);
        let place = values.len() - 3;
        let mut filling = Filling::of(&filter.query, page.limit);
        let mut left = if filter.compares_risk() { SEARCHED_ROWS } else { SEARCHED_THROUGH };
        let mut left_bytes = READ_BYTES;
        for stretch in self.stretches(needed, after, before)? {
            let Stretch { first, last } = match stretch? {
                Found::ToRead(stretch) => stretch,
                Found::TooFar { before } => return Ok(filling.until(Cursor::at(before))),
            };
            let mut from = first.max(last - left + 1);
            if filter.compares_risk() {
                from = self.first_within(from, last, &mut left_bytes)?;
            }
            left -= last - from + 1;
            let mut bound: Vec<&dyn Bind> = values.clone();
            bound.splice(place..place + 2, [&from as &dyn Bind, &last]);
            if !self.fill(&mut filling, &sql, &bound)? {
                break;
            }
            if from > first || left == 0 || left_bytes == 0 {
                return Ok(if from > after + 1 { filling.until(Cursor::at(from)) } else { filling.page });
            }
        }
        Ok(filling.page)
    }

    /// Where SQL unpacks every row to know whether it matches: from which of these rows on, the last ones first, they are not larger
    /// than `left` together, which is then what is left of it. The last one is always among them.
    fn first_within(&self, first: i64, last: i64, left: &mut usize) -> Result<i64> {
        // The length is known without reading what is behind it.
        let sql = "SELECT interaction_id, octet_length(body) FROM interaction_bodies WHERE interaction_id BETWEEN ?1 AND ?2 \
             ORDER BY interaction_id DESC";
        let (mut from, mut found) = (last + 1, first);
        self.sql.each(sql, values![first, last], |row| {
            let bytes = row.get::<Option<usize>>(1)?.unwrap_or_default();
            if bytes > *left && from <= last {
                (found, *left) = (from, 0);
                return Ok(ControlFlow::Break(()));
            }
            (from, *left) = (row.get(0)?, left.saturating_sub(bytes));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// By the index of all ids; the cursor is the row of the last one that was looked at.
    fn records_beginning(&self, prefix: &IdPrefix, filter: &Filter, page: Page) -> Result<ListPage<Record>> {
        let (after, ids_end) = (page.before.map(Cursor::row), prefix.end());
        let past = "i.request_id > (SELECT request_id FROM interactions WHERE interaction_id = ?)";
        let within = WhereClause::default()
            .when("i.request_id >= ?", Some(prefix))
            .when("i.request_id < ?", Some(&ids_end))
            .when(past, after.as_ref());
        let furthest = "SELECT i.interaction_id, i.request_id FROM interactions AS i";
        let skipped = filter.looked_through() - 1;
        let (sql, values) = within.query(furthest, "ORDER BY i.request_id LIMIT 1 OFFSET ?", &skipped);
        let last: Option<(i64, RequestId)> = self.sql.row(&sql, &values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (last_row, last_id) = last.unzip();
        let (compared, limit) = (Compared::of(&filter.query, RISK_OF_RECORD), filter.most(page));
        let (sql, values) = filter
            .members(&compared, WhereClause::default())
            .when("i.request_id >= ?", Some(prefix))
            .when("i.request_id < ?", Some(&ids_end))
            .when(past, after.as_ref())
            .when("i.request_id <= ?", last_id.as_ref())
            .when_any("i.status", &filter.statuses)
            .query(RECORDS, "ORDER BY i.request_id LIMIT ?", &limit);
        let mut found = self.page(&sql, &values, &filter.query, page.limit)?;
        found.next = found.next.or(last_row.map(Cursor::at));
        Ok(found)
    }

    /// The row of the newest interaction; 0 before the first.
    pub(super) fn last_interaction(&self) -> Result<i64> {
        self.sql.one(IN_ORDER.last, values![])
    }

    /// The position of the newest interaction, or before the first: all that is registered later is after it.
    pub fn newest_interaction(&self) -> Result<Cursor> {
        self.last_interaction().map(Cursor::at)
    }

    /// The pending confirmations of a tool, oldest first, from `after` on: as many as a page takes.
    pub fn pending_confirmations(&self, tool_name: &ToolName, after: Option<Cursor>) -> Result<ListPage<Record>> {
        let after = after.map_or(0, Cursor::row);
        self.page(&pending_confirmations_query(), values![tool_name, after], &Query::default(), u32::MAX)
    }

    /// What is pending, of one principal or of all, but for what `viewer` has put off: principals take turns, and of each comes
    /// first what ends first, and last what waits forever. After `skip` of them at most `limit`, or as many as a page takes.
    pub fn queue(
        &self,
        of: Option<&PrincipalName>,
        viewer: (&PrincipalName, Timestamp),
        skip: u64,
        limit: u32,
    ) -> Result<Vec<Record>> {
        let rows = self.sql.rows(QUEUE, values![of, skip, limit, viewer.0, viewer.1], |row| row.get::<i64>(0))?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for row in rows {
            if bytes > PAGE_BYTES {
                break;
            }
            let corrupt = || Error::Corrupt { table: "interactions", key: row.to_string() };
            let record = self.sql.row(RECORD, values![row], record_from)?.ok_or_else(corrupt)?;
            bytes += record.body.bytes;
            found.push(record);
        }
        Ok(found)
    }

    /// How many the queue has.
    pub fn count_of_queue(&self, of: Option<&PrincipalName>, viewer: (&PrincipalName, Timestamp)) -> Result<u64> {
        let put_off = self.sql.one(
            "SELECT count(*) FROM snoozes AS z JOIN interactions AS i USING (interaction_id) \
             WHERE z.owner = ?2 AND z.until_ms > ?3 AND i.status = 'pending' AND (i.registered_by = ?1 OR ?1 IS NULL)",
            values![of, viewer.0, viewer.1],
        )?;
        Ok(self.count_of_pending(of)?.saturating_sub(put_off))
    }

    /// How many interactions are pending, of one principal or of all.
    pub fn count_of_pending(&self, of: Option<&PrincipalName>) -> Result<u64> {
        self.sql.one(
            "SELECT count(*) FROM interactions WHERE status = 'pending' AND (registered_by = ?1 OR ?1 IS NULL)",
            values![of],
        )
    }

    /// Who waits for answers, and for how many: at most `limit`, those first that wait for most.
    pub fn pending_by_agent(&self, limit: u32) -> Result<Vec<(PrincipalName, u64)>> {
        let sql = "SELECT registered_by, count(*) FROM interactions WHERE status = 'pending' \
             GROUP BY registered_by ORDER BY count(*) DESC, registered_by LIMIT ?1";
        self.sql.rows(sql, values![limit], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// How many interactions of each kind are pending, and since when the oldest of them is.
    pub fn pending_by_kind(&self) -> Result<Vec<(Kind, u64, Timestamp)>> {
        self.sql.rows(PENDING_BY_KIND, values![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// The rows that SQL finds and `query` as well, until there are `limit` or they take more memory than a page may, or so
    /// many were unpacked.
    fn page(&self, sql: &str, values: Values<'_>, query: &Query, limit: u32) -> Result<ListPage<Record>> {
        let mut filling = Filling::of(query, limit);
        self.fill(&mut filling, sql, values)?;
        Ok(filling.page)
    }

    /// Adds rows to a page; `false` when it is full.
    fn fill(&self, filling: &mut Filling<'_>, sql: &str, values: Values<'_>) -> Result<bool> {
        let mut has_room = true;
        self.sql.each(sql, values, |row| {
            if filling.is_full() {
                filling.page.next = filling.last;
                has_room = false;
                return Ok(ControlFlow::Break(()));
            }
            filling.add(Cursor::at(row.get(0)?), record_from(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(has_room)
    }
}

/// A page while rows are added to it.
struct Filling<'q> {
    page: ListPage<Record>,
    query: &'q Query,
    reads_content: bool,
    limit: usize,
    bytes: usize,
    /// How many rows were unpacked, and how many bytes those were.
    unpacked: i64,
    read: usize,
    /// The last row that was looked at.
    last: Option<Cursor>,
}

impl<'q> Filling<'q> {
    fn of(query: &'q Query, limit: u32) -> Self {
        let (page, reads_content) = (ListPage::default(), query.reads_content());
        Self { page, query, reads_content, limit: limit as usize, bytes: 0, unpacked: 0, read: 0, last: None }
    }

    const fn is_full(&self) -> bool {
        self.page.rows.len() == self.limit
            || self.bytes > PAGE_BYTES
            || self.read > READ_BYTES
            || (self.reads_content && self.unpacked >= SEARCHED_ROWS)
    }

    fn add(&mut self, at: Cursor, record: Record) {
        self.last = Some(at);
        self.unpacked += 1;
        self.read += record.body.bytes;
        if !self.reads_content || self.query.finds(&record) {
            self.bytes += record.body.bytes;
            self.page.rows.push(record);
        }
    }

    /// What was found; the list goes on at `next`.
    fn until(mut self, next: Cursor) -> ListPage<Record> {
        self.page.next = Some(next);
        self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enums::Outcome;
    use crate::store::sqlite::in_memory::plan;

    #[test]
    fn what_is_pending_is_found_without_reading_what_is_over() {
        let (row, name, limit) = (1_i64, "builder".parse().unwrap(), 10_i64);
        let filters = [
            Filter::default(),
            Filter { kind: Some(Kind::Question), ..Filter::default() },
            Filter { registered_by: Some(name), ..Filter::default() },
            Filter { since: Timestamp::from_millis(1), risk: Some(RiskLevel::High), ..Filter::default() },
        ];
        let mut queries =
            vec![pending_confirmations_query(), PENDING_BY_KIND.to_owned(), "SELECT * FROM v_pending".to_owned()];
        for filter in &filters {
            for older_than in [None, Some(&row)] {
                let pending = WhereClause::default().always("i.status = 'pending'");
                let window = pending.when("i.interaction_id < ?", older_than);
                queries.push(filter.members(&Compared::default(), window).query(RECORDS, NEWEST_FIRST, &limit).0);
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

    /// However many there are, a page looks through the rows of its window alone, in their order.
    #[test]
    fn a_filter_of_what_is_over_reads_the_rows_of_its_window_alone() {
        let (row, limit) = (1_i64, 10_i64);
        let filter = Filter {
            statuses: vec![Status::Pending, Status::Resolved(Outcome::Approved)],
            since: Timestamp::from_millis(1),
            until: Timestamp::from_millis(2),
            risk: Some(RiskLevel::High),
            resolved_by: Some("ada".parse().unwrap()),
            tool_name: Some("shell".parse().unwrap()),
            ..Filter::default()
        };
        let compared = Compared::default();
        let window = filter.members(&compared, WhereClause::default()).when("i.interaction_id < ?", Some(&row));
        let window = window.when("i.interaction_id > ?", Some(&row)).when_any("i.status", &filter.statuses);
        let (sql, _) = window.query(RECORDS, NEWEST_FIRST, &limit);
        let steps = plan(&sql);
        assert!(steps[0].contains("USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{steps:?}");
        assert!(steps.iter().all(|step| !step.contains("ORDER BY")), "{steps:?}");
        assert!(plan(IN_ORDER.first_from)[0].contains("USING INTEGER PRIMARY KEY (rowid>?)"));
    }

    /// It is sorted, but only what is pending is.
    #[test]
    fn the_queue_reads_nothing_that_is_over() {
        let plan = plan(QUEUE);
        let reads: Vec<&String> = plan.iter().filter(|step| step.contains(" interactions")).collect();
        assert!(matches!(reads.as_slice(), [one] if one.contains("USING INDEX interactions_pending")), "{plan:?}");
    }
}
