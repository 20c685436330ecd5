//! Commands that are killed by the system call: `strace` has the kernel do it in place of the N-th write or sync.

use std::process::{Command, Stdio};

use super::countersign;

/// What changes a file, or has it reach the disk.
pub(crate) const WRITES: [&str; 6] = ["pwrite64", "write", "fdatasync", "fsync", "ftruncate", "rename"];

/// Whether `strace` is here and may trace.
pub(crate) fn can_kill() -> bool {
    Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

/// Runs the real binary with these arguments, killed at its `nth` call of `call`; whether it ended by itself.
pub(crate) fn survives(call: &str, nth: u32, arguments: &[&str]) -> bool {
    let program = countersign().get_program().to_owned();
    let inject = format!("inject={call}:signal=KILL:when={nth}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", &inject]).arg(program).args(arguments);
    let output = strace.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success() || output.stderr.is_empty(), "{output:?}");
    output.status.success()
}
