//! A confirmation: its card, and its keys in `watch`. Beside it, `ask` asks, and `decide` approves or rejects.

mod ask;
mod decide;

pub(in crate::cli) use self::ask::{About, AskConfirmation};
pub(in crate::cli) use self::decide::{Approve, Reject};

use super::{Answer, Choice, ChosenRule, Field};
use crate::api::Interaction;
use crate::cli::card::{APPROVED, Card, risk, said};
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;
use crate::cli::watch::menu::Menu;
use crate::cli::watch::step::{Mode, Transition};
use crate::domain::acknowledgement::required;
use crate::domain::enums::Decision;
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Diff};
use crate::domain::matcher::Signs;
use crate::domain::members::Members;
use crate::domain::pattern::Pattern;
use crate::domain::text::PlainText;
use crate::domain::tools::Profiles;
use crate::present::{Change, Line, acknowledged_fact, edits, escape_json, facts, hunks, rule_parts, signs_said};

/// What stands before a label that an agent has written for a pattern.
const AGENT_SAYS: &str = "the agent says: ";

impl Card {
    pub(in crate::cli) fn confirmation(&mut self, asked: &Confirmation) {
        self.field("tool", SafeText::line(asked.tool_name.as_str()));
        self.field("risk", risk(asked.risk_level));
        for (number, sign) in signs_said(&Signs::of(asked, Profiles::built_in())).iter().enumerate() {
            self.field(if number == 0 { "seen in it" } else { "" }, SafeText::line(sign));
        }
        for fact in facts(asked) {
            self.text(fact.name, &fact.value);
        }
        if let Some(reason) = &asked.reason {
            self.field("reason", SafeText::own("the agent says:", TextStyle::Dim));
            self.block(reason);
        }
        let (view, _) = Profiles::built_in().view(&asked.tool_name);
        for edit in edits(asked, view) {
            self.field("change of", SafeText::line(&edit.file));
            self.hunks(&edit.hunks);
        }
        self.input("input", &asked.input);
        let subject = asked.subject_text();
        if asked.input.string("command") != Some(&subject) {
            self.text("subject", &subject);
        }
        if let Some(diff) = &asked.diff {
            self.diff(diff);
        }
        if let Some(digest) = &asked.input_digest {
            self.field("digest", SafeText::own(digest, TextStyle::Dim));
        }
        if asked.input_edits_allowed {
            self.field("edits", SafeText::own("the input may be edited", TextStyle::Plain));
        }
    }

    /// What may be approved for good.
    pub(in crate::cli) fn options(&mut self, asked: &Confirmation) {
        let written_by_agent = asked.written_by_agent(Profiles::built_in());
        for (option, is_agents) in asked.allowlist_options.iter().zip(written_by_agent) {
            let whose = SafeText::own(if is_agents { AGENT_SAYS } else { "" }, TextStyle::Dim);
            let label = whose.and(SafeText::line(&option.label));
            self.field("--always", SafeText::line(option.pattern.as_str()).and(said(label)));
            for (name, value) in option.members.iter().flat_map(|members| rule_parts(members, None, None)) {
                self.barred(SafeText::line(&name).and(SafeText::line(&format!(" {value}"))));
            }
        }
        for option in &asked.scope_options {
            let label = SafeText::line(&option.label);
            self.field("--scope", SafeText::line(option.scope.as_str()).and(said(label)));
        }
    }

    /// The comment, and what was approved in place of what was asked.
    pub(super) fn decided(&mut self, interaction: &Interaction, comment: Option<&str>, effective: Option<&JsonObject>) {
        self.text_if("comment", comment);
        if let (Some(effective), Some(asked)) = (effective, &interaction.confirmation)
            && *effective != asked.input
        {
            self.input(APPROVED, effective);
        }
    }

    /// The lines that go and those that come, each change with what stands around it.
    fn diff(&mut self, diff: &Diff) {
        let name = if diff.is_new_file { "new file" } else { "edit of" };
        self.field(name, SafeText::line(&diff.file_path));
        self.hunks(&hunks(diff));
    }

    fn hunks(&mut self, hunks: &[Vec<Line>]) {
        for (number, hunk) in hunks.iter().enumerate() {
            if number > 0 {
                self.barred(SafeText::own("…", TextStyle::Dim));
            }
            for line in hunk {
                let (sign, tint) = match line.change {
                    Change::Removed => ("- ", TextStyle::Red),
                    Change::Added => ("+ ", TextStyle::Green),
                    Change::Kept => ("  ", TextStyle::Plain),
                };
                self.barred(SafeText::own(sign, tint).and(SafeText::text(&line.text).tinted(tint)));
            }
        }
    }
}

/// What the keys do to one that waits.
pub(super) const KEYS: &[(&str, &str)] = &[("a", "approve"), ("r", "reject"), ("A", "and make a rule"), ("e", "edit")];

/// What a key begins; `has_seen_end` unless some of the card has not been on the screen.
pub(super) fn begin(key: char, confirmation: &Confirmation, has_seen_end: bool) -> Transition {
    match key {
        'a' => approve(confirmation, None, has_seen_end),
        'A' => offer_patterns(confirmation),
        'r' => Transition::To(Mode::typing(Field::Reason)),
        'e' if confirmation.input_edits_allowed => Transition::Edit,
        'e' => Transition::Say("The agent does not let its input be edited."),
        _ => Transition::Stay,
    }
}

/// Rejects, with a reason where one is typed.
pub(super) fn reject(reason: &str) -> Transition {
    let comment = (!reason.is_empty()).then(|| PlainText::lossy(reason));
    Transition::Send(Answer::Confirm {
        decision: Decision::Deny,
        comment,
        rule: None,
        updated: None,
        acknowledged: Vec::new(),
    })
}

