//! `countersign demo`: made-up agents ask everything that agents ask, and the inbox has something to decide.
//!
//! They behave as real ones: they wait through the server's restarts, claim what was approved and report that it is done.
//! Nothing is run.

mod agent;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use self::agent::Agent;
use super::failure::Failure;
use super::interrupt::{Heard, Interrupts};
use super::safe_text::SafeText;
use super::style::{TerminalStyle, TextStyle};
use crate::api::RegisterBody;
use crate::client::Client;
use crate::config::{Access, timeout};
use crate::domain::enums::Role;
use crate::domain::id::RequestId;

/// What they ask: the bodies of registrations, whose ids are completed for each demonstration.
const REQUESTS: &str = include_str!("requests.json");

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Withdraw what is not decided after this time, such as 90s or 10m [default: wait at a terminal, 10m elsewhere]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    wait: Option<Duration>,

    #[command(flatten)]
    access: Access,
}

/// How long a demonstration waits for a person where there is no terminal to end it from.
const WITHOUT_A_TERMINAL: Duration = Duration::from_secs(10 * 60);

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Arc::new(Client::open(&self.access, Role::Agent)?);
        let (mut out, look) = (io::stdout(), TerminalStyle::of_stdout());
        let mut waiting = Vec::new();
        for request in requests()? {
            let agent = Agent::ask(&client, &request)?;
            writeln!(
                out,
                "{}",
                SafeText::own(format!("{:<11}", "asks"), TextStyle::Dim).and(agent.about.clone()).paint(look)
            )?;
            waiting.push(agent);
        }
        let url = client.url();
        writeln!(out, "\n{} requests wait for you at {url} and in `countersign watch`.", waiting.len())?;
        writeln!(out, "Nothing is run, whatever you decide. Ctrl-C withdraws what is left.\n")?;
        let interrupts = Interrupts::new()?;
        for agent in &waiting {
            let (agent, client) = (agent.clone(), Arc::clone(&client));
            interrupts.start(move || {
                let story = agent.play(&client);
                (agent, story)
            });
        }
        let longest = self.wait.or_else(|| (!io::stdin().is_terminal()).then_some(WITHOUT_A_TERMINAL));
        let end = longest.map(|longest| Instant::now() + longest);
        while !waiting.is_empty() {
            let Some(heard) = interrupts.next_until(end)? else { return withdraw(&client, &waiting) };
            match heard {
                Heard::Done((agent, story)) => {
                    writeln!(out, "{}", story?.and(agent.about.clone()).paint(look))?;
                    waiting.retain(|other| *other != agent);
                }
                Heard::Signal(_) => return withdraw(&client, &waiting),
            }
        }
        writeln!(out, "\nAll of them are decided. The history has the whole story: `countersign history`.")?;
        Ok(())
    }
}

/// The bodies of the registrations of one demonstration.
fn requests() -> Result<Vec<RegisterBody>, Failure> {
    let mut requests: Vec<RegisterBody> = serde_json::from_str(REQUESTS).map_err(io::Error::from)?;
    let made = RequestId::generate();
    let run = made.as_str().rsplit('-').next().and_then(|random| random.get(..6)).unwrap_or_default();
    for request in &mut requests {
        if let Some(id) = &mut request.request_id {
            *id = format!("demo-{run}-{id}").parse().map_err(io::Error::other::<&str>)?;
        }
    }
    Ok(requests)
}

fn withdraw(client: &Client, left: &[Agent]) -> Result<(), Failure> {
    left.iter().try_for_each(|agent| agent.withdraw(client))?;
    writeln!(io::stdout(), "\nWhat was not decided is withdrawn.")?;
    Ok(())
}
