//! The table `trust_rules`: standing decisions.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::page::{Cursor, ListPage, Page};
use super::sql::{Row, values};
use super::where_clause::WhereClause;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::{Kind, RuleStatus};
use crate::domain::id::{IdPrefix, PrincipalName, RequestId, RuleId, RuleName, ToolName};
use crate::domain::rule_set::RuleSet;
use crate::domain::text::PlainText;
use crate::domain::trust_rule::{Parts, Terms, TrustRule};

const RULES: &str = "SELECT rule_number, rule_id, status, tool_name, pattern, scope, decision, allow_high_risk, \
     created_at_ms, created_by, created_from, expires_at_ms, max_uses, use_count, last_used_at_ms, revoked_at_ms, \
     revoked_by, name, revision, members, agent, execution_target, reason, is_before_parts FROM trust_rules";

/// Which rules a list shows: those that match every member that is given.
#[derive(Clone, Debug, Default)]
pub struct RuleFilter {
    /// Whether they still apply.
    pub status: Option<RuleStatus>,
    /// Which tool they are about.
    pub tool_name: Option<ToolName>,
    /// What they are called in a file.
    pub name: Option<RuleName>,
    /// What their ids begin with.
    pub id_prefix: Option<IdPrefix>,
    /// A text that is somewhere in what they say or in who made them; letters of ASCII are alike large and small.
    pub text: Option<PlainText>,
}

/// That a text is somewhere in a rule.
const HAS_TEXT: &str = "instr(lower(concat_ws(' ', decision, tool_name, pattern, scope, agent, name, reason, created_by)), \
     lower(?)) > 0";

fn rule_from(row: &Row<'_>) -> Result<TrustRule> {
    let created_at = row.get(8)?;
    let expires_at = row.get::<Option<Timestamp>>(11)?;
    Ok(TrustRule {
        rule_id: row.get(1)?,
        name: row.get(17)?,
        revision: row.get(18)?,
        status: row.get(2)?,
        tool_name: row.get(3)?,
        terms: Terms {
            pattern: row.get(4)?,
            scope: row.get(5)?,
            decision: row.get(6)?,
            parts: Parts { members: row.get(19)?, agent: row.get(20)?, execution_target: row.get(21)? },
            reason: row.get(22)?,
            allow_high_risk: row.get(7)?,
            lifetime_ms: expires_at.map(|end| end.millis_since(created_at)),
            max_uses: row.get(12)?,
        },
        created_at,
        created_by: row.get(9)?,
        created_from: row.get(10)?,
        expires_at,
        use_count: row.get(13)?,
        last_used_at: row.get(14)?,
        revoked: row.get::<Option<_>>(15)?.zip(row.get::<Option<PrincipalName>>(16)?),
        is_before_parts: row.get(23)?,
    })
}

