//! The answer of a hook: JSON on stdout, else a denial by exit code 2 with a sentence on stderr.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde_json::json;

use crate::domain::tool_call::Denial;

/// What a hook has to say.
#[derive(Debug)]
pub(super) enum Said {
    /// Nothing: the event asks nothing.
    Nothing,
    /// This, in the client's own shape.
    Answer(String),
    /// That it is denied, where the client's own shape is not known.
    Denied(Denial),
}

/// Every client reads this exit code as a denial, where there is a sentence on stderr.
const DENIED: u8 = 2;

pub(super) fn say(said: &Said) -> ExitCode {
    match said {
        Said::Nothing => ExitCode::SUCCESS,
        Said::Answer(json) => match print(json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&Denial::Refused { why: format!("the answer cannot be written: {error}") }),
        },
        Said::Denied(denial) => refuse(denial),
    }
}

/// Denies by exit code; where no sentence can be written on stderr, which some clients take for no denial, on stdout as well.
pub(super) fn refuse(denial: &Denial) -> ExitCode {
    let sentence = denial.to_string();
    let mut stderr = io::stderr();
    let written = is_read(stderr.as_fd()).and_then(|()| writeln!(stderr, "{sentence}"));
    if written.is_err() {
        // The denial of every client at once.
        let nested =
            json!({"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": sentence});
        let all = json!({
            "decision": "deny", "reason": sentence, "permission": "deny", "permissionDecision": "deny",
            "permissionDecisionReason": sentence, "behavior": "deny", "message": sentence, "hookSpecificOutput": nested,
        });
        // There is no other way left.
        let _ = print(&all.to_string());
    }
    ExitCode::from(DENIED)
}

fn print(json: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    is_read(stdout.as_fd())?;
    stdout.write_all(json.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Returns when nobody reads stdout any more: the client is gone. A file, or the null device, is for ever.
pub(super) fn until_unread() -> io::Result<()> {
    let stdout = io::stdout();
    let mut stream = [PollFd::new(&stdout, PollFlags::empty())];
    loop {
        match poll(&mut stream, None) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// An error where this is the null device: that is opened in the place of a stream that is closed.
fn is_read(stream: BorrowedFd<'_>) -> io::Result<()> {
    let null = fs::metadata("/dev/null").map(|null| null.rdev()).ok();
    let device = File::from(stream.try_clone_to_owned()?).metadata()?.rdev();
    if device != 0 && Some(device) == null { Err(io::Error::other("it is the null device")) } else { Ok(()) }
}
