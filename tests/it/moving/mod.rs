//! `countersign export` and `countersign import`: a database of either kind becomes one of the other kind, and back, with all that was in
//! it, or nothing becomes of it.

mod broken;
mod postgres;
mod rich;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use self::postgres::Database;
use self::rich::{Rich, elsewhere};
use crate::harness::outside::{contents, refused, succeeds};
use crate::harness::{Client, Process, altered, confirmation, countersign, token};

/// What a command of the real binary says of a database; it has to succeed.
#[track_caller]
fn says(arguments: &[&str], db: &Path) -> String {
    let output = countersign().args(arguments).arg("--db").arg(db).output().unwrap();
    assert!(output.status.success(), "{arguments:?} {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The command that writes a database into a file.
fn export(db: &Path, to: &Path) -> Command {
    let mut command = countersign();
    command.arg("export").arg(to).arg("--db").arg(db);
    command
}

/// The command that fills a database with a file.
fn import(from: &Path, db: &Path) -> Command {
    let mut command = countersign();
    command.arg("import").arg(from).arg("--db").arg(db);
    command
}

/// A file without the time at which it was written, and so without its digest.
fn timeless(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut header: Value = serde_json::from_str(&lines[0]).unwrap();
    header["writtenAt"].take();
    lines[0] = header.to_string();
    assert!(lines.pop().unwrap().starts_with(r#"{"sha256":""#));
    lines
}

/// A file with these lines, and the digest of them.
fn written(lines: &[String], to: &Path) {
    let mut text = lines.join("\n") + "\n";
    let digest = hex::encode(Sha256::digest(&text));
    text.push_str(&format!("{{\"sha256\":\"{digest}\"}}\n"));
    fs::write(to, text).unwrap();
}

/// The head of the history, the history, the rows of each view, and the lines of an export.
type Told = (String, String, BTreeMap<&'static str, Vec<Vec<String>>>, Vec<String>);

/// Everything that a database tells, by whatever way it is asked.
#[track_caller]
fn told(db: &Path, folder: &Path) -> Told {
    let file = folder.join(format!("told-{}", fs::read_dir(folder).unwrap().count()));
    succeeds(&mut export(db, &file));
    (says(&["audit", "head"], db), says(&["audit", "export"], db), postgres::views(db), timeless(&file))
}

#[test]
fn a_database_is_the_same_in_postgres_and_back_in_a_file() {
    let Some(database) = Database::new() else { return };
    let rich = Rich::large();
    let folder = TempDir::new().unwrap();
    let [there, back] = ["there.jsonl", "back.jsonl"].map(|name| folder.path().join(name));
    let said = succeeds(&mut export(&rich.db, &there));
    assert_eq!(fs::metadata(&there).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(String::from_utf8(said.stderr).unwrap().contains("copy the key file"));
    let header: Value = serde_json::from_str(fs::read_to_string(&there).unwrap().lines().next().unwrap()).unwrap();
    for table in header["tables"].as_array().unwrap() {
        assert_ne!(table["rows"], 0, "the database of this test has rows in every table, but {table}");
    }
    let before = told(&rich.db, folder.path());
    let said = succeeds(&mut import(&there, database.url()));
    assert!(String::from_utf8(said.stdout).unwrap().trim_end().ends_with(&format!("head {}", before.0.trim_end())));
    assert_eq!(told(database.url(), folder.path()), before);
    succeeds(&mut export(database.url(), &back));
    assert_eq!(timeless(&back), timeless(&there));
    let again = folder.path().join("new").join("again.db");
    let said = succeeds(&mut import(&back, &again));
    assert!(String::from_utf8(said.stdout).unwrap().trim_end().ends_with(&format!("head {}", before.0.trim_end())));
    assert_eq!(told(&again, folder.path()), before);
    assert_eq!(contents(again.parent().unwrap()), ["again.db"]);
    for db in [&*again, database.url()] {
        assert!(!says(&["doctor"], db).contains("BROKEN"));
    }
}

/// What was under way goes on: what waits is decided, secrets open, rules decide, sessions and tokens hold, streams continue.
fn goes_on(rich: &Rich, db: &Path) {
    let key = rich.key.to_str().unwrap();
    let process = Process::serve(db, &["--key-file", key, "--accept-clock", "--allow-notice-net", "127.0.0.0/8"]);
    let [agent, ada] = [&rich.builder, &rich.ada].map(|token| Client::new(&process.url, token));
    let head: i64 = says(&["audit", "head"], db).split(':').next().unwrap().parse().unwrap();
    let mut feed = ada.feed(Some(head - 1));
    assert_eq!(feed.next().unwrap().id, head);
    ada.confirm("waits", "allow").expect(200);
    assert_eq!(feed.next().unwrap().id, head + 1);
    agent.post("/v1/interactions/waits/claim", &json!({"claimId": "now"})).expect(200);
    let taken = agent.post("/v1/interactions/kept/secret", &json!({"takeId": "later"})).expect(200).body;
    assert_eq!(taken["value"], "hunter2");
    let command = |command: &str| json!({"confirmation": {"input": {"command": command}}});
    assert_eq!(agent.register(&altered(confirmation("allowed"), &command("make test")))["status"], "approved");
    assert_eq!(agent.register(&altered(confirmation("denied-now"), &command("make clean")))["status"], "rejected");
    assert_eq!(Client::new(&process.url, &rich.revoked).get("/v1/status").status, 401);
    assert!(rich.browser.at(&process.url).page("/").contains("waits-too"));
    assert_eq!(agent.register(&elsewhere("new"))["status"], "pending");
    assert_eq!(process.terminate().0.code(), Some(0));
    says(&["audit", "verify"], db);
}

#[test]
fn a_server_goes_on_in_a_file_that_was_imported() {
    let rich = Rich::new();
    let folder = TempDir::new().unwrap();
    let [file, db] = ["all.jsonl", "new.db"].map(|name| folder.path().join(name));
    succeeds(&mut export(&rich.db, &file));
    succeeds(&mut import(&file, &db));
    goes_on(&rich, &db);
    assert!(!says(&["doctor"], &db).contains("BROKEN"));
}

#[test]
fn a_server_goes_on_in_postgres_with_what_was_imported() {
    let Some(database) = Database::new() else { return };
    let rich = Rich::new();
    let folder = TempDir::new().unwrap();
    let [file, back, db] = ["all.jsonl", "back.jsonl", "back.db"].map(|name| folder.path().join(name));
    succeeds(&mut export(&rich.db, &file));
    succeeds(&mut import(&file, database.url()));
    goes_on(&rich, database.url());
    // What has happened there is found in order where it is examined.
    succeeds(&mut export(database.url(), &back));
    succeeds(&mut import(&back, &db));
}

#[test]
fn an_export_beside_a_server_has_what_was_acknowledged_and_goes_through_a_pipe() {
    let folder = TempDir::new().unwrap();
    let [db, other] = ["test.db", "other.db"].map(|name| folder.path().join(name));
    let builder = token(&db, "builder", "agent");
    let process = Process::serve(&db, &[]);
    let agent = Client::new(&process.url, &builder);
    for number in 0..100 {
        agent.register(&confirmation(&format!("c{number}")));
    }
    let mut exporting = export(&db, Path::new("-")).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut importing = import(Path::new("-"), &other);
    succeeds(importing.stdin(exporting.stdout.take().unwrap()));
    assert!(exporting.wait().unwrap().success());
    assert_eq!(says(&["audit", "head"], &other), says(&["audit", "head"], &db));
    agent.register(&confirmation("after"));
    assert_eq!(process.terminate().0.code(), Some(0));
}

/// Only what is new is written, and what is there stays as it is.
#[test]
fn nothing_that_is_there_is_written_over() {
    let rich = Rich::new();
    let folder = TempDir::new().unwrap();
    let [file, db] = ["all.jsonl", "new.db"].map(|name| folder.path().join(name));
    succeeds(&mut export(&rich.db, &file));
    let before = fs::read(&file).unwrap();
    assert!(refused(&mut export(&rich.db, &file)).contains("is there already"));
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(refused(&mut export(&rich.db, &folder.path().join("none/all.jsonl"))).contains("there is no directory"));
    assert!(
        refused(&mut export(&folder.path().join("none.db"), &folder.path().join("none.jsonl"))).contains("no database")
    );
    for (name, text) in [("new.db", "something"), ("left.db-wal", "a log"), ("empty.db", "")] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for name in ["new.db", "left.db", "empty.db"] {
        assert!(refused(&mut import(&file, &folder.path().join(name))).contains("is there already"), "{name}");
    }
    assert_eq!(fs::read_to_string(&db).unwrap(), "something");
    assert_eq!(contents(folder.path()), ["all.jsonl", "empty.db", "left.db-wal", "new.db"]);
    assert!(
        refused(&mut import(&folder.path().join("none.jsonl"), &folder.path().join("x.db"))).contains("cannot be read")
    );
}

#[test]
fn a_database_of_postgres_that_is_in_use_is_not_filled() {
    let Some(database) = Database::new() else { return };
    let rich = Rich::new();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("all.jsonl");
    succeeds(&mut export(&rich.db, &file));
    let key = folder.path().join("other.key");
    let process = Process::serve(database.url(), &["--no-first-tokens", "--key-file", key.to_str().unwrap()]);
    assert!(refused(&mut import(&file, database.url())).contains("servers are using"));
    assert_eq!(process.terminate().0.code(), Some(0));
    // Its tables are there and empty: that is as good as new.
    succeeds(&mut import(&file, database.url()));
    let head = says(&["audit", "head"], database.url());
    assert!(refused(&mut import(&file, database.url())).contains("is not empty"));
    assert_eq!(says(&["audit", "head"], database.url()), head);
}

/// The path of a file with the rich database in it.
fn exported(folder: &TempDir) -> (Rich, PathBuf) {
    let (rich, file) = (Rich::new(), folder.path().join("all.jsonl"));
    succeeds(&mut export(&rich.db, &file));
    (rich, file)
}
