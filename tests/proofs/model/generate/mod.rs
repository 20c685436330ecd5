//! What happens next: random, with a liking for what is there already, what is pending and what is nearly over.

mod agents;
mod approvers;
mod late;
mod readers;
mod spoilt;

use serde_json::{Value, json};

pub(super) use self::agents::question;

use super::actors::{ACTORS, ADMIN, ANONYMOUS};
use super::oracle::{Interaction, Oracle, Settings};
use super::request::{Request, Verb};
use crate::seeded_rng::SeededRng;

/// A step of the proof.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A caller makes a request.
    Ask(Box<Request>),
    /// So many milliseconds pass; whether what is due by then is awaited before the next step.
    Advance { ms: i64, awaited: bool },
    /// The server is started anew, while its clock was set forward or back by so many milliseconds.
    Restart { shift_ms: i64 },
    /// The tables are compared.
    Compare,
}

/// The id of a rule that was never made.
pub(super) const NO_RULE: &str = "01a20349-26c3-7197-8e19-82d360fd20c4";

/// The tools, and what is done with them.
const TOOLS: [&str; 2] = ["shell", "other"];
const COMMANDS: [&str; 3] = ["make deploy", "make test", "git status"];
const PATTERNS: [&str; 4] = ["make *", "make deploy", "make test", "git status"];

/// How a server is started, in one of a few ways.
pub(super) fn settings(rng: &mut SeededRng) -> Settings {
    Settings {
        self_approval: rng.percent(20),
        default_ttl: rng.pick(&[Some(86_400_000), Some(30_000), None]),
        max_pending: rng.pick(&[6, 20, 10_000, 10_000]),
    }
}

/// Chooses the next step.
pub(super) struct Author<'a> {
    pub(super) oracle: &'a Oracle,
    pub(super) rng: &'a mut SeededRng,
}

impl<'a> Author<'a> {
    pub(super) fn next(&mut self, asked: &[Request]) -> Action {
        match self.rng.below(1000) {
            0..4 => Action::Restart { shift_ms: self.rng.pick(&[0, -1, -3_600_000, 1, 60_000]) },
            4..20 => Action::Compare,
            20..130 => Action::Advance { ms: self.pause(), awaited: self.rng.percent(30) },
            130..230 => self.again(asked),
            _ => Action::Ask(Box::new(self.request())),
        }
    }

    /// How long nothing happens: often until something is just due, or not quite.
    fn pause(&mut self) -> i64 {
        let until_due = self.oracle.next_due().map_or(1000, |due| due - self.oracle.now);
        let nearly = until_due + self.rng.pick(&[-1, 0, 0, 1]);
        let some = self.rng.weighted(&[(5, 1), (5, 700), (3, 59_999), (2, 60_000), (1, 3_600_000)]);
        if self.rng.percent(50) && nearly > 0 { nearly } else { some }
    }

    /// One of the latest requests once more, to the letter; perhaps by another caller, or in other words.
    fn again(&mut self, asked: &[Request]) -> Action {
        let latest = &asked[asked.len().saturating_sub(10)..];
        if latest.is_empty() {
            return Action::Compare;
        }
        let mut request = self.rng.pick(latest);
        if self.rng.percent(20) {
            request.who = self.any_caller();
        }
        let other_words: &[(Verb, &str, [Value; 2])] = &[
            (Verb::Confirm, "comment", [json!("go ahead"), Value::Null]),
            (Verb::Report, "detail", [json!("exit status 2"), Value::Null]),
            (Verb::Secret, "value", [json!("hush"), json!("other")]),
        ];
        if let Some((_, member, words)) =
            other_words.iter().find(|(verb, ..)| *verb == request.verb && !request.is_malformed)
        {
            self.perhaps(30, &mut request.body, member, words);
        }
        Action::Ask(Box::new(request))
    }

    fn request(&mut self) -> Request {
        if self.rng.percent(60)
            && let Some(request) = self.too_late()
        {
            return request;
        }
        let active_rules = self.oracle.rules.iter().filter(|rule| rule.status == "active").count();
        type Make<'a> = fn(&mut Author<'a>) -> Request;
        let make: Make<'_> = self.rng.weighted(&[
            (240, Self::register as Make<'_>),
            (40, Self::register_again),
            (110, Self::confirm),
            (60, Self::give_secret),
            (50, Self::respond),
            (60, Self::make_rule_from_request),
            (30, Self::make_own_rule),
            (8 * active_rules, Self::revoke),
            (30, Self::cancel),
            (10, Self::supersede),
            (70, Self::claim),
            (50, Self::report),
            (50, Self::take),
            (25, Self::withdraw),
            (25, Self::wipe),
            (60, Self::look),
            (40, Self::list),
            (12, Self::list_rules),
            (15, Self::look_rule),
            (15, Self::pending),
            (15, Self::audit),
        ]);
        let request = make(self);
        if self.rng.percent(4) { self.spoil(request) } else { request }
    }

    fn any_caller(&mut self) -> usize {
        self.rng.below(ANONYMOUS + 1)
    }

    /// An agent, now and then an admin or any caller.
    fn asker(&mut self) -> usize {
        let any_caller = self.any_caller();
        self.rng.weighted(&[(45, 0), (30, 1), (15, ADMIN), (4, any_caller)])
    }

    /// An approver, now and then an admin or any caller.
    fn resolver(&mut self) -> usize {
        let any_caller = self.any_caller();
        self.rng.weighted(&[(45, 2), (25, 3), (18, ADMIN), (8, any_caller)])
    }

    /// Who registered this, now and then another caller.
    fn owner_of(&mut self, id: &str) -> usize {
        let by = self.interaction(id).map(|interaction| interaction.by);
        let owner = ACTORS.iter().position(|(name, _)| Some(*name) == by);
        let any_caller = self.any_caller();
        if self.rng.percent(85) { owner.unwrap_or(any_caller) } else { any_caller }
    }

    fn interaction(&self, id: &str) -> Option<&'a Interaction> {
        self.oracle.interactions.iter().find(|interaction| interaction.id == id)
    }

    /// The id of one of the latest interactions that are wanted; now and then of any, or of none.
    fn id_of(&mut self, is_wanted: impl Fn(&Interaction) -> bool) -> String {
        let all = &self.oracle.interactions;
        let wanted: Vec<_> = all.iter().rev().filter(|interaction| is_wanted(interaction)).take(12).collect();
        let choices = match self.rng.below(100) {
            0..80 if !wanted.is_empty() => wanted,
            0..96 => all.iter().collect(),
            _ => Vec::new(),
        };
        if choices.is_empty() { "nothing".to_owned() } else { self.rng.pick(&choices).id.clone() }
    }

    /// Perhaps this member.
    fn perhaps(&mut self, percent: usize, body: &mut Value, member: &str, choices: &[Value]) {
        if self.rng.percent(percent) {
            body[member] = self.rng.pick(choices);
        }
    }
}

/// The patterns that a confirmation of this command offers.
fn offered_patterns(command: &str) -> [&str; 2] {
    if command.starts_with("make ") { ["make *", command] } else { [command, "git status *"] }
}

fn options(member: &str, offered: &[&str]) -> Value {
    offered.iter().map(|text| json!({"label": text, member: text})).collect()
}
