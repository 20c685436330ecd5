//! `countersign hook`: the command that an agent's client runs before it does something. It hands the client's event to the server,
//! waits there, and prints the answer in the client's own shape.
//!
//! No client fails closed by itself: most go ahead where a hook crashes, says nothing or takes too long. So this answers in every
//! case, before the client's time is over, and whatever goes wrong is a denial.

mod place;
mod say;
mod work;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::FalseyValueParser;

use self::say::Said;
use self::work::{Progress, Work};
use super::interrupt::{Heard, Interrupts};
use crate::config::{Access, timeout};
use crate::connect::On;
use crate::domain::enums::HookClient;
use crate::domain::tool_call::Denial;

/// How `hook` ends.
const EXIT_CODES: &str = "Exit codes: 0 the answer is on stdout, or there is none to give; 2 denied, with the sentence on stderr: \
    what came cannot be understood, or the answer cannot be written";

/// How long before its time is over a hook gives up waiting for the server, so that it can still answer.
const MARGIN: Duration = Duration::from_secs(3);

/// Why there is no answer where its client is gone.
const UNREAD: &str = "the client does not read the answer";

/// Answer the hook of an agent's client.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Hook {
    /// The client: claude-code, codex, copilot, gemini, qwen or cursor. Another one is recognised by what it sends
    #[arg(value_name = "CLIENT")]
    client: HookClient,

    /// How long the answer may take, which has to be less than the client lets a hook run; then the call is denied, and an answer
    /// that comes later is kept [default: less than the client's own default]
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_WITHIN", value_parser = timeout)]
    within: Option<Duration>,

    /// Which of the client's two questions is answered: where it would ask a person itself, or before every call; the other is left
    /// to the client [default: whichever the client asks]
    #[arg(long, value_name = "WHEN")]
    on: Option<On>,

    /// Let Claude Code end without an answer, to be woken by `countersign resume`, where it runs with -p
    #[arg(long, env = "COUNTERSIGN_HOOK_DEFER", value_parser = FalseyValueParser::new())]
    defer: bool,

    #[command(flatten)]
    access: Access,
}

impl Hook {
    pub(super) fn run(self) -> ExitCode {
        let within = self.within.unwrap_or_else(|| default_within(self.client));
        let work = Work { client: self.client, flags: Ok(self), margin: MARGIN.min(within / 4) };
        answer(work, within)
    }
}

/// Less than the client lets a hook run where nothing is configured.
const fn default_within(client: HookClient) -> Duration {
    Duration::from_secs(match client {
        HookClient::ClaudeCode | HookClient::Codex => 570,
        HookClient::Copilot => 25,
        HookClient::Gemini | HookClient::Qwen | HookClient::Cursor => 50,
    })
}

/// Denies what a hook's command line that cannot be understood was to ask; `None` where a person asks for help.
pub(super) fn misread(client: Option<&OsString>, error: &clap::Error) -> Option<ExitCode> {
    let is_help = !error.use_stderr();
    if is_help && io::stdin().is_terminal() {
        return None;
    }
    let client = client.and_then(|client| client.to_str()?.parse().ok());
    let said = error.render().to_string();
    let why = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it cannot be understood");
    let why = if is_help { "it asks for help".to_owned() } else { why.trim_start_matches("error: ").to_owned() };
    let client = client.unwrap_or(HookClient::ClaudeCode);
    let within = default_within(client);
    if is_help && work::has_no_event() {
        return None;
    }
    let sentence = format!("the command line of the hook: {why}");
    Some(answer(Work { client, flags: Err(sentence), margin: MARGIN }, within))
}

/// Does the work in a thread of its own and says what came of it, within the time, whatever happens.
fn answer(work: Work, within: Duration) -> ExitCode {
    let end = Instant::now() + within;
    let progress = Arc::new(Mutex::new(Progress::default()));
    let known = Arc::clone(&progress);
    let answered = catch_unwind(AssertUnwindSafe(|| in_time(work, end, &known)));
    answered.unwrap_or_else(|_| {
        let said = locked(&progress).instead("countersign failed inside");
        say::say(&said)
    })
}

fn in_time(work: Work, end: Instant, progress: &Arc<Mutex<Progress>>) -> ExitCode {
    let interrupts = match Interrupts::new() {
        Ok(interrupts) => interrupts,
        Err(error) => return say::say(&locked(progress).instead(&format!("signals cannot be heard: {error}"))),
    };
    let known = Arc::clone(progress);
    interrupts.start(move || {
        let worked = catch_unwind(AssertUnwindSafe(|| work.run(end, &known)));
        Step::Found(worked.unwrap_or_else(|_| locked(&known).instead("countersign failed inside")))
    });
    // Else it would wait on for a client that was killed, and use up an approval that nothing acts on.
    interrupts.start(|| Step::Unread(say::until_unread()));
    let found = match interrupts.next_until(Some(end)) {
        Ok(Some(Heard::Done(Step::Found(said)))) => said,
        Ok(Some(Heard::Done(Step::Printed(code)))) => return code,
        Ok(Some(Heard::Done(Step::Unread(gone)))) => {
            let why =
                gone.map_or_else(|error| format!("its client cannot be watched: {error}"), |()| UNREAD.to_owned());
            return say::refuse(&Denial::Refused { why });
        }
        Ok(Some(Heard::Signal(_))) => locked(progress).instead("the hook was interrupted"),
        Ok(None) | Err(_) => locked(progress).instead("it did not answer in time"),
    };
    // Written beside, too: a client that does not read would hold it for ever.
    interrupts.start(move || Step::Printed(say::say(&found)));
    let late = Instant::now() + MARGIN;
    loop {
        match interrupts.next_until(Some(late)) {
            Ok(Some(Heard::Done(Step::Printed(code)))) => return code,
            // What the work found meanwhile comes too late.
            Ok(Some(Heard::Done(Step::Found(_) | Step::Unread(_)) | Heard::Signal(_))) => {}
            Ok(None) | Err(_) => return say::refuse(&Denial::Refused { why: UNREAD.to_owned() }),
        }
    }
}

/// What comes of the threads.
enum Step {
    /// What is to be said.
    Found(Said),
    /// It is said.
    Printed(ExitCode),
    /// Nobody reads what could be said, or that cannot be told.
    Unread(io::Result<()>),
}

fn locked(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