/// Approves; what has to be acknowledged, or has not been read to its end, needs a second key.
fn approve(confirmation: &Confirmation, rule: Option<ChosenRule>, has_seen_end: bool) -> Transition {
    let acknowledged = required(confirmation, None);
    let mut doubts =
        acknowledged.iter().map(|word| format!("▲ Mind: {}.", acknowledged_fact(*word))).collect::<Vec<_>>();
    if !has_seen_end {
        doubts.push("The end of it has not been on the screen yet.".to_owned());
    }
    let answer = Answer::Confirm { decision: Decision::Allow, comment: None, rule, updated: None, acknowledged };
    if doubts.is_empty() { Transition::Send(answer) } else { Transition::To(Mode::Sure { doubts, answer }) }
}

/// Approves an edited input, which always takes a second key: it is shown as it will be.
pub(in crate::cli) fn approve_edited(confirmation: &Confirmation, updated: JsonObject) -> Mode {
    let acknowledged = required(confirmation, Some(&updated));
    let mut doubts =
        acknowledged.iter().map(|word| format!("▲ Mind: {}.", acknowledged_fact(*word))).collect::<Vec<_>>();
    let json = serde_json::to_string(&updated).unwrap_or_default();
    doubts.push(format!("Approve it with this input: {}", escape_json(&json)));
    let (updated, decision) = (Some(updated), Decision::Allow);
    Mode::Sure { doubts, answer: Answer::Confirm { decision, comment: None, rule: None, updated, acknowledged } }
}

fn offer_patterns(confirmation: &Confirmation) -> Transition {
    if !confirmation.persistent_decisions_allowed || confirmation.allowlist_options.is_empty() {
        return Transition::Say("No rule may be made from this one.");
    }
    let written_by_agent = confirmation.written_by_agent(Profiles::built_in());
    let usual = confirmation.usual_offer(&written_by_agent).unwrap_or_default();
    let offers = confirmation.allowlist_options.iter().zip(written_by_agent);
    let items = offers.map(|(offer, is_agents)| {
        let parts = offer.members.iter().flat_map(|members| rule_parts(members, None, None));
        let parts = parts.map(|(name, says)| format!("; {name} {says}")).collect::<String>();
        (offer.pattern.as_str(), format!("{}{}{parts}", if is_agents { AGENT_SAYS } else { "" }, offer.label))
    });
    let items = items.collect::<Vec<_>>();
    let items = items.iter().map(|(pattern, label)| (*pattern, label.as_str()));
    let menu = Menu::new("Approve, and from now on let pass without asking what matches", items).beginning_at(usual);
    Transition::To(Mode::Choosing { menu, choice: Choice::Pattern })
}

/// Asks where the rule with the pattern at this place is to apply.
pub(super) fn choose_pattern(confirmation: &Confirmation, at: usize) -> Transition {
    let Some(offer) = confirmation.allowlist_options.get(at) else { return Transition::Stay };
    let scopes = confirmation.scope_options.iter().map(|offer| (offer.scope.as_str(), offer.label.as_str()));
    let menu = Menu::new("Where?", scopes);
    Transition::To(Mode::Choosing { menu, choice: Choice::Scope(offer.pattern.clone(), offer.members.clone()) })
}

/// Approves, with the rule of this pattern and these members, and the scope at this place.
pub(super) fn choose_scope(
    confirmation: &Confirmation,
    (pattern, members): (&Pattern, Option<&Members>),
    at: usize,
    has_seen_end: bool,
) -> Transition {
    let Some(offer) = confirmation.scope_options.get(at) else { return Transition::Stay };
    let (pattern, members, scope) = (pattern.clone(), members.cloned(), offer.scope.clone());
    approve(confirmation, Some(ChosenRule { pattern, members, scope }), has_seen_end)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::acknowledgement::Acknowledgement;
    use crate::domain::kinds::Content;

    /// The confirmation of a case as the server keeps it.
    fn confirmation(case: &Value) -> Box<Confirmation> {
        let mut asked = json!({"toolName": "shell", "input": {"command": "make deploy"}, "workingDir": "/repo"});
        asked.as_object_mut().unwrap().extend(case["confirmation"].as_object().unwrap().clone());
        let accepted = Content::Confirmation(serde_json::from_value(asked).unwrap()).accept().unwrap();
        let Content::Confirmation(confirmation) = accepted else { panic!("{case}") };
        confirmation
    }

    /// What is sent with the first key, or after the second.
    fn acknowledged(transition: Transition) -> (bool, Vec<Acknowledgement>) {
        match transition {
            Transition::Send(Answer::Confirm { acknowledged, .. }) => (false, acknowledged),
            Transition::To(Mode::Sure { answer: Answer::Confirm { acknowledged, .. }, doubts }) => {
                assert_eq!(doubts.len(), acknowledged.len());
                (true, acknowledged)
            }
            Transition::Stay | Transition::To(_) | Transition::Send(_) | Transition::Say(_) | Transition::Edit => {
                panic!("neither sent nor asked again")
            }
        }
    }

    /// The table that the other surfaces are held to, too.
    #[test]
    fn what_has_to_be_acknowledged_takes_the_second_key() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../../tests/corpus/acknowledgements.json")).unwrap();
        assert!(cases.len() > 30);
        for case in &cases {
            let (is_asked_again, acknowledged) = acknowledged(approve(&confirmation(case), None, true));
            assert_eq!(json!(acknowledged), case["acknowledgements"], "{case}");
            assert_eq!(is_asked_again, !acknowledged.is_empty(), "{case}");
        }
    }
}
