//! What a caller should know of a request that was carried out all the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::warning;

/// Something to mind: a code for programs, and a sentence for people.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Warning {
    pub code: String,
    pub message: String,
}

impl Warning {
    /// The warnings as an answer has them: no member where there is none.
    #[must_use]
    pub fn list(warnings: &[warning::Warning]) -> Option<Vec<Self>> {
        let listed =
            warnings.iter().map(|warning| Self { code: warning.as_str().to_owned(), message: warning.message() });
        (!warnings.is_empty()).then(|| listed.collect())
    }
}
