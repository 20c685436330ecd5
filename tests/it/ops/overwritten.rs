//! A database that is written over where it lies, or filled with another one: nothing more is acknowledged, and nothing of
//! what was there is mixed into what is there now. What the `sqlite3` shell does in order goes on.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;
use serde_json::json;

use super::one_server::{Served, serve};
use crate::harness::outside::{refused, write_sql};
use crate::harness::{Client, Process, confirmation, countersign, sql, token, until};

/// Another database, with its own history, in the same directory; nothing has it open.
fn other(served: &Served) -> PathBuf {
    let db = served.path("other.db");
    token(&db, "stranger", "agent");
    db
}

/// Writes over a file where it lies, as `cp` and `dd conv=notrunc` do.
fn write_over(path: &Path, at: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

/// Registers something that is not acknowledged: it is refused, or the server has noticed by itself and is gone.
#[track_caller]
fn asks_in_vain(served: &Served) {
    let headers = [("content-type", "application/json")];
    let body = confirmation("late").to_string();
    if let Ok(answer) = served.agent.try_send("POST", "/v1/interactions", &headers, Some(body.as_bytes())) {
        // The token may be gone with the database that it was in.
        assert!([401, 503].contains(&answer.status), "{answer:?}");
    }
}

/// The names of the logs that were moved aside.
fn left_logs(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "left")).collect()
}

#[test]
fn nothing_is_acknowledged_once_the_database_is_written_over_and_what_is_there_stays_as_it_is() {
    for is_idle in [false, true] {
        let served = Served::start();
        served.register(20);
        let written = fs::read(other(&served)).unwrap();
        write_over(&served.db(), 0, &written);
        if !is_idle {
            asks_in_vain(&served);
        }
        let (_, directory) = served.ended_since("was written over where it lies");
        let db = directory.path().join("test.db");
        assert!(fs::read(&db).unwrap().starts_with(&written), "the server has written to it");
        assert!(
            !directory.path().join("test.db-wal").exists(),
            "a log is beside a database that it does not belong to"
        );
        assert_eq!(left_logs(directory.path()).len(), 1);
        File::options().write(true).open(&db).unwrap().set_len(written.len() as u64).unwrap();
        drop(Process::serve(&db, &[]));
        assert_eq!(sql(&db, "SELECT name FROM principals WHERE role = 'agent'"), [[json!("stranger")]]);
    }
}

#[test]
fn a_server_that_found_a_log_notices_it_as_well() {
    let served = Served::start();
    served.register(20);
    let written = fs::read(other(&served)).unwrap();
    let Served { directory, process, .. } = served;
    process.kill();
    let db = directory.path().join("test.db");
    assert!(fs::metadata(directory.path().join("test.db-wal")).unwrap().len() > 0);
    let mut process = Process::serve(&db, &[]);
    write_over(&db, 0, &written);
    until(|| process.has_ended());
    let (status, _, err) = process.ended();
    assert_eq!(status.code(), Some(1), "{err}");
    assert!(err.contains("was written over where it lies"), "{err}");
}

#[test]
fn a_server_that_is_told_to_stop_does_not_copy_its_log_into_what_was_written_over() {
    let served = Served::start();
    served.register(20);
    let written = fs::read(other(&served)).unwrap();
    write_over(&served.db(), 0, &written);
    let (status, ..) = served.process.terminate();
    assert_eq!(status.code(), Some(1));
    assert!(fs::read(served.directory.path().join("test.db")).unwrap().starts_with(&written));
}

