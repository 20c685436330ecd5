//! Pages of lists: `limit` and an opaque `cursor` in, `nextCursor` out.

use crate::clock::Timestamp;
use crate::http::error::Problem;
use crate::store::{Cursor, List, Page};

/// How many items a page has when nothing is said.
const DEFAULT_LIMIT: u32 = 50;

/// How many items a page may have.
const MAX_LIMIT: u32 = 500;

/// Reads what a query says of the page of a list.
pub(crate) fn page(list: List, limit: Option<u32>, cursor: Option<&str>) -> Result<Page, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::malformed_field("limit", format!("a page has 1 to {MAX_LIMIT} items")));
    }
    let before = cursor.map(|text| Cursor::read(text, list)).transpose();
    Ok(Page { before: before.map_err(|error| Problem::malformed_field("cursor", error))?, limit })
}

/// What the next page of a list is asked for by.
pub(crate) fn next_cursor(list: List, next: Option<Cursor>) -> Option<String> {
    next.map(|cursor| cursor.text(list))
}

/// Refuses a stretch of time that ends before it begins.
pub(crate) fn check_times(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), Problem> {
    if since.zip(until).is_some_and(|(since, until)| until < since) {
        return Err(Problem::malformed_field("until", "until is not before since"));
    }
    Ok(())
}
