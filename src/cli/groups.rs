//! The first page of help: every command in a line, in the groups in which people look for them.

use std::fmt::Write;

use clap::{CommandFactory, builder::StyledStr};

use super::Cli;

/// Every command, in its group.
const GROUPS: &[(&str, &[&str])] = &[
    ("Decide", &["watch", "list", "show", "why", "approve", "reject", "answer", "secret", "withdraw", "open", "views"]),
    ("Ask", &["run", "ask", "cancel", "connect", "hook", "resume", "mcp", "acp"]),
    ("Rules", &["rules"]),
    ("Look back", &["history", "stats", "log", "audit"]),
    (
        "Server",
        &[
            "serve", "status", "token", "login", "channel", "service", "backup", "export", "import", "doctor",
            "forget", "key",
        ],
    ),
    ("More", &["demo", "completions", "manual", "openapi"]),
];

/// How a command finds its server, for `help connection`.
const CONNECTION: &str = "\
Every command that talks to a running server takes these:

      --url URL                The server: http://…, https://… or unix:PATH [env: COUNTERSIGN_URL]
                               [default: that of the credentials file, else http://127.0.0.1:7711]
      --token-file PATH        A file with the token and nothing else [env: COUNTERSIGN_TOKEN_FILE]
                               [default: the token in COUNTERSIGN_TOKEN, else that of the credentials file]
      --ca-file PATH           The certificate authorities to trust for the server, in PEM
                               [env: COUNTERSIGN_CA_FILE] [default: the public ones]
      --credentials-file PATH  The file to which `serve` saves the first tokens and from which commands read them;
                               `none` for no file [env: COUNTERSIGN_CREDENTIALS_FILE]
                               [default: countersign/credentials.toml under the XDG configuration directory]

For the user who started the server on this machine, none of them is needed.
";

/// The page that is asked for by these arguments, where it is one of ours and not one of a command's.
pub(super) fn page(arguments: &[&str]) -> Option<String> {
    match arguments {
        ["help" | "--help" | "-h"] => Some(all()),
        ["help", "connection"] => Some(CONNECTION.to_owned()),
        _ => None,
    }
}

/// All commands.
pub(super) fn all() -> String {
    let command = Cli::command();
    let about = command.get_about().map(StyledStr::to_string).unwrap_or_default();
    let help = "`countersign help COMMAND` lists what a command takes; `countersign` alone says where things stand.";
    format!("{about}\n\nUsage: countersign [COMMAND]\n\n{}\n{help}\n", groups())
}

/// The groups.
pub(super) fn groups() -> String {
    let command = Cli::command();
    let mut text = String::new();
    for (heading, names) in GROUPS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{heading}:");
        for name in *names {
            let about = command.find_subcommand(name).and_then(|found| found.get_about()).map(StyledStr::to_string);
            let _ = writeln!(text, "  {name:<12} {}", about.unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_group_and_in_one_line() {
        let mut grouped = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect::<Vec<_>>();
        let command = Cli::command();
        let mut all = command.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
        for line in super::all().lines().chain(CONNECTION.lines()) {
            assert!(line.chars().count() <= 120, "{line}");
        }
        for line in groups().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
