//! How a database of PostgreSQL is named, and that its password is nowhere to be seen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::server::{misused, said};
use crate::harness::countersign;
use crate::harness::outside::refused;

/// Nothing listens there.
const NOWHERE: &str = "postgres://ada:hush@127.0.0.1:1/inbox";

fn set_mode(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_password_on_the_command_line_is_refused_and_nothing_shows_one() {
    for url in [NOWHERE, "postgresql://127.0.0.1:1/inbox?user=ada&password=hush"] {
        let why = misused(countersign().args(["token", "list", "--db", url]));
        assert!(why.contains("can be read by other users") && !why.contains("hush"), "{why}");
    }
    for url in
        ["postgres://ada:hu/sh@h/inbox", "postgres://ada:hush@h/inbox?nothing=hush", "postgres://ada:hush@h:hush/inbox"]
    {
        for command in
            [countersign().args(["doctor", "--db", url]), countersign().arg("doctor").env("COUNTERSIGN_DB", url)]
        {
            let why = misused(command);
            assert!(!why.contains("sh@") && !why.contains("hush"), "{why}");
        }
    }
    let why = refused(countersign().args(["audit", "head"]).env("COUNTERSIGN_DB", NOWHERE));
    assert!(why.contains("postgres://127.0.0.1:1/inbox cannot be reached: nothing listens there"), "{why}");
    let help = said(countersign().args(["audit", "head", "--help"]).env("COUNTERSIGN_DB", NOWHERE));
    assert!(!help.contains("hush"), "{help}");
}

/// What nearly is a URL would be a file of that name, in a directory of that name, and both would say the password.
#[test]
fn what_is_meant_as_a_url_and_is_none_is_refused_and_nothing_shows_it() {
    let folder = TempDir::new().unwrap();
    for meant in [
        "postgress://ada:hush@h/inbox",
        "POSTGRES://ada:hush@h/inbox",
        " postgres://ada:hush@h/inbox",
        "\"postgres://ada:hush@h/inbox\"",
        "jdbc:postgresql://h/inbox?password=hush",
        "mysql://ada:hush@h/inbox",
        "host=h user=ada password=hush dbname=inbox",
        "dbname=inbox  password='hush'",
    ] {
        let mut by_flag = countersign();
        by_flag.args(["token", "create", "ada", "--role", "approver", "--db", meant]);
        let mut by_variable = countersign();
        by_variable.args(["serve", "--listen", "127.0.0.1:0"]).env("COUNTERSIGN_DB", meant);
        for mut command in [by_flag, by_variable] {
            let why = misused(command.current_dir(&folder));
            assert!(why.contains("no URL that begins with postgres://") && !why.contains("hush"), "{why}");
        }
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    // A path may have about anything in it.
    let path = folder.path().join("host user=ada, a:b.db");
    said(countersign().args(["token", "create", "ada", "--role", "approver", "--db"]).arg(&path));
    assert!(path.exists());
}

#[test]
fn of_several_hosts_each_is_told_with_its_own_reason() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().display().to_string().replace('/', "%2F");
    for (hosts, expected) in [
        (format!("127.0.0.1:1,{socket}"), ["127.0.0.1: nothing listens there", "there is no socket of PostgreSQL"]),
        (format!("{socket},127.0.0.1:1"), ["there is no socket of PostgreSQL", "127.0.0.1: nothing listens there"]),
    ] {
        let why = refused(countersign().args(["audit", "head", "--db", &format!("postgres://{hosts}/inbox")]));
        let [first, second] = expected.map(|reason| why.find(reason).unwrap_or_else(|| panic!("{reason}: {why}")));
        assert!(first < second, "{why}");
    }
}

#[test]
fn a_url_comes_from_a_file_that_only_its_owner_can_read() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("url");
    fs::write(&file, format!("{NOWHERE}\n")).unwrap();
    set_mode(&file, 0o640);
    let head = || {
        let mut command = countersign();
        command.args(["audit", "head"]).current_dir(&folder);
        command
    };
    let why = refused(head().arg("--db-url-file").arg(&file));
    assert!(why.contains("chmod 600"), "{why}");
    set_mode(&file, 0o600);
    let reached = |why: String| assert!(why.contains("nothing listens there") && !why.contains("hush"), "{why}");
    reached(refused(head().arg("--db-url-file").arg(&file)));
    reached(refused(head().env("COUNTERSIGN_DB_URL_FILE", &file)));
    // A flag is stronger than the variable of the other one.
    reached(refused(head().arg("--db-url-file").arg(&file).env("COUNTERSIGN_DB", "other.db")));
    let why = refused(head().args(["--db", "other.db"]).env("COUNTERSIGN_DB_URL_FILE", &file));
    assert!(why.contains("there is no database") && why.contains("other.db"), "{why}");
    misused(head().args(["--db", "other.db"]).arg("--db-url-file").arg(&file));
    misused(head().env("COUNTERSIGN_DB", "other.db").env("COUNTERSIGN_DB_URL_FILE", &file));
    fs::write(&file, "other.db\n").unwrap();
    let why = refused(head().arg("--db-url-file").arg(&file));
    assert!(why.contains("holds no URL of PostgreSQL"), "{why}");
}

#[test]
fn a_path_may_begin_like_a_url() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("postgres:")).unwrap();
    let path = "./postgres://test.db";
    said(countersign().args(["token", "create", "ada", "--role", "approver", "--db", path]).current_dir(&folder));
    assert!(folder.path().join("postgres:/test.db").exists());
}

#[test]
fn what_only_a_file_has_is_asked_for_in_a_sentence() {
    let url = "postgres://ada@127.0.0.1:1/inbox";
    for command in [&["serve"][..], &["key", "rotate"]] {
        let why = refused(countersign().args(command).args(["--db", url]));
        assert!(why.contains("--key-file") && why.contains("the same for every server"), "{why}");
    }
    let why = misused(countersign().args(["backup", "copy", "--db", url]));
    assert!(why.contains("pg_basebackup") && why.contains("countersign export"), "{why}");
}
