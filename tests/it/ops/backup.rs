//! `countersign backup`: a copy that was made under load is whole, and serves in the place of what was lost.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::killed::{can_kill, survives};
use crate::harness::outside::{contents, refused, succeeds, write_sql};
use crate::harness::{Client, Process, TestServer, confirmation, countersign, secret, token, until};

fn backup(db: &Path, to: &Path) -> Command {
    let mut command = countersign();
    command.args(["backup", "--db"]).arg(db).arg(to);
    command
}

#[test]
fn a_backup_made_under_load_has_all_that_was_acknowledged_and_serves_in_its_place() {
    let directory = TempDir::new().unwrap();
    let (db, copies) = (directory.path().join("test.db"), directory.path().join("copies"));
    fs::create_dir(&copies).unwrap();
    let (builder, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let process = Process::serve(&db, &[]);
    let [agent, approver] = [&builder, &ada].map(|token| Client::new(&process.url, token));
    agent.register(&secret("s"));
    approver.post("/v1/secret", &json!({"requestId": "s", "value": "hush"})).expect(200);
    let (acknowledged, is_done) = (AtomicU32::new(0), AtomicBool::new(false));
    let (copy, before) = (
        copies.join("copy.db"),
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    agent.register(&confirmation(&format!("c{number}")));
                    approver.confirm(&format!("c{number}"), "allow").expect(200);
                    acknowledged.store(number + 1, Ordering::Relaxed);
                }
            });
            until(|| acknowledged.load(Ordering::Relaxed) > 20);
            let before = acknowledged.load(Ordering::Relaxed);
            let output = succeeds(&mut backup(&db, &copies.join("copy.db")));
            is_done.store(true, Ordering::Relaxed);
            assert!(String::from_utf8_lossy(&output.stderr).contains("key"), "{output:?}");
            before
        }),
    );
    assert_eq!(contents(&copies), ["copy.db"]);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(process.terminate().0.code(), Some(0));
    // The restore, as docs/operations/backup.md says it.
    fs::write(&db, "lost").unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", db.display()));
    }
    fs::copy(&copy, &db).unwrap();
    let process = Process::serve(&db, &[]);
    let agent = Client::new(&process.url, &builder);
    for number in 0..before {
        assert_eq!(agent.look(&format!("c{number}"))["status"], "approved");
    }
    assert_eq!(agent.post_nothing("/v1/interactions/s/secret").expect(200).body["value"], "hush");
    agent.register(&confirmation("after"));
    succeeds(countersign().args(["doctor", "--db"]).arg(&db));
    succeeds(countersign().args(["audit", "verify", "--db"]).arg(&db));
}

#[test]
fn a_backup_writes_over_nothing_and_keeps_nothing_that_is_not_in_order() {
    let server = TestServer::start();
    server.agent("builder").register(&confirmation("c"));
    let copies = TempDir::new().unwrap();
    let copy = copies.path().join("copy.db");
    fs::write(&copy, "mine").unwrap();
    assert!(refused(&mut backup(&server.db(), &copy)).contains("is there already"));
    assert_eq!(fs::read(&copy).unwrap(), b"mine");
    fs::remove_file(&copy).unwrap();
    write_sql(&server.db(), "INSERT INTO own_events VALUES ('builder', 99)").unwrap();
    let sentence = refused(&mut backup(&server.db(), &copy));
    assert!(sentence.contains("is its owner's"), "{sentence}");
    assert_eq!(contents(copies.path()), Vec::<String>::new());
}

#[test]
fn what_a_killed_backup_has_left_is_removed_by_the_next_one_and_what_a_live_one_makes_is_not() {
    if !can_kill() {
        writeln!(std::io::stderr(), "skipped: strace is not here, or may not trace").unwrap();
        return;
    }
    let server = TestServer::start();
    let copies = TempDir::new().unwrap();
    let [killed, whole] = ["killed.db", "whole.db"].map(|name| copies.path().join(name));
    let db = server.db();
    let arguments = |to: &Path| ["backup", "--db", db.to_str().unwrap(), to.to_str().unwrap()].map(str::to_owned);
    let killed = arguments(&killed);
    assert!(!survives("pwrite64", 9, &killed.each_ref().map(String::as_str)), "it was not killed");
    assert!(contents(copies.path())[0].ends_with(".partial"));
    let live = format!("live.db.{}.partial", uuid::Uuid::now_v7());
    let locked = fs::File::create(copies.path().join(&live)).unwrap();
    locked.lock_shared().unwrap();
    fs::write(copies.path().join("mine.partial"), "").unwrap();
    succeeds(&mut backup(&db, &whole));
    assert_eq!(contents(copies.path()), [live.as_str(), "mine.partial", "whole.db"]);
}

