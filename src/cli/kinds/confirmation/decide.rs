//! `countersign approve` and `countersign reject`.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use crate::api::{Accepted, ConfirmBody, Interaction};
use crate::cli::common::warn;
use crate::cli::ids::Targets;
use crate::cli::kinds::command;
use crate::cli::list::what;
use crate::cli::style::TerminalStyle;
use crate::cli::time::Now;
use crate::cli::{Failure, card, safe_text, terminal};
use crate::domain::acknowledgement::{Acknowledgement, required};
use crate::domain::enums::Decision;
use crate::domain::json::JsonObject;
use crate::domain::kinds::Confirmation;
use crate::domain::matcher::Subject;
use crate::domain::members::{Members, Pointer};
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::text::PlainText;
use crate::present::acknowledged_fact;

/// Approve what an agent wants to do.
#[derive(Debug, Args)]
pub(in crate::cli) struct Approve {
    #[command(flatten)]
    these: Targets,

    /// A comment for the agent and the history
    #[arg(long, short = 'm', value_name = "TEXT", alias = "message")]
    comment: Option<PlainText>,

    /// Also make a trust rule with this pattern, one of those that `show` lists
    #[arg(long, value_name = "PATTERN")]
    always: Option<String>,

    /// The scope of that rule, one of those that `show` lists [default: the only one that is offered]
    #[arg(long, requires = "always")]
    scope: Option<String>,

    /// Let a member of the input, by its name or its JSON pointer, say anything in that rule; more than once
    #[arg(long, value_name = "MEMBER", requires = "always")]
    free: Vec<String>,

    /// Let that rule be about any agent's requests
    #[arg(long, requires = "always")]
    any_agent: bool,

    /// Approve this input in the place of the agent's: a JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    input: Option<JsonObject>,

    /// Confirm that you have read the request although it is high risk, long, or has hidden characters
    #[arg(long, alias = "high-risk")]
    acknowledge: bool,
}

/// Reject what an agent wants to do.
#[derive(Debug, Args)]
pub(in crate::cli) struct Reject {
    #[command(flatten)]
    these: Targets,

    /// The reason, for the agent and the history
    #[arg(long, short = 'm', value_name = "TEXT", alias = "message")]
    comment: Option<PlainText>,
}

fn json_object(text: &str) -> Result<JsonObject, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl Approve {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        self.these.each("approved", |interaction| {
            let asked = confirmation(interaction)?;
            let selected_pattern = self.always.as_deref().map(|pattern| offered_pattern(asked, pattern)).transpose()?;
            let selected_scope = selected_pattern
                .as_ref()
                .map(|_| offered_scope(interaction, asked, self.scope.as_deref()))
                .transpose()?;
            Ok(ConfirmBody {
                comment: self.comment.clone(),
                updated_input: self.input.clone(),
                selected_members: selected_pattern.as_ref().and_then(|pattern| self.members(asked, pattern)),
                selected_agent: self.any_agent.then_some(None),
                selected_pattern,
                selected_scope,
                acknowledged: Some(self.acknowledged(interaction, asked)?).filter(|words| !words.is_empty()),
                ..ConfirmBody::new(interaction.request_id.clone(), Decision::Allow)
            })
        })
    }

    /// What the rule says of the members: nothing, so that all is as it is, or that with some of them set free.
    fn members(&self, asked: &Confirmation, pattern: &Pattern) -> Option<Members> {
        if self.free.is_empty() {
            return None;
        }
        let own = || Subject::of(asked).own_members();
        let mut offers = asked.allowlist_options.iter().rev();
        let offered = offers.find(|option| option.pattern == *pattern).and_then(|option| option.members.clone());
        let mut members = offered.or_else(own).unwrap_or_default();
        for member in &self.free {
            let pointer = member.parse().unwrap_or_else(|_| Pointer::root().child(member));
            members.insert(pointer, Members::ANY.to_owned());
        }
        Some(members)
    }

    /// Shows all that is approved, and what of it was acknowledged: by the flag, or by a word typed after reading it.
    fn acknowledged(&self, interaction: &Interaction, asked: &Confirmation) -> Result<Vec<Acknowledgement>, Failure> {
        let required = required(asked, self.input.as_ref());
        let id = &interaction.request_id;
        let facts = required.iter().map(|word| acknowledged_fact(*word)).collect::<Vec<_>>().join(", and ");
        let is_asked = !required.is_empty() && !self.acknowledge;
        if is_asked && !io::stdin().is_terminal() {
            let message = format!("{facts}: read `countersign show {id}`, then approve it with --acknowledge");
            return Err(Failure::Usage(message));
        }
        self.show(interaction)?;
        let prompt = format!("Approve {id}, although {facts}? [y/N] ");
        let is_yes = |said: &str| ["y", "yes"].contains(&said.to_ascii_lowercase().as_str());
        if is_asked && !terminal::line(&prompt)?.as_deref().is_some_and(is_yes) {
            return Err(Failure::Other(format!("{id} is not approved: that takes a y")));
        }
        Ok(required)
    }

    /// The card, on stderr: stdout is for what was done.
    fn show(&self, interaction: &Interaction) -> io::Result<()> {
        let (look, mut err) = (TerminalStyle::of_stderr(), io::stderr().lock());
        let mut lines = card::whole(interaction, look.width, Now::read());
        lines.extend(self.input.iter().flat_map(|input| card::edited(input, look.width)));
        lines.iter().try_for_each(|line| writeln!(err, "{}", line.paint(look).trim_end()))
    }
}

