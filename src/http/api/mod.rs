//! The API: one handler a verb, for each call of the table in [`crate::api`].

mod cancel;
mod claim;
pub(crate) mod confirm;
mod docs;
pub(crate) mod events;
mod forget;
mod health;
mod interactions;
mod login_links;
pub(crate) mod page;
mod question;
mod register;
pub(crate) mod secret;
mod trust_rules;

use axum::middleware::map_response;
use axum::routing::{MethodRouter, delete, get, post};

use crate::api::Call;
use crate::http::{App, Route};

/// The description of the API, for programs and for people. It holds no data and needs no token.
pub(super) const DOCUMENTS: &[(&str, Route)] =
    &[("/openapi.json", || get(docs::json)), ("/docs", || get(docs::page)), ("/docs/style.css", || get(docs::style))];

/// What answers a call.
pub(super) fn handler(call: Call) -> MethodRouter<App> {
    match call {
        Call::RegisterInteraction => post(register::register),
        Call::ListInteractions => get(interactions::list),
        Call::GetInteraction => get(interactions::get),
        Call::CancelInteraction => post(cancel::cancel),
        Call::ClaimInteraction => post(claim::claim),
        Call::ReportOutcome => post(claim::report),
        Call::TakeSecret => post(secret::take).layer(map_response(secret::close_connection)),
        Call::SupersedeConversation => post(cancel::supersede),
        Call::Confirm => post(confirm::confirm),
        Call::WithdrawApproval => post(claim::withdraw),
        Call::ProvideSecret => post(secret::provide).layer(map_response(secret::close_connection)),
        Call::WipeSecret => delete(secret::wipe),
        Call::ForgetInteraction => post(forget::forget),
        Call::AnswerQuestion => post(question::answer),
        Call::ListPending => get(interactions::pending),
        Call::MakeTrustRule => post(trust_rules::make),
        Call::ListTrustRules => get(trust_rules::list),
        Call::PreviewTrustRule => post(trust_rules::preview),
        Call::GetTrustRule => get(trust_rules::get),
        Call::RevokeTrustRule => delete(trust_rules::revoke),
        Call::ListAuditEvents => get(events::list),
        Call::FollowAuditEvents => get(events::feed),
        Call::MakeLoginLink => post(login_links::make),
        Call::IsAlive => get(health::alive),
        Call::IsReady => get(health::ready),
        Call::GetMetrics => get(health::metrics),
    }
}
