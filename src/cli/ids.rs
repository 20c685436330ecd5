//! Ids as people type them: as few of their first characters as tell them apart.

use clap::Args;

use super::common::Common;
use super::{Failure, completions, last_list};
use crate::api::{Interaction, ListInteractions, ListTrustRules, TrustRule, WaitInteraction, WithRaw};
use crate::client::{Client, Error};
use crate::domain::enums::{Outcome, RuleStatus};
use crate::domain::id::{IdPrefix, RequestId};
use crate::domain::interaction::Status;

/// The shortest beginning that is shown of an id.
const SHORTEST: usize = 8;

/// How many candidates an error names.
const NAMED: usize = 8;

/// How many candidates are asked for: one more than are named tells that there are more, and one may be what was given.
const MOST_FOUND: usize = NAMED + 2;

/// Where an interaction is looked for by the beginning of its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// What can still be resolved.
    Pending,
    /// That first, and then all.
    All,
    /// What has ended so.
    Ended(Outcome),
}

// Pending interactions that a command is about. A comment of documentation would be shown as that of the command.
#[derive(Debug, Args)]
pub(super) struct Targets {
    /// The interactions: their ids, the beginnings of them, or their rows in the last `list`
    #[arg(required = true, value_name = "ID", add = completions::pending_ids())]
    ids: Vec<String>,

    /// Take the ids as complete, not as beginnings
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

impl Targets {
    /// All of them: they are found before anything is done with the first, so that a beginning that means two changes nothing.
    pub(super) fn find(&self, client: &Client) -> Result<Vec<WithRaw<Interaction>>, Failure> {
        self.ids.iter().map(|id| interaction(client, id, self.exact, Among::Pending)).collect()
    }
}

/// The interaction that `given` is, or is the only one to begin with.
///
/// A whole id wins only where no other begins with it: an agent may choose an id that is the beginning of another's, and
/// would be taken for it. `is_whole` says that none is meant. A small number is a row of the last list instead.
pub(super) fn interaction(
    client: &Client,
    given: &str,
    is_whole: bool,
    among: Among,
) -> Result<WithRaw<Interaction>, Failure> {
    if let Some(row) = last_list::row(given).filter(|_| !is_whole) {
        let id = last_list::id(client, row)?;
        return known(client, &id)?.ok_or_else(|| unknown(id.as_str(), "interaction", "countersign list"));
    }
    let prefix = prefix(given)?;
    // The beginning of an id may be none by itself.
    let exact = given.parse::<RequestId>().ok().map(|id| known(client, &id)).transpose()?.flatten();
    if is_whole || uuid::Uuid::parse_str(given).is_ok() {
        return exact.ok_or_else(|| unknown(given, "interaction", "countersign list"));
    }
    let search = |status: Option<Status>| -> Result<Vec<_>, Error> {
        let status = status.map(|status| status.as_str().to_owned()).into_iter().collect();
        let filter = ListInteractions { status, id_prefix: Some(prefix.clone()), ..ListInteractions::default() };
        let mut found = client.interactions(&filter, MOST_FOUND)?;
        found.retain(|item| item.value.request_id.as_str() != given);
        Ok(found)
    };
    let mut found = match among {
        Among::Pending | Among::All => search(Some(Status::Pending))?,
        Among::Ended(outcome) => search(Some(Status::Resolved(outcome)))?,
    };
    if found.is_empty() && exact.is_none() && among == Among::All {
        found = search(None)?;
    }
    found.extend(exact);
    let what = match among {
        Among::Pending => "pending interaction".to_owned(),
        Among::All => "interaction".to_owned(),
        Among::Ended(outcome) => format!("{outcome} interaction"),
    };
    only(found, given, &what, "countersign list", |item| item.value.request_id.as_str())
}

fn prefix(given: &str) -> Result<IdPrefix, Failure> {
    given.parse().map_err(|problem| Failure::Usage(format!("{given:?} begins no id: {problem}")))
}

/// The interaction with this very id, if there is one.
fn known(client: &Client, id: &RequestId) -> Result<Option<WithRaw<Interaction>>, Error> {
    match client.get_interaction(id, &WaitInteraction::default()) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_refusal("unknown_request") => Ok(None),
        Err(error) => Err(error),
    }
}

/// The trust rule that `given` is, or is the only one to begin with; or that is called so.
pub(super) fn rule(client: &Client, given: &str) -> Result<WithRaw<TrustRule>, Failure> {
    let prefix = prefix(given)?;
    for status in [Some(RuleStatus::Active), None] {
        let begins = ListTrustRules { status, id_prefix: Some(prefix.clone()), ..ListTrustRules::default() };
        let is_called = ListTrustRules { status, name: given.parse().ok(), ..ListTrustRules::default() };
        let mut found = client.trust_rules(&begins, MOST_FOUND)?;
        if is_called.name.is_some() {
            let is_new =
                |item: &WithRaw<TrustRule>| found.iter().all(|other| other.value.rule_id != item.value.rule_id);
            let called = client.trust_rules(&is_called, MOST_FOUND)?.into_iter().filter(is_new).collect::<Vec<_>>();
            found.extend(called);
        }
        if !found.is_empty() {
            return only(found, given, "trust rule", "countersign rules list", |item| item.value.rule_id.as_str());
        }
    }
    Err(unknown(given, "trust rule", "countersign rules list"))
}

fn only<T>(mut found: Vec<T>, given: &str, what: &str, command: &str, id: impl Fn(&T) -> &str) -> Result<T, Failure> {
    match (found.pop(), found.as_slice()) {
        (None, _) => Err(unknown(given, what, command)),
        (Some(one), []) => Ok(one),
        (Some(last), others) => {
            let ids: Vec<&str> = others.iter().chain([&last]).map(&id).collect();
            let named = ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = if ids.len() > NAMED { ", and more" } else { "" };
            let hint = if ids.contains(&given) { ", or say --exact for this very one" } else { "" };
            Err(Failure::Usage(format!("{given} may be {named}{more}: type more of the one you mean{hint}")))
        }
    }
}

fn unknown(given: &str, what: &str, command: &str) -> Failure {
    Failure::Other(format!("no {what} begins with {}; see `{command}`", super::safe_text::line(given)))
}

/// Of each id as little as tells it from the others.
pub(super) fn short<'i>(ids: &[&'i str]) -> Vec<&'i str> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let shared = |one: &str, other: &str| one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let shorten = |id: &'i str| {
        let place = sorted.partition_point(|other| *other < id);
        let before = place.checked_sub(1).and_then(|before| sorted.get(before));
        let after = sorted.get(place + 1);
        let most = before.into_iter().chain(after).map(|other| shared(id, other)).max().unwrap_or(0);
        id.get(..SHORTEST.max(most + 1)).unwrap_or(id)
    };
    ids.iter().map(|id| shorten(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shortened_to_what_tells_it_apart() {
        assert_eq!(
            short(&["01a20349-26c3", "01a20349-26d4", "deploy-42"]),
            ["01a20349-26c", "01a20349-26d", "deploy-4"]
        );
        assert_eq!(short(&["deploy-42", "deploy-4", "x"]), ["deploy-42", "deploy-4", "x"]);
        assert_eq!(short(&[]), Vec::<&str>::new());
    }
}