#[test]
fn a_page_in_the_middle_is_enough() {
    let served = Served::start();
    served.register(20);
    write_sql(&served.db(), "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    served.agent.register(&confirmation("after"));
    write_over(&served.db(), 8192, &[7; 4096]);
    asks_in_vain(&served);
    served.ended_since("was written over where it lies");
}

#[test]
fn nothing_is_acknowledged_once_the_log_is_written_over() {
    for (is_idle, is_end) in [(false, false), (true, false), (false, true), (true, true)] {
        let served = Served::start();
        served.register(20);
        let log = served.path("test.db-wal");
        let length = fs::metadata(&log).unwrap().len();
        write_over(&log, if is_end { length - 4120 } else { 0 }, &[7; 32]);
        if !is_idle {
            asks_in_vain(&served);
        }
        let (_, directory) = served.ended_since("was written over where it lies");
        assert_eq!(left_logs(directory.path()).len(), 1);
    }
}

#[test]
fn an_idle_server_notices_that_the_index_of_its_log_was_cut_short() {
    let served = Served::start();
    served.register(20);
    File::options().write(true).open(served.path("test.db-shm")).unwrap().set_len(0).unwrap();
    let (_, directory) = served.ended_since("was cut short");
    let db = directory.path().join("test.db");
    drop(Process::serve(&db, &[]));
    assert_eq!(sql(&db, "SELECT count(*) FROM interactions"), [[json!(20)]]);
}

#[test]
fn nothing_is_acknowledged_once_another_database_or_an_earlier_state_was_restored_into_it() {
    for (is_idle, is_earlier) in [(false, false), (true, false), (false, true), (true, true)] {
        let served = Served::start();
        let source = if is_earlier {
            let copy = served.path("earlier.db");
            let mut command = countersign();
            assert!(command.arg("backup").arg(&copy).arg("--db").arg(served.db()).status().unwrap().success());
            copy
        } else {
            other(&served)
        };
        served.register(20);
        let mut target = Connection::open(served.db()).unwrap();
        let source = Connection::open(source).unwrap();
        // As `.restore` of the shell does it.
        Backup::new(&source, &mut target).unwrap().step(-1).unwrap();
        drop(target);
        if !is_idle {
            asks_in_vain(&served);
        }
        let (_, directory) = served.ended_since("another database, or an earlier state of this one");
        let db = directory.path().join("test.db");
        assert_eq!(sql(&db, "SELECT count(*) FROM interactions"), [[json!(0)]], "{is_earlier}");
        let doctor = countersign().args(["doctor", "--db"]).arg(&db).output().unwrap();
        assert!(doctor.status.success(), "{doctor:?}");
    }
}

#[test]
fn other_programs_may_write_checkpoint_and_vacuum_in_order() {
    let served = Served::start();
    for round in 0..20 {
        served.agent.register(&confirmation(&format!("a{round}")));
        let more = match round % 4 {
            0 => "PRAGMA wal_checkpoint(PASSIVE)",
            1 => "CREATE TABLE theirs (x); DROP TABLE theirs; PRAGMA wal_checkpoint(TRUNCATE)",
            2 => "VACUUM; PRAGMA wal_checkpoint(RESTART)",
            _ => "CREATE TABLE theirs (x); DROP TABLE theirs",
        };
        write_sql(&served.db(), more).unwrap();
        served.agent.register(&confirmation(&format!("b{round}")));
    }
    let (status, _, err) = served.process.terminate();
    assert_eq!(status.code(), Some(0), "{err}");
    assert_eq!(sql(&served.directory.path().join("test.db"), "SELECT count(*) FROM interactions"), [[json!(40)]]);
}

#[test]
fn no_new_database_is_made_in_place_of_one_that_is_gone() {
    let served = Served::start();
    served.register(3);
    assert_eq!(served.process.terminate().0.code(), Some(0));
    let directory = served.directory;
    let (db, kept) = (directory.path().join("test.db"), directory.path().join("kept.db"));
    let create = |db: &Path| {
        let mut command = countersign();
        command.args(["token", "create", "--name", "eve", "--role", "admin", "--db"]).arg(db);
        command
    };
    fs::rename(&db, &kept).unwrap();
    for mut command in [serve(&db), create(&db)] {
        assert!(refused(&mut command).contains("is missing or empty, and a database was there"));
        assert!(!db.exists(), "a new one was made");
    }
    fs::write(&db, "").unwrap();
    assert!(refused(&mut serve(&db)).contains("is missing or empty, and a database was there"));
    fs::rename(&kept, &db).unwrap();
    let process = Process::serve(&db, &[]);
    let asked = Client::new(&process.url, &token(&db, "reader", "auditor")).get("/v1/interactions");
    assert_eq!(asked.body["interactions"].as_array().unwrap().len(), 3);
    drop(process);
    fs::remove_file(&db).unwrap();
    fs::remove_file(directory.path().join("test.db.lock")).unwrap();
    drop(Process::serve(&db, &[]));
}
