//! What is shown in the place of a kind where the interaction is forgotten: that it is, and what is known of it still.

use askama::Template;

use crate::domain::enums::Kind;
use crate::domain::interaction::{Detail, Forgetting};
use crate::domain::kinds::Remains;
use crate::web::interaction::DetailRow;
use crate::web::text::AbsoluteTime;

/// What is known of what is forgotten.
#[derive(Template)]
#[template(path = "web/kinds/forgotten.html")]
pub(in crate::web) struct ForgottenView {
    by: Option<String>,
    at: Option<AbsoluteTime>,
    digest: Option<String>,
}

impl ForgottenView {
    pub(super) fn of(remains: &Remains, forgetting: Option<&Forgetting>) -> Self {
        Self {
            by: forgetting.and_then(|forgetting| forgetting.by.as_ref()).map(ToString::to_string),
            at: forgetting.map(|forgetting| AbsoluteTime(forgetting.at)),
            digest: remains.input_digest.clone(),
        }
    }
}

/// What is known still of the request.
pub(super) fn details(remains: &Remains) -> Vec<DetailRow> {
    let tool = remains.tool_name.as_ref().map(|tool| DetailRow::code("Tool", tool.as_str()));
    let risk = remains.risk_level.map(|risk| DetailRow::text("Risk", risk.as_str()));
    tool.into_iter().chain(risk).collect()
}

/// What is known still of the resolution.
pub(super) fn answered(remains: &Remains, detail: &Detail) -> Vec<DetailRow> {
    match remains.kind {
        Kind::Confirmation => super::confirmation::answered(detail),
        Kind::Secret => super::secret::answered(detail),
        Kind::Question => Vec::new(),
    }
}
