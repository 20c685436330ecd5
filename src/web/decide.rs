//! The forms of cards, one by one or many at once: they end in the same use cases as the API.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::card::responses;
use super::confirmation::editable;
use super::forms::{Fields, Form, FormResponse};
use super::session::{PageRejection, Person};
use crate::api::ConfirmBody;
use crate::domain::acknowledgement::Acknowledgement;
use crate::domain::enums::{Decision, Delivery, Kind};
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::interaction::Record;
use crate::domain::json::JsonObject;
use crate::domain::kinds::{AllowlistOption, Confirmation, Sameness, check_form};
use crate::domain::pattern::Scope;
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::domain::secret_value::SecretValue;
use crate::http::App;
use crate::http::api::confirm::command;
use crate::http::error::{Problem, input_discarded};
use crate::http::extract::Param;
use crate::present::acknowledged_fact;
use crate::service::{Answer, Confirm, Error, ProvideSecret};

/// `POST /interactions/{requestId}/decide`: a confirmation is approved, as it is, edited or with a rule, or rejected.
pub(super) async fn decide(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    let record = resolvable(&app, &form.person, &request_id, Kind::Confirmation).await?;
    let asked = confirmation(&record)?;
    let body = decision(request_id, asked, &form.fields)?;
    if body.decision == Decision::Allow {
        check_nothing_discarded(asked, &body, &form.fields)?;
    }
    let mut said = if body.decision == Decision::Allow { "Approved.".to_owned() } else { "Rejected.".to_owned() };
    let confirm = Confirm { must_acknowledge: true, ..command(body, &app.limits)? };
    for warning in app.service.confirm(&form.person.principal, confirm).await.map_err(refusal)? {
        said = format!("{said} Mind: {}.", warning.message());
    }
    Ok(FormResponse::new(said).answer(&headers)?)
}

/// What the button that was pressed means.
fn decision(request_id: RequestId, asked: &Confirmation, fields: &Fields) -> Result<ConfirmBody, Problem> {
    let mut body =
        ConfirmBody { acknowledged: Some(acknowledged(fields)?), ..plain(request_id, Decision::Allow, fields) };
    match fields.get("decision") {
        Some("allow") => {}
        Some("allow-edited") => body.updated_input = Some(edited(fields)?),
        Some("allow-always") => {
            let (offer, scope) = chosen(asked, fields)?;
            (body.selected_pattern, body.selected_scope) = (Some(offer.pattern), Some(scope));
            body.selected_members = offer.members;
            body.selected_agent = fields.get("anyAgent").map(|_| None);
        }
        Some("deny") => body.decision = Decision::Deny,
        _ => return Err(Problem::malformed_field("decision", "Approve or reject it.")),
    }
    Ok(body)
}

/// A decision with the comment of the form, and nothing edited or chosen.
fn plain(request_id: RequestId, decision: Decision, fields: &Fields) -> ConfirmBody {
    ConfirmBody { comment: fields.filled("comment").map(str::to_owned), ..ConfirmBody::new(request_id, decision) }
}

fn edited(fields: &Fields) -> Result<JsonObject, Problem> {
    let text = fields.get("input").unwrap_or_default();
    serde_json::from_str(text)
        .map_err(|error| Problem::malformed_field("input", format!("The edited input is not a JSON object: {error}.")))
}

/// The pattern and the scope that were chosen among those that are offered, by their places.
fn chosen(asked: &Confirmation, fields: &Fields) -> Result<(AllowlistOption, Scope), Problem> {
    let place = |name: &str| fields.get(name).and_then(|place| place.parse::<usize>().ok());
    let pattern = place("pattern").and_then(|place| asked.allowlist_options.get(place));
    let scope = place("scope").and_then(|place| asked.scope_options.get(place));
    match (pattern, scope) {
        (Some(pattern), Some(scope)) => Ok((pattern.clone(), scope.scope.clone())),
        _ => Err(Problem::malformed_field("pattern", "Choose what the rule covers, and where.")),
    }
}

/// What a form says was read.
fn acknowledged(fields: &Fields) -> Result<Vec<Acknowledgement>, Problem> {
    let words = fields.all("acknowledged").map(str::parse).collect::<Result<_, _>>();
    words.map_err(|problem: String| Problem::malformed_field("acknowledged", problem))
}

/// The answer to an approval that leaves something out, in the words of the form; anything else as everywhere.
fn refusal(error: Error) -> Problem {
    let Error::Refused(Refused::AcknowledgementRequired { missing }) = &error else { return error.into() };
    let facts = missing.iter().map(|word| acknowledged_fact(*word)).collect::<Vec<_>>();
    let message = format!("Say first that you have read it, and know that {}.", facts.join(", and that "));
    Problem::from(error).saying(message)
}

/// Refuses to approve where something was typed that this approval would leave out, or say as if it belonged to it.
fn check_nothing_discarded(asked: &Confirmation, body: &ConfirmBody, fields: &Fields) -> Result<(), Problem> {
    let is_edited = fields.get("input").is_some_and(|input| input.trim() != editable(&asked.input).trim());
    let message = if is_edited && body.updated_input.is_none() {
        "You have edited the input: approve it as edited, or put it back."
    } else if body.comment.is_some() {
        "You have written a reason to reject it: reject it, or clear the reason."
    } else {
        return Ok(());
    };
    Err(input_discarded(message))
}

