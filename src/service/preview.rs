//! Previews of rules: what a rule would have decided and would decide now.

use std::sync::Arc;

use super::decide::{GoingBy, would_decide};
use super::{Result, RuleSource, Service};
use crate::clock::Timestamp;
use crate::domain::enums::{Kind, Outcome, RuleDecision};
use crate::domain::interaction::{Record, ResolvedBy, Status};
use crate::domain::principal::Principal;
use crate::domain::rule_set::RuleSet;
use crate::domain::tools::Profiles;
use crate::domain::trust_rule::{NewTerms, TrustRule};
use crate::store::{Filter, Page, Priority, ReadTx};

/// How many of the latest confirmations a preview examines.
const PREVIEWED: u32 = 500;

/// The most bytes of bodies that each list of a preview holds: 8 MiB, so that no preview takes the memory of all.
const LIST_BYTES: usize = 8 * 1024 * 1024;

/// What a rule would have decided, and would decide now.
#[derive(Debug, Default)]
pub struct Preview {
    /// How many of the latest confirmations were examined.
    pub examined: usize,
    /// Those that it would have decided the other way than a person did, newest first.
    pub contradicted: PreviewList,
    /// The other resolved ones that it would have decided, newest first.
    pub decided: PreviewList,
    /// Those that are pending now and that it would decide, oldest first.
    pub pending: PreviewList,
    /// How many there are of each, listed or not.
    pub counts: PreviewCounts,
    /// Whether some are only counted, since the lists would take too much memory.
    pub truncated: bool,
}

/// A list of a preview.
#[derive(Debug, Default)]
pub struct PreviewList {
    /// The interactions that fit.
    pub records: Vec<Record>,
    /// The bytes of all that were to be listed.
    bytes: usize,
}

/// How many confirmations a rule would have decided, by how they were decided without it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreviewCounts {
    /// By people, the other way round.
    pub contradicted: usize,
    /// Allowed by people.
    pub approved: usize,
    /// Denied by people.
    pub rejected: usize,
    /// By other rules.
    pub by_rules: usize,
    /// Not decided at all: expired, cancelled or superseded.
    pub unanswered: usize,
    /// Not yet.
    pub pending: usize,
}

impl Service {
    /// What a rule would have decided of the latest confirmations beside the rules that are there, and would decide now.
    ///
    /// # Errors
    ///
    /// A refusal if the rule could not be made from its source, or an error of the store.
    pub async fn preview_trust_rule(&self, by: &Principal, source: RuleSource, terms: NewTerms) -> Result<Preview> {
        self.sweep_if_due(Priority::of(by)).await?;
        let by = by.clone();
        let (allow_self_approval, now) = (self.allow_self_approval, self.clock.now());
        let profiles = Arc::clone(&self.profiles);
        self.store
            .read(Priority::of(&by), move |tx| {
                let going_by = GoingBy { profiles: &profiles, allow_self_approval };
                let (tool_name, terms) = source.terms(tx, &by, &terms, going_by, now)?;
                let rule = TrustRule::new(tool_name, terms, by.name, now);
                let mut rules = tx.active_rules(&rule.tool_name)?.into_iter().collect::<RuleSet>();
                rules.insert(rule.clone());
                let profiles = Arc::clone(&profiles);
                let preview = Preview::default();
                let mut builder = PreviewBuilder { rule, rules, now, profiles, allow_self_approval, preview };
                builder.add_latest(tx)?;
                builder.add_pending(tx)?;
                Ok(builder.preview)
            })
            .await
    }
}

struct PreviewBuilder {
    rule: TrustRule,
    rules: RuleSet,
    now: Timestamp,
    profiles: Arc<Profiles>,
    allow_self_approval: bool,
    preview: Preview,
}

impl PreviewBuilder {
    fn add_latest(&mut self, tx: &ReadTx<'_>) -> Result<()> {
        let filter = Filter { kind: Some(Kind::Confirmation), ..Filter::default() };
        let mut page = Page { before: None, limit: PREVIEWED };
        loop {
            let found = tx.records(&filter, page)?;
            for record in found.rows {
                page.limit -= 1;
                self.preview.examined += 1;
                if record.interaction.resolution.is_some() && self.would_decide(&record) {
                    self.add_resolved(record);
                }
            }
            page.before = found.next;
            if found.next.is_none() || page.limit == 0 {
                return Ok(());
            }
        }
    }

    fn add_pending(&mut self, tx: &ReadTx<'_>) -> Result<()> {
        let mut after = None;
        loop {
            let found = tx.pending_confirmations(&self.rule.tool_name, after)?;
            for record in found.rows {
                if !record.interaction.is_overdue(self.now) && self.would_decide(&record) {
                    self.preview.counts.pending += 1;
                    self.preview.truncated |= !self.preview.pending.push(record);
                }
            }
            after = found.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether the rule would take part in the decision, whatever decision that is.
    fn would_decide(&self, record: &Record) -> bool {
        let going_by = GoingBy { profiles: &self.profiles, allow_self_approval: self.allow_self_approval };
        record.interaction.tool_name.as_ref() == Some(&self.rule.tool_name)
            && would_decide(&self.rules, &self.rule, record, self.now, going_by)
    }

    fn add_resolved(&mut self, record: Record) {
        let Status::Resolved(outcome) = record.interaction.status() else {
            return;
        };
        let counts = &mut self.preview.counts;
        let by = record.interaction.resolution.as_ref().map(|resolution| &resolution.by);
        let by_person = matches!(by, Some(ResolvedBy::Principal(_)));
        match (outcome, by_person) {
            (Outcome::Approved, true) => counts.approved += 1,
            (Outcome::Rejected, true) => counts.rejected += 1,
            (Outcome::Approved | Outcome::Rejected, false) => counts.by_rules += 1,
            (Outcome::Answered | Outcome::Expired | Outcome::Cancelled | Outcome::Superseded, _) => {
                counts.unanswered += 1
            }
        }
        let contradicts = matches!(
            (self.rule.terms.decision, outcome),
            (RuleDecision::Allow, Outcome::Rejected) | (RuleDecision::Deny, Outcome::Approved)
        );
        let contradicted = by_person && contradicts;
        counts.contradicted += usize::from(contradicted);
        let list = if contradicted { &mut self.preview.contradicted } else { &mut self.preview.decided };
        self.preview.truncated |= !list.push(record);
    }
}

impl PreviewList {
    /// Adds a record if it fits; returns whether it did.
    fn push(&mut self, record: Record) -> bool {
        self.bytes += record.body.bytes;
        if self.bytes <= LIST_BYTES {
            self.records.push(record);
        }
        self.bytes <= LIST_BYTES
    }
}
