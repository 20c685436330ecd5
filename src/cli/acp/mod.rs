//! `countersign acp`: a proxy between an editor and an agent that speak the Agent Client Protocol over standard input and
//! output. Everything passes through as it is, but for the agent's requests for permission, which countersign answers.

mod permission;
mod session;

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process};

use self::session::Proxy;
use super::Failure;
use super::interrupt::{Heard, Interrupts};
use super::json_lines::{LONGEST_LINE, Line, Lines, next_line};
use crate::config::{Access, timeout};

/// How `acp` ends.
const EXIT_CODES: &str = "Exit codes: the agent's own, 128 and the signal's number where one ends it; 2 the command line is \
    wrong, 1 the agent could not be started";

/// Run an agent, and answer its requests for permission.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Acp {
    /// Who answers: countersign alone, or whoever is first of countersign and the editor, whose dialog then stays open
    #[arg(long, value_name = "MODE", default_value = "alone")]
    mode: Mode,

    /// How long a request for permission may wait, such as 50s or 1h; then it is rejected, and the answer is kept
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_WITHIN", default_value = "24h", value_parser = timeout)]
    within: Duration,

    /// The agent and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "AGENT")]
    agent: Vec<String>,

    #[command(flatten)]
    access: Access,
}

/// Who answers a request for permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// countersign.
    Alone,
    /// countersign and the editor: the first answer counts.
    AskBoth,
}

/// The agent's standard input; `None` once it is closed.
pub(super) struct AgentInput(Mutex<Option<ChildStdin>>);

impl AgentInput {
    pub(super) fn write(&self, line: &[u8]) -> io::Result<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stdin) => stdin.write_all(line).and_then(|()| stdin.flush()),
            None => Ok(()),
        }
    }

    fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Acp {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Some((program, arguments)) = self.agent.split_first() else {
            return Err(Failure::Usage("name the agent that is to run".to_owned()));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let interrupts = Interrupts::new()?;
        let mut child =
            command.spawn().map_err(|error| Failure::Other(format!("{program} cannot be started: {error}")))?;
        let agent = Pid::from_child(&child);
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::Other(format!("{program} has no standard input or output")));
        };
        let input = Arc::new(AgentInput(Mutex::new(Some(stdin))));
        let editor = Arc::new(Lines::new(io::stdout()));
        let proxy = Arc::new(Proxy::new(self.access, self.mode, self.within, program, Arc::clone(&input), editor));
        thread::spawn({
            let proxy = Arc::clone(&proxy);
            move || {
                // An editor that is gone says no more, as one that has closed its end.
                let _ = pass(io::stdin().lock(), |line| proxy.take_from_editor(line));
                input.close();
            }
        });
        interrupts.start(move || finish(&mut child, &proxy, stdout));
        loop {
            match interrupts.next()? {
                Heard::Done(ended) => return Ok(exit_code(ended?)),
                Heard::Signal(signal) => {
                    if let Some(signal) = Signal::from_named_raw(signal.as_raw_value()) {
                        // It may have ended at this moment.
                        let _ = kill_process(agent, signal);
                    }
                }
            }
        }
    }
}

/// Passes on what the agent says until it ends.
fn finish(child: &mut Child, proxy: &Arc<Proxy>, stdout: impl io::Read) -> io::Result<ExitStatus> {
    let passed = pass(BufReader::new(stdout), |line| proxy.take_from_agent(line));
    let ended = child.wait();
    proxy.end();
    passed.and(ended)
}

/// Hands every line on, and what is too long for one in pieces.
fn pass(mut from: impl BufRead, mut to: impl FnMut(Line) -> io::Result<()>) -> io::Result<()> {
    while let Some(line) = next_line(&mut from, LONGEST_LINE)? {
        to(line)?;
    }
    Ok(())
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(super::failure::exit::FAILED))
}
