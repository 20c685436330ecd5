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
    /// Whether the rows below the headings are numbered, from 1 on.
    is_numbered: bool,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(headings: [&str; COLUMNS]) -> Self {
        Self { rows: vec![headings.map(|heading| SafeText::own(heading, TextStyle::Bold))], is_numbered: false }
    }

    /// The same with numbers in front of the rows.
    pub(super) fn numbered(self) -> Self {
        Self { is_numbered: true, ..self }
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
        let digits = if self.is_numbered { self.rows.len().saturating_sub(1).to_string().len() } else { 0 };
        let before = if self.is_numbered { before + digits + GAP.len() } else { before };
        let room = look.width.map(|width| width.saturating_sub(before).max(NARROWEST));
        for (number, row) in self.rows.into_iter().enumerate() {
            let mut line = String::new();
            if self.is_numbered {
                let number = if number == 0 { "#".to_owned() } else { number.to_string() };
                line += &TextStyle::Dim.paint(&format!("{number:>digits$}"), look);
                line += GAP;
            }
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
