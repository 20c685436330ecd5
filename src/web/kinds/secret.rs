//! A request for a secret: its card, the form that gives it, and its details.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{FormTarget, resolvable, yes_or_no};
use crate::domain::enums::{Delivery, Kind};
use crate::domain::id::RequestId;
use crate::domain::interaction::Detail;
use crate::domain::kinds::SecretRequest;
use crate::domain::secret_value::SecretValue;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Param;
use crate::service::ProvideSecret;
use crate::web::done::Done;
use crate::web::forms::Form;
use crate::web::interaction::DetailRow;
use crate::web::session::PageRejection;
use crate::web::text::{Markup, escape_untrusted};

/// A request for a secret: shown as what is asked.
#[derive(Template)]
#[template(path = "web/kinds/secret.html", block = "asked")]
pub(in crate::web) struct SecretView {
    service: Markup,
    field: Markup,
    label: Markup,
    description: Option<Markup>,
    purpose: Option<Markup>,
    placeholder: String,
    tools: Vec<Markup>,
    domains: Vec<Markup>,
    once_allowed: bool,
}

impl SecretView {
    pub(super) fn of(secret: &SecretRequest) -> Self {
        Self {
            service: escape_untrusted(secret.service.as_str()),
            field: escape_untrusted(secret.field.as_str()),
            label: escape_untrusted(&secret.label),
            description: secret.description.as_deref().map(escape_untrusted),
            purpose: secret.purpose.as_deref().map(escape_untrusted),
            placeholder: secret.placeholder.clone().unwrap_or_default(),
            tools: secret.allowed_tools.iter().map(|tool| escape_untrusted(tool)).collect(),
            domains: secret.allowed_domains.iter().map(|domain| escape_untrusted(domain)).collect(),
            once_allowed: secret.allow_one_time_send,
        }
    }

    pub(super) fn form(&self, target: FormTarget<'_>) -> askama::Result<String> {
        SecretForm { target, view: self }.render()
    }
}

/// The form that gives it.
#[derive(Template)]
#[template(path = "web/kinds/secret.html", block = "form")]
struct SecretForm<'v> {
    target: FormTarget<'v>,
    view: &'v SecretView,
}

/// `POST /interactions/{requestId}/secret`: a value is given, to be kept or once, or it is declined.
pub(in crate::web) async fn give(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    resolvable(&app, &form.person, &request_id, Kind::Secret).await?;
    let (value, done) = match form.fields.get("decision") {
        Some("give") => {
            let value = SecretValue::try_from(form.fields.get("value").unwrap_or_default())
                .map_err(|problem| Problem::malformed_field("value", problem))?;
            (Some(value), Done::Sent)
        }
        Some("decline") => (None, Done::Declined),
        _ => return Err(Problem::malformed_field("decision", "Give the value or decline.").into()),
    };
    let delivery = match form.fields.get("delivery") {
        None => Delivery::default(),
        Some(word) => word.parse().map_err(|problem: String| Problem::malformed_field("delivery", problem))?,
    };
    let give = ProvideSecret { request_id, value, delivery };
    app.service.give_secret(&form.person.caller, give).await.map_err(Problem::from)?;
    Ok(done.answer(None, "", &headers)?)
}

/// What the request allows.
pub(super) fn details(asked: &SecretRequest) -> Vec<DetailRow> {
    let mut facts = vec![DetailRow::text("May be handed over once", yes_or_no(asked.allow_one_time_send))];
    facts.extend(asked.placeholder.as_ref().map(|text| DetailRow::text("Placeholder", text)));
    facts
}

/// What was given, beside by whom and when.
pub(super) fn answered(detail: &Detail) -> Vec<DetailRow> {
    detail.delivery.map(|delivery| DetailRow::text("Delivery", delivery.as_str())).into_iter().collect()
}
