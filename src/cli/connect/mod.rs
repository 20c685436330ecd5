//! `countersign connect`: makes countersign the permission prompt of an agent's client, with one command.

mod change;
mod check;
mod codex;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use etcetera::{BaseStrategy, choose_base_strategy};

use self::change::Change;
use super::Failure;
use super::owner::Owner;
use super::safe_text;
use super::token;
use crate::config::{Database, ServerUrl, from_home};
use crate::connect::{Client, Means, On, token_path};
use crate::domain::enums::Role;
use crate::domain::id::PrincipalName;
use crate::domain::kinds::Diff;
use crate::domain::principal::Principal;
use crate::files;
use crate::present;

/// Connect a client: show the change to its settings, write it, or take it back.
#[derive(Debug, Args)]
pub(super) struct Connect {
    /// The client
    #[arg(value_enum, value_name = "CLIENT", required_unless_present = "check")]
    client: Option<Client>,

    /// Make the change, and a token for the agent; without this it is only shown
    #[arg(long)]
    write: bool,

    /// Take everything back that --write has put there; the token stays in force until it is revoked
    #[arg(long, conflicts_with = "write")]
    remove: bool,

    /// Say of each client on this machine whether it is connected, and whether it would fail closed
    #[arg(long, conflicts_with_all = ["client", "write", "remove", "trust"])]
    check: bool,

    /// Have Codex trust the hooks that were written, through its own protocol
    #[arg(long, requires = "write")]
    trust: bool,

    /// When it asks: where the client itself would ask a person, or before every use of a tool
    #[arg(long, value_enum, default_value = "permission")]
    on: On,

    /// Change the settings of the project in the current directory, not those of the user
    #[arg(long)]
    project: bool,

    /// The agent, as people see it [default: the client's name]
    #[arg(long, value_name = "NAME")]
    name: Option<PrincipalName>,

    /// A file with a token of an agent's to use, in place of making one
    #[arg(long, value_name = "PATH", value_parser = from_home())]
    agent_token_file: Option<PathBuf>,

    /// The server: http://…, https://… or unix:PATH [default: from the credentials file, else http://127.0.0.1:7711]
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_URL", hide_env_values = true)]
    url: Option<ServerUrl>,

    #[command(flatten)]
    database: Database,

    #[command(flatten)]
    owner: Owner,

    /// For acp: the command of the agent, after --
    #[arg(last = true, value_name = "AGENT")]
    agent: Vec<String>,
}

impl Connect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Some(client) = self.client else {
            return check::all(|client| self.means(client));
        };
        if self.trust && client != Client::Codex {
            return Err(Failure::Usage(
                "--trust is for codex: the other clients trust what is in their settings".to_owned(),
            ));
        }
        if !self.agent.is_empty() && client != Client::Acp {
            return Err(Failure::Usage(format!("{} takes no command of an agent after --", client.name())));
        }
        let mut means = self.means(client)?;
        if self.remove && means.agent.is_empty() {
            // What is taken away is found by its name, whatever agent it starts.
            means.agent = vec![client.name()];
        }
        let files = client.files(&means);
        let changes = files.iter().map(if self.remove { Change::removing } else { Change::connecting });
        let changes = changes.collect::<Result<Vec<_>, _>>()?;
        let snippet = client.snippet(&means).filter(|_| !self.remove);
        let mut out = io::stdout().lock();
        // What was done, and what to do next, stands first; before it is done, what would be.
        let is_done = self.write || self.remove;
        if is_done && snippet.is_none() {
            self.say(&mut out, client, &means, &changes, false)?;
        }
        for change in changes.iter().filter(|change| !change.is_none()) {
            show(&mut out, change)?;
        }
        let Some(snippet) = snippet else {
            return if is_done { Ok(()) } else { self.say(&mut out, client, &means, &changes, false) };
        };
        drop(out);
        // A program is alone on standard output, so that it can go into a file as it is.
        write!(io::stdout().lock(), "{snippet}")?;
        self.say(&mut io::stderr().lock(), client, &means, &changes, true)
    }

    /// Does what is asked for, and says what was done or would be.
    fn say(
        &self,
        out: &mut impl Write,
        client: Client,
        means: &Means,
        changes: &[Change],
        has_snippet: bool,
    ) -> Result<(), Failure> {
        match (self.write, self.remove) {
            (true, _) => self.written(out, client, means, changes),
            (_, true) => removed(out, client, changes),
            (false, false) => shown(out, client, means, changes, has_snippet),
        }
    }

    /// What our entries are made of.
    fn means(&self, client: Client) -> Result<Means, Failure> {
        let base =
            choose_base_strategy().map_err(|_| Failure::Other("there is no home directory: set HOME".to_owned()))?;
        let stored = self.owner.credentials()?;
        let url = self.url.clone().or_else(|| stored.as_ref().map(|stored| stored.url.clone())).unwrap_or_default();
        if matches!(url, ServerUrl::Unix(_)) && client.speaks_http() {
            let label = client.label();
            return Err(Failure::Usage(format!(
                "{label} does not speak over a socket of the file system: give --url http://…"
            )));
        }
        let program = std::env::current_exe()?;
        let text = |path: &Path| {
            let text = path.to_str().map(str::to_owned);
            text.ok_or_else(|| Failure::Other(format!("{}: this path is no text, which settings need", path.display())))
        };
        let token_file = match &self.agent_token_file {
            Some(path) => std::path::absolute(path)?,
            None => token_path(&base.config_dir(), client),
        };
        text(&token_file)?;
        Ok(Means {
            program: text(&program)?,
            url: url.to_string(),
            token_file,
            on: self.on,
            home: base.home_dir().to_owned(),
            config: base.config_dir(),
            project: std::env::current_dir()?,
            is_project: self.project,
            agent: self.agent.clone(),
        })
    }

    fn written(&self, out: &mut impl Write, client: Client, means: &Means, changes: &[Change]) -> Result<(), Failure> {
        let is_made = self.ensure_token(client, means)?;
        if is_made {
            writeln!(out, "made a token for {}, in {}", self.principal(client)?, means.token_file.display())?;
        }
        for change in changes {
            if change.is_none() {
                writeln!(out, "{} says so already", change.path.display())?;
                continue;
            }
            change.write().map_err(|error| Failure::Other(format!("{}: {error}", change.path.display())))?;
            writeln!(out, "wrote {}", change.path.display())?;
        }
        if self.trust {
            for trusted in codex::trust(means)? {
                writeln!(out, "Codex trusts {}", safe_text::line(&trusted))?;
            }
        }
        if !changes.is_empty() {
            let project = if self.project { " --project" } else { "" };
            writeln!(out, "take it back: countersign connect {}{project} --remove", client.name())?;
        }
        notes(out, client, means, self.trust)?;
        writeln!(out, "try it: {}", client.trial(means))?;
        Ok(())
    }

    fn principal(&self, client: Client) -> Result<PrincipalName, Failure> {
        let own = || client.name().parse().map_err(|_| Failure::Other("this client has no name of its own".to_owned()));
        self.name.clone().map_or_else(own, Ok)
    }

    /// Makes a token for the agent where there is none yet; whether it did.
    fn ensure_token(&self, client: Client, means: &Means) -> Result<bool, Failure> {
        let failed = |error: io::Error| Failure::Other(format!("{}: {error}", means.token_file.display()));
        match fs::metadata(&means.token_file) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                let path = means.token_file.display();
                return Err(Failure::Other(format!("{path} can be read by other users: run `chmod 600` on it")));
            }
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.agent_token_file.is_none() => {}
            Err(error) => return Err(failed(error)),
        }
        let database = self.database.location()?;
        if database.is_missing() {
            return Err(Failure::Other(format!(
                "there is no database {database}, so no token can be made: start the server first, name its file with --db, or give a token \
                 with --agent-token-file"
            )));
        }
        self.owner.check(&database)?;
        let token = token::make(&database, Principal { name: self.principal(client)?, role: Role::Agent })?;
        if let Some(folder) = means.token_file.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        files::replace(&means.token_file, &format!("{}\n", *token), 0o600).map_err(failed)?;
        Ok(true)
    }
}

