//! The service of one user, and the manual pages: what is written, and what is called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::harness::countersign;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A home in which `systemctl` writes down how it was called, and ends with this code.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new(code: i32) -> Self {
        let home = Self { directory: TempDir::new().unwrap() };
        let systemctl = home.path().join("systemctl");
        let log = home.path().join("calls");
        fs::write(&systemctl, format!("#!/bin/sh\necho \"$@\" >> '{}'\nexit {code}\n", log.display())).unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command: Command = countersign();
        command.env("HOME", self.path()).env_remove("XDG_CONFIG_HOME").env("PATH", self.path());
        command.arg("service").args(arguments).output().unwrap()
    }

    fn unit(&self) -> Option<String> {
        fs::read_to_string(self.path().join(".config/systemd/user/countersign.service")).ok()
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

#[test]
fn an_installed_service_runs_this_program_with_the_flags_that_were_given() {
    let home = Home::new(0);
    let done = home.run(&["install", "--", "--listen", "127.0.0.1:7799", "--db", "/srv/my data/c.db"]);
    assert!(done.status.success(), "{done:?}");
    let unit = home.unit().unwrap();
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    assert!(start.ends_with("\" \"serve\" \"--listen\" \"127.0.0.1:7799\" \"--db\" \"/srv/my data/c.db\""), "{start}");
    let program = countersign().get_program().to_str().unwrap().to_owned();
    assert!(start.contains(Path::new(&program).file_name().unwrap().to_str().unwrap()), "{start}");
    let started = ["--user daemon-reload", "--user enable countersign.service", "--user restart countersign.service"];
    assert_eq!(home.calls(), started);
    assert!(home.run(&["remove"]).status.success());
    assert_eq!(
        (home.unit(), home.calls().last().unwrap().as_str()),
        (None, "--user disable --now countersign.service")
    );
    let again = home.run(&["remove"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("there is no service to remove"), "{again:?}");
}

#[test]
fn flags_that_serve_would_refuse_install_nothing() {
    let home = Home::new(0);
    let refused = home.run(&["install", "--", "--listne", "127.0.0.1:7799"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(stderr(&refused).contains("--listne"), "{refused:?}");
    assert_eq!((home.unit(), home.calls()), (None, Vec::new()));
}

#[test]
fn without_a_start_the_file_is_written_and_nothing_is_called() {
    let home = Home::new(0);
    let done = home.run(&["install", "--no-start"]);
    assert!(done.status.success(), "{done:?}");
    assert!(String::from_utf8(done.stdout).unwrap().contains("systemctl --user daemon-reload && "));
    assert_eq!(home.unit().unwrap(), String::from_utf8(home.run(&["print"]).stdout).unwrap());
    assert_eq!(home.calls(), Vec::<String>::new());
}

#[test]
fn a_manager_that_fails_is_told_of_with_the_command_that_failed() {
    let home = Home::new(3);
    let failed = home.run(&["install"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr(&failed).contains("`systemctl --user daemon-reload` failed"), "{failed:?}");
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = TempDir::new().unwrap();
    let pages = directory.path().join("man1");
    assert!(countersign().arg("manual").arg(&pages).status().unwrap().success());
    let names = fs::read_dir(&pages).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    for name in ["countersign.1", "countersign-serve.1", "countersign-approve.1", "countersign-rules-import.1"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let serve = fs::read_to_string(pages.join("countersign-serve.1")).unwrap();
    assert!(serve.contains("no\\-first\\-tokens"), "{serve}");
    let refused = countersign().arg("manual").arg("/dev/null/man").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("/dev/null/man"), "{refused:?}");
}
