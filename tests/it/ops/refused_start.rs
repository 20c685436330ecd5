//! What the server does not start on: it says why in one sentence, and leaves every byte as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::outside::{refused, write_sql};
use crate::harness::{Client, Process, confirmation, countersign, secret, sql, token};

/// A folder with a database that was served and closed well, holding enough to fill some pages.
fn closed() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let (agent, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let process = Process::serve(&db, &[]);
    let [agent, ada] = [agent, ada].map(|token| Client::new(&process.url, &token));
    for number in 0..60 {
        agent.register(&confirmation(&format!("c{number}")));
    }
    agent.register(&secret("s"));
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "hush"})).expect(200);
    assert_eq!(process.terminate().0.code(), Some(0));
    (directory, db)
}

/// Tries to serve and to make a token; the server's sentence. The file has to stay as it is.
#[track_caller]
fn refuses(db: &Path) -> String {
    let before = fs::read(db).ok();
    let sentence = refused(countersign().args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(db));
    assert!(sentence.contains(db.to_str().unwrap()), "it does not say which file: {sentence}");
    assert!(fs::read(db).ok() == before, "the file was changed: {sentence}");
    refused(countersign().args(["token", "create", "--name", "x", "--role", "agent", "--db"]).arg(db));
    assert!(fs::read(db).ok() == before, "the file was changed by token create");
    sentence
}

#[test]
fn a_second_server_on_the_same_file_does_not_start_and_the_first_goes_on() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let agent = token(&db, "builder", "agent");
    let first = Process::serve(&db, &[]);
    let client = Client::new(&first.url, &agent);
    client.register(&confirmation("c1"));
    let sentence = refused(countersign().args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(&db));
    assert!(sentence.contains("another countersign server"), "{sentence}");
    client.register(&confirmation("c2"));
    first.kill();
    let second = Process::serve(&db, &[]);
    let client = Client::new(&second.url, &agent);
    assert_eq!(
        (client.look("c1")["status"].clone(), client.look("c2")["status"].clone()),
        (json!("pending"), json!("pending"))
    );
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    token(&db, "builder", "agent");
    let first = Process::serve(&db, &[]);
    let address = first.url.strip_prefix("http://").unwrap();
    let other = directory.path().join("other.db");
    let sentence = refused(countersign().args(["serve", "--listen", address, "--db"]).arg(other));
    assert!(sentence.contains(address) && sentence.contains("another --listen"), "{sentence}");
}

#[test]
fn a_database_that_is_not_there_is_named_with_what_to_do() {
    let directory = TempDir::new().unwrap();
    let (db, file) = (directory.path().join("missing.db"), directory.path().join("file"));
    for command in [&["doctor"][..], &["audit", "verify"], &["audit", "head"], &["token", "list"], &["backup", "copy"]]
    {
        let sentence = refused(countersign().args(command).arg("--db").arg(&db).current_dir(&directory));
        assert!(sentence.contains(&format!("there is no database {}", db.display())), "{sentence}");
        assert!(sentence.contains("--db") && !sentence.contains("os error"), "{sentence}");
    }
    fs::write(&file, "no directory").unwrap();
    for below in ["test.db", "deeper/test.db"] {
        let path = file.join(below);
        let sentence = refused(countersign().args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(&path));
        assert!(sentence.contains(path.parent().unwrap().to_str().unwrap()), "{sentence}");
        assert!(sentence.contains("a file is in its place") && sentence.contains("--db"), "{sentence}");
    }
    token(&db, "builder", "agent");
    let nowhere = directory.path().join("nowhere");
    for to in [nowhere.join("copy.db"), nowhere.clone()] {
        let keep = if to == nowhere { &["--keep", "2"][..] } else { &[] };
        let sentence = refused(countersign().arg("backup").arg(&to).args(keep).arg("--db").arg(&db));
        assert!(sentence.contains(&format!("there is no directory {}", nowhere.display())), "{sentence}");
    }
}

#[test]
fn what_is_no_database_of_ours_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("garbage"), "this is a text, and rather a long one\n".repeat(200)).unwrap();
    fs::write(path("short"), "x").unwrap();
    write_sql(&path("other"), "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')").unwrap();
    write_sql(&path("wal"), "PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)").unwrap();
    fs::create_dir(path("directory")).unwrap();
    for name in ["garbage", "short", "other", "wal", "directory"] {
        let sentence = refuses(&path(name));
        assert!(sentence.contains("is not a countersign database"), "{name}: {sentence}");
    }
    assert_eq!(sql(&path("other"), "SELECT * FROM bookmarks"), [[json!("x")]]);
    assert!(path("directory").is_dir());
}

