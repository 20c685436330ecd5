//! The rules of a running server: listed, shown, taken back.

use std::io::{self, Write};

use clap::Args;

use crate::api::{ListTrustRules, TrustRule, WithRaw};
use crate::cli::common::Common;
use crate::cli::list::{dash, print_json};
use crate::cli::safe_text::{self, SafeText};
use crate::cli::style::{TerminalStyle, TextStyle};
use crate::cli::table::Table;
use crate::cli::time::Now;
use crate::cli::{Failure, completions, ids};
use crate::domain::enums::{RuleDecision, RuleStatus};
use crate::domain::id::ToolName;
use crate::present::{COVERS_LESS, escape_json, rule_parts};

/// How many rules are listed at most.
const MOST: usize = 5_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct ListRules {
    /// Only those of this status: active, revoked, expired or exhausted
    #[arg(long, default_value_t = RuleStatus::Active, conflicts_with = "all")]
    status: RuleStatus,

    /// Those that have ended, too
    #[arg(long)]
    all: bool,

    /// Only about this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<ToolName>,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowRule {
    /// Its name, its id, or the beginning of its id
    #[arg(add = completions::rules())]
    id: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeRule {
    /// Their names, their ids, or the beginnings of their ids
    #[arg(required = true, value_name = "ID", add = completions::rules())]
    ids: Vec<String>,

    #[command(flatten)]
    common: Common,
}

impl ListRules {
    pub(super) fn run(self) -> Result<(), Failure> {
        let status = (!self.all).then_some(self.status);
        let filter = ListTrustRules { status, tool_name: self.tool, ..ListTrustRules::default() };
        let found = self.common.person()?.trust_rules(&filter, MOST)?;
        let mut out = io::stdout().lock();
        if self.common.json {
            return Ok(print_json(&mut out, &found)?);
        }
        if found.is_empty() {
            writeln!(io::stderr(), "There is no such rule.")?;
            return Ok(());
        }
        let (look, now) = (TerminalStyle::of_stdout(), Now::read());
        let ids: Vec<&str> = found.iter().map(|item| item.value.rule_id.as_str()).collect();
        let ids = if look.width.is_some() { ids::short(&ids) } else { ids };
        let mut table = Table::new(["ID", "STATUS", "DOES", "USED", "LAST", "TOOL", "PATTERN"]);
        for (id, WithRaw { value: rule, .. }) in ids.into_iter().zip(&found) {
            table.row([
                SafeText::own(id, TextStyle::Bold),
                SafeText::own(rule.status, TextStyle::Plain),
                decision(rule.decision),
                SafeText::own(uses(rule), TextStyle::Plain),
                rule.last_used_at
                    .map_or(dash(), |at| SafeText::own(format!("{} ago", now.since(at)), TextStyle::Plain)),
                SafeText::line(rule.tool_name.as_str()),
                SafeText::line(rule.pattern.as_str())
                    .and(SafeText::own(" in ", TextStyle::Dim))
                    .and(SafeText::line(rule.scope.as_str()))
                    .and(parts(rule)),
            ]);
        }
        table.print(&mut out, look)?;
        let less = found.iter().filter(|item| item.value.covers_less).count();
        if less > 0 {
            writeln!(io::stderr(), "{less} of them: {COVERS_LESS}; `countersign rules show` says which")?;
        }
        Ok(())
    }
}

impl ShowRule {
    pub(super) fn run(self) -> Result<(), Failure> {
        let found = ids::rule(&self.common.person()?, &self.id)?;
        let mut out = io::stdout().lock();
        if self.common.json {
            return Ok(writeln!(out, "{}", escape_json(&found.json()))?);
        }
        let rule = &found.value;
        let look = TerminalStyle::of_stdout();
        let own = |text: String| SafeText::own(text, TextStyle::Plain);
        let name = rule
            .name
            .as_ref()
            .map(|name| own(format!("{} revision {}", safe_text::line(name.as_str()), rule.revision)));
        let made_from = rule.created_from.as_ref().map_or_else(String::new, |id| format!(" from {id}"));
        let revoked = rule.revoked_at.zip(rule.revoked_by.as_ref());
        let said = rule_parts(&rule.members, rule.agent.as_ref(), rule.execution_target);
        let fields = [
            ("name", name),
            ("status", Some(SafeText::own(rule.status, TextStyle::Bold))),
            ("does", Some(decision(rule.decision))),
            ("tool", Some(SafeText::line(rule.tool_name.as_str()))),
            ("pattern", Some(SafeText::line(rule.pattern.as_str()))),
            ("scope", Some(SafeText::line(rule.scope.as_str()))),
            ("reason", rule.reason.as_ref().map(|reason| SafeText::line(reason.as_str()))),
            ("mind", rule.covers_less.then(|| SafeText::own(COVERS_LESS, TextStyle::Yellow))),
            ("high risk", rule.allow_high_risk.then(|| SafeText::own("too", TextStyle::Red))),
            ("used", Some(own(uses(rule)))),
            ("last", rule.last_used_at.map(|at| own(at.to_string()))),
            ("made", Some(own(format!("{} by {}{made_from}", rule.created_at, rule.created_by)))),
            ("expires", rule.expires_at.map(|at| own(at.to_string()))),
            ("revoked", revoked.map(|(at, by)| own(format!("{at} by {by}")))),
        ];
        writeln!(out, "{}", TextStyle::Bold.paint(&format!("rule {}", rule.rule_id), look))?;
        for (name, value) in fields {
            if let Some(value) = value {
                writeln!(out, "  {} {}", TextStyle::Dim.paint(&format!("{name:11}"), look), value.paint(look))?;
            }
        }
        for (name, value) in said {
            let name = TextStyle::Dim.paint(&format!("{:11}", safe_text::line(&name)), look);
            writeln!(out, "  {name} {}", SafeText::line(&value).paint(look))?;
        }
        Ok(())
    }
}

impl RevokeRule {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        // All are found before the first is taken back.
        let found = self.ids.iter().map(|id| ids::rule(&client, id)).collect::<Result<Vec<_>, _>>()?;
        for item in found {
            let revoked = client.revoke_trust_rule(&item.value.rule_id)?;
            if self.common.json {
                writeln!(io::stdout(), "{}", escape_json(&revoked.json()))?;
            } else {
                let TrustRule { rule_id, status, tool_name, pattern, .. } = &revoked.value;
                let (tool, pattern) = (safe_text::line(tool_name.as_str()), safe_text::line(pattern.as_str()));
                writeln!(io::stdout(), "{status} {rule_id}: {tool} {pattern}")?;
            }
        }
        Ok(())
    }
}

fn decision(decision: RuleDecision) -> SafeText {
    let tint = match decision {
        RuleDecision::Allow => TextStyle::Green,
        RuleDecision::Deny => TextStyle::Red,
        RuleDecision::Ask => TextStyle::Yellow,
    };
    SafeText::own(decision, tint)
}

/// What it says beside its pattern and its scope.
fn parts(rule: &TrustRule) -> SafeText {
    let parts = rule_parts(&rule.members, rule.agent.as_ref(), rule.execution_target);
    parts.into_iter().fold(SafeText::default(), |said, (name, value)| {
        said.and(SafeText::own(", ", TextStyle::Dim))
            .and(SafeText::line(&name))
            .and(SafeText::line(&format!(" {value}")))
    })
}

fn uses(rule: &TrustRule) -> String {
    rule.max_uses.map_or_else(|| rule.use_count.to_string(), |most| format!("{} of {most}", rule.use_count))
}
