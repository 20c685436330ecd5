//! What a model is told of a request that is over.

use rmcp::model::CallToolResponse;

use super::call::{Call, Failure};
use super::{failed, said};
use crate::dialects::mcp::{Tool, chosen, without_answer};
use crate::domain::enums::{Delivery, Outcome};
use crate::domain::interaction::{Interaction, Record, Status};
use crate::domain::kinds::{Confirmation, Content};
use crate::service;

/// Says how a request ended; an approval that this tool asked for is claimed first.
pub(super) async fn settled(call: &Call<'_>, record: Record) -> Result<CallToolResponse, Failure> {
    let Record { interaction, body, claim, .. } = record;
    let request_id = &interaction.request_id;
    let Status::Resolved(outcome) = interaction.status() else {
        return Err(Failure(format!("request {request_id} is still pending")));
    };
    if outcome == Outcome::Answered {
        call.app.service.note_handed_out(&call.incoming.caller, request_id).await?;
    }
    let detail = interaction.resolution.as_ref().map(|resolution| &resolution.detail);
    match (&body.content, outcome) {
        (Content::Question(question), Outcome::Answered) => {
            let responses = detail.and_then(|detail| detail.responses.as_deref()).unwrap_or_default();
            let answers = responses.iter().filter_map(|response| {
                let entry = question.entries.iter().find(|entry| entry.question_id == response.question_id)?;
                let answer = if response.skipped { SKIPPED.to_owned() } else { chosen(entry, response) };
                Some(if question.entries.len() == 1 { answer } else { format!("{}: {answer}", entry.text) })
            });
            Ok(said(answers.collect::<Vec<_>>().join("\n")))
        }
        (Content::Secret(secret), Outcome::Answered) => {
            let kept = match detail.and_then(|detail| detail.delivery) {
                Some(Delivery::TransientSend) => "given for one use",
                Some(Delivery::Store) | None => "stored",
            };
            Ok(said(format!(
                "The secret is {kept} as {}/{} (request {request_id}). Its value is not shown here: a program takes it with \
                 POST /v1/interactions/{request_id}/secret and your token.",
                secret.service, secret.field
            )))
        }
        (Content::Confirmation(asked), Outcome::Approved) if is_own(asked) => act(call, &interaction).await,
        (Content::Confirmation(_), Outcome::Approved) => {
            let claimed = if claim.is_some() { ", and used already" } else { ": make the same call again" };
            Ok(said(format!("Request {request_id} is approved{claimed}.")))
        }
        (_, outcome) => {
            let comment = detail.and_then(|detail| detail.comment.as_deref()).map(|comment| format!(" {comment}"));
            Ok(failed(without_answer(outcome, request_id) + &comment.unwrap_or_default()))
        }
    }
}

/// What stands in the place of an answer that a person would not give.
const SKIPPED: &str = "(The person would not answer this.)";

/// Whether a confirmation is one of the tool `request_approval`.
fn is_own(asked: &Confirmation) -> bool {
    asked.tool_name.as_str() == Tool::RequestApproval.name()
}

/// Claims an approval, and only then says that it is one.
async fn act(call: &Call<'_>, interaction: &Interaction) -> Result<CallToolResponse, Failure> {
    let request_id = &interaction.request_id;
    let (caller, claim_id) = (&call.incoming.caller, call.try_id.clone());
    let claimed = call.app.service.claim(caller, request_id, None, claim_id).await?;
    let service::ClaimGrant { claim_id, effective_input, .. } = claimed;
    Ok(said(format!(
        "Approved (request {request_id}, claim {claim_id}). Do exactly this, once: {}",
        effective_input.text()
    )))
}
