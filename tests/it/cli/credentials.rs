//! The credentials file: commands need no configuration on the machine of their server, and no other user reads it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::{Asking, ends};
use crate::harness::terminal::Terminal;
use crate::harness::{Process, countersign, sql};

struct Home {
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("config/countersign/credentials.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = countersign();
        command.env_remove("COUNTERSIGN_CREDENTIALS_FILE").env("HOME", self.directory.path());
        command.env("XDG_CONFIG_HOME", self.directory.path().join("config")).args(arguments);
        command
    }

    /// A server on this database; what it has said on stderr by the time it listens.
    fn serve(&self, db: &str, listen: &str, more: &[&str]) -> (Process, String) {
        let log = self.directory.path().join("stderr");
        let mut command = self.command(&["serve", "--listen", listen]);
        command.args(more).arg("--db").arg(self.directory.path().join(db));
        let process = Process::spawn(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
        (process, fs::read_to_string(log).unwrap())
    }
}

impl Home {
    /// What a person types at a terminal, which then shows this.
    #[track_caller]
    fn types(&self, arguments: &[&str], shows: &str) {
        let terminal = Terminal::run(&mut self.command(arguments));
        terminal.shows(shows);
        terminal.ended();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn on_one_machine_nothing_needs_to_be_configured() {
    let home = Home::new();
    let (process, said) = home.serve("a.db", "127.0.0.1:0", &[]);
    assert!(said.contains(home.file().to_str().unwrap()), "{said}");
    assert_eq!((mode(&home.file()), mode(home.file().parent().unwrap())), (0o600, 0o700));
    let asking = Asking::begin(&mut home.command(&["ask", "--tool", "shell", "--input", r#"{"command":"ls"}"#]));
    let (list, _) = ends(0, &mut home.command(&["list"]));
    assert!(list.contains("shell: ls"), "{list}");
    let id = list.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    home.types(&["approve", &id], &format!("approved {id}"));
    asking.ends(0);
    // The second start of the same database makes no tokens, and leaves the file.
    let before = fs::read_to_string(home.file()).unwrap();
    process.terminate();
    home.serve("a.db", "127.0.0.1:0", &[]);
    assert_eq!(fs::read_to_string(home.file()).unwrap(), before);
}

#[test]
fn another_servers_credentials_are_left_alone_and_it_is_said_how_to_go_on() {
    let home = Home::new();
    let (first, _) = home.serve("a.db", "127.0.0.1:0", &[]);
    let before = fs::read_to_string(home.file()).unwrap();
    let (second, said) = home.serve("b.db", "127.0.0.1:0", &[]);
    assert_eq!(fs::read_to_string(home.file()).unwrap(), before);
    assert!(said.contains("left alone") && said.contains(&second.url) && said.contains("--token-file"), "{said}");
    // A new database at the same address takes the place of the old one.
    let at = first.url.strip_prefix("http://").unwrap().to_owned();
    first.kill();
    let (third, _) = home.serve("c.db", &at, &[]);
    assert_ne!(fs::read_to_string(home.file()).unwrap(), before);
    ends(0, &mut home.command(&["list"]));
    drop(third);
}

#[test]
fn none_is_written_where_none_is_wanted() {
    let home = Home::new();
    let (_process, said) = home.serve("a.db", "127.0.0.1:0", &["--credentials-file", "none"]);
    assert!(!home.file().exists() && said.contains("not saved"), "{said}");
    let (_, sentence) = ends(1, &mut home.command(&["list"]));
    assert!(sentence.contains("countersign token create") && sentence.contains("--role approver"), "{sentence}");
    let (_, sentence) = ends(1, &mut home.command(&["ask", "--tool", "shell", "--input", "{}"]));
    assert!(sentence.contains("--role agent"), "{sentence}");
}

#[test]
fn a_server_starts_although_its_tokens_cannot_be_kept() {
    let home = Home::new();
    fs::write(home.directory.path().join("config"), "a file").unwrap();
    let (_process, said) = home.serve("a.db", "127.0.0.1:0", &[]);
    assert!(said.contains("not saved"), "{said}");
}

#[test]
fn what_others_may_read_or_cannot_be_read_is_refused_and_not_shown() {
    let home = Home::new();
    fs::create_dir_all(home.file().parent().unwrap()).unwrap();
    let token = "csgn_secret";
    fs::write(home.file(), format!("url = \"http://127.0.0.1:1\"\nagent = \"{token}\"\napprover = \"{token}\"\n"))
        .unwrap();
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let (_, sentence) = ends(1, &mut home.command(&["list"]));
    assert!(sentence.contains("chmod 600"), "{sentence}");
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o600)).unwrap();
    ends(5, &mut home.command(&["list"]));
    // Its tokens are for its own server alone.
    let (_, sentence) = ends(1, &mut home.command(&["list", "--url", "http://127.0.0.1:2"]));
    assert!(sentence.contains("http://127.0.0.1:1") && !sentence.contains(token), "{sentence}");
    assert!(sentence.contains("countersign token create") && sentence.contains("the line `url`"), "{sentence}");
    fs::write(home.file(), format!("{token} = ]\n")).unwrap();
    let (_, sentence) = ends(1, &mut home.command(&["list"]));
    assert!(sentence.contains("credentials.toml") && !sentence.contains(token), "{sentence}");
}

#[test]
fn a_token_comes_from_a_file_and_a_wrong_one_is_told_by_where_it_came_from() {
    let home = Home::new();
    let (process, said) = home.serve("a.db", "127.0.0.1:0", &["--credentials-file", "none"]);
    let approver = said.lines().find_map(|line| line.trim().strip_prefix("approver ")).unwrap().trim();
    let file = home.directory.path().join("token");
    fs::write(&file, format!("{approver}\n")).unwrap();
    let list = |file: &Path| {
        let mut command = home.command(&["list", "--url", &process.url, "--token-file"]);
        command.arg(file);
        command
    };
    ends(0, &mut list(&file));
    fs::write(&file, "csgn_wrong").unwrap();
    let (_, sentence) = ends(1, &mut list(&file));
    assert!(sentence.contains(file.to_str().unwrap()) && !sentence.contains("csgn_wrong"), "{sentence}");
    fs::write(&file, "two words").unwrap();
    let (_, sentence) = ends(1, &mut list(&file));
    assert!(sentence.contains("does not hold a token"), "{sentence}");
    ends(1, &mut list(Path::new("/nowhere/at/all")));
}

#[test]
fn a_server_is_reached_over_its_socket() {
    let home = Home::new();
    let socket = format!("unix:{}", home.directory.path().join("socket").display());
    let (process, _) = home.serve("a.db", &socket, &[]);
    assert_eq!(process.url, socket);
    let asking = Asking::begin(&mut home.command(&[
        "ask",
        "--tool",
        "shell",
        "--input",
        r#"{"command":"ls"}"#,
        "--request-id",
        "a",
    ]));
    home.types(&["approve", "a"], "approved a");
    asking.ends(0);
    home.types(&["login"], "--url");
}

/// An agent of the same user finds the same file: without a terminal nothing is decided with the approver's half of it.
#[test]
fn the_stored_token_of_the_approver_decides_at_a_terminal_alone() {
    let home = Home::new();
    let (process, _) = home.serve("a.db", "127.0.0.1:0", &[]);
    let ask = ["ask", "--tool", "shell", "--input", r#"{"command":"ls"}"#, "--request-id", "a"];
    let asking = Asking::begin(&mut home.command(&ask));
    for arguments in [
        ["approve", "a"].as_slice(),
        &["approve", "--exact", "a", "--acknowledge"],
        &["reject", "a"],
        &["answer", "a", "--skip", "q"],
        &["secret", "a"],
        &["rules", "revoke", "r"],
        &["rules", "add", "--tool", "shell", "--pattern", "ls", "--decision", "allow"],
        &["withdraw", "a"],
        &["channel", "add", "ntfy", "https://ntfy.sh/topic"],
        &["channel", "set", "c", "--pace", "none"],
        &["channel", "test", "c"],
        &["channel", "rotate", "c"],
        &["channel", "remove", "c"],
        &["login"],
        &["watch"],
    ] {
        let (said, sentence) = ends(2, &mut home.command(arguments));
        assert!(said.is_empty() && sentence.contains("terminal"), "{arguments:?}: {sentence}");
    }
    // To look is free.
    for arguments in [["list"].as_slice(), &["show", "a"], &["history"], &["log"], &["rules", "list"]] {
        ends(0, &mut home.command(arguments));
    }
    let (shown, _) = ends(0, &mut home.command(&["show", "a", "--json"]));
    assert!(shown.contains(r#""status":"pending""#), "{shown}");
    // A token that was handed over needs no terminal, whether or not the file is there.
    let stored = fs::read_to_string(home.file()).unwrap();
    let approver = stored.lines().find_map(|line| line.strip_prefix("approver = \"")).unwrap().trim_end_matches('"');
    let handed = home.directory.path().join("token");
    fs::write(&handed, approver).unwrap();
    let arguments = ["reject", "a", "--url", &process.url, "--token-file", handed.to_str().unwrap()];
    ends(0, &mut home.command(&arguments));
    asking.ends(3);
}

/// Commands that decide in the database itself: the stored token lets a person run them, and a program only with a token.
#[test]
fn a_program_decides_nothing_in_the_database_with_the_stored_token() {
    let home = Home::new();
    let (_process, said) = home.serve("a.db", "127.0.0.1:0", &[]);
    let token = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    let (approver, agent) = (token("approver"), token("agent"));
    let db = home.directory.path().join("a.db").to_str().unwrap().to_owned();
    let rules = home.directory.path().join("rules.toml");
    let rule =
        "[[rule]]\nname = \"r\"\ntool_name = \"t\"\npattern = \"p\"\nscope = \"everywhere\"\ndecision = \"allow\"\n";
    fs::write(&rules, rule).unwrap();
    let rows = || {
        let count = |table: &str| sql(Path::new(&db), &format!("SELECT count(*), count(revoked_at_ms) FROM {table}"));
        [count("tokens"), count("trust_rules")]
    };
    let import = ["rules", "import", rules.to_str().unwrap(), "--by", "approver", "--db", &db];
    let create = ["token", "create", "--name", "ada", "--role", "approver", "--db", &db];
    let revoke = ["token", "revoke", "--name", "agent", "--db", &db];
    let before = rows();
    for command in [&import[..], &create, &revoke] {
        let (_, sentence) = ends(2, &mut home.command(command));
        assert!(sentence.contains("COUNTERSIGN_TOKEN"), "{sentence}");
        let (_, sentence) = ends(2, home.command(command).env("COUNTERSIGN_TOKEN", &agent));
        assert!(sentence.contains("no approver's"), "{sentence}");
        assert_eq!(rows(), before, "{command:?}");
    }
    ends(0, &mut home.command(&[&import[..], &["--dry-run"]].concat()));
    assert_eq!(rows(), before);
    home.types(&create, "csgn_");
    assert_eq!(rows()[0], [[json!(3), json!(0)]]);
    ends(0, home.command(&import).env("COUNTERSIGN_TOKEN", &approver));
    ends(0, home.command(&revoke).env("COUNTERSIGN_TOKEN", &approver));
    assert_eq!(rows(), [[[json!(3), json!(1)]], [[json!(1), json!(0)]]]);
    // A database that the stored token is not of, such as a container's, is its owner's.
    let other = home.directory.path().join("b.db").to_str().unwrap().to_owned();
    for _ in 0..2 {
        ends(0, &mut home.command(&["token", "create", "--name", "ada", "--role", "approver", "--db", &other]));
    }
}
