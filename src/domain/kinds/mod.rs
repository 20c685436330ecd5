//! The kinds of interaction, one file each: what is asked, what is checked when it is registered, and what may resolve it.
//!
//! The shape of a content is the same on the wire and in the database, so its types derive both.

mod confirmation;
mod question;
mod secret;

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::Hash;

pub use self::confirmation::{AllowlistOption, Confirmation, Diff, Sameness, ScopeOption};
pub use self::question::{Choice, Entry, Question, Response, are_same, check_form};
pub use self::secret::SecretRequest;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::enums::{Delivery, Outcome, RiskLevel, string_enum};
use super::id::{RuleId, ToolName};
use super::json::{self, JsonObject};
use super::trust_rule::RuleUse;

string_enum! {
    /// What an interaction asks for.
    Kind {
        /// May the agent do this?
        Confirmation = "confirmation",
        /// What is the value of this secret?
        Secret = "secret",
        /// Which of these?
        Question = "question",
    }
}

impl Kind {
    /// How one of this kind ends where a person says no to all that its agent asks.
    #[must_use]
    pub const fn turned_down(self) -> Outcome {
        match self {
            Self::Confirmation => Outcome::Rejected,
            Self::Secret | Self::Question => Outcome::Cancelled,
        }
    }
}

/// What an interaction asks, by kind.
#[derive(Clone, Debug)]
pub enum Content {
    /// May I do this?
    Confirmation(Box<Confirmation>),
    /// What is the value of this secret?
    Secret(SecretRequest),
    /// Which of these?
    Question(Question),
    /// It is forgotten.
    Forgotten(Remains),
}

/// What remains of a content that is forgotten.
#[derive(Clone, Debug)]
pub struct Remains {
    /// What was asked for.
    pub kind: Kind,
    /// The tool of a confirmation.
    pub tool_name: Option<ToolName>,
    /// The risk of a confirmation.
    pub risk_level: Option<RiskLevel>,
    /// The digest of a confirmation's input.
    pub input_digest: Option<String>,
}

impl Remains {
    fn summary(&self) -> Summary<'_> {
        let title = self.tool_name.as_ref().map_or(self.kind.as_str(), ToolName::as_str);
        Summary { title, text: FORGOTTEN.into() }
    }
}

/// Room for most of what is written of a confirmation beside its input, in bytes.
const CONTENT_BYTES: usize = 640;

/// What stands in a list in the place of what is forgotten.
pub const FORGOTTEN: &str = "(forgotten)";

/// The same, lent.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'c> {
    /// May I do this?
    Confirmation(&'c Confirmation),
    /// What is the value of this secret?
    Secret(&'c SecretRequest),
    /// Which of these?
    Question(&'c Question),
}

impl<'c> Asked<'c> {
    /// What it is about, in a line.
    #[must_use]
    pub fn summary(self) -> Summary<'c> {
        match self {
            Self::Confirmation(confirmation) => confirmation.summary(),
            Self::Secret(secret) => secret.summary(),
            Self::Question(question) => question.summary(),
        }
    }
}

/// What an interaction is about, in a line of a list. Both parts may hold an agent's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<'c> {
    /// The tool of a confirmation, else the kind.
    pub title: &'c str,
    /// What it is about.
    pub text: Cow<'c, str>,
}

/// What is kept of a resolution beside its outcome; each member only where it applies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Detail {
    /// What the person added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The input that was approved in place of the proposed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_input: Option<JsonObject>,
    /// The digest of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_input_digest: Option<String>,
    /// The trust rule that was made together with the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_rule: Option<RuleId>,
    /// The rules that decided: several may allow one command line together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_rules: Option<Vec<RuleUse>>,
    /// The answers to a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<Vec<Response>>,
    /// What becomes of a secret's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

impl Detail {
    /// The facts of it, which are never forgotten.
    #[must_use]
    pub fn facts(&self) -> Self {
        Self { comment: None, updated_input: None, responses: None, ..self.clone() }
    }

    /// What it holds that no event tells of: an input and answers.
    #[must_use]
    pub fn unshown(&self) -> Self {
        let Self { updated_input, responses, .. } = self.clone();
        Self { updated_input, responses, ..Self::default() }
    }

    /// The words of people in the audit event of the resolution.
    #[must_use]
    pub fn audited_text(&self) -> Option<Value> {
        self.comment.as_ref().map(|comment| json!({"comment": comment}))
    }

    /// What the audit event of the resolution has beside who and what: digests in place of inputs.
    #[must_use]
    pub fn audited(&self) -> Option<Value> {
        let Self { comment: _, updated_input: _, updated_input_digest, made_rule, trust_rules, responses: _, delivery } =
            self;
        let members = [
            ("updatedInputDigest", updated_input_digest.clone().map(Value::from)),
            ("madeRule", made_rule.as_ref().map(|rule_id| rule_id.as_str().into())),
            ("trustRules", trust_rules.as_ref().map(|rules| json!(rules))),
            ("delivery", delivery.map(|delivery| delivery.as_str().into())),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let members: Map<String, Value> = members.collect();
        (!members.is_empty()).then_some(Value::Object(members))
    }
}

/// What is wrong with a content, and the field that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentError {
    /// The field, as a path from the content.
    pub field: &'static str,
    /// A sentence for a person.
    pub message: &'static str,
}

