//! What a rule says, in flags: the same for one that is made and one that is only tried.

use std::collections::BTreeMap;

use clap::Args;

use crate::api::TrustRuleBody;
use crate::cli::{Failure, ids};
use crate::client::Client;
use crate::config::lifetime;
use crate::domain::bounded::{LifetimeMs, Uses};
use crate::domain::enums::{ExecutionTarget, RuleDecision};
use crate::domain::id::{PrincipalName, ToolName};
use crate::domain::members::{Members, Pointer};
use crate::domain::pattern::{Pattern, Reason, Scope};

#[derive(Debug, Args)]
pub(super) struct RuleFlags {
    /// The tool that the rule is about
    #[arg(long, value_name = "NAME", required_unless_present = "request", conflicts_with = "request")]
    tool: Option<ToolName>,

    /// The pending confirmation that it is made from: its id, or the beginning of it. What the rule does not say is as it is
    /// there
    #[arg(long, value_name = "ID")]
    request: Option<String>,

    /// The subjects that it covers
    #[arg(long)]
    pattern: Pattern,

    /// Where it holds: everywhere, a directory, or conversation:ID
    #[arg(long, default_value = "everywhere")]
    scope: Scope,

    /// What it does: allow, deny or ask
    #[arg(long, value_name = "WHAT", default_value_t = RuleDecision::Allow)]
    decision: RuleDecision,

    /// What it says of another member of the input, such as /host=staging-*: a JSON pointer and a text pattern; more than once
    #[arg(long = "member", value_name = "POINTER=PATTERN", value_parser = member)]
    members: Vec<(Pointer, String)>,

    /// Let the other members of the input say anything, but for what --member says
    #[arg(long)]
    any_members: bool,

    /// Only requests of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<PrincipalName>,

    /// Requests of any agent, also where it is made from a request
    #[arg(long, conflicts_with = "agent")]
    any_agent: bool,

    /// Only what runs there: sandbox or host
    #[arg(long, value_name = "WHERE")]
    target: Option<ExecutionTarget>,

    /// What runs anywhere, also where it is made from a request
    #[arg(long, conflicts_with = "target")]
    any_target: bool,

    /// Why; that of a rule that denies reaches the agent
    #[arg(long, value_name = "TEXT")]
    reason: Option<Reason>,

    /// Let it allow high risk, too
    #[arg(long)]
    high_risk: bool,

    /// How long it lasts, such as 90m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    expires_in: Option<LifetimeMs>,

    /// How often it may decide
    #[arg(long, value_name = "N", value_parser = uses)]
    max_uses: Option<Uses>,
}

/// A pointer and a pattern, parted by the first `=` that no name can have before it.
fn member(text: &str) -> Result<(Pointer, String), String> {
    let (pointer, pattern) = text.split_once('=').ok_or("a member is POINTER=PATTERN, such as /host=staging")?;
    Ok((pointer.parse()?, pattern.to_owned()))
}

fn uses(text: &str) -> Result<Uses, String> {
    text.parse().ok().and_then(Uses::new).ok_or_else(|| "a whole number from 1 on".to_owned())
}

impl RuleFlags {
    /// What is sent: the request, where there is one, is looked up by its beginning.
    pub(super) fn body(self, client: &Client) -> Result<TrustRuleBody, Failure> {
        let request_id = match &self.request {
            Some(id) => Some(ids::interaction(client, id, false, ids::Among::Pending)?.value.request_id),
            None => None,
        };
        let any = self.any_members.then(|| (Pointer::root(), Members::ANY.to_owned()));
        let members = any.into_iter().chain(self.members).collect::<BTreeMap<_, _>>();
        let members = if members.is_empty() { None } else { Some(Members::new(members).map_err(Failure::Usage)?) };
        Ok(TrustRuleBody {
            request_id,
            tool_name: self.tool,
            pattern: self.pattern,
            scope: self.scope,
            decision: self.decision,
            members,
            agent: if self.any_agent { Some(None) } else { self.agent.map(Some) },
            execution_target: if self.any_target { Some(None) } else { self.target.map(Some) },
            reason: self.reason,
            allow_high_risk: self.high_risk,
            expires_in_ms: self.expires_in,
            max_uses: self.max_uses,
            apply_to_pending: false,
        })
    }
}
