//! The interface is what its description says: schemathesis makes requests from the server's own OpenAPI document, right and
//! wrong ones, and holds every answer against it, with all of its checks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Database, Process, token};
use crate::run::{Found, Run};

/// The version that the figures are of.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Where it is kept between runs.
fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(SCHEMATHESIS)
}

/// The program, installed into a directory of its own where it is not there yet.
fn installed() -> Option<PathBuf> {
    let program = home().join("bin/schemathesis");
    let quietly = |command: &mut Command| {
        let run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    let there = || quietly(Command::new(&program).arg("--version"));
    let install = || {
        quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home()))
            && quietly(Command::new(home().join("bin/pip")).args(["install", SCHEMATHESIS]))
    };
    (there() || (install() && there())).then_some(program)
}

pub(crate) fn prove(run: &Run) -> Found {
    let Some(program) = installed() else {
        return Found::Skipped(format!("{SCHEMATHESIS} is not here and could not be installed"));
    };
    let db = Database::new();
    let admin = token(&db, "root", "admin");
    // One principal does everything, so that requests get past who may do what.
    let process = Process::serve(&db, &["--allow-self-approval", "--log", "error"]);
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proofs/interface/schemathesis.toml");
    let mut command = Command::new(program);
    command.args(["--config-file", config, "run", "--no-color", "--checks", "all"]);
    // DELETE revokes a rule, and the row stays to be read. Said here, since `--checks` overrides the file.
    command.args(["--exclude-checks", "use_after_free", "--header"]);
    command.arg(format!("Authorization: Bearer {admin}"));
    command.args(["--seed", &run.seed.to_string(), "--max-examples", run.amount("5", "200")]);
    command.args(["--phases", run.amount("coverage,fuzzing", "coverage,fuzzing,stateful")]);
    command.arg(format!("{}/openapi.json", process.url)).current_dir(db.folder());
    let done = command.output().unwrap();
    let report = String::from_utf8_lossy(&done.stdout);
    let (ended, _, log) = process.terminate();
    assert!(done.status.success(), "{report}{}", String::from_utf8_lossy(&done.stderr));
    assert!(ended.success() && log.is_empty(), "{log}");
    let figure = |name: &str| {
        let line = report.lines().map(str::trim).find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("it said nothing of {name:?}: {report}")).trim().to_owned()
    };
    let cases = report.lines().map(str::trim).find(|line| line.contains(" generated,")).unwrap().to_owned();
    Found::Held(vec![("operations", figure("Tested:")), ("test cases", cases), ("failures", "0".to_owned())])
}
