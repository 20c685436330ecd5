//! What a person is in the middle of, and what a key does to it. Nothing here draws, and nothing here calls.

use ratatui::crossterm::event::{KeyCode, KeyEvent};
use zeroize::Zeroizing;

use super::answer::{Answer, ChosenRule};
use super::card::Card;
use super::menu::Menu;
use crate::domain::acknowledgement::required;
use crate::domain::enums::Delivery;
use crate::domain::kinds::{Asked, Confirmation, Question, Response};
use crate::domain::members::Members;
use crate::domain::pattern::Pattern;
use crate::present::acknowledged_fact;

/// Where a person is between the first key and the answer.
pub(super) enum Mode {
    /// They read.
    Reading,
    /// They look the keys up.
    Help,
    /// They are about to do what deserves a second look: only `y` goes on.
    Sure { doubts: Vec<String>, answer: Answer },
    /// They type.
    Typing { field: Field, text: Zeroizing<String> },
    /// They choose.
    Choosing { menu: Menu, choice: Choice },
}

/// What is typed.
pub(super) enum Field {
    /// Why not.
    Reason,
    /// The value of a secret: not shown.
    Secret { delivery: Delivery, may_send_once: bool },
    /// The answer to the next entry of a question, in one's own words.
    Words(Vec<Response>),
}

/// What is chosen.
pub(super) enum Choice {
    /// The pattern of a rule.
    Pattern,
    /// Its scope.
    Scope(Pattern, Option<Members>),
    /// The answer to the next entry of a question, after these.
    Entry(Vec<Response>),
}

/// What comes of a key.
pub(super) enum Transition {
    Stay,
    To(Mode),
    Send(Answer),
}

/// What a key begins on a card that waits; `has_seen_end` unless some of it has not been on the screen.
pub(super) fn begin(key: char, card: &Card, has_seen_end: bool) -> Transition {
    let typing = |field| Transition::To(Mode::typing(field));
    match (card.interaction.asked(), key) {
        (Some(Asked::Confirmation(confirmation)), 'a') => approve(confirmation, None, has_seen_end),
        (Some(Asked::Confirmation(confirmation)), 'A') => offer_patterns(confirmation),
        (Some(Asked::Confirmation(_)), 'r') => typing(Field::Reason),
        (Some(Asked::Secret(secret)), 'a') => {
            typing(Field::Secret { delivery: Delivery::Store, may_send_once: secret.allow_one_time_send })
        }
        (Some(Asked::Secret(_)), 'r') => {
            let doubts = vec!["The agent goes on without the secret.".to_owned()];
            Transition::To(Mode::Sure { doubts, answer: Answer::Secret { value: None, delivery: Delivery::Store } })
        }
        (Some(Asked::Question(question)), 'a') => ask(question, Vec::new()),
        (Some(Asked::Confirmation(_) | Asked::Secret(_) | Asked::Question(_)) | None, _) => Transition::Stay,
    }
}

/// Approves; what has to be acknowledged, or has not been read to its end, needs a second key.
fn approve(confirmation: &Confirmation, rule: Option<ChosenRule>, has_seen_end: bool) -> Transition {
    let acknowledged = required(confirmation, None);
    let mut doubts =
        acknowledged.iter().map(|word| format!("▲ Mind: {}.", acknowledged_fact(*word))).collect::<Vec<_>>();
    if !has_seen_end {
        doubts.push("The end of it has not been on the screen yet.".to_owned());
    }
    let answer = Answer::allow(rule, acknowledged);
    if doubts.is_empty() { Transition::Send(answer) } else { Transition::To(Mode::Sure { doubts, answer }) }
}

fn offer_patterns(confirmation: &Confirmation) -> Transition {
    if !confirmation.persistent_decisions_allowed || confirmation.allowlist_options.is_empty() {
        return Transition::Stay;
    }
    let offers = confirmation.allowlist_options.iter();
    let items = offers.map(|offer| (offer.pattern.as_str(), offer.label.as_str()));
    let menu = Menu::new("Approve, and from now on let pass without asking what matches", items);
    Transition::To(Mode::Choosing { menu, choice: Choice::Pattern })
}

/// Asks the next entry of a question, and in the end whether the answers are to be sent.
fn ask(question: &Question, responses: Vec<Response>) -> Transition {
    let Some(entry) = question.entries.get(responses.len()) else {
        let doubts = vec!["All is answered.".to_owned()];
        return Transition::To(Mode::Sure { doubts, answer: Answer::Responses(responses) });
    };
    let options = entry.options.iter();
    let options = options.map(|option| (option.label.as_str(), option.description.as_deref().unwrap_or_default()));
    let own_words = entry.free_text_allowed.then_some(("(in your own words)", ""));
    let title = entry.header.as_ref().map_or_else(|| entry.text.clone(), |header| format!("{header}: {}", entry.text));
    let menu = Menu::new(&title, options.chain(own_words).chain([("(pass over this one)", "")]));
    let menu = if entry.multi_select { menu.several(entry.options.len()) } else { menu };
    Transition::To(Mode::Choosing { menu, choice: Choice::Entry(responses) })
}

impl Mode {
    fn typing(field: Field) -> Self {
        Self::Typing { field, text: Zeroizing::new(String::new()) }
    }