impl ReadTx<'_> {
    /// The rule with this id.
    pub fn trust_rule(&self, rule_id: &RuleId) -> Result<Option<TrustRule>> {
        self.sql.row(&format!("{RULES} WHERE rule_id = ?1"), values![rule_id], rule_from)
    }

    /// The active rules about a tool, oldest first.
    pub fn active_rules(&self, tool_name: &ToolName) -> Result<Vec<TrustRule>> {
        let sql = format!("{RULES} WHERE status = 'active' AND tool_name = ?1 ORDER BY rule_number");
        self.sql.rows(&sql, values![tool_name], rule_from)
    }

    /// All active rules, oldest first.
    pub(super) fn all_active_rules(&self) -> Result<Vec<TrustRule>> {
        self.sql.rows(&format!("{RULES} WHERE status = 'active' ORDER BY rule_number"), values![], rule_from)
    }

    /// The last revision of the rule of this name.
    pub fn named_rule(&self, name: &RuleName) -> Result<Option<TrustRule>> {
        let sql = format!("{RULES} WHERE name = ?1 ORDER BY revision DESC LIMIT 1");
        self.sql.row(&sql, values![name], rule_from)
    }

    /// A page of the rules that match, newest first.
    pub fn trust_rules(&self, filter: &RuleFilter, page: Page) -> Result<ListPage<TrustRule>> {
        // One more than is shown tells whether there is more.
        let (before, limit) = (page.before.map(Cursor::row), page.limit.saturating_add(1));
        let ids_end = filter.id_prefix.as_ref().map(IdPrefix::end);
        let (sql, values) = WhereClause::default()
            .when("status = ?", filter.status.as_ref())
            .when("tool_name = ?", filter.tool_name.as_ref())
            .when("name = ?", filter.name.as_ref())
            .when("rule_id >= ?", filter.id_prefix.as_ref())
            .when("rule_id < ?", ids_end.as_ref())
            .when(HAS_TEXT, filter.text.as_ref())
            .when("rule_number < ?", before.as_ref())
            .query(RULES, "ORDER BY rule_number DESC LIMIT ?", &limit);
        let (mut found, mut last) = (ListPage::default(), None);
        self.sql.each(&sql, &values, |row| {
            if found.rows.len() == page.limit as usize {
                found.next = last;
                return Ok(ControlFlow::Break(()));
            }
            last = Some(Cursor::at(row.get(0)?));
            found.rows.push(rule_from(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}

impl WriteTx<'_> {
    /// The active rules about a tool as they stand in this transaction, ready to decide; `None` where there are none.
    pub fn rules_about(&mut self, tool_name: &ToolName) -> Result<Option<&Arc<RuleSet>>> {
        self.cache.book.about(tool_name, &self.read)
    }

    /// Adds an active rule and the event that tells of it.
    pub fn insert_trust_rule(&mut self, rule: &TrustRule) -> Result<()> {
        let terms = &rule.terms;
        self.sql.write(
            "INSERT INTO trust_rules (rule_number, rule_id, kind, status, tool_name, pattern, scope, decision, allow_high_risk, \
             created_at_ms, created_by, created_from, expires_at_ms, max_uses, name, revision, members, agent, \
             execution_target, reason, is_before_parts) \
             VALUES ((SELECT coalesce(max(rule_number), 0) + 1 FROM trust_rules), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
             ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
            values![
                rule.rule_id,
                Kind::Confirmation,
                rule.status,
                rule.tool_name,
                terms.pattern,
                terms.scope,
                terms.decision,
                terms.allow_high_risk,
                rule.created_at,
                rule.created_by,
                rule.created_from,
                rule.expires_at,
                terms.max_uses,
                rule.name,
                rule.revision,
                terms.parts.members,
                terms.parts.agent,
                terms.parts.execution_target,
                terms.reason,
                rule.is_before_parts,
            ],
        )?;
        self.set_deadline(rule.expires_at);
        let mut event = NewAuditEvent::new(Event::RuleCreated).rule(&rule.rule_id).principal(&rule.created_by);
        event.request_id = rule.created_from.as_ref();
        self.append_audit(event.detail(serde_json::json!({
            "name": rule.name,
            "revision": rule.revision,
            "toolName": rule.tool_name,
            "pattern": terms.pattern,
            "scope": terms.scope,
            "decision": terms.decision,
            "members": terms.parts.members,
            "agent": terms.parts.agent,
            "executionTarget": terms.parts.execution_target,
            "reason": terms.reason,
            "allowHighRisk": terms.allow_high_risk,
            "maxUses": terms.max_uses,
            "expiresAt": rule.expires_at,
        })))?;
        self.cache.book.insert(rule);
        Ok(())
    }

    /// Counts one decision of a rule that may still decide; the last one that it has exhausts it.
    pub fn use_trust_rule(&mut self, rule: &TrustRule, request_id: &RequestId) -> Result<()> {
        let status: Option<RuleStatus> = self.sql.value(
            "UPDATE trust_rules SET use_count = use_count + 1, last_used_at_ms = ?2, \
             status = CASE WHEN use_count + 1 = max_uses THEN 'exhausted' ELSE status END \
             WHERE rule_id = ?1 AND status = 'active' AND (max_uses IS NULL OR use_count < max_uses) \
             AND (expires_at_ms IS NULL OR expires_at_ms > ?2) RETURNING status",
            values![rule.rule_id, self.now],
        )?;
        let corrupt = || Error::Corrupt { table: "trust_rules", key: rule.rule_id.to_string() };
        self.committed.rule_hits.push(rule.terms.decision);
        match Event::of_ended_rule(status.ok_or_else(corrupt)?) {
            Some(event) => {
                self.cache.book.remove(&rule.rule_id);
                self.append_audit(NewAuditEvent::new(event).rule(&rule.rule_id).request(request_id))
            }
            None => Ok(()),
        }
    }

    /// Takes an active rule back; `false` when it was not active any more.
    pub fn revoke_trust_rule(&mut self, rule_id: &RuleId, by: &PrincipalName) -> Result<bool> {
        let changed = self.sql.execute(
            "UPDATE trust_rules SET status = 'revoked', revoked_at_ms = ?2, revoked_by = ?3 \
             WHERE rule_id = ?1 AND status = 'active' AND (expires_at_ms IS NULL OR expires_at_ms > ?2)",
            values![rule_id, self.now, by],
        )?;
        if changed == 1 {
            self.cache.book.remove(rule_id);
            self.append_audit(NewAuditEvent::new(Event::RuleRevoked).rule(rule_id).principal(by))?;
        }
        Ok(changed == 1)
    }

    /// Ends the active rules whose time is over; how many.
    pub fn expire_trust_rules(&mut self, limit: u32) -> Result<usize> {
        let expired: Vec<RuleId> = self.sql.rows(
            "UPDATE trust_rules SET status = 'expired' WHERE rule_number IN (SELECT rule_number FROM trust_rules \
             WHERE status = 'active' AND expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2) RETURNING rule_id",
            values![self.now, limit],
            |row| row.get(0),
        )?;
        for rule_id in &expired {
            self.cache.book.remove(rule_id);
            self.append_audit(NewAuditEvent::new(Event::RuleExpired).rule(rule_id))?;
        }
        Ok(expired.len())
    }
}
