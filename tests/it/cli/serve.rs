//! The commands on the server's own machine: `serve` and `token`, their flags and their environment.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::outside::refused;
use crate::harness::terminal::Terminal;
use crate::harness::{
    Client, Database, Named as _, Process, confirmation, countersign, key_file, question, secret, signal, sql, token,
};

/// Runs a command on `db` to its end.
fn run(db: &Path, arguments: &[&str]) -> Output {
    countersign().args(arguments).arg("--db").arg(db).output().unwrap()
}

/// What a command that succeeds says on stdout.
#[track_caller]
fn said(db: &Path, arguments: &[&str]) -> String {
    let output = run(db, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn permissions(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Starts the server with its stderr in a file; what it has said there by the time it listens.
fn introduced(directory: &Path, db: &Path) -> (Process, String) {
    let log = directory.join("stderr");
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0"]).named(db);
    let process = Process::spawn(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
    (process, fs::read_to_string(log).unwrap())
}

#[test]
fn a_token_made_before_there_is_a_database_makes_one_for_its_owner_alone() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("new/folder/test.db");
    let agent = token(&db, "builder", "agent");
    assert!(agent.starts_with("csgn_") && agent.len() > 40, "{agent}");
    assert_eq!(permissions(&db), 0o600);
    let process = Process::serve(&db, &[]);
    assert_eq!(permissions(&directory.path().join("new/folder/test.db.key")), 0o600);
    Client::new(&process.url, &agent).register(&confirmation("c"));
}

#[test]
fn a_token_made_or_revoked_beside_a_running_server_is_so_for_the_next_request() {
    let db = Database::new();
    let first = token(&db, "builder", "agent");
    let process = Process::serve(&db, &[]);
    let clients = [first, token(&db, "builder", "agent")].map(|token| Client::new(&process.url, &token));
    for client in &clients {
        client.get("/v1/interactions").expect(200);
    }
    let list = said(&db, &["token", "list"]);
    let ids: Vec<&str> = list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(ids.len(), 2, "{list}");
    assert!(!list.contains("csgn_"), "a token cannot be shown again");
    said(&db, &["token", "revoke", "--id", ids[0]]);
    let statuses = || clients.each_ref().map(|client| client.get("/v1/interactions").status);
    assert_eq!(statuses(), [401, 200]);
    assert!(said(&db, &["token", "revoke", "--id", ids[0]]).contains("was revoked already"));
    said(&db, &["token", "revoke", "--name", "builder"]);
    assert_eq!(statuses(), [401, 401]);
    let revoked = said(&db, &["token", "list"]);
    assert_eq!(revoked.lines().skip(1).filter(|line| !line.contains("  -  ")).count(), 2, "{revoked}");
    assert_eq!(
        sql(&db, "SELECT event, principal FROM audit_events ORDER BY seq"),
        ["token.created", "token.created", "token.revoked", "token.revoked"]
            .map(|event| [json!(event), json!("builder")])
    );
}

#[test]
fn a_name_has_one_role_and_another_is_refused() {
    let db = Database::new();
    token(&db, "ada", "approver");
    let before = (said(&db, &["token", "list"]), sql(&db, "SELECT count(*) FROM audit_events"));
    for role in ["agent", "auditor", "admin"] {
        let sentence =
            refused(countersign().args(["token", "create", "--name", "ada", "--role", role, "--db"]).arg(&db));
        assert!(sentence.contains("ada") && sentence.contains("approver"), "{sentence}");
    }
    assert_eq!((said(&db, &["token", "list"]), sql(&db, "SELECT count(*) FROM audit_events")), before);
}

#[test]
fn listing_or_revoking_where_there_is_nothing_is_refused_in_a_sentence() {
    let db = Database::new();
    refused(countersign().args(["token", "list", "--db"]).arg(&db));
    assert!(!db.exists(), "looking makes no database");
    token(&db, "ada", "approver");
    refused(countersign().args(["token", "revoke", "--name", "bob", "--db"]).arg(&db));
    refused(countersign().args(["token", "revoke", "--id", "nowhere", "--db"]).arg(&db));
}

#[test]
fn what_cannot_be_understood_is_a_usage_error_with_exit_code_2() {
    let db = Database::new();
    for arguments in [
        &["fly"][..],
        &[],
        &["token"],
        &["token", "create", "--name", "ada"],
        &["token", "create", "--name", "a b", "--role", "agent"],
        &["token", "create", "--name", "ada", "--role", "king"],
        &["token", "revoke"],
        &["token", "revoke", "--id", "x", "--name", "y"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--default-ttl", "soon"],
        &["serve", "--readers", "0"],
        &["serve", "--no-such-flag"],
    ] {
        let output = run(&db, arguments);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert!(!db.exists());
}

#[test]
fn every_flag_of_the_server_has_an_environment_variable_and_says_its_default() {
    let help = countersign().env_remove("COUNTERSIGN_CREDENTIALS_FILE").args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags: Vec<&str> = help.split("\n      --").skip(1).collect();
    let mut known = 0;
    for flag in flags {
        let name = flag.split([' ', '\n']).next().unwrap();
        // A loss is accepted once, by whoever starts the server.
        if name == "accept-loss" {
            continue;
        }
        let text = flag.split_whitespace().collect::<Vec<_>>().join(" ");
        let variable = format!("[env: COUNTERSIGN_{}", name.to_uppercase().replace('-', "_"));
        // What may hold a password is not shown.
        let is_named = [format!("{variable}=]"), format!("{variable}]")].iter().any(|variable| text.contains(variable));
        assert!(is_named, "--{name} has no {variable}: {text}");
        known += 1;
        let is_off_by_default =
            ["allow-self-approval", "no-first-tokens", "require-acknowledgements", "accept-clock"].contains(&name);
        assert!(text.contains("[default: ") || is_off_by_default, "--{name} does not say its default");
    }
    assert!(known >= 13, "{help}");
    for default in ["24h", "1048576", "16384", "262144", "1024", "10000", "100000", "127.0.0.1:7711"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}");
    }
}

#[test]
fn the_environment_says_what_the_flags_say_and_the_flags_win() {
    let db = Database::new();
    let variables =
        [("COUNTERSIGN_LISTEN", "127.0.0.1:0"), ("COUNTERSIGN_MAX_PENDING", "1"), ("COUNTERSIGN_DEFAULT_TTL", "none")];
    let made =
        countersign().env("COUNTERSIGN_DB", &db).args(["token", "create", "--name", "a", "--role", "agent"]).output();
    let token = String::from_utf8(made.unwrap().stdout).unwrap();
    for (flags, taken, refused) in [(&[][..], "first", "second"), (&["--max-pending", "2"], "second", "third")] {
        let mut command = countersign();
        command
            .envs(variables)
            .env("COUNTERSIGN_DB", &db)
            .env("COUNTERSIGN_KEY_FILE", key_file(&db))
            .arg("serve")
            .args(flags);
        let process = Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let agent = Client::new(&process.url, token.trim());
        assert_eq!(agent.register(&confirmation(taken))["expiresAt"], json!(null));
        assert_eq!(agent.post("/v1/interactions", &confirmation(refused)).refusal(), (429, "too_many_pending"));
    }
}

#[test]
fn the_first_start_shows_two_tokens_and_two_lines_that_work_and_the_second_none() {
    let directory = TempDir::new().unwrap();
    let db = Database::new();
    let (process, shown) = introduced(directory.path(), &db);
    let token_of = |role: &str| {
        let mut lines = shown.lines().map(str::trim).filter_map(|line| line.strip_prefix(role));
        lines.next().unwrap_or_else(|| panic!("no {role} in {shown}")).trim().to_owned()
    };
    let [agent, ada] = ["agent ", "approver "].map(|role| Client::new(&process.url, &token_of(role)));
    agent.register(&confirmation("c"));
    ada.confirm("c", "allow").expect(200);
    let lines: Vec<&str> = shown.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), 2, "{shown}");
    for line in &lines {
        match Command::new("sh").args(["-c", line]).output() {
            Ok(output) if output.status.code() == Some(127) => return,
            output => assert!(output.as_ref().is_ok_and(|output| output.status.success()), "{line}: {output:?}"),
        }
    }
    assert_eq!(agent.look("first")["status"], "approved");
    assert_eq!(process.terminate().0.code(), Some(0));
    let (_process, shown) = introduced(directory.path(), &db);
    assert!(!shown.contains("csgn_") && !shown.contains("curl"), "{shown}");
}

#[test]
fn each_start_in_a_terminal_shows_a_link_to_log_in() {
    let db = Database::new();
    let links = [(); 2].map(|()| {
        let terminal = Terminal::run(countersign().args(["serve", "--listen", "127.0.0.1:0"]).named(&db));
        let screen = terminal.shows("listening on");
        assert!(screen.contains("`countersign login` makes more"), "{screen}");
        signal(terminal.id(), "TERM");
        let sent = terminal.sent();
        terminal.ended();
        sent.split("/login#").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    });
    assert_ne!(links[0], links[1]);
}

/// Such an address is one to listen at, and none to call.
#[test]
fn a_server_for_all_interfaces_shows_addresses_that_can_be_called_and_warns_of_plain_http() {
    let directory = TempDir::new().unwrap();
    let start = |db: &str, more: &[&str]| {
        let log = directory.path().join("stderr");
        let mut command = countersign();
        command.args(["serve", "--listen", "0.0.0.0:0"]).args(more).arg("--db").arg(directory.path().join(db));
        let process = Process::spawn(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
        assert!(process.terminate().0.success());
        fs::read_to_string(log).unwrap()
    };
    let said = start("all.db", &[]);
    assert!(said.contains("  http://127.0.0.1:") && said.contains("/login#"), "{said}");
    assert!(said.lines().filter(|line| line.contains("0.0.0.0")).all(|line| line.contains("serving")), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("plain HTTP")).count(), 1, "{said}");
    let said = start("named.db", &["--public-url", "http://192.0.2.7:7711"]);
    assert!(said.contains("  http://192.0.2.7:7711/login#") && !said.contains("plain HTTP"), "{said}");
}

#[test]
fn without_a_flag_the_database_is_under_the_xdg_data_directory() {
    let directory = TempDir::new().unwrap();
    let (xdg, home) = (directory.path().join("xdg"), directory.path().join("home"));
    for (variables, expected) in [
        (vec![("XDG_DATA_HOME", &xdg), ("HOME", &home)], xdg.join("countersign/countersign.db")),
        (vec![("HOME", &home)], home.join(".local/share/countersign/countersign.db")),
    ] {
        assert!(!expected.exists());
        let mut command = countersign();
        command.envs(variables).args(["serve", "--listen", "127.0.0.1:0"]);
        let process = Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        assert!(process.url.starts_with("http://127.0.0.1:") && !process.url.ends_with(":0"), "{}", process.url);
        assert_eq!((permissions(&expected), permissions(&expected.with_extension("db.key"))), (0o600, 0o600));
    }
}

#[test]
fn without_first_tokens_a_new_database_has_none_and_those_made_beside_it_work() {
    let directory = TempDir::new().unwrap();
    let db = Database::new();
    let log = directory.path().join("stderr");
    let mut command = countersign();
    command.args(["serve", "--no-first-tokens", "--listen", "127.0.0.1:0"]).named(&db);
    let process = Process::spawn(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
    let said = fs::read_to_string(log).unwrap();
    assert!(!said.contains("csgn_") && !said.contains("/login#"), "{said}");
    assert_eq!(sql(&db, "SELECT count(*) FROM tokens"), [[json!(0)]]);
    Client::new(&process.url, &token(&db, "builder", "agent")).register(&confirmation("c"));
}

#[test]
fn a_revoked_agent_leaves_nothing_behind_where_that_is_asked_for() {
    let db = Database::new();
    let [agent, other] = ["builder", "other"].map(|name| token(&db, name, "agent"));
    let ada = token(&db, "ada", "approver");
    let process = Process::serve(&db, &[]);
    let [agent, other, ada] = [agent, other, ada].map(|token| Client::new(&process.url, &token));
    for registration in [confirmation("c"), secret("s"), question("q")] {
        agent.register(&registration);
    }
    other.register(&confirmation("quiet"));
    for (by, why) in [("nobody", "no approver"), ("other", "no approver"), ("builder", "no approver")] {
        let refused = run(&db, &["token", "revoke", "--name", "builder", "--reject-pending", "--by", by]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(why), "{refused:?}");
    }
    agent.get("/v1/interactions").expect(200);
    let revoked = run(&db, &["token", "revoke", "--name", "builder"]);
    assert!(String::from_utf8_lossy(&revoked.stderr).contains("3 of builder are still pending"), "{revoked:?}");
    assert_eq!(ada.look("c")["status"], "pending");
    let rejected = said(&db, &["token", "revoke", "--name", "builder", "--reject-pending", "--by", "ada"]);
    assert!(rejected.ends_with("\nrejected 3 pending of builder\n"), "{rejected}");
    assert_eq!(["c", "s", "q"].map(|id| ada.look(id)["status"].clone()), ["rejected", "cancelled", "cancelled"]);
    assert_eq!(ada.look("c")["resolution"]["resolvedBy"]["principal"], "ada");
    assert_eq!(other.look("quiet")["status"], "pending");
    let told = "SELECT request_id, principal FROM audit_events WHERE event IN ('interaction.rejected', 'interaction.cancelled')";
    assert_eq!(sql(&db, told), ["c", "s", "q"].map(|id| [json!(id), json!("ada")]));
}
