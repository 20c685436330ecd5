//! Lists as comma-separated values (RFC 4180), for spreadsheets: nothing in a cell is taken for a formula, and nothing in it
//! is unseen.

use std::io::{self, Write};

use super::safe_text;

/// What a spreadsheet takes for the beginning of a formula, and the wide forms that some take for the same.
const BEGIN_A_FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Prints a line of cells.
pub(super) fn row<'c>(out: &mut impl Write, cells: impl IntoIterator<Item = &'c str>) -> io::Result<()> {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// One cell: in one line, with an apostrophe in front of what would be a formula, and in quotes where it needs them.
fn cell(text: &str) -> String {
    let mut shown = safe_text::line(text);
    if shown.trim_start().starts_with(BEGIN_A_FORMULA) {
        shown.insert(0, '\'');
    }
    if shown.contains(['"', ',']) || shown.trim() != shown {
        format!("\"{}\"", shown.replace('"', "\"\""))
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_stays_in_its_place_and_hides_nothing() {
        for (text, expected) in [
            ("ls", "ls"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("  @sum", "'  @sum"),
            ("  sum ", "\"  sum \""),
            ("-rf", "'-rf"),
            ("+1,2", "\"'+1,2\""),
            ("\t=x", "' =x"),
            ("\r\n=x", "⟨U+000D⟩↵=x"),
            ("a\"b", "\"a\"\"b\""),
            ("a\u{202e}b\u{1b}[2J", "a⟨U+202E⟩b⟨U+001B⟩[2J"),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
        assert!(cell("\u{ff1d}1").starts_with('\''));
    }
}
