//! A question: its card, and its keys in `watch`. Beside it, `ask` asks, and `answer` answers.

mod answer;
mod ask;

pub(in crate::cli) use self::answer::AnswerQuestion;
pub(in crate::cli) use self::ask::AskQuestion;

use super::{Answer, Choice, Field};
use crate::cli::card::{Card, said};
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;
use crate::cli::watch::menu::Menu;
use crate::cli::watch::step::{Mode, Transition};
use crate::domain::kinds::{Question, Response};

impl Card {
    pub(super) fn question(&mut self, asked: &Question) {
        for entry in &asked.entries {
            let header = entry.header.as_deref().map_or_else(SafeText::default, |text| said(SafeText::line(text)));
            self.field("asks", SafeText::own(&entry.question_id, TextStyle::Bold).and(header));
            self.block(&entry.text);
            for option in &entry.options {
                let label = SafeText::line(&option.label);
                let about =
                    option.description.as_deref().map_or_else(SafeText::default, |text| said(SafeText::line(text)));
                self.field("", SafeText::own(format!("{} ", option.option_id), TextStyle::Bold).and(label).and(about));
            }
            if entry.multi_select {
                self.field("", SafeText::own("one of them, or several", TextStyle::Dim));
            }
            if entry.free_text_allowed {
                self.field("", SafeText::own("or in your own words", TextStyle::Dim));
            }
        }
    }

    /// The answers.
    pub(super) fn responses(&mut self, responses: &[Response]) {
        for response in responses {
            self.field(
                "answer",
                SafeText::own(format!("{}: ", response.question_id), TextStyle::Bold).and(shown(response)),
            );
        }
    }
}

fn shown(response: &Response) -> SafeText {
    let chosen = response.chosen().map(|id| format!("{id} ")).collect::<String>();
    let chosen = SafeText::own(chosen, TextStyle::Plain);
    let own = response.text.as_deref().map_or_else(SafeText::default, SafeText::line);
    if response.skipped { SafeText::own("skipped", TextStyle::Dim) } else { chosen.and(own) }
}

/// What the keys do to one that waits.
pub(super) const KEYS: &[(&str, &str)] = &[("a", "answer")];

/// What a key begins.
pub(super) fn begin(key: char, question: &Question) -> Transition {
    if key == 'a' { ask(question, Vec::new()) } else { Transition::Stay }
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

/// Answers the next entry with what is chosen at this place; where several may be, with all that is ticked.
pub(super) fn choose(question: &Question, responses: &mut Vec<Response>, menu: &Menu, at: usize) -> Transition {
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
pub(super) fn answered(
    question: &Question,
    mut responses: Vec<Response>,
    say: impl FnOnce(&mut Response),
) -> Transition {
    if let Some(entry) = question.entries.get(responses.len()) {
        let mut response = Response::new(entry.question_id.clone());
        say(&mut response);
        responses.push(response);
    }
    ask(question, responses)
}
