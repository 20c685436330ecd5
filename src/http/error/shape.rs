//! The shape of a refusal: ours, or that of the dialect whose path was called.

use axum::body::Body;
use axum::http::{HeaderMap, Response};

use crate::api::ErrorBody;
use crate::dialects::aap::{self, AapError, AapErrorBody};
use crate::dialects::vellum::{VellumError, VellumErrorBody};

/// The header that names a request in its answer.
const REQUEST_ID: &str = "x-request-id";

/// In which shape the refusals of a path are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorShape {
    /// `{"error": "<a sentence>", "code": "…"}`: the API's, and HumanLayer's.
    Flat,
    /// `{"error": {"type", "code", "message", "request_id"}}`
    Aap,
    /// `{"error": {"code", "message"}}`
    Vellum,
}

impl ErrorShape {
    /// That of a path.
    pub(crate) fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("aap") => Self::Aap,
            Some("v1") if path.starts_with("/v1/assistants/") => Self::Vellum,
            _ => Self::Flat,
        }
    }

    /// Tells a refusal in this shape; any other answer stays as it is.
    pub(crate) fn apply(self, response: &mut Response<Body>) {
        let Some(refusal) = response.extensions_mut().remove::<ErrorBody>() else { return };
        let status = response.status().as_u16();
        let ErrorBody { error: message, code, more } = refusal;
        let body = match self {
            Self::Flat => return,
            Self::Aap => serde_json::to_vec(&AapErrorBody {
                error: AapError {
                    r#type: aap::error_type(status),
                    code: aap::error_code(&code).to_owned(),
                    message,
                    request_id: request_id(response.headers()),
                },
            }),
            Self::Vellum => serde_json::to_vec(&VellumErrorBody { error: VellumError { code, message, more } }),
        };
        // Strings and numbers under string keys: this cannot fail, and an empty body is what is left if it does.
        *response.body_mut() = Body::from(body.unwrap_or_default());
    }
}

fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_shape_of_its_dialect() {
        for (path, shape) in [
            ("/aap/v1/requests", ErrorShape::Aap),
            ("/aap", ErrorShape::Aap),
            ("/aapx/v1", ErrorShape::Flat),
            ("/v1/assistants/a/confirm", ErrorShape::Vellum),
            ("/v1/confirm", ErrorShape::Flat),
            ("/humanlayer/v1/function_calls", ErrorShape::Flat),
            ("*", ErrorShape::Flat),
        ] {
            assert_eq!(ErrorShape::of(path), shape, "{path}");
        }
    }
}
