//! `countersign connect --check`: what of this machine's clients would ask, and whether they would fail closed.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use std::{env, fs, thread};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::change::Change;
use super::codex;
use crate::api::ListInteractions;
use crate::cli::Failure;
use crate::cli::safe_text::{self, SafeText};
use crate::cli::style::{TerminalStyle, TextStyle};
use crate::cli::table::Table;
use crate::client;
use crate::config::{Access, ServerUrl};
use crate::connect::{Client, MARK, Means, On, SettingsFile, read_settings};
use crate::domain::enums::Role;

/// How long a client may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was found of one client.
struct Found {
    client: Client,
    version: String,
    /// When it asks, where it is connected.
    on: Option<On>,
    /// What keeps it from asking, or from failing closed: each a sentence.
    faults: Vec<String>,
    /// What a person may want to know.
    hints: Vec<String>,
}

/// Looks at every client that is found here, and fails where one is not as it should be.
pub(super) fn all(means: impl Fn(Client) -> Result<Means, Failure>) -> Result<(), Failure> {
    let programs = Client::value_variants().iter().filter(|client| client.program().is_some());
    let mut found = Vec::new();
    for client in programs {
        found.extend(look(*client, &means(*client)?)?);
    }
    if found.is_empty() {
        return Err(Failure::Other("no client is found on this machine that connect knows".to_owned()));
    }
    let mut out = io::stdout().lock();
    let mut table = Table::new(["CLIENT", "VERSION", "CONNECTED", "FAILS CLOSED"]);
    for client in &found {
        let connected = match client.on {
            Some(On::Permission) => "on permission",
            Some(On::Every) => "on every tool",
            None => "no",
        };
        let closed = match (client.on, client.faults.is_empty()) {
            (None, true) => "-",
            (Some(_), true) => "yes",
            (_, false) => "no",
        };
        let plain = |text: &str| SafeText::own(text, TextStyle::Plain);
        table.row([plain(client.client.label()), SafeText::line(&client.version), plain(connected), plain(closed)]);
    }
    table.print(&mut out, TerminalStyle::of_stdout())?;
    let mut faults = 0;
    for client in &found {
        for fault in &client.faults {
            writeln!(out, "{}: {}", client.client.label(), safe_text::line(fault))?;
            faults += 1;
        }
        for hint in &client.hints {
            writeln!(out, "{}: {} (no fault)", client.client.label(), safe_text::line(hint))?;
        }
    }
    match faults {
        0 => Ok(()),
        1 => Err(Failure::Other("one thing is to be mended".to_owned())),
        some => Err(Failure::Other(format!("{some} things are to be mended"))),
    }
}

/// What is to be said of a client; `None` where it is not on this machine.
fn look(client: Client, means: &Means) -> Result<Option<Found>, Failure> {
    let Some((program, tried)) = client.program() else { return Ok(None) };
    let (mut faults, mut hints) = (Vec::new(), Vec::new());
    let connected = match connected(client, means) {
        Ok(connected) => connected,
        // The other clients are looked at all the same.
        Err(failure) => {
            faults.push(failure.to_string());
            None
        }
    };
    let version = version(program);
    if version.is_none() && connected.is_none() && faults.is_empty() {
        return Ok(None);
    }
    match &version {
        None => hints.push(format!("{program} is not on the path of programs")),
        Some(_) if tried.is_empty() => {}
        Some(version) if !version.split([' ', 'v']).any(|word| word.trim_end_matches('.') == tried) => {
            hints.push(format!("this was tried with version {tried}, and clients change"));
        }
        Some(_) => {}
    }
    if let Some((_, others)) = &connected {
        faults.extend(others.iter().cloned());
        faults.extend(turned_off(client, means));
        faults.extend(no_token(means));
        if client == Client::Codex {
            faults.extend(untrusted(means));
        }
    } else if faults.is_empty() {
        hints.push(format!("`countersign connect {}` shows how to connect it", client.name()));
    }
    let version = version.unwrap_or_else(|| "-".to_owned());
    Ok(Some(Found { client, version, on: connected.map(|(on, _)| on), faults, hints }))
}

