//! Lists as files: all that a filter finds, read and sent piece by piece, so that a file takes no more memory than a page.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};

use super::App;
use crate::api::{Interaction, WithRaw};
use crate::csv;
use crate::domain::enums::ListFormat;
use crate::domain::interaction::Record;
use crate::domain::principal::Principal;
use crate::service::Error;
use crate::store::{Cursor, Filter, Page};

/// How many interactions are read at a time.
const ROWS_AT_A_TIME: u32 = 500;

/// The media type of each format.
const fn media_type(format: ListFormat) -> &'static str {
    match format {
        ListFormat::Json => "application/json",
        ListFormat::Csv => "text/csv; charset=utf-8",
        ListFormat::JsonLines => "application/jsonl; charset=utf-8",
    }
}

/// The format that `Accept` names first, where it names one of a list.
pub(crate) fn accepted(headers: &HeaderMap) -> Option<ListFormat> {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut types = accept.split(',').filter_map(|range| range.split(';').next()).map(str::trim);
    types.find_map(|media_type| match media_type.to_ascii_lowercase().as_str() {
        "application/json" | "application/*" | "*/*" => Some(ListFormat::Json),
        "text/csv" => Some(ListFormat::Csv),
        "application/jsonl" | "application/x-ndjson" => Some(ListFormat::JsonLines),
        _ => None,
    })
}

/// All that `principal` finds, the newest first, from the cursor on, as a file of this name.
pub(crate) fn file(
    app: App,
    principal: Principal,
    filter: Filter,
    before: Option<Cursor>,
    format: ListFormat,
    name: &str,
) -> Response {
    let begin = if format == ListFormat::Csv { csv::headings() } else { String::new() };
    let begin = stream::once(async { Ok(begin) });
    let first = Page { before, limit: ROWS_AT_A_TIME };
    let lines = stream::try_unfold(Some(first), move |page| {
        let (app, principal, filter) = (app.clone(), principal.clone(), filter.clone());
        async move {
            let Some(page) = page else { return Ok(None) };
            // What has begun cannot be refused any more: a file that is cut off is no whole answer, and clients say so.
            let found = app.service.list(&principal, filter, page).await.inspect_err(|error| {
                tracing::error!(%error, "a file of interactions was not finished");
            })?;
            let next = found.next.map(|cursor| Page { before: Some(cursor), ..page });
            let lines = found.rows.into_iter().map(|record| line(record, format));
            Ok::<_, Error>(Some((lines.collect::<String>(), next)))
        }
    });
    let disposition = format!("attachment; filename=\"{name}.{format}\"");
    let headers = [(CONTENT_TYPE, media_type(format).to_owned()), (CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(begin.chain(lines))).into_response()
}

fn line(record: Record, format: ListFormat) -> String {
    let interaction = Interaction::from(record);
    match format {
        ListFormat::Csv => csv::interaction(&interaction),
        ListFormat::Json | ListFormat::JsonLines => format!("{}\n", WithRaw::from(interaction).json()),
    }
}
