//! The calls on views: queries that a person keeps under names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::query::Query;
use crate::domain::saved_view::{SavedView, ViewName};

/// A query to be kept under a name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ViewBody {
    pub name: ViewName,
    pub query: Query,
}

/// A query that is kept under a name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SavedView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct View {
    pub name: ViewName,
    pub query: Query,
    pub created_at: Timestamp,
}

/// The caller's own views, in the order in which they were made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ViewList {
    pub views: Vec<View>,
}

impl From<SavedView> for View {
    fn from(SavedView { name, query, created_at }: SavedView) -> Self {
        Self { name, query, created_at }
    }
}
