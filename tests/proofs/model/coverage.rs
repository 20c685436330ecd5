//! Which answers were met: so that a generator that has gone blind is not taken for thorough.

use std::collections::{BTreeMap, BTreeSet};

use super::oracle::Expected;
use super::request::Verb;

/// What every verb may answer.
const COMMON: [&str; 2] = ["malformed_request", "unauthenticated"];

/// What else the contract has a verb answer: its code; where there is none, its status and that of what it shows.
const KINDS: &[(Verb, &str)] = &[
    (
        Verb::Register,
        "201 pending, 201 approved, 201 rejected, 200 pending, 200 approved, 200 rejected, 200 answered, \
         200 expired, 200 cancelled, 200 superseded, forbidden, request_id_conflict, too_many_pending",
    ),
    (
        Verb::Look,
        "200 pending, 200 approved, 200 rejected, 200 answered, 200 expired, 200 cancelled, 200 superseded, \
         unknown_request",
    ),
    (Verb::List, "200"),
    (Verb::Cancel, "200 cancelled, forbidden, unknown_request, already_resolved"),
    (
        Verb::Claim,
        "200, forbidden, not_yours, unknown_request, not_approved, digest_mismatch, already_claimed, \
         approval_expired, approval_withdrawn",
    ),
    (
        Verb::Report,
        "200 approved, forbidden, not_yours, unknown_request, not_claimed, claim_mismatch, outcome_conflict",
    ),
    (Verb::Take, "200, forbidden, not_yours, unknown_request, wrong_kind, not_answered, already_taken, wiped"),
    (Verb::Supersede, "200, forbidden"),
    (
        Verb::Confirm,
        "200, forbidden, self_approval, edits_not_allowed, persistent_decisions_not_allowed, \
         pattern_not_offered, scope_not_offered, unknown_request, wrong_kind, already_resolved, expired",
    ),
    (
        Verb::Secret,
        "200, forbidden, self_approval, one_time_send_not_allowed, unknown_request, wrong_kind, \
         already_resolved, expired",
    ),
    (
        Verb::Question,
        "200, forbidden, self_approval, invalid_response, unknown_request, wrong_kind, already_resolved, \
         expired",
    ),
    (
        Verb::MakeRule,
        "201, 200, forbidden, self_approval, persistent_decisions_not_allowed, pattern_not_offered, \
         scope_not_offered, unknown_request, wrong_kind, already_resolved, expired",
    ),
    (Verb::ListRules, "200, forbidden"),
    (Verb::LookRule, "200 active, 200 revoked, 200 expired, 200 exhausted, forbidden, unknown_rule"),
    (Verb::Revoke, "200 revoked, 200 expired, 200 exhausted, forbidden, unknown_rule"),
    (Verb::Pending, "200, forbidden"),
    (Verb::Audit, "200"),
    (Verb::Withdraw, "200 approved, forbidden, unknown_request, not_approved, already_claimed"),
    (Verb::Wipe, "200 answered, forbidden, unknown_request, wrong_kind, not_answered, already_taken"),
];

/// How often each kind of answer was met.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeMap<(Verb, String), usize>);

impl Coverage {
    /// Counts an answer; says of which kind it is.
    pub(super) fn met(&mut self, verb: Verb, expected: &Expected) -> String {
        let kind = match expected {
            Err(refusal) => refusal.code.to_owned(),
            Ok((status, body)) => {
                let standing = body["status"].as_str().map(|standing| format!(" {standing}"));
                format!("{status}{}", standing.unwrap_or_default())
            }
        };
        *self.0.entry((verb, kind.clone())).or_insert(0) += 1;
        kind
    }

    /// How many verbs were asked.
    pub(super) fn verbs(&self) -> usize {
        self.0.keys().map(|(verb, _)| verb).collect::<BTreeSet<_>>().len()
    }

    /// How many kinds of answers were met.
    pub(super) fn kinds(&self) -> usize {
        self.0.len()
    }

    /// How many kinds of answers there are.
    pub(super) fn all_kinds() -> usize {
        known().count()
    }

    /// What was never met.
    pub(super) fn missing(&self) -> Vec<(Verb, &'static str)> {
        known().filter(|(verb, kind)| !self.0.contains_key(&(*verb, (*kind).to_owned()))).collect()
    }

    /// What was met and is not in the table.
    pub(super) fn unknown(&self) -> Vec<&(Verb, String)> {
        self.0.keys().filter(|(verb, kind)| !known().any(|other| other == (*verb, kind.as_str()))).collect()
    }
}

fn known() -> impl Iterator<Item = (Verb, &'static str)> {
    KINDS.iter().flat_map(|(verb, kinds)| kinds.split(", ").chain(COMMON).map(|kind| (*verb, kind)))
}
