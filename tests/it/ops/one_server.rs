//! One file has one server, whatever the file is called; and a server whose files are gone acknowledges nothing more.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::harness::outside::{contents, refused, write_sql};
use crate::harness::{Client, Process, altered, confirmation, countersign, signal, sql, token, until};

/// A server of the real binary, with an agent.
pub(super) struct Served {
    pub(super) directory: TempDir,
    pub(super) process: Process,
    pub(super) agent: Client,
}

impl Served {
    pub(super) fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let db = directory.path().join("test.db");
        let agent = token(&db, "builder", "agent");
        let process = Process::serve(&db, &[]);
        let agent = Client::new(&process.url, &agent);
        Self { directory, process, agent }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn db(&self) -> PathBuf {
        self.path("test.db")
    }

    /// Registers `c0` and so on, so many, each acknowledged.
    pub(super) fn register(&self, count: u32) {
        for number in 0..count {
            self.agent.register(&confirmation(&format!("c{number}")));
        }
    }

    /// Awaits the end that the server comes to by itself; what it said, and its folder.
    #[track_caller]
    fn ended(self) -> (String, TempDir) {
        self.ended_since("was removed or replaced")
    }

    #[track_caller]
    pub(super) fn ended_since(mut self, why: &str) -> (String, TempDir) {
        let (status, _, err) = self.process.ended();
        assert_eq!(status.code(), Some(1), "{err}");
        assert!(err.contains(why), "{err}");
        (err, self.directory)
    }
}

pub(super) fn serve(db: &Path) -> Command {
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(db);
    command
}

fn revoke(db: &Path) -> Command {
    let mut command = countersign();
    command.args(["token", "revoke", "--name", "builder", "--db"]).arg(db);
    command
}

/// Every command that opens a database, on this one.
fn commands(db: &Path) -> Vec<Command> {
    let rules = db.with_file_name("rules.toml");
    fs::write(&rules, "").unwrap();
    let backup = db.with_file_name("copy.db");
    let arguments: [&[&str]; 9] = [
        &["serve", "--listen", "127.0.0.1:0"],
        &["token", "create", "--name", "eve", "--role", "admin"],
        &["token", "revoke", "--name", "builder"],
        &["token", "list"],
        &["rules", "import", "--by", "ada", rules.to_str().unwrap()],
        &["key", "rotate"],
        &["audit", "verify"],
        &["doctor"],
        &["backup", backup.to_str().unwrap()],
    ];
    let command = |arguments: &&[&str]| {
        let mut command = countersign();
        command.args(*arguments).arg("--db").arg(db);
        command
    };
    arguments.iter().map(command).collect()
}

#[test]
fn a_file_with_two_hard_links_is_used_by_no_command_and_keeps_what_was_acknowledged() {
    let served = Served::start();
    fs::create_dir(served.path("other")).unwrap();
    let other = served.path("other/x.db");
    fs::hard_link(served.db(), &other).unwrap();
    for mut command in commands(&other) {
        let sentence = refused(&mut command);
        assert!(sentence.contains("more than one name"), "{command:?}: {sentence}");
    }
    assert_eq!(contents(&served.path("other")), ["rules.toml", "x.db"], "something was made");
    served.register(20);
    assert_eq!(served.process.terminate().0.code(), Some(0));
    let db = served.directory.path().join("test.db");
    assert!(refused(&mut serve(&db)).contains("more than one name"));
    fs::remove_file(other).unwrap();
    drop(Process::serve(&db, &[]));
    assert_eq!(sql(&db, "SELECT count(*) FROM interactions"), [[json!(20)]]);
}

#[test]
fn a_file_that_is_mounted_elsewhere_is_used_by_no_command_while_a_server_has_it() {
    let served = Served::start();
    fs::create_dir(served.path("other")).unwrap();
    let other = served.path("other/x.db");
    fs::write(&other, "").unwrap();
    let mounted = Command::new("mount").arg("--bind").arg(served.db()).arg(&other).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        writeln!(std::io::stderr(), "skipped: this user may not mount").unwrap();
        return;
    }
    let refusals = commands(&other).into_iter().map(|mut command| refused(&mut command)).collect::<Vec<_>>();
    assert!(Command::new("umount").arg(&other).status().unwrap().success());
    for sentence in refusals {
        assert!(sentence.contains("not by this name"), "{sentence}");
    }
    assert_eq!(contents(&served.path("other")), ["rules.toml", "x.db"], "something was made");
    served.register(1);
}

#[test]
fn a_symbolic_link_leads_to_the_same_server() {
    let served = Served::start();
    let link = served.path("link.db");
    symlink(served.db(), &link).unwrap();
    assert!(refused(&mut serve(&link)).contains("another countersign server"));
    assert!(revoke(&link).status().unwrap().success());
    assert_eq!(served.agent.get("/v1/interactions").refusal(), (401, "unauthenticated"));
}

#[test]
fn a_server_whose_lock_is_removed_or_replaced_stops_and_leaves_no_second_one_beside_it() {
    for is_replaced in [false, true] {
        let served = Served::start();
        served.register(20);
        fs::remove_file(served.path("test.db.lock")).unwrap();
        if is_replaced {
            fs::write(served.path("test.db.lock"), "").unwrap();
        }
        let (_, directory) = served.ended();
        let db = directory.path().join("test.db");
        assert_eq!(sql(&db, "SELECT count(*) FROM interactions"), [[json!(20)]]);
        drop(Process::serve(&db, &[]));
    }
}

