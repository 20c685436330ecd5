//! `countersign why`: why a person is asked.

use std::io::{self, Write};

use clap::Args;

use super::common::Common;
use super::safe_text::SafeText;
use super::style::{TerminalStyle, TextStyle};
use super::{Failure, completions, ids};
use crate::api::{NearRule, Why};
use crate::present::escape_json;

/// Say why a person is asked.
#[derive(Debug, Args)]
pub(super) struct WhyAsked {
    /// The pending confirmation: its id, or the beginning of it
    #[arg(add = completions::pending_ids())]
    id: String,

    /// Take ID as the complete id, not as the beginning of one
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    common: Common,
}

impl WhyAsked {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.person()?;
        let interaction = ids::interaction(&client, &self.id, self.exact, ids::Among::All)?;
        let why = client.why_asked(&interaction.value.request_id)?;
        if self.common.json {
            return Ok(writeln!(io::stdout(), "{}", escape_json(&why.json()))?);
        }
        Ok(print(&why.value)?)
    }
}

fn print(why: &Why) -> io::Result<()> {
    let (mut out, look) = (io::stdout().lock(), TerminalStyle::of_stdout());
    writeln!(out, "A person is asked: {}.", SafeText::line(&why.because).paint(look))?;
    for NearRule { rule_id, decision, because, .. } in &why.nearest {
        let rule = SafeText::own(format!("The rule {rule_id} ({decision}): "), TextStyle::Plain);
        writeln!(out, "{}.", rule.and(SafeText::line(because)).paint(look))?;
    }
    Ok(())
}
