//! `countersign rules add`.

use std::io::{self, Write};

use clap::Args;

use super::terms::RuleFlags;
use crate::cli::common::{Common, warn};
use crate::cli::{Failure, safe_text};
use crate::present::{escape_json, rule_parts};

#[derive(Debug, Args)]
pub(in crate::cli) struct AddRule {
    #[command(flatten)]
    rule: RuleFlags,

    /// Resolve what is pending and covered, too
    #[arg(long)]
    apply_to_pending: bool,

    #[command(flatten)]
    common: Common,
}

impl AddRule {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let mut body = self.rule.body(&client)?;
        body.apply_to_pending = self.apply_to_pending;
        let made = client.make_trust_rule(&body)?;
        if self.common.json {
            writeln!(io::stdout(), "{}", escape_json(&serde_json::to_string(&made).map_err(io::Error::other)?))?;
        } else {
            let rule = &made.trust_rule;
            let (tool, pattern) = (safe_text::line(rule.tool_name.as_str()), safe_text::line(rule.pattern.as_str()));
            writeln!(io::stdout(), "{} {}: {} {tool} {pattern}", rule.status, rule.rule_id, rule.decision)?;
            for (name, value) in rule_parts(&rule.members, rule.agent.as_ref(), rule.execution_target) {
                writeln!(io::stdout(), "  {} {}", safe_text::line(&name), safe_text::line(&value))?;
            }
            if let Some(resolved) = &made.resolved {
                writeln!(io::stdout(), "{} that were waiting are resolved", resolved.len())?;
            }
        }
        Ok(warn(made.warnings)?)
    }
}
