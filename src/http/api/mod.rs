//! The API: a handler for each call of the table in [`crate::api`], of the same name as the client's method.

mod cancel;
pub(crate) mod channels;
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
mod stats;
pub(crate) mod trust_rules;
mod views;
mod why;

use axum::middleware::map_response;
use axum::routing::{MethodFilter, MethodRouter, get, on};

use self::cancel::*;
use self::channels::{add_channel, change_channel, list_channels, remove_channel, rotate_channel, test_channel};
use self::claim::*;
use self::confirm::*;
use self::events::*;
use self::forget::*;
use self::health::*;
use self::interactions::*;
use self::login_links::*;
use self::question::*;
use self::register::*;
use self::secret::*;
use self::stats::*;
use self::trust_rules::*;
use self::views::*;
use self::why::*;
use crate::api::Call;
use crate::http::dialects::{aap::*, hooks::hook_event, humanlayer::*, mcp::call_mcp, vellum::*};
use crate::http::{App, Route};

/// The description of the API, for programs and for people. It holds no data and needs no token.
pub(super) const DOCUMENTS: &[(&str, Route)] =
    &[("/openapi.json", || get(docs::json)), ("/docs", || get(docs::page)), ("/docs/style.css", || get(docs::style))];

macro_rules! handlers {
    ($(
        $(#[$about:meta])+
        $call:ident $name:ident $operation:literal $tag:literal: $method:ident $path:literal ($($param:ident: $param_type:ty),*)
            $(, query $query:ty)? $(, body $body:ty)? $(, optional body $optional:ty)?
            => $form:ident $answer:tt $answers:tt else $refusals:tt
    )+) => {
        /// The handler of a call: it is called as the client's method is.
        fn handler_named(call: Call) -> MethodRouter<App> {
            match call {
                $(Call::$call => on(MethodFilter::$method, $name),)+
            }
        }
    };
}

crate::api::routes::routes!(handlers);

/// What answers a call.
pub(super) fn handler(call: Call) -> MethodRouter<App> {
    let carries_a_value = matches!(
        call,
        Call::TakeSecret
            | Call::ProvideSecret
            | Call::VellumSecret
            | Call::AddChannel
            | Call::ChangeChannel
            | Call::RotateChannel
    );
    let handler = handler_named(call);
    if carries_a_value { handler.layer(map_response(close_connection)) } else { handler }
}
