//! Pages of lists: `limit` and an opaque `cursor` in, `nextCursor` out.

use crate::http::error::Problem;
use crate::store::Page;

/// How many items a page has when nothing is said.
const DEFAULT_LIMIT: u32 = 50;

/// How many items a page may have.
const MAX_LIMIT: u32 = 500;

/// Reads what a query says of the page.
pub(crate) fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::malformed_field("limit", format!("a page has 1 to {MAX_LIMIT} items")));
    }
    let before = cursor.map(|cursor| {
        let row = u64::from_str_radix(cursor, 36).ok().and_then(|row| i64::try_from(row).ok());
        row.ok_or_else(|| Problem::malformed_field("cursor", "a cursor is the nextCursor of an earlier page"))
    });
    Ok(Page { before: before.transpose()?, limit })
}

/// The cursor of the page that begins beyond a row.
pub(crate) fn cursor(row: i64) -> Option<String> {
    u64::try_from(row).ok().map(base36)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        for row in [1, 35, 36, 1_000_000, i64::MAX] {
            let cursor = cursor(row);
            assert_eq!(page(None, cursor.as_deref()).unwrap().before, Some(row));
        }
    }
}
