//! What a caller should know of a request that was carried out all the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::id::RuleId;
use crate::domain::warning;

/// Something to mind: a code for programs, and a sentence for people.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Warning {
    pub code: String,
    pub message: String,
    /// The trust rule that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<RuleId>,
}

impl Warning {
    /// That a rule goes on which was made with an approval that is taken back; none where there is no such rule.
    #[must_use]
    pub fn of_rule(active: Option<RuleId>) -> Option<Vec<Self>> {
        active.map(|rule_id| vec![Self { rule_id: Some(rule_id), ..Self::from(&warning::Warning::RuleStillActive) }])
    }

    /// The warnings as an answer has them: no member where there is none.
    #[must_use]
    pub fn list(warnings: &[warning::Warning]) -> Option<Vec<Self>> {
        (!warnings.is_empty()).then(|| warnings.iter().map(Self::from).collect())
    }
}

impl From<&warning::Warning> for Warning {
    fn from(warning: &warning::Warning) -> Self {
        Self { code: warning.as_str().to_owned(), message: warning.message(), rule_id: None }
    }
}
