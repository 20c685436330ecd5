//! Previews of rules: what a rule would have decided and would decide now.

use std::sync::Arc;

use super::decide::{GoingBy, PendingConfirmation, would_decide};
use super::{Error, Result, RuleSource, Service};
use crate::clock::Timestamp;
use crate::domain::enums::{Kind, Outcome, RuleDecision};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Record, ResolvedBy, Status};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::rule_set::{MissedPart, Nearness, RuleSet, WhyNot};
use crate::domain::tools::Profiles;
use crate::domain::trust_rule::{NewTerms, TrustRule};
use crate::store::{Filter, Page, Priority, ReadTx};

/// How many of the latest confirmations a preview examines.
const PREVIEWED: u32 = 500;

/// How many of what is pending, and would not be decided, are named with the reason: those that come nearest.
const NEAR_MISSES: usize = 3;

/// Of how many of these, the oldest, the reasons are worked out.
const LOOKED_AT: usize = 64;

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
    /// Whether it covers the confirmation that it is for, where there is one.
    pub covers: Option<Covers>,
    /// What is pending and comes nearest to being decided by it, the nearest first.
    pub near_misses: Vec<NearMiss>,
}

/// Whether a rule would take part in the decision on the confirmation that it is for.
#[derive(Debug)]
pub struct Covers {
    /// Which one.
    pub request_id: RequestId,
    /// Why it would not.
    pub why_not: Option<WhyNot>,
}

/// Something that is pending and that a rule would not decide.
#[derive(Debug)]
pub struct NearMiss {
    /// Which one.
    pub request_id: RequestId,
    /// Why not.
    pub why_not: WhyNot,
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
    /// What a rule would have decided of the latest confirmations beside the rules that are there, and would decide now; and
    /// whether it covers the confirmation `meant_for`, or else the one that it is made from.
    ///
    /// # Errors
    ///
    /// A refusal if the rule could not be made from its source, or there is no such interaction, or an error of the store.
    pub async fn preview_trust_rule(
        &self,
        by: &Principal,
        source: RuleSource,
        terms: NewTerms,
        meant_for: Option<RequestId>,
    ) -> Result<Preview> {
        self.sweep_if_due(Priority::of(by)).await?;
        let by = by.clone();
        let (allow_self_approval, now) = (self.allow_self_approval, self.clock.now());
        let profiles = Arc::clone(&self.profiles);
        self.store
            .read(Priority::of(&by), move |tx| {
                let going_by = GoingBy { profiles: &profiles, allow_self_approval };
                let (tool_name, terms) = source.terms(tx, &by, &terms, going_by, now)?;
                let meant_for = meant_for.as_ref().or(source.request_id()).map(|request_id| {
                    let found = tx.record(request_id)?.filter(|record| record.interaction.is_visible_to(&by));
                    Ok::<_, Error>(found.ok_or(Refused::UnknownRequest)?)
                });
                let meant_for = meant_for.transpose()?;
                let rule = TrustRule::new(tool_name, terms, by.name.clone(), now);
                let mut rules = tx.active_rules(&rule.tool_name)?.into_iter().collect::<RuleSet>();
                rules.insert(rule.clone());
                let profiles = Arc::clone(&profiles);
                let preview = Preview::default();
                let mut builder = PreviewBuilder { rule, rules, now, profiles, allow_self_approval, preview };
                builder.add_latest(tx)?;
                builder.add_pending(tx)?;
                builder.preview.covers = meant_for.map(|record| builder.covers(&record));
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
        let mut looked_at = 0;
        loop {
            let found = tx.pending_confirmations(&self.rule.tool_name, after)?;
            for record in found.rows {
                if record.interaction.is_overdue(self.now) {
                    continue;
                }
                if self.would_decide(&record) {
                    self.preview.counts.pending += 1;
                    self.preview.truncated |= !self.preview.pending.push(record);
                } else if looked_at < LOOKED_AT {
                    looked_at += 1;
                    let why_not = self.why_not(&record).filter(|why_not| why_not.nearness.is_near());
                    let request_id = record.interaction.request_id;
                    self.preview.near_misses.extend(why_not.map(|why_not| NearMiss { request_id, why_not }));
                }
            }
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        self.preview.near_misses.sort_by_key(|miss| miss.why_not.nearness);
        self.preview.near_misses.truncate(NEAR_MISSES);
        Ok(())
    }

    /// Whether the rule would take part in the decision on the confirmation that it is for.
    fn covers(&self, record: &Record) -> Covers {
        let interaction = &record.interaction;
        let why_not = match &interaction.tool_name {
            Some(tool_name) if *tool_name != self.rule.tool_name => Some(WhyNot {
                missed: Some(MissedPart::ToolName),
                because: format!("the rule is about the tool `{}`, and this uses `{tool_name}`", self.rule.tool_name),
                nearness: Nearness::default(),
            }),
            _ => self.why_not(record),
        };
        Covers { request_id: interaction.request_id.clone(), why_not }
    }

    /// Why the rule would not take part in the decision on a confirmation of its tool; `None` where it would.
    fn why_not(&self, record: &Record) -> Option<WhyNot> {
        let pending = PendingConfirmation::from_record(record, &self.profiles)?;
        let input = pending.match_input_of(&record.interaction, self.allow_self_approval);
        self.rules.why_not(&self.rule.rule_id, &input, self.now)
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