impl Reject {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        self.these.each("rejected", |interaction| {
            confirmation(interaction)?;
            let body = ConfirmBody::new(interaction.request_id.clone(), Decision::Deny);
            Ok(ConfirmBody { comment: self.comment.clone(), ..body })
        })
    }
}

impl Targets {
    /// Decides each.
    fn each(&self, done: &str, decide: impl Fn(&Interaction) -> Result<ConfirmBody, Failure>) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let found = self.find(&client)?;
        let mut failures = Vec::new();
        for item in &found {
            let sent = decide(&item.value).and_then(|body| Ok(client.confirm(&body)?));
            match sent {
                Ok(Accepted { warnings, .. }) => {
                    warn(warnings)?;
                    // With what it is about, so that a person who meant another one sees it.
                    let about = what(&item.value).paint(TerminalStyle::of_stdout());
                    let id = &item.value.request_id;
                    self.common.tell(&client, id, format_args!("{done} {id}: {about}"))?;
                }
                Err(failure) if found.len() == 1 => return Err(failure),
                Err(failure) => {
                    writeln!(io::stderr(), "countersign: {}: {failure}", item.value.request_id)?;
                    failures.push(failure);
                }
            }
        }
        let (failed, all) = (failures.len(), found.len());
        if failed == 0 { Ok(()) } else { Err(Failure::Other(format!("{failed} of {all} were not {done}"))) }
    }
}

fn confirmation(interaction: &Interaction) -> Result<&Confirmation, Failure> {
    interaction.confirmation.as_deref().ok_or_else(|| {
        let (id, kind) = (&interaction.request_id, interaction.kind);
        Failure::Other(format!("{id} is a {kind}: use `countersign {} {id}`", command(kind)))
    })
}

fn offered_pattern(asked: &Confirmation, pattern: &str) -> Result<Pattern, Failure> {
    let mut offers = asked.allowlist_options.iter().map(|option| &option.pattern);
    let found = offers.find(|offer| offer.as_str() == pattern).cloned();
    let offers = asked.allowlist_options.iter().map(|option| option.pattern.as_str());
    found.ok_or_else(|| not_offered("--always", offers))
}

fn offered_scope(interaction: &Interaction, asked: &Confirmation, scope: Option<&str>) -> Result<Scope, Failure> {
    let own = interaction.conversation_id.as_ref().map(Scope::of_conversation);
    if let Some(own) = own.filter(|own| scope == Some(own.as_str())) {
        return Ok(own);
    }
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