/// A database with some of its bytes turned round.
fn damaged(whole: &[u8], bytes: std::ops::Range<usize>) -> Vec<u8> {
    let mut damaged = whole.to_vec();
    damaged[bytes].iter_mut().for_each(|byte| *byte ^= 0xFF);
    damaged
}

#[test]
fn a_database_that_is_cut_short_or_overwritten_is_refused() {
    let (directory, db) = closed();
    let whole = fs::read(&db).unwrap();
    let page = usize::try_from(sql(&db, "PRAGMA page_size")[0][0].as_u64().unwrap()).unwrap();
    let mut damages = vec![
        ("half".to_owned(), whole[..whole.len() / 2 / page * page].to_vec()),
        ("without_its_last_bytes".to_owned(), whole[..whole.len() - page / 2].to_vec()),
    ];
    // SQLite keeps no checksums: what it can see is a page, a row or a value that cannot be. Rows are packed so densely
    // that no 256 bytes in the middle of them can all be text.
    let rows = "SELECT pageno FROM dbstat WHERE pagetype = 'leaf' AND unused < 1200 AND name IN ('interactions', 'audit_events', 'interaction_bodies')";
    for number in sql(&db, rows).concat() {
        let start = (usize::try_from(number.as_u64().unwrap()).unwrap() - 1) * page;
        damages.push((format!("head_at_{start}"), damaged(&whole, start + 1..start + 8)));
        damages.push((format!("cell_pointers_at_{start}"), damaged(&whole, start + 8..start + 40)));
        damages.push((format!("middle_at_{start}"), damaged(&whole, start + page / 2..start + page / 2 + 256)));
    }
    assert!(damages.len() > 10, "there is too little in it to be damaged");
    for (what, bytes) in damages {
        let copy = directory.path().join(what);
        fs::write(&copy, bytes).unwrap();
        let sentence = refuses(&copy);
        assert!(sentence.contains("is damaged"), "{sentence}");
    }
}

#[test]
fn a_read_only_file_is_refused_also_by_root() {
    let (_directory, db) = closed();
    fs::set_permissions(&db, fs::Permissions::from_mode(0o400)).unwrap();
    let sentence = refuses(&db);
    assert!(sentence.contains("read-only"), "{sentence}");
}

#[test]
fn a_database_of_a_later_version_is_refused() {
    let (_directory, db) = closed();
    write_sql(&db, "INSERT INTO refinery_schema_history SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1").unwrap();
    let sentence = refuses(&db);
    assert!(sentence.contains("99") && sentence.contains("newer"), "{sentence}");
}

#[test]
fn a_key_that_others_can_read_or_that_is_no_key_or_not_the_key_is_refused() {
    let (directory, db) = closed();
    let key = directory.path().join("test.db.key");
    let good = fs::read(&key).unwrap();
    let other = "0".repeat(64);
    for (what, content, mode, named) in [
        ("readable by the group", good.as_slice(), 0o640, "chmod 600"),
        ("readable by all", &good, 0o604, "chmod 600"),
        ("no key", b"secret", 0o600, "64 hexadecimal digits"),
        ("empty", b"", 0o600, "64 hexadecimal digits"),
        ("another key", other.as_bytes(), 0o600, "not the one that sealed"),
    ] {
        fs::write(&key, content).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let sentence = refuses_key(&db, &key);
        assert!(sentence.contains(named), "{what}: {sentence}");
        assert_eq!(fs::read(&key).unwrap(), content, "{what}");
    }
    fs::remove_file(&key).unwrap();
    refuses_key(&db, &key);
    assert!(!key.exists(), "a new key would open none of the secrets that are there");
    fs::write(&key, good).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    drop(Process::serve(&db, &[]));
}

/// The key is the server's affair alone: tokens can be made without it.
#[track_caller]
fn refuses_key(db: &Path, key: &Path) -> String {
    let before = fs::read(db).unwrap();
    let sentence = refused(countersign().args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(db));
    assert!(sentence.contains(key.to_str().unwrap()), "{sentence}");
    assert!(fs::read(db).unwrap() == before, "the file was changed: {sentence}");
    sentence
}
