//! `countersign answer`: a person answers a question, in flags or asked one entry after the other.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use crate::api::AnswerBody;
use crate::cli::common::Common;
use crate::cli::style::TerminalStyle;
use crate::cli::{Failure, completions, ids, safe_text, terminal};
use crate::domain::id::{OptionId, QuestionId};
use crate::domain::kinds::{Entry, Question, Response, check_form};

/// Answer a question; without a flag each of its entries is asked at the terminal.
#[derive(Debug, Args)]
pub(in crate::cli) struct AnswerQuestion {
    /// The interaction: its id, or the beginning of it
    #[arg(add = completions::pending_ids())]
    id: String,

    /// Take ID as the complete id, not as the beginning of one
    #[arg(long)]
    exact: bool,

    /// The id of a chosen option, given again where several may be chosen; with more than one question, as QUESTION=OPTION
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

impl AnswerQuestion {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
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
        self.common.tell(&client, id, format_args!("answered {id}"))
    }

    /// The options for the same entry are one response.
    fn in_flags(&self, question: &Question) -> Result<Vec<Response>, Failure> {
        let mut chosen = Vec::<(&QuestionId, Vec<OptionId>)>::new();
        for given in &self.option {
            let (entry, option) = of_entry(question, given)?;
            let option =
                option.parse().map_err(|problem| Failure::Usage(format!("{option:?} is no option: {problem}")))?;
            match chosen.iter_mut().find(|(id, _)| *id == &entry.question_id) {
                Some((_, options)) => options.push(option),
                None => chosen.push((&entry.question_id, vec![option])),
            }
        }
        let mut responses = chosen.into_iter().map(|(id, options)| choosing(id.clone(), options)).collect::<Vec<_>>();
        for given in &self.text {
            let (entry, text) = of_entry(question, given)?;
            if text.trim().is_empty() {
                return Err(Failure::Usage("an answer is not empty: --skip leaves a question unanswered".to_owned()));
            }
            responses.push(Response { text: Some(text.to_owned()), ..Response::new(entry.question_id.clone()) });
        }
        for id in &self.skip {
            responses.push(Response { skipped: true, ..Response::new(id.clone()) });
        }
        check_form(&responses).map_err(|_| Failure::Usage(ONE_ANSWER.to_owned()))?;
        Ok(responses)
    }
}

/// What is wrong with flags that answer a question in two ways, or choose one option twice.
const ONE_ANSWER: &str = "each question has one answer: its options, each once, with --option, or your own words with --text, \
     or --skip";

/// The response that chooses these options.
fn choosing(question_id: QuestionId, mut options: Vec<OptionId>) -> Response {
    let response = Response::new(question_id);
    match options.pop() {
        Some(only) if options.is_empty() => Response { option_id: Some(only), ..response },
        Some(last) => {
            options.push(last);
            Response { option_ids: Some(options), ..response }
        }
        None => response,
    }
}

/// Which entry a flag is about, and what it says of it.
fn of_entry<'a>(question: &'a Question, given: &'a str) -> Result<(&'a Entry, &'a str), Failure> {
    let named = question.entries.iter().find_map(|entry| {
        let said = given.strip_prefix(entry.question_id.as_str())?.strip_prefix('=')?;
        Some((entry, said))
    });
    match (named, question.entries.as_slice()) {
        (Some(named), _) => Ok(named),
        (None, [only]) => Ok((only, given)),
        (None, entries) => {
            let names = entries.iter().map(|entry| format!("{}=…", entry.question_id)).collect::<Vec<_>>();
            Err(Failure::Usage(format!("say which question {given:?} answers: {}", names.join(" or "))))
        }
    }
}

/// Asks a person at the terminal.
fn asked(entry: &Entry) -> Result<Response, Failure> {
    let mut err = io::stderr().lock();
    writeln!(err, "{}", safe_text::SafeText::text(&entry.text).paint(TerminalStyle::of_stderr()))?;
    for (number, option) in entry.options.iter().enumerate() {
        writeln!(err, "  {}  {}  {}", number + 1, option.option_id, safe_text::line(&option.label))?;
    }
    drop(err);
    let prompt = match (entry.options.is_empty(), entry.multi_select, entry.free_text_allowed) {
        (true, _, _) => "your answer (Enter skips): ",
        (false, false, true) => "a number, or your own words (Enter skips): ",
        (false, false, false) => "a number (Enter skips): ",
        (false, true, true) => "numbers, such as 1,3, or your own words (Enter skips): ",
        (false, true, false) => "numbers, such as 1,3 (Enter skips): ",
    };
    loop {
        let Some(line) = terminal::line(prompt)? else {
            return Err(Failure::Interrupted("nothing was answered".to_owned()));
        };
        let response = Response::new(entry.question_id.clone());
        if line.is_empty() {
            return Ok(Response { skipped: true, ..response });
        }
        match chosen(entry, &line) {
            Some(options) => return Ok(choosing(entry.question_id.clone(), options)),
            None if entry.free_text_allowed => return Ok(Response { text: Some(line), ..response }),
            None => {}
        }
    }
}

/// The options that a line names by their numbers or ids, where that is all it does; several only where several may be
/// chosen.
fn chosen(entry: &Entry, line: &str) -> Option<Vec<OptionId>> {
    let named = |word: &str| {
        let place = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let numbered = place.and_then(|place| entry.options.get(place));
        let option = numbered.or_else(|| entry.options.iter().find(|option| option.option_id.as_str() == word));
        option.map(|option| option.option_id.clone())
    };
    if !entry.multi_select {
        return named(line).map(|option| vec![option]);
    }
    let words = line.split([',', ' ']).filter(|word| !word.is_empty());
    let mut options = Vec::new();
    for option in words.map(named) {
        let option = option?;
        if !options.contains(&option) {
            options.push(option);
        }
    }
    (!options.is_empty()).then_some(options)
}