impl Content {
    /// The kind that asks this.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Confirmation(_) => Kind::Confirmation,
            Self::Secret(_) => Kind::Secret,
            Self::Question(_) => Kind::Question,
            Self::Forgotten(remains) => remains.kind,
        }
    }

    /// The tool, where there is one.
    #[must_use]
    pub fn tool_name(&self) -> Option<&ToolName> {
        match self {
            Self::Confirmation(confirmation) => Some(&confirmation.tool_name),
            Self::Forgotten(remains) => remains.tool_name.as_ref(),
            Self::Secret(_) | Self::Question(_) => None,
        }
    }

    /// Checks what no type says and completes what is derived: every content that an agent sends passes here once.
    ///
    /// # Errors
    ///
    /// The first field at fault.
    pub fn accept(mut self) -> Result<Self, ContentError> {
        match &mut self {
            Self::Confirmation(confirmation) => {
                confirmation.check()?;
                confirmation.digest();
            }
            Self::Secret(secret) => secret.check()?,
            Self::Question(question) => question.check()?,
            Self::Forgotten(_) => {}
        }
        Ok(self)
    }

    /// Reads the JSON that [`Content::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// When it is not the content of a `kind`.
    pub fn from_json(kind: Kind, json: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            Kind::Confirmation => {
                let mut confirmation: Box<Confirmation> = serde_json::from_str(json)?;
                // A page of a list holds many of these: the text is enough until a reader needs the tree.
                confirmation.input.drop_tree();
                Self::Confirmation(confirmation)
            }
            Kind::Secret => Self::Secret(serde_json::from_str(json)?),
            Kind::Question => Self::Question(serde_json::from_str(json)?),
        })
    }

    /// The confirmation, where this is one.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        match self {
            Self::Confirmation(confirmation) => Some(confirmation),
            Self::Secret(_) | Self::Question(_) | Self::Forgotten(_) => None,
        }
    }

    /// The confirmation, where this is one, to be changed.
    #[must_use]
    pub fn confirmation_mut(&mut self) -> Option<&mut Confirmation> {
        match self {
            Self::Confirmation(confirmation) => Some(confirmation),
            Self::Secret(_) | Self::Question(_) | Self::Forgotten(_) => None,
        }
    }

    /// What it is about, in a line.
    #[must_use]
    pub fn summary(&self) -> Summary<'_> {
        match self {
            Self::Confirmation(confirmation) => confirmation.summary(),
            Self::Secret(secret) => secret.summary(),
            Self::Question(question) => question.summary(),
            Self::Forgotten(remains) => remains.summary(),
        }
    }

    /// The JSON that is stored and shown: the member named after the kind.
    pub fn to_json(&self) -> serde_json::Result<String> {
        match self {
            Self::Confirmation(confirmation) => {
                // Of what is there beside the input, little is long.
                json::written(confirmation, confirmation.input.text().len() + CONTENT_BYTES)
            }
            Self::Secret(secret) => serde_json::to_string(secret),
            Self::Question(question) => serde_json::to_string(question),
            Self::Forgotten(_) => Ok("{}".to_owned()),
        }
    }

    /// The same JSON, but for an input, which is there by its digest alone: equal whenever the same is asked, however the
    /// input was written.
    pub fn identity(&mut self) -> serde_json::Result<String> {
        let Self::Confirmation(confirmation) = self else {
            return self.to_json();
        };
        let subject = confirmation.subject.clone();
        confirmation.subject = Some(confirmation.subject_before_profiles());
        let input = std::mem::take(&mut confirmation.input);
        let identity = json::written(confirmation, CONTENT_BYTES);
        (confirmation.input, confirmation.subject) = (input, subject);
        identity
    }
}

/// The content of one kind, taken out of a [`Content`]; the content itself where it is of another kind.
macro_rules! content_of {
    ($($name:ty: $variant:ident;)+) => {
        $(
            impl TryFrom<Content> for $name {
                type Error = Content;

                fn try_from(content: Content) -> Result<Self, Content> {
                    match content {
                        Content::$variant(content) => Ok(content),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

content_of! {
    Box<Confirmation>: Confirmation;
    SecretRequest: Secret;
    Question: Question;
}

const fn yes() -> bool {
    true
}

/// Whether no item comes twice.
fn all_different<T: Eq + Hash>(mut items: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    items.all(|item| seen.insert(item))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(summary: &Summary<'_>) -> String {
        format!("{}: {}", summary.title, summary.text)
    }

    #[test]
    fn each_kind_has_its_line() {
        let asked: Confirmation =
            serde_json::from_value(json!({"toolName": "shell", "input": {"command": "make"}})).unwrap();
        assert_eq!(line(&asked.summary()), "shell: make");
        assert_eq!(line(&Confirmation { subject: Some("as told".to_owned()), ..asked }.summary()), "shell: as told");
        let secret = json!({"service": "forge", "field": "token", "label": "The forge's token"});
        let secret: SecretRequest = serde_json::from_value(secret).unwrap();
        assert_eq!(line(&secret.summary()), "secret: The forge's token");
        let entry =
            |id: &str, text: &str| json!({"questionId": id, "text": text, "options": [], "freeTextAllowed": true});
        let question = |entries: serde_json::Value| -> Question { serde_json::from_value(entries).unwrap() };
        let one = question(json!({"entries": [entry("a", "Which?")]}));
        assert_eq!(line(&Content::Question(one).summary()), "question: Which?");
        let two = question(json!({"entries": [entry("a", "Which?"), entry("b", "Why?")]}));
        assert_eq!(line(&two.summary()), "question: Which? / Why?");
    }
}
