//! The command line: what can be said, and what each command does.

mod acp;
mod ask;
mod audit;
mod backup;
mod cancel;
mod card;
mod channel;
mod common;
mod completions;
mod connect;
mod demo;
mod doctor;
mod events;
mod export;
mod failure;
mod forget;
mod groups;
mod hook;
mod ids;
mod import;
mod interrupt;
mod json_lines;
mod key;
mod kinds;
mod last_list;
mod list;
mod login;
mod manual;
mod mcp;
mod open;
mod owner;
mod progress;
mod resume;
mod rules;
mod run;
mod safe_text;
mod service;
mod show;
mod stats;
mod status;
mod style;
mod table;
mod terminal;
mod time;
mod token;
mod upstream;
mod views;
mod watch;
mod why;
mod withdraw;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::completions::completed;

use self::failure::Failure;
use crate::api;
use crate::config::{Config, Database};
use crate::server;

/// Where AI agents' questions wait, durably, for a person's answer.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, subcommand_value_name = "COMMAND")]
pub struct Cli {
    /// Without one: where things stand.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<Config>),
    /// Ask a person, and wait for the answer through restarts
    Ask(Box<ask::Ask>),
    /// Ask whether a command may run, and run exactly what was approved
    Run(Box<run::Run>),
    /// Speak the Model Context Protocol on standard input and output
    Mcp(mcp::Mcp),
    /// Run an agent that speaks the Agent Client Protocol
    Acp(acp::Acp),
    /// Answer the hook of an agent's client, denying whatever goes wrong
    Hook(Box<hook::Hook>),
    /// Wake sessions of Claude Code that ended while a question waited
    Resume(resume::Resume),
    /// List pending interactions, the most urgent first
    List(list::List),
    /// Decide what waits live in the terminal, one key a decision
    Watch(watch::WatchQueue),
    /// Show an interaction in full, with its agent and resolution
    Show(show::Show),
    /// Say why a person is asked: the rules that came nearest
    Why(why::WhyAsked),
    #[command(flatten)]
    Resolve(kinds::Resolve),
    /// Open the page of an interaction in the browser
    Open(open::Open),
    /// Take back what an agent asked, with its token or an admin's
    Cancel(cancel::Cancel),
    /// Say where things stand: the server, who you are, what waits
    Status(status::Status),
    /// Show what was asked by day and by agent, and how it ended
    Stats(stats::ShowStats),
    /// List what was asked and how it ended, or tell the story of one
    History(list::HistoryOf),
    /// Keep queries under names of your own
    #[command(subcommand)]
    Views(views::ViewsCommand),
    /// Show the audit events, and with --follow as they happen
    Log(events::Log),
    /// Print a link that logs a browser in to the inbox, once
    Login(login::Login),
    /// Hear of what waits: webhooks, ntfy, Gotify, chats, mailboxes
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Let made-up agents ask, to try it out
    Demo(demo::Demo),
    /// Make countersign the permission prompt of an agent's client
    Connect(Box<connect::Connect>),
    /// Print shell completions
    Completions(completions::Completions),
    /// Write the manual pages into a directory
    Manual(manual::Manual),
    /// Run the server as a service of this user
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Verify and export the history, a tamper-evident hash chain
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Copy the database beside a running server, and verify the copy
    Backup(backup::MakeBackup),
    /// Write everything into a file, to move to SQLite or PostgreSQL
    ///
    /// It works beside a running server, and the file has what was there when it began: stop the server first where nothing is to be
    /// asked or decided after that. Beside a server, a file of SQLite keeps its write-ahead log for as long as this reads.
    Export(export::Export),
    /// Fill a new database with what `export` wrote
    ///
    /// The database is a new file of SQLite, or one of PostgreSQL with nothing of countersign in it. All that `doctor` checks is checked
    /// before anything is there: the whole file is in it, or nothing.
    Import(import::Import),
    /// Check the database beside a running server
    Doctor(Database),
    /// Wipe the contents of what was asked long ago
    Forget(forget::Forget),
    /// Rotate the key that seals secrets
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// List, make, preview and revoke trust rules; keep them in a file
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Print the OpenAPI 3.1 description of the API
    Openapi,
    /// Create, list and revoke the tokens of agents and people
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// Prints the page of help that is about no command by itself; `None` where none is asked for.
#[must_use]
pub fn help() -> Option<ExitCode> {
    let arguments = std::env::args_os().skip(1).collect::<Vec<_>>();
    let words = arguments.iter().map(|argument| argument.to_str()).collect::<Option<Vec<_>>>()?;
    let page = groups::page(&words)?;
    Some(printed(write!(io::stdout(), "{page}").map_err(Failure::from)))
}

/// Does what the command line says; the exit code of the process.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    // What `run` runs is not ours to keep from dumping its core.
    if !matches!(cli.command, Some(Command::Run(_))) {
        server::keep_memory_private();
    }
    let Some(command) = cli.command else { return printed(status::front_page()) };
    let is_asked = matches!(command, Command::Ask(_));
    let is_verdict =
        matches!(command, Command::Doctor(_)) || matches!(&command, Command::Audit(audit) if audit.is_verdict());
    let done = match command {
        Command::Serve(config) => server::run(&config).map_err(Failure::from),
        Command::Openapi => write!(io::stdout(), "{}", api::openapi()).map_err(Failure::from),
        Command::Ask(ask) => ask.run(),
        Command::Run(run) => return ended(run.run()),
        Command::Mcp(mcp) => mcp.run(),
        Command::Acp(acp) => return ended(acp.run()),
        Command::Hook(hook) => return hook.run(),
        Command::Resume(resume) => resume.run(),
        Command::List(list) => list.run(),
        Command::Watch(watch) => watch.run(),
        Command::Show(show) => show.run(),
        Command::Why(why) => why.run(),
        Command::Resolve(resolve) => resolve.run(),
        Command::Open(open) => open.run(),
        Command::Cancel(cancel) => cancel.run(),
        Command::Status(status) => status.run(),
        Command::Stats(stats) => stats.run(),
        Command::History(history) => history.run(),
        Command::Views(views) => views.run(),
        Command::Log(log) => log.run(),
        Command::Login(login) => login.run(),
        Command::Channel(channel) => channel.run(),
        Command::Demo(demo) => demo.run(),
        Command::Connect(connect) => connect.run(),
        Command::Completions(completions) => completions.run(),
        Command::Manual(manual) => manual.run(),
        Command::Service(service) => service.run(),
        Command::Audit(audit) => audit.run(),
        Command::Backup(backup) => backup.run(),
        Command::Export(export) => export.run(),
        Command::Import(import) => import.run(),
        Command::Doctor(database) => doctor::doctor(&database),
        Command::Forget(forget) => forget.run(),
        Command::Key(key) => key.run(),
        Command::Rules(rules) => rules.run(),
        Command::Token(token) => token.run(),
    };
    match done {
        // What was not said to its end is no all-clear.
        Err(failure) if is_verdict && failure.is_closed_pipe() => ExitCode::from(failure::exit::FAILED),
        done if is_asked => ended(done.map(|()| ExitCode::SUCCESS)),
        done => printed(done),
    }
}

/// The end of a command that prints: a reader that has read enough, such as `head`, is no failure. To one that asks it is: its
/// end says that something was approved.
fn printed(done: Result<(), Failure>) -> ExitCode {
    let is_enough = done.as_ref().is_err_and(Failure::is_closed_pipe);
    ended(if is_enough { Ok(ExitCode::SUCCESS) } else { done.map(|()| ExitCode::SUCCESS) })
}

/// Says what is wrong with a command line, or shows the help; the exit code of the process. To a client that runs a hook, what
/// cannot be understood is a denial.
#[must_use]
pub fn misread(error: &clap::Error) -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect::<Vec<_>>();
    let is_hook = arguments.first().is_some_and(|command| command == "hook") && arguments.len() > 1;
    if let Some(code) = is_hook.then(|| hook::misread(arguments.get(1), error)).flatten() {
        return code;
    }
    // With stdout or stderr closed there is nobody to tell.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::exit::USAGE))
}

fn ended(done: Result<ExitCode, Failure>) -> ExitCode {
    done.unwrap_or_else(|failure| {
        // With stderr closed the failure cannot be reported.
        let _ = writeln!(io::stderr(), "countersign: {failure}");
        ExitCode::from(failure.exit_code())
    })
}
