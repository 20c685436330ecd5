//! A typed method for every call that is answered with JSON, made from the table in `api/routes.rs`.

use super::{Client, Result};
use crate::api::*;
use crate::domain::enums::HookClient;
use crate::domain::id::{ChannelId, ConversationId, RequestId, RuleId};
use crate::domain::saved_view::ViewName;

macro_rules! methods {
    ($(
        $(#[$about:meta])+
        $call:ident $name:ident $operation:literal $tag:literal: $method:ident $path:literal ($($param:ident: $param_type:ty),*)
            $(, query $query:ty)? $(, body $body:ty)? $(, optional body $optional:ty)?
            => $form:ident $answer:tt $answers:tt else $refusals:tt
    )+) => {
        impl Client {
            $(methods! {
                @ $form $answer $(#[$about])+ $call $name ($($param: $param_type),*)
                [$(query: $query)?] [$(body: $body)? $(body: $optional)?]
            })+
        }
    };
    (
        @ json ($answer:ty) $(#[$about:meta])+ $call:ident $name:ident ($($param:ident: $param_type:ty),*)
        [$($query:ident: $query_type:ty)?] [$($body:ident: $body_type:ty)?]
    ) => {
        $(#[$about])+
        ///
        /// # Errors
        ///
        /// What the server refuses, or that it cannot be reached.
        pub fn $name(
            &self,
            $($param: &$param_type,)*
            $($query: &$query_type,)?
            $($body: &$body_type,)?
        ) -> Result<$answer> {
            let request = self.request(Call::$call, &[$($param.as_str()),*]);
            $(let request = request.query($query);)?
            $(let request = request.body($body);)?
            request.send()
        }
    };
    // What is no JSON is read otherwise: the feed by `Client::feed`, the metrics by Prometheus.
    (@ text $($rest:tt)*) => {};
    // Other programs call these.
    (@ dialect $($rest:tt)*) => {};
}

crate::api::routes::routes!(methods);
