//! `countersign run`: ask, claim, run exactly what was approved, report.
//!
//! What is asked is one line for `sh`, and what is run is that line, or the one that the person made of it, by `sh -c`. The
//! claim comes before the run and exists once: whatever is killed in between, nothing runs twice.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::signal::unix::SignalKind;

use super::Failure;
use super::ask::waiting::{Asked, Waiting};
use super::interrupt::{Heard, Interrupts};
use super::kinds::confirmation::About;
use crate::api::{ClaimBody, ClaimGrant, Interaction, OutcomeBody};
use crate::domain::enums::RunOutcome;
use crate::domain::id::{ClaimId, RequestId, ToolName};
use crate::domain::json::JsonObject;
use crate::domain::text::PlainText;

/// How `run` ends.
const EXIT_CODES: &str = "Exit codes: the command's own once it runs, 128 and the signal's number where one ends it; else 3 \
    rejected, 4 expired, cancelled or superseded, 5 the server could not be reached, 2 the command line is wrong, 130 \
    interrupted (the question stays), 1 anything else";

/// Ask whether a command may run.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Run {
    /// A line for sh, in place of a command and its arguments
    #[arg(short = 'c', value_name = "LINE", conflicts_with = "command")]
    line: Option<String>,

    /// The command and its arguments, which are quoted for sh
    #[arg(required_unless_present = "line", trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// The tool that is asked for
    #[arg(long, value_name = "NAME", default_value = "shell")]
    tool: ToolName,

    /// Do not let the person edit the command
    #[arg(long)]
    no_edits: bool,

    #[command(flatten)]
    about: About,

    #[command(flatten)]
    waiting: Waiting,
}

impl Run {
    pub(super) fn run(mut self) -> Result<ExitCode, Failure> {
        let line = match self.line.take() {
            Some(line) => line,
            None => quoted(&self.command)?,
        };
        let input: JsonObject = serde_json::from_value(json!({"command": line})).map_err(io::Error::from)?;
        let directory = match self.about.working_dir.take() {
            Some(directory) => std::path::absolute(directory)?,
            None => std::env::current_dir()?,
        };
        let shown_directory = directory.to_str().ok_or_else(|| {
            Failure::Usage(
                "the working directory's name is no text: change to another, or name one with --working-dir".to_owned(),
            )
        })?;
        self.about.working_dir = Some(shown_directory.to_owned());
        let asked = self.waiting.ask(self.about.ask(self.tool, input, !self.no_edits))?;
        let claimed = claim(&asked, asked.answered(self.waiting.common.json)?)?;
        let request_id = &asked.interaction.value.request_id;
        let approved = match command_of(&claimed.effective_input) {
            Ok(approved) => approved,
            Err(problem) => {
                report(&asked, request_id, &claimed.claim_id, RunOutcome::Failed, problem)?;
                return Err(Failure::Other(problem.to_owned()));
            }
        };
        if approved != line {
            writeln!(io::stderr(), "the command was edited; running: {}", super::safe_text::line(approved))?;
        }
        let ended = execute(approved, &directory);
        let (outcome, detail) = told_of(&ended);
        if let Err(failure) = report(&asked, request_id, &claimed.claim_id, outcome, &detail) {
            // The command has run: its exit code matters more than the failed report.
            writeln!(io::stderr(), "countersign: what came of it could not be reported: {failure}")?;
        }
        Ok(ExitCode::from(code_of(ended?)))
    }
}

/// The command as one line that means it to sh.
fn quoted(command: &[String]) -> Result<String, Failure> {
    shlex::try_join(command.iter().map(String::as_str)).map_err(|error| Failure::Usage(error.to_string()))
}

/// Claims the right to run the approved command. The holder of an earlier claim may have run it.
fn claim(asked: &Asked, interaction: &Interaction) -> Result<ClaimGrant, Failure> {
    let digest = interaction.resolution.as_ref().and_then(|resolution| resolution.effective_input_digest());
    let body = ClaimBody { claim_id: Some(ClaimId::generate()), input_digest: digest.map(str::to_owned) };
    match asked.patience.run(|| asked.client.claim_interaction(&interaction.request_id, &body)) {
        Ok(claimed) => Ok(claimed),
        Err(error) if error.is_refusal("already_claimed") => Err(Failure::Other(format!(
            "{} has been claimed before and may have run; ask again without --request-id",
            interaction.request_id
        ))),
        Err(error) if error.is_transient() => Err(Failure::Away { error, request_id: interaction.request_id.clone() }),
        Err(error) => Err(error.into()),
    }
}

/// The line that was approved, where that is all that the input says: anything else could not be obeyed.
fn command_of(input: &JsonObject) -> Result<&str, &'static str> {
    match (input.string("command"), input.tree().len()) {
        (Some(line), 1) => Ok(line),
        _ => Err("the input was edited to something else than a command: nothing was run"),
    }
}

/// Runs the line to its end, and hands on to it what is to end it. Signals are heard before there is anything to hand them to.
fn execute(line: &str, directory: &Path) -> io::Result<ExitStatus> {
    let interrupts = Interrupts::new()?;
    let mut child = Command::new("/bin/sh").arg("-c").arg(line).current_dir(directory).spawn()?;
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    interrupts.start(move || child.wait());
    loop {
        let signal = match interrupts.next()? {
            Heard::Done(ended) => return ended,
            // A terminal sends this to both of us.
            Heard::Signal(kind) if kind == SignalKind::interrupt() => continue,
            Heard::Signal(kind) if kind == SignalKind::hangup() => Signal::HUP,
            Heard::Signal(_) => Signal::TERM,
        };
        if let Some(id) = id {
            // It may have ended meanwhile.
            let _ = kill_process(id, signal);
        }
    }
}

/// What is reported of the command's end.
fn told_of(ended: &io::Result<ExitStatus>) -> (RunOutcome, String) {
    match ended {
        Ok(status) if status.success() => (RunOutcome::Succeeded, "exit code 0".to_owned()),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => (RunOutcome::Failed, format!("exit code {code}")),
            (None, signal) => (RunOutcome::Failed, format!("ended by signal {}", signal.unwrap_or_default())),
        },
        Err(error) => (RunOutcome::Failed, format!("not run: {error}")),
    }
}

/// What a shell would end with.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(super::failure::exit::FAILED)
}

fn report(
    asked: &Asked,
    request_id: &RequestId,
    claim_id: &ClaimId,
    outcome: RunOutcome,
    detail: &str,
) -> Result<(), Failure> {
    let body = OutcomeBody { claim_id: claim_id.clone(), outcome, detail: Some(PlainText::lossy(detail)) };
    asked.patience.run(|| asked.client.report_outcome(request_id, &body))?;
    Ok(())
}
