//! `countersign resume`: wakes the sessions of Claude Code that `countersign hook --defer` has let end, as the answers come.
//!
//! What is woken is written down beside the program, a file for each question: a rejection is handed over once, and nothing on the
//! server tells that it was. An approval is claimed by the hook of the session that is woken, once, whoever wakes it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use etcetera::{BaseStrategy, choose_base_strategy};

use super::common::Common;
use super::{Failure, safe_text};
use crate::api::{Interaction, ListInteractions, WithRaw};
use crate::client::RetryPolicy;
use crate::config::timeout;
use crate::domain::id::RequestId;
use crate::domain::interaction::Status;

/// How many of the newest interactions of each status are looked through.
const LOOKED_THROUGH: usize = 500;

/// How a question that can be handed over may have ended.
const ENDED: &[&str] = &["approved", "rejected", "answered", "expired", "cancelled", "superseded"];

/// Wake the sessions of Claude Code that ended while a question waited.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// Wake those that are answered already, and end
    #[arg(long)]
    once: bool,

    /// The program of Claude Code
    #[arg(long, value_name = "PROGRAM", env = "COUNTERSIGN_CLAUDE", default_value = "claude")]
    claude: PathBuf,

    /// Give up when the server has been unreachable for this long without a break
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_UNREACHABLE_AFTER", default_value = "30s", value_parser = timeout)]
    unreachable_after: Duration,

    #[command(flatten)]
    common: Common,

    /// Further arguments for Claude Code
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// A question of a session that ended.
#[derive(Debug)]
struct Deferred {
    request_id: RequestId,
    session: String,
    directory: PathBuf,
    /// Whether there is something to hand over.
    is_over: bool,
}

impl Resume {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.agent()?;
        let patience = RetryPolicy::new(self.unreachable_after);
        let woken = Woken::open()?;
        let mut tried = HashSet::new();
        loop {
            let list = |status: &str| {
                let filter = ListInteractions { status: vec![status.to_owned()], ..ListInteractions::default() };
                patience.run(|| client.interactions(&filter, LOOKED_THROUGH))
            };
            let pending = list(Status::Pending.as_str())?.iter().filter_map(Deferred::read).collect::<Vec<_>>();
            let mut ended = Vec::new();
            for status in ENDED {
                ended.extend(list(status)?.iter().filter_map(Deferred::read).filter(|deferred| deferred.is_over));
            }
            // A session that waits for another answer would end again at once.
            ended.retain(|deferred| !pending.iter().any(|waiting| waiting.session == deferred.session));
            for deferred in ended {
                if !woken.has(&deferred.request_id) && tried.insert(deferred.request_id.clone()) {
                    self.wake(&deferred, &woken)?;
                }
            }
            match pending.first() {
                Some(next) if !self.once => drop(patience.run(|| client.wait(&next.request_id))?),
                Some(_) | None => return Ok(()),
            }
        }
    }

    fn wake(&self, deferred: &Deferred, woken: &Woken) -> Result<(), Failure> {
        let Deferred { request_id, session, directory, .. } = deferred;
        let directory_shown = safe_text::line(&directory.display().to_string()).to_string();
        writeln!(io::stderr(), "waking {session} in {directory_shown} for {request_id}")?;
        let ended = Command::new(&self.claude)
            .arg("-p")
            .arg(format!("--resume={session}"))
            .args(&self.arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .status();
        match ended {
            Ok(status) if status.success() => Ok(woken.note(request_id)?),
            Ok(status) => Ok(writeln!(io::stderr(), "countersign: {session} was not woken: {status}")?),
            Err(error) => Ok(writeln!(io::stderr(), "countersign: {} cannot be run: {error}", self.claude.display())?),
        }
    }
}

impl Deferred {
    /// Reads an interaction; `None` where its session has not ended for it.
    fn read(interaction: &WithRaw<Interaction>) -> Option<Self> {
        let interaction = &interaction.value;
        let is_deferred = interaction.metadata.tree().get("deferred").is_some_and(|deferred| *deferred == true);
        let origin = interaction.origin.as_ref().filter(|_| is_deferred)?;
        let session = String::from(origin.session_id.clone()?);
        let directory = PathBuf::from(String::from(origin.working_dir.clone()?));
        // Both become arguments of a program: a session is an id, and no option.
        let is_id =
            !session.starts_with('-') && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (is_id && directory.is_absolute()).then(|| Self {
            request_id: interaction.request_id.clone(),
            session,
            directory,
            is_over: interaction.claim.is_none(),
        })
    }
}

/// The questions whose sessions were woken.
struct Woken(PathBuf);

impl Woken {
    fn open() -> io::Result<Self> {
        let strategy = choose_base_strategy().map_err(io::Error::other)?;
        let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
        let directory = state.join("countersign").join("resumed");
        fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }

    fn file(&self, request_id: &RequestId) -> PathBuf {
        self.0.join(Path::new(request_id.as_str()))
    }

    fn has(&self, request_id: &RequestId) -> bool {
        self.file(request_id).exists()
    }

    fn note(&self, request_id: &RequestId) -> io::Result<()> {
        File::create(self.file(request_id)).map(drop)
    }
}
