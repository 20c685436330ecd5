//! The active rules in memory: read once, then following what the writer changes. What is committed of them is shared with
//! whoever matches beside the writer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{ReadTx, Result};
use crate::domain::enums::RuleStatus;
use crate::domain::id::{RuleId, ToolName};
use crate::domain::rule_set::RuleSet;
use crate::domain::trust_rule::TrustRule;

/// The rules about each tool. Two that are the same pointer hold the same rules: what is shared is never changed.
type Tools = HashMap<ToolName, Arc<RuleSet>>;

/// The active rules as some commit has left them: not always the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct CommittedRules(Arc<RwLock<Tools>>);

impl CommittedRules {
    /// The rules about a tool.
    pub(super) fn about(&self, tool_name: &ToolName) -> Option<Arc<RuleSet>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(tool_name).cloned()
    }
}

/// The active rules, by tool.
#[derive(Debug, Default)]
pub(super) struct ActiveRules {
    /// `None` until they are needed.
    tools: Option<Tools>,
    /// Whether this transaction has changed anything here.
    changed: bool,
    /// Whether all that is here was shared.
    shared: bool,
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

    /// Others have changed these, in this order: they alone are read again, for there may be many. What changed a rule and does not
    /// say which has all of them read again.
    pub(super) fn renew<'r>(
        &mut self,
        changed: impl Iterator<Item = Option<&'r RuleId>>,
        tx: &ReadTx<'_>,
    ) -> Result<()> {
        for rule_id in changed {
            let (Some(rule_id), Some(_)) = (rule_id, &self.tools) else {
                self.tools = None;
                return Ok(());
            };
            let rule = tx.trust_rule(rule_id).inspect_err(|_| self.tools = None)?;
            self.remove(rule_id);
            if let Some(rule) = rule.filter(|rule| rule.status == RuleStatus::Active) {
                self.insert(&rule);
            }
        }
        Ok(())
    }

    /// The transaction was committed: what others know of the rules follows.
    pub(super) fn share(&mut self, committed: &CommittedRules) {
        if let Some(tools) = self.tools.as_ref().filter(|_| !self.shared) {
            *committed.0.write().unwrap_or_else(PoisonError::into_inner) = tools.clone();
            self.shared = true;
        }
    }

    /// The rules about a tool.
    pub(super) fn about(&mut self, tool_name: &ToolName, tx: &ReadTx<'_>) -> Result<Option<&Arc<RuleSet>>> {
        if self.tools.is_none() {
            let mut tools = HashMap::<_, RuleSet>::new();
            for rule in tx.all_active_rules()? {
                tools.entry(rule.tool_name.clone()).or_default().insert(rule);
            }
            tracing::debug!(tools = tools.len(), "the trust rules were read");
            self.tools = Some(tools.into_iter().map(|(tool, rules)| (tool, Arc::new(rules))).collect());
            self.shared = false;
        }
        Ok(self.tools.as_ref().and_then(|tools| tools.get(tool_name)))
    }

    /// A rule was made.
    pub(super) fn insert(&mut self, rule: &TrustRule) {
        self.change(|tools| Arc::make_mut(tools.entry(rule.tool_name.clone()).or_default()).insert(rule.clone()));
    }

    /// A rule was taken back, its time is over, or it has no uses left.
    pub(super) fn remove(&mut self, rule_id: &RuleId) {
        self.change(|tools| {
            let about = tools.values_mut().filter(|rules| rules.has(rule_id));
            about.for_each(|rules| Arc::make_mut(rules).remove(rule_id));
            tools.retain(|_, rules| rules.rules().next().is_some());
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut Tools)) {
        (self.changed, self.shared) = (true, false);
        if let Some(tools) = &mut self.tools {
            change(tools);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::enums::RuleDecision;
    use crate::domain::pattern::Scope;
    use crate::domain::trust_rule::Terms;

    fn rule(pattern: &str) -> TrustRule {
        let terms = Terms::new(pattern.parse().unwrap(), Scope::everywhere(), RuleDecision::Allow);
        TrustRule::new("shell".parse().unwrap(), terms, "ada".parse().unwrap(), Timestamp::EPOCH)
    }

    fn patterns(rules: Option<Arc<RuleSet>>) -> Vec<String> {
        let patterns = |rules: Arc<RuleSet>| rules.rules().map(|rule| rule.terms.pattern.as_str().to_owned()).collect();
        rules.map(patterns).unwrap_or_default()
    }

    #[test]
    fn what_is_shared_stays_as_it_was_until_a_commit_shares_what_came_after() {
        let shell = "shell".parse().unwrap();
        let (committed, mut active) = (CommittedRules::default(), ActiveRules::default());
        active.share(&committed);
        assert_eq!(patterns(committed.about(&shell)), [""; 0]);
        active.tools = Some(Tools::new());
        let (one, other) = (rule("ls *"), rule("cat *"));
        active.insert(&one);
        active.share(&committed);
        let before = committed.about(&shell).unwrap();
        active.insert(&other);
        active.remove(&one.rule_id);
        assert_eq!(patterns(committed.about(&shell)), ["ls *"]);
        active.share(&committed);
        assert_eq!(patterns(Some(Arc::clone(&before))), ["ls *"]);
        let after = committed.about(&shell).unwrap();
        assert_eq!(patterns(Some(Arc::clone(&after))), ["cat *"]);
        assert!(!Arc::ptr_eq(&before, &after));
        active.share(&committed);
        assert!(Arc::ptr_eq(&after, &committed.about(&shell).unwrap()));
        active.remove(&other.rule_id);
        active.share(&committed);
        assert!(committed.about(&shell).is_none());
    }
}
