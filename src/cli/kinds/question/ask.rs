//! `countersign ask question`: which of these?

use std::io::{self, Write};

use clap::Args;

use crate::api::Resolution;
use crate::cli::Failure;
use crate::cli::ask::EXIT_CODES;
use crate::cli::ask::waiting::Waiting;
use crate::domain::id::QuestionId;
use crate::domain::kinds::{Choice, Content, Entry, Question, Response};

/// What the one entry of a question is called that was asked in flags.
const ONLY: &str = "q";

/// Ask which of these.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct AskQuestion {
    /// What a person is asked
    #[arg(long, required_unless_present = "entries")]
    text: Option<String>,

    /// An answer to choose, as ID=LABEL; may be given again
    #[arg(long, value_name = "ID=LABEL", value_parser = choice)]
    option: Vec<Choice>,

    /// Let the person choose several options
    #[arg(long)]
    several: bool,

    /// Let the person answer in their own words, too
    #[arg(long)]
    free_text: bool,

    /// Several questions at once, as the API's `entries`: '[{"questionId":…,"text":…,"options":[…]}]', or - for stdin
    #[arg(long, value_name = "JSON", conflicts_with_all = ["text", "option", "several", "free_text"])]
    entries: Option<String>,

    #[command(flatten)]
    waiting: Waiting,
}

fn choice(text: &str) -> Result<Choice, String> {
    let (id, label) = text.split_once('=').unwrap_or((text, text));
    Ok(Choice { option_id: id.parse().map_err(str::to_owned)?, label: label.to_owned(), description: None })
}

impl AskQuestion {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let json = self.waiting.common.json;
        let entries = match self.entries {
            Some(json) => entries(json)?,
            None => vec![only(self.text, self.option, self.several, self.free_text)?],
        };
        let is_only = entries.len() == 1;
        let asked = self.waiting.ask(Content::Question(Question { entries }))?;
        let interaction = asked.answered(json)?;
        if json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        for response in interaction.resolution.iter().flat_map(Resolution::responses) {
            let answer = answer(response);
            if is_only { writeln!(out, "{answer}")? } else { writeln!(out, "{}={answer}", response.question_id)? }
        }
        Ok(())
    }
}

/// The one entry of a question that is asked in flags.
fn only(text: Option<String>, options: Vec<Choice>, multi_select: bool, free_text: bool) -> Result<Entry, Failure> {
    let question_id: QuestionId = ONLY.parse().map_err(|error: &str| Failure::Usage(error.to_owned()))?;
    if options.is_empty() && !free_text {
        let message = "a question needs an --option ID=LABEL to choose, or --free-text";
        return Err(Failure::Usage(message.to_owned()));
    }
    let text = text.unwrap_or_default();
    Ok(Entry { question_id, header: None, text, options, multi_select, free_text_allowed: free_text })
}

fn entries(json: String) -> Result<Vec<Entry>, Failure> {
    let json = if json == "-" { io::read_to_string(io::stdin())? } else { json };
    serde_json::from_str(&json).map_err(|error| Failure::Usage(format!("--entries is not a list of entries: {error}")))
}

/// What the person said, for a program: the ids of the options with commas between them, or else their own words; nothing
/// where they would not say.
fn answer(response: &Response) -> String {
    let chosen = response.chosen().map(|id| id.as_str()).collect::<Vec<_>>();
    if chosen.is_empty() { response.text.clone().unwrap_or_default() } else { chosen.join(",") }
}