/// `POST /interactions/{requestId}/secret`: a value is given, to be kept or once, or it is declined.
pub(super) async fn secret(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    resolvable(&app, &form.person, &request_id, Kind::Secret).await?;
    let (value, said) = match form.fields.get("decision") {
        Some("give") => {
            let value = SecretValue::try_from(form.fields.get("value").unwrap_or_default())
                .map_err(|problem| Problem::malformed_field("value", problem))?;
            (Some(value), "Given.")
        }
        Some("decline") => (None, "Declined."),
        _ => return Err(Problem::malformed_field("decision", "Give the value or decline.").into()),
    };
    let delivery = match form.fields.get("delivery") {
        None => Delivery::default(),
        Some(word) => word.parse().map_err(|problem: String| Problem::malformed_field("delivery", problem))?,
    };
    let give = ProvideSecret { request_id, value, delivery };
    app.service.give_secret(&form.person.principal, give).await.map_err(Problem::from)?;
    Ok(FormResponse::new(said).answer(&headers)?)
}

/// `POST /interactions/{requestId}/answer`: a question is answered.
pub(super) async fn answer(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    let record = resolvable(&app, &form.person, &request_id, Kind::Question).await?;
    let question = record.body.content.question().ok_or_else(Problem::internal)?;
    let responses = responses(question, &form.fields)?;
    check_form(&responses).map_err(|problem| Problem::malformed_field("responses", problem))?;
    let answer = Answer { request_id, responses };
    app.service.answer_question(&form.person.principal, answer).await.map_err(Problem::from)?;
    Ok(FormResponse::new("Answered.").answer(&headers)?)
}

/// The interaction to resolve, if the person may; whether it is still pending is checked when it is resolved.
pub(super) async fn resolvable(
    app: &App,
    person: &Person,
    request_id: &RequestId,
    kind: Kind,
) -> Result<Record, Problem> {
    person.principal.require(Right::Resolve)?;
    let record = app.service.get(&person.principal, request_id).await?;
    if record.interaction.kind != kind {
        return Err(Refused::WrongKind { expected: kind, actual: record.interaction.kind }.into());
    }
    Ok(record)
}

/// The confirmation of a record that is known to be one.
pub(super) fn confirmation(record: &Record) -> Result<&Confirmation, Problem> {
    record.body.content.confirmation().ok_or_else(Problem::internal)
}

/// The most confirmations that are decided together.
const MOST_TOGETHER: usize = 100;

/// `POST /decide`: several confirmations at once. All of them may be rejected; only those that ask the very same may be
/// approved.
pub(super) async fn decide_many(
    State(app): State<App>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    let ids = form.fields.all("id").map(str::parse::<RequestId>).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|problem| Problem::malformed_field("id", problem))?;
    if ids.is_empty() || ids.len() > MOST_TOGETHER {
        return Err(Problem::malformed_field("id", format!("Choose between one and {MOST_TOGETHER} of them.")).into());
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
        asked.push(confirmation(&record)?.sameness());
    }
    let alike = if decision == Decision::Allow { Some(check_alike(&asked)?) } else { None };
    if decision == Decision::Allow {
        check_no_reason(&form.fields)?;
        if form.fields.get("acknowledged") != Some("yes") {
            return Err(Problem::from(Refused::AcknowledgementRequired { missing: Acknowledgement::ALL.to_vec() })
                .saying("Say first that you have read each of them to its end.")
                .into());
        }
    }
    let what = if decision == Decision::Allow { "approved" } else { "rejected" };
    // All are checked before the first is decided.
    let confirms = ids.into_iter().map(|request_id| {
        // One tick for all of them says all of it.
        let acknowledged = Some(Acknowledgement::ALL.to_vec());
        let body = ConfirmBody { acknowledged, ..plain(request_id, decision, &form.fields) };
        Ok(Confirm { must_acknowledge: true, alike: alike.cloned(), ..command(body, &app.limits)? })
    });
    let confirms = confirms.collect::<Result<Vec<_>, Problem>>()?;
    let (mut done, mut late) = (0, 0);
    for confirm in confirms {
        match app.service.confirm(&form.person.principal, confirm).await {
            Ok(_) => done += 1,
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

/// What all of them ask; refused where they do not ask the same.
fn check_alike(asked: &[Sameness]) -> Result<&Sameness, Problem> {
    match asked.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => Ok(first),
        Some(_) | None => Err(Refused::NotAlike.into()),
    }
}

/// Refuses an approval that would leave out a reason, or say it as if it belonged to it.
fn check_no_reason(fields: &Fields) -> Result<(), Problem> {
    match fields.filled("comment") {
        None => Ok(()),
        Some(_) => Err(input_discarded("You have written a reason to reject them: reject them, or clear the reason.")),
    }
}

/// `POST /agents/{name}/reject`: all that an agent asks is rejected or declined.
pub(super) async fn reject_all(
    State(app): State<App>,
    Param(agent): Param<PrincipalName>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    form.person.principal.require(Right::Resolve).map_err(Problem::from)?;
    let comment = form.fields.filled("comment");
    let rejected = app.service.reject_all_of(&form.person.principal, &agent, comment).await.map_err(Problem::from)?;
    Ok(FormResponse::new(format!("{rejected} of {agent} rejected.")).answer(&headers)?)
}
