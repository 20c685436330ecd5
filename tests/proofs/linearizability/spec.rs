//! What one confirmation answers when everything happens one after the other: the documented answers in a page.

use stateright::semantics::SequentialSpec;

/// What is asked of the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// An approver decides, perhaps with a lasting rule.
    Confirm { by: usize, allow: bool, with_rule: bool },
    /// An approver makes a rule from it.
    MakeRule { by: usize, allow: bool },
    /// Its agent withdraws it.
    Cancel,
    /// A principal closes what is pending in its conversation.
    Supersede { by: Closer },
    /// Its agent takes the right to act; 0: with an id that the server chooses.
    Claim { id: usize },
    /// Its agent says what came of it.
    Report { id: usize, succeeded: bool },
    /// Any caller looks at it.
    Look,
    /// An approver lists the rules about its tool.
    ListRules,
    /// Time passes.
    Advance { ms: u64 },
}

/// Who supersedes a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closer {
    /// The agent that asked.
    Owner,
    /// Another agent, which has nothing in this conversation.
    Stranger,
    /// Approver 0.
    Approver,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ret {
    /// 200.
    Done,
    /// 201.
    Created,
    /// A refusal: its status, its code, and the status of the confirmation where it names one.
    Refused(u16, String, Option<String>),
    /// Whether the confirmation was among what was closed.
    Superseded(bool),
    /// The confirmation: its status, who resolved it, the claim and its outcome.
    Seen { status: String, by: Option<String>, claim: Option<(usize, Option<String>)> },
    /// Whether a rule that allows stands, and one that denies.
    Rules { allow: bool, deny: bool },
    /// Time has passed.
    Passed,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    status: &'static str,
    by: String,
    with_rule: bool,
}

/// One confirmation, and the rules that were made from it.
#[derive(Clone, Debug)]
pub(super) struct Confirmation {
    /// How much longer it waits; `None`: longer than any history.
    left_ms: Option<u64>,
    end: Option<End>,
    claim: Option<(usize, Option<String>)>,
    /// A rule that denies, and one that allows.
    rules: [bool; 2],
}

/// The name of an approver.
pub(super) fn approver(number: usize) -> String {
    format!("approver-{number}")
}

/// The agent that asks.
pub(super) const OWNER: &str = "builder";

impl Confirmation {
    /// A new one, pending.
    pub(super) const fn pending(left_ms: Option<u64>) -> Self {
        Self { left_ms, end: None, claim: None, rules: [false; 2] }
    }

    fn status(&self) -> String {
        self.end.as_ref().map_or("pending", |end| end.status).to_owned()
    }

    fn end(&mut self, status: &'static str, by: String, with_rule: bool) {
        self.end = Some(End { status, by, with_rule });
    }

    /// How an approver's endpoint refuses what is over.
    fn retired(&self) -> Ret {
        let code = if self.status() == "expired" { "expired" } else { "already_resolved" };
        Ret::Refused(404, code.to_owned(), Some(self.status()))
    }

    fn conflict(code: &str) -> Ret {
        Ret::Refused(409, code.to_owned(), None)
    }

    fn conflicts(&self, code: &str) -> Ret {
        Ret::Refused(409, code.to_owned(), Some(self.status()))
    }

    fn confirm(&mut self, by: usize, allow: bool, with_rule: bool) -> Ret {
        let decided = End { status: if allow { "approved" } else { "rejected" }, by: approver(by), with_rule };
        match &self.end {
            None => {
                self.rules[usize::from(allow)] |= with_rule;
                self.end = Some(decided);
                Ret::Done
            }
            Some(end) if *end == decided => Ret::Done,
            Some(_) => self.retired(),
        }
    }

    fn make_rule(&mut self, allow: bool) -> Ret {
        if self.end.is_some() {
            return self.retired();
        }
        let stands = &mut self.rules[usize::from(allow)];
        if std::mem::replace(stands, true) { Ret::Done } else { Ret::Created }
    }

    fn cancel(&mut self) -> Ret {
        match &self.end {
            None => self.end("cancelled", OWNER.to_owned(), false),
            Some(end) if end.status == "cancelled" => {}
            Some(_) => return self.conflicts("already_resolved"),
        }
        Ret::Done
    }

    fn supersede(&mut self, by: Closer) -> Ret {
        let by = match by {
            Closer::Stranger => return Ret::Superseded(false),
            Closer::Owner => OWNER.to_owned(),
            Closer::Approver => approver(0),
        };
        let is_pending = self.end.is_none();
        if is_pending {
            self.end("superseded", by, false);
        }
        Ret::Superseded(is_pending)
    }

    fn claim(&mut self, id: usize) -> Ret {
        if self.status() != "approved" {
            return self.conflicts("not_approved");
        }
        match self.claim {
            None => self.claim = Some((id, None)),
            Some((claimed, _)) if claimed == id && id > 0 => {}
            Some(_) => return Self::conflict("already_claimed"),
        }
        Ret::Done
    }

    fn report(&mut self, id: usize, succeeded: bool) -> Ret {
        let told = if succeeded { "succeeded" } else { "failed" };
        match &mut self.claim {
            None => Self::conflict("not_claimed"),
            Some((claimed, _)) if *claimed != id => Self::conflict("claim_mismatch"),
            Some((_, Some(outcome))) if outcome != told => Self::conflict("outcome_conflict"),
            Some((_, outcome)) => {
                *outcome = Some(told.to_owned());
                Ret::Done
            }
        }
    }

    fn advance(&mut self, ms: u64) {
        self.left_ms = self.left_ms.map(|left| left.saturating_sub(ms));
        if self.left_ms == Some(0) && self.end.is_none() {
            self.end("expired", "expired".to_owned(), false);
        }
    }
}

impl SequentialSpec for Confirmation {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match *op {
            Op::Confirm { by, allow, with_rule } => self.confirm(by, allow, with_rule),
            Op::MakeRule { by: _, allow } => self.make_rule(allow),
            Op::Cancel => self.cancel(),
            Op::Supersede { by } => self.supersede(by),
            Op::Claim { id } => self.claim(id),
            Op::Report { id, succeeded } => self.report(id, succeeded),
            Op::Look => {
                let by = self.end.as_ref().map(|end| end.by.clone());
                Ret::Seen { status: self.status(), by, claim: self.claim.clone() }
            }
            Op::ListRules => Ret::Rules { allow: self.rules[1], deny: self.rules[0] },
            Op::Advance { ms } => {
                self.advance(ms);
                Ret::Passed
            }
        }
    }
}
