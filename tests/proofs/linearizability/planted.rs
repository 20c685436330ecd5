//! Lies: histories altered so that no order explains them. A checker that finds nothing wrong with one of these proves nothing.

use super::history::{APPROVERS, History, Step};
use super::spec::{Op, Ret};

/// No approver with one of these numbers decides anything in a true history.
const LIARS: [usize; 2] = [APPROVERS, APPROVERS + 1];

const fn decision(by: usize, allow: bool) -> Op {
    Op::Confirm { by, allow, with_rule: false }
}

/// Every lie that can be made of a true history.
pub(super) fn lies(truth: &History) -> Vec<History> {
    let mut lies = vec![resolved_again(truth), lost(truth), too_late(truth)];
    lies.extend(both_accepted(truth));
    lies.extend(claimed_twice(truth));
    lies
}

/// Two that decided differently are both told that it was done, after all else.
fn resolved_again(truth: &History) -> History {
    let mut lie = truth.clone();
    lie.then(decision(LIARS[0], true), Ret::Done);
    lie.then(decision(LIARS[1], false), Ret::Done);
    lie
}

/// A decision is told as done, and is not to be seen afterwards.
fn lost(truth: &History) -> History {
    let mut lie = truth.clone();
    lie.then(Op::Cancel, Ret::Done);
    lie.then(Op::Look, Ret::Seen { status: "pending".to_owned(), by: None, claim: None });
    lie
}

/// A decision is accepted when the deadline has passed.
fn too_late(truth: &History) -> History {
    let mut lie = truth.clone();
    lie.left_ms = lie.left_ms.or(Some(1000));
    lie.then(Op::Advance { ms: 1000 }, Ret::Passed);
    lie.then(decision(LIARS[0], true), Ret::Done);
    lie
}

/// In the middle of it all: a decision that was refused, because another stood, is told as accepted.
fn both_accepted(truth: &History) -> Option<History> {
    let decides = |op: &Op| if let Op::Confirm { by, allow, .. } = *op { Some((by, allow)) } else { None };
    let accepted = answers(truth).find(|(_, op, ret)| decides(op).is_some() && **ret == Ret::Done)?.1;
    let refused = answers(truth).find(|(_, op, ret)| {
        decides(op).is_some() && decides(op) != decides(&accepted) && matches!(ret, Ret::Refused(..))
    });
    refused.map(|(place, ..)| told_as_done(truth, place))
}

/// In the middle of it all: a second claim is told as won.
fn claimed_twice(truth: &History) -> Option<History> {
    let refused = answers(truth).find(|(_, op, ret)| {
        matches!(op, Op::Claim { .. }) && matches!(ret, Ret::Refused(_, code, _) if code == "already_claimed")
    });
    refused.map(|(place, ..)| told_as_done(truth, place))
}

fn told_as_done(truth: &History, place: usize) -> History {
    let mut lie = truth.clone();
    if let Step::Answered(_, ret) = &mut lie.steps[place] {
        *ret = Ret::Done;
    }
    lie
}

/// Every answer: its place, to what, and what it was.
fn answers(history: &History) -> impl Iterator<Item = (usize, Op, &Ret)> {
    let asked = |thread: usize, before: usize| {
        history.steps[..before].iter().rev().find_map(|step| match step {
            Step::Asked(by, op) if *by == thread => Some(*op),
            Step::Asked(..) | Step::Answered(..) => None,
        })
    };
    history.steps.iter().enumerate().filter_map(move |(place, step)| match step {
        Step::Answered(thread, ret) => asked(*thread, place).map(|op| (place, op, ret)),
        Step::Asked(..) => None,
    })
}
