//! Ids as people type them: as few of their first characters as tell them apart.

use super::Failure;
use crate::api::{Interaction, ListInteractions, ListTrustRules, TrustRule, WaitInteraction, WithRaw};
use crate::client::{Client, Error};
use crate::domain::enums::RuleStatus;
use crate::domain::id::RequestId;
use crate::domain::interaction::Status;

/// How many of the newest interactions or rules are looked through for a beginning.
const LOOKED_THROUGH: usize = 5_000;

/// The shortest beginning that is shown of an id.
const SHORTEST: usize = 8;

/// How many candidates an error names.
const NAMED: usize = 8;

/// Where an interaction is looked for by the beginning of its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// What can still be resolved.
    Pending,
    /// That first, and then all.
    All,
}

/// The interaction that `given` is, or is the only one to begin with.
///
/// A whole id wins only where no other begins with it: an agent may choose an id that is the beginning of another's, and
/// would be taken for it. `is_whole` says that none is meant.
pub(super) fn interaction(
    client: &Client,
    given: &str,
    is_whole: bool,
    among: Among,
) -> Result<WithRaw<Interaction>, Failure> {
    let id = given.parse::<RequestId>().map_err(|problem| Failure::Usage(format!("{given:?} is no id: {problem}")))?;
    let exact = match client.get_interaction(&id, &WaitInteraction::default()) {
        Ok(found) => Some(found),
        Err(error) if error.is_refusal("unknown_request") => None,
        Err(error) => return Err(error.into()),
    };
    if is_whole || uuid::Uuid::parse_str(given).is_ok() {
        return exact.ok_or_else(|| unknown(given, "interaction", "countersign list"));
    }
    let begins = |found: &WithRaw<Interaction>| {
        let candidate = &found.value.request_id;
        candidate.as_str().starts_with(given) && *candidate != id
    };
    let search = |status: Option<Status>| -> Result<Vec<_>, Error> {
        let filter = ListInteractions { status: status.map(|status| status.as_str().to_owned()), ..Default::default() };
        Ok(client.interactions(&filter, LOOKED_THROUGH)?.into_iter().filter(begins).collect())
    };
    let mut found = search(Some(Status::Pending))?;
    if found.is_empty() && exact.is_none() && among == Among::All {
        found = search(None)?;
    }
    found.extend(exact);
    let what = if among == Among::Pending { "pending interaction" } else { "interaction" };
    only(found, given, what, "countersign list", |item| item.value.request_id.as_str())
}

/// The trust rule that `given` is, or is the only one to begin with.
pub(super) fn rule(client: &Client, given: &str) -> Result<WithRaw<TrustRule>, Failure> {
    let is_meant = |item: &WithRaw<TrustRule>| {
        item.value.rule_id.as_str().starts_with(given)
            || item.value.name.as_ref().is_some_and(|name| name.as_str() == given)
    };
    for status in [Some(RuleStatus::Active), None] {
        let filter = ListTrustRules { status, ..ListTrustRules::default() };
        let found: Vec<_> = client.trust_rules(&filter, LOOKED_THROUGH)?.into_iter().filter(is_meant).collect();
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
            let more = ids.len().saturating_sub(NAMED);
            let named = ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
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
