//! The real binary under strace: the calls of its threads are written down in the order in which they happen, or made to
//! fail.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::until;

/// Why nothing can be traced here, if it cannot.
pub(crate) fn missing() -> Option<String> {
    let tried = Command::new("strace").args(["-D", "-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => None,
        Ok(_) => Some("strace may not trace here".to_owned()),
        Err(_) => Some("strace is not here".to_owned()),
    }
}

/// Stops at the calls that are traced only. A signal that is to be injected would be lost there.
pub(crate) const FAST: &str = "--seccomp-bpf";

/// The command line of the real binary under strace, which writes to `trace`. The process is the binary's own: its tracer
/// is beside it.
pub(crate) fn countersign<A: AsRef<OsStr>>(trace: &Path, options: &[&str], arguments: &[A]) -> Command {
    let mut command = Command::new("strace");
    command
        .env_clear()
        .env("COUNTERSIGN_CREDENTIALS_FILE", "none")
        .args(["-D", "-f", "-q", "-o"])
        .arg(trace)
        .args(options);
    command.arg(env!("CARGO_BIN_EXE_countersign")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The same, for the server on `db`.
pub(crate) fn serve(db: &Path, trace: &Path, options: &[&str]) -> Command {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--db"].map(OsStr::new);
    countersign(trace, options, &[&arguments[..], &[db.as_os_str()]].concat())
}

/// The same, where only what is done to the database and its log counts: not the memory that its readers share, which is
/// made before anything is served.
pub(crate) fn serve_watched(db: &Path, trace: &Path, options: &[&str]) -> Command {
    let log = format!("{}-wal", db.display());
    let watched = ["-P", db.to_str().unwrap(), "-P", &log];
    serve(db, trace, &[&watched, options].concat())
}

/// What a trace says, once the end of `process` is written down in it: only then is it whole.
pub(crate) fn whole(trace: &Path, process: u32) -> String {
    let process = process.to_string();
    let is_end = |line: &str| {
        line.split_once(' ').is_some_and(|(of, said)| of == process && said.trim_start().starts_with("+++"))
    };
    until(|| {
        let mut file = File::open(trace).unwrap();
        let length = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(length.saturating_sub(400))).unwrap();
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).unwrap();
        let tail = String::from_utf8_lossy(&tail);
        tail.lines().any(is_end)
    });
    fs::read_to_string(trace).unwrap()
}

/// How often the thread that made the call `name` most often made it: strace counts for each thread by itself.
pub(crate) fn most_by_one_thread(trace: &str, name: &str) -> usize {
    let call = format!("{name}(");
    let mut counts = std::collections::HashMap::<&str, usize>::new();
    for (thread, said) in trace.lines().filter_map(|line| line.split_once(' ')) {
        if said.trim_start().starts_with(&call) {
            *counts.entry(thread).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or_default()
}
