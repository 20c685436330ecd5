//! One request, as data: what is asked, by whom, of what.

use serde_json::Value;

/// The operations of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Register,
    Look,
    List,
    Cancel,
    Claim,
    Report,
    Take,
    Supersede,
    Confirm,
    Secret,
    Question,
    MakeRule,
    ListRules,
    LookRule,
    Revoke,
    Pending,
    Audit,
    Withdraw,
    Wipe,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) verb: Verb,
    /// A number among the actors.
    pub(super) who: usize,
    /// What the path names: an interaction, a conversation or a rule; empty where it names nothing.
    pub(super) target: String,
    /// The members of the query.
    pub(super) query: Vec<(&'static str, String)>,
    /// Null: there is none.
    pub(super) body: Value,
    /// It was spoilt on purpose: a caller that may ask this at all is told that it is malformed.
    pub(super) is_malformed: bool,
}

impl Request {
    pub(super) fn new(verb: Verb, who: usize) -> Self {
        Self { verb, who, target: String::new(), query: Vec::new(), body: Value::Null, is_malformed: false }
    }

    pub(super) fn of(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    pub(super) fn with(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    pub(super) fn method(&self) -> &'static str {
        match self.verb {
            Verb::Look | Verb::List | Verb::ListRules | Verb::LookRule | Verb::Pending | Verb::Audit => "GET",
            Verb::Revoke | Verb::Wipe => "DELETE",
            Verb::Register
            | Verb::Cancel
            | Verb::Claim
            | Verb::Report
            | Verb::Take
            | Verb::Supersede
            | Verb::Confirm
            | Verb::Secret
            | Verb::Question
            | Verb::MakeRule
            | Verb::Withdraw => "POST",
        }
    }

    /// Path and query.
    pub(super) fn path(&self) -> String {
        let target = &self.target;
        let path = match self.verb {
            Verb::Register | Verb::List => "/v1/interactions".to_owned(),
            Verb::Look => format!("/v1/interactions/{target}"),
            Verb::Cancel => format!("/v1/interactions/{target}/cancel"),
            Verb::Claim => format!("/v1/interactions/{target}/claim"),
            Verb::Report => format!("/v1/interactions/{target}/outcome"),
            Verb::Take | Verb::Wipe => format!("/v1/interactions/{target}/secret"),
            Verb::Withdraw => format!("/v1/interactions/{target}/withdraw"),
            Verb::Supersede => format!("/v1/conversations/{target}/supersede"),
            Verb::Confirm => "/v1/confirm".to_owned(),
            Verb::Secret => "/v1/secret".to_owned(),
            Verb::Question => "/v1/question-response".to_owned(),
            Verb::MakeRule | Verb::ListRules => "/v1/trust-rules".to_owned(),
            Verb::LookRule | Verb::Revoke => format!("/v1/trust-rules/{target}"),
            Verb::Pending => "/v1/pending-interactions".to_owned(),
            Verb::Audit => "/v1/audit-events".to_owned(),
        };
        let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// A member of the query.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(member, _)| *member == name).map(|(_, value)| value.as_str())
    }
}