/// Says what `--write` would do.
fn shown(
    out: &mut impl Write,
    client: Client,
    means: &Means,
    changes: &[Change],
    has_snippet: bool,
) -> Result<(), Failure> {
    notes(out, client, means, false)?;
    let is_done = changes.iter().all(Change::is_none) && means.token_file.exists();
    if is_done && !changes.is_empty() {
        writeln!(out, "{} is connected; try it: {}", client.label(), client.trial(means))?;
    } else if has_snippet && means.token_file.exists() {
        writeln!(out, "the token is in {}; try it: {}", means.token_file.display(), client.trial(means))?;
    } else {
        let what = if has_snippet { "make the token" } else { "do so" };
        writeln!(out, "nothing is written yet: --write will {what}")?;
    }
    Ok(())
}

fn removed(out: &mut impl Write, client: Client, changes: &[Change]) -> Result<(), Failure> {
    let mut is_none = true;
    for change in changes.iter().filter(|change| !change.is_none()) {
        change.write().map_err(|error| Failure::Other(format!("{}: {error}", change.path.display())))?;
        let done = if change.after.is_some() { "changed" } else { "removed" };
        writeln!(out, "{done} {}", change.path.display())?;
        is_none = false;
    }
    if is_none {
        writeln!(out, "{} was not connected", client.label())?;
    }
    writeln!(out, "its token stays in force: `countersign token revoke --name {}` revokes it", client.name())?;
    Ok(())
}

fn notes(out: &mut impl Write, client: Client, means: &Means, is_trusted: bool) -> Result<(), Failure> {
    let notes = client.notes(means);
    for note in notes.into_iter().filter(|note| !(is_trusted && note.contains("--trust"))) {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

/// Shows a change as lines that go and lines that come.
fn show(out: &mut impl Write, change: &Change) -> Result<(), Failure> {
    let diff = Diff {
        file_path: change.path.display().to_string(),
        old_content: change.before.clone().unwrap_or_default(),
        new_content: change.after.clone().unwrap_or_default(),
        is_new_file: change.before.is_none(),
    };
    let what = match (&change.before, &change.after) {
        (None, _) => "new file",
        (_, None) => "file to remove",
        _ => "change of",
    };
    writeln!(out, "{what} {}", safe_text::line(&diff.file_path))?;
    for (number, hunk) in present::hunks(&diff).iter().enumerate() {
        if number > 0 {
            writeln!(out, "  …")?;
        }
        for line in hunk {
            let sign = match line.change {
                present::Change::Removed => '-',
                present::Change::Added => '+',
                present::Change::Kept => ' ',
            };
            writeln!(out, "{sign} {}", safe_text::line(&line.text))?;
        }
    }
    Ok(())
}
