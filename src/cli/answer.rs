//! `countersign answer`: a person answers a question, in flags or asked one entry after the other.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::common::Common;
use super::{Failure, ids, safe_text, terminal};
use crate::api::{AnswerBody, WaitInteraction};
use crate::domain::id::{OptionId, QuestionId};
use crate::domain::kinds::{Entry, Question, Response};
use crate::present::escape_json;

/// Answer a question; without a flag each of its entries is asked at the terminal.
#[derive(Debug, Args)]
pub(super) struct Answer {
    /// The interaction: its id, or the beginning of it
    id: String,

    /// The id is whole
    #[arg(long)]
    exact: bool,

    /// An option; which question it is for need not be said where there is but one
    #[arg(long, short = 'o', value_name = "[QUESTION=]OPTION")]
    option: Vec<String>,

    /// An answer in your own words
    #[arg(long, short = 't', value_name = "[QUESTION=]TEXT")]
    text: Vec<String>,

    /// Leave a question unanswered
    #[arg(long, value_name = "QUESTION")]
    skip: Vec<QuestionId>,

    #[command(flatten)]
    common: Common,
}

impl Answer {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let interaction = ids::interaction(&client, &self.id, self.exact, ids::Among::Pending)?;
        let id = &interaction.value.request_id;
        let Some(question) = &interaction.value.question else {
            return Err(Failure::Other(format!(
                "{id} is a {}, not a question: see `countersign show {id}`",
                interaction.value.kind
            )));
        };
        let has_flags = !(self.option.is_empty() && self.text.is_empty() && self.skip.is_empty());
        let responses = match (has_flags, io::stdin().is_terminal()) {
            (true, _) => self.in_flags(question)?,
            (false, true) => question.entries.iter().map(asked).collect::<Result<_, _>>()?,
            (false, false) => {
                let message = format!("say an answer with --option, --text or --skip: see `countersign show {id}`");
                return Err(Failure::Usage(message));
            }
        };
        client.answer_question(&AnswerBody { request_id: id.clone(), responses })?;
        if self.common.json {
            writeln!(
                io::stdout(),
                "{}",
                escape_json(&client.get_interaction(id, &WaitInteraction::default())?.json())
            )?;
        } else {
            writeln!(io::stdout(), "answered {id}")?;
        }
        Ok(())
    }

    /// An option and one's own words for the same entry are one response.
    fn in_flags(&self, question: &Question) -> Result<Vec<Response>, Failure> {
        let mut responses = Vec::<Response>::new();
        for given in &self.option {
            let (entry, option) = of_entry(question, given)?;
            let option: OptionId =
                option.parse().map_err(|problem| Failure::Usage(format!("{option:?} is no option: {problem}")))?;
            response(&mut responses, entry).option_id = Some(option);
        }
        for given in &self.text {
            let (entry, text) = of_entry(question, given)?;
            response(&mut responses, entry).text = Some(text.to_owned());
        }
        for entry in &self.skip {
            response(&mut responses, entry).skipped = true;
        }
        Ok(responses)
    }
}

/// Which entry a flag is about, and what it says of it.
fn of_entry<'a>(question: &'a Question, given: &'a str) -> Result<(&'a QuestionId, &'a str), Failure> {
    let named = question.entries.iter().find_map(|entry| {
        let said = given.strip_prefix(entry.question_id.as_str())?.strip_prefix('=')?;
        Some((&entry.question_id, said))
    });
    match (named, question.entries.as_slice()) {
        (Some(named), _) => Ok(named),
        (None, [only]) => Ok((&only.question_id, given)),
        (None, entries) => {
            let names = entries.iter().map(|entry| format!("{}=…", entry.question_id)).collect::<Vec<_>>();
            Err(Failure::Usage(format!("say which question {given:?} answers: {}", names.join(" or "))))
        }
    }
}

fn response<'r>(responses: &'r mut Vec<Response>, entry: &QuestionId) -> &'r mut Response {
    let place = responses.iter().position(|response| response.question_id == *entry).unwrap_or_else(|| {
        let question_id = entry.clone();
        responses.push(Response { question_id, option_id: None, text: None, skipped: false });
        responses.len() - 1
    });
    &mut responses[place]
}

/// Asks a person at the terminal.
fn asked(entry: &Entry) -> Result<Response, Failure> {
    let mut err = io::stderr().lock();
    writeln!(err, "{}", safe_text::SafeText::text(&entry.text).paint(super::style::TerminalStyle::of_stderr()))?;
    for (number, option) in entry.options.iter().enumerate() {
        writeln!(err, "  {}  {}  {}", number + 1, option.option_id, safe_text::line(&option.label))?;
    }
    drop(err);
    let prompt = match (entry.options.is_empty(), entry.free_text_allowed) {
        (true, _) => "your answer (Enter skips): ",
        (false, true) => "a number, or your own words (Enter skips): ",
        (false, false) => "a number (Enter skips): ",
    };
    loop {
        let Some(line) = terminal::line(prompt)? else {
            return Err(Failure::Interrupted("nothing was answered".to_owned()));
        };
        let mut answer =
            Response { question_id: entry.question_id.clone(), option_id: None, text: None, skipped: false };
        let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let chosen = number.and_then(|place| entry.options.get(place));
        let chosen = chosen.or_else(|| entry.options.iter().find(|option| option.option_id.as_str() == line));
        match chosen {
            Some(option) => answer.option_id = Some(option.option_id.clone()),
            None if line.is_empty() => answer.skipped = true,
            None if entry.free_text_allowed => answer.text = Some(line),
            None => continue,
        }
        return Ok(answer);
    }
}
