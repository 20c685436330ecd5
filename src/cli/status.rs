//! `countersign status`, and `countersign` alone: where things stand, in three lines.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Parser};
use serde_json::json;

use super::common::Common;
use super::safe_text::{self, SafeText};
use super::style::{TerminalStyle, TextStyle};
use super::time::Now;
use super::{Failure, groups};
use crate::api::{ServerStatus, Waiting};
use crate::client::Client;

/// How long a server has to say how things stand.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Say where things stand: the server, who you are, and what waits.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    common: Common,
}

/// What a command takes that is given nothing: all of it comes from the environment.
#[derive(Debug, Parser)]
struct Bare {
    #[command(flatten)]
    common: Common,
}

impl Status {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.person_for(PATIENCE)?;
        let status = client.get_status()?;
        let mut out = io::stdout().lock();
        if self.common.json {
            let ServerStatus { version, url, name, role, waiting } = status;
            let server = client.url().to_string();
            let status = json!({"server": server, "url": url, "version": version, "name": name, "role": role, "waiting": waiting});
            return Ok(writeln!(out, "{status}")?);
        }
        Ok(print(&mut out, &Standing::of(&client, &status))?)
    }
}

/// Where things stand, whatever that is, and what can be done.
pub(super) fn front_page() -> Result<(), Failure> {
    let standing = match Bare::try_parse_from(["countersign"]) {
        Ok(Bare { common }) => standing(&common),
        Err(error) => {
            let text = error.to_string();
            Standing::unknown(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
        }
    };
    let mut out = io::stdout().lock();
    print(&mut out, &standing)?;
    write!(out, "\n{}", groups::groups())?;
    Ok(writeln!(out, "`countersign help COMMAND` lists what a command takes.")?)
}

fn standing(common: &Common) -> Standing {
    let client = match common.person_for(PATIENCE) {
        Ok(client) => client,
        Err(failure) => return Standing::unknown(&failure.to_string()),
    };
    match client.get_status() {
        Ok(status) => Standing::of(&client, &status),
        Err(error) => Standing::unknown(&error.to_string()),
    }
}

/// The three lines.
struct Standing {
    server: SafeText,
    you: SafeText,
    waiting: SafeText,
}

impl Standing {
    fn of(client: &Client, status: &ServerStatus) -> Self {
        let own = |text: String| SafeText::own(text, TextStyle::Plain);
        let url = status.url.clone().unwrap_or_else(|| client.url().to_string());
        Self {
            server: own(format!("{} answers, version {}", safe_text::line(&url), safe_text::line(&status.version))),
            you: own(format!("{}, {}", status.name, status.role)),
            waiting: waiting(&status.waiting, Now::read()),
        }
    }

    fn unknown(why: &str) -> Self {
        let unknown = || SafeText::own("not known", TextStyle::Dim);
        Self { server: SafeText::line(why).tinted(TextStyle::Yellow), you: unknown(), waiting: unknown() }
    }
}

fn print(out: &mut impl Write, standing: &Standing) -> io::Result<()> {
    let look = TerminalStyle::of_stdout();
    for (name, said) in [("Server", &standing.server), ("You", &standing.you), ("Waiting", &standing.waiting)] {
        let name = SafeText::own(format!("{name:<9}"), TextStyle::Bold);
        writeln!(out, "{}", name.and(said.clone()).paint(look))?;
    }
    Ok(())
}

/// What waits, in a sentence.
pub(super) fn waiting(waiting: &Waiting, now: Now) -> SafeText {
    let plain = |text: String| SafeText::own(text, TextStyle::Plain);
    if waiting.count == 0 {
        return plain("nothing".to_owned());
    }
    let count = SafeText::own(format!("{} for an answer", waiting.count), TextStyle::Bold);
    let high = SafeText::own(format!("{} of high risk", waiting.high_risk), TextStyle::Red);
    let said = if waiting.high_risk == 0 { count } else { count.and(plain(", ".to_owned())).and(high) };
    match waiting.next_deadline {
        Some(end) => said.and(plain(format!("; the first one ends in {}", now.until(end)))),
        None => said,
    }
}
