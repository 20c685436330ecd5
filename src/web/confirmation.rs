//! A confirmation on a card: the complete input, and what its forms offer.

use std::borrow::Cow;

use serde_json::Value;

use super::text::DiffView;
use super::text::{Markup, escape_untrusted};
use crate::domain::enums::RiskLevel;
use crate::domain::json::JsonObject;
use crate::domain::kinds::Confirmation;
use crate::domain::visible::{Piece, pieces};

/// From so many characters on, the end of a text is not seen at a glance.
const LONG_CHARS: usize = 4_000;

/// Nor from so many lines on.
const LONG_LINES: usize = 80;

/// A request to use a tool.
pub(super) struct ConfirmationView {
    pub(super) tool: Markup,
    pub(super) risk: RiskLevel,
    /// Every member of the input.
    pub(super) members: Vec<Member>,
    /// The input as it was sent.
    pub(super) as_sent: Markup,
    /// What rules go by, where no member says it.
    pub(super) subject: Option<Markup>,
    pub(super) working_dir: Option<Markup>,
    pub(super) target: Option<&'static str>,
    pub(super) reason: Option<Markup>,
    pub(super) diff: Option<DiffView>,
    pub(super) digest: String,
    /// What can be edited before it is approved, if it may be.
    pub(super) editable: Option<String>,
    pub(super) patterns: Vec<Offer>,
    pub(super) scopes: Vec<Offer>,
    /// Why it takes a second step to approve this, if it does.
    pub(super) acknowledgement: Option<&'static str>,
    /// Tool, subject and risk: what those have in common that may be approved together.
    pub(super) alike: String,
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
}

impl ConfirmationView {
    pub(super) fn of(asked: &Confirmation) -> Self {
        let subject = asked.subject_text();
        let is_said = says(asked, &subject);
        let patterns = asked.allowlist_options.iter().enumerate().map(|(number, option)| Offer {
            number,
            label: escape_untrusted(&option.label),
            description: option.description.as_deref().map(escape_untrusted),
            value: escape_untrusted(option.pattern.as_str()),
        });
        let scopes = asked.scope_options.iter().enumerate().map(|(number, option)| Offer {
            number,
            label: escape_untrusted(&option.label),
            description: None,
            value: escape_untrusted(option.scope.as_str()),
        });
        let is_lasting = asked.persistent_decisions_allowed;
        Self {
            tool: escape_untrusted(asked.tool_name.as_str()),
            risk: asked.risk_level,
            members: asked.input.tree().iter().map(|(name, value)| Member::new(name, value)).collect(),
            as_sent: escape_untrusted(asked.input.text()),
            subject: (!is_said).then(|| escape_untrusted(&subject)),
            working_dir: asked.working_dir.as_deref().map(escape_untrusted),
            target: asked.execution_target.map(|target| target.as_str()),
            reason: asked.reason.as_deref().map(escape_untrusted),
            diff: asked.diff.as_ref().map(DiffView::of),
            digest: asked.input_digest.clone().unwrap_or_default(),
            editable: asked.input_edits_allowed.then(|| editable(&asked.input)),
            patterns: patterns.filter(|_| is_lasting).collect(),
            scopes: scopes.filter(|_| is_lasting).collect(),
            acknowledgement: required_acknowledgement(asked),
            alike: Self::alike(asked),
        }
    }

    /// What those have in common that may be approved together: tool, subject and risk; where the subject is the agent's
    /// own words, which may be the same for anything, the whole input.
    pub(super) fn alike(asked: &Confirmation) -> String {
        let subject = asked.subject_text();
        let is_said = says(asked, &subject);
        let digest = asked.input_digest.as_deref().filter(|_| !is_said).unwrap_or_default();
        format!("{}\0{subject}\0{}\0{digest}", asked.tool_name, asked.risk_level)
    }

    /// Whether a rule can be made with the decision.
    pub(super) fn offers_rule(&self) -> bool {
        !self.patterns.is_empty() && !self.scopes.is_empty()
    }
}

/// Whether the input itself says the subject.
fn says(asked: &Confirmation, subject: &str) -> bool {
    asked.input.tree().values().any(|value| value.as_str() == Some(subject)) || subject == asked.input.canonical()
}

impl Member {
    fn new(name: &str, value: &Value) -> Self {
        let text = value_text(value);
        let chars = text.chars().count();
        Self {
            name: escape_untrusted(name),
            value: escape_untrusted(&text),
            length: (chars > LONG_CHARS).then_some(chars),
        }
    }
}

/// A string says itself; anything else is JSON.
fn value_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("{value:#}").into()
        }
    }
}

/// Why a person has to say once more that they have read it: what does much harm, and what is easily overlooked.
pub(super) fn required_acknowledgement(asked: &Confirmation) -> Option<&'static str> {
    let hides = |text: &Cow<'_, str>| pieces(text).iter().any(|piece| !matches!(piece, Piece::Plain(_)));
    let is_long = |text: &Cow<'_, str>| text.chars().count() > LONG_CHARS || text.lines().count() > LONG_LINES;
    let texts = texts(asked);
    if asked.risk_level == RiskLevel::High {
        Some("I have read all of it, and I know that it is high risk")
    } else if texts.iter().any(hides) {
        Some("I have read all of it, with the characters in it that do not show")
    } else if texts.iter().any(is_long) {
        Some("I have read all of it, to its end")
    } else {
        None
    }
}

/// Everything that an approval is about; not the agent's reason, which is only a claim.
fn texts(asked: &Confirmation) -> Vec<Cow<'_, str>> {
    let fixed = [Some(asked.tool_name.as_str()), asked.subject.as_deref(), asked.working_dir.as_deref()];
    let diff = asked.diff.iter().flat_map(|diff| [&diff.file_path, &diff.old_content, &diff.new_content]);
    let members = asked.input.tree().iter().flat_map(|(name, value)| [Cow::from(name), value_text(value)]);
    fixed.into_iter().flatten().map(Cow::from).chain(diff.map(Cow::from)).chain(members).collect()
}

/// The input, indented; invisible characters are escaped, so that they are seen while editing.
pub(super) fn editable(input: &JsonObject) -> String {
    let indented = serde_json::to_string_pretty(input.tree()).unwrap_or_else(|_| input.text().to_owned());
    let mut text = String::with_capacity(indented.len());
    for piece in pieces(&indented) {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Lookalike(c) => text.push(c),
            Piece::Unseen(c) => {
                let escaped =
                    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
                text.push_str(&escaped);
            }
        }
    }
    text
}
