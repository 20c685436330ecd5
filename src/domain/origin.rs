//! Where an agent says that it comes from. Nothing checks it, and nothing is decided by it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json::objects_only;

/// The longest member of an origin, in bytes.
pub const LONGEST_ORIGIN: usize = 256;

/// One member of an origin; it may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginText(String);

super::schema::described!(
    OriginText,
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .max_length(Some(LONGEST_ORIGIN))
        .into()
);

impl TryFrom<String> for OriginText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() <= LONGEST_ORIGIN {
            Ok(Self(text))
        } else {
            Err("a member of an origin is at most 256 bytes long")
        }
    }
}

impl From<OriginText> for String {
    fn from(text: OriginText) -> Self {
        text.0
    }
}

/// Where an agent says that it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Origin {
    /// The program that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<OriginText>,
    /// That program's own id for what it is in the middle of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<OriginText>,
    /// The repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<OriginText>,
    /// Its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<OriginText>,
    /// The directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<OriginText>,
    /// The machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<OriginText>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<OriginText>,
    /// What the session is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<OriginText>,
}

objects_only!(Origin);

impl Origin {
    /// What it says, each member with the word for it.
    pub fn members(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let members = [
            ("client", &self.client),
            ("session", &self.session_id),
            ("repository", &self.repository),
            ("branch", &self.branch),
            ("directory", &self.working_dir),
            ("host", &self.host),
            ("model", &self.model),
            ("title", &self.title),
        ];
        members.into_iter().filter_map(|(word, text)| Some((word, text.as_ref()?.0.as_str())))
    }
}
