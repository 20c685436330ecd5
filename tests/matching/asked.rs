//! Rules and requests made of a few words.

use countersign::clock::Timestamp;
use countersign::domain::enums::RuleDecision;
use countersign::domain::id::{PrincipalName, RuleId, ToolName};
use countersign::domain::kinds::Confirmation;
use countersign::domain::matcher::{Doubt, Subject};
use countersign::domain::pattern::{Pattern, Scope};
use countersign::domain::rule_set::{MatchInput, RuleSet, RuleSetDecision};
use countersign::domain::trust_rule::{Terms, TrustRule};
use serde_json::{Value, json};

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Command,
    Path,
    Url,
    /// An input of which countersign knows nothing.
    Text,
    /// A subject in the agent's own words.
    Own,
}

/// A request, ready to be held against rules.
pub(crate) struct Asked {
    confirmation: Confirmation,
    subject: Subject,
}

/// What rules decide, so that two of them can be compared: rules go by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Deny(RuleId),
    Ask(Option<RuleId>),
    Allow(Vec<RuleId>),
    Open,
}

/// The rule for every place that says this of subjects like `pattern`; `None` where `pattern` cannot be one.
pub(crate) fn rule(decision: RuleDecision, pattern: &str) -> Option<TrustRule> {
    let pattern = Pattern::try_from(pattern.to_owned()).ok()?;
    let terms = Terms::new(pattern, Scope::try_from(Scope::EVERYWHERE.to_owned()).ok()?, decision);
    let tool = "shell".parse::<ToolName>().ok()?;
    Some(TrustRule::new(tool, terms, PrincipalName::nobody(), Timestamp::EPOCH))
}

/// Rules that all say the same of their patterns.
pub(crate) fn rules(decision: RuleDecision, patterns: &[&str]) -> RuleSet {
    patterns.iter().filter_map(|pattern| rule(decision, pattern)).collect()
}

impl Asked {
    /// `None` for what no agent can register.
    pub(crate) fn new(kind: Kind, text: &str) -> Option<Self> {
        let input = match kind {
            Kind::Command => json!({"command": text}),
            Kind::Path => json!({"file_path": text}),
            Kind::Url => json!({"url": text}),
            Kind::Text | Kind::Own => json!({"query": text}),
        };
        let mut request = json!({"toolName": "shell", "input": input});
        if kind == Kind::Own {
            request["subject"] = Value::from(text);
        }
        let confirmation = serde_json::from_str::<Confirmation>(&request.to_string()).ok()?;
        Some(Self { subject: Subject::of(&confirmation), confirmation })
    }

    pub(crate) fn command(line: &str) -> Self {
        Self::new(Kind::Command, line).unwrap_or_else(|| panic!("no command: {line:?}"))
    }

    pub(crate) fn subject(&self) -> &str {
        self.subject.as_str()
    }

    /// Why no wildcard may allow it.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        self.subject.doubt()
    }

    /// The patterns that countersign itself offers for it.
    pub(crate) fn offers(&self) -> Vec<String> {
        self.subject.offers(1024).into_iter().map(|offer| offer.pattern.as_str().to_owned()).collect()
    }

    pub(crate) fn decided_by(&self, rules: &RuleSet) -> Decided {
        let candidate = MatchInput {
            confirmation: &self.confirmation,
            subject: &self.subject,
            registered_by: &PrincipalName::nobody(),
            conversation_id: None,
            own_rules_count: true,
        };
        let id = |rule: &TrustRule| rule.rule_id.clone();
        match rules.decide(&candidate, Timestamp::EPOCH, None) {
            RuleSetDecision::Deny(rule) => Decided::Deny(id(rule)),
            RuleSetDecision::Ask(rule) => Decided::Ask(rule.map(id)),
            RuleSetDecision::Allow(rules) => Decided::Allow(rules.into_iter().map(id).collect()),
            RuleSetDecision::NoMatch(_) => Decided::Open,
        }
    }

    pub(crate) fn is_allowed_by(&self, rules: &RuleSet) -> bool {
        matches!(self.decided_by(rules), Decided::Allow(_))
    }

    pub(crate) fn is_denied_by(&self, rules: &RuleSet) -> bool {
        matches!(self.decided_by(rules), Decided::Deny(_))
    }
}
