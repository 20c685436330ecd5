//! A table: columns as wide as they need to be, the last one as wide as there is room.

use std::io::{self, Write};

use super::safe_text::SafeText;
use super::style::{TerminalStyle, TextStyle};

/// What stands between two columns.
const GAP: &str = "  ";

/// The narrowest that a last column is cut to, however narrow the terminal.
const NARROWEST: usize = 16;

/// Rows under headings.
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[SafeText; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(headings: [&str; COLUMNS]) -> Self {
        Self { rows: vec![headings.map(|heading| SafeText::own(heading, TextStyle::Bold))] }
    }

    pub(super) fn row(&mut self, cells: [SafeText; COLUMNS]) {
        self.rows.push(cells);
    }

    /// Prints it; on a terminal no line is longer than a line.
    pub(super) fn print(self, out: &mut impl Write, look: TerminalStyle) -> io::Result<()> {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let before = widths.iter().take(COLUMNS - 1).map(|width| width + GAP.len()).sum::<usize>();
        let room = look.width.map(|width| width.saturating_sub(before).max(NARROWEST));
        for row in self.rows {
            let mut line = String::new();
            for (place, (cell, width)) in row.into_iter().zip(widths).enumerate() {
                if place + 1 < COLUMNS {
                    line += &cell.paint(look);
                    line += &" ".repeat(width - cell.width());
                    line += GAP;
                } else {
                    line += &room.map_or(cell.clone(), |room| cell.cut(room)).paint(look);
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
