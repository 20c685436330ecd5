//! Lists as files: all that a filter finds, read and sent piece by piece, so that a file takes no more memory than a page.

use std::cmp::Reverse;

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
use crate::http::error::Problem;
use crate::service::Caller;
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

/// The media types by which a client asks for each format, in the order in which they are preferred where it does not matter to
/// the client.
const ASKED_FOR: [(ListFormat, &[&str]); 3] = [
    (ListFormat::Json, &["application/json"]),
    (ListFormat::Csv, &["text/csv"]),
    (ListFormat::JsonLines, &["application/jsonl", "application/x-ndjson"]),
];

/// A range of `Accept`: what it names, and how much it is wanted, in thousandths.
struct Range {
    name: String,
    weight: u16,
}

impl Range {
    fn of(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let weight =
            parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q")));
        let weight = match weight {
            Some((_, weight)) => weight.trim().parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))?,
            None => 1.0,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        let weight = (weight * 1000.0).round() as u16;
        Some(Self { name, weight })
    }

    /// How exactly it names a media type; `None` where it does not.
    fn names(&self, media_type: &str) -> Option<u8> {
        let (kind, _) = media_type.split_once('/')?;
        match self.name.as_str() {
            name if name == media_type => Some(2),
            "*/*" => Some(0),
            name if name.strip_suffix("/*") == Some(kind) => Some(1),
            _ => None,
        }
    }
}

/// The format that is wanted most by `Accept`, where it names one of a list: the one with the greatest weight, among those the one
/// that is named most exactly, and then the one that is named first.
pub(crate) fn accepted(headers: &HeaderMap) -> Option<ListFormat> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range> = values.flat_map(|value| value.split(',')).filter_map(Range::of).collect();
    let wanted = ASKED_FOR.iter().filter_map(|(format, media_types)| {
        let named = media_types.iter().flat_map(|media_type| {
            let of_range =
                |(place, range): (usize, &Range)| Some((range.names(media_type)?, Reverse(place), range.weight));
            ranges.iter().enumerate().filter_map(of_range).max()
        });
        // How much it is wanted says the range that names it most exactly.
        let (exactly, place, weight) = named.max()?;
        (weight > 0).then_some((*format, (weight, exactly, place)))
    });
    // Of several that are wanted alike the first.
    wanted.reduce(|most, next| if next.1 > most.1 { next } else { most }).map(|(format, _)| format)
}

/// All that `caller` finds, the newest first, from the cursor on, as a file of this name. What cannot be read is refused; what
/// cannot be read later on breaks the file off.
pub(crate) async fn file(
    app: App,
    caller: Caller,
    filter: Filter,
    before: Option<Cursor>,
    format: ListFormat,
    name: &str,
) -> Result<Response, Problem> {
    let first = Page { before, limit: ROWS_AT_A_TIME };
    let found = app.service.list(&caller, filter.clone(), first).await?;
    let headings = if format == ListFormat::Csv { csv::headings() } else { String::new() };
    let (begin, next) = (headings + &lines(found.rows, format), found.next);
    let begin = stream::once(async { Ok(begin) });
    let rest = stream::try_unfold(next, move |before| {
        let (app, caller, filter) = (app.clone(), caller.clone(), filter.clone());
        async move {
            let Some(before) = before else { return Ok(None) };
            let page = Page { before: Some(before), ..first };
            // What has begun cannot be refused any more: a file that is cut off is no whole answer, and clients say so.
            let found = app.service.list(&caller, filter, page).await.inspect_err(|error| {
                error.log("a file of interactions was not finished");
            })?;
            Ok::<_, Error>(Some((lines(found.rows, format), found.next)))
        }
    });
    let disposition = format!("attachment; filename=\"{name}.{format}\"");
    let headers = [(CONTENT_TYPE, media_type(format).to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(begin.chain(rest))).into_response())
}

fn lines(rows: Vec<Record>, format: ListFormat) -> String {
    rows.into_iter().map(|record| line(record, format)).collect()
}

fn line(record: Record, format: ListFormat) -> String {
    let interaction = Interaction::from(record);
    match format {
        ListFormat::Csv => csv::interaction(&interaction),
        ListFormat::Json | ListFormat::JsonLines => format!("{}\n", WithRaw::from(interaction).json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_that_is_wanted_most_is_chosen() {
        use ListFormat::{Csv, Json, JsonLines};
        for (accept, format) in [
            ("text/csv", Some(Csv)),
            ("text/csv, application/jsonl", Some(Csv)),
            ("application/jsonl, text/csv", Some(JsonLines)),
            ("text/csv;q=0.5, application/jsonl", Some(JsonLines)),
            ("application/json; q=0.2, text/csv; q=0.8", Some(Csv)),
            ("application/json;q=0.8,text/csv;q=0.9,*/*;q=0.1", Some(Csv)),
            ("text/csv, */*", Some(Csv)),
            ("text/csv;q=0.9, */*", Some(Json)),
            ("text/*", Some(Csv)),
            ("TEXT/CSV;charset=utf-8;Q=1", Some(Csv)),
            ("application/*;q=0.5, text/csv;q=0.4", Some(Json)),
            ("application/json;q=0, */*", Some(Csv)),
            ("text/csv;q=0", None),
            ("text/csv;q=2", None),
            ("*/*", Some(Json)),
            ("image/png", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(accepted(&headers), format, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()), None);
    }
}