    /// What a key does in the middle of this.
    pub(super) fn key(&mut self, key: KeyEvent, card: &Card, has_seen_end: bool) -> Transition {
        match (self, key.code) {
            (Self::Reading, _) => Transition::Stay,
            (Self::Help, _) | (_, KeyCode::Esc) => Transition::To(Self::Reading),
            (Self::Sure { answer, .. }, KeyCode::Char('y')) => Transition::Send(answer.clone()),
            (Self::Sure { .. }, _) => Transition::To(Self::Reading),
            (Self::Typing { field, text }, KeyCode::Enter) => typed(field, text, card),
            (Self::Typing { field, text }, code) => {
                edit(field, text, code);
                Transition::Stay
            }
            (Self::Choosing { menu, choice }, code) => {
                menu.key(code).map_or(Transition::Stay, |at| chosen(choice, menu, at, card, has_seen_end))
            }
        }
    }

    /// Text that came at once.
    pub(super) fn paste(&mut self, pasted: &str) {
        match self {
            // Terminals end pasted lines with CR. The last end counts: a key in PEM is another without it.
            Self::Typing { field: Field::Secret { .. }, text } => {
                let lines = Zeroizing::new(pasted.replace("\r\n", "\n"));
                text.push_str(&Zeroizing::new(lines.replace('\r', "\n")));
            }
            Self::Typing { text, .. } => text.push_str(pasted.trim_end_matches(['\r', '\n'])),
            Self::Reading | Self::Help | Self::Sure { .. } | Self::Choosing { .. } => {}
        }
    }
}

fn edit(field: &mut Field, text: &mut String, code: KeyCode) {
    match (code, field) {
        (KeyCode::Char(c), _) => text.push(c),
        (KeyCode::Backspace, _) => drop(text.pop()),
        (KeyCode::Tab, Field::Secret { delivery, may_send_once: true }) => {
            *delivery = match delivery {
                Delivery::Store => Delivery::TransientSend,
                Delivery::TransientSend => Delivery::Store,
            };
        }
        _ => {}
    }
}

fn typed(field: &mut Field, text: &str, card: &Card) -> Transition {
    let is_empty = text.trim().is_empty();
    match (field, &card.interaction.question) {
        (Field::Reason, _) => {
            let comment = (!is_empty).then(|| text.trim().to_owned());
            Transition::Send(Answer::deny(comment))
        }
        (Field::Secret { delivery, .. }, _) if !is_empty => {
            Transition::Send(Answer::Secret { value: Some(Zeroizing::new(text.to_owned())), delivery: *delivery })
        }
        (Field::Words(responses), Some(question)) if !is_empty => {
            answered(question, std::mem::take(responses), |response| response.text = Some(text.trim().to_owned()))
        }
        (Field::Secret { .. } | Field::Words(_), _) => Transition::Stay,
    }
}

fn chosen(choice: &mut Choice, menu: &Menu, at: usize, card: &Card, has_seen_end: bool) -> Transition {
    let (confirmation, question) = (&card.interaction.confirmation, &card.interaction.question);
    match (choice, confirmation, question) {
        (Choice::Pattern, Some(confirmation), _) => {
            let Some(offer) = confirmation.allowlist_options.get(at) else { return Transition::Stay };
            let scopes = confirmation.scope_options.iter().map(|offer| (offer.scope.as_str(), offer.label.as_str()));
            let menu = Menu::new("Where?", scopes);
            Transition::To(Mode::Choosing { menu, choice: Choice::Scope(offer.pattern.clone(), offer.members.clone()) })
        }
        (Choice::Scope(pattern, members), Some(confirmation), _) => {
            let Some(offer) = confirmation.scope_options.get(at) else { return Transition::Stay };
            let (pattern, members, scope) = (pattern.clone(), members.clone(), offer.scope.clone());
            approve(confirmation, Some(ChosenRule { pattern, members, scope }), has_seen_end)
        }
        (Choice::Entry(responses), _, Some(question)) => answer_entry(question, responses, menu, at),
        _ => Transition::Stay,
    }
}

/// Answers the next entry with what is chosen at this place; where several may be, with all that is ticked.
fn answer_entry(question: &Question, responses: &mut Vec<Response>, menu: &Menu, at: usize) -> Transition {
    let Some(entry) = question.entries.get(responses.len()) else { return Transition::Stay };
    let several = menu.ticked().filter_map(|place| entry.options.get(place)).map(|option| option.option_id.clone());
    let (several, chosen) = (several.collect::<Vec<_>>(), entry.options.get(at));
    if chosen.is_some() && menu.is_of_several() && several.is_empty() {
        return Transition::Stay;
    }
    let responses = std::mem::take(responses);
    match chosen {
        Some(_) if menu.is_of_several() => {
            answered(question, responses, |response| response.option_ids = Some(several))
        }
        Some(option) => answered(question, responses, |response| response.option_id = Some(option.option_id.clone())),
        None if entry.free_text_allowed && at == entry.options.len() => {
            Transition::To(Mode::typing(Field::Words(responses)))
        }
        None => answered(question, responses, |response| response.skipped = true),
    }
}

/// Adds the response to the next entry, and asks on.
fn answered(question: &Question, mut responses: Vec<Response>, say: impl FnOnce(&mut Response)) -> Transition {
    if let Some(entry) = question.entries.get(responses.len()) {
        let mut response = Response::new(entry.question_id.clone());
        say(&mut response);
        responses.push(response);
    }
    ask(question, responses)
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
            Transition::Stay | Transition::To(_) | Transition::Send(_) => panic!("neither sent nor asked again"),
        }
    }

    /// The table that the other surfaces are held to, too.
    #[test]
    fn what_has_to_be_acknowledged_takes_the_second_key() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/corpus/acknowledgements.json")).unwrap();
        assert!(cases.len() > 30);
        for case in &cases {
            let (is_asked_again, acknowledged) = acknowledged(approve(&confirmation(case), None, true));
            assert_eq!(json!(acknowledged), case["acknowledgements"], "{case}");
            assert_eq!(is_asked_again, !acknowledged.is_empty(), "{case}");
        }
    }
}
