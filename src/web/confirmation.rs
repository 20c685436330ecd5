//! A confirmation on a card: the complete input, and what its forms offer.

use serde_json::Value;

use super::text::DiffView;
use super::text::{Markup, escape_untrusted};
use crate::domain::acknowledgement::{Acknowledgement, LONG_CHARS, missing, required, shown_value};
use crate::domain::enums::RiskLevel;
use crate::domain::json::JsonObject;
use crate::domain::kinds::Confirmation;
use crate::domain::tools::Profiles;
use crate::present::{acknowledged_fact, edits, escape_json, facts, rule_parts};

/// A request to use a tool.
pub(super) struct ConfirmationView {
    pub(super) tool: Markup,
    pub(super) risk: RiskLevel,
    /// Every member of the input.
    pub(super) members: Vec<Member>,
    /// What the members would change in files.
    pub(super) edits: Vec<DiffView>,
    /// The input as it was sent.
    pub(super) as_sent: Markup,
    /// What rules go by, where no member says it.
    pub(super) subject: Option<Markup>,
    /// Names and values of what stands beside the input.
    pub(super) facts: Vec<(&'static str, Markup)>,
    pub(super) reason: Option<Markup>,
    pub(super) diff: Option<DiffView>,
    pub(super) digest: String,
    /// What can be edited before it is approved, if it may be.
    pub(super) editable: Option<String>,
    pub(super) patterns: Vec<Offer>,
    pub(super) scopes: Vec<Offer>,
    /// What has to be acknowledged to approve it.
    pub(super) acknowledgements: Vec<AcknowledgementView>,
    /// What an edit of the input may have to acknowledge besides.
    pub(super) of_edit: Vec<AcknowledgementView>,
}

/// One member of an input.
pub(super) struct Member {
    pub(super) name: Markup,
    pub(super) value: Markup,
    /// How long it is, where that is not seen at a glance.
    pub(super) length: Option<usize>,
}

/// A pattern or scope that a rule may have.
pub(super) struct Offer {
    pub(super) number: usize,
    pub(super) label: Markup,
    pub(super) description: Option<Markup>,
    pub(super) value: Markup,
    /// What a rule with it says of the other members, by name.
    pub(super) parts: Vec<(Markup, Markup)>,
}

/// Something to be acknowledged: its word, and what it is about.
pub(super) struct AcknowledgementView {
    pub(super) word: Acknowledgement,
    pub(super) fact: &'static str,
}

impl AcknowledgementView {
    const fn of(word: Acknowledgement) -> Self {
        Self { word, fact: acknowledged_fact(word) }
    }
}

impl ConfirmationView {
    pub(super) fn of(asked: &Confirmation, profiles: &Profiles) -> Self {
        let (view, order) = profiles.view(&asked.tool_name);
        let place = |name: &String| order.iter().position(|first| first == name).unwrap_or(order.len());
        let mut members = asked.input.tree().iter().collect::<Vec<_>>();
        members.sort_by_key(|(name, _)| place(name));
        let subject = asked.subject_text();
        let is_said = says(asked, &subject);
        let patterns = asked.allowlist_options.iter().enumerate().map(|(number, option)| Offer {
            number,
            label: escape_untrusted(&option.label),
            description: option.description.as_deref().map(escape_untrusted),
            value: escape_untrusted(option.pattern.as_str()),
            parts: option.members.iter().flat_map(|members| rule_parts(members, None, None)).map(escape_part).collect(),
        });
        let scopes = asked.scope_options.iter().enumerate().map(|(number, option)| Offer {
            number,
            label: escape_untrusted(&option.label),
            description: None,
            value: escape_untrusted(option.scope.as_str()),
            parts: Vec::new(),
        });
        let required = required(asked, None);
        let is_lasting = asked.persistent_decisions_allowed;
        Self {
            tool: escape_untrusted(asked.tool_name.as_str()),
            risk: asked.risk_level,
            members: members.into_iter().map(|(name, value)| Member::new(name, value)).collect(),
            edits: edits(asked, view).iter().map(DiffView::of_edit).collect(),
            as_sent: escape_untrusted(asked.input.text()),
            subject: (!is_said).then(|| escape_untrusted(&subject)),
            facts: facts(asked).iter().map(|fact| (fact.name, escape_untrusted(&fact.value))).collect(),
            reason: asked.reason.as_deref().map(escape_untrusted),
            diff: asked.diff.as_ref().map(DiffView::of),
            digest: asked.input_digest.clone().unwrap_or_default(),
            editable: asked.input_edits_allowed.then(|| editable(&asked.input)),
            patterns: patterns.filter(|_| is_lasting).collect(),
            scopes: scopes.filter(|_| is_lasting).collect(),
            of_edit: missing(Acknowledgement::OF_INPUT, &required).into_iter().map(AcknowledgementView::of).collect(),
            acknowledgements: required.into_iter().map(AcknowledgementView::of).collect(),
        }
    }

    /// Whether a rule can be made with the decision.
    pub(super) fn offers_rule(&self) -> bool {
        !self.patterns.is_empty() && !self.scopes.is_empty()
    }
}

fn escape_part((name, value): (String, String)) -> (Markup, Markup) {
    (escape_untrusted(&name), escape_untrusted(&value))
}

/// Whether the input itself says the subject.
fn says(asked: &Confirmation, subject: &str) -> bool {
    asked.input.tree().values().any(|value| value.as_str() == Some(subject)) || subject == asked.input.canonical()
}

impl Member {
    fn new(name: &str, value: &Value) -> Self {
        let text = shown_value(value);
        let chars = text.chars().count();
        Self {
            name: escape_untrusted(name),
            value: escape_untrusted(&text),
            length: (chars > LONG_CHARS).then_some(chars),
        }
    }
}

/// The input, indented; invisible characters are escaped, so that they are seen while editing.
pub(super) fn editable(input: &JsonObject) -> String {
    let indented = serde_json::to_string_pretty(input.tree()).unwrap_or_else(|_| input.text().to_owned());
    escape_json(&indented)
}
