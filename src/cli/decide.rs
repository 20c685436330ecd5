//! `countersign approve` and `countersign reject`.

use std::io::{self, Write};

use clap::Args;

use super::common::Common;
use super::list::what;
use super::style::TerminalStyle;
use super::{Failure, ids, safe_text};
use crate::api::{Accepted, ConfirmBody, Interaction, WaitInteraction, WithRaw};
use crate::client::Client;
use crate::domain::enums::{Decision, RiskLevel};
use crate::domain::json::JsonObject;
use crate::domain::kinds::Confirmation;
use crate::domain::pattern::{Pattern, Scope};

/// Approve what an agent wants to do.
#[derive(Debug, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    these: Targets,

    /// What the agent is told with it
    #[arg(long, short = 'm', value_name = "TEXT")]
    comment: Option<String>,

    /// From now on let this pass, as one of the patterns that `show` lists says it
    #[arg(long, value_name = "PATTERN")]
    always: Option<String>,

    /// Where that is to hold, as `show` lists it [default: the only one that is offered]
    #[arg(long, requires = "always")]
    scope: Option<String>,

    /// Approve this input in the place of the agent's: a JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    input: Option<JsonObject>,

    /// Yes, although the risk is high
    #[arg(long)]
    high_risk: bool,
}

/// Reject what an agent wants to do.
#[derive(Debug, Args)]
pub(super) struct Reject {
    #[command(flatten)]
    these: Targets,

    /// Why: the agent reads it
    #[arg(long = "message", short = 'm', value_name = "TEXT", alias = "comment")]
    comment: Option<String>,
}

#[derive(Debug, Args)]
struct Targets {
    /// The interactions: their ids, or the beginnings of them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,

    /// The ids are whole
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    common: Common,
}

fn json_object(text: &str) -> Result<JsonObject, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl Approve {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.these.each("approved", |interaction| {
            let asked = confirmation(interaction)?;
            if asked.risk_level == RiskLevel::High && !self.high_risk {
                return Err(Failure::Other(format!(
                    "the risk of {0} is high: read `countersign show {0}`, then approve it with --high-risk",
                    interaction.request_id
                )));
            }
            Ok(ConfirmBody {
                comment: self.comment.clone(),
                updated_input: self.input.clone(),
                selected_pattern: self.always.as_deref().map(|pattern| offered_pattern(asked, pattern)).transpose()?,
                selected_scope: self
                    .always
                    .as_ref()
                    .map(|_| offered_scope(asked, self.scope.as_deref()))
                    .transpose()?,
                ..ConfirmBody::new(interaction.request_id.clone(), Decision::Allow)
            })
        })
    }
}

impl Reject {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.these.each("rejected", |interaction| {
            confirmation(interaction)?;
            let body = ConfirmBody::new(interaction.request_id.clone(), Decision::Deny);
            Ok(ConfirmBody { comment: self.comment.clone(), ..body })
        })
    }
}

impl Targets {
    /// Decides each. All are found before the first is decided: a beginning that means two changes nothing.
    fn each(&self, done: &str, decide: impl Fn(&Interaction) -> Result<ConfirmBody, Failure>) -> Result<(), Failure> {
        let client = self.common.person()?;
        let find = |id: &String| ids::interaction(&client, id, self.exact, ids::Among::Pending);
        let found = self.ids.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let mut failures = Vec::new();
        for told in &found {
            let sent = decide(&told.value).and_then(|body| Ok(client.confirm(&body)?));
            match sent {
                Ok(Accepted { .. }) => self.tell(&client, done, told)?,
                Err(failure) if found.len() == 1 => return Err(failure),
                Err(failure) => {
                    writeln!(io::stderr(), "countersign: {}: {failure}", told.value.request_id)?;
                    failures.push(failure);
                }
            }
        }
        let (failed, all) = (failures.len(), found.len());
        if failed == 0 { Ok(()) } else { Err(Failure::Other(format!("{failed} of {all} were not {done}"))) }
    }

    /// Says what was decided, so that whoever meant something else sees it.
    fn tell(&self, client: &Client, done: &str, told: &WithRaw<Interaction>) -> Result<(), Failure> {
        let id = &told.value.request_id;
        if self.common.json {
            writeln!(
                io::stdout(),
                "{}",
                safe_text::json(&client.get_interaction(id, &WaitInteraction::default())?.json())
            )?;
        } else {
            writeln!(io::stdout(), "{done} {id}: {}", what(&told.value).paint(TerminalStyle::of_stdout()))?;
        }
        Ok(())
    }
}

fn confirmation(interaction: &Interaction) -> Result<&Confirmation, Failure> {
    interaction.confirmation.as_deref().ok_or_else(|| {
        let (id, kind) = (&interaction.request_id, interaction.kind);
        let command = if interaction.secret.is_some() { "secret" } else { "answer" };
        Failure::Other(format!("{id} is a {kind}: use `countersign {command} {id}`"))
    })
}

fn offered_pattern(asked: &Confirmation, pattern: &str) -> Result<Pattern, Failure> {
    let mut offers = asked.allowlist_options.iter().map(|option| &option.pattern);
    let found = offers.find(|offer| offer.as_str() == pattern).cloned();
    let offers = asked.allowlist_options.iter().map(|option| option.pattern.as_str());
    found.ok_or_else(|| not_offered("--always", offers))
}

fn offered_scope(asked: &Confirmation, scope: Option<&str>) -> Result<Scope, Failure> {
    let mut offers = asked.scope_options.iter().map(|option| &option.scope);
    let found = match (scope, asked.scope_options.as_slice()) {
        (Some(scope), _) => offers.find(|offer| offer.as_str() == scope),
        (None, [only]) => Some(&only.scope),
        (None, _) => None,
    };
    let offers = asked.scope_options.iter().map(|option| option.scope.as_str());
    found.cloned().ok_or_else(|| not_offered("--scope", offers))
}

fn not_offered<'o>(flag: &str, offers: impl Iterator<Item = &'o str>) -> Failure {
    let offers = offers.map(|offer| format!("'{}'", safe_text::line(offer))).collect::<Vec<_>>();
    match offers.as_slice() {
        [] => Failure::Other("no rule may be made from this: approve it without --always".to_owned()),
        offers => Failure::Other(format!("{flag} takes what was offered: {}", offers.join(" or "))),
    }
}
