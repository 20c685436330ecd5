//! `POST /decide`: many at once. All of them may be rejected; approved only what has tool, subject and risk in common.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::confirmation::ConfirmationView;
use super::decide::{confirmation, resolvable};
use super::done::FormResponse;
use super::form::Form;
use super::session::PageRejection;
use crate::domain::enums::{Decision, Kind};
use crate::domain::id::RequestId;
use crate::domain::kinds::Confirmation;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::Problem;
use crate::service::{Confirm, Error};

/// How many may be decided at once.
const MOST: usize = 100;

pub(super) async fn decide(State(app): State<App>, headers: HeaderMap, form: Form) -> Result<Response, PageRejection> {
    let ids = form.fields.all("id").map(str::parse::<RequestId>).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|problem| Problem::malformed_field("id", problem))?;
    if ids.is_empty() || ids.len() > MOST {
        return Err(Problem::malformed_field("id", format!("Choose between one and {MOST} of them.")).into());
    }
    let decision = match form.fields.get("decision") {
        Some("allow") => Decision::Allow,
        Some("deny") => Decision::Deny,
        _ => return Err(Problem::malformed_field("decision", "Approve or reject them.").into()),
    };
    let mut asked = Vec::new();
    for id in &ids {
        let record = resolvable(&app, &form.person, id, Kind::Confirmation).await?;
        if app.service.is_barred_as_own(&form.person.principal, &record.interaction) {
            return Err(Problem::from(Refused::SelfApproval).into());
        }
        asked.push(confirmation(&record)?.clone());
    }
    if decision == Decision::Allow {
        check_alike(&asked)?;
        if form.fields.get("acknowledged") != Some("yes") {
            let message = "Say first that you have read each of them.";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_deliberate", message);
            return Err(problem.with("field", "acknowledged").into());
        }
    }
    let what = if decision == Decision::Allow { "approved" } else { "rejected" };
    let (mut done, mut late) = (0, 0);
    for request_id in ids {
        let comment = form.fields.filled("comment").map(str::to_owned);
        let confirm = Confirm { request_id, decision, comment, updated_input: None, selected: None };
        match app.service.confirm(&form.person.principal, confirm).await {
            Ok(()) => done += 1,
            Err(Error::Refused(Refused::Retired { .. })) => late += 1,
            Err(error) if done == 0 => return Err(Problem::from(error).into()),
            Err(error) => {
                tracing::warn!(%error, "of many that were decided together some were not");
                return Ok(
                    FormResponse::new(format!("{done} {what}. The rest failed: try them again.")).answer(&headers)?
                );
            }
        }
    }
    let message = match late {
        0 => format!("{done} {what}."),
        late => format!("{done} {what}; {late} were already resolved."),
    };
    Ok(FormResponse::new(message).answer(&headers)?)
}

/// One look is enough only where the same is asked.
fn check_alike(asked: &[Confirmation]) -> Result<(), Problem> {
    let mut alike = asked.iter().map(ConfirmationView::alike);
    let first = alike.next();
    if alike.all(|next| Some(&next) == first.as_ref()) {
        return Ok(());
    }
    let message = "Only what has the same tool, subject and risk is approved together.";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_alike", message).with("field", "id"))
}