#[test]
fn a_backup_for_which_there_is_no_room_leaves_nothing() {
    let server = TestServer::start();
    let copies = TempDir::new().unwrap();
    let command = backup(&server.db(), &copies.path().join("copy.db"));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=pwrite64:error=ENOSPC:when=9+"]);
    strace.arg(command.get_program()).args(command.get_args());
    let Ok(output) = strace.output() else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("the disk is full"), "{said}");
    assert_eq!(contents(copies.path()), Vec::<String>::new());
}

#[test]
fn backups_that_are_kept_are_named_by_time_and_only_they_are_removed() {
    let directory = TempDir::new().unwrap();
    let (db, copies) = (directory.path().join("test.db"), directory.path().join("copies"));
    fs::create_dir(&copies).unwrap();
    token(&db, "builder", "agent");
    let others = [
        "countersign-20200101T000000.000Z.db.old",
        "countersign-2020.db",
        "mine.db",
        "countersign-20200101T000000.000Z.db.key",
    ];
    for other in others {
        fs::write(copies.join(other), "mine").unwrap();
    }
    fs::create_dir(copies.join("countersign-20190101T000000.000Z.db")).unwrap();
    for old in ["countersign-20200101T000000.000Z.db", "countersign-20200102T000000.000Z.db"] {
        fs::write(copies.join(old), "an old one").unwrap();
    }
    // A clock that was ahead once: the new one is not taken for the oldest.
    fs::write(copies.join("countersign-29990101T000000.000Z.db"), "ahead").unwrap();
    let keep = |count: &str| succeeds(backup(&db, &copies).args(["--keep", count]));
    let said = String::from_utf8(keep("3").stdout).unwrap();
    assert!(said.contains("20200101T000000.000Z.db is removed"), "{said}");
    assert_eq!(contents(&copies).len(), others.len() + 1 + 3, "{:?}", contents(&copies));
    let said = String::from_utf8(keep("1").stdout).unwrap();
    let made = said.lines().next().unwrap().strip_suffix(" is written and verified").unwrap().to_owned();
    let left = contents(&copies);
    assert!(left.contains(&Path::new(&made).file_name().unwrap().to_str().unwrap().to_owned()), "{left:?}");
    assert_eq!(left.len(), others.len() + 1 + 1, "{left:?}");
    for other in others {
        assert!(left.contains(&other.to_owned()), "{other} is gone");
    }
    drop(Process::serve(Path::new(&made), &[]));
    // Where no new one can be made, none of the old ones goes.
    let before = contents(&copies);
    let missing = directory.path().join("missing.db");
    refused(backup(&missing, &copies).args(["--keep", "1"]));
    assert_eq!(contents(&copies), before);
    assert_eq!(backup(&db, &copies).args(["--keep", "0"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_token_that_was_revoked_by_sql_is_a_warning_of_a_backup_and_a_finding_of_the_doctor() {
    let directory = TempDir::new().unwrap();
    let (db, copy) = (directory.path().join("test.db"), directory.path().join("copy.db"));
    token(&db, "builder", "agent");
    write_sql(&db, "UPDATE tokens SET revoked_at_ms = created_at_ms").unwrap();
    let output = succeeds(&mut backup(&db, &copy));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("warning: ") && said.contains("every token, and whether it is revoked"), "{said}");
    let doctor = countersign().args(["doctor", "--db"]).arg(&copy).output().unwrap();
    assert_eq!(doctor.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("BROKEN  every token"), "{doctor:?}");
}

#[test]
fn the_tables_of_litestream_keep_nobody_from_a_backup() {
    let directory = TempDir::new().unwrap();
    let (db, copy) = (directory.path().join("test.db"), directory.path().join("copy.db"));
    token(&db, "builder", "agent");
    write_sql(&db, "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); CREATE TABLE _litestream_lock (id INTEGER)")
        .unwrap();
    succeeds(&mut backup(&db, &copy));
    drop(Process::serve(&copy, &[]));
}
