//! What a rule would have decided, before there is one.

use std::io::{self, Write};

use clap::Args;

use super::terms::RuleFlags;
use crate::api::{Interaction, NearMiss, PreviewCounts, TrustRulePreview, WithRaw};
use crate::cli::Failure;
use crate::cli::card::outcome_tint;
use crate::cli::common::Common;
use crate::cli::list::{dash, shown_ids, what};
use crate::cli::safe_text::{self, SafeText};
use crate::cli::style::{TerminalStyle, TextStyle};
use crate::cli::table::Table;
use crate::present::{escape_json, resolver};

#[derive(Debug, Args)]
pub(in crate::cli) struct PreviewRule {
    #[command(flatten)]
    rule: RuleFlags,

    #[command(flatten)]
    common: Common,
}

impl PreviewRule {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.person()?;
        let preview = client.preview_trust_rule(&self.rule.body(&client)?)?;
        if self.common.json {
            return Ok(writeln!(io::stdout(), "{}", escape_json(&preview.json()))?);
        }
        Ok(print(&preview.value)?)
    }
}

fn print(preview: &TrustRulePreview) -> io::Result<()> {
    let PreviewCounts { contradicted, approved, rejected, by_rules, unanswered, pending } = preview.counts;
    let decided = approved + rejected + by_rules + unanswered;
    let mut out = io::stdout().lock();
    writeln!(out, "Of the latest {} confirmations it would have decided {decided}:", preview.examined)?;
    writeln!(out, "  {approved} that people approved and {rejected} that they rejected,")?;
    writeln!(out, "  {by_rules} that rules decided and {unanswered} that stayed unanswered;")?;
    writeln!(out, "  {contradicted} of them a person decided the other way round.")?;
    writeln!(out, "It would decide {pending} of those that are pending.")?;
    if let Some(covers) = &preview.covers {
        let because = covers.because.as_deref().map_or_else(|| "yes".to_owned(), |because| format!("no: {because}"));
        writeln!(out, "Does it cover {}? {}.", covers.request_id, safe_text::line(&because))?;
    }
    for NearMiss { request_id, because, .. } in &preview.near_misses {
        writeln!(out, "It would not decide {request_id}: {}.", safe_text::line(because))?;
    }
    if preview.truncated {
        writeln!(out, "Only some of them are listed.")?;
    }
    for found in [&preview.decided, &preview.pending] {
        if !found.is_empty() {
            writeln!(out)?;
            table(found).print(&mut out, TerminalStyle::of_stdout())?;
        }
    }
    Ok(())
}

fn table(found: &[WithRaw<Interaction>]) -> Table<4> {
    let mut table = Table::new(["ID", "STATUS", "BY", "WHAT"]);
    for (id, WithRaw { value: interaction, .. }) in shown_ids(found, TerminalStyle::of_stdout()).into_iter().zip(found)
    {
        let by = interaction.resolution.as_ref().map(|resolution| resolver(resolution.resolved_by()));
        table.row([
            SafeText::own(id, TextStyle::Bold),
            SafeText::own(interaction.status.as_str(), interaction.outcome().map_or(TextStyle::Bold, outcome_tint)),
            by.map_or(dash(), |by| SafeText::own(by, TextStyle::Plain)),
            what(interaction),
        ]);
    }
    table
}
