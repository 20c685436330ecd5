//! `countersign completions`: for bash, zsh, fish and others.
//!
//! The script that is printed asks this program at each Tab, so that ids, agents, tools, rules and views are offered as they are.
//! A server that does not answer at once is not waited for, and nothing is ever said to a terminal in the middle of a line.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use super::common::Common;
use super::{Cli, Failure};
use crate::api::{Interaction, ListInteractions, ListTrustRules};
use crate::client::Client;
use crate::domain::query::FIELDS;
use crate::present::one_line;

/// The variable by which a script asks; none that another program's script sets.
const VARIABLE: &str = "COUNTERSIGN_COMPLETE";

/// How long a server has: longer, and a person wonders what became of the key.
const PATIENCE: Duration = Duration::from_millis(400);

/// How many interactions are looked through.
const MOST: usize = 100;

/// Prints shell completions.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// What a completion is told that is not on the line: the server and the token.
#[derive(Debug, Parser)]
struct Bare {
    #[command(flatten)]
    common: Common,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        let (name, shells) = ("countersign", Shells::builtins());
        if let Some(shell) = shells.completer(&self.shell.to_string()) {
            shell.write_registration(VARIABLE, name, name, name, &mut script)?;
        }
        Ok(io::Write::write_all(&mut io::stdout(), &script)?)
    }
}

/// Completes a line where a shell asks for that; whether it did.
#[must_use]
pub fn completed() -> bool {
    let completer = CompleteEnv::with_factory(Cli::command).var(VARIABLE);
    // What goes wrong is not told: it would be written into the line that is typed.
    // A script asks with `--` first: whatever else is run where the variable is left behind does what it says.
    let is_asked = std::env::args_os().nth(1).is_none_or(|first| first == "--");
    is_asked
        && std::env::var_os(VARIABLE).is_some()
        && completer.try_complete(std::env::args_os(), None).unwrap_or(true)
}

/// The ids of what waits.
pub(super) fn pending_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, |client| ids(client, &["pending"])))
}

/// The ids of what waits and of what has ended of late.
pub(super) fn any_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, |client| ids(client, &[])))
}

/// The agents that asked of late.
pub(super) fn agents() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, |client| words(client, agent_of)))
}

/// The tools that were asked about of late.
pub(super) fn tools() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, |client| words(client, tool_of)))
}

/// The rules in force, by their names or ids.
pub(super) fn rules() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        candidates(typed, |client| {
            let found = client.trust_rules(&ListTrustRules::default(), MOST).ok()?;
            let rules = found.into_iter().map(|item| item.value);
            Some(
                rules
                    .map(|rule| (rule.name.map_or_else(|| rule.rule_id.to_string(), |name| name.to_string()), None))
                    .collect(),
            )
        })
    })
}

/// The views of this person.
pub(super) fn views() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        candidates(typed, |client| {
            let views = client.list_views().ok()?.views.into_iter();
            Some(views.map(|view| (view.name.to_string(), Some(view.query.to_string()))).collect())
        })
    })
}

/// The fields of a query, and behind `agent:` and `tool:` what there is.
pub(super) fn query() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let (before, last) = typed.rsplit_once(' ').map_or(("", typed), |(before, last)| (before, last));
        let blank = if before.is_empty() { "" } else { " " };
        let values = match last.split_once(':') {
            Some(("agent", _)) => with_client(|client| words(client, agent_of)).unwrap_or_default(),
            Some(("tool", _)) => with_client(|client| words(client, tool_of)).unwrap_or_default(),
            Some(_) => Vec::new(),
            None => FIELDS.iter().map(|(field, about)| (format!("{field}:"), Some((*about).to_owned()))).collect(),
        };
        let field = last.split_once(':').map_or_else(String::new, |(field, _)| format!("{field}:"));
        let whole = values.into_iter().map(|(value, about)| (format!("{before}{blank}{field}{value}"), about));
        matching(OsStr::new(typed), whole.collect())
    })
}

type Offers = Vec<(String, Option<String>)>;

fn candidates(typed: &OsStr, offers: impl FnOnce(&Client) -> Option<Offers>) -> Vec<CompletionCandidate> {
    matching(typed, with_client(offers).unwrap_or_default())
}

fn with_client(offers: impl FnOnce(&Client) -> Option<Offers>) -> Option<Offers> {
    let Bare { common } = Bare::try_parse_from(["countersign"]).ok()?;
    offers(&common.person_for(PATIENCE).ok()?)
}

/// Those that go on from what is typed. What an agent has written is shown, never obeyed.
fn matching(typed: &OsStr, offers: Offers) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let matching =
        offers.into_iter().filter(|(value, _)| value.starts_with(&*typed) && !value.contains(char::is_control));
    let candidate = |(value, about): (String, Option<String>)| {
        CompletionCandidate::new(value).help(about.map(|about| one_line(&about).into()))
    };
    matching.map(candidate).collect()
}

fn ids(client: &Client, statuses: &[&str]) -> Option<Offers> {
    let status = statuses.iter().map(|status| (*status).to_owned()).collect();
    let found = client.interactions(&ListInteractions { status, ..ListInteractions::default() }, MOST).ok()?;
    let about = |interaction: &Interaction| {
        let summary = interaction.summary()?;
        Some(format!("{}: {}", summary.title, summary.text).chars().take(80).collect())
    };
    Some(found.iter().map(|item| (item.value.request_id.to_string(), about(&item.value))).collect())
}

/// Each word once.
fn words(client: &Client, word: impl Fn(&Interaction) -> Option<String>) -> Option<Offers> {
    let found = client.interactions(&ListInteractions::default(), MOST).ok()?;
    let words = found.iter().filter_map(|item| word(&item.value)).collect::<BTreeSet<_>>();
    Some(words.into_iter().map(|word| (word, None)).collect())
}

fn agent_of(interaction: &Interaction) -> Option<String> {
    Some(interaction.registered_by.to_string())
}

fn tool_of(interaction: &Interaction) -> Option<String> {
    interaction.confirmation.as_ref().map(|asked| asked.tool_name.to_string())
}
