//! The active rules in memory: read once, then following what the writer changes.

use std::collections::HashMap;

use super::{ReadTx, Result};
use crate::clock::Timestamp;
use crate::domain::id::{RuleId, ToolName};
use crate::domain::rule_set::RuleSet;
use crate::domain::trust_rule::TrustRule;

/// The active rules, by tool.
#[derive(Debug, Default)]
pub(super) struct ActiveRules {
    /// `None` until they are needed.
    tools: Option<HashMap<ToolName, RuleSet>>,
    /// Whether this transaction has changed anything here.
    changed: bool,
}

impl ActiveRules {
    /// Begins a transaction.
    pub(super) const fn begin(&mut self) {
        self.changed = false;
    }

    /// The transaction, or a part of it, was undone.
    pub(super) fn undo(&mut self) {
        if self.changed {
            self.tools = None;
        }
    }

    /// The rules about a tool.
    pub(super) fn about(&mut self, tool_name: &ToolName, tx: &ReadTx<'_>) -> Result<Option<&RuleSet>> {
        if self.tools.is_none() {
            let mut tools = HashMap::<_, RuleSet>::new();
            for rule in tx.all_active_rules()? {
                tools.entry(rule.tool_name.clone()).or_default().insert(rule);
            }
            tracing::debug!(tools = tools.len(), "the trust rules were read");
            self.tools = Some(tools);
        }
        Ok(self.tools.as_ref().and_then(|tools| tools.get(tool_name)))
    }

    /// A rule was made.
    pub(super) fn insert(&mut self, rule: &TrustRule) {
        self.changed = true;
        if let Some(tools) = &mut self.tools {
            tools.entry(rule.tool_name.clone()).or_default().insert(rule.clone());
        }
    }

    /// A rule has decided.
    pub(super) fn count_use(&mut self, rule: &TrustRule, now: Timestamp) {
        self.changed = true;
        if let Some(rules) = self.tools.as_mut().and_then(|tools| tools.get_mut(&rule.tool_name)) {
            rules.count_use(&rule.rule_id, now);
        }
    }

    /// A rule was taken back, or its time is over.
    pub(super) fn remove(&mut self, rule_id: &RuleId) {
        self.changed = true;
        if let Some(tools) = &mut self.tools {
            tools.values_mut().for_each(|rules| rules.remove(rule_id));
            tools.retain(|_, rules| rules.rules().next().is_some());
        }
    }
}
