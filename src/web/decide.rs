//! Many at once: the selected confirmations together, and all that one agent asks.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::done::Done;
use super::forms::{Fields, Form};
use super::kinds::confirmation::{confirmation, plain};
use super::kinds::{Asked, Extent, resolvable};
use super::page::{Frame, html};
use super::row::AgentChip;
use super::session::{PageRejection, Person};
use crate::api::ConfirmBody;
use crate::domain::acknowledgement::{Acknowledgement, required};
use crate::domain::enums::{Decision, Kind};
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::interaction::Record;
use crate::domain::kinds::{Confirmation, Sameness};
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::api::confirm::command;
use crate::http::error::{Problem, input_discarded};
use crate::http::extract::Param;
use crate::service::{Confirm, Error};

/// The most confirmations that are decided together.
const MOST_TOGETHER: usize = 100;

/// `POST /decide`: several confirmations at once. All of them may be rejected. Approved are those that ask the very same, or
/// that have nothing about them that has to be known first, once each of them was shown in full: that is the page that a form
/// without `read` leads to.
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
    let mut records = Vec::new();
    for id in &ids {
        let record = resolvable(&app, &form.person, id, Kind::Confirmation).await?;
        if app.service.is_barred_as_own(&form.person.caller, &record.interaction) {
            return Err(Problem::from(Refused::SelfApproval).into());
        }
        records.push(record);
    }
    let asked = records.iter().map(confirmation).collect::<Result<Vec<_>, _>>()?;
    let alike = alike(&asked);
    if decision == Decision::Allow {
        check_no_reason(&form.fields)?;
        if alike.is_none() {
            check_plain(&asked)?;
            match (form.fields.get("read"), form.fields.get("acknowledged")) {
                (Some("yes"), _) => {}
                (_, None) => return Ok(together(&app, &form.person, &records)?),
                // It was said of them that they are the same.
                (_, Some(_)) => return Err(Problem::from(Refused::NotAlike).into()),
            }
        }
        if form.fields.get("acknowledged") != Some("yes") {
            return Err(Problem::from(Refused::AcknowledgementRequired { missing: Acknowledgement::ALL.to_vec() })
                .saying("Say first that you have read each of them to its end.")
                .into());
        }
    }
    let what = if decision == Decision::Allow { Done::Approved } else { Done::Rejected };
    // All are checked before the first is decided.
    let confirms = ids.into_iter().map(|request_id| {
        // One tick for all of them says all of it.
        let acknowledged = Some(Acknowledgement::ALL.to_vec());
        let body = ConfirmBody { acknowledged, ..plain(request_id, decision, &form.fields)? };
        Ok(Confirm { must_acknowledge: true, alike: alike.clone(), ..command(body, &app.limits)? })
    });
    let confirms = confirms.collect::<Result<Vec<_>, Problem>>()?;
    let (mut done, mut late) = (0, 0);
    for confirm in confirms {
        match app.service.confirm(&form.person.caller, confirm).await {
            Ok(_) => done += 1,
            Err(Error::Refused(Refused::Retired { .. })) => late += 1,
            Err(error) if done == 0 => return Err(Problem::from(error).into()),
            Err(error) => {
                tracing::warn!(%error, "of many that were decided together some were not");
                return Ok(what.answer(Some(done), "The rest failed: try them again.", &headers)?);
            }
        }
    }
    let already = if late > 0 { format!("Already resolved: {late}.") } else { String::new() };
    Ok(what.answer(Some(done), &already, &headers)?)
}

/// What all of them ask, where they ask the same.
fn alike(asked: &[&Confirmation]) -> Option<Sameness> {
    let (first, others) = asked.split_first()?;
    let first = first.sameness();
    others.iter().all(|other| other.sameness() == first).then_some(first)
}

/// Refuses different ones together where one of them has something about it that has to be known first.
fn check_plain(asked: &[&Confirmation]) -> Result<(), Problem> {
    match asked.iter().all(|asked| required(asked, None).is_empty()) {
        true => Ok(()),
        false => Err(Refused::NotAlike.into()),
    }
}

/// All that one press would approve, to be read.
#[derive(Template)]
#[template(path = "web/together.html")]
struct TogetherPage {
    frame: Frame,
    requests: Vec<Line>,
}

/// One of them, in full.
struct Line {
    id: String,
    who: AgentChip,
    asked: Asked,
}

fn together(app: &App, person: &Person, records: &[Record]) -> Result<Response, Problem> {
    let requests = records.iter().map(|record| Line {
        id: record.interaction.request_id.to_string(),
        who: AgentChip::of(record.interaction.registered_by.as_str()),
        asked: Asked::of(record, app.service.profiles(), Extent::Whole),
    });
    html(&TogetherPage { frame: Frame::of(person, "queue"), requests: requests.collect() })
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
    form.person.caller.require(Right::Resolve).map_err(Problem::from)?;
    let comment = form.fields.comment()?;
    let rejected =
        app.service.reject_all_of(&form.person.caller, &agent, comment.as_ref()).await.map_err(Problem::from)?;
    Ok(Done::Rejected.answer(Some(rejected), "", &headers)?)
}
