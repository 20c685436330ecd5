//! What the contract says that countersign answers, kept in a few vectors: no database, no threads, no rooms shared with
//! the server. One file a group of operations.

mod agents;
mod history;
mod read;
mod register;
mod resolve;
mod rules;
mod secrets;
mod shown;
mod time;

use serde_json::Value;

pub(super) use self::history::Event;
use self::history::History;
pub(super) use self::shown::written;
use super::actors::Caller;
use super::request::{Request, Verb};

/// How the server was started.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) self_approval: bool,
    /// In milliseconds; `None`: no deadline.
    pub(super) default_ttl: Option<i64>,
    pub(super) max_pending: usize,
}

/// Who or what resolved something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    Principal(String),
    Rule(String),
    Deadline,
}

/// How an interaction ended; what does not belong to its kind is null.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) status: &'static str,
    pub(super) at: i64,
    /// The id of the rule that was made with it.
    pub(super) made_rule: Option<String>,
    pub(super) by: By,
    pub(super) comment: Value,
    pub(super) updated_input: Value,
    /// The pattern and scope of the rule that was made with it.
    pub(super) selected: Option<(String, String)>,
    pub(super) delivery: Value,
    pub(super) responses: Value,
}

#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) at: i64,
    /// The outcome, its detail, and when it was told.
    pub(super) report: Option<(String, Value, i64)>,
}

/// A value that a person gave.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) value: String,
    pub(super) delivery: String,
    /// By which id and when it was first taken, where it is handed out once.
    pub(super) taken: Option<(String, i64)>,
    pub(super) is_wiped: bool,
    /// Which person wiped it, and when.
    pub(super) wiped_by: Option<(&'static str, i64)>,
    /// The ids by which it was taken, where it is kept.
    pub(super) takings: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Interaction {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) conversation: Value,
    pub(super) by: &'static str,
    pub(super) created: i64,
    pub(super) expires: Option<i64>,
    /// The absolute deadline that was asked for.
    pub(super) asked_deadline: Value,
    pub(super) metadata: Value,
    /// The member named after the kind, as the API shows it.
    pub(super) content: Value,
    pub(super) end: Option<End>,
    pub(super) claim: Option<Claim>,
    /// Who took the approval back, and when.
    pub(super) withdrawn: Option<(&'static str, i64)>,
    pub(super) given: Option<Given>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) status: &'static str,
    /// Everything that it says: tool, pattern, scope, decision, and what else was asked for.
    pub(super) terms: rules::Terms,
    pub(super) created: i64,
    pub(super) by: &'static str,
    pub(super) from: Value,
    pub(super) expires: Option<i64>,
    pub(super) uses: u64,
    pub(super) last_used: Option<i64>,
    pub(super) revoked: Option<(i64, &'static str)>,
}

/// Everything that the server is to know.
pub(super) struct Oracle {
    pub(super) now: i64,
    pub(super) settings: Settings,
    pub(super) interactions: Vec<Interaction>,
    pub(super) rules: Vec<Rule>,
    pub(super) history: History,
}

/// What the oracle cannot know beforehand: the ids that the server makes.
pub(super) struct Learnt<'a> {
    /// The answer.
    pub(super) answer: &'a Value,
    /// The id of the rule that was made last.
    pub(super) newest_rule: &'a dyn Fn() -> String,
}

impl Learnt<'_> {
    fn text(&self, pointer: &str) -> String {
        self.answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A refusal: its status, its code, and the status of the interaction where it names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) standing: Option<&'static str>,
}

/// A status and a body, or a refusal.
pub(super) type Expected = Result<(u16, Value), Refusal>;

fn refused<T>(status: u16, code: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, code, standing: None })
}

fn malformed<T>() -> Result<T, Refusal> {
    refused(400, "malformed_request")
}

impl Oracle {
    pub(super) fn new(now: i64, settings: Settings) -> Self {
        Self { now, settings, interactions: Vec::new(), rules: Vec::new(), history: History::default() }
    }

    /// What is to be answered; afterwards the oracle knows what the server is to know.
    pub(super) fn answer(&mut self, request: &Request, learnt: &Learnt<'_>) -> Expected {
        let Some(caller) = Caller::of(request.who) else {
            return refused(401, "unauthenticated");
        };
        let may = match request.verb {
            Verb::Look | Verb::List | Verb::Audit => true,
            Verb::Register | Verb::Cancel | Verb::Claim | Verb::Report | Verb::Take => caller.registers(),
            Verb::Confirm
            | Verb::Secret
            | Verb::Question
            | Verb::MakeRule
            | Verb::Revoke
            | Verb::Withdraw
            | Verb::Wipe => caller.resolves(),
            Verb::ListRules | Verb::LookRule | Verb::Pending => caller.reads_everything(),
            Verb::Supersede => caller.supersedes(),
        };
        if !may {
            return refused(403, "forbidden");
        }
        if request.is_malformed {
            return malformed();
        }
        let (target, body) = (request.target.as_str(), &request.body);
        match request.verb {
            Verb::Register => self.register(caller, body, learnt),
            Verb::Cancel => self.cancel(caller, target),
            Verb::Claim => self.claim(caller, target, body, learnt),
            Verb::Report => self.report(caller, target, body),
            Verb::Take => self.take(caller, target, body, learnt),
            Verb::Supersede => self.supersede(caller, target),
            Verb::Confirm => self.confirm(caller, body, learnt),
            Verb::Secret => self.give(caller, body),
            Verb::Question => self.respond(caller, body),
            Verb::MakeRule => self.make_rule(caller, body, learnt),
            Verb::Revoke => self.revoke(caller, target),
            Verb::Withdraw => self.withdraw(caller, target),
            Verb::Wipe => self.wipe(caller, target),
            Verb::Look => self.look(caller, target),
            Verb::LookRule => self.look_rule(target),
            Verb::List => Ok((200, self.list(caller, request))),
            Verb::ListRules => Ok((200, self.list_rules(request))),
            Verb::Pending => Ok((200, self.pending(request))),
            Verb::Audit => Ok((200, self.history.list(caller, request, &self.interactions))),
        }
    }

    /// The place of an interaction that the caller may know of.
    fn find(&self, caller: Caller, id: &str) -> Result<usize, Refusal> {
        let found = self.interactions.iter().position(|interaction| interaction.id == id);
        match found.filter(|&place| caller.sees(self.interactions[place].by)) {
            Some(place) => Ok(place),
            None => refused(404, "unknown_request"),
        }
    }

    /// The same, where only who registered it may go on.
    fn find_own(&self, caller: Caller, id: &str) -> Result<usize, Refusal> {
        let place = self.find(caller, id)?;
        if self.interactions[place].by == caller.name { Ok(place) } else { refused(403, "not_yours") }
    }
}

impl Interaction {
    pub(super) fn status(&self) -> &'static str {
        self.end.as_ref().map_or("pending", |end| end.status)
    }

    /// A member of its content.
    pub(super) fn says(&self, member: &str) -> &Value {
        &self.content[member]
    }

    fn is_resolved_by(&self, caller: Caller) -> Option<&End> {
        self.end.as_ref().filter(|end| end.by == By::Principal(caller.name.to_owned()))
    }
}
