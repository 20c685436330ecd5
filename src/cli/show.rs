//! `countersign show`: one interaction, complete.

use std::io::{self, Write};

use clap::Args;

use super::common::Common;
use super::style::TerminalStyle;
use super::time::Now;
use super::{Failure, card, completions, ids};
use crate::present::escape_json;

/// Show an interaction, complete.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its id, the beginning of it, or its row in the last `list`
    #[arg(add = completions::any_ids())]
    id: String,

    /// Take ID as the complete id, not as the beginning of one
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    common: Common,
}

impl Show {
    pub(super) fn run(self) -> Result<(), Failure> {
        let interaction = ids::interaction(&self.common.person()?, &self.id, self.exact, ids::Among::All)?;
        let mut out = io::stdout().lock();
        if self.common.json {
            return Ok(writeln!(out, "{}", escape_json(&interaction.json()))?);
        }
        let look = TerminalStyle::of_stdout();
        for line in card::whole(&interaction.value, look.width, Now::read()) {
            writeln!(out, "{}", line.paint(look).trim_end())?;
        }
        Ok(())
    }
}
