//! `countersign rules`: rules as code, with the real binary.

mod examples;
mod importing;
mod refusing;
mod revisions;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Database, countersign, sql, token};

/// A folder with a database in it that knows ada, who approves.
struct Place {
    db: Database,
}

impl Place {
    fn new() -> Self {
        let db = Database::new();
        token(&db, "ada", "approver");
        Self { db }
    }

    /// A file with these rules.
    fn file(&self, text: &str) -> PathBuf {
        let path = self.db.folder().join("rules.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `rules import`, by ada, of a file with these rules.
    fn import(&self, text: &str, flags: &[&str]) -> Command {
        let mut command = countersign();
        command.args(["rules", "import"]).arg(self.file(text)).args(["--by", "ada"]).args(flags).arg("--db");
        command.arg(&self.db);
        command
    }

    /// What an import says that succeeds.
    #[track_caller]
    fn imported(&self, text: &str, flags: &[&str]) -> String {
        said(&mut self.import(text, flags))
    }

    #[track_caller]
    fn exported(&self) -> String {
        said(countersign().args(["rules", "export", "--db"]).arg(&self.db))
    }

    fn sql(&self, query: &str) -> Vec<Vec<Value>> {
        sql(&self.db, query)
    }

    /// Every revision of every rule, in the order of their making.
    fn rows(&self) -> Vec<Vec<Value>> {
        self.sql("SELECT name, revision, status, pattern, created_by, revoked_by FROM trust_rules ORDER BY rule_number")
    }

    /// Everything that must be the same when nothing has changed.
    fn picture(&self) -> Vec<Vec<Value>> {
        let tables = ["SELECT rule_id, status, revision, use_count FROM trust_rules", "SELECT * FROM audit_events"];
        tables.iter().flat_map(|query| self.sql(query)).collect()
    }
}

/// What a command that succeeds says on stdout.
#[track_caller]
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that reads `text` from stdin.
fn fed(command: &mut Command, text: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A rule that allows `pattern` to the tool `shell`, with whatever else.
fn allowing(name: &str, pattern: &str, more: &str) -> String {
    format!(
        "[[rule]]\nname = {name:?}\ntool_name = \"shell\"\npattern = {pattern:?}\nscope = \"everywhere\"\n\
         decision = \"allow\"\n{more}\n"
    )
}

/// A row of [`Place::rows`] of a rule that ada made.
fn row(name: &str, revision: u64, status: &str, pattern: &str) -> Vec<Value> {
    let revoked_by = if status == "revoked" { json!("ada") } else { Value::Null };
    vec![json!(name), json!(revision), json!(status), json!(pattern), json!("ada"), revoked_by]
}

/// Whether a folder has nothing in it.
fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