/// When a client's settings have it ask, and what in them is not as `connect --write` writes it; `None`: nothing of ours is in them.
fn connected(client: Client, means: &Means) -> Result<Option<(On, Vec<String>)>, Failure> {
    let mut nearest: Option<(On, Vec<String>)> = None;
    for on in [On::Permission, On::Every] {
        let means = Means { on, ..means.clone() };
        let files = client.files(&means);
        if !has_ours(&files)? {
            return Ok(None);
        }
        let mut others = Vec::new();
        for file in &files {
            if !Change::connecting(file)?.is_none() {
                let name = client.name();
                others.push(format!(
                    "{} is not as `countersign connect {name} --write` writes it, so it may let a tool run where nobody answers",
                    file.path.display()
                ));
            }
        }
        if nearest.as_ref().is_none_or(|(_, before)| others.len() < before.len()) {
            nearest = Some((on, others));
        }
    }
    Ok(nearest)
}

/// Whether anything in these files is ours: then taking it away would change something.
fn has_ours(files: &[SettingsFile]) -> Result<bool, Failure> {
    for file in files {
        if !Change::removing(file)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The members of a client's settings that turn its hooks off, each with the value that does: a name in a list, or the whole value.
fn switches(client: Client) -> Vec<(&'static str, Value)> {
    match client {
        Client::ClaudeCode | Client::Qwen => vec![("/disableAllHooks", json!(true))],
        Client::Gemini => vec![("/hooksConfig/enabled", json!(false)), ("/hooksConfig/disabled", json!(MARK))],
        Client::Codex
        | Client::Copilot
        | Client::Cursor
        | Client::Opencode
        | Client::Mcp
        | Client::Acp
        | Client::Aap
        | Client::Humanlayer
        | Client::Curl
        | Client::Python
        | Client::Typescript => Vec::new(),
    }
}

/// What in the client's own settings turns our hooks off.
fn turned_off(client: Client, means: &Means) -> Vec<String> {
    let switches = switches(client);
    let mut found = Vec::new();
    for path in client.files(means).into_iter().map(|file| file.path) {
        // A file that cannot be read is told of already.
        let Some(settings) = fs::read_to_string(&path).ok().and_then(|text| read_settings(&text)) else { continue };
        for (member, off) in &switches {
            let value = settings.pointer(member);
            if value == Some(off) || value.and_then(Value::as_array).is_some_and(|names| names.contains(off)) {
                let member = member.trim_start_matches('/').replace('/', ".");
                found.push(format!("{}: `{member}` turns its hooks off, so no tool is asked about", path.display()));
            }
        }
    }
    found
}

/// Why the agent's token does not serve, if so.
fn no_token(means: &Means) -> Option<String> {
    let path = means.token_file.display();
    match fs::metadata(&means.token_file) {
        Err(error) => return Some(format!("{path}: {error}, so every tool is denied: connect it again")),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            return Some(format!("{path} can be read by other users: run `chmod 600` on it"));
        }
        Ok(_) => {}
    }
    let url = means.url.parse::<ServerUrl>().ok();
    let access = Access::with(url, means.token_file.clone());
    let asked = client::Client::open(&access, Role::Agent).map_err(|error| error.to_string()).and_then(|client| {
        let query = ListInteractions { limit: Some(1), ..ListInteractions::default() };
        client.list_interactions(&query).map_err(|error| error.to_string())
    });
    asked.err().map(|why| format!("{why}; until it is mended every tool is denied"))
}

/// Which of our hooks Codex does not trust, and so skips.
fn untrusted(means: &Means) -> Vec<String> {
    match codex::hooks(means) {
        Err(failure) => vec![failure.to_string()],
        Ok(hooks) if hooks.is_empty() => vec!["Codex does not find the hooks".to_owned()],
        Ok(hooks) => {
            let untrusted = hooks.into_iter().filter(|hook| !hook.is_trusted);
            let said = |event| {
                format!("Codex skips the hook of {event}, which it does not trust: connect it with --write --trust")
            };
            untrusted.map(|hook| said(hook.event)).collect()
        }
    }
}

/// What a program says of its version, where it is on the path of programs.
fn version(program: &str) -> Option<String> {
    let path = find(program)?;
    let (said, heard) = channel();
    thread::spawn(move || {
        let output = Command::new(path).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
        // Nobody may be waiting any more.
        let _ = said.send(output);
    });
    let said = heard.recv_timeout(PATIENCE).ok().and_then(Result::ok);
    let line =
        said.map(|said| String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().trim().to_owned());
    Some(line.filter(|line| !line.is_empty()).unwrap_or_else(|| "unknown".to_owned()))
}

fn find(program: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| is_program(path))
}