#[test]
fn a_token_is_not_revoked_past_a_server_whose_lock_was_removed() {
    let served = Served::start();
    // Held, so that it notices nothing for now.
    signal(served.process.id(), "STOP");
    fs::remove_file(served.path("test.db.lock")).unwrap();
    let sentence = refused(&mut revoke(&served.db()));
    assert!(sentence.contains("not by this name"), "{sentence}");
    assert!(!served.path("test.db.lock").exists(), "a lock was made beside a server that does not hold it");
    assert!(refused(&mut serve(&served.db())).contains("not by this name"));
    assert_eq!(sql(&served.db(), "SELECT count(*) FROM tokens WHERE revoked_at_ms IS NOT NULL"), [[json!(0)]]);
    signal(served.process.id(), "CONT");
    served.ended();
}

#[test]
fn nothing_is_acknowledged_once_the_database_is_removed_or_replaced() {
    for is_replaced in [false, true] {
        let served = Served::start();
        served.register(20);
        let moved = served.path("moved.db");
        fs::rename(served.db(), &moved).unwrap();
        if is_replaced {
            fs::copy(&moved, served.db()).unwrap();
        }
        assert_eq!(served.agent.post("/v1/interactions", &confirmation("late")).refusal(), (503, "shutting_down"));
        let (_, directory) = served.ended();
        let moved = directory.path().join("moved.db");
        assert_eq!(
            sql(&moved, "SELECT count(*) FROM interactions WHERE request_id <> 'late'"),
            [[json!(20)]],
            "what was acknowledged is not in the file that the server had open"
        );
        let log = fs::metadata(directory.path().join("test.db-wal")).map_or(0, |log| log.len());
        assert_eq!(log, 0, "a log was left beside a database that it does not belong to");
    }
}

#[test]
fn what_was_acknowledged_before_the_write_ahead_log_was_removed_is_kept() {
    for ending in ["-wal", "-shm"] {
        let served = Served::start();
        served.register(20);
        fs::remove_file(served.path(&format!("test.db{ending}"))).unwrap();
        let refusal = served.agent.post("/v1/interactions", &confirmation("late"));
        assert_eq!(refusal.refusal(), (503, "shutting_down"), "{ending}");
        let (_, directory) = served.ended();
        let process = Process::serve(&directory.path().join("test.db"), &[]);
        let db = directory.path().join("test.db");
        let kept = sql(&db, "SELECT count(*) FROM interactions WHERE request_id <> 'late'");
        assert_eq!(kept, [[json!(20)]], "{ending}");
        process.kill();
    }
}

#[test]
fn nothing_is_acknowledged_once_a_file_is_cut_short_and_the_rest_is_whole() {
    for (name, is_idle) in [("test.db", false), ("test.db", true), ("test.db-wal", false), ("test.db-wal", true)] {
        let served = Served::start();
        served.register(20);
        fs::File::options().write(true).open(served.path(name)).unwrap().set_len(0).unwrap();
        if !is_idle {
            let refusal = served.agent.post("/v1/interactions", &confirmation("late"));
            assert_eq!(refusal.refusal(), (503, "shutting_down"), "{name}");
        }
        let (_, directory) = served.ended_since("was cut short");
        if name == "test.db-wal" {
            let doctor = countersign().args(["doctor", "--db"]).arg(directory.path().join("test.db")).output().unwrap();
            assert!(doctor.status.success(), "{doctor:?}");
        }
    }
}

#[test]
fn an_idle_server_notices_that_its_database_is_gone() {
    let served = Served::start();
    fs::remove_file(served.db()).unwrap();
    served.ended();
}

#[test]
fn a_token_that_another_program_revokes_is_refused_on_the_very_next_request() {
    let served = Served::start();
    let kept = Client::new(&served.process.url, &token(&served.db(), "other", "agent"));
    // The server's own commits in between are not to hide the others'.
    served.register(3);
    for round in 0..20 {
        let name = format!("agent{round}");
        let gone = Client::new(&served.process.url, &token(&served.db(), &name, "agent"));
        gone.register(&confirmation(&name));
        let revoked = format!("UPDATE tokens SET revoked_at_ms = created_at_ms WHERE principal = '{name}'");
        write_sql(&served.db(), &revoked).unwrap();
        assert_eq!(gone.get("/v1/interactions").refusal(), (401, "unauthenticated"), "round {round}");
        kept.register(&confirmation(&format!("kept{round}")));
        assert_eq!(gone.get("/v1/interactions").refusal(), (401, "unauthenticated"), "round {round}");
    }
}

#[test]
fn a_commit_of_the_servers_own_does_not_hide_that_a_token_was_revoked_before_it() {
    let served = Served::start();
    served.agent.register(&altered(confirmation("brief"), &json!({"expiresInMs": 1000})));
    served.agent.look("brief");
    write_sql(&served.db(), "UPDATE tokens SET revoked_at_ms = created_at_ms").unwrap();
    // The server lets it expire by itself: no request looks at the tokens before that commit.
    until(|| sql(&served.db(), "SELECT status FROM interactions") == [[json!("expired")]]);
    assert_eq!(served.agent.get("/v1/interactions").refusal(), (401, "unauthenticated"));
}

#[test]
fn a_token_is_revoked_once_and_a_second_time_is_no_failure() {
    let served = Served::start();
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&mut revoke(&served.db())).starts_with("revoked "));
    assert!(run(&mut revoke(&served.db())).contains("of builder was revoked already, at "));
    let events = "SELECT count(*) FROM audit_events WHERE event = 'token.revoked'";
    assert_eq!(sql(&served.db(), events), [[json!(1)]]);
    let mut unknown = countersign();
    unknown.args(["token", "revoke", "--name", "nobody", "--db"]).arg(served.db());
    assert!(refused(&mut unknown).contains("no such token"));
}
